#!/bin/sh
# The four facts that a lab wants of each graphics card of a Proxmox node, as a line for proxmox.nodes.NODE.gpus. Needs nothing but sh and
# the kernel's own files, and changes nothing. From your machine: ssh root@NODE sh -s < templates/proxmox/gpu-facts.sh
# $1: the folder of the kernel's PCI devices, for tests.
set -eu
devices=${1:-/sys/bus/pci/devices}

# The text of a file of a device, without its 0x.
fact() {
  sed 's/^0x//' "$1/$2"
}

found=false
for device in "$devices"/*; do
  # Class 03: display controllers.
  case $(fact "$device" class) in
    03*) ;;
    *) continue ;;
  esac
  found=true
  path=$(basename "$device")
  driver=none
  if [ -e "$device/driver" ]; then driver=$(basename "$(readlink -f "$device/driver")"); fi
  if [ ! -e "$device/iommu_group" ]; then
    echo "# ${path%.*}: no IOMMU group; switch on VT-d or AMD-Vi in the firmware"
    continue
  fi
  group=$(basename "$(readlink -f "$device/iommu_group")")
  others=''
  for other in "$devices"/*; do
    name=$(basename "$other")
    # Functions of the card itself go with it; bridges (class 06) stay with the host.
    [ "${name%.*}" != "${path%.*}" ] || continue
    [ -e "$other/iommu_group" ] || continue
    [ "$(basename "$(readlink -f "$other/iommu_group")")" = "$group" ] || continue
    case $(fact "$other" class) in
      06*) ;;
      *) others="$others $name" ;;
    esac
  done
  echo "gpu: { path: \"${path%.*}\", id: \"$(fact "$device" vendor):$(fact "$device" device)\"," \
    "subsystemId: \"$(fact "$device" subsystem_vendor):$(fact "$device" subsystem_device)\", iommuGroup: $group } # driver: $driver${others:+; in its group too:$others}"
done
$found || echo "# no graphics card"
