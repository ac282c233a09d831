#!/bin/sh
# Proves that a models folder of Ollama is complete and intact. Only reads. Runs in the ollama/ollama image (dash,
# coreutils, findutils, grep, sed), so it serves the staging Job, an init container and an operator alike.
#
# Environment:
#   MODELS_DIR  the folder that holds blobs/ and manifests/ (required)
#   MODELS      references that have to be there, separated by white space (default none: whatever is there is checked)
#   VERIFY      sha256: read every blob and compare it with its name (default)
#               size: only compare sizes with the manifests; takes moments, finds a missing or truncated blob
#
# Standard output, one line per finding, for programs: "damaged sha256-<hex>", "missing sha256-<hex>",
# "no-manifest <reference>", "bad-manifest <path>", "foreign <path>", "no-folder <path>". The same for people on
# standard error.
#
# Exit: 0 complete and intact; 1 something was found; 64 wrong environment.
set -eu

MODELS_DIR=${MODELS_DIR:-}
MODELS=${MODELS:-}
VERIFY=${VERIFY:-sha256}
found=0

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
  *) misuse "VERIFY is '$VERIFY'; give sha256 or size" ;;
esac
set -f
# shellcheck disable=SC2086 # split on white space on purpose; set -f keeps the shell from expanding anything in it
set -- $MODELS
set +f

# Four levels, host/namespace/model/tag; registry, namespace and tag have defaults.
manifest_of() {
  name=$1
  tag=latest
  case ${name##*/} in
    *:*) tag=${name##*:} name=${name%:*} ;;
  esac
  case $name in
    */*/*) printf '%s/%s\n' "$name" "$tag" ;;
    */*) printf 'registry.ollama.ai/%s/%s\n' "$name" "$tag" ;;
    *) printf 'registry.ollama.ai/library/%s/%s\n' "$name" "$tag" ;;
  esac
}

# JSON of one line without white space; no value of a manifest that matters here holds any.
squeezed() { tr -d ' \t\r\n' <"$1"; }

# Ollama writes a manifest in place, so a killed server leaves a torn one. Cut after a complete layer it still looks
# sound to a search for digests, so its brackets have to match: strings are dropped, then the brackets are counted.
is_whole() {
  brackets=$(squeezed "$1" | sed -e 's/"\([^"\\]\|\\.\)*"//g' -e 's/[^][{}]//g')
  case $brackets in '{'*'}') ;; *) return 1 ;; esac
  open=$(printf '%s' "$brackets" | tr -d ']}')
  shut=$(printf '%s' "$brackets" | tr -d '[{')
  [ ${#open} -eq ${#shut} ] && squeezed "$1" | grep -q '"config":{' && squeezed "$1" | grep -q '"layers":\['
}

# "<hex> <size>" of each blob that a manifest names. Config and layers are flat objects, so one bracket per line puts a
# digest beside its size whatever their order; a size that is not there becomes "-".
blobs_of() {
  squeezed "$1" | sed 's/[{}]/\n/g' | sed -n \
    -e 's/.*"size":\([0-9]\{1,\}\).*"digest":"sha256:\([0-9a-f]\{64\}\)".*/\2 \1/p;t' \
    -e 's/.*"digest":"sha256:\([0-9a-f]\{64\}\)".*"size":\([0-9]\{1,\}\).*/\1 \2/p;t' \
    -e 's/.*"digest":"sha256:\([0-9a-f]\{64\}\)".*/\1 -/p'
}

check_blob() {
  blob=sha256-$1
  file=$MODELS_DIR/blobs/$blob
  if [ ! -f "$file" ]; then
    finding "missing $blob" "$file is missing; a manifest names it"
    return
  fi
  size=$(stat -c %s "$file")
  if [ "$2" != - ] && [ "$size" -ne "$2" ]; then
    finding "damaged $blob" "$file has $size bytes; the manifest says $2"
  elif [ "$VERIFY" = sha256 ]; then
    # Unreadable is damaged as well: whoever serves the folder could not read it either.
    actual=$(sha256sum <"$file") || actual="(unreadable)"
    actual=${actual%% *}
    [ "$actual" = "$1" ] || finding "damaged $blob" "$file has the SHA-256 $actual; its name says $1"
  fi
}

for folder in blobs manifests; do
  if [ ! -d "$MODELS_DIR/$folder" ]; then
    finding "no-folder $MODELS_DIR/$folder" "$MODELS_DIR has no folder $folder; is the share mounted, and this a models folder?"
  fi
done
[ "$found" -eq 0 ] || exit 1

for file in "$MODELS_DIR"/blobs/*; do
  [ -e "$file" ] || continue
  case ${file##*/} in
    sha256-*) digest=${file##*/sha256-} ;;
    *) digest= ;;
  esac
  case $digest in
    *[!0-9a-f]*) digest= ;;
  esac
  # Ollama renames or removes such files at its start, and on a read-only folder it ends instead.
  [ ${#digest} -eq 64 ] || finding "foreign $file" "$file is no blob: a partial download or a file from elsewhere"
done

# A name that is not four levels deep makes Ollama refuse the folder; so does an empty folder when it is read-only.
strays=$(cd "$MODELS_DIR/manifests" && find . -mindepth 1 \( -type d -empty -o ! -type d ! -path './*/*/*/*' -o -path './*/*/*/*/*' \) -print)
if [ -n "$strays" ]; then
  finding "foreign $MODELS_DIR/manifests" "these are no manifests of the form host/namespace/model/tag: $(printf '%s' "$strays" | tr '\n' ' ')"
fi

wanted=
manifests=$(cd "$MODELS_DIR/manifests" && find . -mindepth 4 -maxdepth 4 -type f | sort)
newline='
'
while read -r manifest; do
  [ -n "$manifest" ] || continue
  file=$MODELS_DIR/manifests/${manifest#./}
  named=
  is_whole "$file" && named=$(blobs_of "$file")
  if [ -n "$named" ]; then
    wanted=$wanted$newline$named
  else
    finding "bad-manifest $file" "$file is not a complete manifest"
  fi
done <<END
$manifests
END

for reference in "$@"; do
  manifest=$(manifest_of "$reference")
  [ -f "$MODELS_DIR/manifests/$manifest" ] ||
    finding "no-manifest $reference" "$reference is not there: no $MODELS_DIR/manifests/$manifest"
done
[ -n "$manifests" ] || finding "no-manifest any" "$MODELS_DIR holds no model at all"

# Models share blobs: each is read once.
wanted=$(printf '%s\n' "$wanted" | grep . | sort -u || true)
while read -r digest size; do
  [ -z "$digest" ] || check_blob "$digest" "$size"
done <<END
$wanted
END

[ "$found" -eq 0 ] || exit 1
printf 'verify-models: %s: %s models, %s blobs, all intact (%s)\n' "$MODELS_DIR" \
  "$(printf '%s\n' "$manifests" | grep -c .)" "$(printf '%s\n' "$wanted" | grep -c .)" "$VERIFY" >&2
