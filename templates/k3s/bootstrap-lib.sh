#!/usr/bin/env bash
# What bootstrap-server.sh and bootstrap-worker.sh share. It is sourced, never run.
#
# Parameters that both scripts read from the env file (KEY='value' lines, mode 0600; the path is BOOTSTRAP_ENV,
# default /etc/k3s-bootstrap/bootstrap.env). Names, meaning, [default]:
#   K3S_VERSION              exact release, vX.Y.Z+k3sN [required]
#   K3S_SHA256               sha256 of the k3s binary; given, the release's list is not asked [none]
#   K3S_MIRROR               base URL that holds VERSION/k3s, VERSION/sha256sum-amd64.txt and VERSION/install.sh, with
#                            the + of VERSION written as %2B [none: GitHub]
#   K3S_BINARY_URL           the binary [K3S_MIRROR or GitHub's release of that version]
#   K3S_CHECKSUMS_URL        the release's list of checksums [beside the binary]
#   K3S_INSTALL_URL          the install script [K3S_MIRROR or raw.githubusercontent.com at the version's tag]
#   K3S_INSTALL_SHA256       sha256 of the install script [none: trusted by https and the tag]
#   K3S_IMAGES_URL           archive of images for the air gap (.tar, .tar.gz, .tar.zst ...) [none]
#   K3S_IMAGES_SHA256        its sha256 [none: looked up by its name in the release's list]
#   TOKEN_FILE               token that this node joins with [/etc/rancher/k3s/token]
#   TOKEN_WAIT_SECONDS       how long token files may arrive late; 0: they must be there now [0]
#   JOIN_SERVER_URL          https://ADDRESS:PORT of the server that must answer before this node joins
#   WAIT_FOR_SERVER_SECONDS  how long to wait for it [1800]
#   SERVICE_WAIT_SECONDS     how long K3s may take to come up [600]
#   NODE_NAME                name of the Kubernetes node [the host's name in lower case]
#   POLL_SECONDS             pause between two looks, fractions allowed [5]
#   APT_ATTEMPTS             how often a failing apt-get is tried [6]
#   APT_RETRY_SECONDS        pause between two tries, fractions allowed [20]
#   APT_LOCK_SECONDS         how long apt-get waits for another process that holds the dpkg lock [300]
# From the process's environment only:
#   BOOTSTRAP_ENV            path of the env file
#   ROOT                     prefix of every path, for tests [empty]
#
# Expects: /etc/rancher/k3s/config.yaml and the token files, each with mode 0600.
# Writes: /var/log/bootstrap-ROLE.log (0600), and in /var/lib/k3s-bootstrap: ready or failed (key=value lines),
# waiting-for-token while it waits, verified/ (checksums of what was verified), install-VERSION.sh;
# /usr/local/bin/k3s, and what K3s' install script writes.
#
# A run that a power cut, a restart or a signal ended leaves neither ready nor failed. The unit k3s-bootstrap@ROLE starts the script at
# every boot until ready exists, and each step skips what an earlier run has done.
#
# Exit codes: 0 ready · 1 unexpected · 3 config.yaml or a token file is missing, empty or readable by others · 4 no token
# arrived in time · 5 packages · 6 GPU · 7 download · 8 checksum · 9 the server to join does not answer · 10 K3s did not
# come up · 11 this VM must restart first · 64 wrong parameter · 75 another run is going on (nothing was touched) · 128 and
# more: ended by a signal.

# Read by the scripts that source this file.
# shellcheck disable=SC2034
readonly EXIT_UNEXPECTED=1 EXIT_FILES=3 EXIT_TOKEN_LATE=4 EXIT_PACKAGES=5 EXIT_GPU=6 EXIT_DOWNLOAD=7 EXIT_CHECKSUM=8 \
  EXIT_JOIN_SERVER=9 EXIT_SERVICE=10 EXIT_RESTART=11 EXIT_PARAMETER=64 EXIT_BUSY=75

ROOT=${ROOT:-}
readonly ROOT
readonly STATE_DIR=$ROOT/var/lib/k3s-bootstrap
readonly K3S=$ROOT/usr/local/bin/k3s
readonly DATA_DIR=$ROOT/var/lib/rancher/k3s

failure_reason=
# Set by `fail`: any other end of the script is unexpected, whatever the code of the command that ended it.
failed_with=
interrupted=
temporary_file=

log() {
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T %s\n' -1 "$*"
}

# fail CODE REASON: ends the run. Not to be called inside $(...), where only the subshell would end.
fail() {
  failure_reason=$2
  failed_with=$1
  log "FAILED: $2"
  exit "$1"
}

# write_marker NAME LINE...: whoever polls the marker never sees half of it.
write_marker() {
  local name=$1
  shift
  printf '%s\n' "$@" >"$STATE_DIR/.$name"
  # The marker must not outlive a power cut that takes with it what it stands for.
  sync
  chmod 0644 "$STATE_DIR/.$name"
  mv -f "$STATE_DIR/.$name" "$STATE_DIR/$name"
}

# marker_field NAME KEY: the value of a line KEY=value in a marker; empty when there is none.
marker_field() {
  sed -n "s/^$2=//p" "$STATE_DIR/$1" 2>/dev/null || true
}

on_exit() {
  local code=$?
  [[ -z $temporary_file ]] || rm -f "$temporary_file"
  rm -f "$STATE_DIR/waiting-for-token"
  # A shutdown ends the run by a signal. That is no failure: the unit goes on at the next boot.
  if ((code == 0)) || [[ -n $interrupted ]]; then
    return 0
  fi
  code=${failed_with:-$EXIT_UNEXPECTED}
  write_marker failed "reason=${failure_reason:-ended unexpectedly, see the log}" "exit_code=$code"
  exit "$code"
}

# on_signal NUMBER
on_signal() {
  interrupted=true
  exit $((128 + $1))
}

# run_bootstrap ROLE FUNCTION: runs FUNCTION alone on this node, logged, leaving exactly one of the two markers.
run_bootstrap() {
  local role=$1 steps=$2
  local log_file=$ROOT/var/log/bootstrap-$role.log
  umask 022
  # Messages of other tools are read by people and, in two places, by this script.
  export LC_ALL=C
  mkdir -p "$STATE_DIR/verified" "$ROOT/var/log"
  exec 9>"$STATE_DIR/lock"
  if ! flock --nonblock 9; then
    log "Another run of the bootstrap is going on here; this one ends."
    exit "$EXIT_BUSY"
  fi
  touch "$log_file"
  chmod 0600 "$log_file"
  logged_steps "$steps" 2>&1 | tee -a "$log_file"
}

logged_steps() {
  set -o errtrace
  trap 'failure_reason=${failure_reason:-"${BASH_SOURCE[0]##*/} line $LINENO: $BASH_COMMAND"}' ERR
  trap on_exit EXIT
  trap 'on_signal 1' HUP
  trap 'on_signal 2' INT
  # A shutdown also ends the process that keeps the log.
  trap 'on_signal 13' PIPE
  trap 'on_signal 15' TERM
  # What an earlier run left must not be reported while this one is going on. And a run that is cut short must not leave `ready`: the
  # unit would not start again.
  rm -f "$STATE_DIR/ready" "$STATE_DIR/failed" "$STATE_DIR/waiting-for-token"
  "$1"
  log "Ready."
}

# --- parameters -------------------------------------------------------------------------------------------------------

mode_of() {
  stat -c %a "$1"
}

load_parameters() {
  local file=${BOOTSTRAP_ENV:-$ROOT/etc/k3s-bootstrap/bootstrap.env}
  [[ -f $file ]] || fail "$EXIT_PARAMETER" "The parameter file $file does not exist."
  # It is executed by root, so nobody else may have a hand in it.
  [[ $(mode_of "$file") == 600 ]] ||
    fail "$EXIT_PARAMETER" "The parameter file $file has mode $(mode_of "$file"): chmod 0600 $file."
  # shellcheck source=/dev/null
  source "$file"

  : "${K3S_VERSION:=}" "${K3S_SHA256:=}" "${K3S_INSTALL_SHA256:=}" "${K3S_IMAGES_URL:=}" "${K3S_IMAGES_SHA256:=}"
  : "${K3S_MIRROR:=}" "${JOIN_SERVER_URL:=}"
  : "${TOKEN_FILE:=/etc/rancher/k3s/token}" "${TOKEN_WAIT_SECONDS:=0}"
  : "${WAIT_FOR_SERVER_SECONDS:=1800}" "${SERVICE_WAIT_SECONDS:=600}" "${POLL_SECONDS:=5}"
  : "${APT_ATTEMPTS:=6}" "${APT_RETRY_SECONDS:=20}" "${APT_LOCK_SECONDS:=300}"
  NODE_NAME=${NODE_NAME:-$(hostname)}
  NODE_NAME=${NODE_NAME,,}

  [[ $K3S_VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-rc[0-9]+)?\+k3s[0-9]+$ ]] ||
    fail "$EXIT_PARAMETER" "K3S_VERSION is '$K3S_VERSION'; it must be an exact release such as v1.36.3+k3s1."
  [[ $JOIN_SERVER_URL =~ ^(https://[^/[:space:]]+)?$ ]] ||
    fail "$EXIT_PARAMETER" "JOIN_SERVER_URL is '$JOIN_SERVER_URL'; it must be https://ADDRESS:PORT without a path."
  local name
  for name in K3S_SHA256 K3S_INSTALL_SHA256 K3S_IMAGES_SHA256; do
    [[ ${!name} =~ ^([0-9a-f]{64})?$ ]] || fail "$EXIT_PARAMETER" "$name is '${!name}'; it must be 64 hexadecimal digits."
  done
  for name in TOKEN_WAIT_SECONDS WAIT_FOR_SERVER_SECONDS SERVICE_WAIT_SECONDS APT_ATTEMPTS APT_LOCK_SECONDS; do
    [[ ${!name} =~ ^[0-9]+$ ]] || fail "$EXIT_PARAMETER" "$name is '${!name}'; it must be a whole number."
  done

  # A plus sign in a path is a space to some servers.
  local tag=${K3S_VERSION/+/%2B} release
  release=${K3S_MIRROR:-https://github.com/k3s-io/k3s/releases/download}
  release=${release%/}/$tag
  : "${K3S_BINARY_URL:=$release/k3s}" "${K3S_CHECKSUMS_URL:=$release/sha256sum-amd64.txt}"
  if [[ -n $K3S_MIRROR ]]; then
    : "${K3S_INSTALL_URL:=$release/install.sh}"
  else
    : "${K3S_INSTALL_URL:=https://raw.githubusercontent.com/k3s-io/k3s/$tag/install.sh}"
  fi
}

# wait_until SECONDS COMMAND...: looks at once and then every POLL_SECONDS; 0 looks once.
wait_until() {
  local limit=$1 started=$SECONDS
  shift
  until "$@"; do
    ((SECONDS - started < limit)) || return 1
    sleep "$POLL_SECONDS"
  done
}

# --- config.yaml and tokens -------------------------------------------------------------------------------------------

require_private_file() {
  local file=$ROOT$1 what=$2
  [[ -f $file ]] || fail "$EXIT_FILES" "$what $1 does not exist."
  [[ -s $file ]] || fail "$EXIT_FILES" "$what $1 is empty."
  [[ $(mode_of "$file") == 600 ]] ||
    fail "$EXIT_FILES" "$what $1 has mode $(mode_of "$file"), but may only be read by root: chmod 0600 $1."
}

token_files_present() {
  local file
  for file in "$@"; do
    [[ -s $ROOT$file ]] || return 1
  done
}

require_tokens() {
  local file
  for file in "$@"; do
    require_private_file "$file" "The token file"
  done
}

# A token that must be there already is missed now rather than after a driver was built.
check_tokens_early() {
  ((TOKEN_WAIT_SECONDS > 0)) || require_tokens "$@"
}

# The marker tells the operator's machine that this node has done all it can do without a token. A node that has joined is given no other
# token, so it does not wait; but K3s does not start without the files that its configuration names.
wait_for_tokens() {
  if ! has_joined && ! token_files_present "$@" && ((TOKEN_WAIT_SECONDS > 0)); then
    log "Waiting up to $TOKEN_WAIT_SECONDS s for the join token: $*"
    write_marker waiting-for-token "files=$*"
    wait_until "$TOKEN_WAIT_SECONDS" token_files_present "$@" ||
      fail "$EXIT_TOKEN_LATE" "No join token arrived within $TOKEN_WAIT_SECONDS s ($*). Hand it over, then run $0 again."
    log "The join token has arrived."
  fi
  rm -f "$STATE_DIR/waiting-for-token"
  require_tokens "$@"
}

# --- packages ---------------------------------------------------------------------------------------------------------

apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get --yes -o DPkg::Lock::Timeout="$APT_LOCK_SECONDS" \
    -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold "$@"
}

# is_installed NAME or NAME=VERSION
is_installed() {
  local installed wanted=
  [[ $1 != *=* ]] || wanted=${1#*=}
  # The braces are dpkg-query's.
  # shellcheck disable=SC2016
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Version}' "${1%%=*}" 2>/dev/null) || return 1
  [[ $installed == "installed ${wanted:-${installed#installed }}" ]]
}

update_and_install() {
  apt_get update && apt_get install --fix-broken --no-install-recommends "$@"
}

# install_packages NAME[=VERSION]...: asks no mirror when everything is there. The list lock of `apt-get update`, which
# unattended-upgrades holds on a first boot, has no time limit of its own: hence the tries.
install_packages() {
  local package attempt missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  for ((attempt = 1; attempt <= APT_ATTEMPTS; attempt++)); do
    log "Installing ${missing[*]} (attempt $attempt of $APT_ATTEMPTS)"
    if update_and_install "${missing[@]}"; then
      return 0
    fi
    ((attempt < APT_ATTEMPTS)) || break
    # apt-get refuses all work until packages that a power cut left half configured are finished.
    DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a || log "dpkg could not finish what it had begun."
    sleep "$APT_RETRY_SECONDS"
  done
  return 1
}

install_base_packages() {
  install_packages qemu-guest-agent nfs-common curl ca-certificates ||
    fail "$EXIT_PACKAGES" "The base packages could not be installed in $APT_ATTEMPTS attempts."
  # A VM whose agent device is off has nothing to start it on; it can be a node all the same.
  systemctl start qemu-guest-agent || log "qemu-guest-agent did not start; is the agent switched on for this VM?"
}

# --- downloads --------------------------------------------------------------------------------------------------------

checksum_of() {
  local sum
  sum=$(sha256sum <"$1")
  printf '%s' "${sum%% *}"
}

# download URL FILE
download() {
  log "Downloading $1"
  curl --fail --silent --show-error --location --connect-timeout 20 --max-time 1800 --retry 5 --retry-delay 3 \
    --retry-connrefused --output "$2" "$1" ||
    fail "$EXIT_DOWNLOAD" "$1 could not be downloaded."
}

# listed_checksum NAME: sets `listed` to the checksum that the release's list gives to NAME.
listed_checksum() {
  local list=$STATE_DIR/verified/sha256sum-$K3S_VERSION.txt sum file
  listed=
  [[ $K3S_CHECKSUMS_URL == https://* ]] ||
    fail "$EXIT_PARAMETER" "The checksum list $K3S_CHECKSUMS_URL does not come over https, so it proves nothing: pin the sha256 of $1."
  download "$K3S_CHECKSUMS_URL" "$list"
  while read -r sum file; do
    [[ ${file#\*} != "$1" ]] || listed=$sum
  done <"$list"
  rm -f "$list"
  [[ $listed =~ ^[0-9a-f]{64}$ ]] || fail "$EXIT_CHECKSUM" "$K3S_CHECKSUMS_URL lists no sha256 of $1."
}

# place_verified NAME URL DESTINATION MODE EXPECTED: EXPECTED is a sha256, `list` (the release's list knows it by NAME) or
# `tag` (https and a release's tag are the proof). DESTINATION only ever holds a file that passed. What passed is
# recorded, so that a second run asks nobody.
place_verified() {
  local name=$1 url=$2 destination=$3 mode=$4 expected=$5 actual listed
  local record=$STATE_DIR/verified/$name-$K3S_VERSION.sha256 known
  known=$expected
  if [[ $expected == list || $expected == tag ]]; then
    known=
    [[ ! -f $record ]] || known=$(<"$record")
  fi
  if [[ -n $known && -f $destination && $(checksum_of "$destination") == "$known" ]]; then
    log "$name of $K3S_VERSION is already in place."
    return 0
  fi
  if [[ $expected == list ]]; then
    listed_checksum "$name"
    expected=$listed
  elif [[ $expected == tag && $url != https://* ]]; then
    fail "$EXIT_PARAMETER" "$url does not come over https, so nothing vouches for it: pin its sha256."
  fi
  mkdir -p "${destination%/*}"
  # Always the same name: a power cut leaves the file behind, and the next run writes over it.
  temporary_file=$destination.part
  download "$url" "$temporary_file"
  actual=$(checksum_of "$temporary_file")
  [[ $expected == tag || $actual == "$expected" ]] ||
    fail "$EXIT_CHECKSUM" "$url has the sha256 $actual, but $expected was expected. It was not installed."
  chmod "$mode" "$temporary_file"
  mv -f "$temporary_file" "$destination"
  temporary_file=
  printf '%s\n' "$actual" >"$record"
}

# fetch_k3s: the binary, the install script and, where asked for, the images.
fetch_k3s() {
  place_verified k3s "$K3S_BINARY_URL" "$K3S" 0755 "${K3S_SHA256:-list}"
  place_verified install.sh "$K3S_INSTALL_URL" "$STATE_DIR/install-$K3S_VERSION.sh" 0700 "${K3S_INSTALL_SHA256:-tag}"
  if [[ -n $K3S_IMAGES_URL ]]; then
    local name=${K3S_IMAGES_URL%%\?*}
    name=${name##*/}
    # K3s imports nothing that has another ending, and does not say so.
    [[ $name =~ \.(tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.lz4|tar\.zst|tzst)$ ]] ||
      fail "$EXIT_PARAMETER" "K3S_IMAGES_URL ends in '$name', which is no archive that K3s imports."
    place_verified "$name" "$K3S_IMAGES_URL" "$DATA_DIR/agent/images/$name" 0644 "${K3S_IMAGES_SHA256:-list}"
  fi
}

# --- joining and starting ---------------------------------------------------------------------------------------------

# The certificate is not checked because nothing secret is sent: K3s itself checks the CA against its token. 401 and 403
# come from an API server that is up and does not know us.
join_server_answers() {
  local status
  status=$(curl --insecure --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "$JOIN_SERVER_URL/readyz") || return 1
  [[ $status == 200 || $status == 401 || $status == 403 ]]
}

# An agent or a joining server that starts too early would sit in systemd's start job without an end. A node that has joined needs the
# server that it joined at no more: an agent knows all servers, and a server finds the others through etcd. has_joined is the role's own.
wait_for_join_server() {
  if has_joined; then
    log "This node joined its cluster earlier; it does not wait for $JOIN_SERVER_URL."
    return 0
  fi
  log "Waiting up to $WAIT_FOR_SERVER_SECONDS s for $JOIN_SERVER_URL"
  wait_until "$WAIT_FOR_SERVER_SECONDS" join_server_answers ||
    fail "$EXIT_JOIN_SERVER" "$JOIN_SERVER_URL did not answer within $WAIT_FOR_SERVER_SECONDS s."
}

# start_k3s server|agent UNIT: K3s' script only writes and enables the unit. It is started here because its start job has no
# time limit, and restarted because after a failed run the script sees nothing new and would start nothing.
start_k3s() {
  log "Installing the unit of k3s $1 $K3S_VERSION"
  INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_EXEC=$1 INSTALL_K3S_BIN_DIR=${K3S%/*} \
    sh "$STATE_DIR/install-$K3S_VERSION.sh" ||
    fail "$EXIT_SERVICE" "K3s' install script failed."
  systemctl restart --no-block "$2" || fail "$EXIT_SERVICE" "systemd refused to start $2."
}

# wait_for_service UNIT PROOF WHAT: PROOF is a function that succeeds once this node serves.
wait_for_service() {
  log "Waiting up to $SERVICE_WAIT_SECONDS s for $3"
  wait_until "$SERVICE_WAIT_SECONDS" "$2" && return 0
  journalctl --unit "$1" --no-pager --lines 40 || true
  fail "$EXIT_SERVICE" "After $SERVICE_WAIT_SECONDS s: no $3. The journal of $1 is above."
}
