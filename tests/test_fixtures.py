#!/usr/bin/env python3
"""Snapshots that earlier programs wrote (tests/fixtures/snapshots): each format's are verified, restored and read by a
reader that is not sett's, with the secret, its shares and the passphrase. Speaks TAP."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, Tap
from debian import PYTHON

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "fixtures", "snapshots")


def contents(data):
    found = {}
    for top, _folders, names in os.walk(data):
        for name in names:
            with open(os.path.join(top, name), "rb") as f:
                found[os.path.relpath(os.path.join(top, name), data)] = hashlib.sha256(f.read()).hexdigest()
    return found


def data_in(folder):
    tenants = os.path.join(folder, "tenants")
    return contents(os.path.join(tenants, os.listdir(tenants)[0], "data"))


class Format:
    """A folder of fixtures, copied: a secret that others may read is refused."""

    def __init__(self, name, folder):
        self.folder = os.path.join(folder, name)
        shutil.copytree(os.path.join(FIXTURES, name), self.folder)
        for secret in ("secret", "shares", "passphrase"):
            os.chmod(self.path(secret), 0o600)
        with open(self.path("made.json"), encoding="utf-8") as f:
            self.made = json.load(f)
        # Any two of the three shares.
        with open(self.path("shares"), encoding="ascii") as f:
            lines = f.readlines()
        with open(self.path("shares"), "w", encoding="ascii") as f:
            f.writelines(lines[1:])
        # Paper of the time of the first signing key.
        with open(self.path("kit"), "w", encoding="ascii") as f, open(self.path("secret"), encoding="ascii") as secret:
            f.write(f"signer {self.made['box']['signer']}\n{secret.read()}")
        os.chmod(self.path("kit"), 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def chain(self, name):
        return [self.path(n + ".sett") for n in ([name, "box"] if self.made[name]["chain"] == 2 else [name])]


def read(tap, f, name, secret, folder):
    out = os.path.join(folder, f"read-{name}-{secret}")
    done = subprocess.run([PYTHON, os.path.join(HERE, "snapshot_read.py"), f.path(secret), out, *f.chain(name)], capture_output=True,
                          text=True, env=dict(os.environ, SIGNER=f.made["box"]["signer"]))
    tap.ok(done.returncode == 0 and data_in(out) == f.made[name]["files"], f"{name} is read with the {secret} by another reader", done.stderr[-500:])


def sett(root, *words):
    return subprocess.run([os.path.join(BUILD, "sett"), "--root", root, *words], capture_output=True, text=True, timeout=120)


def verified(tap, f, name, secret, option):
    done = sett("/nonexistent", "--json", "snapshot", "verify", f.path(name + ".sett"), option, f.path(secret), "--signer", f.made["box"]["signer"])
    tap.ok(done.returncode == 0 and "everything" in done.stdout, f"{name} is verified with the {secret}", done.stderr)


def restored(tap, f, name, secret, words, folder):
    root = os.path.join(folder, f"onto-{name}-{secret}")
    done = sett(root, "restore", f.path(name + ".sett"), "--onto-empty", "--confirm=sett", *words)
    live = os.path.join(root, "var/lib/sett/live")
    tap.ok(done.returncode == 0 and data_in(live) == f.made[name]["files"], f"{name} is restored with the {secret}", done.stderr)
    done = sett(root, "fsck")
    tap.ok(done.returncode == 0, "its store is sound", done.stdout + done.stderr)
    return root


def tenant_back(tap, f, root):
    """Into the box of the increment, which is not running: the files alone."""
    out = os.path.join(root, "extracted")
    done = sett("/nonexistent", "snapshot", "extract", f.path("tenant.sett"), "--recovery-file", f.path("secret"), "--out", out)
    tap.ok(done.returncode == 0 and data_in(out) == f.made["tenant"]["files"], "what the tenant's own snapshot holds is taken out", done.stderr)


def one_format(tap, name, folder):
    f = Format(name, folder)
    for what in ("box", "increment", "tenant"):
        read(tap, f, what, "secret", folder)
        verified(tap, f, what, "secret", "--recovery-file")
    for secret in ("shares", "passphrase"):
        read(tap, f, "increment", secret, folder)
    verified(tap, f, "box", "shares", "--recovery-file")
    verified(tap, f, "box", "passphrase", "--passphrase-file")
    signer = ["--signer", f.made["box"]["signer"]]
    restored(tap, f, "box", "shares", ["--recovery-file", f.path("shares"), *signer], folder)
    restored(tap, f, "box", "passphrase", ["--passphrase-file", f.path("passphrase"), *signer], folder)
    root = restored(tap, f, "increment", "kit", ["--recovery-file", f.path("kit")], folder)
    tenant_back(tap, f, root)


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-fixtures-")
    try:
        for name in sorted(n for n in os.listdir(FIXTURES) if n.startswith("format-")):
            with tap.part(name):
                one_format(tap, name, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
