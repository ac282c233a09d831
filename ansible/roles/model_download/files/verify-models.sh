#!/bin/sh
# Proves that a models folder of Ollama is complete and intact. Only reads. Runs in the ollama/ollama image (dash,
# coreutils, findutils, grep, sed), so it serves the Jobs, an init container, a probe and an operator alike.
#
# The files are read, because no answer of the server proves them: Ollama 0.32 remembers what `ollama show` found for as
# long as the manifest stays the same, 0.13 shows a truncated model without complaint, and a pull takes every blob that
# exists for a good one.
#
# Environment:
#   MODELS_DIR  the folder that holds blobs/ and manifests/ (required)
#   MODELS      references that have to be there, separated by white space, in upper or lower case (default none)
#   SCOPE       all: whatever is in the folder is checked, and nothing else may be in it (default)
#               models: only MODELS and their blobs, as in the folder of a server that has other models and runs
#   VERIFY      sha256: read every blob and compare it with its name (default)
#               size: only compare sizes with the manifests; takes moments, finds a missing or truncated blob
#               changed: compare sizes, and read each blob that was written after RECORD was
#   RECORD      the record of a published release (default none: a manifest only has to be a whole one). Its lines
#               "manifest=<SHA-256> <host>/<namespace>/<model>/<tag>" name what each manifest has to be, and its lines
#               "blob=<seconds> sha256-<hex>" when each blob was written last
#   LAYERS      config: a manifest also has to name every layer that its model's configuration names. Not every registry
#               writes these down, so it is a reason to pull, and no proof after a pull (default: not compared)
#
# Standard output, one line per finding, for programs: "damaged sha256-<hex>", "missing sha256-<hex>",
# "no-manifest <reference>", "bad-manifest <path>", "foreign <path>", "no-folder <path>", "no-record <path>",
# "stale <path>"; then "broken <reference>" for each of MODELS that has a finding. The same for people on standard error.
#
# Exit: 0 complete and intact; 1 something was found; 64 wrong environment.
set -eu
# The C library's own words are looked for below.
LC_ALL=C
export LC_ALL

MODELS_DIR=${MODELS_DIR:-}
MODELS=${MODELS:-}
SCOPE=${SCOPE:-all}
VERIFY=${VERIFY:-sha256}
RECORD=${RECORD:-}
LAYERS=${LAYERS:-}
found=0
newline='
'

misuse() {
  printf 'verify-models: error: %s\n' "$*" >&2
  exit 64
}
# $1 what is found, for programs; $2 the explanation
finding() {
  printf '%s\n' "$1"
  printf 'verify-models: %s\n' "$2" >&2
  found=1
}

[ -n "$MODELS_DIR" ] || misuse "MODELS_DIR is not set; give the folder that holds blobs/ and manifests/"
case $VERIFY in
  sha256 | size) ;;
  changed) [ -n "$RECORD" ] || misuse "VERIFY is changed and RECORD is not set; give the record that says when the blobs were written" ;;
  *) misuse "VERIFY is '$VERIFY'; give sha256, size or changed" ;;
esac
case $SCOPE in
  all | models) ;;
  *) misuse "SCOPE is '$SCOPE'; give all or models" ;;
esac
case $LAYERS in
  '' | config) ;;
  *) misuse "LAYERS is '$LAYERS'; give config, or leave it out" ;;
esac
set -f
# shellcheck disable=SC2086 # split on white space on purpose; set -f keeps the shell from expanding anything in it
set -- $MODELS
set +f
[ "$SCOPE" = all ] || [ $# -gt 0 ] || misuse "MODELS is empty and SCOPE is models; name the models to check"

# Four levels, host/namespace/model/tag; registry, namespace and tag have defaults.
manifest_of() {
  name=$1
  tag=latest
  case ${name##*/} in
    *:*) tag=${name##*:} name=${name%:*} ;;
  esac
  case $name in
    */*/*) printf './%s/%s\n' "$name" "$tag" ;;
    */*) printf './registry.ollama.ai/%s/%s\n' "$name" "$tag" ;;
    *) printf './registry.ollama.ai/library/%s/%s\n' "$name" "$tag" ;;
  esac
}

# JSON of one line without white space; no value of a manifest that matters here holds any.
squeezed() { tr -d ' \t\r\n' <"$1"; }

# Ollama writes a manifest in place, so a killed server leaves a torn one. Cut after a complete layer it still looks
# sound to a search for digests, so its brackets have to match: what is left of them without strings and pairs is nothing.
# $1 the squeezed text of a manifest
is_whole() {
  case $1 in '{'*'}') ;; *) return 1 ;; esac
  [ -z "$(printf '%s' "$1" | sed -e 's/"\([^"\\]\|\\.\)*"//g' -e 's/[^][{}]//g' -e :pair -e 's/{}//g' -e 's/\[\]//g' -e 't pair')" ] || return 1
  case $1 in *'"config":{'*) ;; *) return 1 ;; esac
  # Without weights the server answers 404 to every prompt. A model that runs at ollama.com has no layer at all.
  case $1 in
    *'"layers":[]'* | *'"layers":null'*) ;;
    *'"layers":['*'application/vnd.ollama.image.model"'* | *'"layers":['*'application/vnd.ollama.image.tensor"'*) ;;
    *) return 1 ;;
  esac
}

# Sets named to "<hex> <size>" of each blob that a manifest names, one in each line. Config and layers are flat objects, so
# what lies between two brackets has a digest beside its size, whatever their order; a size that is not there becomes "-".
# $1 its squeezed text
name_blobs() {
  named=
  set -f
  IFS='{}'
  for part in $1; do
    case $part in
      *'"digest":"sha256:'*) digest=${part#*'"digest":"sha256:'} ;;
      *) continue ;;
    esac
    digest=${digest%%\"*}
    is_digest "$digest" || continue
    size=
    case $part in
      *'"size":'*) size=${part#*'"size":'} size=${size%%[!0-9]*} ;;
    esac
    named="$named${named:+$newline}$digest ${size:--}"
  done
  unset IFS
  set +f
}

is_digest() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} -eq 64 ]
}

# The layers that the configurations among these blobs name, and that are not among the blobs.
unnamed_layers() {
  printf '%s\n' "$1" | while read -r digest size; do
    config=$MODELS_DIR/blobs/sha256-$digest
    # A configuration is small; weights are not read here.
    if [ "$size" = - ] || [ "$size" -gt 65536 ] || [ ! -f "$config" ]; then continue; fi
    squeezed "$config" | grep -o '"diff_ids":\[[^]]*\]' | grep -Eo '[0-9a-f]{64}' | while read -r layer; do
      case $1 in *"$layer "*) ;; *) printf '%s\n' "$layer" ;; esac
    done
  done
}

# Each blob is looked at once, whatever the number of models that share it.
blobs=0
checked=' '
damaged=' '
# $1 digest, $2 size; fails when the blob is not what the manifest says
check_blob() {
  case $checked in
    *" $1:$2 "*)
      case $damaged in *" $1:$2 "*) return 1 ;; esac
      return 0
      ;;
  esac
  checked="$checked$1:$2 "
  blobs=$((blobs + 1))
  blob=sha256-$1
  file=$MODELS_DIR/blobs/$blob
  if [ ! -f "$file" ]; then
    finding "missing $blob" "$file is missing; a manifest names it"
  else
    written=$(stat -Lc '%s %Y' "$file")
    size=${written% *} written=${written#* }
    if [ "$2" != - ] && [ "$size" -ne "$2" ]; then
      finding "damaged $blob" "$file has $size bytes; the manifest says $2"
    else
      case $VERIFY in
        size) return 0 ;;
        changed)
          case $newline$times$newline in
            "$newline$newline" | *"$newline$written $blob$newline"*) return 0 ;;
          esac
          printf 'verify-models: %s was written after the release was published; reading it\n' "$file" >&2
          ;;
      esac
      # Unreadable is damaged as well: whoever serves the folder could not read it either.
      actual=$(sha256sum <"$file") || actual="(unreadable)"
      actual=${actual%% *}
      [ "$actual" != "$1" ] || return 0
      finding "damaged $blob" "$file has the SHA-256 $actual; its name says $1"
    fi
  fi
  damaged="$damaged$1:$2 "
  return 1
}

# $1 path below manifests/, with ./ before it; fails when the manifest or one of its blobs is not intact
check_manifest() {
  file=$MODELS_DIR/manifests/${1#./}
  named=
  text=$(squeezed "$file")
  ! is_whole "$text" || name_blobs "$text"
  if [ -z "$named" ]; then
    finding "bad-manifest $file" "$file is not a complete manifest of a model"
    return 1
  fi
  if [ "$recorded" = true ]; then
    sum=$(sha256sum <"$file")
    case $newline$records$newline in
      *"$newline${sum%% *} ${1#./}$newline"*) ;;
      *)
        finding "bad-manifest $file" "$file is not the manifest that was published: $RECORD does not name its SHA-256 ${sum%% *}"
        return 1
        ;;
    esac
  fi
  unnamed=
  [ -z "$LAYERS" ] || unnamed=$(unnamed_layers "$named")
  if [ -n "$unnamed" ]; then
    finding "bad-manifest $file" "$file lacks a layer that the model's own configuration names: $(printf '%s' "$unnamed" | tr '\n' ' ')"
    return 1
  fi
  intact=true
  while read -r digest size; do
    check_blob "$digest" "$size" || intact=false
  done <<END
$named
END
  [ "$intact" = true ]
}

# --- the folder ------------------------------------------------------------------------------------------------------

# The kernel answers with a stale handle for as long as the mount lives; only a new mount helps.
if answer=$(ls -d "$MODELS_DIR/blobs" "$MODELS_DIR/manifests" 2>&1 >/dev/null); then :; fi
case $answer in
  *[Ss]tale*)
    finding "stale $MODELS_DIR" "the NFS handle of $MODELS_DIR is stale, because its server replaced what it exports. Only a new mount helps: delete the pod, and its Deployment makes another; a folder of the node is mounted anew on the node first"
    exit 1
    ;;
esac
for folder in blobs manifests; do
  if [ ! -d "$MODELS_DIR/$folder" ]; then
    finding "no-folder $MODELS_DIR/$folder" "$MODELS_DIR has no folder $folder; is the share mounted, and this a models folder?"
  fi
done
recorded=false
records=
times=
if [ -n "$RECORD" ]; then
  if [ ! -f "$RECORD" ]; then
    finding "no-record $RECORD" "$RECORD is not there; is the release published?"
  else
    records=$(sed -n 's/^manifest=//p' "$RECORD")
    times=$(sed -n 's/^blob=//p' "$RECORD")
    recorded=true
    # A release of an earlier version of the staging script.
    [ -n "$records" ] || {
      recorded=false
      printf 'verify-models: warning: %s names no manifest; a changed manifest that is whole is not seen\n' "$RECORD" >&2
    }
    [ "$VERIFY" != changed ] || [ -n "$times" ] ||
      printf 'verify-models: warning: %s does not say when its blobs were written; a changed blob of the same size is not seen\n' "$RECORD" >&2
  fi
fi
[ "$found" -eq 0 ] || exit 1

if [ "$SCOPE" = all ]; then
  for file in "$MODELS_DIR"/blobs/*; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    case ${file##*/} in
      sha256-*) digest=${file##*/sha256-} ;;
      *) digest= ;;
    esac
    # Ollama renames or removes such files at its start, and on a read-only folder it ends instead.
    if ! is_digest "$digest"; then
      finding "foreign $file" "$file is no blob: a partial download or a file from elsewhere"
    elif [ -L "$file" ]; then
      finding "foreign $file" "$file is a symbolic link; what it leads to is not part of the folder"
    fi
  done

  # A name that is not four levels deep makes Ollama refuse the folder; so does an empty folder when it is read-only.
  strays=$(cd "$MODELS_DIR/manifests" && find . -mindepth 1 \( -type d -empty -o -type l -o ! -type d ! -path './*/*/*/*' -o -path './*/*/*/*/*' \) -print)
  if [ -n "$strays" ]; then
    finding "foreign $MODELS_DIR/manifests" "these are no manifests of the form host/namespace/model/tag: $(printf '%s' "$strays" | tr '\n' ' ')"
  fi
fi

manifests=$(cd "$MODELS_DIR/manifests" && find . -mindepth 4 -maxdepth 4 -type f | sort)
count=0
passed=$newline
# $1 path below manifests/; each is checked once
pass() {
  case $passed in
    *"$newline$1=yes$newline"*) return 0 ;;
    *"$newline$1=no$newline"*) return 1 ;;
  esac
  count=$((count + 1))
  if check_manifest "$1"; then
    passed="$passed$1=yes$newline"
  else
    passed="$passed$1=no$newline"
    return 1
  fi
}

if [ "$SCOPE" = all ]; then
  while read -r manifest; do
    [ -z "$manifest" ] || pass "$manifest" || true
  done <<END
$manifests
END
  [ -n "$manifests" ] || finding "no-manifest any" "$MODELS_DIR holds no model at all"
fi

broken=
for reference in "$@"; do
  # Ollama files a model under a name that differs in case alone when it has one already.
  manifest=$(printf '%s\n' "$manifests" | grep -Fxim 1 -- "$(manifest_of "$reference")" || true)
  if [ -z "$manifest" ]; then
    finding "no-manifest $reference" "$reference is not there: no $MODELS_DIR/manifests/$(manifest_of "$reference" | sed 's|^\./||')"
    broken=$broken$newline$reference
  else
    pass "$manifest" || broken=$broken$newline$reference
  fi
done

if [ "$found" -ne 0 ]; then
  [ -z "$broken" ] || printf '%s\n' "$broken" | sed -e 1d -e 's/^/broken /'
  exit 1
fi
printf 'verify-models: %s: %s models, %s blobs, all intact (%s)\n' "$MODELS_DIR" \
  "$count" "$blobs" "$VERIFY" >&2
