#!/usr/bin/env bash
# Is Ollama healthy? Asks its API, looks for the models, and lets one of them answer. Needs curl and what Debian and
# Ubuntu always have; no jq. See --help.

# Called as `sh ollama-health.sh`: another shell would stop at the first array, with an exit code that means a finding here.
if [ -z "${BASH_VERSION:-}" ]; then
  command -v bash >/dev/null 2>&1 || {
    echo "ollama-health: bash is missing; install it (apt-get install bash)" >&2
    exit 64
  }
  exec bash "$0" "$@"
fi

set -euo pipefail
export LC_ALL=C

readonly EXIT_UNREACHABLE=1 EXIT_MODEL=2 EXIT_INFERENCE=3 EXIT_DEGRADED=4 EXIT_USAGE=64 EXIT_INTERNAL=70

usage() {
  cat <<'TEXT'
Usage: ollama-health.sh [--external | --internal | --endpoint URL] [options]

Where Ollama is (default: --external when OLLAMA_EXTERNAL_URL is set):
  --endpoint URL      this URL, such as https://ollama.home.example; wins over the other two
  --external          the URL in the environment variable OLLAMA_EXTERNAL_URL
  --internal          the Service of the cluster: by its name inside a pod, elsewhere through kubectl port-forward
  --namespace NAME    namespace of that Service (default ml)
  --service NAME      its name (default ollama)
  --credentials FILE  how to log in where a door asks for it: USER:PASSWORD, or a token alone, in the file's first line

What is checked:
  --model NAME        this model has to be there; repeatable. The first one also answers the prompt.
                      Default: at least one model, and the smallest answers that runs on this server and generates text.
                      A cloud model, whose prompt goes to ollama.com, answers only when it is named
  --timeout SECONDS   bound of the inference, loading the model included (default 120). The server gives up loading when
                      nobody waits any more, so it has to be longer than a load. The API itself gets at most 10
  --threshold SECONDS an inference that takes longer is degraded (default 30)

  --json              print one JSON object instead of lines for people
  -h, --help          this text

Exit: 0 healthy, 1 API unreachable, 2 model missing, 3 inference failed, 4 degraded, 64 wrong usage or a tool is missing,
70 a fault of this script, which says nothing about Ollama; 130 and 143 ended by a signal.
The first check that fails decides. A private CA: CURL_CA_BUNDLE=/path/to/ca.crt. The inference loads the model, and keeps
it in memory as long as the server is set to.
TEXT
}

misuse() {
  printf 'ollama-health: %s\nTry: %s --help\n' "$1" "$0" >&2
  exit "$EXIT_USAGE"
}

# --- what was asked for ----------------------------------------------------------------------------------------------

mode='' endpoint='' namespace=ml service=ollama credentials='' timeout=120 threshold=30 json=false
models=()
while [ $# -gt 0 ]; do
  case $1 in
    --internal | --external)
      [ -z "$mode" ] || [ "$mode" = "${1#--}" ] || misuse "--internal and --external exclude each other; give one"
      mode=${1#--}
      shift
      ;;
    --endpoint | --namespace | --service | --credentials | --model | --timeout | --threshold)
      [ -n "${2:-}" ] || misuse "$1 needs a value"
      case $1 in
        --endpoint) endpoint=$2 ;;
        --namespace) namespace=$2 ;;
        --service) service=$2 ;;
        --credentials) credentials=$2 ;;
        --model) models+=("$2") ;;
        --timeout) timeout=$2 ;;
        --threshold) threshold=$2 ;;
      esac
      shift 2
      ;;
    --json)
      json=true
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) misuse "unknown argument '$1'" ;;
  esac
done

for pair in "--timeout=$timeout" "--threshold=$threshold"; do
  [[ ${pair#*=} =~ ^[0-9]+(\.[0-9]+)?$ && ${pair#*=} =~ [1-9] ]] || misuse "${pair%%=*} is '${pair#*=}'; give a number of seconds above 0"
done
for pair in "--namespace=$namespace" "--service=$service"; do
  [[ ${pair#*=} =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || misuse "${pair%%=*} is '${pair#*=}'; give the name of a Kubernetes object"
done
part='[A-Za-z0-9_][A-Za-z0-9_.-]*'
for model in ${models[@]+"${models[@]}"}; do
  [[ $model =~ ^(([A-Za-z0-9_][A-Za-z0-9_.:-]*/)?[A-Za-z0-9_][A-Za-z0-9_-]*/)?$part(:$part)?$ ]] ||
    misuse "--model is '$model'; the form is [host/][namespace/]model[:tag]"
done
for tool in curl awk grep sed tr mktemp; do
  command -v "$tool" >/dev/null || misuse "$tool is missing; install it (apt-get install $tool)"
done

if [ -n "$endpoint" ]; then
  mode=endpoint
elif [ "$mode" != internal ]; then
  endpoint=${OLLAMA_EXTERNAL_URL:-}
  if [ -z "$endpoint" ]; then
    [ "$mode" = external ] && misuse "--external needs the URL in OLLAMA_EXTERNAL_URL; set it, or give --endpoint URL"
    misuse "where is Ollama? Give --endpoint URL or --internal, or set OLLAMA_EXTERNAL_URL"
  fi
  mode=external
elif [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then
  endpoint=http://$service.$namespace.svc:11434
else
  command -v kubectl >/dev/null || misuse "--internal outside of a pod needs kubectl; install it, or give --endpoint URL"
fi
if [ -n "$endpoint" ]; then
  [[ $endpoint =~ ^https?://[^[:space:]/]+ && $endpoint != *[[:space:]\"\\]* ]] ||
    misuse "the endpoint is '$endpoint'; give a URL such as https://ollama.home.example"
  while [[ $endpoint == */ ]]; do endpoint=${endpoint%/}; done
fi

login=''
if [ -n "$credentials" ]; then
  if [ ! -r "$credentials" ] || [ -d "$credentials" ]; then misuse "--credentials: $credentials cannot be read"; fi
  IFS= read -r login <"$credentials" || true
  login=${login%$'\r'}
  [[ -n $login && $login != *[[:cntrl:]]* ]] || misuse "--credentials: the first line of $credentials is not USER:PASSWORD or a token"
fi

# --- results ---------------------------------------------------------------------------------------------------------

work=$(mktemp -d) || misuse "no temporary folder can be made below ${TMPDIR:-/tmp}; set TMPDIR to one that can be written"
forward=''
decided=false
# shellcheck disable=SC2317,SC2329 # called by the trap
cleanup() {
  local ended=$?
  if [ -n "$forward" ]; then
    kill "$forward" 2>/dev/null || true
    wait "$forward" 2>/dev/null || true
  fi
  rm -rf "$work"
  # What stopped on the way has found nothing, and its exit code must not look like a finding.
  if [ "$decided" = false ] && [ "$ended" -lt "$EXIT_USAGE" ]; then
    printf 'ollama-health: stopped by a fault of its own (%d)\n' "$ended" >&2
    exit "$EXIT_INTERNAL"
  fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# curl reads the login from a file: a command line is seen by everybody on this machine.
if [ -n "$login" ]; then
  escaped=${login//\\/\\\\}
  escaped=${escaped//\"/\\\"}
  if [[ $login == *:* ]]; then setting="user = \"$escaped\""; else setting="header = \"Authorization: Bearer $escaped\""; fi
  (umask 077 && printf '%s\n' "$setting" >"$work/login")
fi

passed=0 warnings=0 failed=0 code=0
# What --json prints, as JSON texts.
json_checks='' json_models='' json_inference=null

# $1 text on one line, without what no terminal and no JSON string should get. Messages are ours, but they quote servers.
printable() {
  local text=${1//[$'\t\r\n']/ }
  printf '%s' "${text//[^[:print:]]/}"
}

quoted() {
  local text
  text=$(printable "$1")
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# $1 pass, warn or fail; $2 the check; $3 the message; $4 the exit code it means (fail and warn)
result() {
  local mark
  case $1 in
    pass) mark=PASS passed=$((passed + 1)) ;;
    warn) mark=WARN warnings=$((warnings + 1)) ;;
    fail) mark=FAIL failed=$((failed + 1)) ;;
  esac
  [ "$code" -ne 0 ] || code=${4:-0}
  if $json; then
    json_checks+="${json_checks:+,}{\"check\":$(quoted "$2"),\"result\":\"$1\",\"message\":$(quoted "$3")}"
  else
    printf '[%s] %s\n' "$mark" "$(printable "$3")"
  fi
}

summary() {
  local status
  case $code in
    0) status='healthy' ;;
    "$EXIT_UNREACHABLE") status='unreachable' ;;
    "$EXIT_MODEL") status='model-missing' ;;
    "$EXIT_INFERENCE") status='inference-failed' ;;
    *) status='degraded' ;;
  esac
  if $json; then
    printf '{"endpoint":%s,"status":"%s","exitCode":%d,"checks":[%s],"models":[%s],"inference":%s,"summary":{"passed":%d,"warnings":%d,"failed":%d}}\n' \
      "$(quoted "$shown")" "$status" "$code" "$json_checks" "$json_models" "$json_inference" "$passed" "$warnings" "$failed"
  else
    printf '\nPassed: %d, warnings: %d, failed: %d\nOllama at %s: %s\n' "$passed" "$warnings" "$failed" "$shown" "$status"
  fi
  decided=true
  exit "$code"
}

# --- asking ----------------------------------------------------------------------------------------------------------

# Flattens JSON to lines "path<TAB>value", strings with their quotes: .models[0].name<TAB>"llama3:8b". Fails when the
# text is not one complete JSON object, so a torn answer is not taken for a short one.
flatten() {
  grep -aoE '"([^"\\]|\\.)*"|[][{}:,]|[^][{}:,"[:space:]]+|"' | awk '
    function path(  i, p) {
      p = ""
      for (i = 1; i <= depth; i++) p = p (kind[i] == "{" ? "." key[i] : "[" idx[i] "]")
      return p
    }
    BEGIN { depth = 0; bad = 0; ended = 0; want = "value" }
    ended { bad = 1 }
    $0 == "{" || $0 == "[" {
      if (want != "value" && want != "first") bad = 1
      depth++; kind[depth] = $0; idx[depth] = 0; key[depth] = ""
      want = ($0 == "{" ? "firstkey" : "first")
      next
    }
    $0 == "}" || $0 == "]" {
      if (depth == 0 || (kind[depth] == "{") != ($0 == "}") || (want != "comma" && want != "first" && want != "firstkey")) bad = 1
      depth--; want = "comma"
      if (depth <= 0) ended = 1
      next
    }
    $0 == "," {
      if (want != "comma") bad = 1
      if (kind[depth] == "[") { idx[depth]++; want = "value" } else want = "key"
      next
    }
    $0 == ":" { if (want != "colon") bad = 1; want = "value"; next }
    want == "key" || want == "firstkey" {
      if ($0 !~ /^"./) bad = 1
      key[depth] = substr($0, 2, length($0) - 2); want = "colon"
      next
    }
    want == "value" || want == "first" {
      if ($0 == "\"" || $0 !~ /^"/ && $0 !~ /^(-?[0-9][-+.0-9eE]*|true|false|null)$/) bad = 1
      if (depth == 0) bad = 1; else print path() "\t" $0
      want = "comma"
      next
    }
    { bad = 1 }
    END { exit (bad || !ended) }
  '
}

# $1 a path as flatten prints it: its value without quotes and escapes, or nothing
value() {
  local line text=''
  while IFS= read -r line; do
    [[ $line != "$1"$'\t'* ]] || { text=${line#*$'\t'} && break; }
  done <"$work/flat"
  [[ $text != '"'*'"' ]] || text=${text:1:-1}
  text=${text//\\\//\/}
  text=${text//\\\"/\"}
  # JSON's escapes are among those of %b.
  printf -v text '%b' "$text"
  printf '%s' "${text//[$'\t\r\n']/ }"
}

to_milliseconds() { printf '%.0f' "${1}e3"; }

# What curl could not do, in the words of an operator. $1 exit code, $2 bound in seconds
explain_curl() {
  local detail
  detail=$(sed -n 's/^curl: ([0-9]*) //p' "$work/curl" | head -n 1)
  case $1 in
    6) echo "the name does not resolve: $detail" ;;
    7) echo "connection refused or no route: $detail" ;;
    28) echo "no answer within $2 s: the server hangs, or a firewall drops the packets" ;;
    35) echo "TLS error: the handshake failed; does this port speak TLS? $detail" ;;
    51 | 60) echo "TLS error: the certificate is not trusted, not valid any more, or for another name (private CA: set CURL_CA_BUNDLE): $detail" ;;
    53 | 54 | 58 | 59 | 64 | 66 | 77 | 80 | 82 | 83 | 90 | 91) echo "TLS error: $detail" ;;
    52) echo "empty reply: the server closed the connection without an answer" ;;
    18 | 55 | 56) echo "the connection broke in the middle of the answer: $detail" ;;
    *) echo "curl failed with $1: $detail" ;;
  esac
}

# What the start of an answer looks like, for messages.
glimpse() { printable "$(head -c 160 "$work/body" | tr -d '\0')"; }

# $1 seconds: the same, but no more than 10
at_most_10() { if [ "${1%%.*}" -lt 10 ]; then echo "$1"; else echo 10; fi; }

# $1 path, $2 bound in seconds, then further arguments of curl. Sets problem (empty when the answer is a JSON object with
# status 200), status and seconds; the flattened answer is in $work/flat.
request() {
  local path=$1 bound=$2 redirect type answer curl_code=0
  shift 2
  : >"$work/body"
  # Redirects are not followed: an operator has to learn that the URL is another one, and a POST would become a GET.
  answer=$(curl --silent --show-error --max-time "$bound" --connect-timeout "$(at_most_10 "$bound")" \
    --output "$work/body" --write-out '%{http_code}\n%{time_total}\n%{redirect_url}\n%{content_type}\n' \
    ${login:+--config "$work/login"} "$@" "$endpoint$path" 2>"$work/curl") || curl_code=$?
  { read -r status && read -r seconds && read -r redirect && read -r type; } <<<"$answer"$'\n\n\n' || true
  problem=''
  if [ "$curl_code" -ne 0 ]; then
    problem=$(explain_curl "$curl_code" "$bound")
  elif [[ $status == 3* ]]; then
    problem="redirect (HTTP $status) to ${redirect:-nowhere}; give that as the endpoint"
  elif [ "$status" = 401 ]; then
    problem="HTTP 401: a login is asked for; give it in a file: --credentials FILE"
    [ -z "$login" ] || problem="HTTP 401: the login in $credentials is refused"
  elif [ "$status" = 403 ] && [ ! -s "$work/body" ]; then
    problem="HTTP 403 without a body: an Ollama that listens on loopback alone refuses the name it is called by; the proxy before it has to send \"Host: localhost\", or a proxy's address list refuses this machine"
  elif [ ! -s "$work/body" ]; then
    problem="empty reply: HTTP $status without a body"
  elif [[ $type == text/html* ]] || grep -aqiE '^[[:space:]]*<(!doctype|html)' "$work/body"; then
    problem="HTML instead of JSON (HTTP $status): a proxy or another site answers, not Ollama"
  elif ! flatten <"$work/body" >"$work/flat"; then
    problem="not JSON (HTTP $status): $(glimpse)"
  elif [ "$status" != 200 ]; then
    problem="HTTP $status: $(value .error)"
  fi
}

open_forward() {
  local tries=0 port=''
  # Made here: the background process may be slower to open it than sed below is to read it.
  : >"$work/forward"
  kubectl --namespace "$namespace" port-forward --address 127.0.0.1 "service/$service" :11434 >>"$work/forward" 2>&1 &
  forward=$!
  until [ -n "$port" ]; do
    port=$(sed -n 's/^Forwarding from 127\.0\.0\.1:\([0-9]*\) .*/\1/p' "$work/forward" | head -n 1)
    if [ -z "$port" ]; then
      tries=$((tries + 1))
      if ! kill -0 "$forward" 2>/dev/null || [ "$tries" -gt 150 ]; then
        result fail api "no way to service $service in namespace $namespace: $(tail -n 1 "$work/forward")" "$EXIT_UNREACHABLE"
        summary
      fi
      sleep 0.1
    fi
  done
  endpoint=http://127.0.0.1:$port
}

# --- the checks ------------------------------------------------------------------------------------------------------

check_api() {
  local bound
  bound=$(at_most_10 "$timeout")
  request /api/tags "$bound"
  if [ -z "$problem" ] && ! grep -q '"models"' "$work/body"; then problem="JSON, but not Ollama's list of models: $(glimpse)"; fi
  if [ -n "$problem" ]; then
    result fail api "API not reachable at $shown: $problem" "$EXIT_UNREACHABLE"
    summary
  fi
  result pass api "API reachable at $shown"
  # "<size> <name> <kind>" of each model; its facts stand in any order, beside nested details. Kind is cloud for a model
  # that runs elsewhere, embedding for one that generates no text, text for all others: old releases tell no capabilities.
  awk -F '\t' '
    match($1, /^\.models\[[0-9]+\]\./) {
      i = substr($1, 9, RLENGTH - 10); field = substr($1, RLENGTH + 1); text = $2; gsub(/^"|"$/, "", text)
      if (!(i in seen)) { seen[i] = 1; order[++count] = i }
      if (field == "name") name[i] = text
      else if (field == "size") size[i] = text
      else if (field == "remote_host" && text != "") cloud[i] = 1
      else if (field == "details.family" && text ~ /bert/) embedding[i] = 1
      else if (field ~ /^capabilities\[/ && text == "embedding") embedding[i] = 1
      else if (field ~ /^capabilities\[/ && text == "completion") completion[i] = 1
    }
    END {
      for (n = 1; n <= count; n++) {
        i = order[n]
        if (i in name) print (i in size ? size[i] : 0), name[i], (i in cloud ? "cloud" : (i in embedding && !(i in completion) ? "embedding" : "text"))
      }
    }
  ' "$work/flat" | sort -n >"$work/models"
}

# $1 a kind of models, none for all: their names, the smallest first
names_of() {
  local name kind
  while read -r _ name kind; do
    [[ -n ${1:-} && $kind != "$1" ]] || printf '%s\n' "$name"
  done <"$work/models"
}

# $1 a model: sets size and kind to what the list says of it; fails when it is not in the list.
look_up() {
  local wanted name
  wanted=$(listed_name "$1")
  while read -r size name kind; do
    [ "${name,,}" != "$wanted" ] || return 0
  done <"$work/models"
  return 1
}

# The name as the API lists it.
listed_name() {
  local name=${1,,}
  [[ ${name##*/} == *:* ]] || name=$name:latest
  name=${name#registry.ollama.ai/}
  printf '%s' "${name#library/}"
}

# $1 bytes
human() { if [ "$1" -ge 1000000000 ]; then printf '%.1f GB' "${1}e-9"; else printf '%.1f MB' "${1}e-6"; fi; }

# Sets answering: the model for the inference, empty when there is none.
check_models() {
  local model size kind present
  answering=''
  if [ ${#models[@]} -eq 0 ]; then
    if [ ! -s "$work/models" ]; then
      result fail models "no model on the server; pull one" "$EXIT_MODEL"
      return
    fi
    # Smallest first, and one that generates text before one that only embeds.
    model=$(names_of text && names_of embedding)
    model=${model%%$'\n'*}
    if [ -z "$model" ]; then
      result fail models "only cloud models on the server, whose prompts go elsewhere; pull one that runs here, or name one with --model: $(names_of | tr '\n' ' ')" "$EXIT_MODEL"
      return
    fi
    models=("$model")
  fi
  for model in "${models[@]}"; do
    present=false
    if look_up "$model"; then present=true; fi
    json_models+="${json_models:+,}{\"name\":$(quoted "$model"),\"present\":$present,\"sizeBytes\":${size:-null}}"
    if $present; then
      result pass "model $model" "model $model present ($(human "$size"))"
      answering=${answering:-$model}
    else
      result fail "model $model" "model $model missing; the server has: $(names_of | tr '\n' ' ' | grep . || echo 'no model that it can read')" "$EXIT_MODEL"
    fi
  done
}

# An embedding model's inference is another call.
embed() {
  request /api/embed "$timeout" --header 'Content-Type: application/json' --data "{\"model\":\"$answering\",\"input\":\"OK\"}"
  if [ -z "$problem" ] && [ -z "$(value '.embeddings[0][0]')" ]; then problem="the answer holds no embedding: $(glimpse)"; fi
}

check_inference() {
  local rounded size kind
  look_up "$answering"
  [ "$kind" != cloud ] || result warn cloud "model $answering is a cloud model: the prompt leaves this server"
  if [ "$kind" = embedding ]; then
    embed
  else
    request /api/generate "$timeout" --header 'Content-Type: application/json' \
      --data "{\"model\":\"$answering\",\"prompt\":\"Say OK.\",\"stream\":false,\"options\":{\"num_predict\":16}}"
  fi
  if [[ $problem == *'does not support generate'* ]]; then
    embed
  elif [ "$kind" = embedding ]; then
    :
  elif [ -z "$problem" ]; then
    # A model that thinks may have spent its few tokens on that, so text is not asked for, only tokens.
    if [ "$(value .done)" != true ]; then
      problem="the answer is not complete: $(glimpse)"
    elif [ -z "$(value .response)" ] && ! [[ $(value .eval_count) =~ ^[1-9] ]]; then
      problem="the model answered with nothing"
    fi
  fi
  if [[ $problem == "no answer within"* ]]; then
    # Which of the two it is, the API tells.
    request /api/tags "$(at_most_10 "$timeout")"
    if [ -z "$problem" ]; then
      problem="no answer within $timeout s, but the API answers: the model still loads, or waits behind other requests. The server gives up a load that nobody waits for, so give a longer --timeout"
    else
      problem="no answer within $timeout s, and the API does not answer any more: $problem"
    fi
  fi
  # The server lists a model while its manifest is JSON. These are the words of 0.13 and 0.32 for weights that they cannot read.
  if [[ $problem =~ ^HTTP\ (404:.*not\ found|500:\ (unexpected\ )?EOF$|500:\ unable\ to\ load\ model|500:\ invalid\ file\ magic|500:.*exceeds\ file\ size) ]]; then
    problem+="; the server lists the model, but cannot read its files: they are missing or damaged, or too new for this release of Ollama. docs/operations.md (Models) says how they are proved and mended"
  fi
  if [ -n "$problem" ]; then
    result fail inference "inference with $answering failed: $problem" "$EXIT_INFERENCE"
    return
  fi
  rounded=$(printf '%.1f' "$seconds")
  json_inference="{\"model\":$(quoted "$answering"),\"seconds\":$seconds}"
  if [ "$(to_milliseconds "$seconds")" -gt "$(to_milliseconds "$threshold")" ]; then
    result warn inference "inference with $answering took $rounded s, more than $threshold s" "$EXIT_DEGRADED"
  else
    result pass inference "inference with $answering took $rounded s"
  fi
}

if [ -z "$endpoint" ]; then
  shown="service $service in namespace $namespace"
  open_forward
else
  # A password in the URL is not for the log, and curl would take an @ in it for its end.
  shown=$endpoint
  if [[ $endpoint =~ ^(https?://)([^/]*)@(.*)$ ]]; then
    shown=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    endpoint=${BASH_REMATCH[1]}${BASH_REMATCH[2]//@/%40}@${BASH_REMATCH[3]}
  fi
fi
check_api
check_models
if [ -n "$answering" ]; then check_inference; fi
summary
