#!/bin/sh
# Readiness: succeeds only when the API answers and lists every expected model. Runs in the ollama/ollama image, in the
# server's own container or in one of the same pod.
#
# Environment:
#   MODELS                 model references, separated by white space (required)
#   OLLAMA_HOST            the server (default 127.0.0.1:11434)
#   PROBE_TIMEOUT_SECONDS  bound for the one question that is asked (default 5); the probe's timeoutSeconds has to be longer
#
# Exit: 0 ready; 1 not ready, with the reason on standard error; 64 wrong environment.
#
# "GET /" answers as soon as the server listens, even over an empty folder: without this check a pod without a single
# model receives traffic. Only `ollama list` is asked, since a probe runs every few seconds and must not load a model.
set -eu

MODELS=${MODELS:-}
PROBE_TIMEOUT_SECONDS=${PROBE_TIMEOUT_SECONDS:-5}
# The CLI panics without a home folder.
HOME=${HOME:-/tmp}
export HOME

fail() {
  code=$1
  shift
  printf 'models-present: %s\n' "$*" >&2
  exit "$code"
}

# As `ollama list` prints names: see pull-models.sh.
listed_name() {
  name=$1
  case ${name##*/} in
    *:*) ;;
    *) name=$name:latest ;;
  esac
  name=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
  name=${name#registry.ollama.ai/}
  printf '%s\n' "${name#library/}"
}

case $PROBE_TIMEOUT_SECONDS in
  '' | . | *[!0-9.]* | *.*.*) fail 64 "PROBE_TIMEOUT_SECONDS is '$PROBE_TIMEOUT_SECONDS'; give a number of seconds" ;;
esac
set -f
# shellcheck disable=SC2086 # split on white space on purpose; set -f keeps the shell from expanding anything in it
set -- $MODELS
[ $# -gt 0 ] || fail 64 "MODELS is empty; name the models that this server has to have"

if ! present=$(timeout "$PROBE_TIMEOUT_SECONDS" ollama list 2>&1); then
  fail 1 "no answer from the API within $PROBE_TIMEOUT_SECONDS s: ${present:-no message}"
fi
present=$(printf '%s\n' "$present" | sed -e 1d -e 's/[[:space:]].*//' | tr '[:upper:]' '[:lower:]')
missing=
for model in "$@"; do
  printf '%s\n' "$present" | grep -Fxq "$(listed_name "$model")" || missing="$missing $model"
done
[ -z "$missing" ] || fail 1 "the server lacks:$missing"
