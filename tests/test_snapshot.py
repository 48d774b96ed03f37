#!/usr/bin/env python3
"""Snapshots of a box that works: made, listed, verified with and without the secret, taken apart, compared; what
happens when a vault is away, the disk is full, two are wanted at once. Read again by a reader that is not sett's
(snapshot_read.py). Speaks TAP."""
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from debian import PYTHON

HERE = os.path.dirname(os.path.abspath(__file__))


def made(box, *words):
    """A snapshot, made: its record."""
    def create():
        code, _out, said = box.sett("snapshot", "create", "--wait", *words, ok=False)
        return (code, said) if "snapshot.remove" not in said else None
    code, said = wait_for(create, "no other is being removed")
    record = box.json("snapshot", "list")["data"][0]
    if code != 0:
        raise AssertionError(f"{said}\n{record}")
    return record


def vault_of(box, name="vault"):
    folder = os.path.join(box.root, name)
    os.makedirs(folder, exist_ok=True)
    return folder


def fingerprint(folder):
    """Name -> what is there, of all below a folder."""
    found = {}
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(top, name)
            key = os.path.relpath(path, folder)
            if os.path.islink(path):
                found[key] = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as f:
                    found[key] = hashlib.sha256(f.read()).hexdigest()
            else:
                found[key] = "folder"
    return found


def prepare(tap, box):
    code, _out, said = box.sett("snapshot", "create", ok=False)
    tap.ok(code == 5 and "recovery init" in said, "without a recovery key there is none", said)
    secret = os.path.join(box.root, "secret")
    code, _out, said = box.sett("recovery", "init", "--no-input", ok=False)
    tap.ok(code == 5 and "--secret-file" in said, "nobody there to write it down: said so", said)
    box.sett("recovery", "init", "--secret-file", secret)
    tap.equal(os.stat(secret).st_mode & 0o777, 0o600, "the secret is in a private file")
    code, _out, said = box.sett("snapshot", "create", ok=False)
    tap.ok(code == 5 and "vault add" in said, "nor without a vault", said)
    box.sett("vault", "add", "local", "folder", vault_of(box))
    tap.equal(box.json("vault", "test", "local")["deletes"], True, "the vault was tried")
    tap.ok(not os.listdir(vault_of(box)), "and nothing of that is left in it")
    shown = box.sett("recovery", "init", "--name", "escrow", "--no-quiz")
    tap.ok("SETT-RECOVERY-1" in shown, "a second recipient, shown once", shown)
    shared = box.sett("recovery", "init", "--name", "board", "--no-quiz", "--shares", "2-of-3")
    tap.equal(shared.count("SETT-SHARE-1"), 3, "and one in three shares")
    box.sett("recovery", "prove", "--recovery-file", secret)
    tap.equal([r["proven"] for r in box.json("recovery", "list")["data"] if r["name"] == "recovery"], [True], "proven by typing it in")
    kit = box.json("recovery", "kit")
    tap.ok(len(kit["signer"]) == 64 and len(kit["recipients"]) == 3, "the kit names box, signer and recipients", kit)
    shares = [line.strip() for line in shared.splitlines() if "SETT-SHARE-1" in line]
    return secret, shown, shares


def test_whole(tap, box, secret):
    data = os.path.join(box.root, "var/lib/sett/live/tenants/1/data")
    os.makedirs(os.path.join(data, "more"), exist_ok=True)
    for i in range(200):
        with open(os.path.join(data, "more", f"file-{i}"), "wb") as f:
            f.write(os.urandom(2000))
    os.symlink("more/file-1", os.path.join(data, "link"))
    os.link(os.path.join(data, "more/file-2"), os.path.join(data, "twin"))
    stop = threading.Event()

    def write():
        n = 0
        while not stop.is_set():
            n += 1
            with open(os.path.join(data, "busy"), "ab") as f:
                f.write(b"x" * 1000)
            time.sleep(0.001)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        first = made(box)
    finally:
        stop.set()
        writer.join()
    tap.ok(first["state"] == "done" and first["verified"] and first["chain"] == 1 and first["tenants"] == 2, "made, while it is written to", first)
    tap.ok(first["files"] > 200 and len(box.json("snapshot", "show", "1")["copies"]) == 1, "and is in its vault")
    files = glob.glob(vault_of(box) + "/*")
    tap.ok(len(files) == 1 and os.path.basename(files[0]) == first["file"] and os.path.getsize(files[0]) == first["bytes"], "one file", files)
    tap.ok(not os.listdir(os.path.join(box.root, "var/lib/sett/snapshots")), "nothing is left where it was written")
    plain = open(files[0], "rb").read()
    tap.ok(b"acme" not in plain and b"Acme" not in plain, "none of it can be read as it lies there")
    return first, files[0]


def test_verify(tap, box, secret, shares, first, path):
    said = box.json("snapshot", "verify", "1")
    tap.ok(said["hash"] == first["hash"] and "need the secret" in said["checked"], "verified without the secret", said)
    said = box.json("snapshot", "verify", path, "--recovery-file", secret)
    tap.ok(said["files"] + 0 > 200 and "everything" in said["checked"], "verified with it, every content", said)
    elsewhere = [os.path.join(box.build, "sett"), "--root", "/nonexistent", "--json", "snapshot"]
    done = subprocess.run(elsewhere + ["show", path], env=box.env, capture_output=True, text=True)
    tap.ok(done.returncode == 0 and first["hash"] in done.stdout, "a bare file is shown where there is no box", done.stderr)
    two = os.path.join(box.root, "shares")
    with open(os.open(two, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("share of Ann\n" + shares[2] + "\n" + shares[0] + "\n")
    done = subprocess.run(elsewhere + ["verify", path, "--recovery-file", two], env=box.env, capture_output=True, text=True)
    tap.ok(done.returncode == 0 and "everything" in done.stdout, "two of three shares open it", done.stderr)
    one = os.path.join(box.root, "share")
    with open(os.open(one, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(shares[2] + "\n")
    tap.ok(subprocess.run(elsewhere + ["verify", path, "--recovery-file", one], env=box.env, capture_output=True).returncode != 0, "one does not")
    code, out, said = box.sett("restore", path, "--share", shares[0], "--share", one, "--dry-run", ok=False)
    tap.ok(code == 0 and "whole, signed and checked" in out + said, "what it would bring back, by a share that is typed and one from a file", out + said)
    code, _out, said = box.sett("restore", path, "--share", one, "--dry-run", ok=False)
    tap.ok(code != 0 and "share" in said, "one share alone: said so", said)
    code, _out, said = box.sett("snapshot", "verify", path, "--signer", "0" * 64, ok=False)
    tap.ok(code == 4 and "signed by" in said, "a signer that is not expected is said", said)
    with open(path, "rb") as f:
        data = f.read()
    bad = os.path.join(box.root, "bad.sett")
    for at in (9, 200, len(data) // 2, len(data) - 100):
        with open(bad, "wb") as f:
            f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        tap.ok(box.sett("snapshot", "verify", bad, ok=False)[0] != 0, f"a changed bit at {at} is found without the secret")
    with open(bad, "wb") as f:
        f.write(data[:-1])
    tap.ok(box.sett("snapshot", "verify", bad, ok=False)[0] != 0, "and a missing byte")


def test_increment(tap, box, secret):
    second = made(box)
    tap.ok(second["chain"] == 2 and second["kept"] > 200 and second["bytes"] < box.json("snapshot", "show", "1")["bytes"] / 2,
           "the second is small: what has not changed is left to the first", second)
    data = os.path.join(box.root, "var/lib/sett/live/tenants/1/data")
    with open(os.path.join(data, "more/file-7"), "wb") as f:
        f.write(b"changed")
    os.unlink(os.path.join(data, "more/file-8"))
    with open(os.path.join(data, "new"), "wb") as f:
        f.write(b"new")
    third = made(box)
    tap.equal(third["chain"], 3, "and a third upon it")
    changes = [line.split()[0] + " " + line.split()[-1] for line in box.sett("snapshot", "diff", "2", "3", "--recovery-file", secret).splitlines()]
    for change in ("* tenants/1/data/more/file-7", "- tenants/1/data/more/file-8", "+ tenants/1/data/new"):
        tap.ok(change in changes, f"diff tells {change}", changes)
    said = box.sett("snapshot", "diff", "2", "3", "--recovery-file", secret)
    tap.ok("= tenants/1: 1 added, 1 removed, " in said and "* snapshots " in said and "= snapshots: 1 added, " in said, "and records, and what it comes to", said)
    lines = [json.loads(line) for line in box.sett("--json", "snapshot", "diff", "2", "3", "--recovery-file", secret).splitlines()]
    tap.ok({"object": "file", "change": "added", "name": "tenants/1/data/new", "size": 3} in lines and
           any(x["object"] == "record" and x["table"] == "snapshots" and x["change"] == "added" for x in lines) and
           any(x["object"] == "sum" and x["of"] == "tenants/1" and x["added"] == 1 for x in lines), "for programs, too", lines)
    tap.equal(glob.glob("/tmp/sett-diff-*"), [], "and nothing of it is left")
    out = os.path.join(box.root, "out")
    box.sett("snapshot", "extract", "3", "tenants/1/data", "--recovery-file", secret, "--out", out)
    tap.equal(fingerprint(os.path.join(out, "tenants/1/data")), fingerprint(data), "taken out of three files: as it is there")
    box.sett("snapshot", "extract", "3", "tenants/1/data/new", "--recovery-file", secret, "--out", out + "2")
    tap.equal(open(out + "2/tenants/1/data/new", "rb").read(), b"new", "one file of it")
    code, _out, said = box.sett("snapshot", "extract", "3", "tenants/99", "--recovery-file", secret, "--out", out + "3", ok=False)
    tap.ok(code == 3, "what is not in it is not found", said)
    whole = made(box, "--full")
    tap.ok(whole["chain"] == 1 and whole["kept"] == 0, "--full: one that restores by itself", whole)
    return data


def test_stranger(tap, box, secret, data):
    """Without sett, by backup/FORMAT alone."""
    folder = os.path.join(box.root, "export")
    box.sett("snapshot", "export", "3", folder)
    chain = sorted(glob.glob(folder + "/*.sett"), reverse=True)
    tap.equal(len(chain), 3, "exported with all that it builds on")
    out = tempfile.mkdtemp(dir=box.root)
    done = subprocess.run([PYTHON, os.path.join(HERE, "snapshot_read.py"), secret, out, *chain], capture_output=True, text=True)
    tap.ok(done.returncode == 0 and "whole" in done.stdout, "another program reads it by the format's page", done.stderr)
    tap.equal(fingerprint(os.path.join(out, "tenants/1/data")), fingerprint(data), "and has the same files")
    tap.ok(os.path.getsize(os.path.join(out, "db/data.mdb")) > 4096 and os.path.exists(os.path.join(out, "keys/vault.key")), "with the store and the keys")


def test_troubles(tap, box):
    away = vault_of(box, "away")
    box.sett("vault", "add", "away", "folder", away)
    both = made(box)
    tap.ok(both["chain"] == 1 and len(both["copies"]) == 2, "a new vault: the next is whole, and in both", both)
    shutil.move(away, away + "-moved")
    one = made(box)
    tap.ok(one["state"] == "done" and len(one["copies"]) == 1 and "away" in one["state_reason"], "a vault that is away does not cost the other its own", one)
    tap.ok("away" in box.json("vault", "show", "away")["problem"], "it is noted with the vault")
    shutil.move(away + "-moved", away)
    again = made(box)
    tap.ok(again["chain"] == 2 and again["base_id"] == both["id"] or again["chain"] == 1, "back: nothing builds on what it has not", again)
    box.sett("vault", "update", "local", "--enabled", "false")
    shutil.move(away, away + "-moved")
    code, _out, said = box.sett("snapshot", "create", "--wait", ok=False)
    failed = box.json("snapshot", "list")["data"][0]
    tap.ok(code == 1 and failed["state"] == "failed" and "away" in failed["state_reason"], "no vault at all: it has failed, and says why", failed)
    tap.ok(not os.listdir(os.path.join(box.root, "var/lib/sett/snapshots")), "and leaves nothing")
    shutil.move(away + "-moved", away)
    box.sett("vault", "update", "local", "--enabled", "true")
    box.sett("vault", "remove", "away", "--confirm=away")


def test_two(tap, box):
    answers = []

    def create():
        answers.append(box.sett("snapshot", "create", "--wait", ok=False))
    threads = [threading.Thread(target=create) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    bad = [a for a in answers if a[0] != 0]
    tap.ok(len(bad) <= 1 and all(a[0] == 5 and "job_" in a[2] for a in bad), "two at once: one is refused by the other's job, or came after", answers)
    admin = box.login()
    answer = box.http("POST", "/api/snapshots", {"full": True}, admin)
    tap.ok(answer.status == 202 and answer.json["job"].startswith("job_"), "the API starts one, too", answer.body)
    wait_for(lambda: box.json("snapshot", "show", answer.json["id"])["state"] == "done", "it is done", 30)
    wait_for(lambda: not [j for j in box.json("job", "list")["data"] if j["state"] == "running"], "its job is over", 30)
    plan = wait_for(lambda: (p := box.http("POST", "/api/snapshots?plan=1", {}, admin)).status != 409 and p, "no removal by the clock is at work", 30)
    tap.ok(plan.status == 200 and [s["name"] for s in plan.json["steps"]][:2] == ["begin", "write"], "a plan tells its steps", plan.body)
    secrets = [line for line in box.sett("db", "dump").splitlines() if line.startswith("name=snapshot:snap_")]
    tap.ok(len(secrets) == 1, "the box keeps the file key of the newest alone", secrets)


def test_tenant(tap, box, secret):
    one = made(box, "--tenant", "acme")
    tap.ok(one["tenants"] == 1 and one["tenant_id"] and one["chain"] == 1, "of one tenant alone", one)
    out = os.path.join(box.root, "alone")
    box.sett("snapshot", "extract", str(one["number"]), "--recovery-file", secret, "--out", out)
    tap.ok(sorted(os.listdir(out)) == ["etc", "records", "tenants"] and os.listdir(out + "/tenants") == ["1"],
           "nothing of the box or the others is in it", sorted(os.listdir(out)))
    text = open(out + "/records/tenant.txt", encoding="utf-8").read()
    tap.ok(one["tenant_id"] in text and "zebra" not in text.lower() and os.path.exists(out + "/etc/blueprints/site.conf"), "its records and its blueprint are", text)
    tap.ok(made(box)["tenants"] == 2, "and the next of the box has all")


def test_full_disk(tap, box):
    place = os.path.join(box.root, "var/lib/sett/snapshots")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", place], capture_output=True).returncode != 0:
        tap.ok(True, "full disk # SKIP no mounts here")
        return
    try:
        data = os.path.join(box.root, "var/lib/sett/live/tenants/1/data/large")
        with open(data, "wb") as f:
            f.write(os.urandom(20 << 20))
        code, _out, said = box.sett("snapshot", "create", "--full", "--wait", ok=False)
        failed = box.json("snapshot", "list")["data"][0]
        tap.ok(code == 1 and failed["state"] == "failed", "a full disk: failed", said)
        tap.ok("space" in failed["state_reason"] or "MiB" in failed["state_reason"], "and says so", failed)
        tap.ok(not os.listdir(place), "nothing is left on it")
        os.unlink(data)
        tap.equal(made(box, "--full")["state"], "done", "with room again it is made")
    finally:
        subprocess.run(["umount", place])


def main():
    tap = Tap()
    box = Box()
    try:
        box.run()
        for name in ("acme", "zebra"):
            box.sett("tenant", "create", name.capitalize(), "demo", "--subdomain", name, "--wait")
        secret, _shown, shares = prepare(tap, box)
        first, path = test_whole(tap, box, secret)
        with tap.part("verify"):
            test_verify(tap, box, secret, shares, first, path)
        with tap.part("increment"):
            data = test_increment(tap, box, secret)
            test_stranger(tap, box, secret, data)
        with tap.part("troubles"):
            test_troubles(tap, box)
        with tap.part("two at once"):
            test_two(tap, box)
        with tap.part("one tenant"):
            test_tenant(tap, box, secret)
        with tap.part("full disk"):
            test_full_disk(tap, box)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
