#!/usr/bin/env python3
"""What a person at a terminal sees of snapshots and restores: one line that says how far it is, as wide as the terminal;
plain lines where nothing can be drawn; what Ctrl-C leaves; what is asked before a box is replaced. Speaks TAP."""
import fcntl
import glob
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from restores import live

BYTES = 96 << 20


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, box, words, width=80, env=None):
        self.said = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {k: v for k, v in box.env.items() if k != "NO_COLOR"}
            environment.update({"TERM": "xterm", **(env or {})})
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
            os.execve(os.path.join(box.build, "sett"), ["sett", "--root", box.root, *words], environment)

    def read(self, until=None, seconds=60):
        """All that is said until `until` is in it (True), or until it ends (False)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if until is not None and re.search(until.encode(), self.said):
                return True
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                return False
            self.said += data
        raise AssertionError(f"not in {seconds} s: {until}\n{self.text()}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit code, after all that it still says."""
        self.read()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def text(self):
        return self.said.decode(errors="replace")

    def drawn(self):
        """The lines that were drawn over one another."""
        return [part.split("\x1b[K")[0] for part in self.text().split("\r") if re.search(r"%|MiB", part.split("\x1b[K")[0]) and "\x1b[K" in part]


class Slow:
    """Processes that run a small part of the time, so that what they do can be watched on any machine."""

    def __init__(self, pids):
        self.pids, self.over = pids, threading.Event()
        self.thread = threading.Thread(target=self.go)

    def go(self):
        while not self.over.wait(0.004):
            pids = self.pids()
            self.send(pids, signal.SIGSTOP)
            time.sleep(0.04)
            self.send(pids, signal.SIGCONT)

    @staticmethod
    def send(pids, what):
        for pid in pids:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                pass

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def worker(box):
    pid = box.worker()
    return Slow(lambda: [pid])


def below(pid):
    """The processes that ${pid} started, themselves and theirs."""
    found = [int(p) for p in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()]
    return found + [p for child in found for p in below(child)]


def prepare(box, folder):
    secret = os.path.join(folder, "secret")
    vault = os.path.join(folder, "vault")
    os.makedirs(vault)
    box.sett("recovery", "init", "--secret-file", secret)
    box.sett("vault", "add", "local", "folder", vault)
    box.sett("setting", "set", "snapshot.keep_last", "100")  # no removal comes in between
    box.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
    data = glob.glob(os.path.join(live(box), "tenants", "*", "*"))[0]
    with open(os.path.join(data, "large"), "wb") as f:
        for _ in range(BYTES >> 20):
            f.write(os.urandom(1 << 20))
    return secret, vault


def snapshots(tap, box):
    box.sett("snapshot", "create", "--wait")  # how much there is to write is known from the one before
    for width in (80, 40):
        with worker(box):
            t = Terminal(box, ["snapshot", "create", "--full", "--wait"], width)
            tap.equal(t.end(), 0, f"a snapshot, on a terminal of {width} columns")
        lines = t.drawn()
        tap.ok(lines and all(len(line) < width for line in lines), "one line is drawn over and over, and fits", lines or t.text())
        whole = r"^  write  #+\.*  +\d+ %  [\d.]+ MiB of [\d.]+ MiB  [\d.]+ .iB/s  \S+( s)? left$"
        wanted = whole if width == 80 else r"^  write .*%  .*left$"
        tap.ok(any(re.match(wanted, line) for line in lines), "it says what, how much of how much, how fast and how long yet", lines)
        tap.ok("begin" in t.text() and "✓" in t.text(), "and the steps stand above it", t.text())
    for env, what in (({"NO_COLOR": "1"}, "NO_COLOR"), ({"TERM": "dumb"}, "a dumb terminal")):
        t = Terminal(box, ["snapshot", "create", "--wait"], env=env)
        tap.ok(t.end() == 0 and "\x1b[" not in t.text() and not re.search(r"\r(?!\n)", t.text()) and "write" in t.text(), f"{what}: plain lines", repr(t.text()[:2000]))
    code, _, said = box.sett("snapshot", "create", "--wait", ok=False)
    tap.ok(code == 0 and "\r" not in said and "\x1b" not in said and "write" in said, "into a pipe: the same", repr(said))

    with worker(box):
        t = Terminal(box, ["snapshot", "create", "--full", "--wait"])
        tap.ok(t.read("write  "), "another one begins")
        t.type("\x03")
        tap.equal(t.end(), 130, "Ctrl-C: 130")
    job = re.search(r"the job goes on: sett --root \S+ job watch (job_\w+)", t.text())
    if tap.ok(job, "and it says how to follow what goes on", t.text()):
        wait_for(lambda: box.json("job", "show", job[1])["state"] == "done", "the job ends", 60)
        tap.ok(True, "which ends well")


def restores(tap, box, secret, path):
    words = ["restore", path, "--recovery-file", secret]
    ino = os.stat(live(box)).st_ino

    def same():
        return os.stat(live(box)).st_ino == ino and box.alive() and not os.path.exists(live(box) + ".staging")

    box.sett("customer", "create", "Ann Example")
    box.sett("tenant", "create", "bravo", "--plan", "demo", "--wait")
    for wrong in ("yes", "", "no", "sett"):
        t = Terminal(box, words)
        with Slow(lambda t=t: below(t.pid)):
            tap.ok(t.read("Type YES"), "it asks")
        if wrong == "yes":
            said = t.text()
            tap.ok(re.search(r"1 tenant: bravo\b", said) and "Ann Example" in said and "audit records" in said, "after saying what is lost", said)
            tap.ok(any("unpacking and checking" in line and "left" in line for line in t.drawn()), "and having drawn how far it was", t.text())
        t.type(wrong + "\n")
        tap.ok(t.end() == 2 and "nothing was changed" in t.text() and same(), f"\"{wrong}\" is not YES", t.text())
    t = Terminal(box, words)
    t.read("Type YES")
    t.type("\x03")
    tap.ok(t.end() == 130 and "nothing was changed" in t.text() and same(), "Ctrl-C where it asks", t.text())
    t = Terminal(box, words)
    with Slow(lambda: below(t.pid)):
        tap.ok(t.read(r"unpacking and checking +#?"), "Ctrl-C while it unpacks")
        t.type("\x03")
        code = t.end()
    tap.ok(code == 130 and "nothing was changed" in t.text() and same(), "changes nothing either", t.text())
    t = Terminal(box, words + ["--dry-run"], 40)
    tap.ok(t.end() == 0 and "Type YES" not in t.text() and all(len(line) < 40 for line in t.drawn()) and same(), "--dry-run asks nothing", t.text())

    began = time.monotonic()
    code, _, said = box.sett(*words, ok=False)
    tap.ok(code == 2 and "--confirm=sett" in said and "Unpacking" not in said and time.monotonic() - began < 5, "nobody there to ask: refused at once, with the way", said)
    code, _, said = box.sett(*words, "--confirm=YES", ok=False)
    tap.ok(code == 2 and "not the name of the box" in said and same(), "--confirm takes the name and nothing else", said)

    # An ssh session that is cut: the restore goes on.
    t = Terminal(box, words)
    t.read("Type YES")
    t.type("YES\n")
    t.read("Waiting for")
    os.close(t.fd)
    os.kill(t.pid, signal.SIGHUP)
    code = os.waitstatus_to_exitcode(os.waitpid(t.pid, 0)[1])
    wait_for(box.alive, "the box answers", 60)
    tap.ok(code in (0, 1) and os.stat(live(box)).st_ino != ino and [x["name"] for x in box.json("tenant", "list")["data"]] == ["alpha"],
           "a terminal that goes away after YES leaves a box that is restored", code)
    said = box.sett("restore", "status")
    tap.ok("sagas are paused" in said and "restore resume" in said and "rollback" in said, "status says what to do next", said)
    code, _, why = box.sett("restore", "rollback", "--no-input", ok=False)
    tap.ok(code == 2 and "--confirm=rollback" in why, "the way back is not gone without a word for it", why)
    t = Terminal(box, ["restore", "commit"])
    t.read("Type YES")
    t.type("no\n")
    tap.ok(t.end() == 2 and "Nothing was changed" in t.text(), "nor is its end", t.text())
    t = Terminal(box, ["restore", "rollback"])
    t.read("Type YES")
    t.type("YES\n")
    tap.ok(t.end() == 0 and "as it was before" in t.text(), "and back", t.text())
    wait_for(box.alive, "the box answers", 60)
    said = box.sett("restore", "status")
    tap.ok("never restored" in said, "as if nothing had been", said)


def main():
    tap = Tap()
    box = Box()
    try:
        with tempfile.TemporaryDirectory(prefix="sett-terminal-") as folder:
            box.run()
            secret, vault = prepare(box, folder)
            with tap.part("snapshots"):
                snapshots(tap, box)
            path = sorted(glob.glob(vault + "/*.sett"))[-1]
            with tap.part("restores"):
                restores(tap, box, secret, path)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
