"""Machines for tests: a Debian of a suite as a root file system, booted by lxc-start with systemd and all, as a container
of Proxmox VE is: unprivileged if wanted, at a cable of its own or without a network, with nesting or without. Commands
are run inside, conditions waited for. Needs root and the packages lxc, uidmap and mmdebstrap.

    own_namespaces()                               # first: cables, mounts and ids end with the test
    make_root(root, PACKAGES, suite="trixie")      # or a tar, and unpack(tar, root) as `pct create` does
    one = Machine(top, root, "one", network=1, unprivileged=True)
    one.boot()
    one.must("systemctl", "is-active", "nginx")    # and from outside: https://{one.address}/
    one.halt()
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

from box import TOP, wait_for

DROP = ("doc", "man", "locale")
FIRST_ID, IDS = 100000, 65536  # as Proxmox VE maps the ids of an unprivileged container
# What a unit meets that wants its own view of the file system in a container without nesting: MS_SLAVE is refused.
NO_NESTING = "2\ndenylist\nmount errno 13 [3,0x80000,SCMP_CMP_MASKED_EQ,0x80000]\n"


def own_namespaces():
    """Once more, in namespaces of network and mounts of its own, with nothing but loopback; /sys as that network sees it,
    where lxc looks for bridges; ids that may be mapped."""
    if not os.environ.get("SETT_OWN_NAMESPACES"):
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        os.set_inheritable(outside, True)
        os.environ["SETT_OWN_NAMESPACES"] = str(outside)
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    groups = tempfile.mkdtemp(prefix="sett-groups-")
    for argv in (["ip", "link", "set", "lo", "up"], ["mount", "--rbind", "/sys/fs/cgroup", groups],
                 ["mount", "-t", "sysfs", "sysfs", "/sys"], ["mount", "--move", groups, "/sys/fs/cgroup"]):
        subprocess.run(argv, check=True)
    os.rmdir(groups)
    with tempfile.NamedTemporaryFile("w", prefix="sett-ids-", delete=False) as f:
        f.write(f"root:{FIRST_ID}:{IDS}\n")
    for path in filter(os.path.exists, ("/etc/subuid", "/etc/subgid")):
        subprocess.run(["mount", "--bind", f.name, path], check=True)
    os.unlink(f.name)


def outside():
    """What to put before a command that wants the network this test was started with."""
    number = os.environ.get("SETT_OWN_NAMESPACES")
    return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{number}", "--"] if number else []


def suite_here():
    with open("/etc/os-release", encoding="utf-8") as f:
        return re.search(r"VERSION_CODENAME=(\w+)", f.read())[1]


def mirror():
    """Where this machine has its Debian from."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Label: Debian"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return next((line.split()[0] for line in lines if line.endswith(" " + suite_here())), "http://deb.debian.org/debian")


def make_root(path, packages, suite=None, variant="essential", drop=DROP):
    """A Debian with these packages: a folder, or a tar if the path ends so."""
    subprocess.run([*outside(), "mmdebstrap", "--quiet", f"--variant={variant}", f"--include={','.join(packages)}",
                    *(f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in drop), suite or suite_here(), path, mirror()], check=True)


def unpack(tar, root):
    """As `pct create` does for an unprivileged container: by mapped ids, without the device files."""
    os.makedirs(root)
    os.chown(root, FIRST_ID, FIRST_ID)
    ids = f"b:0:{FIRST_ID}:{IDS}"
    subprocess.run(["lxc-usernsexec", "-m", ids, "--", "tar", "--extract", "--file", "-", "--zstd", "--preserve-permissions", "--numeric-owner",
                    "--anchored", "--exclude", "./dev/*", "--directory", root] if tar.endswith(".zst") else
                   ["lxc-usernsexec", "-m", ids, "--", "tar", "-xpf", "-", "--numeric-owner", "--anchored", "--exclude", "./dev/*", "-C", root],
                   stdin=open(tar, "rb"), check=True)


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def image_here():
    """The image of this tree for this machine's release (make image-here)."""
    return glob.glob(os.path.join(TOP, "build/image/here/debian-*-sett_*_amd64.tar.zst"))[0]


def created_image(top, name, network, tar=None, **more):
    """A machine from the image as `pct create --unprivileged 1 --features nesting=1` leaves it, not started yet."""
    root = os.path.join(top, f"{name}.root")
    unpack(tar or image_here(), root)
    machine = Machine(top, root, name, network, unprivileged=True, **more)
    for path in ("etc/machine-id", "var/lib/dbus/machine-id"):
        if os.path.lexists(machine.path(path)):
            os.unlink(machine.path(path))
    machine.put("etc/systemd/system-preset/00-pve.preset", "disable systemd-networkd.service\n")
    machine.put("etc/resolv.conf", "nameserver 127.0.0.1\n")
    os.symlink("/usr/share/zoneinfo/Europe/Berlin", machine.path("etc/localtime.new"))
    os.rename(machine.path("etc/localtime.new"), machine.path("etc/localtime"))
    return machine


def booted_image(top, name, network, tar=None, before=None, **more):
    """And after `pct start` and its first boot. before(machine): what somebody puts there before it is started."""
    machine = created_image(top, name, network, tar, **more)
    if before:
        before(machine)
    machine.boot()
    return machine


class Machine:
    """One machine. network: "empty", or a number below 250: then it is 10.88.NUMBER.2 at the end of a cable whose other
    end, 10.88.NUMBER.1, is the test's, and /etc/network/interfaces says so, or dhcp does. unprivileged: the root is one of
    unpack(). nesting: without it a unit gets no view of its own of the file system, as in such a container of Proxmox VE."""

    def __init__(self, top, root, name, network="empty", nesting=True, unprivileged=False, hosts="", mounts=(), dhcp=False):
        self.top, self.root, self.name, self.up = os.path.join(top, name), root, f"{name}-{os.getpid()}", False
        self.first, self.dhcp, self.leases = FIRST_ID if unprivileged else 0, dhcp, None
        self.cable, self.address = (None, None) if network == "empty" else (f"sett{network}", f"10.88.{network}.2")
        os.makedirs(self.top)
        self.put("etc/hostname", name + "\n")
        self.put("etc/hosts", f"127.0.0.1 localhost {name} {hosts}\n")
        lines = [f"lxc.uts.name = {name}", f"lxc.rootfs.path = dir:{root}", "lxc.init.cmd = /sbin/init", "lxc.apparmor.profile = unconfined",
                 "lxc.mount.auto = proc:rw sys:rw", "lxc.mount.entry = cgroup2 sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec 0 0",
                 "lxc.autodev = 1", "lxc.tty.max = 0", "lxc.pty.max = 64", f"lxc.console.logfile = {self.top}/console"]
        if unprivileged:
            lines += [f"lxc.idmap = {kind} 0 {FIRST_ID} {IDS}" for kind in "ug"]
        if not nesting:
            put(os.path.join(self.top, "seccomp"), NO_NESTING)
            lines += [f"lxc.seccomp.profile = {self.top}/seccomp"]
        if self.cable:
            lines += ["lxc.net.0.type = veth", f"lxc.net.0.veth.pair = {self.cable}", "lxc.net.0.name = eth0", "lxc.net.0.flags = up"]
            self.put("etc/network/interfaces", "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet "
                     + ("dhcp\n" if dhcp else f"static\n\taddress {self.address}/24\n\tgateway 10.88.{network}.1\n"))
        else:
            lines += ["lxc.net.0.type = empty"]
        lines += [f"lxc.mount.entry = {entry}" for entry in mounts]
        put(os.path.join(self.top, "config"), "\n".join(lines) + "\n")

    def put(self, name, text, mode=0o644):
        """A file inside, root's there."""
        missing, folder = [], os.path.dirname(self.path(name))
        while not os.path.exists(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        put(self.path(name), text, mode)
        for path in [*missing, self.path(name)]:
            os.chown(path, self.first, self.first)

    def start(self):
        self.up = True
        subprocess.run(["lxc-start", "-P", self.top, "-n", self.name, "-f", os.path.join(self.top, "config"), "-d"], check=True)
        if self.cable:
            for argv in (["ip", "address", "replace", self.address[:-1] + "1/24", "dev", self.cable], ["ip", "link", "set", self.cable, "up"]):
                subprocess.run(argv, check=True)
        if self.dhcp:
            self.leases = subprocess.Popen(["dnsmasq", "--conf-file=/dev/null", "--no-daemon", "--port=0", "--user=root", f"--interface={self.cable}", "--bind-interfaces",
                                            f"--dhcp-range={self.address},{self.address},1h", f"--dhcp-leasefile={self.top}/leases"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def boot(self):
        self.start()
        wait_for(lambda: self.run("systemctl", "is-system-running")[1].strip() in ("running", "degraded"), "systemd is up", 90, 0.3)

    def run(self, *argv, stdin=None, timeout=240):
        """In there, as root: exit code, output, errors."""
        done = subprocess.run(["lxc-attach", "-P", self.top, "-n", self.name, "--clear-env", "-v", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "--", *argv],
                              input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout, done.stderr

    def must(self, *argv, **more):
        code, out, said = self.run(*argv, **more)
        if code != 0:
            raise AssertionError(f"{' '.join(argv)}: exit {code}\n{out}{said}")
        return out

    def sett(self, *words):
        return self.must("sett", *words)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def active(self, unit):
        return self.run("systemctl", "is-active", unit)[1].strip()

    def journal(self, *words):
        return self.run("journalctl", *(words or ("-u", "sett-*")), "-n", "60", "--no-pager")[1]

    def console(self):
        """What was said on its console since it exists."""
        with open(os.path.join(self.top, "console"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def halt(self, gently=False):
        """Switched off; gently: shut down by its own init first."""
        if self.up:
            subprocess.run(["lxc-stop", "-P", self.top, "-n", self.name, *(("-t", "60") if gently else ("-k",))], capture_output=True, check=False)
            self.up = False
        if self.leases:
            self.leases.terminate()
            self.leases.wait(10)
            self.leases = None
