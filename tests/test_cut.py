#!/usr/bin/env python3
"""A snapshot is of one moment, whatever happens meanwhile: tenants come while it is made and the worker is killed, and each
snapshot that is there in the end gives a sound box in which every tenant is wholly there or not at all. Speaks TAP."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from restores import Keys, live, restore, shot

ROUNDS = int(os.environ.get("CUT_ROUNDS", "3"))


def busy(box):
    return [j for j in box.json("job", "list", "--limit", "100")["data"] if j["state"] not in ("done", "undone", "stuck")]


def storm(box, number):
    """Tenants come, one after the other, a snapshot is made, the worker dies twice."""
    def come():
        for i in range(4):
            box.sett("tenant", "create", f"T{number}x{i}", "demo", "--subdomain", f"t{number}x{i}", "--no-wait", ok=False)
    comer = threading.Thread(target=come)
    comer.start()
    box.sett("snapshot", "create", "--no-wait", *(["--full"] if number % 2 else []), ok=False)
    for pause in (0.05 * number + 0.02, 0.3):
        time.sleep(pause)
        if (pid := box.worker()) is not None:
            os.kill(pid, signal.SIGKILL)
    comer.join()
    wait_for(lambda: not busy(box), "all is done", 120)


def look(tap, box, secret, path, folder):
    """Onto an empty machine."""
    root = os.path.join(folder, "other")
    other = Box.__new__(Box)
    other.__dict__.update(box.__dict__, root=root, own=False, processes={})
    os.makedirs(root)
    with open(os.path.join(live(box), "keys", "sign.pub"), encoding="ascii") as f:
        signer = f.read().strip()
    done = subprocess.run([os.path.join(box.build, "sett-restore"), "--root", root, "--json", "restore", path, "--recovery-file", secret,
                           "--signer", signer[:16], "--onto-empty", "--confirm=sett"], env=box.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    name = os.path.basename(path).split("-")[2]
    if not tap.ok(done.returncode == 0, f"{name}: restored", done.stdout + done.stderr):
        return
    code, out, said = other.sett("fsck", ok=False)
    tap.ok(code == 0, f"{name}: its store is sound", out + said)
    tenants = [t for t in other.json("tenant", "list", "--limit", "100")["data"] if t["state"] != "deleted"]
    known = {str(t["number"]) for t in tenants}
    there = {os.path.basename(p) for p in glob.glob(os.path.join(live(other), "tenants", "*"))}
    half = [t["number"] for t in tenants if t["state"] == "active" and not glob.glob(os.path.join(live(other), "tenants", str(t["number"]), "*", "*"))]
    tap.ok(not half and there <= known, f"{name}: {len(tenants)} tenants, each wholly there or not", f"{half} {there - known} {known}")
    shutil.rmtree(root)


def strays(tap, box, folder):
    """Files of one that came after the store was copied are nobody's, and wait for nobody."""
    keys, path = Keys(folder, "kit"), os.path.join(folder, "stray.sett")
    stray = os.path.join(live(box), "tenants", "4711", "data")
    os.makedirs(stray)
    with open(os.path.join(stray, "theirs"), "w", encoding="ascii") as f:
        f.write("theirs")
    box.env["SHOT_MORE"] = "4711"
    shot(box, path, keys)
    del box.env["SHOT_MORE"]
    shutil.rmtree(os.path.dirname(stray))
    box.stop()
    code, out, said = restore(box, path, keys, "--confirm=sett", "--auto-resume")
    tap.ok(code == 0, "a snapshot with files of a tenant that its store does not know", out + said)
    tap.ok(not os.path.exists(os.path.dirname(stray)), "they are not put where another would get them")
    tap.ok(json.loads(box.sett("restore", "status", "--json"))["before"], "and it can be taken back")


def main():
    tap, folder, box = Tap(), tempfile.mkdtemp(prefix="sett-cut-"), Box()
    try:
        box.run()
        secret = os.path.join(folder, "secret")
        box.sett("recovery", "init", "--secret-file", secret)
        vault = os.path.join(box.root, "vault")
        os.mkdir(vault, 0o700)
        box.sett("vault", "add", "local", "folder", vault)
        box.sett("tenant", "create", "First", "demo", "--subdomain", "first", "--wait")
        box.sett("snapshot", "create", "--wait")
        for number in range(1, ROUNDS + 1):
            storm(box, number)
        stuck = [j for j in box.json("job", "list", "--limit", "100")["data"] if j["state"] == "stuck"]
        tap.ok(not stuck, "all that was begun has ended", stuck)
        wait_for(lambda: not busy(box), "all is done", 60)
        copies = sorted(glob.glob(vault + "/*.sett"))
        tap.ok(len(copies) >= 2, f"{len(copies)} snapshots")
        for path in copies:
            look(tap, box, secret, path, folder)
        with tap.part("strays"):
            strays(tap, box, folder)
    finally:
        box.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
