#!/bin/sh
# Brings the models of a running Ollama to the listed ones: pulls what is absent or damaged, proves the result, and
# removes the rest when asked to. Runs in the ollama/ollama image (dash, coreutils, findutils, grep, sed) as a Job beside
# the server; needs verify-models.sh beside it, and the folder of the models, which it only reads.
#
# Environment:
#   OLLAMA_HOST      the server, for example http://ollama.ml.svc:11434 (required)
#   MODELS_DIR       the server's folder of models, with blobs/ and manifests/ once it has one (required)
#   MODELS           model references, separated by white space (required)
#   VERIFY           sha256: prove every blob of MODELS by its checksum (default); size: only by its size
#   REMOVE_UNLISTED  true: afterwards remove every model of the server that MODELS does not name (default false)
#   PULL_ALWAYS      true: pull models that are already there, too (default false)
#   PULL_ATTEMPTS    pulls of one model before giving up, at least 1 (default 3); also how often the server may go away
#                    during the pulls of one model
#   WAIT_SECONDS     how long the API may take to answer, at the start and whenever it goes away (default 300)
#   POLL_SECONDS     pause between two looks at the API (default 2)
#   ANSWER_SECONDS   how long one look may take (default 10)
#   RETRY_SECONDS    pause before another pull of the same model (default 10)
#
# Exit: 0 done; 2 the API did not answer, or went away; 3 a model could not be pulled; 4 a model is not intact, and a pull
#       does not mend it; 5 an unlisted model could not be removed; 6 the volume of the models is full; 7 the folder of the
#       models cannot be read; 64 wrong environment; 143 ended by a signal; anything else is unexpected.
#
# A model that is present and intact is left alone unless PULL_ALWAYS=true: a tag may have moved at the registry, and
# adding one model to the list must not silently exchange another, nor need the registry for what is already there.
set -eu

MODELS_DIR=${MODELS_DIR:-}
MODELS=${MODELS:-}
VERIFY=${VERIFY:-sha256}
REMOVE_UNLISTED=${REMOVE_UNLISTED:-false}
PULL_ALWAYS=${PULL_ALWAYS:-false}
PULL_ATTEMPTS=${PULL_ATTEMPTS:-3}
WAIT_SECONDS=${WAIT_SECONDS:-300}
POLL_SECONDS=${POLL_SECONDS:-2}
ANSWER_SECONDS=${ANSWER_SECONDS:-10}
RETRY_SECONDS=${RETRY_SECONDS:-10}
# The CLI panics without a home folder, and a container that runs as an unknown user may have none.
HOME=${HOME:-/tmp}
export HOME

case $0 in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac
newline='
'
scratch=
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
finish() {
  code=$?
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

check_environment() {
  [ -n "${OLLAMA_HOST:-}" ] || die 64 "OLLAMA_HOST is not set; give the URL of the server, for example http://ollama.ml.svc:11434"
  [ -n "$MODELS_DIR" ] || die 64 "MODELS_DIR is not set; give the folder of the server's models"
  case $VERIFY in
    sha256 | size) ;;
    *) die 64 "VERIFY is '$VERIFY'; give sha256 or size" ;;
  esac
  for pair in "PULL_ATTEMPTS=$PULL_ATTEMPTS" "WAIT_SECONDS=$WAIT_SECONDS"; do
    case ${pair#*=} in
      '' | *[!0-9]*) die 64 "${pair%%=*} is '${pair#*=}'; give a whole number" ;;
    esac
  done
  [ "$PULL_ATTEMPTS" -ge 1 ] || die 64 "PULL_ATTEMPTS is $PULL_ATTEMPTS; give 1 or more"
  for pair in "POLL_SECONDS=$POLL_SECONDS" "ANSWER_SECONDS=$ANSWER_SECONDS" "RETRY_SECONDS=$RETRY_SECONDS"; do
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
  MODELS=${MODELS#"$newline"}
  # An empty list together with REMOVE_UNLISTED would remove every model there is.
  [ -n "$MODELS" ] || die 64 "MODELS is empty; name at least one model, for example llama3.2:1b"
  # Lengths apart: a host has at most 350 characters, every other part 80, and grep takes ten times as long to count them.
  part='[A-Za-z0-9_][A-Za-z0-9_.-]*'
  reference="^(([A-Za-z0-9_][A-Za-z0-9_.:-]*/)?[A-Za-z0-9_][A-Za-z0-9_-]*/)?$part(:$part)?\$"
  wrong=$(printf '%s\n' "$MODELS" | grep -Evm 1 "$reference" || true)
  [ -n "$wrong" ] || for model in $MODELS; do
    case $model in
      */*/*) host=${model%%/*} rest=${model#*/} ;;
      *) host='' rest=$model ;;
    esac
    namespace=${rest%/*} tag=${rest##*:} name=${rest##*/}
    [ "$namespace" != "$rest" ] || namespace=
    name=${name%:*}
    [ "$tag" != "$rest" ] || tag=
    if [ ${#host} -gt 350 ] || [ ${#namespace} -gt 80 ] || [ ${#name} -gt 80 ] || [ ${#tag} -gt 80 ]; then wrong=$model; fi
  done
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

# One try is bounded too: a Service without endpoints may swallow packets instead of refusing them.
api_answers() { problem=$(timeout "$ANSWER_SECONDS" ollama list 2>&1 >/dev/null); }
# Something else on this port may answer with a whole page.
shortly() { printf '%s' "${problem:-no message}" | tr -s '[:space:]' ' ' | cut -c 1-200; }

wait_for_api() {
  begun=$(date +%s)
  until api_answers; do
    [ $(($(date +%s) - begun)) -lt "$WAIT_SECONDS" ] ||
      die 2 "no answer from $OLLAMA_HOST within $WAIT_SECONDS s ($(shortly)); is the Ollama pod ready?"
    sleep "$POLL_SECONDS"
  done
}

verify_files() { MODELS_DIR=$MODELS_DIR MODELS=$1 SCOPE=models VERIFY=$VERIFY LAYERS=$2 exec sh "$here/verify-models.sh"; }

# The files of these models. Leaves the findings in $scratch/report, and their explanation in $scratch/words.
# $1 models; $2 "config" to compare manifests with the models' configurations
verify() {
  code=0
  run verify_files "$1" "$2" >"$scratch/report" 2>"$scratch/words" || code=$?
  case $code in
    0 | 1) ;;
    *) die 7 "the models in $MODELS_DIR could not be checked: $(tail -n 1 "$scratch/words")" ;;
  esac
  ! grep -Eq '^(stale|no-folder) ' "$scratch/report" || die 7 "$(sed 's/^verify-models: //' "$scratch/words" | tail -n 1)"
}
broken() { sed -n 's/^broken //p' "$scratch/report"; }
# What the report says, for people: in the log, or at the end of an error.
explain() { sed 's/^verify-models: /  /' "$scratch/words"; }

# A server that never had a model has no folders yet.
first_look() {
  [ -d "$MODELS_DIR" ] || [ -d "$(dirname "$MODELS_DIR")" ] || die 7 "$MODELS_DIR is not there; is it the folder of the server's models?"
  if [ -d "$MODELS_DIR/manifests" ] && [ -d "$MODELS_DIR/blobs" ]; then
    verify "$MODELS" config
    amiss=$(broken)
  else
    amiss=$MODELS
  fi
}

is_listed() { printf '%s\n' "$wanted" | grep -Fxq "$(listed_name "$1")"; }

# The models that have a blob of the report's damaged ones, each once.
damaged_models() {
  sed -n 's/^damaged sha256-//p' "$scratch/report" | while read -r blob; do
    (cd "$MODELS_DIR/manifests" && grep -rl "sha256:$blob" .) | sed -e 's|^\./||' -e 's|/\([^/]*\)$|:\1|'
  done | sort -u
}

# Ollama takes a blob that exists for a good one, and a pull keeps it. Only when the last model that names it is removed
# does the server delete it, so these models go, and the pull that follows brings them back. Each is pulled once before,
# because a model that the registry cannot give back must not go: this loads nothing that exists.
discard_damaged() {
  sharers=$(damaged_models)
  [ -n "$sharers" ] || return 0
  for model in $sharers; do
    is_listed "$model" || [ "$REMOVE_UNLISTED" = true ] ||
      die 4 "$model, which MODELS does not name, has a damaged blob too, and Ollama keeps a blob for as long as a model names it. Add the model to the list, or remove it: ollama rm $model"
  done
  for model in $sharers; do
    if is_listed "$model"; then
      say "$model: asking the registry for it, because a blob of it is damaged"
      pull "$model"
    fi
  done
  # A tag that moved, or a manifest that was wrong, names other blobs now.
  verify "$amiss" ''
  for model in $(damaged_models); do
    say "$model: removing it, because a blob of it is damaged"
    ollama rm "$model" || die 4 "$model has a damaged blob and could not be removed; see above"
  done
}

# The partial downloads whose notes are torn. A full disk or a power cut leaves these files empty, and then each pull that
# would resume the download ends with "EOF" (server/download.go, Prepare). A start of the server removes partial downloads,
# but 0.32 keeps those of the last hour.
torn_downloads() {
  for note in "$MODELS_DIR"/blobs/sha256-*-partial-*; do
    [ ! -f "$note" ] || grep -q '}' "$note" || printf '%s\n' "${note##*/}" | sed 's/-partial-.*//'
  done | sort -u
}

# The server's words are shown as they come, and kept: they tell a full disk from a wrong name.
pull_once() {
  [ -p "$scratch/pipe" ] || mkfifo "$scratch/pipe"
  tee "$scratch/said" <"$scratch/pipe" >&2 &
  echoing=$!
  code=0
  run ollama pull "$1" 2>"$scratch/pipe" || code=$?
  wait "$echoing" || true
  # 0.13 exits 0 when the server goes away in the middle (api/client.go, stream); only the last word of a pull tells.
  [ "$code" -ne 0 ] || grep -q success "$scratch/said" || code=1
  return "$code"
}

pull() {
  attempt=1
  outages=0
  until pull_once "$1"; do
    ! grep -qiE 'no space left on device|disk quota exceeded' "$scratch/said" ||
      die 6 "the volume of the models is full: $1 does not fit. Remove models, or enlarge the volume; what was loaded is kept. Models after it were not tried, none was removed"
    if ! api_answers; then
      outages=$((outages + 1))
      [ "$outages" -le "$PULL_ATTEMPTS" ] ||
        die 2 "$OLLAMA_HOST went away $outages times while $1 was pulled; look at the Ollama pod: kubectl get events, and its previous log"
      say "$1: the server went away, waiting for it"
      wait_for_api
      continue
    fi
    if [ "$attempt" -ge "$PULL_ATTEMPTS" ]; then
      torn=
      ! grep -q EOF "$scratch/said" || torn=$(torn_downloads)
      [ -z "$torn" ] ||
        die 3 "$1 could not be pulled, because the notes of a partial download are torn, and Ollama does not start it anew by itself. Remove them in the Ollama pod, then deploy again: cd /root/.ollama/models/blobs && rm $(printf '%s' "$torn" | sed 's/$/-partial*/' | tr '\n' ' ')"
      die 3 "$1 could not be pulled in $PULL_ATTEMPTS attempts; the reason is above. Models after it were not tried, none was removed"
    fi
    attempt=$((attempt + 1))
    say "$1: the pull failed, attempt $attempt of $PULL_ATTEMPTS follows in $RETRY_SECONDS s"
    sleep "$RETRY_SECONDS"
  done
}

remove_unlisted() {
  present=$(server_models) || die 5 "the list of models could not be read from $OLLAMA_HOST"
  for model in $present; do
    is_listed "$model" && continue
    say "$model: not listed any more, removing it"
    ollama rm "$model" || die 5 "$model could not be removed"
  done
}

check_environment
scratch=$(mktemp -d) || die 64 "TMPDIR is '${TMPDIR:-/tmp}', and no folder can be made there"
wanted=$(for model in $MODELS; do listed_name "$model"; done)
wait_for_api
first_look
[ -z "$amiss" ] || [ ! -s "$scratch/words" ] || explain
[ ! -f "$scratch/report" ] || discard_damaged
pulled=
for model in $MODELS; do
  if [ "$PULL_ALWAYS" = false ] && ! printf '%s\n' "$amiss" | grep -Fxq "$model"; then
    say "$model: present"
  else
    say "$model: pulling"
    pull "$model"
    pulled="$pulled $model"
  fi
done
if [ -n "$pulled" ]; then
  say "Verifying what was pulled"
  verify "$pulled" ''
  [ -z "$(broken)" ] ||
    die 4 "$(broken | tr '\n' ' ')was pulled, but is not intact: $(explain | tr '\n' ';') Look at the log of the Ollama pod, and whether $MODELS_DIR is the server's folder"
fi
present=$(server_models) || die 2 "$OLLAMA_HOST no longer answers; look at the Ollama pod"
for model in $MODELS; do
  printf '%s\n' "$present" | grep -Fxiq "$(listed_name "$model")" ||
    die 4 "$model is intact in $MODELS_DIR, but the server does not list it; is that the server's folder of models?"
done
[ "$REMOVE_UNLISTED" = false ] || remove_unlisted
say "All models are present and intact."
