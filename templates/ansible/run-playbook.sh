#!/usr/bin/env bash
# Runs a playbook with an inventory that is given as text. Runs on the operator's machine, within an apply.
# Environment, [default]:
#   PLAYBOOK    path of the playbook [required]
#   INVENTORY   the inventory, YAML [required]
#   LAB_FOLDER  the folder that paths in the inventory are relative to [as the inventory says]
# Whatever ansible-playbook itself reads from the environment counts, such as ANSIBLE_PRIVATE_KEY_FILE.
# Exit code: that of ansible-playbook; 64 for a wrong parameter; 127 where it is not installed.
set -euo pipefail

for name in PLAYBOOK INVENTORY; do
  if [[ -z ${!name:-} ]]; then
    echo "run-playbook: $name is not set" >&2
    exit 64
  fi
done
if ! command -v ansible-playbook >/dev/null; then
  echo "run-playbook: ansible-playbook is not on PATH. Install it (pip install -r ansible/requirements.txt)," >&2
  echo "run-playbook: or set configure: false in the lab and run the playbook by hand (docs/containers.md)." >&2
  exit 127
fi

# Ansible tells an inventory's format by its ending, and reads a file several times: neither works with a pipe.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(umask 077 && printf '%s\n' "$INVENTORY" >"$folder/inventory.yml")
more=()
if [[ -n ${LAB_FOLDER:-} ]]; then
  lab=$(cd "$LAB_FOLDER" && pwd) || {
    echo "run-playbook: LAB_FOLDER is $LAB_FOLDER, which is no folder" >&2
    exit 64
  }
  # The inventory would look beside itself. As JSON, because the path may have blanks in it.
  lab=${lab//\\/\\\\}
  more=(--extra-vars "{\"lab_folder\": \"${lab//\"/\\\"}\"}")
fi
ansible-playbook --inventory "$folder/inventory.yml" ${more[@]+"${more[@]}"} "$PLAYBOOK"
