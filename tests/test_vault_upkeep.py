#!/usr/bin/env python3
"""What becomes of vaults: one that was away gets what it missed, copies that are damaged or gone are found, told and
brought anew from another vault, one with too little room is told before. By a worker whose clock is ahead, for looks
are a day apart. Speaks TAP."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for

CRASH = os.path.join(TOP, "build", "crash")
DAY = 86400


def rows(box, *words):
    return box.json(*words)["data"]


def alerts(box, kind):
    return [a["subject_id"] for a in rows(box, "alert", "list") if a["kind"] == kind and a["state"] != "over"]


def content(path):
    with open(path, "rb") as f:
        return f.read()


def worker_ahead(box, seconds):
    """A worker so far ahead; what it says of vaults is told by records."""
    if "worker" in box.processes:
        box.kill("worker")
    box.start("worker", build=CRASH, env={"SETT_CLOCK_OFFSET_S": str(seconds)})


def alike(near, far):
    names = sorted(f for f in os.listdir(near) if f.endswith(".sett"))
    return names and names == sorted(os.listdir(far)) and all(content(os.path.join(near, f)) == content(os.path.join(far, f)) for f in names)


def test_away(tap, box, near, far):
    shutil.move(far, far + "-moved")
    for _ in range(3):
        box.sett("snapshot", "create", "--wait")
    tap.ok(all(s["missed"] and len(s["copies"]) == 1 for s in rows(box, "snapshot", "list")), "a vault that is away misses them")
    wait_for(lambda: alerts(box, "backup.vault") == ["far"], "an alert", 30)
    shutil.move(far + "-moved", far)
    wait_for(lambda: alike(near, far), "they are brought there", 90)
    tap.ok(all(len(s["copies"]) == 2 for s in rows(box, "snapshot", "list")), "back again it gets all of them, bit for bit")
    wait_for(lambda: not alerts(box, "backup.vault"), "the alert ends", 30)
    tap.ok(not box.json("vault", "show", "far")["problem"], "and nothing is wrong with it any more")
    one = os.path.join(box.root, "only")
    os.mkdir(one)
    box.sett("vault", "add", "only", "folder", one)
    box.sett("snapshot", "create", "--wait", "--to", "only")
    newest = rows(box, "snapshot", "list")[0]
    tap.ok(len(os.listdir(one)) == 1 and len(newest["copies"]) == 1 and not newest["missed"], "--to: into that vault alone, and brought nowhere else", newest)
    box.sett("vault", "remove", "only", "--confirm=only")


def found(box, count):
    return lambda: len([c for s in rows(box, "snapshot", "list") for c in s["copies"] if c["problem"]]) == count


def test_damage(tap, box, near, far):
    """One of each: a byte that is another, a file that is shorter, one that is gone."""
    box.sett("vault", "update", "near", "--enabled", "false")  # nothing to heal from, so that what is found is seen
    flip, cut, gone = sorted(f for f in os.listdir(far) if f.endswith(".sett"))[:3]
    data = content(os.path.join(far, flip))
    with open(os.path.join(far, flip), "wb") as f:
        f.write(data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1:])
    os.truncate(os.path.join(far, cut), 5000)
    os.unlink(os.path.join(far, gone))
    worker_ahead(box, 2 * DAY)
    wait_for(found(box, 3), "all three are found", 60)
    problems = {s["file"]: c["problem"] for s in rows(box, "snapshot", "list") for c in s["copies"] if c["problem"]}
    tap.ok("length" in problems[cut] and "not there" in problems[gone] and problems[flip], "a changed byte, a short file, a missing one: each is found and named", problems)
    wait_for(lambda: alerts(box, "backup.copy") == ["far"], "an alert", 30)
    tap.ok(True, "and the vault's alert is raised")
    box.sett("vault", "update", "near", "--enabled", "true")
    worker_ahead(box, 2 * DAY + 60)
    wait_for(found(box, 0), "they are brought anew", 90)
    tap.ok(all(content(os.path.join(near, f)) == content(os.path.join(far, f)) for f in (flip, cut, gone)), "the other vault's take their place")
    wait_for(lambda: not alerts(box, "backup.copy"), "the alert ends", 30)
    tap.ok(True, "and the alert ends")


def test_small(tap, box):
    small = os.path.join(box.root, "small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", small], capture_output=True).returncode != 0:
        tap.ok(True, "a small vault # SKIP no mounts here")
        return
    try:
        box.sett("vault", "add", "small", "folder", small)
        code, _out, said = box.sett("snapshot", "create", "--full", "--to", "small", "--wait", ok=False)
        failed = rows(box, "snapshot", "list")[0]
        tap.ok(code != 0 and "MiB are free" in failed["state_reason"] and small in failed["state_reason"], "a vault with too little room is told before", (said, failed))
        tap.ok(not os.listdir(small), "and nothing is left in it")
        box.sett("vault", "remove", "small", "--confirm=small")
    finally:
        subprocess.run(["umount", small])


def main():
    tap = Tap()
    if not os.path.exists(os.path.join(CRASH, "sett-worker")):
        print("1..0 # SKIP needs VARIANT=crash: a clock that can be moved")
        return
    box = Box(conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        near, far = (os.path.join(box.root, name) for name in ("near", "far"))
        for path in (near, far):
            os.mkdir(path, 0o700)
        box.start_all()
        box.sett("setting", "set", "snapshot.at", "off")
        box.sett("setting", "set", "snapshot.drill_at", "off")
        box.sett("setting", "set", "snapshot.keep_last", "50")
        box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
        box.sett("vault", "add", "near", "folder", near)
        box.sett("vault", "add", "far", "folder", far)
        with tap.part("away"):
            test_away(tap, box, near, far)
        with tap.part("damage"):
            test_damage(tap, box, near, far)
        with tap.part("small"):
            test_small(tap, box)
    finally:
        box.close()
    tap.done()


main()
