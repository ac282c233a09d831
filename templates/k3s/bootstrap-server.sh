#!/usr/bin/env bash
# Makes this Ubuntu machine a K3s server. The unit k3s-bootstrap@server runs it, at each boot until it has ended well; safe to run
# again by root. Common parameters, files and exit codes: bootstrap-lib.sh, which must lie beside this file. Parameters of the
# server alone, [default]:
#   JOIN_SERVER_URL   empty: this is the first server, and initializes the cluster; else https://ADDRESS:PORT of the server
#                     that must be up before this one joins, so that servers join one after another [empty]
#   AGENT_TOKEN_FILE  the agents' token, a bare password because K3s takes it as it is; an empty value means that there is no
#                     separate one [/etc/rancher/k3s/agent-token]
#   GENERATE_TOKENS   true: the first server makes the token files that are missing; false: they must be there [false]
# config.yaml must name the same files as token-file and agent-token-file.
# Log: /var/log/bootstrap-server.log. Marker: /var/lib/k3s-bootstrap/ready with role, k3s_version, k3s_sha256, node.
set -euo pipefail

# shellcheck source=bootstrap-lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/bootstrap-lib.sh"

generate_token() {
  local file=$ROOT$1
  # A power cut can leave an empty file.
  [[ ! -s $file ]] || return 0
  # The cluster's data is encrypted with the token it was made with: a new one would lock this server out.
  [[ ! -e $DATA_DIR/server/token ]] ||
    fail "$EXIT_FILES" "$1 is missing or empty, but this server already has a cluster: restore the file from $DATA_DIR/server."
  log "Making $1"
  mkdir -p "${file%/*}"
  temporary_file=$file.part
  rm -f "$temporary_file"
  (umask 077 && od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >"$temporary_file")
  sync
  mv -f "$temporary_file" "$file"
  temporary_file=
}

# Only etcd has members; a server that joins has no other data.
has_joined() {
  [[ -d $DATA_DIR/server/db/etcd/member/wal ]]
}

api_ready() {
  systemctl is-active --quiet k3s && "$K3S" kubectl get --raw /readyz >/dev/null 2>&1
}

bootstrap() {
  load_parameters
  : "${GENERATE_TOKENS:=false}"
  AGENT_TOKEN_FILE=${AGENT_TOKEN_FILE-/etc/rancher/k3s/agent-token}
  [[ $GENERATE_TOKENS == true || $GENERATE_TOKENS == false ]] ||
    fail "$EXIT_PARAMETER" "GENERATE_TOKENS is '$GENERATE_TOKENS'; it must be true or false."
  [[ $GENERATE_TOKENS == false || -z $JOIN_SERVER_URL ]] ||
    fail "$EXIT_PARAMETER" "GENERATE_TOKENS is for the first server; this one joins $JOIN_SERVER_URL and needs that cluster's tokens."
  local tokens=("$TOKEN_FILE")
  [[ -z $AGENT_TOKEN_FILE ]] || tokens+=("$AGENT_TOKEN_FILE")

  require_private_file /etc/rancher/k3s/config.yaml "The K3s configuration"
  if [[ $GENERATE_TOKENS == true ]]; then
    local file
    for file in "${tokens[@]}"; do
      generate_token "$file"
    done
  fi
  check_tokens_early "${tokens[@]}"
  install_base_packages
  fetch_k3s
  wait_for_tokens "${tokens[@]}"
  [[ -z $JOIN_SERVER_URL ]] || wait_for_join_server
  start_k3s server k3s
  wait_for_service k3s api_ready "answer of the Kubernetes API on this server"
  write_marker ready role=server "k3s_version=$K3S_VERSION" "k3s_sha256=$(checksum_of "$K3S")" "node=$NODE_NAME"
}

run_bootstrap server bootstrap
