#!/usr/bin/env python3
"""A machine without a box takes it out of a vault, as the setup page does: the newest snapshot and all that it builds
on, from a folder and from a bucket. And the file of answers that has it done unattended: each slip is named. Speaks TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for
from restores import live, page


def put(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Bucket:
    """tests/fake/s3.py"""

    def __init__(self, folder):
        os.mkdir(folder)
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "fake", "s3.py"), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/snaps/box"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def sold(box, folder, bucket, secret):
    """A box with a tenant, and two snapshots in two vaults: the second builds on the first."""
    os.mkdir(os.path.join(folder, "vault"), 0o700)
    box.run()
    kit = os.path.join(folder, "kit")
    box.sett("recovery", "init", "--secret-file", kit)
    box.sett("vault", "add", "local", "folder", os.path.join(folder, "vault"))
    box.sett("vault", "add", "bucket", "s3", bucket.url, "--region", "eu-test-1", "--access-key", "AKTEST", "--secret-file", secret)
    for name in ("alpha", "bravo"):
        box.sett("tenant", "create", name, "--plan", "demo", "--wait")
        box.sett("snapshot", "create", "--wait")
    return kit, box.json("recovery", "kit")["signer"]


def other_machine(box, folder, name):
    other = Box.__new__(Box)
    root = os.path.join(folder, name)
    other.__dict__.update(box.__dict__, root=root, own=False, processes={}, reports=os.path.join(root, "sanitizer"))
    shutil.copytree(os.path.join(box.root, "etc"), os.path.join(root, "etc"))
    shutil.copy(os.path.join(box.root, "admin-password"), root)
    return other


def take(tap, box, folder, name, words, kit, signer):
    other = other_machine(box, folder, name)
    common = ("--onto-empty", "--recovery-file", kit, "--signer", signer)
    code, _out, said = other.sett("restore", *words, *common, "--dry-run", ok=False)
    tap.ok(code == 0 and "2 tenants" in said, f"{name}: what it would be", said)
    code, _out, said = other.sett("restore", *words, *common, "--confirm=sett", "--auto-resume", ok=False)
    tap.ok(code == 0, f"{name}: the newest snapshot, with what it builds on, becomes the box", said)
    tap.equal([n for n in os.listdir(os.path.dirname(live(other))) if n.startswith("fetched-")], [], f"{name}: what was fetched is gone")
    return other


def refusals(tap, box, folder, kit, signer):
    other = other_machine(box, folder, "third")
    vault = os.path.join(folder, "vault")
    common = ("--onto-empty", "--recovery-file", kit, "--signer", signer, "--confirm=sett")
    code, _out, said = other.sett("restore", "--vault", vault, "99", *common, ok=False)
    tap.ok(code == 3 and "no snapshot 99" in said, "a number that is not there", said)
    code, _out, said = other.sett("restore", "--vault", os.path.join(folder, "nowhere"), *common, ok=False)
    tap.ok(code != 0 and not os.path.exists(live(other)), "a vault that is not there changes nothing", said)
    with open(kit, "rb") as f:
        name = "sett-box-" + "0" * 8 + "9-20200101T000000Z.sett"
        put(os.path.join(vault, name), f.read().decode())
    code, _out, said = other.sett("restore", "--vault", vault, *common, "--dry-run", ok=False)
    tap.ok(code == 0, "a strange file among them disturbs nobody", said)
    os.unlink(os.path.join(vault, name))
    other.sett("setup", "--port", str(other.port))
    code, _out, said = other.sett("restore", "--vault", vault, *common[1:], "--auto-resume", ok=False)
    tap.ok(code == 0 and len(other.json("tenant", "list")["data"]) == 2, "an empty box, as an appliance makes it at its first boot, becomes the lost one", said)


GOOD = """; what nobody is asked
[box]
mode = new
name = Harbour
url = https://box.example.org
domain = example.org
language = de
time_zone = Europe/Madrid
[admin]
mail = ann@example.org
password_file = {folder}/password
[recovery]
key = {key}
[settings]
snapshot.at = 02:30
[stripe]
secret_key_file = {folder}/stripe
"""


def preseed(tap, box, folder):
    put(os.path.join(folder, "password"), "correct horse battery\n")
    put(os.path.join(folder, "stripe"), "sk_test_preseed\n")
    key = box.json("recovery", "list")["data"][0]["key"]
    path = put(os.path.join(folder, "preseed.conf"), GOOD.format(folder=folder, key=key))
    code, out, said = box.sett("init", "--check", "--preseed", path, ok=False)
    tap.ok(code == 0 and "fine" in out, "a file of answers is looked at", said)
    put(path, GOOD.format(folder=folder, key="settrec1nonsense") + "[box]\ncolour = red\n[certificate]\nkind = import\n")
    code, _out, said = box.sett("init", "--check", "--preseed", path, ok=False)
    tap.ok(code != 0 and all(w in said for w in ("line 13:", "line 19: [box] has no key colour", "certificate_file and key_file", "3 lines cannot be")), "each slip is named, with its line", said)
    os.chmod(path, 0o644)
    code, _out, said = box.sett("init", "--check", "--preseed", path, ok=False)
    tap.ok(code != 0 and "chmod 600" in said, "one that others may read is refused", said)
    put(path, GOOD.format(folder=folder, key=key))
    os.chmod(path, 0o600)
    new = other_machine(box, folder, "new")
    os.unlink(os.path.join(new.root, "etc/sett/sett.conf"))
    code, _out, said = new.sett("setup", "--port", str(box.port), "--preseed", path, ok=False)
    settings = {s["name"]: s["value"] for s in new.json("setting", "list")["data"]}
    tap.ok(code == 0 and (settings["box.name"], settings["box.time_zone"], settings["snapshot.at"]) == ("Harbour", "Europe/Madrid", "02:30"), "its settings hold", said)
    tap.ok(new.json("recovery", "list")["data"][0]["key"] == key and any(s["name"] == "stripe.secret_key" and s["set"] for s in new.json("secret", "list")["data"]), "recovery key and secrets are there")
    new.start_all()
    new.sett("setup", "--port", str(box.port), "--preseed", path)
    tap.ok(signs_in(new, "correct horse battery"), "and the admin signs in with the password that was chosen")
    new.close()


def signs_in(box, password):
    return box.json("auth", "login", "admin", "--password-file", put(os.path.join(box.root, "typed"), password))["user"]["email"] == "ann@example.org"


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-restore-vault-")
    secret = put(os.path.join(folder, "secret"), "secret/of+the=test")
    bucket, box = Bucket(os.path.join(folder, "s3")), Box()
    try:
        with tap.part("vaults"):
            kit, signer = sold(box, folder, bucket, secret)
            box.stop()
            take(tap, box, folder, "folder", ("--vault", os.path.join(folder, "vault")), kit, signer)
            other = take(tap, box, folder, "bucket", ("--vault", bucket.url, "2", "--region", "eu-test-1", "--access-key", "AKTEST", "--secret-file", secret), kit, signer)
            other.run()
            wait_for(lambda: page(other, "alpha") and page(other, "bravo"), "its tenants answer", 60)
            tap.ok(True, "and both tenants answer there")
            other.close()
            refusals(tap, box, folder, kit, signer)
        with tap.part("answers"):
            preseed(tap, box, folder)
    finally:
        bucket.close()
        box.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
