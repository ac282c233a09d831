#!/usr/bin/env bash
# What the simulated nodes' sshd runs instead of a login shell: node-shell.sh NODE STUBS. All nodes share one file system here, so a file
# that is uploaded to a datastore is also put where the simulated Proxmox looks for NODE's files, with its mode.
set -u
node=$1
export PATH="$2:$PATH"
command=${SSH_ORIGINAL_COMMAND:-}

if [[ $command == *sftp-server* || $command == internal-sftp ]]; then
  for server in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/libexec/sftp-server; do
    [ -x "$server" ] && exec "$server"
  done
  echo "no sftp-server found" >&2
  exit 127
fi

# A new file gets what the node's root gives a new file; one that is there keeps its mode, as on a node.
umask 022
bash -c "$command"
status=$?
if [[ $status -eq 0 && $command =~ tee\ ([^\ \']+)/snippets/([^\ \']+) ]]; then
  files=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
  folder="$files/.nodes/$node/snippets"
  mkdir -p "$folder" && cp -p "$files/snippets/$name" "$folder/$name"
fi
exit "$status"
