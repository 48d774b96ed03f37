#!/usr/bin/env python3
"""The image of this tree (make image-here): what is in its file and what must not be; and what is proved of a box that
runs from it as Proxmox VE would run it (parts/appliance.py): set up from outside, sold from, kept elsewhere, lost, brought
back on a second machine, rebooted, upgraded, purged. Speaks TAP."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(TESTS, "parts"), os.path.join(TESTS, "fake")]
from debian import with_module
with_module("jsonschema")
import appliance
from box import TOP, Tap
from machine import booted_image, created_image, image_here, own_namespaces
from pve_shell import Node, Refused

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


def before_sett(path):
    """What the image's Debian has without the package of sett."""
    with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as unpacked, tarfile.open(fileobj=unpacked.stdout, mode="r|") as tar:
        names, ours = set(), set()
        for member in tar:
            names.add(os.path.normpath(member.name))
            if member.name.endswith("var/lib/dpkg/info/sett.list"):
                ours = {line.lstrip("/") for line in tar.extractfile(member).read().decode().splitlines()}
    # A folder is somebody else's, too, and what lies in /lib does so in /usr/lib.
    return names - {n for n in ours | {"usr/" + n for n in ours} if re.search(r"(^|[/_.-])sett", n)}


class Host(Node):
    """A node of Proxmox VE whose containers are machines indeed."""

    def __init__(self, top, machines):
        super().__init__(os.path.join(top, "node"))
        self.top, self.machines = top, machines

    def made(self, number, template):
        self.machines.append(created_image(self.top, self.containers[number]["hostname"], 1, template))

    def started(self, number):
        self.machines[-1].boot()

    def inside(self, number, argv):
        code, out, said = self.machines[-1].run(*argv)
        if code != 0:
            raise Refused(said)
        return out


def install(tap, top, image, machines):
    """The first box comes by the one command for the node's shell."""
    node = Host(top, machines)
    env = dict(os.environ, PATH=node.bin + ":" + os.environ["PATH"], SETT_IMAGE=image, var_hostname="sett1")
    done = subprocess.run(["bash", os.path.join(TOP, "appliance/proxmox/install.sh"), "--default"], env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=200, check=False)
    tap.ok(done.returncode == 0 and "https://10.88.1.2/admin" in done.stdout and re.search(r"password\s+[0-9a-z]{4}-", done.stdout),
           "install.sh makes and starts it, and ends with its address and first password", done.stdout + done.stderr + str(node.breaches))
    return machines[-1]


def next_version(package, top):
    """The same, as the version after it."""
    root, out = os.path.join(top, "next"), os.path.join(top, "next.deb")
    subprocess.run(["dpkg-deb", "-R", package, root], check=True)
    with open(os.path.join(root, "DEBIAN/control"), "r+", encoding="utf-8") as f:
        text = f.read()
        f.seek(0)
        f.write(re.sub(r"^(Version: .*)$", r"\1+next", text, flags=re.M))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", root, out], check=True, stdout=subprocess.DEVNULL)
    return out


def prove(tap, image, package, dhcp=False, connector=None):
    """All that is to be said of an image, and of a box of it that becomes what the package brings. connector: the version of
    the cloudflared that it was given."""
    top, machines, bucket = tempfile.mkdtemp(prefix="sett-image-"), [], None
    os.chmod(top, 0o755)

    def boot(before):
        machines.append(booted_image(top, "sett2", 2, image, before, dhcp=dhcp))
        return machines[-1]
    try:
        with tap.part("inside"):
            look_inside(tap, image)
        with tap.part("a box of the image"):
            one = install(tap, top, image, machines)
            bucket = appliance.Bucket()
            password = appliance.first_boot(tap, one)
            appliance.doors(tap, one)
            if connector:
                tap.equal(one.must("dpkg-query", "-W", "-f", "${Version}", "cloudflared"), connector, "cloudflared is there, as the package that was given")
            who, secret = appliance.set_up(tap, one, password, bucket)
            appliance.sell(tap, one, who)
            appliance.keep(tap, who)
            two, there = appliance.second(tap, boot, bucket, secret, who)
            appliance.restart(tap, two, there)
            with tap.part("upgrade"):
                appliance.upgrade(tap, two, there, next_version(package, top))
            with tap.part("purge"):
                appliance.purge(tap, two, before_sett(image))
        if tap.bad:
            print("\n".join("# " + line for m in machines if m.up for line in m.journal().splitlines()))
    finally:
        for m in machines:
            m.halt()
        if bucket:
            bucket.close()
        shutil.rmtree(top, ignore_errors=True)


def main():
    own_namespaces()
    tap = Tap()
    prove(tap, image_here(), glob.glob(os.path.join(TOP, "build/deb/here/sett_*_amd64.deb"))[0])
    tap.done()


if __name__ == "__main__":
    main()
