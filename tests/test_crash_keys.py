#!/usr/bin/env python3
"""The crash matrix of rotating the box's keys: a worker that is killed at every point of it. In the end the new key is
in force, every secret in the store opens with it, the old one is gone, and what the former signing key signed is still
the box's. Speaks TAP."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap
from crash import Lane, matrix
from debian import with_module

with_module("nacl")
import nacl.public  # noqa: E402

KEYS = "var/lib/sett/live/keys"


class Keys(Lane):
    ingress = "local"

    def prepare(self):
        self.box.sett("recovery", "init", "--secret-file", os.path.join(self.box.root, "secret"))
        self.box.sett("setting", "set", "keys.rest_s", "1")
        for i in range(40):
            self.box.sett("vault", "add", f"v{i}", "s3", f"https://vault.example/b{i}", "--access-key", "a", "--secret-file", "-", "--enabled", "false",
                          stdin=f"secret {i}\n")

    def key(self, name):
        with open(os.path.join(self.box.root, KEYS, name), encoding="ascii") as f:
            return f.read().strip()

    def clean(self):
        wrong, mine = [], nacl.public.SealedBox(nacl.public.PrivateKey(bytes.fromhex(self.key("vault.key"))))
        sealed = re.findall(r"\b01[0-9a-f]{200,}", self.box.sett("db", "dump"))
        for text in sealed:
            try:
                mine.decrypt(bytes.fromhex(text)[1:81])
            except Exception:
                wrong.append("a secret does not open with the key in force")
        if len(sealed) < 40:
            wrong.append(f"{len(sealed)} secrets")
        left = set(os.listdir(os.path.join(self.box.root, KEYS))) - {"vault.key", "vault.pub", "web.key", "sign.key", "sign.pub", "signers"}
        code, out, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"left: {left}"] if left else []) + ([f"fsck: {out}{errors}"] if code != 0 else [])

    def vault_case(self, point, _outcome):
        before = self.key("vault.key")
        died, job = self.run_to_end(self.box.json("key", "rotate", "vault", "--no-wait")["job"], self.worker(point))
        wrong = [] if job["state"] == "done" and self.key("vault.key") != before else [f"{job['state']}: {job['cause']}"]
        return died, job["state"], wrong + self.clean()

    def signing_case(self, point, _outcome):
        before = self.key("sign.pub")
        died, job = self.run_to_end(self.box.json("key", "rotate", "signing", "--no-wait")["job"], self.worker(point))
        kit = self.box.json("recovery", "kit")
        wrong = [] if job["state"] == "done" and kit["signer"] != before and before in kit["former_signers"] else [f"{job['state']}: {kit}"]
        if len(kit["former_signers"]) != len(set(kit["former_signers"])):
            wrong.append("a key stands twice in the line")
        return died, job["state"], wrong + self.clean()


def main():
    tap = Tap()
    matrix(tap, Keys, {"vault": ("step.key.vault.", "keys."), "signing": ("step.key.signing.", "keys.")}, outcomes=("fine",), lanes=2, least=0.6)
    tap.done()


if __name__ == "__main__":
    main()
