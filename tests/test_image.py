#!/usr/bin/env python3
"""The image of this tree (make image-here): what is in its file and what must not be, its first boot. Speaks TAP."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from machine import booted_image, image_here, own_namespaces

# Names that no image may have, each with a reason that a person sees at once.
NEVER = re.compile(r"^\./(etc/machine-id|var/lib/dbus/machine-id|etc/ssh/ssh_host_.*|var/lib/systemd/(credential\.secret|random-seed)"
                   r"|etc/resolv\.conf|etc/ssl/private/.+|etc/sett/(tls|preseed).*|root/\..*(history|ssh).*|var/lib/sett/(live/.+/.+|admin-password|initialized)"
                   r"|var/lib/apt/lists/.+|var/cache/apt/.+\.(bin|deb)|var/log/(.*/)?[^/]+\.(log|journal)|tmp/.+|var/tmp/.+|run/.+|dev/.+)$")
KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----\s+[A-Za-z0-9+/=:,\- ]{16}|AGE-SECRET-KEY-1[0-9A-Z]{20}")

SELF_TEST = re.compile(r"/libgnutls\.so")  # has, as everybody's has, the keys that it tries itself with


def look_inside(tap, path):
    """One pass over the file that `pct create` unpacks."""
    names, odd, keys, texts = [], [], [], {}
    with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as unpacked, tarfile.open(fileobj=unpacked.stdout, mode="r|") as tar:
        for member in tar:
            names.append(member.name if member.name == "." else "./" + member.name.removeprefix("./"))
            if member.uname or member.gname or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
                odd.append((member.name, member.type, member.uname))
            if member.isfile():
                text = tar.extractfile(member).read()
                if KEY.search(text) and not SELF_TEST.search(member.name):
                    keys.append(member.name)
                if names[-1] in ("./etc/appliance.info", "./etc/debian_version", "./etc/os-release", "./usr/lib/os-release", "./etc/shadow", "./etc/hostname"):
                    texts[names[-1]] = text.decode()
    tap.equal(names[0], "./etc/appliance.info", "its first member says what it is")
    info = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", texts["./etc/appliance.info"], re.M))
    name = re.fullmatch(r"(debian-\d+)-sett_(.+)_amd64\.tar\.zst", os.path.basename(path))
    tap.ok(name and (info["OS"], info["Version"], info["Type"], info["Architecture"]) == (name[1], name[2], "lxc", "amd64")
           and info["ManageUrl"] == "https://__IPADDRESS__/admin", "and the same as its name", (path, info))
    tap.ok("." in names and not any(n.startswith("./rootfs") for n in names) and {"./sbin/init", "./usr/sbin/init"} & set(names), "a plain root with an init", names[:5])
    tap.ok(re.match(r"\d", texts["./etc/debian_version"]) and any('ID=debian' in texts.get(n, "") for n in ("./etc/os-release", "./usr/lib/os-release")),
           "Proxmox VE knows it for a Debian")
    tap.equal(odd, [], "owners are numbers, and nothing is a device")
    tap.equal([n for n in names if NEVER.match(n)], [], "no id, host key, seed, list, log or anything of a box")
    tap.equal(keys, [], "no private key in any file")
    tap.equal([line for line in texts["./etc/shadow"].splitlines() if line.split(":")[1] not in ("*", "!", "!*", "!!")], [], "nobody has a password")
    tap.ok({"./usr/bin/update", "./usr/bin/sett", "./usr/bin/psql", "./usr/sbin/nginx", "./usr/sbin/ifup", "./usr/sbin/sshd"} <= {n.replace("./sbin/", "./usr/sbin/") for n in names},
           "sett, web server, PostgreSQL's client, network, ssh and update are there")


def first_boot(tap, one):
    greeting = rf"https://{re.escape(one.address)}/admin\s.*first password\s+([0-9a-z]{{4}}(-[0-9a-z]{{4}})+)"
    wait_for(lambda: re.search(greeting, one.console(), re.S) and "login:" in one.console(), "the console greets", 60, 0.3)
    tap.ok(True, "the console greets with the address and a password for the first time")
    return re.search(greeting, one.console(), re.S)[1]


def main():
    own_namespaces()
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-image-")
    os.chmod(top, 0o755)
    machines = []
    try:
        with tap.part("inside"):
            look_inside(tap, image_here())
        with tap.part("first boot"):
            one = booted_image(top, "sett1", 1)
            machines.append(one)
            first_boot(tap, one)
    finally:
        for m in machines:
            m.halt()
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
