#!/usr/bin/env python3
"""Marked secrets in every place where one is kept, and marked data of a customer and of a tenant's files: none can be read
where it does not belong, as it is, in hex, in base64 or pressed: not in a snapshot's file or a half of one, not in logs,
lists, jobs, the audit, not in arguments or environments of processes, not in what a killed worker or restore leaves behind.
Speaks TAP."""
import base64
import glob
import gzip
import os
import random
import re
import signal
import string
import subprocess
import sys
import tempfile
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for

FILES = 200  # of a tenant, each with a canary of its own
ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"


class Canaries:
    """What was planted: text -> (what it is, where it may be read)."""

    def __init__(self):
        self.planted, self.needles = {}, None

    def new(self, what, *places, prefix=""):
        core = "".join(random.choices(string.ascii_letters + string.digits, k=27))
        self.planted[core] = (what, places)
        return prefix + core

    def given(self, text, what, *places):
        """One that the box made itself."""
        self.planted[text] = (what, places)

    def forms(self):
        """A file of all that they may look like, for grep."""
        if self.needles is None:
            self.needles = {}
            for core in self.planted:
                raw = core.encode()
                forms = [raw, raw.hex().encode(), raw.hex().upper().encode()]
                for shift in range(3):  # whatever stands before it: what lies within whole groups of three bytes
                    body = base64.b64encode(bytes(shift) + raw)[4 if shift else 0:-4]
                    forms += [body, body.translate(bytes.maketrans(b"+/", b"-_"))]
                self.needles.update((form, core) for form in forms)
            self.file = tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else "/var/tmp")
            self.file.write(b"".join(form + b"\n" for form in self.needles))
            self.file.flush()
        return self.file.name

    def look(self, data):
        """The canaries that can be read in these bytes."""
        done = subprocess.run(["grep", "-aoFf", self.forms()], input=data, capture_output=True, env={"LC_ALL": "C"})
        return {self.needles[line] for line in done.stdout.splitlines()}

    def in_files(self, tops):
        """(path, canary) of all that can be read below these folders, pressed or not; how many files there are."""
        done = subprocess.run(["grep", "-raZoFf", self.forms(), *tops], capture_output=True, env={"LC_ALL": "C"})
        found = set()
        for line in done.stdout.splitlines():
            path, _, text = line.partition(b"\0")
            found.add((os.fsdecode(path), self.needles[text]))
        paths = [os.path.join(folder, name) for top in tops for folder, _, names in os.walk(top) for name in names]
        paths += [top for top in tops if os.path.isfile(top)]
        for path in paths:
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except OSError:
                continue
            for press in (GZIP, ZSTD):
                at = data.find(press)
                while at != -1:
                    found |= {(path, core) for core in self.look(unpressed(data[at:], press))}
                    at = data.find(press, at + 1)
            found |= {(path, core) for core in self.planted if core in path}
        return found, len(paths)


def unpressed(data, press):
    if press == ZSTD:
        return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True).stdout
    try:
        return zlib.decompressobj(31).decompress(data, 64 << 20)
    except zlib.error:
        return b""


class Processes(threading.Thread):
    """Arguments and environments of all processes, again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.stop, self.cores = {}, threading.Event(), set()

    def run(self):
        while not self.stop.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    for kind in ("cmdline", "environ"):
                        with open(f"/proc/{pid}/{kind}", "rb") as f:
                            self.seen.setdefault((kind, pid, f.read()))
                    with open(f"/proc/{pid}/limits", encoding="ascii") as f, open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                        core = next(line.split()[4] for line in f if line.startswith("Max core file size"))
                        self.cores.add((name.read().strip(), core))
                except (OSError, StopIteration):
                    pass


def everything(tap, canaries, box, when, *more):
    """All files of the box, and those of ${more}; temporary ones, too."""
    found, count = canaries.in_files([box.root, *more])
    wrong = set()
    for path, core in found:
        what, places = canaries.planted[core]
        where = os.path.relpath(path, box.root)
        if not any(where.startswith(p) for p in places):
            wrong.add(f"{what}: in {where}")
    found = {core for _path, core in found}
    tap.ok(not wrong, f"{when}: none of {len(canaries.planted)} can be read in {count} files", "\n".join(sorted(wrong)))
    return [canaries.planted[core][0] for core in found]


def plant(tap, box, canaries, vault):
    for row in box.json("secret", "list")["data"]:
        value = canaries.new(row["name"], prefix="rk_test_" if row["name"] == "stripe.secret_key" else "whsec_" if "webhook" in row["name"] else "")
        box.sett("secret", "set", row["name"], "--value-file", "-", stdin=value)
    key = box.json("key", "create", "canary", "--user", "admin", "--role", "viewer")
    canaries.given(key["key"].split("_")[-1] if "key" in key else key["token"], "an API key")
    canaries.given(box.password(), "the administrator's password", "admin-password")
    user = canaries.new("a user's password")
    box.sett("user", "create", "ann", "operator", "--password-file", "-", stdin=user)
    private = ("var/lib/sett/live/db/", "var/lib/sett/.live", "var/lib/sett/live.")
    box.sett("customer", "create", canaries.new("a customer's name", *private), "--email",
             canaries.new("a customer's address", *private).lower() + "@example.com", "--note", canaries.new("a note on a customer", *private))
    folder = os.path.join(box.root, "var/lib/sett/live/tenants/1/data/canaries")
    os.makedirs(folder)
    tenants = ("var/lib/sett/live/tenants/", "var/lib/sett/.live", "var/lib/sett/live.", "web/")
    for i in range(FILES):
        text = canaries.new("a tenant's file", *tenants).encode() * 3
        with open(os.path.join(folder, f"{i}"), "wb") as f:
            f.write(gzip.compress(text) if i % 3 == 0 else text)
    with open(os.path.join(folder, "bulk"), "wb") as f:
        f.write(os.urandom(12 << 20))
    with open(vault.secret, "rb") as f:
        canaries.given(f.read().decode(), "the secret of a bucket")
    os.unlink(vault.secret)
    tap.ok(len(canaries.planted) > FILES + 10, f"{len(canaries.planted)} are planted")


class Bucket:
    """tests/fake/s3.py, and the key that it knows."""

    def __init__(self, box):
        self.folder = tempfile.mkdtemp(prefix="sett-s3-")
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "fake", "s3.py"), self.folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.secret = os.path.join(box.root, "bucket.secret")
        with open(os.open(self.secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write("secret/of+the=test")
        box.sett("vault", "add", "bucket", "s3", f"http://127.0.0.1:{self.port}/snaps/box", "--region", "eu-test-1",
                 "--access-key", "AKTEST", "--secret-file", self.secret)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def loose_files():
    """Temporary ones that somebody left, and not in a folder of his own."""
    return [p for folder in ("/tmp", "/var/tmp") for p in glob.glob(folder + "/*") if os.path.isfile(p)]


def killed_in_the_middle(box):
    """A worker that dies with half a snapshot written: what lies there then."""
    place = os.path.join(box.root, "var/lib/sett/snapshots")
    started = box.json("snapshot", "create", "--full", "--no-wait")
    wait_for(lambda: [p for p in glob.glob(place + "/*.part") if os.path.getsize(p) > 1 << 20], "half of it is there", 30, 0.005)
    os.kill(box.processes["run"].pid, signal.SIGSTOP)  # or it starts another one at once
    os.kill(box.worker(), signal.SIGKILL)
    return started


def killed_restore(box, path, secret):
    """A restore that dies once much of it is staged: only root, or whose box it is, may look into that."""
    process = subprocess.Popen([os.path.join(box.build, "sett-restore"), "--root", box.root, "--json", "restore", path, "--recovery-file", secret,
                                "--confirm=sett"], env=box.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    live = os.path.join(box.root, "var/lib/sett")
    staged = wait_for(lambda: process.poll() is not None or [p for p in glob.glob(live + "/live.*/.data/*") + glob.glob(live + "/.live*/.data/*")],
                      "something is staged", 30, 0.002)
    process.kill()
    process.wait()
    return [os.path.dirname(os.path.dirname(p)) for p in staged] if isinstance(staged, list) else []


def main():
    tap, canaries, box = Tap(), Canaries(), Box()
    before = set(loose_files())
    vault = Bucket(box)
    processes = Processes()
    try:
        box.run()
        secret = os.path.join(box.root, "recovery-secret")
        box.sett("recovery", "init", "--secret-file", secret)
        with open(secret, encoding="utf-8") as f:
            canaries.given(re.search(r"SETT-RECOVERY-1(\w+)", f.read().upper()).group(1), "the recovery secret", "recovery-secret")
        local = os.path.join(box.root, "vault")
        os.mkdir(local, 0o700)
        box.sett("vault", "add", "local", "folder", local)
        box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
        plant(tap, box, canaries, vault)
        processes.start()
        box.sett("snapshot", "create", "--wait")

        def more():
            return [vault.folder, *(p for p in loose_files() if p not in before)]
        allowed = everything(tap, canaries, box, "a snapshot in two vaults", *more())
        tap.ok(allowed.count("a tenant's file") == FILES and {"a customer's name", "a note on a customer", "the recovery secret"} <= set(allowed),
               "while they are found where they belong, pressed ones, too", allowed)
        box.sett("snapshot", "create", "--wait")
        killed_in_the_middle(box)
        everything(tap, canaries, box, "a worker killed with half of one", *more())
        os.kill(box.processes["run"].pid, signal.SIGCONT)
        wait_for(lambda: box.json("snapshot", "list")["data"][0]["state"] == "done", "it is done in the end", 60)
        box.sett("snapshot", "drill")
        wait_for(lambda: len([d for d in box.json("drill", "list")["data"] if d["passed"]]) >= 2, "both vaults are drilled", 60)
        everything(tap, canaries, box, "a drill", *more())
        said = "".join(box.sett(*words) for words in (
            ("audit", "list", "--limit", "100", "--json"), ("job", "list", "--limit", "100", "--json"), ("snapshot", "list", "--json"),
            ("vault", "list", "--json"), ("secret", "list", "--json"), ("key", "list", "--json"), ("setting", "list", "--json"),
            ("recovery", "list", "--json"), ("drill", "list", "--json"), ("alert", "list", "--json")))
        for job in box.json("job", "list", "--limit", "100")["data"]:
            said += box.sett("job", "show", job["id"], "--json")
        told = {canaries.planted[c][0] for c in canaries.look(said.encode())} - {"a customer's name"}
        tap.ok(not told, "nor in what audit, jobs and lists tell", told)
        dump = canaries.look(box.sett("db", "dump").encode())
        told = {canaries.planted[c][0] for c in dump if not canaries.planted[c][1]}
        tap.ok(not told, "nor in a dump of the store, where secrets are sealed", told)
        path = max(glob.glob(local + "/*.sett"), key=os.path.getmtime)
        staged = killed_restore(box, path, secret)
        modes = {oct(os.stat(p).st_mode & 0o777) for p in staged if os.path.isdir(p)}
        tap.ok(staged and modes <= {"0o700"}, "a restore killed while it unpacks: nobody else may look into what is staged", (staged, modes))
        everything(tap, canaries, box, "and outside of that nothing", *more())
        box.sett("restore", "status")
        processes.stop.set()
        processes.join()
        seen = {canaries.planted[c][0] for c in canaries.look(b"\n".join(data for _kind, _pid, data in processes.seen))}
        tap.ok(not seen and len(processes.seen) > 20, f"nor in {len(processes.seen)} arguments and environments of processes", seen)
        cores = {name for name, core in processes.cores if name.startswith("sett-") and core != "0"}
        tap.ok(not cores, "no program of the box leaves a core", cores)
    finally:
        processes.stop.set()
        box.close()
        vault.close()
    tap.done()


if __name__ == "__main__":
    main()
