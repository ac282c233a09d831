#!/usr/bin/env bash
# What wait-for-nodes.sh, fetch-kubeconfig.sh and hand-over-token.sh share. It is sourced, never run. These scripts run on the
# operator's machine, so they keep to the bash 3.2 of macOS.
#
# Environment that all three read, [default]:
#   SSH_USER               user on the nodes, with sudo that asks no password [ubuntu]
#   SSH_OPTIONS            more options of ssh, split at white space: "-i /path/key -p 2222" [none]
#   SSH_HOST_KEYS          StrictHostKeyChecking [accept-new: a new host is trusted, a changed key is refused]
#   SSH_KNOWN_HOSTS        UserKnownHostsFile [ssh's own]
#   SSH_CONNECT_SECONDS    ConnectTimeout of each attempt [10]
#   TIMEOUT_SECONDS        how long to wait in all; 0 looks once [3600]
#   POLL_SECONDS           pause between two looks, fractions allowed [10]

readonly EXIT_PARAMETER=64

say() {
  printf '%s\n' "$*"
}

complain() {
  printf '%s\n' "$*" >&2
}

# fail CODE MESSAGE
fail() {
  complain "ERROR: $2"
  exit "$1"
}

load_ssh_parameters() {
  : "${SSH_USER:=ubuntu}" "${SSH_OPTIONS:=}" "${SSH_HOST_KEYS:=accept-new}" "${SSH_KNOWN_HOSTS:=}"
  : "${SSH_CONNECT_SECONDS:=10}" "${TIMEOUT_SECONDS:=3600}" "${POLL_SECONDS:=10}"
  [[ $SSH_USER =~ ^[a-z_][a-z0-9_.-]*$ ]] || fail "$EXIT_PARAMETER" "SSH_USER is '$SSH_USER', which is no user name."
  [[ $TIMEOUT_SECONDS =~ ^[0-9]+$ ]] || fail "$EXIT_PARAMETER" "TIMEOUT_SECONDS is '$TIMEOUT_SECONDS'; it must be a whole number."
  # ssh takes the first value it meets, so the user's options come first.
  read -r -a ssh_command <<<"ssh $SSH_OPTIONS"
  ssh_command+=(-o BatchMode=yes -o LogLevel=ERROR -o "ConnectTimeout=$SSH_CONNECT_SECONDS" -o "StrictHostKeyChecking=$SSH_HOST_KEYS"
    -o ServerAliveInterval=5 -o ServerAliveCountMax=3)
  [[ -z $SSH_KNOWN_HOSTS ]] || ssh_command+=(-o "UserKnownHostsFile=$SSH_KNOWN_HOSTS")
}

# remote ADDRESS COMMAND: ssh reads standard input; callers that send none must say </dev/null.
remote() {
  "${ssh_command[@]}" "$SSH_USER@$1" "$2"
}

check_address() {
  [[ $1 =~ ^[A-Za-z0-9:][A-Za-z0-9.:_-]*$ ]] || fail "$EXIT_PARAMETER" "$2: '$1' is no address and no host name."
}

# split_node NAME=ADDRESS: sets node_name and node_address.
split_node() {
  [[ $1 == ?*=?* ]] || fail "$EXIT_PARAMETER" "'$1' is no NAME=ADDRESS."
  node_name=${1%%=*}
  node_address=${1#*=}
  check_address "$node_address" "node $node_name"
}

# The markers and the log that the bootstrap scripts write. No single quotes in here; it expands on the node.
# shellcheck disable=SC2016
readonly STATE_SCRIPT='
state=/var/lib/k3s-bootstrap
if [ -e $state/ready ]; then echo condition=ready
elif [ -e $state/failed ]; then echo condition=failed; cat $state/failed
elif [ -e $state/waiting-for-token ]; then echo condition=waiting-for-token
else echo condition=starting; echo "detail=$(tail -q -n 1 /var/log/bootstrap-*.log 2>/dev/null || echo no bootstrap log yet)"
fi'

field() {
  sed -n "s/^$1=//p" <<<"$2" | head -n 1
}

# node_state ADDRESS: sets node_condition (ready, failed, waiting-for-token, starting, unreachable, host-key-refused),
# node_detail (one line of why) and node_exit_code (of a bootstrap that failed), for the script that sources this.
# shellcheck disable=SC2034
node_state() {
  local output
  node_exit_code=
  if output=$(remote "$1" "sudo -n sh -c '$STATE_SCRIPT'" 2>&1 </dev/null); then
    node_condition=$(field condition "$output")
    node_detail=$(field detail "$output")
    if [[ $node_condition == failed ]]; then
      node_detail=$(field reason "$output")
      node_exit_code=$(field exit_code "$output")
    fi
    node_condition=${node_condition:-unreachable}
  elif [[ $output == *"Host key verification failed"* || $output == *"HOST IDENTIFICATION HAS CHANGED"* ]]; then
    node_condition=host-key-refused
    node_detail="ssh knows another host key for $1; if this machine was rebuilt: ssh-keygen -R $1${SSH_KNOWN_HOSTS:+ -f $SSH_KNOWN_HOSTS}"
  else
    node_condition=unreachable
    node_detail=$(tail -n 1 <<<"$output")
  fi
}

# describe CONDITION DETAIL
describe() {
  printf '%s%s' "$1" "${2:+ ($2)}"
}
