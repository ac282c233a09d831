#!/usr/bin/env bash
# Makes this Ubuntu machine a K3s agent, with GPU=true a GPU worker. The unit k3s-bootstrap@worker runs it, at each boot until it has
# ended well; safe to run again by root. Common parameters, files and exit codes: bootstrap-lib.sh; those of the GPU:
# bootstrap-gpu.sh. Both must lie beside this file.
# Parameters of the worker alone, [default]:
#   JOIN_SERVER_URL  https://ADDRESS:PORT of the server, or of the registration address [required]
#   GPU              true: no token is asked for and nothing is joined until the GPU is proved [false]
# TOKEN_FILE must hold the agents' token, never the servers'. config.yaml must name it as token-file.
# Log: /var/log/bootstrap-worker.log. Marker: /var/lib/k3s-bootstrap/ready with role, k3s_version, k3s_sha256, node, gpu.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=bootstrap-lib.sh
source "$here/bootstrap-lib.sh"
# shellcheck source=bootstrap-gpu.sh
source "$here/bootstrap-gpu.sh"

# A server signs this certificate when the agent joins.
has_joined() {
  [[ -s $DATA_DIR/agent/client-kubelet.crt && -s $DATA_DIR/agent/client-kubelet.key ]]
}

# The kubelet's own credential may read its own node, and no other does on an agent. Registered, not Ready: with a network
# plugin that is installed later no node is Ready yet.
node_registered() {
  local kubeconfig=$DATA_DIR/agent/kubelet.kubeconfig
  systemctl is-active --quiet k3s-agent && [[ -f $kubeconfig ]] &&
    "$K3S" kubectl --kubeconfig "$kubeconfig" get --raw "/api/v1/nodes/$NODE_NAME" >/dev/null 2>&1
}

bootstrap() {
  load_parameters
  load_gpu_parameters
  [[ -n $JOIN_SERVER_URL ]] || fail "$EXIT_PARAMETER" "JOIN_SERVER_URL is empty; a worker needs a server to join."

  require_private_file /etc/rancher/k3s/config.yaml "The K3s configuration"
  check_tokens_early "$TOKEN_FILE"
  install_base_packages
  [[ $GPU == false ]] || prove_gpu
  fetch_k3s
  wait_for_tokens "$TOKEN_FILE"
  wait_for_join_server
  start_k3s agent k3s-agent
  wait_for_service k3s-agent node_registered "node named $NODE_NAME in the cluster"
  [[ $GPU == false ]] || check_nvidia_runtime
  write_marker ready role=worker "k3s_version=$K3S_VERSION" "k3s_sha256=$(checksum_of "$K3S")" "node=$NODE_NAME" "gpu=$GPU"
}

run_bootstrap worker bootstrap
