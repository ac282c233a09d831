#!/usr/bin/env bash
# Makes ssh forget the host key of a machine that was just made anew at the same address: ssh refuses a changed key, and the one it knows is
# that of the machine that is gone. Runs on the operator's machine.
# Environment, [default] (SSH_KNOWN_HOSTS: operator-lib.sh, which must lie beside this file):
#   ADDRESS  address of the machine [required]
# Exit codes: 0 forgotten, or never known · 64 wrong parameter.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=operator-lib.sh
source "$here/operator-lib.sh"

: "${ADDRESS:=}" "${SSH_KNOWN_HOSTS:=}"
check_address "$ADDRESS" ADDRESS
known=${SSH_KNOWN_HOSTS:-$HOME/.ssh/known_hosts}
if [[ ! -f $known ]] || ! ssh-keygen -F "$ADDRESS" -f "$known" >/dev/null; then
  exit 0
fi
if ssh-keygen -R "$ADDRESS" -f "$known" >/dev/null 2>&1; then
  say "Forgot the host key of the machine that was at $ADDRESS before."
else
  complain "The former host key of $ADDRESS could not be taken out of $known."
fi
