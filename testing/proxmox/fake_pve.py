#!/usr/bin/env python3
"""A fake Proxmox VE 9 API server, for running the real Terraform provider against loopback.

It keeps a small cluster in memory (two nodes, three storages, one VM template), answers the part of the API that
bpg/proxmox uses, and refuses what Proxmox refuses, in Proxmox's words: permissions, root-only settings, unknown or
malformed parameters, used VMIDs, missing templates, busy PCI devices.  Every request goes to a log of JSON lines.
An endpoint it does not know answers 501, so a gap is never mistaken for success.

Reading order:
    1 errors            what Proxmox answers when it says no
    2 property strings  'a,b=1' values, sizes
    3 schemas           which parameters exist and what they may contain
    4 world             nodes, storages, volumes, guests, tasks
    5 access            tokens, tickets, privileges
    6 routing           @route, Request
    7-13 endpoints      access, cluster, nodes, storage, guests (common, containers, VMs), firewall, mappings, HA, pools
    14 control          /_fake/..., not part of Proxmox: for tests
    15 server           TLS, HTTP, log, fault injection
    16 command line
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import http.server
import ipaddress
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from urllib.parse import parse_qsl, unquote, urlsplit

# ---------------------------------------------------------------------------------------------------------------------
# 1 Errors
# ---------------------------------------------------------------------------------------------------------------------


class ApiError(Exception):
    """An answer other than 200.  Proxmox puts the message into the HTTP status line and into the body."""

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None):
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors or {}


def die(message: str):
    """A plain failure inside an endpoint or a task: HTTP 500."""
    raise ApiError(500, message)


def deny(what: str = ""):
    """A missing privilege, or something only root@pam may do: HTTP 403."""
    raise ApiError(403, f"Permission check failed ({what})" if what else "Permission check failed")


def bad_param(errors: dict[str, str]):
    """Parameters that Proxmox's schema or an endpoint's own check rejects: HTTP 400."""
    raise ApiError(400, "Parameter verification failed.", errors)


# ---------------------------------------------------------------------------------------------------------------------
# 2 Property strings and sizes
# ---------------------------------------------------------------------------------------------------------------------


def parse_props(text: str, default_key: str = "") -> dict[str, str]:
    """'local-lvm:8,size=8G' -> {default_key: 'local-lvm:8', 'size': '8G'}"""
    props: dict[str, str] = {}
    for part in text.split(","):
        if not part:
            continue
        key, sep, value = part.partition("=")
        if sep:
            props[key] = value
        else:
            props[default_key] = part
    return props


def print_props(props: dict[str, str], default_key: str = "") -> str:
    """The reverse of parse_props; the default key comes first and bare, the rest sorted."""
    head = [props[default_key]] if default_key in props else []
    return ",".join(head + [f"{k}={props[k]}" for k in sorted(props) if k != default_key])


UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    if not match:
        die(f"unable to parse size '{text}'")
    return int(float(match[1]) * UNITS.get(match[2], 1))


def print_size(size: int) -> str:
    for unit in "TGMK":
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


def split_list(text: str | None) -> list[str]:
    return [item for item in re.split(r"[\0,; ]+", text or "") if item]


def check_ssh_keys(text: str):
    """Proxmox lets ssh-keygen read the keys; here: every line is 'type base64 [comment]' and the blob names the type."""
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            kind, blob = line.split()[:2]
            data = base64.b64decode(blob, validate=True)
            if data[4 : 4 + int.from_bytes(data[:4])].decode("ascii") != kind:
                raise ValueError
        except ValueError:
            die("SSH public key validation error")


def truthy(text: str | None) -> bool:
    return (text or "").lower() in ("1", "on", "yes", "true")


# ---------------------------------------------------------------------------------------------------------------------
# 3 Schemas
#
# A check is a function that raises ValueError with Proxmox's own words.  A schema maps parameter names to checks; a
# name that ends in '#' stands for a numbered family (net# = net0, net1, ...).
# ---------------------------------------------------------------------------------------------------------------------

UNKNOWN_PROPERTY = "property is not defined in schema and the schema does not allow additional properties"
MISSING_PROPERTY = "property is missing and it is not optional"


def STRING(_value):
    pass


def BOOL(value):
    if value.lower() not in ("0", "1", "on", "off", "yes", "no", "true", "false"):
        raise ValueError(f"type check ('boolean') failed - got '{value}'")


def INT(minimum=None, maximum=None):
    def check(value):
        if not re.fullmatch(r"[+-]?\d+", value):
            raise ValueError(f"type check ('integer') failed - got '{value}'")
        if minimum is not None and int(value) < minimum:
            raise ValueError(f"value must have a minimum value of {minimum}")
        if maximum is not None and int(value) > maximum:
            raise ValueError(f"value must have a maximum value of {maximum}")

    check.integer = True
    return check


def NUMBER(minimum=None, maximum=None):
    def check(value):
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
            raise ValueError(f"type check ('number') failed - got '{value}'")
        if minimum is not None and float(value) < minimum:
            raise ValueError(f"value must have a minimum value of {minimum}")
        if maximum is not None and float(value) > maximum:
            raise ValueError(f"value must have a maximum value of {maximum}")

    return check


def ENUM(*allowed):
    def check(value):
        if value not in allowed:
            raise ValueError(f"value '{value}' does not have a value in the enumeration '{', '.join(allowed)}'")

    return check


def PATTERN(regex):
    def check(value):
        if not re.fullmatch(regex, value):
            raise ValueError("value does not match the regex pattern")

    return check


def FORMAT(test, message):
    def check(value):
        if not test(value):
            raise ValueError(f"invalid format - {message.format(value)}")

    return check


def LIST(check_one):
    def check(value):
        for item in split_list(value):
            check_one(item)

    return check


def PROPS(spec: dict, default_key: str = "", required: tuple = ()):
    """A property string: every key must be in spec.  Failures are reported as Proxmox does, one line for each key."""

    def check(value, name="value"):
        lines, props = [], parse_props(value, default_key)
        if "" in props:
            lines.append(f"{name}.{props['']}: value without key, but schema does not define a default key")
        for key, item in props.items():
            if key == "":
                continue
            if key not in spec:
                lines.append(f"{name}.{key}: {UNKNOWN_PROPERTY}")
                continue
            try:
                spec[key](item)
            except ValueError as error:
                lines.append(f"{name}.{key}: {error}")
        lines += [f"{name}.{key}: {MISSING_PROPERTY}" for key in required if key not in props]
        if lines:
            raise ValueError("invalid format - format error\n" + "\n".join(lines))

    check.wants_name = True
    return check


def _is_ip(version, prefix=False):
    def test(value):
        try:
            if prefix:
                return "/" in value and ipaddress.ip_interface(value).version == version
            return ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return test


DNS_RE = re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")
DNS_NAME = FORMAT(DNS_RE.fullmatch, "value does not look like a valid DNS name")
IPV4 = FORMAT(_is_ip(4), "value does not look like a valid IPv4 address")
IPV6 = FORMAT(_is_ip(6), "value does not look like a valid IPv6 address")
ADDRESS = FORMAT(lambda v: _is_ip(4)(v) or _is_ip(6)(v), "value does not look like a valid IP address")
IPV4_CONFIG = FORMAT(
    lambda v: v in ("dhcp", "manual") or _is_ip(4, True)(v), "value does not look like a valid ipv4 network configuration"
)
IPV6_CONFIG = FORMAT(
    lambda v: v in ("auto", "dhcp", "manual") or _is_ip(6, True)(v),
    "value does not look like a valid ipv6 network configuration",
)
MAC = FORMAT(
    re.compile(r"[0-9a-fA-F][02468ACEace](:[0-9a-fA-F]{2}){5}").fullmatch,
    "value does not look like a valid unicast MAC address",
)
CONFIG_ID = FORMAT(re.compile(r"[a-zA-Z][a-zA-Z0-9_-]+").fullmatch, "invalid configuration ID '{}'")
TAGS = LIST(FORMAT(re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*").fullmatch, "invalid characters in tag"))
STARTUP = PROPS({"order": INT(0), "up": INT(0), "down": INT(0)}, "order")

CT_NET = PROPS(
    {
        "name": PATTERN(r"[-_.\w]+"), "bridge": PATTERN(r"[-_.\w]+"), "hwaddr": MAC, "ip": IPV4_CONFIG, "gw": IPV4,
        "ip6": IPV6_CONFIG, "gw6": IPV6, "firewall": BOOL, "mtu": INT(64, 65535), "rate": NUMBER(), "tag": INT(1, 4094),
        "trunks": PATTERN(r"\d+(;\d+)*"), "type": ENUM("veth"), "link_down": BOOL, "host-managed": BOOL,
    },
    required=("name",),
)  # fmt: skip
MOUNT_OPTION = "(discard|lazytime|noatime|nodev|noexec|nosuid)"
CT_VOLUME = {
    "volume": STRING, "size": PATTERN(r"\d+(\.\d+)?[KMGT]?"), "acl": BOOL, "quota": BOOL, "ro": BOOL, "shared": BOOL,
    "replicate": BOOL, "idmap": STRING,
    "mountoptions": PATTERN(f"{MOUNT_OPTION}(;{MOUNT_OPTION})*"),
}  # fmt: skip
CT_FEATURES = {k: BOOL for k in ("nesting", "keyctl", "fuse", "mknod", "force_rw_sys")} | {"mount": PATTERN(r"[a-zA-Z0-9_; ]+")}
CT_DEVICE = PROPS(
    {
        "path": FORMAT(
            lambda v: v.startswith("/dev/") and not re.search(r"/\.\.?(?:/|$)", v), "{} is not a valid device path"
        ),
        "mode": PATTERN(r"0[0-7]{3}"), "uid": INT(0), "gid": INT(0), "deny-write": BOOL,
    },
    "path",
)  # fmt: skip

CT_CONFIG = {
    "arch": ENUM("amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"), "cmode": ENUM("shell", "console", "tty"),
    "console": BOOL, "cores": INT(1, 8192), "cpulimit": NUMBER(0, 8192), "cpuunits": INT(0, 500000), "debug": BOOL,
    "description": STRING, "entrypoint": STRING, "env": STRING, "features": PROPS(CT_FEATURES), "hookscript": STRING,
    "hostname": DNS_NAME, "lock": STRING, "memory": INT(16), "nameserver": LIST(ADDRESS), "onboot": BOOL,
    "ostype": ENUM(
        "debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos", "unmanaged"
    ),
    "protection": BOOL, "rootfs": PROPS(CT_VOLUME, "volume", ("volume",)), "searchdomain": LIST(DNS_NAME), "startup": STARTUP,
    "swap": INT(0), "tags": TAGS, "template": BOOL, "timezone": STRING, "tty": INT(0, 6), "unprivileged": BOOL,
    "net#": CT_NET, "dev#": CT_DEVICE, "unused#": STRING,
    "mp#": PROPS(CT_VOLUME | {"mp": STRING, "backup": BOOL, "keepattrs": BOOL}, "volume", ("volume", "mp")),
}  # fmt: skip
CT_CREATE_ONLY = {
    "vmid": INT(100, 999999999), "ostemplate": STRING, "storage": STRING, "password": STRING, "ssh-public-keys": STRING,
    "pool": STRING, "start": BOOL, "force": BOOL, "restore": BOOL, "unique": BOOL, "bwlimit": NUMBER(0), "ha-managed": BOOL,
    "ignore-unpack-errors": BOOL,
}  # fmt: skip

PCI_PATH = r"(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?"
HOSTPCI = PROPS(
    {
        "host": PATTERN(f"{PCI_PATH}(;{PCI_PATH})*"), "mapping": CONFIG_ID, "rombar": BOOL, "romfile": STRING, "pcie": BOOL,
        "x-vga": BOOL, "legacy-igd": BOOL, "mdev": STRING, "driver": STRING, "vendor-id": STRING, "device-id": STRING,
        "sub-vendor-id": STRING, "sub-device-id": STRING,
    },
    "host",
)  # fmt: skip
IPCONFIG = PROPS({"ip": IPV4_CONFIG, "gw": IPV4, "ip6": IPV6_CONFIG, "gw6": IPV6})
DRIVE = STRING  # sixty-odd sub-properties; checked where a drive is created

VM_CONFIG = {
    "acpi": BOOL, "affinity": STRING, "agent": STRING, "allow-ksm": BOOL, "amd-sev": STRING, "arch": STRING, "args": STRING,
    "audio0": STRING, "autostart": BOOL, "balloon": INT(0), "bios": ENUM("seabios", "ovmf"), "boot": STRING,
    "bootdisk": STRING, "cdrom": STRING, "cicustom": STRING, "cipassword": STRING,
    "citype": ENUM("configdrive2", "nocloud", "opennebula"), "ciupgrade": BOOL, "ciuser": STRING, "cores": INT(1),
    "cpu": STRING, "cpulimit": NUMBER(0, 128), "cpuunits": INT(1, 262144), "description": STRING, "efidisk0": DRIVE,
    "freeze": BOOL, "hookscript": STRING, "hotplug": STRING, "hugepages": ENUM("any", "2", "1024"), "intel-tdx": STRING,
    "ivshmem": STRING, "keephugepages": BOOL, "keyboard": STRING, "kvm": BOOL, "localtime": BOOL, "lock": STRING,
    "machine": STRING, "memory": STRING, "migrate_downtime": NUMBER(0), "migrate_speed": INT(0), "name": DNS_NAME,
    "nameserver": LIST(ADDRESS), "numa": BOOL, "onboot": BOOL,
    "ostype": ENUM(
        "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26", "solaris"
    ),
    "protection": BOOL, "reboot": BOOL, "rng0": STRING,
    "scsihw": ENUM("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"),
    "searchdomain": STRING, "shares": INT(0, 50000), "smbios1": STRING, "smp": INT(1), "sockets": INT(1),
    "spice_enhancements": STRING, "sshkeys": STRING, "startdate": STRING, "startup": STARTUP, "tablet": BOOL, "tags": TAGS,
    "tdf": BOOL, "template": BOOL, "tpmstate0": DRIVE, "vcpus": INT(1), "vga": STRING, "vmgenid": STRING,
    "vmstatestorage": STRING, "watchdog": STRING,
    "net#": STRING, "scsi#": DRIVE, "virtio#": DRIVE, "sata#": DRIVE, "ide#": DRIVE, "unused#": STRING, "serial#": STRING,
    "parallel#": STRING, "usb#": STRING, "hostpci#": HOSTPCI, "numa#": STRING, "ipconfig#": IPCONFIG, "virtiofs#": STRING,
}  # fmt: skip
VM_CREATE_ONLY = {
    "vmid": INT(100, 999999999), "archive": STRING, "storage": STRING, "force": BOOL, "unique": BOOL, "live-restore": BOOL,
    "pool": STRING, "bwlimit": INT(0), "start": BOOL, "ha-managed": BOOL, "import-working-storage": STRING,
}  # fmt: skip
VM_UPDATE_ONLY = {
    "delete": STRING, "revert": STRING, "force": BOOL, "digest": STRING, "skiplock": BOOL, "background_delay": INT(1, 30),
    "skip_cloud_init": BOOL, "import-working-storage": STRING,
}  # fmt: skip
CT_UPDATE_ONLY = {"delete": STRING, "revert": STRING, "digest": STRING}

FAMILY_SIZE = {
    "net": 32, "mp": 256, "dev": 256, "unused": 256, "scsi": 31, "virtio": 16, "sata": 6, "ide": 4, "serial": 4,
    "parallel": 3, "usb": 14, "hostpci": 16, "numa": 8, "ipconfig": 32, "virtiofs": 10,
}  # fmt: skip
DRIVE_RE = re.compile(r"(scsi|virtio|sata|ide)\d+|efidisk0|tpmstate0")


def find_check(schema: dict, name: str):
    if name in schema and not name.endswith("#"):
        return schema[name]
    match = re.fullmatch(r"([a-z]+)(\d+)", name)
    if match and f"{match[1]}#" in schema and int(match[2]) < FAMILY_SIZE[match[1]]:
        return schema[f"{match[1]}#"]
    return None


def verify(schema: dict, params: dict[str, str], required: tuple = ()):
    """All of a request's parameters against a schema, as Proxmox does before an endpoint runs."""
    errors = {name: MISSING_PROPERTY for name in required if name not in params}
    for name, value in params.items():
        check = find_check(schema, name)
        if check is None:
            errors[name] = UNKNOWN_PROPERTY
            continue
        try:
            check(value, name) if hasattr(check, "wants_name") else check(value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        bad_param(errors)


def typed(schema: dict, name: str, value: str):
    """Configuration values leave the API as JSON numbers where the schema says integer or boolean, else as strings."""
    check = find_check(schema, name)
    if check is BOOL:
        return int(truthy(value))
    if getattr(check, "integer", False):
        return int(value)
    return value


# ---------------------------------------------------------------------------------------------------------------------
# 4 World
# ---------------------------------------------------------------------------------------------------------------------

GIB = 1 << 30
CLOUD_IMAGE_SIZE = 3584 << 20  # what Ubuntu's cloud images unpack to


class Storage:
    """A storage.  Shared ones have one set of volumes, the others one for each node."""

    def __init__(self, name: str, kind: str, content: str, shared: bool = False, files: str = ""):
        self.name, self.kind, self.content, self.shared = name, kind, split_list(content), shared
        self.has_path = kind in ("dir", "nfs", "cifs", "cephfs", "btrfs")
        self.path = "/var/lib/vz" if name == "local" else f"/mnt/pve/{name}"
        self._volumes: dict[str, dict[str, dict]] = {}
        self.files = ""
        if files and self.has_path:  # snippets are real files, which a real sshd writes
            self.path = self.files = os.path.join(files, name)
            os.makedirs(os.path.join(self.files, "snippets"), exist_ok=True)

    def volumes(self, node: str) -> dict[str, dict]:
        volumes = self._volumes.setdefault("" if self.shared else node, {})
        if self.files:
            self.read_snippets(node, volumes)
        return volumes

    def snippet_folders(self, node: str) -> list[str]:
        """Where the node's snippets lie: all nodes share one address space, so the shell of node-shell.sh keeps them apart."""
        nodes = os.path.join(self.files, ".nodes")
        names = os.listdir(nodes) if self.shared and os.path.isdir(nodes) else [node]
        return [os.path.join(nodes, name, "snippets") for name in names]

    def read_snippets(self, node: str, volumes: dict[str, dict]):
        for volid in [v for v, volume in volumes.items() if volume.get("on_disk")]:
            del volumes[volid]
        for folder in self.snippet_folders(node):
            for entry in os.scandir(folder) if os.path.isdir(folder) else ():
                volid, stat = f"{self.name}:snippets/{entry.name}", entry.stat()
                volumes[volid] = {
                    "volid": volid, "content": "snippets", "size": stat.st_size, "format": "snippet",
                    "ctime": int(stat.st_mtime), "on_disk": True,
                }  # fmt: skip

    def remove_snippet(self, node: str, volid: str):
        name = os.path.basename(volid)
        for path in [os.path.join(self.path, "snippets", name), *(os.path.join(f, name) for f in self.snippet_folders(node))]:
            if os.path.exists(path):
                os.remove(path)

    def config(self) -> dict:
        entry = {"storage": self.name, "type": self.kind, "content": ",".join(self.content), "digest": "0" * 40}
        if self.has_path:
            entry["path"] = self.path
        if self.shared:
            entry["shared"] = 1
        return entry


class Firewall:
    """Rules, options, aliases and IP sets of one scope: the datacenter, a node, a guest or a security group."""

    def __init__(self, scope: str):
        self.scope = scope  # cluster, host, ct, vm or group
        self.rules: list[dict] = []
        self.options: dict = {}
        self.aliases: dict[str, dict] = {}
        self.ipsets: dict[str, dict] = {}
        self.comment = ""


class Guest:
    def __init__(self, vmid: int, kind: str, node: str, config: dict):
        self.vmid, self.kind, self.node, self.config = vmid, kind, node, config
        self.running = False
        self.started_at = 0.0
        self.firewall = Firewall("vm" if kind == "qemu" else "ct")
        self.agent_up = True  # whether a guest agent answers once the VM runs; a test may switch it off
        self.lease = f"10.99.{vmid // 250 % 250}.{vmid % 250 + 1}"  # what DHCP gives; a test may set "" for none

    @property
    def label(self) -> str:
        return f"{'VM' if self.kind == 'qemu' else 'CT'} {self.vmid}"

    @property
    def sid(self) -> str:
        """How the HA stack calls it."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vmid}"

    @property
    def name(self) -> str:
        return self.config.get("name" if self.kind == "qemu" else "hostname", f"{self.label.replace(' ', '')}")

    @property
    def schema(self) -> dict:
        return VM_CONFIG if self.kind == "qemu" else CT_CONFIG

    @property
    def is_template(self) -> bool:
        return truthy(self.config.get("template"))

    def view(self) -> dict:
        """The configuration as GET .../config shows it."""
        out = {k: typed(self.schema, k, v) for k, v in self.config.items()}
        if "description" in out:  # comment lines in the file; containers' come back with a line feed, VMs' without
            out["description"] = out["description"].rstrip() + ("\n" if self.kind == "lxc" else "")
        if "cipassword" in out:
            out["cipassword"] = "**********"
        out["digest"] = hashlib.sha1(json.dumps(self.config, sort_keys=True).encode()).hexdigest()
        return out

    def drives(self) -> dict[str, dict]:
        """Volumes that this guest's configuration names: {'scsi0': {'file': 'local-lvm:vm-..', ...}}"""
        if self.kind == "qemu":
            return {k: parse_props(v, "file") for k, v in self.config.items() if DRIVE_RE.fullmatch(k)}
        keys = [k for k in self.config if k == "rootfs" or re.fullmatch(r"mp\d+", k)]
        return {k: parse_props(self.config[k], "volume") for k in keys}

    def nics(self) -> list[dict]:
        out = []
        for key in sorted((k for k in self.config if re.fullmatch(r"net\d+", k)), key=lambda k: int(k[3:])):
            nic = parse_props(self.config[key])
            if self.kind == "qemu":
                model = next((m for m in NIC_MODELS if m in nic), "virtio")
                nic["hwaddr"] = nic.get(model, nic.get("macaddr", ""))
                nic |= parse_props(self.config.get(f"ipconfig{key[3:]}", ""))
                nic["name"] = f"eth{key[3:]}"
            out.append(nic)
        return out

    def addresses(self, nic: dict) -> list[dict]:
        out = []
        ip = nic.get("ip", "")
        if ip == "dhcp" and self.lease:
            ip = f"{self.lease}/24"
        if "/" in ip:
            address, prefix = ip.split("/")
            out.append({"ip-address": address, "prefix": int(prefix), "family": "inet"})
        if "/" in nic.get("ip6", ""):
            address, prefix = nic["ip6"].split("/")
            out.append({"ip-address": address, "prefix": int(prefix), "family": "inet6"})
        out.append({"ip-address": f"fe80::be24:11ff:fe00:{self.vmid:x}", "prefix": 64, "family": "inet6"})
        return out


NIC_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci", "i82551", "i82557b", "i82559er", "pcnet")


class TaskLog(list):
    """What a worker prints.  warn() is what turns a task's exit status into 'WARNINGS: n'."""

    def warn(self, line: str):
        self.append(f"WARN: {line}")


class Cluster:
    def __init__(self, options: argparse.Namespace):
        self.version = options.pve_version
        self.nodes = split_list(options.nodes)
        self.offline: set[str] = set()  # nodes that answer nothing
        self.bridges = split_list(options.bridges)
        self.devices = set(options.device)
        self.any_pci = options.any_pci
        self.cores, self.memory = options.cores, options.memory * GIB
        self.storages: dict[str, Storage] = {}
        self.guests: dict[int, Guest] = {}
        self.tasks: dict[str, dict] = {}
        self.pools: dict[str, dict] = {}
        self.mappings: dict[str, dict[str, dict]] = {"pci": {}, "usb": {}, "dir": {}}
        self.ha_resources: dict[str, dict] = {}
        self.ha_rules: dict[str, dict] = {}
        self.firewall = Firewall("cluster")
        self.security_groups: dict[str, Firewall] = {}
        self.node_firewalls = {node: Firewall("host") for node in self.nodes}
        self.urls: dict[str, dict] = {}  # what a test said about an URL: size, status
        self.fail_tasks: list[list] = [list(parse_fail_task(text)) for text in options.fail_task]
        self.pci = {node: {} for node in self.nodes}
        self._task_number = 0

        for name, kind, content in (
            ("local", "dir", "iso,vztmpl,backup,snippets,import"),
            ("local-lvm", "lvmthin", "images,rootdir"),
        ):
            self.storages[name] = Storage(name, kind, content, files=options.files)
        for text in options.storage:
            name, kind, content = (text.split(":") + ["", ""])[:3]
            self.storages[name] = Storage(
                name, kind, content, kind in ("nfs", "cifs", "cephfs", "rbd"), options.files
            )
        for node in self.nodes:
            for text in DEFAULT_PCI:
                self.add_pci(f"{node},{text}")
        for text in options.pci:
            self.add_pci(text)
        for volid in options.volume:
            for node in self.nodes:
                self.add_file(node, volid)
        if options.template_vmid:
            self.add_template(options.template_vmid, self.nodes[0])

    # -- storages and volumes

    def storage(self, name: str, node: str = "") -> Storage:
        if name not in self.storages:
            die(f"storage '{name}' does not exist")
        return self.storages[name]

    def find_volume(self, volid: str, node: str) -> dict | None:
        name = volid.partition(":")[0]
        return self.storages[name].volumes(node).get(volid) if name in self.storages else None

    def add_file(self, node: str, volid: str, size: int = 0) -> dict:
        """A file of a directory storage: template, ISO, image, snippet."""
        name, _, rest = volid.partition(":")
        content, _, filename = rest.partition("/")
        volume = {
            "volid": volid, "content": content, "size": size or url_size(filename), "format": file_format(content, filename),
            "ctime": int(time.time()),
        }  # fmt: skip
        self.storage(name).volumes(node)[volid] = volume
        return volume

    def allocate(self, storage: Storage, node: str, vmid: int, size: int, kind: str, name: str = "", fmt: str = "") -> str:
        """A guest's volume, named as Proxmox names it."""
        volumes = storage.volumes(node)
        fmt = fmt or ("raw" if kind == "rootdir" or not storage.has_path else "qcow2")
        index = 0
        while True:
            base = name or f"{'subvol' if storage.kind == 'zfspool' and kind == 'rootdir' else 'vm'}-{vmid}-disk-{index}"
            volid = f"{storage.name}:{vmid}/{base}.{fmt}" if storage.has_path else f"{storage.name}:{base}"
            if volid not in volumes:
                break
            if name:
                die(f"volume '{volid}' already exists")
            index += 1
        volumes[volid] = {
            "volid": volid, "content": kind, "size": size, "format": fmt, "vmid": vmid, "ctime": int(time.time()),
        }  # fmt: skip
        return volid

    def free(self, volid: str, node: str):
        name = volid.partition(":")[0]
        if name in self.storages:
            volume = self.storages[name].volumes(node).pop(volid, None)
            if volume and volume.get("on_disk"):
                self.storages[name].remove_snippet(node, volid)

    # -- guests

    def check_vmid_unused(self, vmid: int):
        if vmid in self.guests:
            guest = self.guests[vmid]
            die(f"{guest.label} already exists on node '{guest.node}'")

    def pool_of(self, vmid: int) -> str:
        return next((name for name, pool in self.pools.items() if vmid in pool["vms"]), "")

    def add_template(self, vmid: int, node: str):
        disk = self.allocate(self.storages["local-lvm"], node, vmid, CLOUD_IMAGE_SIZE, "images", f"base-{vmid}-disk-0")
        drive = self.allocate(self.storages["local-lvm"], node, vmid, 4 << 20, "images", f"vm-{vmid}-cloudinit")
        config = {
            "agent": "enabled=1", "boot": "order=scsi0", "cores": "2", "cpu": "x86-64-v2-AES", "memory": "2048",
            "name": "ubuntu-noble-template", "ostype": "l26", "scsihw": "virtio-scsi-single", "serial0": "socket",
            "vga": "serial0", "scsi0": f"{disk},size=3584M", "ide2": f"{drive},media=cdrom,size=4M", "template": "1",
            "net0": f"virtio={new_mac()},bridge={self.bridges[0]}", "smbios1": f"uuid={uuid.uuid4()}",
            "vmgenid": str(uuid.uuid4()), "meta": f"creation-qemu=10.0.2,ctime={int(time.time())}",
        }  # fmt: skip
        self.guests[vmid] = Guest(vmid, "qemu", node, config)

    def destroy(self, guest: Guest):
        for volumes in [s.volumes(guest.node) for s in self.storages.values()]:
            for volid in [v for v, volume in volumes.items() if volume.get("vmid") == guest.vmid]:
                del volumes[volid]
        for pool in self.pools.values():
            pool["vms"].discard(guest.vmid)
        if guest.sid in self.ha_resources:
            self.remove_ha_resource(guest.sid)
        del self.guests[guest.vmid]

    def remove_ha_resource(self, sid: str):
        del self.ha_resources[sid]
        for name, rule in list(self.ha_rules.items()):
            rule["resources"].discard(sid)
            if not rule["resources"]:
                del self.ha_rules[name]

    # -- PCI

    def add_pci(self, text: str):
        node, path, ids, subsystem, group = (text.split(",") + ["", ""])[:5]
        if node not in self.pci:
            sys.exit(f"--pci {text}: no such node '{node}'")
        vendor, device = ids.split(":")
        entry = {
            "id": path, "class": "0x030000", "vendor": f"0x{vendor}", "device": f"0x{device}",
            "iommugroup": int(group) if group else -1, "vendor_name": "Fake Devices", "device_name": f"GPU {device}",
        }  # fmt: skip
        if subsystem:
            subvendor, subdevice = subsystem.split(":")
            entry |= {"subsystem_vendor": f"0x{subvendor}", "subsystem_device": f"0x{subdevice}"}
        self.pci[node][path] = entry

    def functions(self, node: str, path: str) -> list[str]:
        """'0000:01:00' names every function of the device, '0000:01:00.0' one."""
        path = path if path.count(":") == 2 else f"0000:{path}"
        return [p for p in sorted(self.pci[node]) if p == path or p.startswith(f"{path}.")]

    def resolve_hostpci(self, guest: Guest, value: str) -> list[list[str]]:
        """The alternatives that a hostpci value offers on the guest's node; a mapping is checked against the hardware."""
        props = parse_props(value, "host")
        if "mapping" not in props:
            out = []
            for path in props.get("host", "").split(";"):
                found = self.functions(guest.node, path) or ([path] if self.any_pci else [])
                if not found:
                    die(f"no PCI device found for '{path}'")
                out += found
            return [out]
        name = props["mapping"]
        entries = [parse_props(m) for m in self.mappings["pci"].get(name, {}).get("map", [])]
        entries = [entry for entry in entries if entry["node"] == guest.node]
        if not entries:
            die(f"PCI device mapping not found for '{name}'")
        for entry in entries:
            try:
                self.assert_mapping(name, entry)
            except ApiError as error:
                die(f"PCI device mapping invalid (hardware probably changed): {error.message}")
        return [self.functions(guest.node, path) or [path] for entry in entries for path in entry["path"].split(";")]

    def assert_mapping(self, name: str, entry: dict):
        for index, path in enumerate(entry["path"].split(";")):
            first = path if "." in path else f"{path}.0"
            hardware = self.pci[entry["node"]].get(first)
            if hardware is None:
                if not self.any_pci:
                    die(f"pci device '{first}' not found")
                # stand in for a card that carries whatever the mapping says, as long as it says all of it
                hardware = {"vendor": entry["id"][:4], "device": entry["id"][5:], "iommugroup": entry.get("iommugroup", 1)}
                sub = entry.get("subsystem-id", "0000:0000")
                hardware |= {"subsystem_vendor": sub[:4], "subsystem_device": sub[5:]}
            expected = {"id": f"{hardware['vendor']}:{hardware['device']}", "iommugroup": str(hardware["iommugroup"])}
            if "subsystem_vendor" in hardware:
                expected["subsystem-id"] = f"{hardware['subsystem_vendor']}:{hardware['subsystem_device']}"
            for prop in ("id", "iommugroup", "subsystem-id"):
                if prop == "iommugroup" and index:
                    continue
                want, have = expected.get(prop), entry.get(prop)
                if want is None and have is None:
                    continue
                if have is None:
                    die(f"missing expected property '{prop}' for device '{first}'")
                if want is None:
                    die(f"unexpected property '{prop}' configured for device '{first}'")
                if want.replace("0x", "") != have.replace("0x", ""):
                    die(f"'{prop}' does not match for '{name}' ({want.replace('0x', '')} != {have})")

    def claimed_pci(self, but: Guest) -> dict[str, int]:
        """{PCI address: VMID} of the running VMs on the same node."""
        claimed = {}
        for guest in self.guests.values():
            if guest is not but and guest.running and guest.node == but.node:
                claimed |= {path: guest.vmid for path in getattr(guest, "pci_in_use", [])}
        return claimed

    # -- tasks

    def run_task(self, req: "Request", node: str, kind: str, ident, work) -> str:
        """Runs work(log) at once and records it as a finished task; the answer is its UPID."""
        self._task_number += 1
        start, log, exit_status = int(time.time()), TaskLog(), "OK"
        upid = f"UPID:{node}:{self._task_number:08X}:{start & 0xFFFFFFFF:08X}:{start:08X}:{kind}:{ident}:{req.user}:"
        try:
            for planned in self.fail_tasks:
                if re.search(planned[0], f"{kind}:{ident}"):
                    self.fail_tasks.remove(planned)
                    die(planned[1])
            work(log)
        except ApiError as error:
            exit_status = error.message
            log.append(f"TASK ERROR: {exit_status}")
        else:
            warnings = sum(line.startswith("WARN:") for line in log)
            if warnings:
                exit_status = f"WARNINGS: {warnings}"
            log.append(f"TASK {exit_status}")
        self.tasks[upid] = {
            "upid": upid, "node": node, "pid": self._task_number, "pstart": start & 0xFFFFFFFF, "starttime": start,
            "type": kind, "id": str(ident), "user": req.user, "status": "stopped", "exitstatus": exit_status, "log": log,
        }  # fmt: skip
        return upid


DEFAULT_PCI = (  # on every node: two cards with their audio functions
    "0000:01:00.0,10de:2684,1043:88e2,12",
    "0000:01:00.1,10de:22ba,1043:88e2,12",
    "0000:02:00.0,10de:2684,1043:88e2,13",
    "0000:02:00.1,10de:22ba,1043:88e2,13",
)
DEFAULT_DEVICES = (
    "/dev/dri/card0", "/dev/dri/renderD128", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/nvidia0", "/dev/nvidiactl",
    "/dev/nvidia-modeset", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
)  # fmt: skip


def new_mac() -> str:
    return "BC:24:11:" + ":".join(f"{byte:02X}" for byte in secrets.token_bytes(3))


def url_size(text: str) -> int:
    """A stable made-up size for a download: between 100 and 1100 MB."""
    return (100 << 20) + int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % (1000 << 20)


def file_format(content: str, filename: str) -> str:
    if content == "vztmpl":
        return {"tar.gz": "tgz", "tar.xz": "txz", "tar.zst": "tzst"}.get(".".join(filename.split(".")[-2:]), "tar")
    return filename.rsplit(".", 1)[-1] if content == "import" else {"iso": "iso"}.get(content, "raw")


# ---------------------------------------------------------------------------------------------------------------------
# 5 Access
# ---------------------------------------------------------------------------------------------------------------------

PRIVILEGES = set(
    """Permissions.Modify VM.Config.Disk VM.Config.CPU VM.Config.Memory VM.Config.Network VM.Config.HWType VM.Config.Options
    VM.Config.CDROM VM.Config.Cloudinit VM.Allocate VM.Clone VM.Migrate VM.Replicate VM.Snapshot VM.Snapshot.Rollback VM.Console
    VM.Backup VM.PowerMgmt VM.Audit VM.GuestAgent.Unrestricted VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt
    VM.GuestAgent.FileWrite VM.GuestAgent.Audit Sys.PowerMgmt Sys.Modify Sys.Incoming Sys.AccessNetwork Sys.Console Sys.Syslog
    Sys.Audit Datastore.Allocate Datastore.AllocateTemplate Datastore.AllocateSpace Datastore.Audit SDN.Allocate SDN.Audit SDN.Use
    Realm.Allocate User.Modify Group.Allocate Realm.AllocateUser Pool.Allocate Pool.Audit Mapping.Modify Mapping.Use
    Mapping.Audit""".split()
)


def known_privileges(version: str) -> set[str]:
    """The privileges of a release: 9 has one for each use of the guest agent, and 8 had VM.Monitor for all (pve-access-control, AccessControl.pm)."""
    if int(version.split(".")[0]) >= 9:
        return PRIVILEGES
    return {name for name in PRIVILEGES if not name.startswith("VM.GuestAgent.")} | {"VM.Monitor"}


class Access:
    """Who is asking, and what they may do.

    root@pam with a ticket may do everything.  root@pam's tokens have every privilege and still fail the root-only
    checks, as in Proxmox.  Everybody else has the privileges of the longest --acl path that leads to the object
    (a deeper entry replaces a higher one), plus those of the pool that the guest or storage is in.  An --acl-here
    entry counts for its own path alone (pve-access-control, AccessControl.pm, roles).
    """

    def __init__(self, options: argparse.Namespace):
        self.tokens = dict(text.split("=", 1) for text in options.token)
        self.passwords = dict(text.split("=", 1) for text in options.user)
        self.tickets: dict[str, tuple[str, str]] = {}
        self.known = known_privileges(options.pve_version)
        self.grant(options.acl, options.acl_here)

    def grant(self, acl: list[str], acl_here: list[str]):
        """What everybody but root@pam may do from now on; everything, where nothing is said."""
        self.acl: dict[str, set[str]] = {}
        self.acl_here: dict[str, set[str]] = {}
        for entries, texts in ((self.acl, acl), (self.acl_here, acl_here)):
            for text in texts:
                path, _, privileges = text.partition("=")
                wanted = set(split_list(privileges))
                if wanted - self.known:
                    sys.exit(f"--acl {path}: invalid privilege '{sorted(wanted - self.known)[0]}'")
                entries.setdefault("/" + path.strip("/"), set()).update(wanted)
        if not self.acl and not self.acl_here:
            self.acl["/"] = self.known

    def login(self, username: str, password: str) -> dict:
        if not secrets.compare_digest(self.passwords.get(username, "").encode(), password.encode()) or not password:
            raise ApiError(401, "authentication failure")
        ticket = f"PVE:{username}:{int(time.time()):08X}::{secrets.token_hex(32)}"
        token = f"{int(time.time()):08X}:{secrets.token_urlsafe(24)}"
        self.tickets[ticket] = (username, token)
        return {"ticket": ticket, "CSRFPreventionToken": token, "username": username, "clustername": "fake", "cap": {}}

    def identify(self, method: str, headers) -> str:
        """The user or token id behind a request."""
        header = headers.get("Authorization", "")
        if header.startswith("PVEAPIToken="):
            token_id, _, secret = header[len("PVEAPIToken=") :].partition("=")
            if token_id not in self.tokens:
                raise ApiError(401, f"no such token '{token_id.partition('!')[2]}' for user '{token_id.partition('!')[0]}'")
            if not secrets.compare_digest(self.tokens[token_id].encode(), secret.encode()):
                raise ApiError(401, "invalid token value!")
            return token_id
        match = re.search(r"PVEAuthCookie=([^;]+)", headers.get("Cookie", ""))
        user, csrf = self.tickets.get(unquote(match[1]) if match else "", ("", ""))
        if not user:
            raise ApiError(401, "permission denied - invalid PVE ticket" if match else "No ticket")
        if method != "GET" and headers.get("CSRFPreventionToken", "") != csrf:
            raise ApiError(401, "Permission denied - invalid csrf token")
        return user

    def privileges(self, user: str, path: str, cluster: Cluster) -> set[str]:
        if user == "root@pam" or user.startswith("root@pam!"):
            return self.known
        out: set[str] = set()
        parts = [part for part in path.split("/") if part]
        for length in range(len(parts) + 1):
            out = self.acl.get("/" + "/".join(parts[:length]), out)
        here = "/" + "/".join(parts)
        if here in self.acl_here:
            out = self.acl_here[here] | self.acl.get(here, set())
        pool = ""
        if len(parts) == 2 and parts[0] == "vms" and parts[1].isdigit():
            pool = cluster.pool_of(int(parts[1]))
        if len(parts) == 2 and parts[0] == "storage":
            pool = next((name for name, entry in cluster.pools.items() if parts[1] in entry["storage"]), "")
        return out | self.privileges(user, f"/pool/{pool}", cluster) if pool else out


# ---------------------------------------------------------------------------------------------------------------------
# 6 Routing
# ---------------------------------------------------------------------------------------------------------------------


class Request:
    """One API call, with the helpers that endpoints use."""

    def __init__(self, cluster: Cluster, access: Access, user: str, method: str, path: str, params: dict):
        self.cluster, self.access, self.user = cluster, access, user
        self.method, self.path, self.params = method, path, params
        self.vars: dict[str, str] = {}

    @property
    def is_root(self) -> bool:
        """Only a ticket of root@pam counts; none of its tokens does."""
        return self.user == "root@pam"

    @property
    def node(self) -> str:
        return self.vars["node"]

    def get(self, name: str, default: str = "") -> str:
        value = self.params.get(name, default)
        return ",".join(value) if isinstance(value, list) else value

    def flag(self, name: str) -> bool:
        return truthy(self.get(name))

    def values(self, name: str) -> list[str]:
        value = self.params.get(name, [])
        return value if isinstance(value, list) else [value]

    def flat(self) -> dict[str, str]:
        """All parameters as strings; a repeated one is joined, as Proxmox does for lists."""
        return {name: self.get(name) for name in self.params}

    def guest(self) -> Guest:
        kind, vmid = self.vars["kind"], self.vars["vmid"]
        guest = self.cluster.guests.get(int(vmid)) if vmid.isdigit() else None
        if guest is None or guest.kind != kind or guest.node != self.node:
            folder = "qemu-server" if kind == "qemu" else "lxc"
            die(f"Configuration file 'nodes/{self.node}/{folder}/{vmid}.conf' does not exist")
        return guest

    def may(self, path: str, *privileges: str) -> bool:
        have = self.access.privileges(self.user, path, self.cluster)
        return all(privilege in have for privilege in privileges)

    def check(self, path: str, *privileges: str):
        for privilege in privileges:
            if not self.may(path, privilege):
                deny(f"{path}, {privilege}")

    def check_any(self, path: str, *privileges: str):
        if not any(self.may(path, privilege) for privilege in privileges):
            deny(f"{path}, {'|'.join(privileges)}")

    def check_vm(self, vmid: int, pool: str, *privileges: str):
        """On the guest, or on the pool that it is being created in."""
        if not (pool and self.may(f"/pool/{pool}", *privileges)):
            self.check(f"/vms/{vmid}", *privileges)

    def check_bridge(self, nic: dict):
        if bridge := nic.get("bridge"):
            path = f"/sdn/zones/localnetwork/{bridge}"
            if not self.is_root and not (self.may(path, "SDN.Use") or self.may(f"{path}/{nic.get('tag', '')}", "SDN.Use")):
                deny(f"{path}, SDN.Use")


ROUTES: list[tuple[str, list[str], str, object]] = []


def route(method: str, path: str, needs: str = ""):
    """Registers an endpoint.  needs: '/vms/{vmid}: VM.Audit', several privileges with ',' (all) or '|' (any)."""

    def register(function):
        ROUTES.append((method, path.strip("/").split("/"), needs, function))
        return function

    return register


def dispatch(req: Request):
    segments = [unquote(segment) for segment in req.path.strip("/").split("/")]
    for method, pattern, needs, function in ROUTES:
        values = match_path(pattern, segments) if method == req.method else None
        if values is None:
            continue
        req.vars = values
        if "node" in values and values["node"] not in req.cluster.nodes:
            node = values["node"]
            die(f"hostname lookup '{node}' failed - failed to get address info for: {node}: Name or service not known")
        if values.get("node") in req.cluster.offline:
            # the node that was asked proxies, and hands AnyEvent::HTTP's own status on (pve-http-server, AnyEvent.pm, proxy_request)
            raise ApiError(595, "No route to host")
        if needs:
            path, _, privileges = needs.partition(": ")
            path = path.format(**values)
            if "|" in privileges:
                req.check_any(path, *privileges.split("|"))
            else:
                req.check(path, *privileges.split(","))
        return function(req)
    raise ApiError(501, f"Method '{req.method} {req.path}' not implemented")


def match_path(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    """{name} takes one segment, {name...} all that are left (volume ids may carry slashes), {name=a|b} one of those."""
    values: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if index >= len(segments):
            return None
        if part.endswith("...}"):
            values[part[1:-4]] = "/".join(segments[index:])
            return values
        if part.startswith("{"):
            name, _, allowed = part[1:-1].partition("=")
            if allowed and segments[index] not in allowed.split("|"):
                return None
            values[name] = segments[index]
        elif part != segments[index]:
            return None
    return values if len(segments) == len(pattern) else None


# ---------------------------------------------------------------------------------------------------------------------
# 7 Access, version, cluster
# ---------------------------------------------------------------------------------------------------------------------


@route("POST", "/access/ticket")
def access_ticket(req: Request):
    return req.access.login(req.get("username"), req.get("password"))


@route("GET", "/access/permissions")
def access_permissions(req: Request):
    access = req.access
    every = {"/", "/vms", "/storage", "/nodes", "/pool", *access.acl, *access.acl_here}
    paths = [req.get("path")] if req.get("path") else sorted(every)

    def propagates(path: str, privilege: str) -> int:
        return int(path not in access.acl_here or privilege in access.acl.get(path, set()))

    return {p: {priv: propagates(p, priv) for priv in sorted(access.privileges(req.user, p, req.cluster))} for p in paths}


@route("GET", "/version")
def version(req: Request):
    release = ".".join(req.cluster.version.split(".")[:2])
    return {"version": req.cluster.version, "release": release, "repoid": "fa6e0f0e5a6e0f0e"}


def guest_summary(req: Request, guest: Guest) -> dict:
    config = guest.config
    cores = int(config.get("cores", 1)) * int(config.get("sockets", 1))
    entry = {
        "id": f"{guest.kind}/{guest.vmid}", "type": guest.kind, "vmid": guest.vmid, "node": guest.node, "name": guest.name,
        "status": "running" if guest.running else "stopped", "template": int(guest.is_template), "maxcpu": cores,
        "maxmem": int(parse_props(config.get("memory", "512"), "current").get("current", 512)) << 20, "maxdisk": 8 * GIB,
        "cpu": 0, "mem": 0, "disk": 0, "uptime": int(time.time() - guest.started_at) if guest.running else 0,
    }  # fmt: skip
    if guest.node in req.cluster.offline:  # known by the cluster's file system alone (pve-manager, PVE/API2Tools.pm)
        entry["status"] = "unknown"
    if "tags" in config:
        entry["tags"] = config["tags"]
    if pool := req.cluster.pool_of(guest.vmid):
        entry["pool"] = pool
    if guest.sid in req.cluster.ha_resources:
        entry["hastate"] = req.cluster.ha_resources[guest.sid].get("state", "started")
    return entry


@route("GET", "/cluster/resources")
def cluster_resources(req: Request):
    kind, out = req.get("type"), []
    if kind in ("", "vm"):  # a guest that the caller may not audit is left out, without a word
        out += [guest_summary(req, g) for _, g in sorted(req.cluster.guests.items()) if req.may(f"/vms/{g.vmid}", "VM.Audit")]
    if kind in ("", "node"):
        out += [{"id": f"node/{n['node']}", "type": "node"} | n for n in nodes_index(req)]
    if kind in ("", "storage"):
        for node in req.cluster.nodes:
            for s in req.cluster.storages.values():
                entry = {"id": f"storage/{node}/{s.name}", "type": "storage", "storage": s.name, "node": node}
                out.append(entry | {"status": "available", "plugintype": s.kind, "shared": int(s.shared)})
    return out


@route("GET", "/cluster/nextid")
def cluster_nextid(req: Request):
    if wanted := req.get("vmid"):
        if int(wanted) in req.cluster.guests:
            bad_param({"vmid": f"VM {wanted} already exists"})
        return wanted
    return str(next(n for n in range(100, 10**9) if n not in req.cluster.guests))


@route("GET", "/cluster/status")
def cluster_status(req: Request):
    out = [{"type": "cluster", "id": "cluster", "name": "fake", "nodes": len(req.cluster.nodes), "quorate": 1, "version": 2}]
    for index, node in enumerate(req.cluster.nodes, 1):
        entry = {"type": "node", "id": f"node/{node}", "name": node, "nodeid": index, "online": int(node not in req.cluster.offline)}
        out.append(entry | {"ip": f"10.0.0.{index + 1}"})
    return out


# ---------------------------------------------------------------------------------------------------------------------
# 8 Nodes and tasks
# ---------------------------------------------------------------------------------------------------------------------


@route("GET", "/nodes")
def nodes_index(req: Request):
    cluster = req.cluster
    return [
        # of a node that is not a member now there are no figures (pve-manager, PVE/API2Tools.pm, extract_node_stats)
        {"node": node, "status": "offline", "level": "", "ssl_fingerprint": "00"}
        if node in cluster.offline
        else {
            "node": node, "status": "online", "maxcpu": cluster.cores, "cpu": 0.01, "maxmem": cluster.memory, "mem": GIB,
            "uptime": 86400, "level": "", "ssl_fingerprint": "00", "maxdisk": 100 * GIB, "disk": GIB,
        }
        for node in cluster.nodes
    ]  # fmt: skip


@route("GET", "/nodes/{node}/status", "/nodes/{node}: Sys.Audit")
def node_status(req: Request):
    cluster = req.cluster
    return {
        "cpu": 0.01, "uptime": 86400, "pveversion": f"pve-manager/{cluster.version}",
        "cpuinfo": {"cores": cluster.cores // 2, "cpus": cluster.cores, "sockets": 1, "model": "Fake CPU"},
        "memory": {"free": cluster.memory - GIB, "used": GIB, "total": cluster.memory},
    }  # fmt: skip


@route("GET", "/nodes/{node}/version")
def node_version(req: Request):
    return version(req)


@route("GET", "/nodes/{node}/network")
def node_network(req: Request):
    address = f"10.0.0.{req.cluster.nodes.index(req.node) + 2}"
    out = []
    for index, bridge in enumerate(req.cluster.bridges):
        entry = {"iface": bridge, "type": "bridge", "active": 1, "autostart": 1, "priority": index + 3, "method": "manual"}
        if index == 0:
            entry |= {"method": "static", "address": address, "netmask": "24", "cidr": f"{address}/24", "gateway": "10.0.0.1"}
        out.append(entry)
    return out


@route("GET", "/nodes/{node}/dns", "/nodes/{node}: Sys.Audit")  # pve-manager, PVE/API2/Nodes.pm
def node_dns(req: Request):
    return {"search": "lab.example", "dns1": "10.0.0.1"}


@route("GET", "/nodes/{node}/time", "/nodes/{node}: Sys.Audit")  # pve-manager, PVE/API2/Nodes.pm
def node_time(req: Request):
    return {"timezone": "UTC", "time": int(time.time()), "localtime": int(time.time())}


@route("GET", "/cluster/sdn/vnets")  # pve-network, PVE/API2/Network/SDN/Vnets.pm: those that the caller may audit
def sdn_vnets(_req: Request):
    return []


@route("GET", "/nodes/{node}/hardware/pci", "/: Sys.Audit|Sys.Modify")
def node_hardware_pci(req: Request):
    return [entry for _, entry in sorted(req.cluster.pci[req.node].items())]


@route("GET", "/nodes/{node}/tasks/{upid}/status")
def task_status(req: Request):
    task = find_task(req)
    return {k: v for k, v in task.items() if k != "log"}


@route("GET", "/nodes/{node}/tasks/{upid}/log")
def task_log(req: Request):
    lines = find_task(req)["log"][: int(req.get("limit", "50"))]
    return [{"n": n, "t": line} for n, line in enumerate(lines, 1)]


@route("DELETE", "/nodes/{node}/tasks/{upid}")
def task_stop(req: Request):
    find_task(req)


def find_task(req: Request) -> dict:
    task = req.cluster.tasks.get(req.vars["upid"])
    if task is None:
        bad_param({"upid": "no such task"})
    if task["user"] != req.user:
        req.check(f"/nodes/{req.node}", "Sys.Audit")
    return task


# ---------------------------------------------------------------------------------------------------------------------
# 9 Storage
# ---------------------------------------------------------------------------------------------------------------------

EXTENSIONS = {
    "iso": r"[^/]+\.(iso|img)",
    "vztmpl": r"[^/]+\.tar(\.(gz|xz|zst|bz2))?",
    "import": r"[a-zA-Z0-9\-.+=_]+\.(ova|qcow2|raw|vmdk)",
}


@route("GET", "/storage")
def storage_index(req: Request):
    allowed = ("Datastore.Audit", "Datastore.AllocateSpace")
    return [s.config() for s in req.cluster.storages.values() if any(req.may(f"/storage/{s.name}", p) for p in allowed)]


@route("GET", "/storage/{storage}", "/storage/{storage}: Datastore.Allocate")
def storage_read(req: Request):
    return req.cluster.storage(req.vars["storage"]).config()


def storage_summary(storage: Storage) -> dict:
    total = 1000 * GIB
    return {
        "storage": storage.name, "type": storage.kind, "content": ",".join(storage.content), "active": 1, "enabled": 1,
        "shared": int(storage.shared), "total": total, "used": 10 * GIB, "avail": total - 10 * GIB, "used_fraction": 0.01,
    }  # fmt: skip


@route("GET", "/nodes/{node}/storage")
def node_storages(req: Request):
    wanted, allowed = set(split_list(req.get("content"))), ("Datastore.Audit", "Datastore.AllocateSpace")
    return [
        storage_summary(s)
        for s in req.cluster.storages.values()
        if (not wanted or wanted & set(s.content))
        and req.get("storage", s.name) == s.name
        and any(req.may(f"/storage/{s.name}", p) for p in allowed)
    ]


@route("GET", "/nodes/{node}/storage/{storage}/status", "/storage/{storage}: Datastore.Audit|Datastore.AllocateSpace")
def node_storage_status(req: Request):
    return storage_summary(req.cluster.storage(req.vars["storage"]))


CONTENT_PRIVILEGES = "/storage/{storage}: Datastore.Audit|Datastore.AllocateSpace"


@route("GET", "/nodes/{node}/storage/{storage}/content", CONTENT_PRIVILEGES)
def storage_content(req: Request):
    volumes = req.cluster.storage(req.vars["storage"]).volumes(req.node).values()
    wanted = req.get("content")
    shown = [v for v in sorted(volumes, key=lambda v: v["volid"]) if wanted in ("", v["content"])]
    return [{key: value for key, value in v.items() if key != "on_disk"} for v in shown]


@route("GET", "/nodes/{node}/storage/{storage}/content/{volume...}", CONTENT_PRIVILEGES)
def storage_volume(req: Request):
    volid, volume, storage = find_content(req)
    path = f"{storage.path}/{volid.partition(':')[2]}" if storage.has_path else f"/dev/pve/{volid.partition(':')[2]}"
    return {"path": path, "size": volume["size"], "used": volume["size"], "format": volume["format"]}


@route("DELETE", "/nodes/{node}/storage/{storage}/content/{volume...}")
def storage_delete(req: Request):
    req.check(f"/storage/{req.vars['storage']}", "Datastore.Allocate")
    volid, _, storage = find_content(req, must_exist=False)

    def work(log):  # removing what is not there is no error
        req.cluster.free(volid, req.node)
        log.append(f"Removed volume '{volid}'")

    return req.cluster.run_task(req, req.node, "imgdel", storage.name, work)


def find_content(req: Request, must_exist: bool = True):
    storage = req.cluster.storage(req.vars["storage"])
    volid = req.vars["volume"]
    if not volid.startswith(f"{storage.name}:"):
        volid = f"{storage.name}:{volid}"
    volume = storage.volumes(req.node).get(volid)
    if volume is None and must_exist:
        die(f"volume_size_info on '{volid}' failed - no such volume")
    return volid, volume, storage


def url_metadata(cluster: Cluster, url: str) -> dict:
    known = cluster.urls.get(url, {})
    if known.get("status", 200) != 200:
        die(f"invalid server response: '{known['status']} {http.client.responses.get(known['status'], 'Error')}'")
    name = url.split("?")[0].rsplit("/", 1)[-1]
    return {"filename": name, "size": known.get("size") or url_size(url), "mimetype": "application/octet-stream"}


def check_network_access(req: Request):
    if not req.may("/", "Sys.Audit", "Sys.Modify") and not req.may(f"/nodes/{req.node}", "Sys.AccessNetwork"):
        deny()


@route("GET", "/nodes/{node}/query-url-metadata")
def query_url_metadata(req: Request):
    check_network_access(req)
    if not re.match(r"https?://.", req.get("url")):
        bad_param({"url": "value does not match the regex pattern"})
    return url_metadata(req.cluster, req.get("url"))


def check_upload(req: Request, content: str, filename: str) -> tuple[Storage, str]:
    """What downloads and uploads have in common; gives the storage and the new volume id."""
    storage = req.cluster.storage(req.vars["storage"])
    if not storage.has_path:
        die(f"can't upload to storage type '{storage.kind}', not a file based storage!")
    if content not in EXTENSIONS:
        bad_param({"content": f"value '{content}' does not have a value in the enumeration 'iso, vztmpl, import'"})
    if content not in storage.content:
        die(f"storage '{storage.name}' is not configured for content-type '{content}'")
    if not re.fullmatch(EXTENSIONS[content], filename):
        bad_param({"filename": "invalid filename or wrong extension" if content == "import" else "wrong file extension"})
    return storage, f"{storage.name}:{content}/{filename}"


@route("POST", "/nodes/{node}/storage/{storage}/download-url", "/storage/{storage}: Datastore.AllocateTemplate")
def storage_download(req: Request):
    check_network_access(req)
    url, content = req.get("url"), req.get("content")
    if bool(req.get("checksum")) != bool(req.get("checksum-algorithm")):
        present, other = ("checksum", "checksum-algorithm") if req.get("checksum") else ("checksum-algorithm", "checksum")
        bad_param({other: f"missing property - '{present}' requires this property"})
    storage, volid = check_upload(req, content, req.get("filename"))

    def work(log):
        if req.get("compression") and content != "iso":
            die(f"decompression not supported for {content}")
        if volid in storage.volumes(req.node):
            die(f"refusing to override existing file '{storage.path}/{content}/{req.get('filename')}'")
        metadata = url_metadata(req.cluster, url)
        log.append(f"downloading {url} to {storage.path}/{content}/{req.get('filename')}")
        if req.get("checksum") and req.cluster.urls.get(url, {}).get("checksum", req.get("checksum")) != req.get("checksum"):
            got = req.cluster.urls[url]["checksum"]
            die(f"checksum mismatch: got '{got}' != expect '{req.get('checksum')}'")
        req.cluster.add_file(req.node, volid, metadata["size"])

    return req.cluster.run_task(req, req.node, "download", req.get("filename"), work)


@route("POST", "/nodes/{node}/storage/{storage}/upload", "/storage/{storage}: Datastore.AllocateTemplate")
def storage_upload(req: Request):
    filename, size = req.params.get("_upload", ("", 0))
    storage, volid = check_upload(req, req.get("content"), filename)

    def work(log):
        req.cluster.add_file(req.node, volid, size)
        log.append("finished file import successfully")

    return req.cluster.run_task(req, req.node, "imgcopy", storage.name, work)


def check_volume_access(req: Request, vmid: int, volid: str, node: str, wanted: str = ""):
    """Whether the caller may use a volume (or, for root only, a bare path) in a guest."""
    name, sep, rest = volid.partition(":")
    if not sep:
        if not req.is_root:
            die("Only root can pass arbitrary filesystem paths.")
        return
    req.cluster.storage(name)
    content = volume_content(rest)
    if wanted and content != wanted and not (wanted == "rootdir" and content == "images"):
        die(f"unable to use volume {volid} - content type needs to be '{wanted}'")
    if req.is_root or req.may(f"/storage/{name}", "Datastore.Allocate"):
        return
    volume = req.cluster.find_volume(volid, node) or {}
    if content in ("iso", "vztmpl", "import"):
        req.check_any(f"/storage/{name}", "Datastore.AllocateSpace", "Datastore.Audit")
    elif volume.get("vmid") == vmid:
        return
    elif "vmid" in volume:
        req.check(f"/storage/{name}", "Datastore.Audit")
        req.check(f"/vms/{volume['vmid']}", "VM.Config.Disk")
    else:
        die(f"missing privileges to access {volid}")


def volume_content(rest: str) -> str:
    first = rest.split("/")[0]
    return first if first in ("iso", "vztmpl", "import", "snippets", "backup") else "images"


# ---------------------------------------------------------------------------------------------------------------------
# 10a Guests: what containers and VMs share
# ---------------------------------------------------------------------------------------------------------------------

NEW_DISK_RE = re.compile(r"([^/:\s]+):(\d+(?:\.\d+)?)")


def unique_tags(text: str) -> str:
    """Proxmox stores tags in lower case, sorted and without repeats."""
    return ";".join(sorted({tag.lower() for tag in split_list(text)}))


def check_protection(guest: Guest, what: str):
    if truthy(guest.config.get("protection")):
        die(f"{what} - protection mode enabled")


@route("GET", "/nodes/{node}/{kind=qemu|lxc}")
def guest_index(req: Request):
    guests = [g for _, g in sorted(req.cluster.guests.items()) if g.kind == req.vars["kind"] and g.node == req.node]
    return [guest_summary(req, g) for g in guests if req.may(f"/vms/{g.vmid}", "VM.Audit")]


@route("GET", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/config", "/vms/{vmid}: VM.Audit")
def guest_config(req: Request):
    return req.guest().view()


@route("GET", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/pending", "/vms/{vmid}: VM.Audit")
def guest_pending(req: Request):
    return [{"key": key, "value": value} for key, value in req.guest().view().items()]


@route("GET", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/status/current", "/vms/{vmid}: VM.Audit")
def guest_status(req: Request):
    guest = req.guest()
    out = guest_summary(req, guest)
    out["cpus"] = out.pop("maxcpu")
    out["ha"] = {"managed": int(guest.sid in req.cluster.ha_resources)}
    if guest.kind == "qemu":
        out |= {"qmpstatus": out["status"], "agent": int(agent_enabled(guest))}
        if guest.running:
            out["pid"] = 10000 + guest.vmid
    else:
        out["maxswap"] = int(guest.config.get("swap", "512")) << 20
    for key in ("id", "pool", "hastate"):
        out.pop(key, None)
    if not out["template"]:
        del out["template"]
    return out


START_STOP = "/vms/{vmid}: VM.PowerMgmt"
TASK_NAMES = {"qemu": "qm", "lxc": "vz"}


@route("POST", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/status/{action=start|stop|shutdown|reboot}", START_STOP)
def guest_power(req: Request):
    guest, action, cluster = req.guest(), req.vars["action"], req.cluster
    if guest.kind == "lxc" and action == "start" and guest.running:
        die(f"{guest.label} already running")
    if not guest.running and (action == "reboot" or (guest.kind == "lxc" and action != "start")):
        die(f"{guest.label} not running")

    def work(log):
        if action != "start":
            stop_guest(guest)
        if action in ("start", "reboot"):
            start_guest(cluster, guest, log)

    managed = cluster.ha_resources.get(guest.sid)
    if managed is not None and managed.get("state") != "ignored" and action != "reboot":
        # the HA stack does it, and remembers it as the state that was asked for
        managed["state"] = "started" if action == "start" else "stopped"
        return cluster.run_task(req, req.node, "hastart" if action == "start" else "hastop", guest.vmid, work)
    return cluster.run_task(req, req.node, TASK_NAMES[guest.kind] + action, guest.vmid, work)


def stop_guest(guest: Guest):
    guest.running, guest.pci_in_use = False, []


def start_guest(cluster: Cluster, guest: Guest, log: TaskLog):
    if guest.is_template:
        die("you can't start a vm if it's a template" if guest.kind == "qemu" else "you can't start a CT if it's a template")
    if guest.running:
        die(f"{guest.label} already running")
    for nic in guest.nics():
        if nic.get("bridge") and nic["bridge"] not in cluster.bridges:
            die(f"bridge '{nic['bridge']}' does not exist")
    for drive in guest.drives().values():
        volid = drive.get("file") or drive.get("volume", "")
        if ":" in volid and not cluster.find_volume(volid, guest.node):
            die(f"volume '{volid}' does not exist")
    if guest.kind == "qemu":
        start_vm(cluster, guest, log)
    else:
        for key, value in guest.config.items():
            if re.fullmatch(r"dev\d+", key):
                check_device(cluster, parse_props(value, "path").get("path", ""))
        warn_nesting(guest, log)
    guest.running, guest.started_at = True, time.time()


def warn_nesting(guest: Guest, log: TaskLog):
    if not truthy(parse_props(guest.config.get("features", "")).get("nesting")):
        log.warn("Systemd 255 detected. You may need to enable nesting.")


def check_device(cluster: Cluster, path: str):
    if path not in cluster.devices:
        die(f"Device {path} does not exist")


@route("DELETE", "/nodes/{node}/{kind=qemu|lxc}/{vmid}", "/vms/{vmid}: VM.Allocate")
def guest_destroy(req: Request):
    guest, cluster = req.guest(), req.cluster
    check_protection(guest, f"can't remove {guest.label}")
    if guest.sid in cluster.ha_resources and not req.flag("purge"):
        die(f"unable to remove {guest.label} - used in HA resources and purge parameter not set.")
    if guest.running and not (guest.kind == "lxc" and req.flag("force")):
        die(
            f"VM {guest.vmid} is running - destroy failed"
            if guest.kind == "qemu"
            else f"unable to destroy CT {guest.vmid} - container is running"
        )
    return cluster.run_task(req, req.node, TASK_NAMES[guest.kind] + "destroy", guest.vmid, lambda log: cluster.destroy(guest))


@route("POST", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/template", "/vms/{vmid}: VM.Allocate")
def guest_template(req: Request):
    guest = req.guest()
    if guest.running:
        die(f"you can't convert a {'VM' if guest.kind == 'qemu' else 'CT'} to template if it is running")

    def work(_log):
        guest.config["template"] = "1"

    return req.cluster.run_task(req, req.node, TASK_NAMES[guest.kind] + "template", guest.vmid, work)


@route("PUT", "/nodes/{node}/{kind=qemu|lxc}/{vmid}/resize", "/vms/{vmid}: VM.Config.Disk")
def guest_resize(req: Request):
    guest, disk, size = req.guest(), req.get("disk"), req.get("size")
    if disk not in guest.config:
        die(f"disk '{disk}' does not exist")
    key = "file" if guest.kind == "qemu" else "volume"
    drive = parse_props(guest.config[disk], key)
    req.check(f"/storage/{drive[key].partition(':')[0]}", "Datastore.AllocateSpace")
    if guest.kind == "lxc":
        check_protection(guest, f"can't resize {guest.label} rootfs" if disk == "rootfs" else f"can't resize {guest.label}")

    def work(_log):
        volume = req.cluster.find_volume(drive[key], guest.node)
        if volume is None:
            die(f"Could not determine current size of volume '{drive[key]}'")
        new = parse_size(size.lstrip("+")) + (volume["size"] if size.startswith("+") else 0)
        if new < volume["size"]:
            die("shrinking disks is not supported" if guest.kind == "qemu" else "unable to shrink disk size")
        volume["size"] = new
        drive["size"] = print_size(new)
        guest.config[disk] = print_props(drive, key)

    return req.cluster.run_task(req, req.node, "resize", guest.vmid, work)


# ---------------------------------------------------------------------------------------------------------------------
# 10b Containers
# ---------------------------------------------------------------------------------------------------------------------


def check_ct_permissions(req: Request, vmid: int, pool: str, new: dict, old: dict | None, unprivileged: bool, removed=()):
    """Who may set what in a container.  Root with a ticket may set everything."""
    if req.is_root:
        return
    old_config = old or {}
    for name in [*new, *removed]:
        deleting = name not in new
        if name in ("cores", "cpulimit", "cpuunits"):
            req.check_vm(vmid, pool, "VM.Config.CPU")
        elif name == "rootfs" or re.fullmatch(r"mp\d+", name):
            req.check_vm(vmid, pool, "VM.Config.Disk")
            if deleting:
                continue
            volume = parse_props(new[name], "volume").get("volume", "")
            if volume.startswith("/"):
                deny(f"mount point type {'device' if volume.startswith('/dev/') else 'bind'} is only allowed for root@pam")
            if match := NEW_DISK_RE.fullmatch(volume):
                req.check(f"/storage/{match[1]}", "Datastore.AllocateSpace")
            else:
                check_volume_access(req, vmid, volume, req.node, "rootdir")
        elif name in ("memory", "swap"):
            req.check_vm(vmid, pool, "VM.Config.Memory")
        elif re.fullmatch(r"net\d+", name):
            req.check_vm(vmid, pool, "VM.Config.Network")
            for text in (old_config.get(name), new.get(name)):
                req.check_bridge(parse_props(text or ""))
        elif re.fullmatch(r"dev\d+", name):
            deny("configuring device passthrough is only allowed for root@pam")
        elif name in ("nameserver", "searchdomain", "hostname"):
            req.check_vm(vmid, pool, "VM.Config.Network")
        elif name == "features":
            check_ct_features(req, vmid, pool, new.get(name), old_config.get(name), unprivileged)
        elif name == "hookscript":
            deny("changing the hookscript is only allowed for root@pam")
        else:
            req.check_vm(vmid, pool, "VM.Config.Options")


def check_ct_features(req: Request, vmid: int, pool: str, new: str | None, old: str | None, unprivileged: bool):
    """Nesting is the only feature flag that others than root may touch.

    On a container that has features already, a key that was absent and is now 0 counts as a change.
    """
    if not unprivileged:
        deny("changing feature flags for privileged container is only allowed for root@pam")
    before, after = parse_props(old or ""), parse_props(new or "")
    if new is not None and old:
        changed = {key for key in before | after if before.get(key, "") != after.get(key, "")}
    else:
        changed = set(after if new is not None else before)
    if changed - {"nesting"}:
        deny("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        req.check_vm(vmid, pool, "VM.Allocate")


def prepare_ct_config(cluster: Cluster, params: dict) -> dict:
    """Parameters as they end up in the configuration file."""
    out = {}
    for name, value in params.items():
        if re.fullmatch(r"net\d+", name):
            nic = parse_props(value)
            nic.setdefault("hwaddr", new_mac())
            nic.setdefault("type", "veth")
            value = print_props(nic)
        elif re.fullmatch(r"dev\d+", name):
            check_device(cluster, parse_props(value, "path").get("path", ""))
        elif name == "tags":
            value = unique_tags(value)
        out[name] = value
    return out


def create_ct_volume(cluster: Cluster, node: str, vmid: int, value: str) -> str:
    """'local-lvm:50' becomes a volume of 50 GiB; an existing volume or a bind mount stays as it is."""
    props = parse_props(value, "volume")
    if match := NEW_DISK_RE.fullmatch(props["volume"]):
        size = int(float(match[2]) * GIB)
        props["volume"] = cluster.allocate(cluster.storage(match[1]), node, vmid, size, "rootdir")
        props["size"] = print_size(size)
    return print_props(props, "volume")


@route("POST", "/nodes/{node}/lxc")
def ct_create(req: Request):
    params = req.flat()
    verify(CT_CONFIG | CT_CREATE_ONLY, params, ("vmid", "ostemplate"))
    vmid, pool = int(params.pop("vmid")), params.pop("pool", "")
    template, storage_name = params.pop("ostemplate"), params.pop("storage", "local")
    ssh_keys, start = params.pop("ssh-public-keys", ""), truthy(params.pop("start", ""))
    unprivileged = truthy(params.pop("unprivileged", "1"))
    for name in CT_CREATE_ONLY:
        params.pop(name, None)

    cluster = req.cluster
    if not unprivileged:
        req.check("/", "Sys.Modify")
    cluster.check_vmid_unused(vmid)
    check_ssh_keys(ssh_keys)
    if pool and pool not in cluster.pools:
        deny(f"pool '{pool}' does not exist")
    if not req.may(f"/vms/{vmid}", "VM.Allocate") and not (pool and req.may(f"/pool/{pool}", "VM.Allocate")):
        deny()
    check_ct_permissions(req, vmid, pool, params, None, unprivileged)
    check_volume_access(req, vmid, template, req.node, "vztmpl")

    volumes = {k: params.pop(k) for k in list(params) if k == "rootfs" or re.fullmatch(r"mp\d+", k)}
    if volumes and "rootfs" not in volumes:
        die("mount points configured, but 'rootfs' not set - aborting")
    volumes = volumes or {"rootfs": f"{storage_name}:4"}
    for value in volumes.values():
        volid = parse_props(value, "volume")["volume"]
        if volid.startswith("/"):
            if not req.is_root:
                die("Only root can pass arbitrary filesystem paths.")
            continue
        name = volid.partition(":")[0]
        if "rootdir" not in cluster.storage(name).content:
            bad_param({"storage": f"storage '{name}' does not support container directories"})
        req.check(f"/storage/{name}", "Datastore.AllocateSpace")

    config = prepare_ct_config(cluster, params)

    def work(log):
        failed = f"unable to create CT {vmid} - "
        if not cluster.find_volume(template, req.node):
            die(f"{failed}volume '{template}' does not exist")
        for key, value in volumes.items():
            config[key] = create_ct_volume(cluster, req.node, vmid, value)
        config.setdefault("hostname", f"CT{vmid}")
        config.setdefault("memory", "512")
        config.setdefault("swap", "512")
        config.setdefault("arch", "amd64")
        config.setdefault("ostype", "ubuntu")
        if unprivileged:
            config["unprivileged"] = "1"
        guest = cluster.guests[vmid] = Guest(vmid, "lxc", req.node, config)
        if pool:
            cluster.pools[pool]["vms"].add(vmid)
        log.append(f"extracting archive '{template}'")
        warn_nesting(guest, log)
        if start:  # a task of its own: that it fails does not fail the creation
            cluster.run_task(req, req.node, "vzstart", vmid, lambda log: start_guest(cluster, guest, log))

    return cluster.run_task(req, req.node, "vzcreate", vmid, work)


CT_ANY_CONFIG = "/vms/{vmid}: VM.Config.Disk|VM.Config.CPU|VM.Config.Memory|VM.Config.Network|VM.Config.Options"


@route("PUT", "/nodes/{node}/{kind=lxc}/{vmid}/config", CT_ANY_CONFIG)
def ct_update(req: Request):
    params, guest = req.flat(), req.guest()
    verify(CT_CONFIG | CT_UPDATE_ONLY, params)
    params.pop("digest", None)
    if not params:
        die("no options specified")
    removed = split_list(params.pop("delete", ""))
    unknown = [name for name in removed if find_check(CT_CONFIG, name) is None]
    if unknown:
        bad_param({"delete": f"unknown option '{unknown[0]}'"})
    check_ct_permissions(req, guest.vmid, "", params, guest.config, truthy(guest.config.get("unprivileged")), removed)
    if "unprivileged" in params:
        die("unable to modify read-only option: 'unprivileged'")
    for name in [*params, *removed]:
        if name == "rootfs" or re.fullmatch(r"mp\d+", name):
            verb = "update" if name in params else "remove"
            check_protection(guest, f"can't {verb} {guest.label} drive '{name}'")
    for name in removed:
        if name in ("memory", "rootfs", "ostype"):
            die(f"unable to delete required option '{name}'")
    config = prepare_ct_config(req.cluster, params)
    for name in removed:
        guest.config.pop(name, None)
    for name, value in config.items():
        if name == "rootfs" or re.fullmatch(r"mp\d+", name):
            props = parse_props(create_ct_volume(req.cluster, guest.node, guest.vmid, value), "volume")
            volume = req.cluster.find_volume(props["volume"], guest.node)
            if volume:  # the size of a managed volume is a fact, not a setting
                props["size"] = print_size(volume["size"])
            value = print_props(props, "volume")
        elif re.fullmatch(r"net\d+", name) and name in guest.config and "hwaddr" not in parse_props(params[name]):
            value = print_props(parse_props(value) | {"hwaddr": parse_props(guest.config[name])["hwaddr"]})
        guest.config[name] = value


@route("GET", "/nodes/{node}/{kind=lxc}/{vmid}/interfaces", "/vms/{vmid}: VM.Audit")
def ct_interfaces(req: Request):
    guest = req.guest()
    if not guest.running:
        die(f"CT {guest.vmid} not running")
    out = [{"name": "lo", "hwaddr": "00:00:00:00:00:00", "hardware-address": "00:00:00:00:00:00", "inet": "127.0.0.1/8"}]
    out[0]["ip-addresses"] = [{"ip-address": "127.0.0.1", "prefix": "8", "ip-address-type": "inet"}]
    for nic in guest.nics():
        addresses = guest.addresses(nic)
        entry = {"name": nic["name"], "hwaddr": nic["hwaddr"].lower(), "hardware-address": nic["hwaddr"].lower()}
        entry["ip-addresses"] = [
            {"ip-address": a["ip-address"], "prefix": str(a["prefix"]), "ip-address-type": a["family"]} for a in addresses
        ]
        for a in addresses:
            entry.setdefault(a["family"], f"{a['ip-address']}/{a['prefix']}")
        out.append(entry)
    return out


# ---------------------------------------------------------------------------------------------------------------------
# 10c Virtual machines
# ---------------------------------------------------------------------------------------------------------------------

VM_PRIVILEGE = {
    "VM.Config.CPU": "cores cpu cpulimit cpuunits numa sockets vcpus smp",
    "VM.Config.Memory": "memory balloon shares allow-ksm",
    "VM.Config.HWType": "acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0 rng0",
    "VM.Config.Options": "agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot "
    "ostype protection reboot startdate startup tdf template",
    "VM.PowerMgmt": "freeze",
    "VM.Config.Disk": "boot bootdisk vmstatestorage",
    "cloudinit": "cicustom cipassword citype ciuser ciupgrade nameserver searchdomain sshkeys",
}
VM_PRIVILEGE_OF = {name: privilege for privilege, names in VM_PRIVILEGE.items() for name in names.split()}


def check_vm_permissions(req: Request, vmid: int, pool: str, names):
    """Who may set which option.  What is in no list (args, hookscript, affinity, hugepages, ...) is root's alone."""
    if req.is_root:
        return
    for name in names:
        if DRIVE_RE.fullmatch(name) or name in ("cdrom", "tags"):
            continue
        if re.fullmatch(r"(unused|serial|usb|hostpci|virtiofs)\d+", name):
            continue
        privilege = VM_PRIVILEGE_OF.get(name, "")
        if re.fullmatch(r"numa\d+", name):
            privilege = "VM.Config.CPU"
        elif re.fullmatch(r"net\d+", name):
            privilege = "VM.Config.Network"
        elif re.fullmatch(r"ipconfig\d+", name):
            privilege = "cloudinit"
        if privilege == "cloudinit":
            if not any(req.may(f"/vms/{vmid}", p) for p in ("VM.Config.Cloudinit", "VM.Config.Network")):
                req.check_vm(vmid, pool, "VM.Config.Cloudinit")
        elif privilege:
            req.check_vm(vmid, pool, privilege)
            if name == "startup":
                req.check("/", "Sys.Modify")
        else:
            die(f"only root can set '{name}' config")


def check_vm_devices(req: Request, vmid: int, pool: str, params: dict):
    """Options whose permission depends on their value."""
    if req.is_root:
        return
    for name, value in params.items():
        if re.fullmatch(r"serial\d+", name):
            if value != "socket":
                die(f"only root can set '{name}' config for real devices")
            req.check_vm(vmid, pool, "VM.Config.HWType")
        elif re.fullmatch(r"usb\d+", name):
            req.check_vm(vmid, pool, "VM.Config.HWType")
            props = parse_props(value, "host")
            if props.get("host", "spice").lower() != "spice":
                die(f"only root can set '{name}' config for real devices")
            if "mapping" in props:
                req.check(f"/mapping/usb/{props['mapping']}", "Mapping.Use")
            elif "host" not in props:
                die("either 'host' or 'mapping' must be set.")
        elif re.fullmatch(r"hostpci\d+", name):
            props = parse_props(value, "host")
            if props.get("host"):
                die(f"only root can set '{name}' config for non-mapped devices")
            if not props.get("mapping"):
                die("either 'host' or 'mapping' must be set.")
            req.check(f"/mapping/pci/{props['mapping']}", "Mapping.Use")
            req.check_vm(vmid, pool, "VM.Config.HWType")
            if "romfile" in props:
                bad_param({name: "only root@pam can set 'romfile' option"})
        elif re.fullmatch(r"virtiofs\d+", name):
            req.check_vm(vmid, pool, "VM.Config.Disk")
            req.check(f"/mapping/dir/{parse_props(value, 'dirid').get('dirid', '')}", "Mapping.Use")


def check_vm_storage(req: Request, vmid: int, params: dict):
    """Whether the drives' storages exist, hold images, and may be used."""
    for name, value in params.items():
        if not DRIVE_RE.fullmatch(name):
            continue
        drive = parse_props(value, "file")
        volid = drive.get("file", "")
        is_cdrom = drive.get("media") == "cdrom"
        if not volid:
            bad_param({name: "unable to parse drive options"})
        if volid == "none" or volid.endswith(":cloudinit") or volid == "cloudinit":
            pass
        elif is_cdrom and volid == "cdrom":
            req.check("/", "Sys.Console")
        elif match := NEW_DISK_RE.fullmatch(volid):
            req.check(f"/storage/{match[1]}", "Datastore.AllocateSpace")
            if "images" not in req.cluster.storage(match[1]).content:
                bad_param({"storage": f"storage '{match[1]}' does not support vm images"})
        else:
            check_volume_access(req, vmid, volid, req.node)
            content = volume_content(volid.partition(":")[2])
            if content not in ("images", "iso"):
                bad_param({name: "content type needs to be 'images' or 'iso'"})
            if content == "iso" and not is_cdrom:
                bad_param({name: "explicit 'media=cdrom' is required for iso images"})
        if source := drive.get("import-from"):
            match = NEW_DISK_RE.fullmatch(volid)
            if not match or float(match[2]) != 0:
                bad_param(
                    {name: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"}
                )
            if ":" in source:
                content = volume_content(source.partition(":")[2])
                if content not in ("images", "import"):
                    bad_param({name: f"{source} has wrong type '{content}' - needs to be 'images' or 'import'"})
                if ".ova/" in source:
                    die("importing from an .ova is not modelled by fake_pve")
            owner = (req.cluster.find_volume(source, req.node) or {}).get("vmid")
            if owner:
                req.check(f"/vms/{owner}", "VM.Clone")
            else:
                check_volume_access(req, vmid, source, req.node)


def prepare_vm_config(params: dict, old: dict | None = None) -> dict:
    """Parameters as they end up in the configuration file (drives are created later)."""
    out = {}
    for name, value in params.items():
        if re.fullmatch(r"net\d+", name):
            nic = parse_props(value)
            model = nic.pop("model", "") or next((m for m in NIC_MODELS if m in nic), "virtio")
            mac = nic.pop(model, "") or nic.pop("macaddr", "") or new_mac()
            value = ",".join([f"{model}={mac}", print_props(nic)]).rstrip(",")
        elif name == "tags":
            value = unique_tags(value)
        elif name == "vmgenid" and value == "1":
            value = str(uuid.uuid4())
        out[name] = value
    return out


def create_drive(cluster: Cluster, guest_config: dict, node: str, vmid: int, name: str, value: str, log: TaskLog) -> str:
    """Allocates, imports or adopts what a drive option asks for; gives the option as it is stored."""
    drive = parse_props(value, "file")
    volid = drive["file"]
    storage_name, _, rest = volid.partition(":")
    if volid in ("none", "cdrom"):
        drive.pop("size", None)
    elif rest == "cloudinit":
        for other, text in guest_config.items():
            if other != name and DRIVE_RE.fullmatch(other) and "cloudinit" in text:
                die(f"{name} - cloud-init drive is already attached at '{other}'")
        storage = cluster.storage(storage_name)
        drive.pop("format", None)
        drive["file"] = cluster.allocate(storage, node, vmid, 4 << 20, "images", f"vm-{vmid}-cloudinit")
        drive |= {"media": "cdrom", "size": "4M"}
    elif match := NEW_DISK_RE.fullmatch(volid):
        storage, fmt = cluster.storage(match[1]), drive.pop("format", "")
        size = int(float(match[2]) * GIB)
        source = drive.pop("import-from", "")
        if source:
            volume = cluster.find_volume(source, node)
            if volume is None:
                die(f"cannot import from '{source}' - volume '{source}' does not exist")
            size = volume["size"] if volume["content"] != "import" else CLOUD_IMAGE_SIZE
            log.append(f"{name}: importing from '{source}'")
        elif name == "efidisk0":
            size = (528 << 10) if storage.has_path else (4 << 20)
        elif name == "tpmstate0":
            size = 4 << 20
        drive["file"] = cluster.allocate(storage, node, vmid, size, "images", fmt=fmt if storage.has_path else "raw")
        drive["size"] = print_size(size)
    elif ":" in volid:
        volume = cluster.find_volume(volid, node)
        if volume is None:
            die(f"volume '{volid}' does not exist")
        drive.pop("format", None)
        drive["size"] = print_size(volume["size"])
    result = print_props(drive, "file")
    log.append(f"{name}: successfully created disk '{result}'")
    return result


@route("POST", "/nodes/{node}/qemu")
def vm_create(req: Request):
    params = req.flat()
    verify(VM_CONFIG | VM_CREATE_ONLY, params, ("vmid",))
    vmid, pool, start = int(params.pop("vmid")), params.pop("pool", ""), truthy(params.pop("start", ""))
    check_ssh_keys(unquote(params.get("sshkeys", "")))
    if "archive" in params:
        raise ApiError(501, "Method 'POST /nodes/{node}/qemu' with 'archive' not implemented")
    for name in VM_CREATE_ONLY:
        params.pop(name, None)
    cluster = req.cluster
    if pool and pool not in cluster.pools:
        deny(f"pool '{pool}' does not exist")
    if start:
        req.check_vm(vmid, pool, "VM.PowerMgmt")
    if not req.may(f"/vms/{vmid}", "VM.Allocate") and not (pool and req.may(f"/pool/{pool}", "VM.Allocate")):
        deny()
    if "cdrom" in params:
        params["ide2"] = params.pop("cdrom")
    check_vm_storage(req, vmid, params)
    check_vm_permissions(req, vmid, pool, params)
    check_vm_devices(req, vmid, pool, params)
    for name, value in params.items():
        if re.fullmatch(r"net\d+", name):
            req.check_bridge(parse_props(value))
    config = prepare_vm_config(params)
    failed = f"unable to create VM {vmid} - "
    try:
        cluster.check_vmid_unused(vmid)
    except ApiError as error:
        die(failed + error.message)

    def work(log):
        try:
            for name in sorted(config):
                if DRIVE_RE.fullmatch(name):
                    config[name] = create_drive(cluster, config, req.node, vmid, name, config[name], log)
        except ApiError as error:
            for storage in cluster.storages.values():
                volumes = storage.volumes(req.node)
                for volid in [v for v, volume in volumes.items() if volume.get("vmid") == vmid]:
                    del volumes[volid]
            die(failed + error.message)
        config.setdefault("smbios1", f"uuid={uuid.uuid4()}")
        config.setdefault("vmgenid", str(uuid.uuid4()))
        bootable = sorted(k for k in config if re.fullmatch(r"(scsi|virtio|sata|net)\d", k))
        config.setdefault("boot", "order=" + ";".join(bootable))
        config["meta"] = f"creation-qemu=10.0.2,ctime={int(time.time())}"
        guest = cluster.guests[vmid] = Guest(vmid, "qemu", req.node, config)
        if pool:
            cluster.pools[pool]["vms"].add(vmid)
        if start:  # a task of its own: that it fails does not fail the creation
            cluster.run_task(req, req.node, "qmstart", vmid, lambda log: start_guest(cluster, guest, log))

    return cluster.run_task(req, req.node, "qmcreate", vmid, work)


def apply_vm_update(req: Request, log: TaskLog):
    params, guest = req.flat(), req.guest()
    verify(VM_CONFIG | VM_UPDATE_ONLY, params)
    if params.pop("skiplock", "") and not req.is_root:
        bad_param({"skiplock": "Only root may use this option."})
    removed = ["ide2" if name == "cdrom" else name for name in split_list(params.pop("delete", ""))]
    for name in VM_UPDATE_ONLY:
        params.pop(name, None)
    check_ssh_keys(unquote(params.get("sshkeys", "")))
    if not params and not removed:
        die("no options specified")
    for name in removed:
        if find_check(VM_CONFIG, name) is None:
            bad_param({"delete": f"unknown option '{name}'"})
        if name in params:
            bad_param({"delete": f"you can't use '-{name}' and -delete {name}' at the same time"})
    if "cdrom" in params:
        params["ide2"] = params.pop("cdrom")
    check_vm_permissions(req, guest.vmid, "", [*params, *removed])
    check_vm_storage(req, guest.vmid, params)
    check_vm_devices(req, guest.vmid, "", {k: v for k, v in guest.config.items() if k in params or k in removed})
    check_vm_devices(req, guest.vmid, "", params)
    for name in [*params, *removed]:
        if re.fullmatch(r"net\d+", name):
            req.check_bridge(parse_props(params.get(name, guest.config.get(name, ""))))
        if DRIVE_RE.fullmatch(name):
            check_drive_permission(req, guest, params.get(name, guest.config.get(name, "")))
        if name == "memory" and int(params.get("balloon", guest.config.get("balloon", "0"))) > int(params["memory"]):
            die("balloon value too large (must be smaller than assigned memory)")
    for name in removed:
        if DRIVE_RE.fullmatch(name):
            check_protection(guest, f"can't remove drive '{name}'")
        remove_vm_option(req.cluster, guest, name)
    for name, value in prepare_vm_config(params).items():
        if DRIVE_RE.fullmatch(name):
            old = parse_props(guest.config.get(name, ""), "file").get("file", "")
            value = create_drive(req.cluster, guest.config, guest.node, guest.vmid, name, value, log)
            if old and old != parse_props(value, "file")["file"]:
                detach_volume(req.cluster, guest, old)
        guest.config[name] = value


def check_drive_permission(req: Request, guest: Guest, value: str):
    drive = parse_props(value, "file")
    if "cloudinit" in drive.get("file", ""):
        req.check(f"/vms/{guest.vmid}", "VM.Config.Cloudinit", "VM.Config.CDROM")
    elif drive.get("media") == "cdrom":
        req.check(f"/vms/{guest.vmid}", "VM.Config.CDROM")
    else:
        req.check(f"/vms/{guest.vmid}", "VM.Config.Disk")


def remove_vm_option(cluster: Cluster, guest: Guest, name: str):
    value = guest.config.pop(name, None)
    if value is None:
        return
    if name.startswith("unused"):
        cluster.free(value, guest.node)
    elif DRIVE_RE.fullmatch(name):
        detach_volume(cluster, guest, parse_props(value, "file").get("file", ""))
        if guest.config.get("boot", "").startswith("order="):
            order = [k for k in guest.config["boot"][6:].split(";") if k != name]
            guest.config["boot"] = "order=" + ";".join(order)


def detach_volume(cluster: Cluster, guest: Guest, volid: str):
    """A cloud-init drive goes at once; a disk stays as unused[n] until it is removed."""
    if "cloudinit" in volid:
        cluster.free(volid, guest.node)
    elif cluster.find_volume(volid, guest.node):
        index = next(n for n in range(256) if f"unused{n}" not in guest.config)
        guest.config[f"unused{index}"] = volid


VM_ANY_CONFIG = (
    "/vms/{vmid}: VM.Config.Disk|VM.Config.CDROM|VM.Config.CPU|VM.Config.Memory|VM.Config.Network|VM.Config.HWType|"
    "VM.Config.Options|VM.Config.Cloudinit"
)


@route("PUT", "/nodes/{node}/{kind=qemu}/{vmid}/config", VM_ANY_CONFIG)
def vm_update(req: Request):
    apply_vm_update(req, TaskLog())


@route("POST", "/nodes/{node}/{kind=qemu}/{vmid}/config", VM_ANY_CONFIG)
def vm_update_async(req: Request):
    """The asynchronous form; parameters are still verified before the task starts."""
    log = TaskLog()
    apply_vm_update(req, log)
    return req.cluster.run_task(req, req.node, "qmconfig", req.vars["vmid"], lambda task_log: task_log.extend(log))


@route("PUT", "/nodes/{node}/{kind=qemu}/{vmid}/cloudinit", "/vms/{vmid}: VM.Config.Cloudinit")
def vm_cloudinit(req: Request):
    req.guest()


@route("PUT", "/nodes/{node}/{kind=qemu}/{vmid}/unlink", "/vms/{vmid}: VM.Config.Disk")
def vm_unlink(req: Request):
    guest = req.guest()
    for name in split_list(req.get("idlist")):
        remove_vm_option(req.cluster, guest, name)


def start_vm(cluster: Cluster, guest: Guest, log: TaskLog):
    """What only starting a VM finds out."""
    config = guest.config
    vcpus = int(config.get("cores", 1)) * int(config.get("sockets", 1))
    if vcpus > cluster.cores:
        die(f"MAX {cluster.cores} vcpus allowed per VM on this node")
    for text in parse_props(config.get("cicustom", "")).values():
        if not cluster.find_volume(text, guest.node):
            storage = cluster.storage(text.partition(":")[0])
            die(f"can't open '{storage.path}/{text.partition(':')[2]}' - No such file or directory")
    if config.get("bios") == "ovmf" and "efidisk0" not in config:
        log.warn("no efidisk configured! Using temporary efivars disk.")
    used: list[str] = []
    claimed = cluster.claimed_pci(but=guest)
    for name in sorted(k for k in config if re.fullmatch(r"hostpci\d+", k)):
        if truthy(parse_props(config[name], "host").get("pcie")) and "q35" not in config.get("machine", ""):
            die("q35 machine model is not enabled")
        alternatives = cluster.resolve_hostpci(guest, config[name])
        free = [ids for ids in alternatives if not set(ids) & (set(used) | set(claimed))]
        if not free:
            first = alternatives[0][0]
            if len(alternatives) > 1:
                die(f"could not find a free device for '{name}'")
            if first in used:
                die(f"device '{first}' assigned more than once")
            die(f"PCI device '{first}' already in use by VMID '{claimed[first]}'")
        used += free[0]
    guest.pci_in_use = used


def agent_enabled(guest: Guest) -> bool:
    return truthy(parse_props(guest.config.get("agent", "0"), "enabled").get("enabled"))


# The last is that of Proxmox VE 8 (qemu-server, PVE/API2/Qemu/Agent.pm).
AGENT_AUDIT = "/vms/{vmid}: VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted|VM.Monitor"


def require_agent(guest: Guest):
    if not agent_enabled(guest):
        die("No QEMU guest agent configured")
    if not guest.running:
        die(f"VM {guest.vmid} is not running")
    if not guest.agent_up:
        die("QEMU guest agent is not running")


@route("GET", "/nodes/{node}/{kind=qemu}/{vmid}/agent/network-get-interfaces", AGENT_AUDIT)
def vm_agent_interfaces(req: Request):
    guest = req.guest()
    require_agent(guest)
    loopback = {"ip-address": "127.0.0.1", "prefix": 8, "ip-address-type": "ipv4"}
    out = [{"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [loopback]}]
    for nic in guest.nics():
        addresses = [
            {
                "ip-address": a["ip-address"],
                "prefix": a["prefix"],
                "ip-address-type": "ipv4" if a["family"] == "inet" else "ipv6",
            }
            for a in guest.addresses(nic)
        ]
        out.append({"name": nic["name"], "hardware-address": nic["hwaddr"].lower(), "ip-addresses": addresses})
    return {"result": out}


@route("POST", "/nodes/{node}/{kind=qemu}/{vmid}/agent/ping", AGENT_AUDIT)
def vm_agent_ping(req: Request):
    require_agent(req.guest())
    return {"result": {}}


@route("POST", "/nodes/{node}/{kind=qemu}/{vmid}/clone", "/vms/{vmid}: VM.Clone")
def vm_clone(req: Request):
    source, cluster = req.guest(), req.cluster
    new_id, pool, target = int(req.get("newid")), req.get("pool"), req.get("target") or req.node
    if not req.may(f"/vms/{new_id}", "VM.Allocate") and not (pool and req.may(f"/pool/{pool}", "VM.Allocate")):
        deny()
    if pool and pool not in cluster.pools:
        deny(f"pool '{pool}' does not exist")
    if target not in cluster.nodes:
        die(f"no such cluster node '{target}'")
    storage_name, full = req.get("storage"), req.flag("full") if req.get("full") else not source.is_template
    disks = {k: d for k, d in source.drives().items() if ":" in d["file"]}
    if storage_name:
        if "images" not in cluster.storage(storage_name).content:
            bad_param({"storage": f"storage '{storage_name}' does not support vm images"})
        if target != req.node and not cluster.storage(storage_name).shared:
            die(f"can't clone to non-shared storage '{storage_name}'")
        if not full:
            die("parameter 'storage' not allowed for linked clones")
    shared = all(cluster.storage(d["file"].partition(":")[0]).shared for d in disks.values())
    for d in disks.values():
        req.check(f"/storage/{storage_name or d['file'].partition(':')[0]}", "Datastore.AllocateSpace")
    for nic in source.nics():
        req.check_bridge(nic)
    if target != req.node and not shared:
        die(f"can't clone VM to node '{target}' (VM uses local storage)")
    if new_id in cluster.guests:
        die(f"unable to create VM {new_id}: config file already exists")

    def work(log):
        log.append(f"creating a clone of VM {source.vmid} with ID {new_id}")
        config = {k: v for k, v in source.config.items() if k != "template" and not k.startswith("unused")}
        for name in list(config):
            if name.startswith("net"):
                nic = parse_props(config[name])
                model = next((m for m in NIC_MODELS if m in nic), "virtio")
                config[name] = print_props(nic | {model: new_mac()})
        for name, drive in disks.items():
            old_storage, volume = drive["file"].partition(":")[0], cluster.find_volume(drive["file"], req.node)
            if drive.get("media") == "cdrom" and "cloudinit" not in drive["file"]:
                continue
            storage = cluster.storage(storage_name or old_storage)
            label = f"vm-{new_id}-cloudinit" if "cloudinit" in drive["file"] else ""
            size = volume["size"] if volume else 4 << 20
            new = cluster.allocate(storage, target, new_id, size, "images", label, req.get("format"))
            config[name] = print_props(drive | {"file": new, "size": print_size(size)}, "file")
        config |= {"smbios1": f"uuid={uuid.uuid4()}", "vmgenid": str(uuid.uuid4())}
        config["name"] = req.get("name") or f"Copy-of-VM-{source.name}"
        if req.get("description"):
            config["description"] = req.get("description")
        cluster.guests[new_id] = Guest(new_id, "qemu", target, config)
        if pool:
            cluster.pools[pool]["vms"].add(new_id)

    return cluster.run_task(req, req.node, "qmclone", source.vmid, work)


@route("POST", "/nodes/{node}/{kind=qemu}/{vmid}/move_disk", "/vms/{vmid}: VM.Config.Disk")
def vm_move_disk(req: Request):
    guest, name, storage = req.guest(), req.get("disk"), req.cluster.storage(req.get("storage"))
    if name not in guest.config:
        die(f"disk '{name}' does not exist")
    req.check(f"/storage/{storage.name}", "Datastore.AllocateSpace")
    drive = parse_props(guest.config[name], "file")
    if drive["file"].partition(":")[0] == storage.name and not req.get("format"):
        die("you can't move to the same storage with same format")

    def work(_log):
        old = drive["file"]
        size = (req.cluster.find_volume(old, guest.node) or {"size": 4 << 20})["size"]
        drive["file"] = req.cluster.allocate(storage, guest.node, guest.vmid, size, "images", fmt=req.get("format"))
        guest.config[name] = print_props(drive, "file")
        if req.flag("delete"):
            req.cluster.free(old, guest.node)
        else:
            detach_volume(req.cluster, guest, old)

    return req.cluster.run_task(req, req.node, "qmmove", guest.vmid, work)


@route("POST", "/nodes/{node}/{kind=qemu}/{vmid}/migrate", "/vms/{vmid}: VM.Migrate")
def vm_migrate(req: Request):
    guest, target = req.guest(), req.get("target")
    if target not in req.cluster.nodes:
        die(f"no such cluster node '{target}'")
    if guest.running and not req.flag("online"):
        die("can't migrate running VM without --online")

    def work(_log):
        raw = [k for k, v in sorted(guest.config.items()) if re.fullmatch(r"hostpci\d+", k) and "mapping=" not in v]
        mapped = [k for k in sorted(guest.config) if re.fullmatch(r"hostpci\d+", k) and k not in raw]
        if raw:
            die(f"can't migrate VM which uses local devices: {', '.join(raw)}")
        missing = [k for k in mapped if not has_mapping(req.cluster, parse_props(guest.config[k])["mapping"], target)]
        if missing:
            die(f"can't migrate to '{target}': missing mapped devices {', '.join(missing)}")
        if mapped and guest.running:
            die(f"can't live migrate running VM which uses following mapped devices: {', '.join(mapped)}")
        move_guest(req.cluster, guest, target)

    return req.cluster.run_task(req, req.node, "qmigrate", guest.vmid, work)


def has_mapping(cluster: Cluster, name: str, node: str) -> bool:
    return any(parse_props(text)["node"] == node for text in cluster.mappings["pci"].get(name, {}).get("map", []))


def move_guest(cluster: Cluster, guest: Guest, target: str):
    for storage in cluster.storages.values():
        here = storage.volumes(guest.node)
        for volid in [v for v, volume in here.items() if volume.get("vmid") == guest.vmid]:
            storage.volumes(target)[volid] = here.pop(volid)
    guest.node = target


# ---------------------------------------------------------------------------------------------------------------------
# 11 Firewall
# ---------------------------------------------------------------------------------------------------------------------

RULE_KEYS = (
    "type", "action", "enable", "comment", "dest", "dport", "iface", "icmp-type", "log", "macro", "proto", "source", "sport",
)  # fmt: skip
OPTION_KEYS = {
    "guest": "dhcp enable ipfilter log_level_in log_level_out macfilter ndp policy_in policy_out radv",
    "cluster": "ebtables enable log_ratelimit policy_forward policy_in policy_out",
    "host": "enable log_level_forward log_level_in log_level_out log_nf_conntrack ndp nf_conntrack_allow_invalid "
    "nf_conntrack_helpers nf_conntrack_max nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_syn_recv nftables "
    "nosmurfs protection_synflood protection_synflood_burst protection_synflood_rate smurf_log_level tcp_flags_log_level "
    "tcpflags",
}
BOOLEAN_OPTIONS = set("dhcp enable ipfilter macfilter ndp radv ebtables nosmurfs tcpflags nftables log_nf_conntrack".split())
MACROS = set("ping ssh http https web dns ntp dhcpfwd dhcpv6 icmp mail nfs rdp smb snmp syslog vnc mdns git".split())
PORT_PROTOCOLS = {"tcp", "udp", "udplite", "sctp", "dccp", "6", "17"}


def scopes(method: str, path: str, kind: str = "read"):
    """Registers one firewall endpoint for guests, nodes and the datacenter, each with its own privileges."""
    guest_privilege = "VM.Audit" if kind == "read" else "VM.Config.Network"
    other_privilege = "Sys.Audit" if kind == "read" else "Sys.Modify"

    def register(function):
        route(method, "/nodes/{node}/{kind=qemu|lxc}/{vmid}/firewall" + path, "/vms/{vmid}: " + guest_privilege)(function)
        route(method, "/nodes/{node}/firewall" + path, "/nodes/{node}: " + other_privilege)(function)
        route(method, "/cluster/firewall" + path, "/: " + other_privilege)(function)
        return function

    return register


def firewall_of(req: Request) -> Firewall:
    if "group" in req.vars:
        if req.vars["group"] not in req.cluster.security_groups:
            die(f"no such security group '{req.vars['group']}'")
        return req.cluster.security_groups[req.vars["group"]]
    if "vmid" in req.vars:
        vmid = int(req.vars["vmid"]) if req.vars["vmid"].isdigit() else 0
        if vmid not in req.cluster.guests:  # its firewall file would just be empty
            return Firewall("vm" if req.vars["kind"] == "qemu" else "ct")
        return req.cluster.guests[vmid].firewall
    return req.cluster.node_firewalls[req.node] if "node" in req.vars else req.cluster.firewall


@scopes("GET", "/options")
def firewall_options(req: Request):
    options = firewall_of(req).options
    return options | {"digest": hashlib.sha1(json.dumps(options, sort_keys=True).encode()).hexdigest()}


@scopes("PUT", "/options", "write")
def firewall_set_options(req: Request):
    firewall, params = firewall_of(req), req.flat()
    known = OPTION_KEYS["guest" if firewall.scope in ("vm", "ct") else firewall.scope].split()
    for name in split_list(params.pop("delete", "")):
        firewall.options.pop(name, None)
    params.pop("digest", None)
    unknown = {name: UNKNOWN_PROPERTY for name in params if name not in known}
    if unknown:
        bad_param(unknown)
    for name, value in params.items():
        if name.startswith("policy_") and value not in ("ACCEPT", "REJECT", "DROP"):
            bad_param({name: f"value '{value}' does not have a value in the enumeration 'ACCEPT, REJECT, DROP'"})
        firewall.options[name] = int(value) if name in BOOLEAN_OPTIONS or value.isdigit() else value


def check_rule(req: Request, firewall: Firewall, rule: dict):
    kind, action, proto = rule.get("type", ""), rule.get("action", ""), rule.get("proto", "")
    if kind not in ("in", "out", "group") and not (kind == "forward" and firewall.scope in ("cluster", "host", "group")):
        bad_param({"type": f"invalid rule type '{kind}' for rule_env '{firewall.scope}'"})
    if kind == "group":
        if firewall.scope == "group":
            bad_param({"type": "security groups not allowed"})
    elif action not in ("ACCEPT", "DROP", "REJECT"):
        bad_param({"action": f"unknown action '{action}'"})
    if rule.get("iface") and firewall.scope in ("vm", "ct") and not re.fullmatch(r"net\d+", rule["iface"]):
        bad_param({"iface": r"value does not match the regex pattern 'net\d+'"})
    if rule.get("macro") and rule["macro"].lower() not in MACROS:
        bad_param({"macro": f"unknown macro '{rule['macro']}'"})
    for key in ("dport", "sport"):
        if rule.get(key):
            if not proto:
                bad_param({"proto": f"missing property - '{key}' requires this property"})
            if proto not in PORT_PROTOCOLS:
                bad_param({key: f"protocol '{proto}' does not support ports"})
            for part in rule[key].split(","):
                numbers = [int(n) for n in part.split(":") if n.isdigit()]
                if any(n > 65535 for n in numbers):
                    bad_param({key: f"invalid port '{part}'"})
    for key in ("source", "dest"):
        for part in (rule.get(key) or "").split(","):
            check_address(req, firewall, key, part)


def check_address(req: Request, firewall: Firewall, key: str, text: str):
    """An address, a network, a range, an IP set (+name) or an alias."""
    if not text:
        return
    name = re.sub(r"^(guest|dc|sdn)/", "", text.lstrip("+"))
    if text.startswith("+"):
        if name not in firewall.ipsets and name not in req.cluster.firewall.ipsets:
            bad_param({key: f"no such ipset '{name}'"})
    elif re.fullmatch(r"[a-zA-Z][\w-]*", name):
        if name.lower() not in firewall.aliases and name.lower() not in req.cluster.firewall.aliases:
            bad_param({key: f"no such alias '{text}'"})
    else:
        try:
            for end in text.split("-"):
                ipaddress.ip_network(end, strict=False)
        except ValueError:
            bad_param({key: f"invalid IP address: {text}"})


def rule_view(firewall: Firewall, position: int) -> dict:
    rule = firewall.rules[position]
    digest = hashlib.sha1(json.dumps(firewall.rules, sort_keys=True).encode()).hexdigest()
    return rule | {"pos": position, "digest": digest}


def rule_at(req: Request) -> tuple[Firewall, int]:
    firewall, position = firewall_of(req), int(req.vars["pos"])
    if position >= len(firewall.rules):
        die(f"no rule at position {position}")
    return firewall, position


def rules_index(req: Request):
    firewall = firewall_of(req)
    return [rule_view(firewall, n) for n in range(len(firewall.rules))]


def rule_read(req: Request):
    firewall, position = rule_at(req)
    return rule_view(firewall, position) | {"pos": str(position)}  # a string here, a number in the list


def rule_create(req: Request):
    firewall = firewall_of(req)
    rule = {key: req.get(key) for key in RULE_KEYS if req.get(key)}
    rule["enable"] = int(req.flag("enable"))  # a rule posted without 'enable' is off
    check_rule(req, firewall, rule)
    if rule["type"] == "group" and rule["action"] not in req.cluster.security_groups:
        bad_param({"action": f"no such security group '{rule['action']}'"})
    position = int(req.get("pos") or 0)
    firewall.rules.insert(min(position, len(firewall.rules)), rule)


def rule_update(req: Request):
    firewall, position = rule_at(req)
    if req.get("moveto"):
        rule = firewall.rules.pop(position)
        target = int(req.get("moveto"))
        firewall.rules.insert(target - 1 if target > position else target, rule)
        return
    rule = firewall.rules[position] | {key: req.get(key) for key in RULE_KEYS if key in req.params}
    removed = split_list(req.get("delete"))
    rule = {key: value for key, value in rule.items() if value not in ("", "-") and key not in removed}
    rule["enable"] = int(rule.get("enable", 0))
    check_rule(req, firewall, rule)
    firewall.rules[position] = rule


def rule_delete(req: Request):
    firewall, position = rule_at(req)
    del firewall.rules[position]


for _base, _scoped in (("/rules", True), ("/groups/{group}", False)):
    for _method, _suffix, _function in (
        ("GET", "", rules_index), ("POST", "", rule_create), ("GET", "/{pos}", rule_read),
        ("PUT", "/{pos}", rule_update), ("DELETE", "/{pos}", rule_delete),
    ):  # fmt: skip
        if _scoped:
            scopes(_method, _base + _suffix, "read" if _method == "GET" else "write")(_function)
        else:
            _needs = "/: Sys.Audit" if _method == "GET" else "/: Sys.Modify"
            route(_method, "/cluster/firewall" + _base + _suffix, _needs)(_function)


@route("GET", "/cluster/firewall/groups", "/: Sys.Audit")
def groups_index(req: Request):
    return [{"group": n, "comment": g.comment, "digest": "0"} for n, g in sorted(req.cluster.security_groups.items())]


@route("POST", "/cluster/firewall/groups", "/: Sys.Modify")
def group_create(req: Request):
    name, rename, groups = req.get("group"), req.get("rename"), req.cluster.security_groups
    if rename:
        if rename not in groups:
            die(f"Security group '{rename}' does not exist")
        groups[name] = groups.pop(rename)
    elif name in groups:
        die(f"Security group '{name}' already exists")
    else:
        groups[name] = Firewall("group")
    if "comment" in req.params:
        groups[name].comment = req.get("comment")


@route("DELETE", "/cluster/firewall/groups/{group}", "/: Sys.Modify")
def group_delete(req: Request):
    if firewall_of(req).rules:
        die(f"Security group '{req.vars['group']}' is not empty")
    del req.cluster.security_groups[req.vars["group"]]


@scopes("GET", "/aliases")
def aliases_index(req: Request):
    return [alias for _, alias in sorted(firewall_of(req).aliases.items())]


@scopes("POST", "/aliases", "write")
def alias_create(req: Request):
    firewall, name = firewall_of(req), req.get("name")
    if name.lower() in firewall.aliases:
        bad_param({"name": f"alias '{name}' already exists"})
    firewall.aliases[name.lower()] = make_alias(req, name)


def make_alias(req: Request, name: str) -> dict:
    try:
        version_number = ipaddress.ip_network(req.get("cidr"), strict=False).version
    except ValueError:
        bad_param({"cidr": "invalid format - value does not look like a valid IP address or CIDR network"})
    entry = {"name": name, "cidr": req.get("cidr"), "ipversion": version_number, "digest": "0"}
    return entry | ({"comment": req.get("comment")} if req.get("comment") else {})


def find_entry(entries: dict, name: str, what: str) -> dict:
    if name not in entries:
        bad_param({"name": f"no such {what} '{name}'"}) if what == "alias" else die(f"no such {what} '{name}'")
    return entries[name]


@scopes("GET", "/aliases/{name}")
def alias_read(req: Request):
    return find_entry(firewall_of(req).aliases, req.vars["name"].lower(), "alias")


@scopes("PUT", "/aliases/{name}", "write")
def alias_update(req: Request):
    aliases = firewall_of(req).aliases
    find_entry(aliases, req.vars["name"].lower(), "alias")
    del aliases[req.vars["name"].lower()]
    name = req.get("rename") or req.vars["name"]
    aliases[name.lower()] = make_alias(req, name)


@scopes("DELETE", "/aliases/{name}", "write")
def alias_delete(req: Request):
    firewall_of(req).aliases.pop(req.vars["name"].lower(), None)


@scopes("GET", "/ipset")
def ipset_index(req: Request):
    return [{"name": n, "comment": s["comment"], "digest": "0"} for n, s in sorted(firewall_of(req).ipsets.items())]


@scopes("POST", "/ipset", "write")
def ipset_create(req: Request):
    ipsets, name, rename = firewall_of(req).ipsets, req.get("name"), req.get("rename")
    if rename:
        ipsets[name] = find_entry(ipsets, rename, "IPSet")
        if name != rename:
            del ipsets[rename]
        ipsets[name]["comment"] = req.get("comment", ipsets[name]["comment"])
        return
    if name in ipsets:
        bad_param({"name": f"IPSet '{name}' already exists"})
    ipsets[name] = {"comment": req.get("comment"), "entries": {}}


@scopes("GET", "/ipset/{name}")
def ipset_read(req: Request):
    return list(find_entry(firewall_of(req).ipsets, req.vars["name"], "IPSet")["entries"].values())


@scopes("POST", "/ipset/{name}", "write")
def ipset_add(req: Request):
    entries, cidr = find_entry(firewall_of(req).ipsets, req.vars["name"], "IPSet")["entries"], req.get("cidr")
    if cidr in entries:
        bad_param({"cidr": f"address '{cidr}' already exists"})
    entries[cidr] = {"cidr": cidr, "digest": "0"}
    if req.get("comment"):
        entries[cidr]["comment"] = req.get("comment")
    if req.flag("nomatch"):
        entries[cidr]["nomatch"] = 1


@scopes("DELETE", "/ipset/{name}", "write")
def ipset_delete(req: Request):
    ipsets, name = firewall_of(req).ipsets, req.vars["name"]
    if find_entry(ipsets, name, "IPSet")["entries"] and not req.flag("force"):
        die(f"IPSet '{name}' is not empty")
    del ipsets[name]


@scopes("DELETE", "/ipset/{name}/{cidr...}", "write")
def ipset_remove(req: Request):
    find_entry(firewall_of(req).ipsets, req.vars["name"], "IPSet")["entries"].pop(req.vars["cidr"], None)


# ---------------------------------------------------------------------------------------------------------------------
# 12 Hardware mappings
# ---------------------------------------------------------------------------------------------------------------------

HEX_PAIR = PATTERN(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}")
FULL_PCI_PATH = r"[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}(\.[a-f0-9])?"
MAP_FORMATS = {
    "pci": PROPS(
        {
            "node": DNS_NAME, "id": HEX_PAIR, "subsystem-id": HEX_PAIR, "path": PATTERN(f"({FULL_PCI_PATH};)*{FULL_PCI_PATH}"),
            "iommugroup": INT(), "description": STRING,
        },
        required=("node", "id", "path"),
    ),
    "usb": PROPS({"node": DNS_NAME, "id": HEX_PAIR, "path": STRING, "description": STRING}, required=("node", "id")),
    "dir": PROPS({"node": DNS_NAME, "path": STRING}, required=("node", "path")),
}  # fmt: skip


def read_mapping(req: Request) -> dict:
    entry: dict = {"map": req.values("map")}
    for text in entry["map"]:
        try:
            MAP_FORMATS[req.vars["type"]](text, "map")
        except ValueError as error:
            bad_param({"map": str(error)})
    if not entry["map"]:
        bad_param({"map": MISSING_PROPERTY})
    if req.get("description"):
        entry["description"] = req.get("description")
    if req.flag("mdev"):
        entry["mdev"] = 1
    return entry


def mapping_view(req: Request, name: str) -> dict:
    return req.cluster.mappings[req.vars["type"]][name] | {"id": name, "type": req.vars["type"], "digest": "0" * 40}


@route("GET", "/cluster/mapping/{type=pci|usb|dir}")
def mapping_index(req: Request):
    kind, node, out = req.vars["type"], req.get("check-node"), []
    for name in sorted(req.cluster.mappings[kind]):
        if not any(req.may(f"/mapping/{kind}/{name}", f"Mapping.{p}") for p in ("Modify", "Use", "Audit")):
            continue
        entry = mapping_view(req, name)
        if node and kind == "pci":
            entry["checks"] = []
            here = [m for m in (parse_props(text) for text in entry["map"]) if m["node"] == node]
            if not here:
                entry["checks"].append({"severity": "warning", "message": f"No mapping for node {node}."})
            for mapped in here:
                try:
                    req.cluster.assert_mapping(name, mapped)
                except ApiError as error:
                    entry["checks"].append({"severity": "error", "message": f"Invalid configuration: {error.message}\n"})
        out.append(entry)
    return out


@route("GET", "/cluster/mapping/{type=pci|usb|dir}/{id}", "/mapping/{type}/{id}: Mapping.Use|Mapping.Modify|Mapping.Audit")
def mapping_read(req: Request):
    if req.vars["id"] not in req.cluster.mappings[req.vars["type"]]:
        die(f"mapping '{req.vars['id']}' not found")
    return mapping_view(req, req.vars["id"])


@route("POST", "/cluster/mapping/{type=pci|usb|dir}", "/mapping/{type}: Mapping.Modify")
def mapping_create(req: Request):
    name, known = req.get("id"), req.cluster.mappings[req.vars["type"]]
    try:
        CONFIG_ID(name)
    except ValueError as error:
        bad_param({"id": str(error)})
    if name in known:
        die(f"create hardware mapping failed: {req.vars['type']} ID '{name}' already defined")
    known[name] = read_mapping(req)


@route("PUT", "/cluster/mapping/{type=pci|usb|dir}/{id}", "/mapping/{type}/{id}: Mapping.Modify")
def mapping_update(req: Request):
    name, known = req.vars["id"], req.cluster.mappings[req.vars["type"]]
    if name not in known:
        die(f"update hardware mapping failed: {req.vars['type']} ID '{name}' does not exist")
    known[name] = read_mapping(req)


@route("DELETE", "/cluster/mapping/{type=pci|usb|dir}/{id}", "/mapping/{type}: Mapping.Modify")
def mapping_delete(req: Request):
    req.cluster.mappings[req.vars["type"]].pop(req.vars["id"], None)


# ---------------------------------------------------------------------------------------------------------------------
# 13 High availability, pools
# ---------------------------------------------------------------------------------------------------------------------


def parse_sid(cluster: Cluster, sid: str) -> str:
    if sid.isdigit():
        guest = cluster.guests.get(int(sid))
        if guest is None:
            die(f"unable to detect SID from VMID - VM/CT {sid} does not exist")
        return guest.sid
    if not re.fullmatch(r"\S+:\S+", sid):
        die(f"unable to parse service id '{sid}'")
    return sid


def ha_resource_view(cluster: Cluster, sid: str) -> dict:
    if sid not in cluster.ha_resources:
        die(f"no such resource '{sid}'")
    return cluster.ha_resources[sid] | {"sid": sid, "type": sid.split(":")[0], "digest": "0" * 40}  # no defaults filled in


def ha_resource_params(req: Request) -> dict:
    if "group" in req.params:
        die("invalid parameter 'group': ha groups have been migrated to rules")
    out: dict = {}
    for name, check in (
        ("state", ENUM("started", "stopped", "enabled", "disabled", "ignored")), ("comment", STRING),
        ("max_restart", INT(0)), ("max_relocate", INT(0)), ("failback", BOOL),
    ):  # fmt: skip
        if name in req.params:
            verify({name: check}, {name: req.get(name)})
            out[name] = typed({name: check}, name, req.get(name))
    return out


@route("GET", "/cluster/ha/resources", "/: Sys.Audit")
def ha_resources(req: Request):
    wanted = req.get("type")
    return [ha_resource_view(req.cluster, s) for s in sorted(req.cluster.ha_resources) if wanted in ("", s.split(":")[0])]


@route("POST", "/cluster/ha/resources", "/: Sys.Console")
def ha_resource_create(req: Request):
    cluster = req.cluster
    sid = parse_sid(cluster, req.get("sid"))
    kind, _, vmid = sid.partition(":")
    guest = cluster.guests.get(int(vmid)) if vmid.isdigit() else None
    params = ha_resource_params(req)
    if guest is None or guest.kind != {"vm": "qemu", "ct": "lxc"}.get(kind):
        die(f"resource '{sid}' does not exist in cluster")
    if sid in cluster.ha_resources:
        die(f"create resource failed: resource ID '{sid}' already defined")
    cluster.ha_resources[sid] = params


@route("GET", "/cluster/ha/resources/{sid}", "/: Sys.Audit")
def ha_resource_read(req: Request):
    return ha_resource_view(req.cluster, parse_sid(req.cluster, req.vars["sid"]))


@route("PUT", "/cluster/ha/resources/{sid}", "/: Sys.Console")
def ha_resource_update(req: Request):
    sid = parse_sid(req.cluster, req.vars["sid"])
    ha_resource_view(req.cluster, sid)
    for name in split_list(req.get("delete")):
        req.cluster.ha_resources[sid].pop(name, None)
    req.cluster.ha_resources[sid] |= ha_resource_params(req)


@route("DELETE", "/cluster/ha/resources/{sid}", "/: Sys.Console")
def ha_resource_delete(req: Request):
    sid = parse_sid(req.cluster, req.vars["sid"])
    if sid not in req.cluster.ha_resources:
        die(f"cannot delete service '{sid}', not HA managed!")
    req.cluster.remove_ha_resource(sid)


@route("GET", "/cluster/ha/groups", "/: Sys.Audit")
def ha_groups(_req: Request):
    die("cannot index groups: ha groups have been migrated to rules")


def ha_rule_view(cluster: Cluster, name: str) -> dict:
    if name not in cluster.ha_rules:
        die(f"no such ha rule '{name}'")
    rule = cluster.ha_rules[name]
    out = rule | {"rule": name, "resources": ",".join(sorted(rule["resources"])), "digest": "0" * 40}
    if rule["type"] == "node-affinity":
        out["nodes"] = ",".join(sorted(rule["nodes"]))
        out.setdefault("strict", 0)
    return out | {"order": sorted(cluster.ha_rules).index(name) + 1}


def ha_rule_params(req: Request, kind: str, complete: bool) -> dict:
    """A rule's parameters; complete when it is created, else only what changes."""
    out: dict = {"type": kind}
    if kind not in ("node-affinity", "resource-affinity"):
        bad_param({"type": f"value '{kind}' does not have a value in the enumeration 'node-affinity, resource-affinity'"})
    if "resources" in req.params or complete:
        out["resources"] = set(split_list(req.get("resources")))
        if not out["resources"]:
            die("no resources were specified")
        if missing := sorted(out["resources"] - set(req.cluster.ha_resources)):
            die(f"cannot use unmanaged resource(s) {', '.join(missing)}.")
    if kind == "node-affinity" and ("nodes" in req.params or complete):
        out["nodes"] = [re.sub(r":0$", "", text) for text in split_list(req.get("nodes"))]
        if not out["nodes"]:
            bad_param({"nodes": MISSING_PROPERTY})
        if missing := sorted({text.split(":")[0] for text in out["nodes"]} - set(req.cluster.nodes)):
            die(f"cannot use non-existent node(s) {', '.join(missing)}.")
    if kind == "node-affinity" and "strict" in req.params:
        out["strict"] = int(req.flag("strict"))
    if kind == "resource-affinity" and ("affinity" in req.params or complete):
        verify({"affinity": ENUM("positive", "negative")}, {"affinity": req.get("affinity")})
        out["affinity"] = req.get("affinity")
    if req.get("comment"):
        out["comment"] = req.get("comment")
    if req.flag("disable"):
        out["disable"] = 1
    return out


def check_ha_rules(cluster: Cluster, rules: dict, name: str):
    """Refuses the rule `name` if it cannot be fulfilled together with the others."""
    active = {n: r for n, r in rules.items() if not r.get("disable")}
    if name not in active:
        return
    by_node = {n: r for n, r in active.items() if r["type"] == "node-affinity"}
    together = {n: r for n, r in active.items() if r.get("affinity") == "positive"}
    apart = {n: r for n, r in active.items() if r.get("affinity") == "negative"}
    rule, found = rules[name], []

    def sharing(others: dict, least: int = 1) -> list[dict]:
        return [r for n, r in others.items() if n != name and len(r["resources"] & rule["resources"]) >= least]

    def priorities(node_rule: dict) -> int:
        return len({(text + ":0").split(":")[1] for text in node_rule["nodes"]})

    if name in by_node:
        used = set().union(*(r["resources"] for r in sharing(by_node)))
        found += [f"resource '{sid}' is already used in another node affinity rule" for sid in sorted(used & rule["resources"])]
        if priorities(rule) > 1 and sharing(together | apart):
            found.append(
                "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities"
            )
    else:
        if len(rule["resources"]) < 2:
            found.append("rule is ineffective as there are less than two resources")
        if name in apart and len(rule["resources"]) > len(cluster.nodes):
            found.append("rule defines more resources than available nodes")
        for others, word in ((apart, "negative"), (together, "positive")):
            if name not in others and sharing(others, 2):
                found.append(f"rule shares two or more resources with a {word} resource affinity rule")
        if any(priorities(r) > 1 for r in sharing(by_node)):
            found.append("resources are in node affinity rules with multiple priorities")
        if name in together and len(sharing(by_node)) > 1:
            found.append("resources are in multiple node affinity rules")
        if name in apart:
            nodes = {text.split(":")[0] for r in sharing(by_node) for text in r["nodes"]}
            located = {sid for r in sharing(by_node) for sid in r["resources"] & rule["resources"]}
            if len(nodes) < len(located):
                found.append("two or more resources are restricted to less nodes than available to the resources")
    if found:
        raise ApiError(400, f"Rule '{name}' is invalid.", {"resources": ", ".join(found)})


@route("GET", "/cluster/ha/rules", "/: Sys.Audit")
def ha_rules(req: Request):
    return [ha_rule_view(req.cluster, name) for name in sorted(req.cluster.ha_rules)]


@route("POST", "/cluster/ha/rules", "/: Sys.Console")
def ha_rule_create(req: Request):
    name = req.get("rule")
    if name in req.cluster.ha_rules:
        die(f"create ha rule failed: HA rule '{name}' already defined")
    save_ha_rule(req, name, lambda: ha_rule_params(req, req.get("type"), True), "create ha rule failed")


def save_ha_rule(req: Request, name: str, make, failed: str):
    try:
        rule = make()
        check_ha_rules(req.cluster, req.cluster.ha_rules | {name: rule}, name)
    except ApiError as error:
        if error.status == 500:
            die(f"{failed}: {error.message}")
        raise
    req.cluster.ha_rules[name] = rule


@route("GET", "/cluster/ha/rules/{rule}", "/: Sys.Audit")
def ha_rule_read(req: Request):
    return ha_rule_view(req.cluster, req.vars["rule"])


@route("PUT", "/cluster/ha/rules/{rule}", "/: Sys.Console")
def ha_rule_update(req: Request):
    name, rules = req.vars["rule"], req.cluster.ha_rules
    if name not in rules:
        die(f"update HA rules failed: HA rule '{name}' does not exist")
    removed = {*split_list(req.get("delete")), "disable"}
    kept = {k: v for k, v in rules[name].items() if k not in removed}
    save_ha_rule(req, name, lambda: kept | ha_rule_params(req, kept["type"], False), "update HA rules failed")


@route("DELETE", "/cluster/ha/rules/{rule}", "/: Sys.Console")
def ha_rule_delete(req: Request):
    req.cluster.ha_rules.pop(req.vars["rule"], None)


def pool_view(req: Request, name: str) -> dict:
    pool, cluster = find_pool(req, name), req.cluster
    members = [guest_summary(req, cluster.guests[vmid]) for vmid in sorted(pool["vms"]) if vmid in cluster.guests]
    for storage in sorted(pool["storage"]):
        node = cluster.nodes[0]
        members.append({"id": f"storage/{node}/{storage}", "type": "storage", "storage": storage, "node": node})
    return {"poolid": name, "members": members} | ({"comment": pool["comment"]} if pool["comment"] else {})


def find_pool(req: Request, name: str) -> dict:
    if name not in req.cluster.pools:
        die(f"pool '{name}' does not exist")
    return req.cluster.pools[name]


@route("GET", "/pools")
def pools_index(req: Request):
    if name := req.get("poolid"):
        return [pool_view(req, name)]
    return [
        {"poolid": name} | ({"comment": pool["comment"]} if pool["comment"] else {})
        for name, pool in sorted(req.cluster.pools.items())
        if req.may(f"/pool/{name}", "Pool.Audit")
    ]


@route("GET", "/pools/{poolid}", "/pool/{poolid}: Pool.Audit")
def pool_read(req: Request):
    return pool_view(req, req.vars["poolid"])


@route("POST", "/pools")
def pool_create(req: Request):
    name = req.get("poolid")
    req.check(f"/pool/{name}", "Pool.Allocate")
    if name in req.cluster.pools:
        die(f"create pool failed: pool '{name}' already exists")
    if not re.match(r"[A-Za-z]", name):
        die("create pool failed: pool name must start with a letter")
    req.cluster.pools[name] = {"comment": req.get("comment"), "vms": set(), "storage": set()}


@route("PUT", "/pools")
def pool_update(req: Request):
    name = req.get("poolid")
    req.check(f"/pool/{name}", "Pool.Allocate")
    pool, failed = find_pool(req, name), "update pools failed: "
    if "comment" in req.params:
        pool["comment"] = req.get("comment")
    for vmid in map(int, split_list(req.get("vms"))):
        req.check_any(f"/vms/{vmid}", "Permissions.Modify", "VM.Allocate")
        if req.flag("delete"):
            if vmid not in pool["vms"]:
                die(f"{failed}VM {vmid} is not a pool member")
            pool["vms"].discard(vmid)
            continue
        if vmid in pool["vms"]:
            die(f"{failed}VM {vmid} is already a pool member")
        if other := req.cluster.pool_of(vmid):
            if not req.flag("allow-move"):
                die(f"{failed}VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set")
            req.cluster.pools[other]["vms"].discard(vmid)
        pool["vms"].add(vmid)
    for storage in split_list(req.get("storage")):
        if req.flag("delete"):
            if storage not in pool["storage"]:
                die(f"{failed}Storage '{storage}' is not a pool member")
            pool["storage"].discard(storage)
        elif storage in pool["storage"]:
            die(f"{failed}Storage '{storage}' is already a pool member")
        else:
            pool["storage"].add(storage)


@route("DELETE", "/pools")
def pool_delete(req: Request):
    name = req.get("poolid")
    req.check(f"/pool/{name}", "Pool.Allocate")
    pool = find_pool(req, name)
    for vmid in sorted(pool["vms"]):
        if vmid in req.cluster.guests:
            die(f"delete pool failed: pool '{name}' is not empty (contains VM {vmid})")
    for storage in sorted(pool["storage"]):
        die(f"delete pool failed: pool '{name}' is not empty (contains storage '{storage}')")
    del req.cluster.pools[name]


# ---------------------------------------------------------------------------------------------------------------------
# 14 Control: not part of Proxmox, needs no authentication
# ---------------------------------------------------------------------------------------------------------------------


def control(server: "FakeServer", method: str, path: str, params: dict):
    """GET /_fake/state; POST /_fake/guest/ID (agent, lease, node, running), /_fake/url (url, size, status, checksum),
    /_fake/volume (node, volid, remove), /_fake/node/NAME (online), /_fake/pci (device, as --pci), /_fake/fail (rule), /_fake/fail-task (rule), /_fake/no-faults, /_fake/reset,
    /_fake/acl (acl, acl_here, as --acl and --acl-here; several with newlines between)."""
    cluster, parts = server.cluster, [p for p in path.split("/") if p][1:]
    if method == "GET" and parts == ["state"]:
        return server.state()
    if method == "POST" and parts == ["reset"]:
        server.reset()
    elif method == "POST" and parts == ["acl"]:
        server.access.grant(params.get("acl", "").split(), params.get("acl_here", "").split())
    elif method == "POST" and parts == ["fail"]:
        server.faults.append(Fault(params["rule"]))
    elif method == "POST" and parts == ["no-faults"]:
        server.faults.clear()
        cluster.fail_tasks.clear()
    elif method == "POST" and parts == ["fail-task"]:
        cluster.fail_tasks.append(list(parse_fail_task(params["rule"])))
    elif method == "POST" and parts == ["url"]:
        entry = {k: int(params[k]) for k in ("size", "status") if k in params}
        cluster.urls[params["url"]] = entry | ({"checksum": params["checksum"]} if "checksum" in params else {})
    elif method == "POST" and parts == ["volume"]:
        if truthy(params.get("remove")):
            cluster.free(params["volid"], params["node"])
        else:
            cluster.add_file(params["node"], params["volid"], int(params.get("size", 0)))
    elif method == "POST" and parts == ["pci"]:
        cluster.add_pci(params["device"])
    elif method == "POST" and len(parts) == 2 and parts[0] == "node":
        (cluster.offline.discard if truthy(params["online"]) else cluster.offline.add)(parts[1])
    elif method == "POST" and len(parts) == 2 and parts[0] == "guest":
        guest = cluster.guests[int(parts[1])]
        guest.agent_up = truthy(params.get("agent", str(int(guest.agent_up))))
        guest.lease = params.get("lease", guest.lease)
        if "running" in params:
            guest.running = truthy(params["running"])
        if "node" in params:
            move_guest(cluster, guest, params["node"])
    else:
        raise ApiError(501, f"no such control '{method} {path}'")
    return None


# ---------------------------------------------------------------------------------------------------------------------
# 15 Server
# ---------------------------------------------------------------------------------------------------------------------


class Fault:
    """--fail 'PATTERN=STATUS[:N[:MESSAGE]]': the next N requests whose 'METHOD /path' matches PATTERN fail."""

    def __init__(self, text: str):
        match = re.fullmatch(r"(.+)=(\d{3})(?::(\d+|\*))?(?::(.*))?", text)
        if not match:
            raise ValueError(f"--fail {text}: expected PATTERN=STATUS[:N[:MESSAGE]]")
        self.pattern, self.status = re.compile(match[1]), int(match[2])
        self.left = float("inf") if match[3] == "*" else int(match[3] or 1)
        self.message = match[4] or http.client.responses.get(self.status, "injected failure")

    def hits(self, method: str, path: str) -> bool:
        if self.left <= 0 or not self.pattern.search(f"{method} {path}"):
            return False
        self.left -= 1
        return True


def parse_fail_task(text: str) -> tuple[str, str]:
    pattern, sep, message = text.partition("=")
    if not sep:
        raise ValueError(f"--fail-task {text}: expected PATTERN=MESSAGE")
    return pattern, message


class FakeServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options: argparse.Namespace, tls: ssl.SSLContext):
        self.options, self.tls = options, tls
        self.lock = threading.RLock()
        self.log_file = open(options.log, "a", encoding="utf-8", buffering=1) if options.log else None
        self.reset()
        super().__init__((options.host, options.port), Handler)

    def reset(self):
        """A fresh cluster; the log goes on."""
        with self.lock:
            self.cluster, self.access = Cluster(self.options), Access(self.options)
            self.faults = [Fault(text) for text in self.options.fail]
            self.count = 0

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # the handshake happens in the connection's own thread, at its first read
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)

    def call(self, method: str, path: str, params: dict, headers) -> tuple[int, dict]:
        """Runs one API call.  Calls run one at a time: the cluster is small and the answers come at once."""
        entry = {"method": method, "path": path, "params": params}
        answer: dict = {"data": None}
        started = time.monotonic()
        with self.lock:
            self.count += 1
            entry = {"n": self.count, "time": round(time.time(), 3)} | entry
            try:
                if path.startswith("/_fake/"):
                    answer["data"] = control(self, method, path, params)
                    return 200, answer
                fault = next((f for f in self.faults if f.hits(method, path)), None)
                if fault:
                    entry["injected"] = True
                    raise ApiError(fault.status, fault.message)
                user = "-" if path == "/access/ticket" else self.access.identify(method, headers)
                entry["user"] = user
                answer["data"] = dispatch(Request(self.cluster, self.access, user, method, path, params))
                status = 200
            except ApiError as error:
                status = error.status
                answer |= {"message": error.message + "\n"} | ({"errors": error.errors} if error.errors else {})
                entry["message"] = error.message
                if error.errors:
                    entry["errors"] = error.errors
            except Exception as error:  # a bug of the fake: say so, and keep serving
                status = 500
                answer["message"] = entry["message"] = f"fake_pve: {type(error).__name__}: {error}"
                entry["traceback"] = traceback.format_exc()
            entry |= {"status": status, "ms": round((time.monotonic() - started) * 1000, 1)}
            if isinstance(answer["data"], str) and answer["data"].startswith("UPID:"):
                entry |= {"upid": answer["data"], "task": self.cluster.tasks[answer["data"]]["exitstatus"]}
            self.write_log(entry)
        return status, answer

    def write_log(self, entry: dict):
        if self.log_file:
            if entry["path"] == "/access/ticket":
                entry["params"] = {k: "***" if k == "password" else v for k, v in entry["params"].items()}
            self.log_file.write(json.dumps(entry) + "\n")

    def state(self) -> dict:
        """Everything that a test may want to compare."""
        c = self.cluster
        return {
            "guests": {
                str(v): {
                    "kind": g.kind, "node": g.node, "running": g.running, "config": g.config, "pool": c.pool_of(v),
                    "firewall": {"options": g.firewall.options, "rules": g.firewall.rules},
                }
                for v, g in sorted(c.guests.items())
            },
            "volumes": {f"{n}/{v}": s for st in c.storages.values() for n in c.nodes for v, s in st.volumes(n).items()},
            "pools": {n: {"vms": sorted(p["vms"]), "storage": sorted(p["storage"])} for n, p in c.pools.items()},
            "mappings": c.mappings, "ha_resources": c.ha_resources,
            "ha_rules": {n: r | {"resources": sorted(r["resources"])} for n, r in c.ha_rules.items()},
            "tasks": [{k: v for k, v in t.items() if k != "pstart"} for t in c.tasks.values()], "requests": self.count,
        }  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "pve-api-daemon/3.0", ""
    wbufsize = -1
    timeout = 300

    def handle_request(self):
        split = urlsplit(self.path)
        path = re.sub(r"^/api2/(json|extjs)", "", split.path).rstrip("/") or "/"
        params: dict = {}
        for key, value in parse_qsl(split.query, keep_blank_values=True):
            add_param(params, key, value)
        self.read_body(params)
        status, answer = self.server.call(self.command, path, params, self.headers)
        self.answer(status, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_request

    def read_body(self, params: dict):
        kind = self.headers.get("Content-Type", "")
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self.read_chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if kind.startswith("multipart/form-data"):
            read_multipart(kind, body, params)
        elif kind.startswith("application/json") and body:
            for key, value in json.loads(body).items():
                params[key] = value if isinstance(value, list) else str(int(value) if isinstance(value, bool) else value)
        else:
            for key, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
                add_param(params, key, value)

    def read_chunks(self):
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, status: int, answer: dict):
        body = json.dumps(answer).encode()
        reason = answer.get("message", "OK").split("\n")[0].encode("ascii", "replace").decode()
        self.send_response(status, reason)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_args):
        pass


def add_param(params: dict, key: str, value: str):
    """A repeated key becomes a list."""
    if key not in params:
        params[key] = value
    elif isinstance(params[key], list):
        params[key].append(value)
    else:
        params[key] = [params[key], value]


def read_multipart(content_type: str, body: bytes, params: dict):
    """Uploads: plain fields, and one file of which only the name and the size are kept."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)[1].encode()
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
        names = dict(re.findall(r'(\bname|\bfilename)="([^"]*)"', head.decode("utf-8", "replace")))
        if "filename" in names:
            params["_upload"] = (names["filename"], len(data))
        else:
            params[names.get("name", "")] = data.decode("utf-8", "replace")


def make_certificate(folder: str, host: str) -> tuple[str, str]:
    """A fresh self-signed certificate, by openssl."""
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-keyout", key, "-out", cert, "-subj", "/CN=fake-pve", "-addext", f"subjectAltName=IP:{host},DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


# ---------------------------------------------------------------------------------------------------------------------
# 16 Command line
# ---------------------------------------------------------------------------------------------------------------------

DEFAULT_TOKENS = (
    "terraform@pve!tf=00000000-0000-0000-0000-000000000000",
    "root@pam!tf=11111111-1111-1111-1111-111111111111",
)
DEFAULT_USERS = ("root@pam=fake-root-password", "terraform@pve=fake-password")


def parse_arguments(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="A fake Proxmox VE 9 API on loopback. When it is ready it prints one line of JSON: endpoint, credentials, "
        "certificate and log."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=8006, help="port, 0 for any free one (default %(default)s)")
    add("--log", default="fake_pve.log", help="JSON lines, one for each request; '' for none (default %(default)s)")
    add("--tls-dir", help="keep key.pem and cert.pem here (default: a temporary folder, removed at the end)")
    add("--ready-file", help="also write the line of JSON here")
    add("--pve-version", default="9.1.4", help="default %(default)s")
    add("--nodes", default="pve1,pve2", help="default %(default)s")
    add("--bridges", default="vmbr0,vmbr1", help="on every node (default %(default)s)")
    add("--cores", type=int, default=32, help="CPUs of every node (default %(default)s)")
    add("--memory", type=int, default=128, help="GiB of every node (default %(default)s)")
    add("--template-vmid", type=int, default=9000, help="VM template on the first node, 0 for none (default %(default)s)")
    add("--files", default="", metavar="FOLDER", help="snippets are files below this folder (default: in memory, none can be uploaded)")
    add("--any-pci", action="store_true", help="believe every complete PCI mapping, whatever the hardware is")

    def several(flag: str, metavar: str, text: str, default=()):
        add(flag, metavar=metavar, action="append", default=[*default], help=f"{text}; may be repeated")

    several("--storage", "NAME:TYPE:CONTENT", "add or replace a storage, e.g. nas:nfs:images,rootdir,import,snippets")
    several("--volume", "VOLID", "a file that exists on every node, e.g. local:snippets/a.yaml")
    several("--pci", "NODE,PATH,ID[,SUBSYSTEM[,GROUP]]", "add a device, e.g. pve1,0000:41:00.0,10de:20b0,10de:1450,40")
    several("--device", "PATH", "add a device node that containers may get", DEFAULT_DEVICES)
    several("--token", "USER!NAME=SECRET", "add an API token", DEFAULT_TOKENS)
    several("--user", "USER=PASSWORD", "add a user who can log in", DEFAULT_USERS)
    several("--acl", "PATH=PRIV,PRIV", "privileges of everybody but root@pam (default: all of them, on /)")
    several("--acl-here", "PATH=PRIV,PRIV", "the same, but no path below inherits them (pveum acl modify --propagate 0)")
    several("--fail", "PATTERN=STATUS[:N[:MESSAGE]]", "the next N (default 1, * for all) requests that match 'METHOD /path' fail")
    several("--fail-task", "PATTERN=MESSAGE", "the next task whose 'type:id' matches fails, e.g. 'download:=no space left'")
    options = parser.parse_args(arguments)
    try:
        [Fault(text) for text in options.fail], [parse_fail_task(text) for text in options.fail_task]
    except ValueError as error:
        parser.error(str(error))
    return options


def main() -> int:
    options = parse_arguments()
    folder = options.tls_dir or tempfile.mkdtemp(prefix="fake-pve-")
    os.makedirs(folder, exist_ok=True)
    server = None
    try:
        key, cert = make_certificate(folder, options.host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = FakeServer(options, context)
        ready = {
            "endpoint": f"https://{options.host}:{server.server_address[1]}/", "api_token": options.token[0],
            "tokens": options.token, "users": options.user, "ca": cert, "log": options.log, "pid": os.getpid(),
        }  # fmt: skip
        print(json.dumps(ready), flush=True)
        if options.ready_file:
            with open(options.ready_file, "w", encoding="utf-8") as file:
                json.dump(ready, file)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.1)
    finally:
        if server:
            server.server_close()
        if not options.tls_dir:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
