#!/usr/bin/env bash
# The NVIDIA side of bootstrap-worker.sh. It is sourced, never run.
# Parameters, [default]:
#   GPU                     true or false [false]
#   GPU_COUNT               how many GPUs nvidia-smi must list; empty: at least one [empty]
#   NVIDIA_BRANCH           driver branch in Ubuntu's archive, such as 580 or 580-server, of which the open kernel modules are
#                           taken; `distribution`: the newest open branch that ubuntu-drivers offers for this card [580]
#   NVIDIA_APT_URL          repository of the container toolkit [https://nvidia.github.io/libnvidia-container/stable/deb/amd64]
#   NVIDIA_KEY_URL          its signing key, ASCII-armoured [https://nvidia.github.io/libnvidia-container/gpgkey]
#   NVIDIA_KEY_SHA256       sha256 of the key [none: trusted by https]
#   NVIDIA_TOOLKIT_VERSION  exact version of the toolkit's packages, such as 1.20.0-1 [none: the repository's newest]
# Writes: /etc/apt/keyrings/nvidia-container-toolkit.asc, /etc/apt/sources.list.d/nvidia-container-toolkit.list,
# /etc/modprobe.d/k3s-bootstrap-nouveau.conf. No containerd template and no nvidia-ctk: K3s finds nvidia-container-runtime
# on its PATH when it starts, and reads no configuration that nvidia-ctk writes.

load_gpu_parameters() {
  : "${GPU:=false}" "${GPU_COUNT:=}" "${NVIDIA_BRANCH:=580}" "${NVIDIA_KEY_SHA256:=}" "${NVIDIA_TOOLKIT_VERSION:=}"
  : "${NVIDIA_APT_URL:=https://nvidia.github.io/libnvidia-container/stable/deb/amd64}"
  : "${NVIDIA_KEY_URL:=https://nvidia.github.io/libnvidia-container/gpgkey}"
  [[ $GPU == true || $GPU == false ]] || fail "$EXIT_PARAMETER" "GPU is '$GPU'; it must be true or false."
  [[ $GPU_COUNT =~ ^([1-9][0-9]*)?$ ]] || fail "$EXIT_PARAMETER" "GPU_COUNT is '$GPU_COUNT'; it must be a number above 0."
  [[ $NVIDIA_BRANCH =~ ^([0-9]+(-server)?|distribution)$ ]] ||
    fail "$EXIT_PARAMETER" "NVIDIA_BRANCH is '$NVIDIA_BRANCH'; it must be a branch such as 580 or 580-server, or distribution."
  [[ $NVIDIA_KEY_SHA256 =~ ^([0-9a-f]{64})?$ ]] ||
    fail "$EXIT_PARAMETER" "NVIDIA_KEY_SHA256 is '$NVIDIA_KEY_SHA256'; it must be 64 hexadecimal digits."
}

# Nouveau holds the card as soon as it is loaded; the driver then finds none.
remove_nouveau() {
  local file=$ROOT/etc/modprobe.d/k3s-bootstrap-nouveau.conf wanted=$'blacklist nouveau\noptions nouveau modeset=0'
  if [[ ! -f $file || $(<"$file") != "$wanted" ]]; then
    mkdir -p "${file%/*}"
    # The marker of "done" is the file itself, so it comes last.
    printf '%s\n' "$wanted" >"$file.new"
    mv -f "$file.new" "$file"
    update-initramfs -u || {
      rm -f "$file"
      fail "$EXIT_GPU" "The initramfs could not be rebuilt without nouveau."
    }
  fi
  [[ -d $ROOT/sys/module/nouveau ]] || return 0
  log "Unloading nouveau"
  local console
  for console in "$ROOT"/sys/class/vtconsole/vtcon*; do
    # A console that draws on the card keeps the module in use.
    if grep -q 'frame buffer' "$console/name" 2>/dev/null; then
      echo 0 >"$console/bind"
    fi
  done
  modprobe -r nouveau ||
    fail "$EXIT_GPU" "nouveau is in use and cannot be unloaded. It stays away after a restart: restart this VM, then run $0 again."
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
choose_branch() {
  branch=$NVIDIA_BRANCH
  [[ $branch == distribution ]] || return 0
  install_packages ubuntu-drivers-common ||
    fail "$EXIT_PACKAGES" "ubuntu-drivers-common could not be installed."
  local offers open
  offers=$(ubuntu-drivers list --gpgpu) || fail "$EXIT_GPU" "ubuntu-drivers could not list the drivers for this card: $offers"
  open=$(grep -oE 'nvidia-[a-z-]*[0-9]+(-server)?-open' <<<"$offers" | grep -oE '[0-9]+(-server)?-open' | sort -V -u || true)
  branch=$(grep -e '-server-open$' <<<"$open" | tail -n 1 || true)
  branch=${branch:-$(tail -n 1 <<<"$open")}
  branch=${branch%-open}
  [[ -n $branch ]] ||
    fail "$EXIT_GPU" "ubuntu-drivers offers no open NVIDIA driver for this machine. Is the GPU passed through? It said: ${offers:-nothing}"
  log "ubuntu-drivers offers the open branch $branch."
}

install_driver() {
  local branch headers
  choose_branch
  mapfile -t headers < <(kernel_headers)
  install_packages "${headers[@]}" ||
    fail "$EXIT_PACKAGES" "The headers (${headers[*]}) of the running kernel are not to be had from this machine's apt sources: use a newer image or template."
  install_packages "nvidia-dkms-$branch-open" "nvidia-utils-$branch" ||
    fail "$EXIT_PACKAGES" "The driver (nvidia-dkms-$branch-open, nvidia-utils-$branch) could not be installed. Is the branch in Ubuntu's archive, and 'restricted' among the apt sources?"
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
  remove_nouveau
  install_driver
  modprobe nvidia || {
    dkms status || true
    dmesg | tail -n 20 || true
    fail "$EXIT_GPU" "The kernel did not load the nvidia module. Is Secure Boot off and the GPU passed through?"
  }
  modprobe nvidia-uvm || fail "$EXIT_GPU" "The kernel did not load the nvidia-uvm module, which CUDA needs."
  nvidia-smi || fail "$EXIT_GPU" "nvidia-smi failed with exit code $?: the driver sees no working GPU, so this node does not join."
  if [[ -n $GPU_COUNT ]]; then
    local seen
    seen=$(nvidia-smi --list-gpus | grep -c '^GPU ' || true)
    [[ $seen == "$GPU_COUNT" ]] || fail "$EXIT_GPU" "nvidia-smi lists $seen GPUs, but this node was given $GPU_COUNT, so it does not join."
  fi
  install_container_toolkit
  command -v nvidia-container-runtime >/dev/null ||
    fail "$EXIT_GPU" "nvidia-container-runtime is not on the PATH, so K3s would start without it."
}

# K3s looks for the runtime once, when it starts, and says nothing when it finds none.
check_nvidia_runtime() {
  grep -q nvidia-container-runtime "$DATA_DIR/agent/etc/containerd/config.toml" 2>/dev/null ||
    fail "$EXIT_GPU" "K3s started without the nvidia runtime: it is not in $DATA_DIR/agent/etc/containerd/config.toml."
}
