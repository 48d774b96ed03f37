"""The hands of an installed box, alone with somebody who speaks as the worker: in a view of the file system of their own, so
that /var/lib/sett, /run/sett and /etc/sett are this test's; what they execute is noted (tests/evil/watch.c), and whoever
opens a file that they must never open is seen by inotify. Needs root."""
import ctypes
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from box import BUILD, TOP, wait_for

EVIL = os.path.join(TOP, "build", "evil")
CONF = """[web]
test = /opt/sett-evil/web-test -q
[hands]
cloudflared = /opt/sett-evil/cloudflared
supervisor = child
"""
BLUEPRINT = """[blueprint]
title = Evil
runtime = process
command = /bin/busybox sleep 3600
health_path = /

[limits]
memory = 64M
pids = 16

[variables]
TENANT_NAME = A tenant
TENANT_URL =
TENANT_HOSTNAME =

[volumes]
data = /data

[init]
command = /bin/busybox echo init

[backup]
before = /bin/busybox echo before
after = /bin/busybox echo after
pause = yes
command_s = 5
hold_s = 1
"""
OPEN, MODIFY, CREATE, DELETE, MOVED, ATTRIB = 0x20, 0x2, 0x100, 0x200, 0xc0, 0x4


def own_view(script):
    """Once more, in a namespace of mounts of its own, with the folders of an installed box empty and ours."""
    if not os.environ.get("SETT_EVIL"):
        os.environ["SETT_EVIL"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, os.path.abspath(script), *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for folder in ("/var/lib/sett", "/run/sett", "/etc/sett", "/usr/share/sett", "/opt/sett-evil"):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)


class Opened:
    """Who opens one of these files, or something in one of these folders."""

    def __init__(self, *paths):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {libc.inotify_add_watch(self.fd, p.encode(), OPEN | MODIFY | CREATE | DELETE | MOVED | ATTRIB): p for p in paths}

    def seen(self):
        out = set()
        try:
            data = os.read(self.fd, 1 << 20)
        except BlockingIOError:
            return out
        at = 0
        while at + 16 <= len(data):
            watch, mask, _, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16:at + 16 + length].rstrip(b"\0").decode(errors="replace")
            out.add(f"{self.names.get(watch, '?')}{'/' + name if name else ''} {mask:#x}")
            at += 16 + length
        return out


class Hands:
    def __init__(self, build=BUILD):
        self.build, self.top = build, tempfile.mkdtemp(prefix="sett-evil-")
        os.chmod(self.top, 0o755)
        self.execs, self.process, self.begun = os.path.join(self.top, "execs"), None, 0
        self.uid = self.users()
        os.makedirs("/etc/sett/blueprints")
        for name in os.listdir(os.path.join(TOP, "appliance/blueprints")):
            if name.endswith(".conf"):
                shutil.copy(os.path.join(TOP, "appliance/blueprints", name), "/etc/sett/blueprints")
        shutil.copytree(os.path.join(TOP, "appliance/blueprints"), "/usr/share/sett/blueprints")
        self.put("/etc/sett/blueprints/evil.conf", BLUEPRINT)
        self.put("/etc/sett/sett.conf", CONF)
        self.put("/opt/sett-evil/web-test", "#!/bin/sh\nexit 0\n", 0o755)
        self.put("/opt/sett-evil/cloudflared", "#!/bin/sh\ncase \"$1\" in --version) echo cloudflared version 2026.1.0; exit;; esac\nexec /bin/busybox sleep 3600\n", 0o755)
        # The store, which they may not open, and files outside of all that is theirs, to which links lead.
        self.put("/var/lib/sett/live/db/data.mdb", "the store\n")
        self.put("/var/lib/sett/live/db/lock.mdb", "its lock\n")
        self.put("/var/lib/sett/live/keys/vault.key", "a key\n")
        self.put("/opt/sett-evil/canary/file", "nobody reads or writes this\n")
        self.put("/opt/sett-evil/canary/.log", "nor this\n", 0o600)
        self.links()
        self.opened = Opened("/var/lib/sett/live/db/data.mdb", "/var/lib/sett/live/db/lock.mdb", "/var/lib/sett/live/keys/vault.key",
                             "/opt/sett-evil/canary", "/opt/sett-evil/canary/file", "/opt/sett-evil/canary/.log")

    @staticmethod
    def put(path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def users(self):
        """Numbers for sett and sett-front that nobody has."""
        with open("/etc/passwd", encoding="utf-8") as f:
            text = f.read()
        for name, uid in (("sett", 64001), ("sett-front", 64002)):
            text = re.sub(rf"^{name}:.*\n", "", text, flags=re.M) + f"{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n"
        path = os.path.join(self.top, "passwd")
        self.put(path, text)
        subprocess.run(["mount", "--bind", path, "/etc/passwd"], check=True)
        return {"sett": 64001, "sett-front": 64002}

    def links(self):
        """What a tenant can do in its own folder, and what whoever broke into the worker can leave in the worker's."""
        for number in range(1, 7):
            folder = f"/var/lib/sett/live/tenants/{number}"
            for volume in ("site", "data"):
                os.makedirs(os.path.join(folder, volume), exist_ok=True)
                os.chown(os.path.join(folder, volume), 200000 + number, 200000 + number)
                for name, to in (("out", "/opt/sett-evil/canary/file"), ("outside", "/opt/sett-evil/canary"), ("up", "../../../db/data.mdb"), ("self", "self")):
                    if not os.path.lexists(os.path.join(folder, volume, name)):
                        os.symlink(to, os.path.join(folder, volume, name))
            os.chown(folder, 200000 + number, 200000 + number)
            os.chmod(folder, 0o700)
            if number == 6:
                os.symlink("/opt/sett-evil/canary/file", os.path.join(folder, ".log"))
        shutil.rmtree("/var/lib/sett/live/tenants/5")  # a link where a tenant's folder is expected
        os.symlink("/opt/sett-evil/canary", "/var/lib/sett/live/tenants/5")

    def start(self):
        self.begun += 1
        env = dict(os.environ, ASAN_OPTIONS=f"detect_leaks=0:log_path={self.top}/sanitizer", UBSAN_OPTIONS=f"print_stacktrace=1:log_path={self.top}/sanitizer")
        self.process = subprocess.Popen([os.path.join(EVIL, "watch"), self.execs, os.path.join(self.build, "sett-hands")], env=env,
                                        stderr=open(os.path.join(self.top, "log"), "ab"), start_new_session=True)
        wait_for(lambda: os.path.exists("/run/sett/hands.sock") and (self.process.poll() is None or self.died()), "the hands listen", 30)

    def died(self):
        with open(os.path.join(self.top, "log"), "rb") as f:
            raise AssertionError(f"the hands ended with {self.process.returncode}\n{f.read()[-3000:].decode(errors='replace')}")

    def pid(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as f:
            return int(f.read().split()[0])

    def spoken(self):
        """Kept short: what is cut off is logged, millions of times."""
        path = os.path.join(self.top, "log")
        if os.path.getsize(path) > 64 << 20:
            os.truncate(path, 0)

    def attack(self, count, seed, user="sett", threads=40, shaped=2500):
        """Requests by somebody of this name, the hands being begun anew whenever one ends them."""
        argv = ["setpriv", f"--reuid={self.uid[user]}", f"--regid={self.uid[user]}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--",
                os.path.join(EVIL, "evil"), "/run/sett/hands.sock", str(count), str(seed), str(threads), str(shaped)]
        attacker = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while attacker.poll() is None:
            try:
                attacker.wait(0.5)
            except subprocess.TimeoutExpired:
                pass
            self.spoken()
            if self.process.poll() is not None:
                if self.process.returncode != 0:
                    self.died()
                self.start()
        out, said = attacker.communicate()
        return attacker.returncode, out.strip() + said.strip()

    def executed(self):
        """What was executed and is not in the golden list; which of its lines were not seen."""
        with open(os.path.join(TOP, "tests/evil/golden.txt"), encoding="utf-8") as f:
            golden = [line.rstrip("\n") for line in f if not line.startswith("#")]
        with open(self.execs, encoding="utf-8", errors="replace") as f:
            seen = {line.rstrip("\n").replace("\t", " ") for line in f}
        count = sum(1 for _ in open(self.execs, "rb"))
        strange = sorted(s for s in seen if not any(re.fullmatch(g.lstrip("?"), s) for g in golden))
        return count, strange, [g for g in golden if g[0] != "?" and not any(re.fullmatch(g, s) for s in seen)]

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.pid(), signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.returncode

    def sanitizer(self):
        return [open(os.path.join(self.top, n), encoding="utf-8", errors="replace").read()[-3000:] for n in os.listdir(self.top) if n.startswith("sanitizer")]
