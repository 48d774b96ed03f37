#!/usr/bin/env python3
"""Vaults of each kind with a real box: tried, filled, drilled; what no rule keeps goes, one by one and audited; what
may not be deleted stays and is said; what does not come back whole is an alert; the clock makes a snapshot and makes up
for one that was missed. Speaks TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for  # noqa: E402
from fastcgi import request  # noqa: E402


class S3:
    """The bucket of tests/fake/s3.py."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-s3-")
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "fake", "s3.py"), self.folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def say(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as f:
            return f.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        shutil.rmtree(self.folder)


def made(box, *words):
    code, _out, said = box.sett("snapshot", "create", "--wait", *words, ok=False)
    record = box.json("snapshot", "list")["data"][0]
    if code != 0:
        raise AssertionError(f"{said}\n{record}")
    return record


def rows(box, *words):
    return box.json(*words)["data"]


def test_tried(tap, box, s3):
    tap.ok(all(box.json("vault", "test", name)["deletes"] for name in ("local", "bucket")), "both vaults were tried")
    s3.say("terms", "locked")
    tap.equal(box.json("vault", "test", "bucket")["deletes"], False, "one where nothing may be deleted says so")
    s3.say("terms", "")
    secret = os.path.join(box.root, "wrong")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write("wrong")
    box.sett("vault", "add", "wrong", "s3", f"http://127.0.0.1:{s3.port}/snaps", "--region", "eu-test-1",
             "--access-key", "AKTEST", "--secret-file", secret, "--enabled", "false")
    code, _out, said = box.sett("vault", "test", "wrong", ok=False)
    tap.ok(code == 4 and "are key and secret right" in said, "and a wrong credential", said)


def drills_of(box, count):
    return wait_for(lambda: len(d := rows(box, "drill", "list")) >= count and d, f"{count} drills", 60)


def test_drill(tap, box):
    first = made(box)
    second = made(box)
    tap.ok(len(box.json("snapshot", "show", "2")["copies"]) == 2 and second["base_id"] == first["id"], "two snapshots, one on the other")
    box.sett("snapshot", "drill")
    drills = drills_of(box, 2)
    tap.ok(all(d["passed"] and d["chain"] == 2 and d["snapshot_id"] == second["id"] and d["entries"] > 3 for d in drills),
           "both vaults restore, chain and store", drills)
    tap.ok(len({d["vault_id"] for d in drills}) == 2 and box.json("snapshot", "show", "2")["proven_at"], "and it is noted")
    tap.ok("drill" not in os.listdir(os.path.join(box.root, "var/lib/sett/snapshots")), "nothing is left of it")
    _status, body = request(box.socket("front"), "GET", "/metrics")
    text = body.decode()
    proven = [line for line in text.splitlines() if line.startswith("sett_backup_last_proven_timestamp_seconds ")]
    tap.ok(proven and float(proven[0].split()[1]) > 1e9, "and told to Prometheus", proven)
    for word in (("system", "health"), ("dashboard", "metrics")):
        shown = box.json(*word)
        tap.ok(shown["last_backup_at"] and shown["last_verified_at"] and shown["last_proven_at"], f"sett {' '.join(word)} shows the last proven restore", shown)
    said = box.sett("doctor", ok=False)[1]
    tap.ok("last proven restore" in said, "and the doctor", said)
    return second


def test_drill_fails(tap, box, second):
    path = os.path.join(box.root, "vault", second["file"])
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))
    box.sett("snapshot", "drill")
    drills = drills_of(box, 4)[:2]
    bad = [d for d in drills if not d["passed"]]
    tap.ok(len(bad) == 1 and bad[0]["problem"], "a bit that is wrong fails the drill of that vault alone", drills)
    alerts = [a for a in rows(box, "alert", "list") if a["kind"] == "backup.drill"]
    tap.equal([a["subject_id"] for a in alerts], ["local"], "and is an alert")
    third = made(box)
    tap.equal(third["base_id"], None, "nothing builds on it any more")
    box.sett("snapshot", "drill")
    drills_of(box, 6)
    wait_for(lambda: not [a for a in rows(box, "alert", "list", "--state", "open") if a["kind"] == "backup.drill"], "the alert ends", 20)
    tap.ok(True, "the next one is whole, and ends the alert")


def gone(box):
    return [s["number"] for s in rows(box, "snapshot", "list", "--state", "gone")]


def test_prune(tap, box, s3):
    plan = box.json("snapshot", "prune", "--dry-run")
    tap.ok(all(i["keep"] and i["reason"] for i in plan["data"]) and plan["removed"] == 0, "all stay, each for a reason", plan)
    told = box.sett("snapshot", "prune", "--dry-run")
    tap.ok(all(i["reason"] in told for i in plan["data"]), "and so people are told", told)
    box.sett("setting", "set", "snapshot.keep_daily", "--value", "0")
    made(box, "--full")
    fifth = made(box, "--full")
    # 5, 4, 3 stay: the three newest that are verified. 2 and 1 go, without being asked.
    wait_for(lambda: sorted(gone(box)) == [1, 2], "two go", 60)
    left = {s["number"]: s for s in rows(box, "snapshot", "list")}
    tap.equal(sorted(left), [3, 4, 5], "what no rule keeps goes, and three verified ones stay")
    there = sorted(f for f in os.listdir(os.path.join(box.root, "vault")) if f.endswith(".sett"))
    tap.equal(there, sorted(s["file"] for s in left.values()), "and so in the folder")
    deleted = [line for line in s3.log().splitlines() if line.startswith("DELETE /snaps/box/sett-") and "-test-" not in line]
    tap.equal(len(deleted), 2, "and in the bucket")
    audited = [a for a in rows(box, "audit", "list", "--limit", "100") if a["action"] == "snapshot.remove" and a["object_id"].startswith("snap_")]
    tap.equal(len(audited), 2, "each audited")
    s3.say("terms", "locked")
    made(box, "--full")
    wait_for(lambda: 3 in gone(box), "the third goes", 60)
    third = box.json("snapshot", "show", "3")
    tap.ok("may not be deleted" in third["state_reason"] and len(third["copies"]) == 1, "one that may not be deleted somewhere stays there, and that is said", third)
    s3.say("terms", "")
    return fifth


def test_clock(tap, box, crash):
    """A worker whose clock is 27 hours ahead: the run of this night was missed, and is made up for."""
    box.sett("setting", "set", "snapshot.at", "off")
    box.kill("worker")
    box.start("worker", build=crash, env={"SETT_CLOCK_OFFSET_S": str(27 * 3600)})

    def age():
        return [a for a in rows(box, "alert", "list", "--state", "open") if a["kind"] == "backup.age"]
    wait_for(age, "an alarm after 26 hours without a verified snapshot", 60)
    tap.ok(True, "26 hours without a verified snapshot are an alarm")
    doctor = subprocess.run([os.path.join(crash, "sett"), "--root", box.root, "doctor"], env=dict(box.env, SETT_CLOCK_OFFSET_S=str(27 * 3600)),
                            capture_output=True, text=True, check=False)
    code, said = doctor.returncode, doctor.stdout
    tap.ok(code == 1 and "the newest verified snapshot is" in said and "sett snapshot create" in said, "so says the doctor, and what to do", said)
    box.sett("setting", "set", "snapshot.at", "--value", "03:00")
    newest = wait_for(lambda: (s := rows(box, "snapshot", "list")[0])["number"] > 6 and s["state"] == "done" and s, "it is done", 60)
    tap.ok(newest["number"] == 7, "a run that was missed is made up for, once", newest)
    wait_for(lambda: not age(), "the alarm ends", 30)
    rounds = box.json("snapshot", "rounds")
    tap.ok(rounds["run_at"] and not rounds["problem"], "and noted", rounds)


def main():
    tap, s3, box = Tap(), S3(), Box()
    try:
        os.mkdir(os.path.join(box.root, "vault"), 0o700)
        box.start_all()
        box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
        box.sett("vault", "add", "local", "folder", os.path.join(box.root, "vault"))
        secret = os.path.join(box.root, "bucket.secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write("secret/of+the=test")
        box.sett("vault", "add", "bucket", "s3", f"http://127.0.0.1:{s3.port}/snaps/box", "--region", "eu-test-1",
                 "--access-key", "AKTEST", "--secret-file", secret)
        test_tried(tap, box, s3)
        second = test_drill(tap, box)
        test_drill_fails(tap, box, second)
        test_prune(tap, box, s3)
        crash = os.path.join(TOP, "build", "crash")
        if os.path.exists(os.path.join(crash, "sett-worker")):
            test_clock(tap, box, crash)
    finally:
        box.close()
        s3.close()
    tap.done()


main()
