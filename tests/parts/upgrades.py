"""A box below a folder with a package manager and a service manager of the test's, for `sett upgrade`: the programs run
from `current`, are begun anew when they end, masked, stopped and started as systemctl says, and the whole machine can
go down and boot."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from box import TOP, Box, wait_for

CRASH = os.path.join(TOP, "build", "crash")
NEXT = os.path.join(CRASH, "next")
TOOLS = ("dpkg", "dpkg-deb", "dpkg-query", "apt-get", "apt-cache", "apt-mark", "systemctl", "sett-package")
UNITS = {f"sett-{name}.service": name for name in ("hands", "worker", "front")}


class Manager(threading.Thread):
    """Service manager: one process a unit."""

    def __init__(self, box, folder):
        super().__init__(daemon=True)
        self.box, self.folder, self.lock = box, folder, threading.RLock()
        self.processes, self.wanted, self.masked, self.restarts = {}, set(), set(), {}
        self.over = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, "systemctl"))
        self.listener.listen(16)
        self.listener.settimeout(0.05)
        self.start()

    def run(self):
        while not self.over:
            try:
                peer, _ = self.listener.accept()
            except TimeoutError:
                self.look()
                continue
            with peer:
                words = json.loads(peer.makefile().readline())
                with self.lock:
                    code, out = self.act(words)
                peer.sendall(json.dumps({"code": code, "out": out}).encode() + b"\n")

    def act(self, words):
        units = [w for w in words if w.startswith("sett-")]
        if words[0] == "show" and "NRestarts" in words:
            return 0, f"{self.restarts.get(units[0], 0)}\n"
        if words[0] == "show":
            return 0, (f"LoadState=loaded\nActiveState={'active' if units[0] in self.wanted else 'inactive'}\n" if units[0] in UNITS
                       else "LoadState=not-found\nActiveState=inactive\n")
        if words[0] in ("mask", "unmask"):
            (self.masked.update if words[0] == "mask" else self.masked.difference_update)(units)
        elif words[0] == "stop":
            for unit in units:
                self.end(unit, signal.SIGTERM)
        elif words[0] == "start":
            for unit in units:
                if unit not in self.masked:
                    self.wanted.add(unit)
                    self.begin(unit)
        return 0, ""

    def begin(self, unit):
        if unit in self.processes:
            return
        log = open(os.path.join(self.box.root, f"{UNITS[unit]}.log"), "ab")
        self.processes[unit] = subprocess.Popen([os.path.join(self.folder, "current", unit[:-8]), "--root", self.box.root],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.box.env, start_new_session=True)

    def end(self, unit, number):
        self.wanted.discard(unit)
        process = self.processes.pop(unit, None)
        if process:
            process.send_signal(number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)

    def look(self):
        with self.lock:
            for unit in [u for u, p in self.processes.items() if p.poll() is not None]:
                del self.processes[unit]
                if unit in self.wanted:
                    self.restarts[unit] = self.restarts.get(unit, 0) + 1
                    self.begin(unit)

    def down(self):
        """The power goes: everything of the box ends at once, and what was only masked at run time is not any more."""
        with self.lock:
            for unit in list(self.processes):
                self.end(unit, signal.SIGKILL)
            self.masked.clear()

    def close(self):
        self.down()
        self.over = True
        self.join(5)
        self.listener.close()


class Upgraded:
    def __init__(self, conf=""):
        self.box = Box(build=CRASH)
        self.folder = os.path.join(self.box.root, "manager")
        os.makedirs(os.path.join(self.folder, "tools"))
        lines = "\n[upgrade]\nwait_s = 5\n" + f"sett = {self.folder}/current/sett\n"
        for name in TOOLS:
            path = os.path.join(self.folder, "tools", name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(f'#!/bin/sh\nexec {sys.executable} -S -E {TOP}/tests/fake/packages.py {self.folder} {name} "$@"\n')
            os.chmod(path, 0o755)
            lines += f"{name} = {path}\n"
        with open(os.path.join(self.box.root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
            f.write(lines + conf)
        self.packages = {v: self.package(v, p) for v, p in (("0.1", CRASH), ("0.2", NEXT), ("0.1.5", CRASH))}
        os.symlink(CRASH, os.path.join(self.folder, "current"))
        with open(os.path.join(self.folder, "installed"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"version": "0.1", "programs": CRASH}))
        self.manager = Manager(self.box, self.folder)
        self.boot()

    def package(self, version, programs, **more):
        path = os.path.join(self.folder, f"sett_{version}{'-odd' if more else ''}.deb")
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(dict(version=version, programs=programs, **more)))
        return path

    def odd(self, version, programs, worker):
        """Programs like those of a folder, with a worker that is a script."""
        folder = os.path.join(self.folder, f"odd-{version}-{time.monotonic_ns()}")
        os.makedirs(folder)
        for name in os.listdir(programs):
            if name.startswith("sett"):
                os.symlink(os.path.join(programs, name), os.path.join(folder, name))
        os.unlink(os.path.join(folder, "sett-worker"))
        with open(os.path.join(folder, "sett-worker"), "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + worker.replace("WORKER", os.path.join(programs, "sett-worker")))
        os.chmod(os.path.join(folder, "sett-worker"), 0o755)
        return self.package(version, folder, odd=True)

    def boot(self):
        """All units, as a boot starts them: behind what leads an upgrade, where one is unfinished."""
        leader = None
        if os.path.exists(self.path("state")):
            leader = subprocess.Popen([self.path("leader"), "--root", self.box.root], env=self.box.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, start_new_session=True)
            leader.wait(90)
        with self.manager.lock:
            self.manager.act(["start", *UNITS])
        wait_for(self.well, "the box is well", 20)
        return leader

    def path(self, name):
        return os.path.join(self.box.root, "var/lib/sett/upgrade", name)

    def sett(self, *words, env=None, ok=True):
        done = subprocess.run([os.path.join(self.folder, "current", "sett"), "--root", self.box.root, *words], env=dict(self.box.env, **(env or {})),
                              capture_output=True, text=True, timeout=120)
        if ok and done.returncode != 0:
            raise AssertionError(f"sett {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return (done.returncode, done.stdout, done.stderr) if not ok else done.stdout

    def json(self, *words):
        return json.loads(self.sett(*words, "--json"))

    def upgrade(self, package, *words, env=None):
        return self.sett("upgrade", "--package", package, "--watch", "2", "--yes", *words, env=env, ok=False)

    def versions(self):
        """(package, schema) as they are."""
        with open(os.path.join(self.folder, "installed"), encoding="utf-8") as f:
            package = json.load(f)["version"]
        return package, self.json("db", "migrate", "--dry-run")["from"]

    def well(self):
        code, out, _ = self.sett("--json", "doctor", ok=False)
        checks = {c["name"]: c["finding"] for c in json.loads(out)["checks"]} if out else {}
        return code in (0, 1) and all(checks.get(n) != "broken" for n in ("store", "worker", "hands", "front", "keys"))

    def close(self):
        self.manager.close()
        self.box.close()
