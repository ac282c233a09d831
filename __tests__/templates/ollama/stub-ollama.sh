#!/bin/sh
# Stands in for the ollama command: a server that is a process and a folder, and a registry that is another folder.
# Blobs, manifests and tables have the real layout. As with the real server, a pull takes a blob that exists for a good one
# and files a model under the case that is there already, and removing a model removes the blobs that no other names. Empty
# notes of a partial download (sha256-<hex>-partial-<n>) make every pull of that blob fail.
#
#   $OLLAMA_STUB/registry/<host>/<namespace>/<model>/<tag>   manifests that can be pulled
#   $OLLAMA_STUB/registry-blobs/sha256-<hex>                 and their blobs
#   $OLLAMA_STUB/on-serve, on-pull, after-pull, on-list, on-rm  sourced, when they exist, to misbehave
#   $OLLAMA_STUB/calls, downloads                            what was asked for, and which blobs were really loaded
#   $OLLAMA_STUB/up                                          "<pid> <models folder>" of the server
set -eu
stub=${OLLAMA_STUB:?}
command=$1
# For the hooks: a file that a function sources sees the function's own arguments.
# shellcheck disable=SC2034
model=${2:-}
[ "$command" = list ] || printf '%s\n' "$*" >>"$stub/calls"

misbehave() {
  if [ -e "$stub/$1" ]; then
    # shellcheck source=/dev/null
    . "$stub/$1"
  fi
}

# A process that was killed and not yet waited for still takes signals, but has no program.
connect() {
  pid=
  [ ! -e "$stub/up" ] || read -r pid models <"$stub/up"
  if [ -z "$pid" ] || [ ! -e "/proc/$pid/exe" ]; then
    echo "Error: could not connect to ollama server, run 'ollama serve' to start it" >&2
    exit 1
  fi
}

# Builtins do here what they can, because every run of a script calls this several times.

# $1 a reference: sets path to its path below manifests/
path_of() {
  name=$1
  tag=latest
  case ${name##*/} in
    *:*) tag=${name##*:} name=${name%:*} ;;
  esac
  case $name in
    */*/*) ;;
    */*) name=registry.ollama.ai/$name ;;
    *) name=registry.ollama.ai/library/$name ;;
  esac
  path=$name/$tag
}

# Makes path the one that is there already, in whatever case.
existing() {
  [ ! -e "$models/manifests/$path" ] || return 0
  found=$(find "$models/manifests" -type f | sed "s|^$models/manifests/||" | grep -Fxi -- "$path" | head -n 1 || true)
  path=${found:-$path}
}

# $1 a manifest, of one line: sets names to the names of its blobs
blobs_in() {
  names=
  read -r rest <"$1" || [ -n "$rest" ]
  while :; do
    case $rest in *sha256:*) rest=${rest#*sha256:} ;; *) return 0 ;; esac
    names="$names sha256-${rest%%\"*}"
  done
}

case $command in
  serve)
    misbehave on-serve
    mkdir -p "$OLLAMA_MODELS/blobs" "$OLLAMA_MODELS/manifests"
    if [ "${OLLAMA_NOPRUNE:-}" != 1 ]; then
      for blob in "$OLLAMA_MODELS"/blobs/*; do
        grep -rq "$(basename "$blob" | tr - :)" "$OLLAMA_MODELS/manifests" || rm -f "$blob"
      done
    fi
    trap 'rm -f "$stub/up"; exit 0' TERM
    printf '%s %s\n' "$$" "$OLLAMA_MODELS" >"$stub/up"
    # Waited for, since a trap does not end a command that runs.
    while kill -0 "$PPID" 2>/dev/null; do
      sleep 1 >/dev/null 2>&1 &
      wait "$!"
    done
    ;;
  list)
    connect
    misbehave on-list
    printf 'NAME              ID              SIZE      MODIFIED\n'
    for file in "$models"/manifests/*/*/*/*; do
      [ -f "$file" ] || continue
      name=${file#"$models/manifests/"}
      name=${name%/*}:${name##*/}
      name=${name#registry.ollama.ai/}
      printf '%s    baf6a787fdff    1.3 GB    2 days ago\n' "${name#library/}"
    done
    ;;
  pull)
    connect
    path_of "$2"
    misbehave on-pull
    # The registry knows one spelling of a name, in lower case unless a test says otherwise.
    remote=$stub/registry/$path
    [ -e "$remote" ] || remote=$stub/registry/$(printf '%s' "$path" | tr '[:upper:]' '[:lower:]')
    if [ ! -e "$remote" ]; then
      echo "Error: pull model manifest: file does not exist" >&2
      exit 1
    fi
    existing
    blobs_in "$remote"
    set --
    for name in $names; do
      [ -e "$models/blobs/$name" ] && continue
      for note in "$models/blobs/$name"-partial-*; do
        if [ -e "$note" ] && [ ! -s "$note" ]; then
          echo "Error: EOF" >&2
          exit 1
        fi
      done
      printf '%s\n' "$name" >>"$stub/downloads"
      set -- "$@" "$stub/registry-blobs/$name"
    done
    [ $# -eq 0 ] || cp "$@" "$models/blobs"
    [ -d "$models/manifests/${path%/*}" ] || mkdir -p "$models/manifests/${path%/*}"
    cp "$remote" "$models/manifests/$path"
    misbehave after-pull
    # Progress and its last word go to standard error, as the real client's.
    echo success >&2
    ;;
  rm)
    connect
    misbehave on-rm
    path_of "$2"
    existing
    file=$models/manifests/$path
    blobs_in "$file"
    rm "$file"
    find "$models/manifests" -mindepth 1 -type d -empty -delete
    for name in $names; do
      grep -rq "$(printf '%s' "$name" | tr - :)" "$models/manifests" || rm -f "$models/blobs/$name"
    done
    ;;
  *)
    echo "Error: unknown command \"$command\" for \"ollama\"" >&2
    exit 1
    ;;
esac
