#!/usr/bin/env python3
"""A disk that is full, a vault that is full, a vault that goes away, at any moment of a snapshot; a disk that is full at
any moment of a restore. What was begun is done or has failed, says why, leaves nothing behind, and goes well once there is
room again. ROUNDS: how many of each. Speaks TAP."""
import ctypes
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import Box, Tap, wait_for
from restores import live

LIBC = ctypes.CDLL(None, use_errno=True)
ROUNDS = int(os.environ.get("ROUNDS", "60"))
SEED = int(os.environ.get("ROUNDS_SEED", str(random.randrange(1 << 32))))
FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"


class Disk:
    """A file system of its own, which can be filled to the last byte."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", path], check=True)

    def resize(self, size):
        return LIBC.mount(b"none", self.path.encode(), None, 32, f"size={size}".encode()) == 0  # 32: remount

    def fill(self, left=0):
        """In one step: from now on it is as large as what lies on it."""
        for _ in range(100):
            s = os.statvfs(self.path)
            if self.resize((s.f_blocks - s.f_bfree) * s.f_frsize + left):
                return

    def empty(self):
        self.resize(self.size)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)


def quiet(box):
    return not [j for j in box.json("job", "list", "--limit", "20")["data"] if j["state"] not in ("done", "undone", "stuck")]


def agree(box, vaults):
    wrong, known = [], {name: set() for name in vaults}
    ids = {v["id"]: v["name"] for v in box.json("vault", "list")["data"]}
    listed = box.json("snapshot", "list", "--limit", "100")["data"]
    for s in listed:
        for copy in s["copies"]:
            known[ids[copy["vault_id"]]].add(s["file"])
        if (s["state"], bool(s["copies"])) not in (("done", True), ("failed", False)) or (s["state"] == "failed" and not s["state_reason"]):
            wrong.append(f"{s['number']} is {s['state']} with {len(s['copies'])} copies: {s['state_reason']}")
    for name, folder in vaults.items():
        there = set(os.listdir(folder))
        if there != known[name]:
            wrong.append(f"{name}: {sorted(there ^ known[name])}")
        for file in there & {listed[0]["file"], listed[-1]["file"]}:
            code, _out, said = box.sett("snapshot", "verify", os.path.join(folder, file), ok=False)
            if code != 0:
                wrong.append(f"{file}: {said}")
    here = [n for n in os.listdir(os.path.join(box.root, "var/lib/sett/snapshots")) if n.endswith(".part") or n == "drill"]
    if here:
        wrong.append(f"left behind: {here}")
    code, out, said = box.sett("fsck", ok=False)
    return wrong + ([out + said] if code != 0 else [])


def settled(box, vaults):
    for _ in range(60):
        wrong = agree(box, vaults) if quiet(box) else ["jobs are under way"]
        if not wrong:
            break
        time.sleep(0.5)
    return wrong


def trouble(rng, took, begin, end):
    """It begins at some moment and is over a while later."""
    def run():
        time.sleep(rng.random() ** 2 * took)  # rather early
        begin()
        time.sleep(rng.choice((0.1, 1)) + rng.random() * took)
        end()
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def making(tap, rng, box, root, near, vaults):
    def away():
        os.rename(vaults["far"], vaults["far"] + "-away")

    def back():
        os.rename(vaults["far"] + "-away", vaults["far"])
    kinds = {"the disk is full": (lambda: root.fill(rng.choice((0, 0, 4096, 200000))), root.empty), "a vault is full": (near.fill, near.empty),
             "a vault goes away": (away, back)}
    box.sett("setting", "set", "snapshot.keep_daily", "--value", "0")
    took = 0
    for _ in range(4):
        began = time.monotonic()
        wait_for(lambda: box.sett("snapshot", "create", "--full", "--wait", ok=False)[0] == 0, "no removal is under way", 60)
        wait_for(lambda: quiet(box), "all is done", 60)
        took = max(took, time.monotonic() - began)
    for what, (begin, end) in kinds.items():
        bad, states = [], {}
        for i in range(ROUNDS):
            wait_for(lambda i=i: box.sett("snapshot", "create", "--no-wait", *(["--full"] if i % 2 else []), ok=False)[0] == 0, "no removal is under way", 60)
            thread = trouble(rng, took, begin, end)
            thread.join()
            wrong = settled(box, vaults)
            if wrong:
                bad.append((i, wrong))
            newest = box.json("snapshot", "list")["data"][0]
            states[(newest["state"], len(newest["copies"]))] = states.get((newest["state"], len(newest["copies"])), 0) + 1
        tap.ok(not bad, f"{what}, {ROUNDS} times: {states}", bad[:5])
        code, _out, said = box.sett("snapshot", "create", "--full", "--wait", ok=False)
        newest = box.json("snapshot", "list")["data"][0]
        tap.ok(code == 0 and newest["state"] == "done" and len(newest["copies"]) == 2, "with room again one is made, in both vaults", said or newest)


def restoring(tap, rng, box, root, secret):
    customers = box.json("customer", "list")["data"]
    path = max(glob.glob(os.path.join(box.root, "..", "far", "*.sett")), key=os.path.getmtime)
    for program in ("worker", "hands"):
        box.kill(program, signal.SIGTERM if program == "worker" else signal.SIGINT)
    box.sett("customer", "create", "newer")
    newer = box.json("customer", "list")["data"]
    words = [os.path.join(box.build, "sett-restore"), "--root", box.root, "--json", "restore", path, "--recovery-file", secret, "--confirm=sett"]
    began, bad, outcomes = time.monotonic(), [], {}
    done = subprocess.run(words, env=box.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    took = time.monotonic() - began
    tap.ok(done.returncode == 0, "restored where there is room", done.stderr)
    box.sett("restore", "rollback", "--confirm=rollback")
    for i in range(ROUNDS):
        thread = trouble(rng, took, lambda: root.fill(rng.choice((0, 4096, 4 << 20))), root.empty)
        done = subprocess.run(words, env=box.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        thread.join()
        have = box.json("customer", "list")["data"]
        which = "old" if have == newer else "new" if have == customers else "neither"
        outcomes[(done.returncode, which)] = outcomes.get((done.returncode, which), 0) + 1
        code, _, said = box.sett("fsck", ok=False)
        if code != 0 or which == "neither" or (done.returncode == 0) != (which == "new"):
            bad.append((i, which, done.returncode, done.stderr[-300:], said))
        if json.loads(box.sett("restore", "status", "--json"))["before"]:
            box.sett("restore", "rollback", "--confirm=rollback")
    tap.ok(not bad, f"the disk is full while it is restored, {ROUNDS} times: {outcomes}", bad[:5])
    left = [p for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))]
    if left:
        subprocess.run([*words[:-1], "--dry-run"], env=box.env, stdin=subprocess.DEVNULL, capture_output=True)
        left = [p for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))]
    tap.ok(not left, "nothing is left lying about", left)


def main():
    tap, rng = Tap(), random.Random(SEED)
    print(f"# ROUNDS_SEED={SEED}")
    folder = tempfile.mkdtemp(prefix="sett-full-")
    secret, vaults = os.path.join(folder, "secret"), {n: os.path.join(folder, n) for n in ("near", "far")}
    root, near = Disk(os.path.join(folder, "root"), "900m"), Disk(vaults["near"], "400m")
    box = Box(root=root.path, conf=FAST)
    try:
        box.run()
        box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
        box.stop()
        for name in ("hands", "worker"):
            box.start(name)
        wait_for(lambda: all(os.path.exists(box.socket(n)) for n in ("hands", "ask")), "they listen")
        os.mkdir(vaults["far"], 0o700)
        box.sett("recovery", "init", "--secret-file", secret)
        for name, path in vaults.items():
            box.sett("vault", "add", name, "folder", path)
        data = os.path.join(live(box), "tenants", "1", "data")
        os.makedirs(data, exist_ok=True)
        for i in range(120):
            with open(os.path.join(data, f"file-{i}"), "wb") as f:
                f.write(os.urandom(100000))
        making(tap, rng, box, root, near, vaults)
        restoring(tap, rng, box, root, secret)
    finally:
        box.close()
        near.close()
        root.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
