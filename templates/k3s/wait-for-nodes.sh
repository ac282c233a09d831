#!/usr/bin/env bash
# Waits until the bootstrap of every node has left its marker, then fetches the kubeconfig. Runs on the operator's machine.
# Environment, [default] (that of ssh and time: operator-lib.sh; that of the kubeconfig: fetch-kubeconfig.sh; both must lie
# beside this file):
#   NODES            NAME=ADDRESS of each node, separated by white space [required]
#   LOG_LINES        how many lines of a failed node's log are shown [40]
#   KUBECONFIG_PATH  where the kubeconfig goes; empty: it is not fetched [empty]
# Exit codes: 0 every node is ready, and the kubeconfig is written if asked for · 3 a node failed or showed another host
# key · 4 time is up · 5 the kubeconfig was not fetched · 64 wrong parameter.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=operator-lib.sh
source "$here/operator-lib.sh"

readonly EXIT_NODE=3 EXIT_TIME=4

show_log() {
  complain "--- the end of the bootstrap log of $1 ---"
  remote "$2" "sudo -n sh -c 'tail -q -n $LOG_LINES /var/log/bootstrap-*.log'" </dev/null >&2 || complain "(it could not be read)"
  complain "--- end ---"
}

load_ssh_parameters
: "${NODES:=}" "${LOG_LINES:=40}" "${KUBECONFIG_PATH:=}"
[[ $LOG_LINES =~ ^[0-9]+$ ]] || fail "$EXIT_PARAMETER" "LOG_LINES is '$LOG_LINES'; it must be a whole number."
names=()
addresses=()
seen=()
for node in $NODES; do
  split_node "$node"
  names+=("$node_name")
  addresses+=("$node_address")
  seen+=("not asked yet")
done
((${#names[@]} > 0)) || fail "$EXIT_PARAMETER" "NODES is empty; it must hold NAME=ADDRESS of each node."

say "Waiting up to $TIMEOUT_SECONDS s for ${#names[@]} node(s): ${names[*]}"
while :; do
  pending=()
  failed=()
  for i in "${!names[@]}"; do
    [[ ${seen[i]} != ready ]] || continue
    node_state "${addresses[i]}"
    now=$(describe "$node_condition" "$node_detail")
    if [[ $now != "${seen[i]}" ]]; then
      say "${names[i]}: $now"
      seen[i]=$now
    fi
    case $node_condition in
      ready) ;;
      failed | host-key-refused)
        failed+=("${names[i]}")
        [[ $node_condition != failed ]] || show_log "${names[i]}" "${addresses[i]}"
        ;;
      *) pending+=("${names[i]}: ${seen[i]}") ;;
    esac
  done
  ((${#failed[@]} == 0)) ||
    fail "$EXIT_NODE" "not ready, and not going to be: ${failed[*]}. The cause is above. Once it is mended, run the node's bootstrap script again (sudo /usr/local/lib/k3s-bootstrap/bootstrap-ROLE.sh), then this."
  ((${#pending[@]} > 0)) || break
  if ((SECONDS >= TIMEOUT_SECONDS)); then
    for i in "${pending[@]}"; do
      complain "  $i"
    done
    fail "$EXIT_TIME" "after $TIMEOUT_SECONDS s ${#pending[@]} of ${#names[@]} node(s) are not ready; above is what each said last."
  fi
  sleep "$POLL_SECONDS"
done
say "All nodes are ready."

[[ -z $KUBECONFIG_PATH ]] || exec "$BASH" "$here/fetch-kubeconfig.sh"
