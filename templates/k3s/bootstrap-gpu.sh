#!/usr/bin/env bash
# The NVIDIA side of bootstrap-worker.sh. It is sourced, never run.
# Parameters, [default]:
#   GPU                     true or false [false]
#   GPU_COUNT               how many GPUs nvidia-smi must list; empty: at least one [empty]
#   NVIDIA_BRANCH           driver branch in Ubuntu's archive, such as 580 or 580-server, with open kernel modules; 580-closed and
#                           580-server-closed: with closed ones, for GPUs before Turing; `distribution`: the newest open branch
#                           that ubuntu-drivers offers for this card, asked only until a branch is proved [580]
#   NVIDIA_APT_URL          repository of the container toolkit [https://nvidia.github.io/libnvidia-container/stable/deb/amd64]
#   NVIDIA_KEY_URL          its signing key, ASCII-armoured [https://nvidia.github.io/libnvidia-container/gpgkey]
#   NVIDIA_KEY_SHA256       sha256 of the key [none: trusted by https]
#   NVIDIA_TOOLKIT_VERSION  exact version of the toolkit's packages, such as 1.20.0-1 [none: the repository's newest]
# Writes: /etc/apt/keyrings/nvidia-container-toolkit.asc, /etc/apt/sources.list.d/nvidia-container-toolkit.list,
# /etc/apt/apt.conf.d/52k3s-bootstrap-nvidia, /etc/modprobe.d/k3s-bootstrap-nouveau.conf, and in /var/lib/k3s-bootstrap:
# initramfs-without (what the initramfs was built without), driver (the branch that was proved). No containerd template and no nvidia-ctk: K3s finds nvidia-container-runtime
# on its PATH when it starts, and reads no configuration that nvidia-ctk writes.

load_gpu_parameters() {
  : "${GPU:=false}" "${GPU_COUNT:=}" "${NVIDIA_BRANCH:=580}" "${NVIDIA_KEY_SHA256:=}" "${NVIDIA_TOOLKIT_VERSION:=}"
  : "${NVIDIA_APT_URL:=https://nvidia.github.io/libnvidia-container/stable/deb/amd64}"
  : "${NVIDIA_KEY_URL:=https://nvidia.github.io/libnvidia-container/gpgkey}"
  [[ $GPU == true || $GPU == false ]] || fail "$EXIT_PARAMETER" "GPU is '$GPU'; it must be true or false."
  [[ $GPU_COUNT =~ ^([1-9][0-9]*)?$ ]] || fail "$EXIT_PARAMETER" "GPU_COUNT is '$GPU_COUNT'; it must be a number above 0."
  [[ $NVIDIA_BRANCH =~ ^([0-9]+(-server)?(-closed)?|distribution)$ ]] ||
    fail "$EXIT_PARAMETER" "NVIDIA_BRANCH is '$NVIDIA_BRANCH'; it must be a branch such as 580, 580-server or 580-closed, or distribution."
  [[ $NVIDIA_KEY_SHA256 =~ ^([0-9a-f]{64})?$ ]] ||
    fail "$EXIT_PARAMETER" "NVIDIA_KEY_SHA256 is '$NVIDIA_KEY_SHA256'; it must be 64 hexadecimal digits."
}

# The kernel's own drivers hold the card as soon as one of them is loaded; NVIDIA's then finds none. nova_drm uses nova_core.
readonly OTHER_DRIVERS=(nouveau nova_drm nova_core)

remove_other_drivers() {
  local file=$ROOT/etc/modprobe.d/k3s-bootstrap-nouveau.conf wanted module loaded=()
  wanted=$(printf 'blacklist %s\n' "${OTHER_DRIVERS[@]}" && echo 'options nouveau modeset=0')
  if [[ $(cat "$file" "$STATE_DIR/initramfs-without" 2>/dev/null) != "$wanted"$'\n'"$wanted" ]]; then
    mkdir -p "${file%/*}"
    printf '%s\n' "$wanted" >"$file"
    update-initramfs -u || fail "$EXIT_GPU" "The initramfs could not be rebuilt without ${OTHER_DRIVERS[*]}."
    write_marker initramfs-without "$wanted"
  fi
  for module in "${OTHER_DRIVERS[@]}"; do
    [[ ! -d $ROOT/sys/module/$module ]] || loaded+=("$module")
  done
  ((${#loaded[@]} > 0)) || return 0
  log "Unloading ${loaded[*]}"
  local console
  for console in "$ROOT"/sys/class/vtconsole/vtcon*; do
    # A console that draws on the card keeps the module in use.
    if grep -q 'frame buffer' "$console/name" 2>/dev/null; then
      echo 0 >"$console/bind"
    fi
  done
  for module in "${loaded[@]}"; do
    modprobe -r "$module" ||
      fail "$EXIT_RESTART" "$module is in use and cannot be unloaded. It stays away after a restart: restart this VM, and the bootstrap goes on by itself."
  done
}

# unattended-upgrades would put new libraries beside the module that is loaded, and CUDA works with no other than the module's own. Their
# names begin with these words. docs/upgrades.md has the way to update the driver.
hold_driver_back() {
  local file=$ROOT/etc/apt/apt.conf.d/52k3s-bootstrap-nvidia
  mkdir -p "${file%/*}"
  printf 'Unattended-Upgrade::Package-Blacklist { %s };\n' '"nvidia-"; "libnvidia-"; "linux-modules-nvidia-";' >"$file"
}

# Turing is the first generation with open kernel modules, and 1e02 its first device id.
readonly FIRST_TURING_ID=0x1e00

# gpus_before_turing: lists the ids of graphics cards that have closed kernel modules only.
gpus_before_turing() {
  local device vendor class id
  for device in "$ROOT"/sys/bus/pci/devices/*; do
    { read -r vendor <"$device/vendor" && read -r class <"$device/class" && read -r id <"$device/device"; } 2>/dev/null || continue
    if [[ $vendor == 0x10de && $class == 0x03* && $((id)) -lt $((FIRST_TURING_ID)) ]]; then
      echo "10de:${id#0x}"
    fi
  done
}

# The driver would be built for ten minutes, and then find no card.
check_generation() {
  local old
  [[ $NVIDIA_BRANCH != *-closed ]] || return 0
  old=$(gpus_before_turing)
  [[ -z $old ]] || fail_before_turing "${old//$'\n'/, }"
}

fail_before_turing() {
  fail "$EXIT_GPU" "This GPU is older than Turing and has no open kernel module ($1). Set NVIDIA_BRANCH='580-closed' in the parameter file (in the lab cluster.nvidiaDriver): 580 is the last branch that knows Maxwell, Pascal and Volta."
}

secure_boot_is_on() {
  # Four bytes of attributes, then the value.
  [[ $(od -An -t u1 -j 4 -N 1 "$ROOT/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c" 2>/dev/null) == *1 ]]
}

# fail_gpu WHAT: ends the run with the cause, where it is known, or with WHAT.
fail_gpu() {
  local said
  said=$(dmesg 2>/dev/null || true)
  dkms status || true
  tail -n 20 <<<"$said"
  if [[ $said == *'not supported by open nvidia.ko'* ]]; then
    fail_before_turing "the kernel's log says so"
  elif [[ $said == *'requires use of the NVIDIA open kernel modules'* ]]; then
    fail "$EXIT_GPU" "This GPU works with open kernel modules only: set NVIDIA_BRANCH='${NVIDIA_BRANCH%-closed}' in the parameter file (in the lab cluster.nvidiaDriver), purge the closed driver (apt-get purge 'nvidia-*' 'libnvidia-*') and restart this VM."
  elif secure_boot_is_on; then
    fail "$EXIT_GPU" "$1 Secure Boot is on, and the kernel takes no module that DKMS has built: switch it off in the VM's firmware, or make the EFI disk without pre-enrolled keys."
  elif ! grep -qs 0x10de "$ROOT"/sys/bus/pci/devices/*/vendor; then
    fail "$EXIT_GPU" "$1 This VM has no NVIDIA device: is the GPU passed through?"
  fi
  fail "$EXIT_GPU" "$1 The kernel's last lines are above."
}

# What is loaded must be what is installed, in flavour and version.
check_loaded_driver() {
  local wanted=open running=closed installed=closed loaded_version installed_version
  [[ $branch != *-closed ]] || wanted=closed
  [[ $(cat "$ROOT/proc/driver/nvidia/version" 2>/dev/null) != *'Open Kernel Module'* ]] || running=open
  [[ $(modinfo -F license nvidia) == NVIDIA ]] || installed=open
  [[ $installed == "$wanted" ]] ||
    fail "$EXIT_GPU" "This machine has an NVIDIA driver with $installed kernel modules, but NVIDIA_BRANCH is '$NVIDIA_BRANCH': purge that driver (apt-get purge 'nvidia-*' 'libnvidia-*') and restart this VM, or set NVIDIA_BRANCH to it (in the lab cluster.nvidiaDriver)."
  loaded_version=$(cat "$ROOT/sys/module/nvidia/version" 2>/dev/null || true)
  installed_version=$(modinfo -F version nvidia)
  [[ $running == "$wanted" && $loaded_version == "$installed_version" ]] ||
    fail "$EXIT_RESTART" "The kernel runs NVIDIA's $running module $loaded_version, but the $installed module $installed_version is installed: restart this VM, and the bootstrap goes on by itself."
}

# Headers of the running kernel now, and through the kernel's metapackage those of each kernel that an update brings.
kernel_headers() {
  local package
  echo "linux-headers-$(uname -r)"
  # The braces are dpkg-query's.
  # shellcheck disable=SC2016
  { dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' 'linux-image-generic*' 'linux-image-virtual*' \
    2>/dev/null || true; } | while read -r status package; do
    if [[ $status == installed ]]; then
      echo "linux-headers-${package#linux-image-}"
    fi
  done
}

# `ubuntu-drivers install --gpgpu` is no help: it exits 0 when it finds nothing, may choose the closed modules and leaves
# nvidia-smi out. So its list is asked, and the answer installed like a branch that was named: the newest that has open
# modules, a server branch before a desktop one. It asks no question, and the open modules need no signature while Secure Boot is off.
# Its answer changes over time, and another branch than the loaded one would break a worker that runs. So a branch that was proved stays.
choose_branch() {
  branch=$NVIDIA_BRANCH
  [[ $branch == distribution ]] || return 0
  branch=$(marker_field driver branch)
  if [[ -n $branch ]]; then
    log "The branch $branch was proved on this machine; it stays."
    return 0
  fi
  install_packages ubuntu-drivers-common ||
    fail "$EXIT_PACKAGES" "ubuntu-drivers-common could not be installed."
  local offers open
  offers=$(ubuntu-drivers list --gpgpu) || fail "$EXIT_GPU" "ubuntu-drivers could not list the drivers for this card: $offers"
  open=$(grep -oE 'nvidia-[a-z-]*[0-9]+(-server)?-open' <<<"$offers" | grep -oE '[0-9]+(-server)?-open' | sort -V -u || true)
  branch=$(grep -e '-server-open$' <<<"$open" | tail -n 1 || true)
  branch=${branch:-$(tail -n 1 <<<"$open")}
  branch=${branch%-open}
  [[ -n $branch ]] ||
    fail "$EXIT_GPU" "ubuntu-drivers offers no open NVIDIA driver for this machine. Is the GPU passed through? Where only closed ones are offered, name one (NVIDIA_BRANCH='580-closed'). It said: ${offers:-nothing}"
  log "ubuntu-drivers offers the open branch $branch."
}

install_driver() {
  local headers packages
  mapfile -t headers < <(kernel_headers)
  install_packages "${headers[@]}" ||
    fail "$EXIT_PACKAGES" "The headers (${headers[*]}) of the running kernel are not to be had from this machine's apt sources: use a newer image or template."
  packages=("nvidia-dkms-$branch-open" "nvidia-utils-$branch")
  [[ $branch != *-closed ]] || packages=("nvidia-dkms-${branch%-closed}" "nvidia-utils-${branch%-closed}")
  install_packages "${packages[@]}" ||
    fail "$EXIT_PACKAGES" "The driver (${packages[*]}) could not be installed. Is the branch in Ubuntu's archive, and 'restricted' among the apt sources?"
}

install_container_toolkit() {
  local key=/etc/apt/keyrings/nvidia-container-toolkit.asc list=$ROOT/etc/apt/sources.list.d/nvidia-container-toolkit.list
  place_verified nvidia-key "$NVIDIA_KEY_URL" "$ROOT$key" 0644 "${NVIDIA_KEY_SHA256:-tag}"
  mkdir -p "${list%/*}"
  printf 'deb [signed-by=%s] %s /\n' "$key" "${NVIDIA_APT_URL%/}" >"$list"
  local packages=(nvidia-container-toolkit)
  if [[ -n $NVIDIA_TOOLKIT_VERSION ]]; then
    # apt takes the newest of each dependency unless told otherwise, and they must be of one version.
    packages=("nvidia-container-toolkit=$NVIDIA_TOOLKIT_VERSION" "nvidia-container-toolkit-base=$NVIDIA_TOOLKIT_VERSION"
      "libnvidia-container-tools=$NVIDIA_TOOLKIT_VERSION" "libnvidia-container1=$NVIDIA_TOOLKIT_VERSION")
  fi
  install_packages "${packages[@]}" ||
    fail "$EXIT_PACKAGES" "${packages[*]} could not be installed from $NVIDIA_APT_URL."
}

# prove_gpu: returns only when a container of this node could use the GPU.
prove_gpu() {
  local branch
  check_generation
  remove_other_drivers
  hold_driver_back
  choose_branch
  install_driver
  modprobe nvidia || fail_gpu "The kernel did not load the nvidia module."
  modprobe nvidia-uvm || fail_gpu "The kernel did not load the nvidia-uvm module, which CUDA needs."
  check_loaded_driver
  nvidia-smi || fail_gpu "nvidia-smi failed with exit code $?: the driver sees no working GPU, so this node does not join."
  if [[ -n $GPU_COUNT ]]; then
    local seen
    seen=$(nvidia-smi --list-gpus | grep -c '^GPU ' || true)
    [[ $seen == "$GPU_COUNT" ]] || fail_gpu "nvidia-smi lists $seen GPUs, but this node was given $GPU_COUNT, so it does not join."
  fi
  write_marker driver "branch=$branch"
  install_container_toolkit
  command -v nvidia-container-runtime >/dev/null ||
    fail "$EXIT_GPU" "nvidia-container-runtime is not on the PATH, so K3s would start without it."
}

# K3s looks for the runtime once, when it starts, and says nothing when it finds none.
check_nvidia_runtime() {
  grep -q nvidia-container-runtime "$DATA_DIR/agent/etc/containerd/config.toml" 2>/dev/null ||
    fail "$EXIT_GPU" "K3s started without the nvidia runtime: it is not in $DATA_DIR/agent/etc/containerd/config.toml."
}
