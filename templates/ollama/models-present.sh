#!/bin/sh
# Readiness: succeeds only when the API answers and lists every expected model, and the files of each are there. Runs in
# the ollama/ollama image, in the server's own container or in one of the same pod; needs verify-models.sh beside it.
#
# Environment:
#   MODELS                 model references, separated by white space (required)
#   MODELS_DIR             the folder that the server reads, with blobs/ and manifests/ (required)
#   RECORD                 the record of the release, with the checksums of its manifests (default none)
#   OLLAMA_HOST            the server (default 127.0.0.1:11434)
#   PROBE_TIMEOUT_SECONDS  bound for the question to the API, and once more for the look at the files (default 3); the
#                          probe's timeoutSeconds has to be longer than both together
#
# Exit: 0 ready; 1 not ready, with the reason on standard error; 64 wrong environment.
#
# "GET /" answers as soon as the server listens, even over an empty folder: without this check a pod without a single
# model receives traffic. The list is no proof either, because it names a model whose weights are gone. A probe runs every
# few seconds and must load no model, so sizes are compared, and manifests with the record, but no blob is read.
set -eu

MODELS=${MODELS:-}
MODELS_DIR=${MODELS_DIR:-}
PROBE_TIMEOUT_SECONDS=${PROBE_TIMEOUT_SECONDS:-3}
# The CLI panics without a home folder.
HOME=${HOME:-/tmp}
export HOME MODELS MODELS_DIR

case $0 in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac

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
[ -n "$MODELS_DIR" ] || fail 64 "MODELS_DIR is not set; give the folder that the server reads"
set -f
# shellcheck disable=SC2086 # split on white space on purpose; set -f keeps the shell from expanding anything in it
set -- $MODELS
[ $# -gt 0 ] || fail 64 "MODELS is empty; name the models that this server has to have"

if ! present=$(timeout "$PROBE_TIMEOUT_SECONDS" ollama list 2>&1); then
  # Something else on this port may answer with a whole page.
  fail 1 "no answer from the API within $PROBE_TIMEOUT_SECONDS s: $(printf '%s' "${present:-no message}" | tr -s '[:space:]' ' ' | cut -c 1-200)"
fi
present=$(printf '%s\n' "$present" | sed -e 1d -e 's/[[:space:]].*//' | tr '[:upper:]' '[:lower:]')
missing=
for model in "$@"; do
  printf '%s\n' "$present" | grep -Fxq "$(listed_name "$model")" || missing="$missing $model"
done
[ -z "$missing" ] || fail 1 "the server lacks:$missing"

code=0
files=$(SCOPE=models VERIFY=size timeout "$PROBE_TIMEOUT_SECONDS" sh "$here/verify-models.sh" 2>&1 >/dev/null) || code=$?
files=$(printf '%s' "$files" | sed 's/^verify-models: //')
case $code in
  0) ;;
  1) fail 1 "$files" ;;
  124) fail 1 "the files in $MODELS_DIR could not be looked at within $PROBE_TIMEOUT_SECONDS s; does the NFS server answer?" ;;
  *) fail 1 "the files in $MODELS_DIR could not be looked at (exit $code): $files" ;;
esac
