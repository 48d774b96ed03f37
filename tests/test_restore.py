#!/usr/bin/env python3
"""Restores: a box is brought back whole from a snapshot's file, in one step, and goes on; what came after is
named and gone; who was signed in is not; the way back; another machine; what is wrong changes nothing; a box
that does not come up goes back by itself; and killed anywhere it is wholly the one or the other. Speaks TAP."""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, TOP, Box, Tap, wait_for
from restores import Keys, live, page, restore, shot, volume

CRASH = os.path.join(TOP, "build", "crash")


def create(box, name):
    box.sett("tenant", "create", name, "--plan", "demo", "--wait")
    return next(t for t in box.json("tenant", "list")["data"] if t["name"] == name)


def resumed(box):
    return box.json("restore", "list")["data"][0]["state"] == "resumed"


def resume(box):
    """Sagas go on: asked for here, or by themselves a moment before."""
    wait_for(lambda: box.sett("restore", "resume", ok=False)[0] == 0 or resumed(box), "what is outside was looked at", 60)


def running(box, names):
    wait_for(lambda: all(page(box, n) for n in names), f"{names} answer", 60)


def whole(tap, box, keys, folder):
    a = create(box, "alpha")
    with open(volume(box, a, "index.html"), "w", encoding="utf-8") as f:
        f.write("as it was\n")
    token = box.login()
    one, vault = os.path.join(folder, "one.sett"), os.path.join(folder, "vault")
    os.mkdir(vault)
    box.sett("recovery", "init", "--secret-file", os.path.join(folder, "own-kit"))
    box.sett("vault", "add", "local", "folder", vault)
    shot(box, one, keys)
    for _ in range(2):
        box.sett("snapshot", "create", "--wait")
    before = box.sett("db", "dump")
    b = create(box, "bravo")
    with open(volume(box, a, "index.html"), "w", encoding="utf-8") as f:
        f.write("changed since\n")
    with open(os.path.join(box.root, "etc/sett/blueprints/web.conf"), "a", encoding="utf-8") as f:
        f.write("; a note of the operator's\n")

    code, out, said = restore(box, one, keys, "--dry-run")
    plan = json.loads(out)
    tap.ok(code == 0 and plan["lost_tenants"] == 1 and "bravo" in plan["lost"] and plan["tenants"] == 1, "the plan names what is lost", (out, said))
    tap.equal(plan["configuration_differs"], ["blueprints/web.conf"], "and what of the configuration differs")
    tap.ok(page(box, "bravo") and not glob.glob(live(box) + ".staging*"), "and it changes nothing")
    code, _, said = restore(box, one, keys)
    tap.ok(code != 0 and "--confirm" in said, "without a word of confirmation nothing happens", said)
    code, _, said = restore(box, one, keys, "--confirm=other")
    tap.ok(code != 0 and page(box, "bravo"), "nor with the wrong one", said)

    code, out, said = restore(box, one, keys, "--confirm=sett")
    tap.ok(code == 0, "restored", said)
    tap.equal([t["name"] for t in box.json("tenant", "list")["data"]], ["alpha"], "its tenants are those of the snapshot")
    with open(volume(box, a, "index.html"), encoding="utf-8") as f:
        tap.equal(f.read(), "as it was\n", "so is what they keep")
    tap.equal(box.http("GET", "/api/tenants", headers=token).status, 401, "who was signed in is not any more")
    tap.ok(box.login(), "and can sign in again")
    record = box.json("restore", "list")["data"][0]
    tap.ok(record["state"] == "reconciling" and record["lost"] and record["before"], "the box knows that it was restored", record)
    tap.ok(any(e["action"] == "restore.box" for e in box.json("audit", "list")["data"]), "and says so in its audit")
    job = json.loads(box.sett("tenant", "create", "early", "--plan", "demo", "--no-wait", "--json"))
    looked = box.json("drift", "scan")["number"]
    wait_for(lambda: (s := box.json("drift", "status"))["number"] >= looked and s["state"] == "idle" and s["ended_at"],
             "the worker did what was asked for after that job", 60)
    tap.equal(box.json("job", "show", job["job"])["state"], "queued", "sagas are paused")
    tap.ok(job["number"] > b["number"], "no number is given out twice", (job, b))
    wait_for(lambda: box.http("POST", "/api/restores/resume", {}, headers=box.login()).status in (200, 409), "resumed", 60)
    wait_for(lambda: box.json("restore", "show", record["id"])["state"] == "resumed", "the record says so", 20)
    wait_for(lambda: box.json("job", "show", job["job"])["state"] == "done", "sagas go on", 60)
    running(box, ["alpha", "early"])
    tap.ok(True, "tenants answer")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "the store is sound")
    with open(os.path.join(box.root, "etc/sett/blueprints/web.conf"), encoding="utf-8") as f:
        tap.ok("a note of" in f.read(), "the configuration stays as it is")

    code, _, said = restore(box, one, keys, "--confirm=sett")
    tap.ok(code != 0 and "rollback" in said, "no second restore before the first is decided upon", said)
    began = time.monotonic()
    box.sett("restore", "rollback", "--confirm=rollback")
    took = time.monotonic() - began
    tap.ok(took <= 5 * (4 if "asan" in BUILD else 1), f"rolled back in {took:.1f} s")
    running(box, ["alpha", "bravo"])
    with open(volume(box, a, "index.html"), encoding="utf-8") as f:
        tap.equal(f.read(), "changed since\n", "everything is as it was before the restore")
    tap.equal([p for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))], [], "and nothing is left of it")

    tap.equal(restore(box, one, keys, "--confirm=sett", "--auto-resume")[0], 0, "restored once more")
    box.sett("restore", "commit", "--confirm=commit")
    tap.equal(json.loads(box.sett("restore", "status", "--json"))["before"], "", "committed: the tree from before is gone")
    tap.ok(box.sett("restore", "rollback", "--confirm=rollback", ok=False)[0] != 0, "and there is no way back")
    resume(box)
    running(box, ["alpha"])
    box.sett("snapshot", "create", "--wait")
    newest = box.json("snapshot", "list")["data"][0]
    tap.ok(newest["number"] == 3 and newest["state"] == "done", "snapshots go on behind those from after the restored one", newest)
    return one, before


def chain(tap, box, keys, folder):
    """Three files, each building on the one before: the newest brings back all of it, and only with the others."""
    a = next(t for t in box.json("tenant", "list")["data"] if t["name"] == "alpha")
    parts, kept = os.path.join(folder, "chain"), []
    os.makedirs(parts)
    for i in range(3):
        with open(os.path.join(os.path.dirname(volume(box, a, "index.html")), f"note-{i}"), "w", encoding="utf-8") as f:
            f.write(f"of snapshot {i}\n" * 1000)
        kept.append(os.path.join(parts, f"{i}.sett"))
        shot(box, kept[i], keys, os.path.join(parts, f"catalog-{i - 1}"), os.path.join(parts, f"catalog-{i}"))
    with open(volume(box, a, "note-0"), "w", encoding="utf-8") as f:
        f.write("broken since\n")
    middle = os.path.join(folder, "away.sett")
    os.rename(kept[1], middle)
    code, _, said = restore(box, kept[2], keys, "--confirm=sett", "--auto-resume")
    tap.ok(code != 0 and "builds on" in said, "without a file of the chain: refused", said)
    code, out, said = restore(box, kept[2], keys, "--confirm=sett", "--auto-resume", "--base", middle)
    tap.ok(code == 0, "a chain is restored, one of its files from elsewhere", said)
    for i in range(3):
        with open(volume(box, a, f"note-{i}"), encoding="utf-8") as f:
            tap.ok(f.read() == f"of snapshot {i}\n" * 1000, f"the content of file {i}")
    wait_for(lambda: box.json("restore", "list", "--state", "reconciling")["data"] == [], "it goes on by itself", 60)
    tap.ok(True, "it goes on by itself, since nothing but what the restore stopped is missing")
    box.sett("restore", "commit", "--confirm=commit")
    running(box, ["alpha"])


def refused(tap, box, keys, one, folder):
    with open(one, "rb") as f:
        data = f.read()

    def state():
        return sorted(t["id"] for t in box.json("tenant", "list")["data"]), os.stat(live(box)).st_ino

    before = state()

    def bad(name, data, what, *more, use=keys):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(data)
        code, _, said = restore(box, path, use, "--confirm=sett", *more)
        tap.ok(code != 0 and state() == before and not os.path.exists(live(box) + ".staging"), f"{what}: refused, nothing changed", said)

    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    bad("flipped.sett", bytes(flipped), "one bit flipped")
    bad("cut.sett", data[:-1], "one byte short")
    bad("half.sett", data[:len(data) // 2], "half of it")
    bad("long.sett", data + b"x", "something behind its end")
    bad("other.sett", b"nothing of the kind" * 100, "another file")
    newer = os.path.join(folder, "newer.sett")
    shot(box, newer, keys, schema=999)
    code, _, said = restore(box, newer, keys, "--confirm=sett")
    tap.ok(code == 5 and "made by a newer sett" in said and "999" in said and state() == before and not os.path.exists(live(box) + ".staging"),
           "made by a newer version: refused with words, before anything is unpacked", said)
    bad("secret.sett", data, "the wrong secret", use=Keys(folder, "wrong"))
    bad("signer.sett", data, "the wrong signer", "--signer", "00" * 32)
    link = os.path.join(folder, "link.sett")
    os.symlink(one, link)
    tap.ok(restore(box, link, keys, "--confirm=sett")[0] != 0 and state() == before, "a link: refused")
    rng = random.Random(4)
    for i in range(6):
        hurt = bytearray(data)
        hurt[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        bad("any.sett", bytes(hurt), f"some bit flipped ({i})")


def unwell(tap, box, keys, folder):
    """A snapshot of a box that cannot start again: one of its keys is nonsense."""
    names = sorted(t["name"] for t in box.json("tenant", "list")["data"])
    key, sick = os.path.join(live(box), "keys", "web.key"), os.path.join(folder, "sick.sett")
    with open(key, "rb") as f:
        good = f.read()
    os.chmod(key, 0o600)
    with open(key, "wb") as f:
        f.write(b"nonsense")
    shot(box, sick, keys)
    with open(key, "wb") as f:
        f.write(good)
    inode = os.stat(live(box)).st_ino
    code, _, said = restore(box, sick, keys, "--confirm=sett", "--timeout", "8")
    tap.ok(code != 0 and "as it was" in said, "a box that does not come up goes back by itself", said)
    tap.equal(os.stat(live(box)).st_ino, inode, "the tree from before is live")
    wait_for(box.alive, "the box answers", 60)
    tap.equal(sorted(t["name"] for t in box.json("tenant", "list")["data"]), names, "with all that it had")


def points(tap, box, keys, one, folder):
    """Killed at each named place: wholly the old one or wholly the new one, starting by itself."""
    log = os.path.join(folder, "points")
    seen = set()
    for attempt in ("log", *range(40)):
        env = dict(box.env, SETT_CRASH_LOG=log)
        if attempt != "log":
            left = sorted({p.strip() for p in open(log, encoding="utf-8") if p.startswith("restore.")} - seen)
            if not left:
                break
            seen.add(left[0])
            env["SETT_CRASH"] = left[0]
        restore(box, one, keys, "--confirm=sett", build=CRASH, env=env)
        wait_for(box.alive, "the box starts by itself", 60)
        code, out, said = box.sett("fsck", ok=False)
        status = json.loads(box.sett("restore", "status", "--json"))
        if attempt != "log":
            tap.ok(code == 0, f"killed at {env['SETT_CRASH']}: the box is up and sound", (out, said))
        if status["before"]:
            back = dict(box.env, SETT_CRASH_LOG=log, **({"SETT_CRASH": left[0]} if attempt != "log" else {}))
            subprocess.run([os.path.join(CRASH, "sett-restore"), "--root", box.root, "restore", "rollback", "--confirm=rollback"], env=back, capture_output=True, check=False)
            wait_for(box.alive, "the box starts by itself", 60)
        # Whatever is left, one more command settles it.
        restore(box, one, keys, "--dry-run")
        if json.loads(box.sett("restore", "status", "--json"))["before"]:
            box.sett("restore", "rollback", "--confirm=rollback")
            wait_for(box.alive, "the box starts by itself", 60)
        left_over = [os.path.basename(p) for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))]
        tap.ok(not left_over, "nothing is left lying about", left_over)
    tap.ok(len(seen) >= 7, f"{len(seen)} places", seen)


def tenant(tap, box, keys, folder):
    """One tenant's data, in a box that goes on: into itself and back, and into a new one."""
    a = next(t for t in box.json("tenant", "list")["data"] if t["name"] == "alpha")
    path = os.path.join(folder, "tenant.sett")

    def write(text):
        with open(volume(box, a, "index.html"), "w", encoding="utf-8") as f:
            f.write(text)

    write("in the snapshot\n")
    shot(box, path, keys)
    code, out, said = restore(box, path, keys, "--tenant", "alpha", "--dry-run")
    files = sum(len(names) for _, _, names in os.walk(os.path.join(live(box), "tenants", str(a["number"]))))
    tap.ok(code == 0 and json.loads(out)["files"] == files, "the plan counts what is the tenant's", (out, files, said))
    write("broken since\n")
    other = [t for t in box.json("tenant", "list")["data"] if t["name"] != "alpha"]
    code, out, said = restore(box, path, keys, "--tenant", "alpha")
    tap.ok(code == 0, "one tenant is restored", out + said)
    wait_for(lambda: "in the snapshot" in page(box, "alpha"), "it answers with what it had", 30)
    tap.ok(True, "it answers with what it had then")
    tap.equal([t["id"] for t in box.json("tenant", "list")["data"] if t["name"] != "alpha"], [t["id"] for t in other], "nobody else notices")
    code, out, said = restore(box, path, keys, "--tenant", "alpha")
    tap.ok(code != 0 and "commit" in said, "what it had before is not lost to a second restore", out + said)
    tap.equal(box.sett("restore", "rollback", "--tenant", "alpha", ok=False)[0], 0, "and back")
    wait_for(lambda: "broken since" in page(box, "alpha"), "it has again what it had", 30)
    code, out, said = restore(box, path, keys, "--tenant", "alpha", "--as", "twin")
    tap.ok(code == 0, "a new tenant gets the data", out + said)
    wait_for(lambda: "in the snapshot" in page(box, "twin"), "it answers with them", 30)
    tap.ok("broken since" in page(box, "alpha"), "the other stays as it is")
    tap.equal(box.sett("restore", "commit", "--tenant", "twin", ok=False)[0], 0, "committed")
    code, out, said = restore(box, path, keys, "--tenant", "nobody")
    tap.ok(code != 0, "no such tenant", said)
    tenants = os.path.join(live(box), "tenants")
    tap.equal([n for n in os.listdir(tenants) if n.startswith(".")], [], "nothing is left beside them")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "the store is sound")


def runbook():
    """The command blocks of "The box is gone", in their order."""
    with open(os.path.join(TOP, "appliance", "runbooks", "box-lost.md"), encoding="utf-8") as f:
        return [part.split("```")[0] for part in f.read().split("```sh\n")[1:]]


def elsewhere(tap, box, keys, one, folder):
    box.stop()
    other = Box.__new__(Box)
    root = os.path.join(folder, "other")
    other.__dict__.update(box.__dict__, root=root, own=False, processes={}, reports=os.path.join(root, "sanitizer"))
    os.makedirs(root)
    code, _, said = restore(other, one, keys, "--confirm=sett")
    tap.ok(code != 0 and "--onto-empty" in said, "a bare machine is not restored onto by accident", said)
    code, _, said = restore(other, one, keys, "--onto-empty", "--confirm=sett", "--auto-resume")
    tap.ok(code != 0 and "signer" in said.lower(), "a signer that nobody vouches for: refused", said)
    shutil.copy(os.path.join(box.root, "admin-password"), root)
    other.env = dict(box.env, PATH=f"{other.build}:{os.environ['PATH']}", SETT_ROOT=root, SNAPSHOT=one, KIT=keys.kit,
                     SIGNER=keys.signer(box)[:16], BOX_NAME="sett")
    try:
        for number, block in enumerate(runbook()):
            if number == 2:
                other.run()
            if number == 3:
                wait_for(lambda: other.json("restore", "list")["data"][0]["problem"] or not other.json("drift", "status")["state"] == "running", "it was looked", 60)
                wait_for(lambda: other.json("drift", "status")["ended_at"], "the look ends", 60)
            done = subprocess.run(["sh", "-euc", block], env=other.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
            tap.ok(done.returncode == 0, f"runbook, block {number + 1}", block + done.stdout + done.stderr)
        running(other, ["alpha"])
        tap.ok("as it was" in page(other, "alpha"), "its tenant answers there with what it kept")
        tap.equal(other.sett("fsck", ok=False)[0], 0, "its store is sound")
    finally:
        other.close()


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-restore-")
    keys = Keys(folder, "kit")
    box = Box()
    try:
        box.run()
        with tap.part("whole box"):
            one, _ = whole(tap, box, keys, folder)
        with tap.part("tenant"):
            tenant(tap, box, keys, folder)
        with tap.part("chain"):
            chain(tap, box, keys, folder)
        with tap.part("refused"):
            refused(tap, box, keys, one, folder)
        with tap.part("unwell"):
            unwell(tap, box, keys, folder)
        with tap.part("points"):
            points(tap, box, keys, one, folder)
        with tap.part("elsewhere"):
            elsewhere(tap, box, keys, one, folder)
    finally:
        box.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
