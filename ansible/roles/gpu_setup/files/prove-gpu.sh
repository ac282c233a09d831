#!/bin/sh
# Proves, as the account of the service, that the GPU can be used. The service runs it before it starts: Ollama itself would
# serve from the processor and say nothing.
#
#   prove-gpu nvidia|intel|amd [/dev]
#
# Exit: 0 the GPU is there; 1 it is not, with the reason on standard error; 64 called wrongly.
set -eu
LC_ALL=C
export LC_ALL

kind=${1:-}
devices=${2:-/dev}

fail() {
  printf 'prove-gpu: %s\n' "$*" >&2
  exit 1
}

# $@ device nodes of which one has to be usable; a pattern that matches nothing stays as it is.
usable() {
  for node in "$@"; do
    if [ -r "$node" ] && [ -w "$node" ]; then return 0; fi
  done
  for node in "$@"; do
    [ ! -e "$node" ] || fail "$node cannot be opened by $(id -un): $(ls -ln "$node"). The group of the device has to be one of the account's."
  done
  fail "there is no $1. The Proxmox node lacks it, or does not pass it: pct config VMID."
}

case $kind in
  nvidia)
    usable "$devices/nvidiactl"
    usable "$devices/nvidia-uvm"
    usable "$devices"/nvidia[0-9]*
    seen=$(nvidia-smi --list-gpus 2>&1) || fail "nvidia-smi sees no GPU: $seen"
    case $seen in
      *'GPU 0'*) ;;
      *) fail "nvidia-smi sees no GPU: $seen" ;;
    esac
    ;;
  intel)
    usable "$devices"/dri/renderD*
    seen=$(vulkaninfo --summary 2>&1) || fail "vulkaninfo fails: $seen"
    # Mesa's software renderer is a device too, of the type CPU.
    printf '%s\n' "$seen" | grep -Eq 'PHYSICAL_DEVICE_TYPE_(DISCRETE|INTEGRATED)_GPU' ||
      fail "Vulkan sees no GPU: $(printf '%s\n' "$seen" | sed -n 's/.*deviceName *= *//p' | tr '\n' ' ')"
    ;;
  amd)
    usable "$devices/kfd"
    usable "$devices"/dri/renderD*
    ;;
  *)
    echo "prove-gpu: '$kind' is no kind of GPU; give nvidia, intel or amd" >&2
    exit 64
    ;;
esac
