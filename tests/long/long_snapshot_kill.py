#!/usr/bin/env python3
"""Killed at two thousand moments, spread over all that snapshots and restores do: a worker while it writes, sends, verifies
and prunes (and drills); a restore, its rollback and its commit. Each time the records and the vaults agree in the end and
every copy is whole; the box is wholly the old one or wholly the new one, and sound. KILLS: how many. Speaks TAP."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import Box, Tap, wait_for
from restores import live

KILLS = int(os.environ.get("KILLS", "2000"))
SEED = int(os.environ.get("KILLS_SEED", str(random.randrange(1 << 32))))
FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"
VAULTS = ("near", "far")


def prepare(box, secret):
    box.run()
    box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
    box.stop()
    for name in ("hands", "worker"):
        box.start(name)
    wait_for(lambda: all(os.path.exists(box.socket(n)) for n in ("hands", "ask")), "they listen")
    box.sett("recovery", "init", "--secret-file", secret)
    for name in VAULTS:
        os.mkdir(os.path.join(box.root, name), 0o700)
        box.sett("vault", "add", name, "folder", os.path.join(box.root, name))
    data = os.path.join(live(box), "tenants", "1", "data")
    os.makedirs(data, exist_ok=True)
    for i in range(300):
        with open(os.path.join(data, f"file-{i}"), "wb") as f:
            f.write(os.urandom(random.choice((100, 5000, 60000))))


def quiet(box):
    """No job is under way."""
    return not [j for j in box.json("job", "list", "--limit", "20")["data"] if j["state"] not in ("done", "undone", "stuck")]


def agree(box, secret):
    """What the records say against what is there."""
    wrong, known = [], {name: set() for name in VAULTS}
    ids = {v["id"]: v["name"] for v in box.json("vault", "list")["data"]}
    listed = box.json("snapshot", "list", "--limit", "100")["data"]
    for s in listed:
        for copy in s["copies"]:
            known[ids[copy["vault_id"]]].add(s["file"])
        if s["state"] != "done" or not s["copies"]:
            wrong.append(f"{s['number']} is {s['state']} with {len(s['copies'])} copies: {s['state_reason']}")
    for name in VAULTS:
        there = set(os.listdir(os.path.join(box.root, name)))
        if there != known[name]:
            wrong.append(f"{name}: {sorted(there ^ known[name])}")
        path = os.path.join(box.root, name, listed[0]["file"])
        code, _out, said = box.sett("snapshot", "verify", path, "--recovery-file", secret, ok=False)
        if code != 0:
            wrong.append(f"{path}: {said}")
    here = os.listdir(os.path.join(box.root, "var/lib/sett/snapshots"))
    if [n for n in here if n.endswith(".part") or n == "drill"]:
        wrong.append(f"left behind: {here}")
    code, out, said = box.sett("fsck", ok=False)
    return wrong + ([out + said] if code != 0 else [])


def making(tap, rng, box, secret, kills):
    """Few are kept, so that each snapshot is followed by the removal of another."""
    box.sett("setting", "set", "snapshot.keep_daily", "--value", "0")
    for _ in range(4):
        began = time.monotonic()
        wait_for(lambda: box.sett("snapshot", "create", "--wait", ok=False)[0] == 0, "no removal is under way", 60)
        wait_for(lambda: quiet(box), "all is done", 60)
        took = time.monotonic() - began
    bad, asleep = [], 0
    for i in range(kills):
        full = ["--full"] if i % 3 == 0 else []
        if i % 10 == 9:
            box.sett("snapshot", "drill", ok=False)
        wait_for(lambda: box.sett("snapshot", "create", "--no-wait", *full, ok=False)[0] == 0, "no removal is under way", 60)
        time.sleep(rng.random() * took)
        asleep += quiet(box)
        box.kill("worker", signal.SIGKILL)
        if i % 4 == 0:  # and once more, while it tidies up
            box.start("worker")
            time.sleep(rng.random() * took / 4)
            box.kill("worker", signal.SIGKILL)
        box.start("worker")
        wait_for(lambda: os.path.exists(box.socket("ask")) and quiet(box), f"kill {i}: all is done", 120)
        for _ in range(60):  # a removal may begin once it was quiet
            wrong = agree(box, secret)
            if not wrong:
                break
            time.sleep(0.5)
        if wrong:
            bad.append((i, wrong))
    tap.ok(not bad, f"a worker killed {kills} times while it makes, sends, verifies, prunes: records and vaults agree", bad[:5])
    tap.ok(kills < 100 or asleep < kills / 2, f"it was at work when it was killed, but for {asleep} times")
    return glob.glob(os.path.join(box.root, "near", "*.sett"))


def command(box, *words):
    sure = [f"--confirm={words[0]}"] if words[0] in ("rollback", "commit") else []
    return [os.path.join(box.build, "sett-restore"), "--root", box.root, "--json", "restore", *words, *sure]


def killed(box, rng, took, *words):
    process = subprocess.Popen(command(box, *words), env=box.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.random() * took * 1.6)
    done = process.poll() is not None
    process.kill()
    process.wait()
    return done


def restoring(tap, rng, box, secret, kills):
    boxes, files = {}, {}
    for name in ("one", "two"):
        box.sett("customer", "create", name)
        wait_for(lambda: box.sett("snapshot", "create", "--full", "--wait", ok=False)[0] == 0, "no removal is under way", 60)
        wait_for(lambda: quiet(box), "all is done", 60)
        boxes[name] = sorted(c["id"] for c in box.json("customer", "list")["data"])
        files[name] = os.path.join(box.root, f"{name}.sett")
        shutil.copy(os.path.join(box.root, "near", box.json("snapshot", "list")["data"][0]["file"]), files[name])
    for program in ("worker", "hands"):
        box.kill(program, signal.SIGTERM if program == "worker" else signal.SIGINT)
    bad, outcomes, finished = [], {}, 0

    def look(i, what):
        have = sorted(c["id"] for c in box.json("customer", "list")["data"])
        which = next((n for n, b in boxes.items() if b == have), None)
        code, _, said = box.sett("fsck", ok=False)
        if which is None or code != 0:
            bad.append((i, what, have, said))
        outcomes[(what, which)] = outcomes.get((what, which), 0) + 1
        return which

    def whole(*words):
        began = time.monotonic()
        done = subprocess.run(command(box, *words), env=box.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            bad.append((words, done.stderr))
        return time.monotonic() - began

    def before():
        return json.loads(subprocess.run(command(box, "status"), env=box.env, capture_output=True, text=True).stdout)["before"]
    back = ("--recovery-file", secret, "--confirm=sett")
    took = {"restore": whole(files["one"], *back)}
    took["rollback"] = whole("rollback")
    whole(files["one"], *back)
    took["commit"] = whole("commit")
    now, i = "one", 0
    while i < kills:
        target = "two" if now == "one" else "one"
        finished += killed(box, rng, took["restore"], files[target], *back)
        i += 1
        which = look(i, "restore")
        if which == target and not before():
            whole(files[target], "--recovery-file", secret, "--dry-run")  # gives the tree from before its name
        if before():
            act = rng.choice(("rollback", "commit"))
            finished += killed(box, rng, took[act], act)
            i += 1
            which = look(i, act)
            if act == "commit" and which != target:
                bad.append((i, "a commit has brought back the old one"))
            if before():
                whole(act)
            which = look(i, act + " again")
        now = which or now
    whole(files[now], "--recovery-file", secret, "--dry-run")
    left = [p for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))]
    tap.ok(not bad, f"killed {i} times while it restores, rolls back, commits ({finished} had ended): {outcomes}", bad[:5])
    tap.ok(kills < 100 or all(outcomes.get((act, n)) for act in ("restore", "rollback", "commit") for n in boxes), "of each and on both sides")
    tap.ok(not left, "nothing is left lying about", left)


def main():
    tap, rng = Tap(), random.Random(SEED)
    print(f"# KILLS_SEED={SEED}")
    folder = tempfile.mkdtemp(prefix="sett-kill-")
    secret, box = os.path.join(folder, "secret"), Box(conf=FAST)
    try:
        prepare(box, secret)
        making(tap, rng, box, secret, KILLS // 2)
        restoring(tap, rng, box, secret, KILLS - KILLS // 2)
    finally:
        box.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
