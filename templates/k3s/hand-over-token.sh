#!/usr/bin/env bash
# Reads the tokens from the first K3s server over SSH and hands them to the other nodes, so that they are in no Terraform state,
# no snippet and no file here. Runs on the operator's machine; safe to run again.
# Environment, [default] (that of ssh and time: operator-lib.sh, which must lie beside this file):
#   FIRST_SERVER      NAME=ADDRESS of the server that made the tokens [required]
#   SERVERS           NAME=ADDRESS of the other servers, separated by white space [none]
#   WORKERS           NAME=ADDRESS of the workers [none]
#   TOKEN_FILE        file on each node that gets its token [/etc/rancher/k3s/token]
#   AGENT_TOKEN_FILE  file on each server that gets the agents' token [/etc/rancher/k3s/agent-token]
# A node gets its token once its bootstrap waits for it, so a worker whose GPU is not proved never gets one. A server gets the
# server token and the agents' password, a worker the agents' token only. Tokens travel on ssh's standard input and are
# written with mode 0600.
# Exit codes: 0 every node has its token · 3 a node failed, refused or must be started again · 4 time is up · 5 the first
# server's tokens cannot be used · 64 wrong parameter.
set -euo pipefail
# A trace would print the tokens.
set +o xtrace

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=operator-lib.sh
source "$here/operator-lib.sh"

readonly EXIT_NODE=3 EXIT_TIME=4 EXIT_TOKEN=5

# Reads two lines, the token and the agents' password or nothing; a line that was cut off has no end and fails. The
# password is written first: a node that sees its token sees everything. No single quotes in here; it expands on the node.
# shellcheck disable=SC2016
readonly WRITE_SCRIPT='
set -eu
umask 077
IFS= read -r token
IFS= read -r password
trap "rm -f \"\${new:-}\"" EXIT
result=unchanged
put() {
  if [ -f "$1" ] && [ "$(cat "$1")" = "$2" ] && [ "$(stat -c %a "$1")" = 600 ]; then return; fi
  mkdir -p "${1%/*}"
  new=$(mktemp "$1.XXXXXX")
  printf %s "$2" >"$new"
  mv -f "$new" "$1"
  result=written
}
if [ -n "$password" ]; then put "$2" "$password"; fi
put "$1" "$token"
echo $result'

# hand_over ADDRESS TOKEN PASSWORD: sets handed to written or unchanged. printf is a builtin: nothing shows in a process list.
hand_over() {
  handed=$(printf '%s\n%s\n' "$2" "$3" | remote "$1" "sudo -n sh -c '$WRITE_SCRIPT' sh $TOKEN_FILE $AGENT_TOKEN_FILE")
}

wait_for_first_server() {
  local shown='' now
  say "Waiting up to $TIMEOUT_SECONDS s for the first server, $first_name"
  while :; do
    node_state "$first_address"
    now=$(describe "$node_condition" "$node_detail")
    [[ $now == "$shown" ]] || say "$first_name: $now"
    shown=$now
    case $node_condition in
      ready) return 0 ;;
      failed | host-key-refused) fail "$EXIT_NODE" "the first server $first_name is $now, so there is no token to hand over." ;;
    esac
    ((SECONDS < TIMEOUT_SECONDS)) || fail "$EXIT_TIME" "the first server $first_name was not ready after $TIMEOUT_SECONDS s; last: $now."
    sleep "$POLL_SECONDS"
  done
}

read_token() {
  remote "$first_address" "sudo -n cat /var/lib/rancher/k3s/server/$1" </dev/null || {
    complain "ERROR: /var/lib/rancher/k3s/server/$1 could not be read on $first_name."
    return "$EXIT_TOKEN"
  }
}

read_tokens() {
  server_token=$(read_token token)
  agent_token=$(read_token agent-token)
  [[ $server_token =~ ^K10[^[:space:]]+::server:[^[:space:]]+$ ]] ||
    fail "$EXIT_TOKEN" "/var/lib/rancher/k3s/server/token on $first_name is not of the form K10...::server:..."
  # Without an agent-token in its configuration K3s links this file to the server token, which would make every worker able to
  # become a server.
  [[ $agent_token =~ ^K10[^[:space:]]+::node:[^[:space:]]+$ ]] ||
    fail "$EXIT_TOKEN" "$first_name has no agent token of its own: set agent-token-file in its config.yaml and restart K3s there."
  # A server compares what an agent sends with this value as it stands, so it must be the bare password.
  agent_password=${agent_token#*::node:}
}

load_ssh_parameters
: "${FIRST_SERVER:=}" "${SERVERS:=}" "${WORKERS:=}"
: "${TOKEN_FILE:=/etc/rancher/k3s/token}" "${AGENT_TOKEN_FILE:=/etc/rancher/k3s/agent-token}"
for file in "$TOKEN_FILE" "$AGENT_TOKEN_FILE"; do
  [[ $file =~ ^/[A-Za-z0-9._/-]+$ ]] || fail "$EXIT_PARAMETER" "'$file' is no absolute path of letters, digits, '.', '_' and '-'."
done
split_node "$FIRST_SERVER"
first_name=$node_name
first_address=$node_address
names=()
addresses=()
kinds=()
seen=()
done_with=()
add_nodes() {
  local node kind=$1
  for node in $2; do
    split_node "$node"
    names+=("$node_name")
    addresses+=("$node_address")
    kinds+=("$kind")
    seen+=("not asked yet")
    done_with+=(no)
  done
}
add_nodes server "$SERVERS"
add_nodes worker "$WORKERS"
if ((${#names[@]} == 0)); then
  say "There is no other node to hand a token to."
  exit 0
fi

wait_for_first_server
read_tokens

say "Handing the token to ${#names[@]} node(s): ${names[*]}"
broken=()
while :; do
  pending=()
  for i in "${!names[@]}"; do
    [[ ${done_with[i]} == no ]] || continue
    node_state "${addresses[i]}"
    now=$(describe "$node_condition" "$node_detail")
    [[ $now == "${seen[i]}" ]] || say "${names[i]}: $now"
    seen[i]=$now
    # Exit code 4 is a bootstrap that gave up waiting for this very token.
    if [[ $node_condition == waiting-for-token || $node_condition == ready || $node_exit_code == 4 ]]; then
      if [[ ${kinds[i]} == server ]]; then
        hand_over "${addresses[i]}" "$server_token" "$agent_password" || handed=
      else
        hand_over "${addresses[i]}" "$agent_token" "" || handed=
      fi
      case $handed in
        written) say "${names[i]}: has the token" ;;
        unchanged) say "${names[i]}: had the token already" ;;
        *)
          pending+=("${names[i]}: the token could not be written")
          continue
          ;;
      esac
      done_with[i]=yes
      if [[ $node_exit_code == 4 ]]; then
        broken+=("${names[i]}")
        complain "${names[i]} had given up waiting; run there: sudo /usr/local/lib/k3s-bootstrap/bootstrap-${kinds[i]}.sh"
      elif [[ $node_condition == ready && $handed == written ]]; then
        complain "${names[i]} was already a node with another token; K3s there reads the new one when it restarts."
      fi
    elif [[ $node_condition == failed || $node_condition == host-key-refused ]]; then
      done_with[i]=yes
      broken+=("${names[i]}")
      complain "${names[i]} got no token: $now"
    else
      pending+=("${names[i]}: $now")
    fi
  done
  ((${#pending[@]} > 0)) || break
  if ((SECONDS >= TIMEOUT_SECONDS)); then
    for i in "${pending[@]}"; do
      complain "  $i"
    done
    fail "$EXIT_TIME" "after $TIMEOUT_SECONDS s ${#pending[@]} node(s) have not asked for the token; above is what each said last."
  fi
  sleep "$POLL_SECONDS"
done
((${#broken[@]} == 0)) || fail "$EXIT_NODE" "these nodes need attention, see above: ${broken[*]}."
say "Every node has its token."
