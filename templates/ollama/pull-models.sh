#!/bin/sh
# Brings the models of a running Ollama to the listed ones: pulls what is absent, proves the result, and removes
# the rest when asked to. Runs in the ollama/ollama image (dash, coreutils, grep, sed) as a Job beside the server.
#
# Environment:
#   OLLAMA_HOST      the server, for example http://ollama.ml.svc:11434 (required)
#   MODELS           model references, separated by white space (required)
#   REMOVE_UNLISTED  true: afterwards remove every model of the server that MODELS does not name (default false)
#   PULL_ALWAYS      true: pull models that are already there, too (default false)
#   PULL_ATTEMPTS    pulls of one model before giving up, at least 1 (default 3)
#   WAIT_SECONDS     how long the API may take to answer (default 300)
#   POLL_SECONDS     pause between two looks at the API (default 2)
#   RETRY_SECONDS    pause before another pull of the same model (default 10)
#
# Exit: 0 done; 2 the API never answered; 3 a model could not be pulled; 4 a model is not usable after its pull;
#       5 an unlisted model could not be removed; 64 wrong environment; anything else is unexpected.
#
# A model that is present is left alone unless PULL_ALWAYS=true: a tag may have moved at the registry, and adding one
# model to the list must not silently exchange another, nor need the registry for what is already there.
set -eu

MODELS=${MODELS:-}
REMOVE_UNLISTED=${REMOVE_UNLISTED:-false}
PULL_ALWAYS=${PULL_ALWAYS:-false}
PULL_ATTEMPTS=${PULL_ATTEMPTS:-3}
WAIT_SECONDS=${WAIT_SECONDS:-300}
POLL_SECONDS=${POLL_SECONDS:-2}
RETRY_SECONDS=${RETRY_SECONDS:-10}
# The CLI panics without a home folder, and a container that runs as an unknown user may have none.
HOME=${HOME:-/tmp}
export HOME

child=
say() { printf '%s\n' "$*"; }
die() {
  code=$1
  shift
  printf 'pull-models: error: %s\n' "$*" >&2
  exit "$code"
}

# A trap runs only between commands, so long commands run in the background and are waited for:
# this is what lets a deleted pod end at once.
run() {
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  child=
  return "$code"
}
stop() {
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  exit "$1"
}
trap 'stop 143' TERM
trap 'stop 130' INT

check_environment() {
  [ -n "${OLLAMA_HOST:-}" ] || die 64 "OLLAMA_HOST is not set; give the URL of the server, for example http://ollama.ml.svc:11434"
  for pair in "PULL_ATTEMPTS=$PULL_ATTEMPTS" "WAIT_SECONDS=$WAIT_SECONDS"; do
    case ${pair#*=} in
      '' | *[!0-9]*) die 64 "${pair%%=*} is '${pair#*=}'; give a whole number" ;;
    esac
  done
  [ "$PULL_ATTEMPTS" -ge 1 ] || die 64 "PULL_ATTEMPTS is $PULL_ATTEMPTS; give 1 or more"
  for pair in "POLL_SECONDS=$POLL_SECONDS" "RETRY_SECONDS=$RETRY_SECONDS"; do
    case ${pair#*=} in
      '' | . | *[!0-9.]* | *.*.*) die 64 "${pair%%=*} is '${pair#*=}'; give a number of seconds" ;;
    esac
  done
  for pair in "REMOVE_UNLISTED=$REMOVE_UNLISTED" "PULL_ALWAYS=$PULL_ALWAYS"; do
    case ${pair#*=} in
      true | false) ;;
      *) die 64 "${pair%%=*} is '${pair#*=}'; give true or false" ;;
    esac
  done
  # Checked before MODELS is ever split unquoted: what passes holds no character that a shell would expand.
  MODELS=$(printf '%s' "$MODELS" | tr -s ' \t\r\n' '\n')
  # An empty list together with REMOVE_UNLISTED would remove every model there is.
  [ -n "$MODELS" ] || die 64 "MODELS is empty; name at least one model, for example llama3.2:1b"
  part='[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}'
  reference="^(([A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}/)?[A-Za-z0-9_][A-Za-z0-9_-]{0,79}/)?$part(:$part)?\$"
  wrong=$(printf '%s\n' "$MODELS" | grep -Ev "$reference" | grep . | head -n 1 || true)
  [ -z "$wrong" ] || die 64 "MODELS names '$wrong', which is not a model reference; the form is [host/][namespace/]model[:tag]"
}

# The name as `ollama list` prints it: with a tag, without the registry and namespace that are the default, and in
# lower case, because Ollama takes two names that differ in case only for one.
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

# The first column of the table without its heading.
server_models() { ollama list | sed -e 1d -e 's/[[:space:]].*//' -e '/^$/d'; }

wait_for_api() {
  begun=$(date +%s)
  # One try is bounded too: a Service without endpoints may swallow packets instead of refusing them.
  until problem=$(timeout 10 ollama list 2>&1 >/dev/null); do
    [ $(($(date +%s) - begun)) -lt "$WAIT_SECONDS" ] ||
      die 2 "no answer from $OLLAMA_HOST within $WAIT_SECONDS s (${problem:-no message}); is the Ollama pod ready?"
    sleep "$POLL_SECONDS"
  done
}

# Listed, and with weights that the server can open: a manifest without its blobs is listed as well.
usable() {
  listed=$(server_models | grep -Fxi "$(listed_name "$1")" | head -n 1) && [ -n "$listed" ] && ollama show "$listed" >/dev/null 2>&1
}

pull() {
  attempt=1
  until run ollama pull "$1"; do
    [ "$attempt" -lt "$PULL_ATTEMPTS" ] ||
      die 3 "$1 could not be pulled in $PULL_ATTEMPTS attempts; the reason is above. Models after it were not tried, none was removed"
    attempt=$((attempt + 1))
    say "$1: the pull failed, attempt $attempt of $PULL_ATTEMPTS follows in $RETRY_SECONDS s"
    sleep "$RETRY_SECONDS"
  done
}

remove_unlisted() {
  wanted=$(for model in $MODELS; do listed_name "$model"; done)
  present=$(server_models) || die 5 "the list of models could not be read from $OLLAMA_HOST"
  for model in $present; do
    if ! printf '%s\n' "$wanted" | grep -Fxq "$(listed_name "$model")"; then
      say "$model: not listed any more, removing it"
      ollama rm "$model" || die 5 "$model could not be removed"
    fi
  done
}

check_environment
wait_for_api
for model in $MODELS; do
  if [ "$PULL_ALWAYS" = false ] && usable "$model"; then
    say "$model: present"
  else
    say "$model: pulling"
    pull "$model"
  fi
done
for model in $MODELS; do
  usable "$model" || die 4 "$model was pulled but the server does not list it or cannot open it; look at the log of the Ollama pod"
done
[ "$REMOVE_UNLISTED" = false ] || remove_unlisted
say "All models are present."
