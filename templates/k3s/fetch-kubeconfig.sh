#!/usr/bin/env bash
# Fetches the admin kubeconfig from a K3s server, for use from here. Runs on the operator's machine.
# Environment, [default] (that of ssh: operator-lib.sh, which must lie beside this file):
#   SERVER_ADDRESS          address of a server for ssh [required]
#   KUBERNETES_API_ADDRESS  address or name under which this machine reaches the API; the server's certificate must bear it
#                           [SERVER_ADDRESS]
#   KUBECONFIG_PATH         file to write, mode 0600; missing folders are made [required]
# A file that is already there and holds anything but this cluster is kept as KUBECONFIG_PATH.backup-N: to overwrite it could
# lose other clusters' credentials, and to refuse would stop every apply after a cluster was rebuilt.
# Exit codes: 0 written, or already the same · 5 not fetched · 64 wrong parameter.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=operator-lib.sh
source "$here/operator-lib.sh"

readonly EXIT_KUBECONFIG=5

authorities() {
  sed -n 's/^ *certificate-authority-data: *//p' "$1"
}

load_ssh_parameters
: "${SERVER_ADDRESS:=}" "${KUBECONFIG_PATH:=}"
: "${KUBERNETES_API_ADDRESS:=$SERVER_ADDRESS}"
check_address "$SERVER_ADDRESS" SERVER_ADDRESS
check_address "$KUBERNETES_API_ADDRESS" KUBERNETES_API_ADDRESS
[[ -n $KUBECONFIG_PATH ]] || fail "$EXIT_PARAMETER" "KUBECONFIG_PATH is empty; it must say where the kubeconfig goes."
[[ ! -d $KUBECONFIG_PATH ]] || fail "$EXIT_PARAMETER" "KUBECONFIG_PATH is $KUBECONFIG_PATH, which is a folder; it must be a file."
host=$KUBERNETES_API_ADDRESS
[[ $host != *:* ]] || host="[$host]"

umask 077
mkdir -p -- "$(dirname -- "$KUBECONFIG_PATH")"
new=$(mktemp "$KUBECONFIG_PATH.XXXXXX")
trap 'rm -f -- "$new"' EXIT
remote "$SERVER_ADDRESS" 'sudo -n cat /etc/rancher/k3s/k3s.yaml' </dev/null |
  sed "s#https://127\.0\.0\.1:6443#https://$host:6443#" >"$new" ||
  fail "$EXIT_KUBECONFIG" "/etc/rancher/k3s/k3s.yaml could not be read on $SERVER_ADDRESS."
if [[ -z $(authorities "$new") ]] || ! grep -qF "server: https://$host:6443" "$new"; then
  fail "$EXIT_KUBECONFIG" "/etc/rancher/k3s/k3s.yaml on $SERVER_ADDRESS is not the kubeconfig that K3s writes (a CA and https://127.0.0.1:6443)."
fi

if [[ -e $KUBECONFIG_PATH ]] && [[ $(authorities "$KUBECONFIG_PATH") != "$(authorities "$new")" ]]; then
  n=1
  while [[ -e $KUBECONFIG_PATH.backup-$n ]]; do
    n=$((n + 1))
  done
  cp -- "$KUBECONFIG_PATH" "$KUBECONFIG_PATH.backup-$n"
  say "$KUBECONFIG_PATH held another cluster; that is kept as $KUBECONFIG_PATH.backup-$n"
fi
# mktemp made it with mode 0600.
mv -f -- "$new" "$KUBECONFIG_PATH"
say "The kubeconfig for https://$host:6443 is $KUBECONFIG_PATH"
