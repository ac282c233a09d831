#!/bin/sh
# Pulls the models of one release onto a shared folder, proves them and publishes them, for clusters that cannot reach
# the model registry. Runs in the ollama/ollama image (dash, coreutils, findutils, grep, sed) as a Job; needs
# verify-models.sh beside it.
#
#   $NFS_ROOT/releases/<id>/models       published: complete, verified, never changed again
#   $NFS_ROOT/releases/<id>/release.txt  what it holds, with the checksums of its manifests and the times of its blobs, when
#                                        it was published, and the order for the clean-up
#   $NFS_ROOT/.staging/work/<id>/        a release in the making; survives a killed run, and the next one resumes it
#   $NFS_ROOT/.staging/removed/          releases and locks on their way out
#   $NFS_ROOT/.staging/lock/             taken by the one run that may write
#
# A release enters and leaves releases/ by one rename, so nothing half-made is ever visible there.
#
# Environment:
#   NFS_ROOT            the shared folder (default /nfs/ollama)
#   RELEASE_ID          name of the release (required)
#   MODELS              model references, separated by white space (required)
#   KEEP                how many of the releases staged last are kept, this one included, at least 2 (default 2)
#   PINNED_RELEASE      a release that is kept besides (default none)
#   PULL_ATTEMPTS       pulls of one model before giving up, at least 1 (default 3)
#   RETRY_SECONDS       pause before another pull of the same model (default 10)
#   WAIT_SECONDS        how long `ollama serve` may take to answer (default 120)
#   POLL_SECONDS        pause between two looks at the server or the lock (default 1)
#   MOUNT_CHECK         file system types that NFS_ROOT may lie on, as /proc/self/mounts names them (default "nfs nfs4");
#                       for another shared file system name its type ("ceph", "fuse.glusterfs"); "any" allows every type
#   MOUNT_MARKER        a file in NFS_ROOT that has to exist as well (default none)
#   MOUNT_TABLE         the table to look in (default /proc/self/mounts)
#   LOCK_WAIT_SECONDS   how long another run is waited for (default 600)
#   LOCK_STALE_SECONDS  a lock whose heartbeat stands still for so long is taken over (default 120)
#   HEARTBEAT_SECONDS   pause between two heartbeats of this run's lock (default 15)
#   POD_NAME            names the holder of the lock to others (default: the host name)
#   OLLAMA_HOST         where the server of this run listens (default 127.0.0.1:11434)
#
# Exit: 0 published, or already published and intact; 2 the server did not come up, ended, or is not this run's; 3 a model
#       could not be pulled; 4 verification failed; 5 another run holds the lock; 6 the folder could not be written, or is
#       full; 7 the folder is refused: not mounted, or not laid out by this script; 64 wrong environment; 143 ended by a
#       signal; anything else is unexpected. After every one of them releases/ holds only complete releases.
set -eu
umask 022

NFS_ROOT=${NFS_ROOT:-/nfs/ollama}
RELEASE_ID=${RELEASE_ID:-}
MODELS=${MODELS:-}
KEEP=${KEEP:-2}
PINNED_RELEASE=${PINNED_RELEASE:-}
PULL_ATTEMPTS=${PULL_ATTEMPTS:-3}
RETRY_SECONDS=${RETRY_SECONDS:-10}
WAIT_SECONDS=${WAIT_SECONDS:-120}
POLL_SECONDS=${POLL_SECONDS:-1}
MOUNT_CHECK=${MOUNT_CHECK:-nfs nfs4}
MOUNT_MARKER=${MOUNT_MARKER:-}
MOUNT_TABLE=${MOUNT_TABLE:-/proc/self/mounts}
LOCK_WAIT_SECONDS=${LOCK_WAIT_SECONDS:-600}
LOCK_STALE_SECONDS=${LOCK_STALE_SECONDS:-120}
HEARTBEAT_SECONDS=${HEARTBEAT_SECONDS:-15}
POD_NAME=${POD_NAME:-$(uname -n)}
OLLAMA_HOST=${OLLAMA_HOST:-127.0.0.1:11434}
# The server writes its key below HOME and ends when it cannot; the key is of no further use.
HOME=${HOME:-/tmp}
[ -w "$HOME" ] || HOME=/tmp
export OLLAMA_HOST HOME

case $0 in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac
releases=$NFS_ROOT/releases
staging=$NFS_ROOT/.staging
work=$staging/work/$RELEASE_ID
removed=$staging/removed
lock=$staging/lock
newline='
'

child=
server=
heart=
scratch=
locked=false

say() { printf '%s\n' "$*"; }
warn() { printf 'stage-models: warning: %s\n' "$*" >&2; }
die() {
  code=$1
  shift
  printf 'stage-models: error: %s\n' "$*" >&2
  exit "$code"
}

# A trap runs only between commands, so long commands run in the background and are waited for:
# this is what lets a deleted pod end at once, and give its lock back.
run() {
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  child=
  return "$code"
}

stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  server=
}

finish() {
  code=$?
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  stop_server
  # Not TERM: a shell that was forked a moment ago still has this one's trap, and would lose the signal and beat for ever.
  [ -z "$heart" ] || kill -KILL "$heart" 2>/dev/null || true
  [ -z "$heart" ] || wait "$heart" 2>/dev/null || true
  [ -z "$scratch" ] || rm -rf "$scratch"
  if [ "$locked" = true ] && owns_lock; then rm -rf "$lock"; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# --- what comes in ---------------------------------------------------------------------------------------------------

# $1 name, $2 value, $3 smallest value
whole_number() {
  case $2 in
    '' | *[!0-9]*) die 64 "$1 is '$2'; give a whole number" ;;
  esac
  [ "$2" -ge "$3" ] || die 64 "$1 is $2; give $3 or more"
}
seconds() {
  case $2 in
    '' | . | *[!0-9.]* | *.*.*) die 64 "$1 is '$2'; give a number of seconds" ;;
  esac
}
release_name() {
  printf '%s\n' "$2" | grep -Eq '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$' ||
    die 64 "$1 is '$2'; give letters, digits, dots, dashes and underscores, at most 63, a letter or digit first"
}

check_environment() {
  case $NFS_ROOT in
    /*[!/]*) ;;
    *) die 64 "NFS_ROOT is '$NFS_ROOT'; give the absolute path of the shared folder" ;;
  esac
  release_name RELEASE_ID "$RELEASE_ID"
  [ -z "$PINNED_RELEASE" ] || release_name PINNED_RELEASE "$PINNED_RELEASE"
  # One may still serve while its successor is staged: with fewer than two, staging would pull it from under production.
  whole_number KEEP "$KEEP" 2
  whole_number PULL_ATTEMPTS "$PULL_ATTEMPTS" 1
  whole_number WAIT_SECONDS "$WAIT_SECONDS" 0
  whole_number LOCK_WAIT_SECONDS "$LOCK_WAIT_SECONDS" 0
  whole_number LOCK_STALE_SECONDS "$LOCK_STALE_SECONDS" 1
  seconds RETRY_SECONDS "$RETRY_SECONDS"
  seconds POLL_SECONDS "$POLL_SECONDS"
  seconds HEARTBEAT_SECONDS "$HEARTBEAT_SECONDS"
  beat=${HEARTBEAT_SECONDS%%.*}
  [ "$LOCK_STALE_SECONDS" -gt $((${beat:-0} * 2)) ] ||
    die 64 "LOCK_STALE_SECONDS is $LOCK_STALE_SECONDS and HEARTBEAT_SECONDS $HEARTBEAT_SECONDS; a living run would seem dead: make the first more than twice the second"
  # Checked before MODELS is ever split unquoted: what passes holds no character that a shell would expand.
  MODELS=$(printf '%s' "$MODELS" | tr -s ' \t\r\n' '\n')
  MODELS=${MODELS#"$newline"}
  [ -n "$MODELS" ] || die 64 "MODELS is empty; name at least one model, for example llama3:8b"
  # Lengths apart: a host has at most 350 characters, every other part 80, and grep takes ten times as long to count them.
  part='[A-Za-z0-9_][A-Za-z0-9_.-]*'
  reference="^(([A-Za-z0-9_][A-Za-z0-9_.:-]*/)?[A-Za-z0-9_][A-Za-z0-9_-]*/)?$part(:$part)?\$"
  wrong=$(printf '%s\n' "$MODELS" | grep -Evm 1 "$reference" || true)
  [ -n "$wrong" ] || for model in $MODELS; do
    case $model in
      */*/*) host=${model%%/*} rest=${model#*/} ;;
      *) host='' rest=$model ;;
    esac
    namespace=${rest%/*} tag=${rest##*:} name=${rest##*/}
    [ "$namespace" != "$rest" ] || namespace=
    name=${name%:*}
    [ "$tag" != "$rest" ] || tag=
    if [ ${#host} -gt 350 ] || [ ${#namespace} -gt 80 ] || [ ${#name} -gt 80 ] || [ ${#tag} -gt 80 ]; then wrong=$model; fi
  done
  [ -z "$wrong" ] || die 64 "MODELS names '$wrong', which is not a model reference; the form is [host/][namespace/]model[:tag]"
}

# An unmounted folder of the node looks like an empty share: the pull would fill the node's disk and production would
# find nothing. In a pod the mount table shows the folder with the type of what lies beneath, for a hostPath as for an
# NFS volume; only that tells the two apart.
check_mount() {
  [ -d "$NFS_ROOT" ] || die 7 "$NFS_ROOT is not a folder; mount the share there"
  root=$(readlink -f "$NFS_ROOT")
  nearest=
  type=none
  # The longest mount point above the folder is the one it lies on; of several on one point the last hides the others.
  while read -r _ point candidate _; do
    case $root/ in
      "${point%/}"/*) [ ${#point} -lt ${#nearest} ] || { nearest=$point type=$candidate; } ;;
    esac
  done <"$MOUNT_TABLE"
  case " $MOUNT_CHECK " in
    ' any ' | *" $type "*) ;;
    *) die 7 "$NFS_ROOT lies on a file system of type $type (mounted at ${nearest:-?}), not on one of: $MOUNT_CHECK. Is the share mounted on the node? For another shared file system set MOUNT_CHECK to its type" ;;
  esac
  [ -z "$MOUNT_MARKER" ] || [ -e "$NFS_ROOT/$MOUNT_MARKER" ] ||
    die 7 "$NFS_ROOT has no file $MOUNT_MARKER, which marks the mounted share; mount the share, or create the file on it once"
}

# --- one run at a time -----------------------------------------------------------------------------------------------

# mkdir is the one step that is atomic on every NFS version. A killed pod leaves its lock behind, so a living holder
# beats: it rewrites a counter. Whoever waits compares what it reads with what it read before, by its own clock: clocks
# of two nodes never have to agree.
token=$POD_NAME.$$.$(date +%s)

owns_lock() { { read -r owner <"$lock/owner"; } 2>/dev/null && [ "$owner" = "token=$token" ]; }

beats() {
  count=0
  # The parent is looked at, because a run that was killed alone must not seem alive.
  while kill -0 "$1" 2>/dev/null && owns_lock; do
    count=$((count + 1))
    printf '%s\n' "$count" >"$lock/heartbeat" || return 0
    sleep "$HEARTBEAT_SECONDS"
  done
}

lock_state() { cat "$lock/owner" "$lock/heartbeat" 2>/dev/null || true; }

take_over_lock() {
  taken=$removed/lock.$token
  mv -T "$lock" "$taken" 2>/dev/null || return 0
  if [ "$(sed -n 's/^token=//p' "$taken/owner" 2>/dev/null)" = "$1" ]; then
    warn "took over the lock of ${1:-an unknown run}: no heartbeat for $LOCK_STALE_SECONDS s"
    rm -rf "$taken"
  else
    # Another waiter was quicker and this is its new lock.
    mv -T "$taken" "$lock" 2>/dev/null || true
  fi
}

# A link that somebody put here leads elsewhere, and what is changed or removed behind it is not this run's to touch.
refuse_links() {
  for folder in "$@"; do
    [ ! -L "$folder" ] || die 7 "$folder is a symbolic link (to $(readlink "$folder")); this script makes folders only. Remove the link"
  done
}

take_lock() {
  refuse_links "$releases" "$staging" "$staging/work" "$removed"
  mkdir -p "$staging/work" "$removed" "$releases" ||
    die 6 "$NFS_ROOT cannot be written; is it mounted read-only, or does the export squash this user? $(free_space)"
  devices=$(stat -c %d "$staging" "$releases")
  [ "${devices%"$newline"*}" = "${devices#*"$newline"}" ] ||
    die 7 "$staging and $releases lie on different file systems, so no release could be published by one rename"
  begun=
  seen=none
  while ! mkdir "$lock" 2>/dev/null; do
    if [ ! -d "$lock" ]; then
      # Given back a moment ago, or not to be created at all: another try tells.
      mkdir "$lock" && break
      [ -d "$lock" ] || die 6 "$lock cannot be created. $(free_space)"
    fi
    now=$(date +%s)
    begun=${begun:-$now}
    state=$(lock_state)
    if [ "$state" != "$seen" ]; then
      seen=$state
      seen_since=$now
    elif [ $((now - seen_since)) -gt "$LOCK_STALE_SECONDS" ]; then
      # Greater, not equal: whole seconds may count one for what was a moment.
      take_over_lock "$(printf '%s\n' "$state" | sed -n 's/^token=//p')"
      continue
    fi
    [ $((now - begun)) -lt "$LOCK_WAIT_SECONDS" ] ||
      die 5 "another run holds $lock ($(printf '%s' "$state" | tr '\n' ' ')). Wait for it; a holder that is gone loses the lock after $LOCK_STALE_SECONDS s without heartbeat; when no staging Job runs, the folder may be removed by hand"
    sleep "$POLL_SECONDS"
  done
  printf 'token=%s\nholder=%s\nsince=%s\n' "$token" "$POD_NAME" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$lock/owner" || {
    rm -rf "$lock"
    die 6 "$lock/owner cannot be written. $(free_space)"
  }
  locked=true
  beats $$ >/dev/null 2>&1 &
  heart=$!
}

# Asked again before every step that others can see: a run that was suspended may have lost its lock meanwhile.
need_lock() { owns_lock || die 5 "another run took over $lock; nothing was published by this one"; }

# --- the release in the making ---------------------------------------------------------------------------------------

free_space() { printf 'Space: %s' "$(df -Ph "$NFS_ROOT" 2>/dev/null | sed -n '2s/^\([^ ]*\) *\([^ ]*\) *\([^ ]*\) *\([^ ]*\).*/\4 free of \2 on \1/p')"; }

# $1 the record of a release: sets sequence to its place in the order, 0 where the record has none
read_sequence() {
  sequence=0
  while IFS='=' read -r key value; do
    case $key=$value in
      sequence=*[!0-9]* | sequence=) return 0 ;;
      sequence=*) sequence=$value && return 0 ;;
    esac
  done <"$1"
}

# The ids of the published releases, the one staged last first. A folder without the record was not published here and is
# left alone.
by_age() {
  # Nothing to sort on a share that is new.
  set -- "$releases"/*/release.txt
  [ -f "$1" ] || return 0
  for record in "$@"; do
    read_sequence "$record"
    id=${record%/release.txt}
    printf '%s/%s\n' "$sequence" "${id##*/}"
  done | sort -t / -k 1,1rn -k 2,2 | sed 's|.*/||'
}

# A release that is asked for again counts as new: whoever goes back to it is about to serve it.
next_sequence() {
  last=0
  for record in "$releases"/*/release.txt; do
    [ -f "$record" ] || continue
    read_sequence "$record"
    [ "$sequence" -le "$last" ] || last=$sequence
  done
  printf '%s\n' $((last + 1))
}

is_blob_name() {
  case $1 in
    sha256-*[!0-9a-f]*) return 1 ;;
    sha256-*) [ ${#1} -eq 71 ] ;;
    *) return 1 ;;
  esac
}

# $1 a models folder whose complete blobs this release may use
share_blobs() {
  for blob in "$1"/blobs/sha256-*; do
    name=${blob##*/}
    if ! is_blob_name "$name" || [ -L "$blob" ] || [ ! -f "$blob" ] || [ -e "$work/models/blobs/$name" ]; then continue; fi
    ln "$blob" "$work/models/blobs/$name" 2>/dev/null || not_shared=$((not_shared + 1))
  done
}

prepare_work() {
  refuse_links "$work"
  # Links below it go; what they lead to stays.
  [ ! -d "$work" ] || find "$work" -type l -delete || die 6 "$work cannot be written. $(free_space)"
  mkdir -p "$work/models/blobs" || die 6 "$work cannot be created. $(free_space)"
  # Of a killed run only blobs are of use, complete or partial. Its manifests may be torn, or of another list.
  rm -rf "$work/models/manifests" "$work/release.txt"
  mkdir "$work/models/manifests" || die 6 "$work cannot be written. $(free_space)"
  # A full disk or a kill can tear the notes beside a partial download, and then Ollama never resumes it.
  for note in "$work"/models/blobs/sha256-*-partial-*; do
    if [ -f "$note" ] && ! grep -q '}' "$note"; then rm -f "${note%-partial-*}"-partial*; fi
  done
  not_shared=0
  # The youngest first: what an older release holds under the same name may be the damaged copy it replaced.
  for id in $(by_age); do
    share_blobs "$releases/$id/models"
  done
  for other in "$staging"/work/*; do
    [ "$other" != "$work" ] || continue
    [ -L "$other" ] || [ -L "$other/models" ] || [ -L "$other/models/blobs" ] || share_blobs "$other/models"
    rm -rf "$other" || warn "$other could not be removed"
  done
  [ "$not_shared" -eq 0 ] || warn "$not_shared blobs could not be hard-linked and are downloaded again if they are needed"
}

start_server() {
  # Another server would pull into a folder of its own, and this one could not listen.
  ! timeout 10 ollama list >/dev/null 2>&1 ||
    die 2 "another server answers at $OLLAMA_HOST, so this run's own cannot listen there; end it, or set OLLAMA_HOST to a free port"
  # NOPRUNE: a starting server removes every blob that no manifest names, so all that was just linked or half loaded.
  # NO_CLOUD: from 0.16.2 on it would ask ollama.com for its cloud models at every start.
  OLLAMA_MODELS=$work/models OLLAMA_NOPRUNE=1 OLLAMA_NO_CLOUD=1 ollama serve &
  server=$!
  begun=
  until timeout 10 ollama list >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || die 2 "ollama serve ended before it answered; its own message is above"
    now=$(date +%s)
    begun=${begun:-$now}
    [ $((now - begun)) -lt "$WAIT_SECONDS" ] ||
      die 2 "ollama serve did not answer at $OLLAMA_HOST within $WAIT_SECONDS s; its own messages are above"
    sleep "$POLL_SECONDS"
  done
  kill -0 "$server" 2>/dev/null || die 2 "ollama serve ended, and something else answers at $OLLAMA_HOST"
}

# The server's words are shown as they come, and kept: they tell a full disk from a wrong name.
pull_once() {
  [ -p "$scratch/pipe" ] || mkfifo "$scratch/pipe"
  tee "$scratch/said" <"$scratch/pipe" >&2 &
  echoing=$!
  code=0
  run ollama pull "$1" 2>"$scratch/pipe" || code=$?
  wait "$echoing" || true
  # 0.13 exits 0 when the server goes away in the middle (api/client.go, stream); only the last word of a pull tells.
  [ "$code" -ne 0 ] || grep -q success "$scratch/said" || code=1
  return "$code"
}

pull() {
  attempt=1
  until pull_once "$1"; do
    kill -0 "$server" 2>/dev/null || die 2 "ollama serve ended while $1 was pulled; its own message is above"
    ! grep -qiE 'no space left on device|disk quota exceeded' "$scratch/said" ||
      die 6 "the share is full: $1 does not fit. Nothing was published; what was loaded is kept for the next run. $(free_space)"
    [ "$attempt" -lt "$PULL_ATTEMPTS" ] ||
      die 3 "$1 could not be pulled in $PULL_ATTEMPTS attempts; the reason is above. Nothing was published; what was loaded is kept for the next run. $(free_space)"
    attempt=$((attempt + 1))
    say "$1: the pull failed, attempt $attempt of $PULL_ATTEMPTS follows in $RETRY_SECONDS s"
    if [ "$attempt" -eq "$PULL_ATTEMPTS" ]; then
      # The notes Ollama keeps beside a partial download can be torn by a kill, and then fail every resumption.
      find "$work/models/blobs" -name 'sha256-*[!0-9a-f]*' -type f ! -name '.nfs*' -delete || true
    fi
    sleep "$RETRY_SECONDS"
  done
}

# Leaves only what the manifests name: not the links to blobs of other releases, nor partial downloads.
prune_work() {
  wanted=$(grep -Erho 'sha256:[0-9a-f]{64}' "$work/models/manifests" || true)
  for blob in "$work"/models/blobs/*; do
    name=${blob##*/}
    case $newline$wanted$newline in
      *"${newline}sha256:${name#sha256-}$newline"*) ;;
      *) rm -rf "$blob" || die 6 "$blob could not be removed" ;;
    esac
  done
  # An empty folder below manifests makes a server on a read-only share end at its start.
  find "$work/models/manifests" -mindepth 1 -type d -empty -delete
}

# $1 a models folder; $2 the record that its manifests have to match, if there is one
verify() { run verify_files "$@" >"$report"; }
verify_files() { MODELS_DIR=$1 MODELS=$MODELS VERIFY=sha256 RECORD=${2:-} exec sh "$here/verify-models.sh"; }

# Ollama takes a blob that exists for a good one, whatever it holds, so a damaged blob stays damaged through every
# pull until its name is gone. Only this release's name goes: the copy of another release is not this run's to change.
discard_damaged() {
  sed -n 's/^damaged //p' "$report" | while read -r name; do
    inode=$(stat -c %i "$work/models/blobs/$name")
    for id in $(by_age); do
      twin=$releases/$id/models/blobs/$name
      [ "$(stat -c %i "$twin" 2>/dev/null || true)" != "$inode" ] ||
        warn "release $id holds the same damaged $name: do not serve it; pin another release, or stage its models anew under another id"
    done
    rm -f "$work/models/blobs/$name"
  done
}

pull_and_verify() {
  round=1
  while :; do
    for model in $MODELS; do
      say "$model: pulling"
      pull "$model"
    done
    kill -0 "$server" 2>/dev/null || die 2 "ollama serve ended during the pulls, and something else answers at $OLLAMA_HOST"
    prune_work
    # A full disk of an NFS server may be reported no sooner than here.
    sync -f "$work" || die 6 "the share did not take the data. $(free_space)"
    say "Verifying every blob"
    if verify "$work/models"; then return 0; fi
    discard_damaged
    [ "$round" -eq 1 ] || die 4 "release $RELEASE_ID is still damaged or incomplete after it was pulled anew; see above. Nothing was published. $(free_space)"
    round=2
    say "Pulling anew what was damaged or missing"
  done
}

# A manifest that is changed later may still be a whole one, so its checksum is kept. By sha256sum of one file each: its
# list form escapes names.
manifest_sums() {
  (cd "$work/models/manifests" && find . -type f | sort) | while read -r manifest; do
    sum=$(sha256sum <"$work/models/manifests/$manifest") || return 1
    printf 'manifest=%s %s\n' "${sum%% *}" "${manifest#./}"
  done
}

# When each blob was written last. A start of a pod reads only those that were written since: they were proved before.
blob_times() {
  (cd "$work/models/blobs" && stat -c 'blob=%Y %n' sha256-*)
}

publish() {
  # shellcheck disable=SC2046 # one word for each model
  set -- $(printf '%s\n' "$MODELS" | sort -u)
  {
    printf 'id=%s\nsequence=%s\npublished=%s\nmodels=%s\n' "$RELEASE_ID" "$(next_sequence)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" &&
      manifest_sums && blob_times
  } >"$work/release.txt" || die 6 "$work/release.txt cannot be written. $(free_space)"
  # Production may read as another user.
  chmod -R a+rX,go-w "$work" || die 6 "the permissions of $work cannot be set"
  sync -f "$work" || die 6 "the share did not take the data. $(free_space)"
  need_lock
  mv -T "$work" "$releases/$RELEASE_ID" || die 6 "release $RELEASE_ID could not be published. $(free_space)"
  say "Published $releases/$RELEASE_ID"
}

# Moves a release that exists to the young end of the order; leaves every byte alone when it is there already.
renew() {
  youngest=$(by_age | sed -n 1p)
  [ "$youngest" != "$RELEASE_ID" ] || return 0
  need_lock
  record=$releases/$RELEASE_ID/release.txt
  # A new file and a rename, because a reader must never meet half a record.
  rm -f "$staging/record"
  if ! sed "s/^sequence=.*/sequence=$(next_sequence)/" "$record" >"$staging/record" || ! mv -T "$staging/record" "$record"; then
    die 6 "$record cannot be written. $(free_space)"
  fi
}

# --- the releases that are left --------------------------------------------------------------------------------------

remove_old() {
  kept=0
  for id in $(by_age); do
    kept=$((kept + 1))
    if [ "$kept" -le "$KEEP" ] || [ "$id" = "$PINNED_RELEASE" ] || [ "$id" = "$RELEASE_ID" ]; then continue; fi
    need_lock
    say "Removing release $id: not among the last $KEEP, not pinned"
    if ! rm -rf "${removed:?}/$id" || ! mv -T "$releases/$id" "$removed/$id" || ! rm -rf "${removed:?}/$id"; then
      warn "release $id could not be removed completely; the next run tries again"
    fi
  done
}

check_environment
scratch=$(mktemp -d) || die 64 "TMPDIR is '${TMPDIR:-/tmp}', and no folder can be made there"
report=$scratch/report
check_mount
take_lock
rm -rf "${removed:?}"/* || warn "$removed could not be emptied"
if [ -n "$PINNED_RELEASE" ] && [ "$PINNED_RELEASE" != "$RELEASE_ID" ] && [ ! -f "$releases/$PINNED_RELEASE/release.txt" ]; then
  die 64 "PINNED_RELEASE is $PINNED_RELEASE, which is not published: production would have nothing to mount. Published: $(by_age | tr '\n' ' ')"
fi

if [ -f "$releases/$RELEASE_ID/release.txt" ]; then
  say "Release $RELEASE_ID is already published; verifying it"
  verify "$releases/$RELEASE_ID/models" "$releases/$RELEASE_ID/release.txt" ||
    die 4 "the published release $RELEASE_ID is damaged; see above. It is left as it is, because production may be reading it: stage its models anew under another id, which reuses the intact blobs"
  renew
elif [ -e "$releases/$RELEASE_ID" ]; then
  die 7 "$releases/$RELEASE_ID exists, but was not published by this script (it has no release.txt); move it away or choose another RELEASE_ID"
else
  prepare_work
  start_server
  pull_and_verify
  stop_server
  publish
fi
remove_old
