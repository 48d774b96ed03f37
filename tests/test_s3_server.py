#!/usr/bin/env python3
"""A vault in a real S3 server, one that sett did not write: it checks each signature itself, answers where it knows no
multipart listing, no SHA-256 and no condition, and a snapshot of several parts comes back from it whole. The rest of
S3's manners (resumption, versions, locks, faults) is asked of tests/fake/s3.py. Speaks TAP."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for  # noqa: E402
from restores import live  # noqa: E402


class Server:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-s3-")
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["node", os.path.join(TOP, "tests", "npm", "bucket.js"), os.path.join(self.folder, "data")],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        # its own log goes to standard output too: the port is the line of digits
        for line in self.process.stdout:
            if line.strip().isdigit():
                self.port = int(line)
                break
        else:
            with open(self.log, encoding="utf-8") as f:
                raise AssertionError(f"no S3 server: {f.read()}")

    def objects(self):
        return sorted(os.path.basename(p) for p in glob.glob(os.path.join(self.folder, "data", "snaps", "box", "*_object")))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


def secret_file(box, name, text):
    path = os.path.join(box.root, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
    return path


def add(box, server, name, secret):
    return box.sett("vault", "add", name, "s3", f"http://127.0.0.1:{server.port}/snaps/box", "--region", "us-east-1",
                    "--access-key", "S3RVER", "--secret-file", secret_file(box, name, secret), ok=False)


def made(box, *words):
    box.sett("snapshot", "create", "--wait", *words)
    return box.json("snapshot", "list")["data"][0]


def main():
    tap, server, box = Tap(), Server(), Box()
    try:
        box.run()
        box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
        code, _out, said = add(box, server, "wrong", "not the secret")
        if code == 0:
            code, _out, said = box.sett("vault", "test", "wrong", ok=False)
            box.sett("vault", "remove", "wrong", "--confirm", "wrong", ok=False)
        tap.ok(code == 4 and "are key and secret right" in said, "a wrong secret is refused by the server's own check", said)
        code, _out, said = add(box, server, "bucket", "S3RVER")
        tap.equal(code, 0, "a vault in the bucket")
        tap.ok(box.json("vault", "test", "bucket")["deletes"], "it was written to, read and deleted from")
        box.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
        page = glob.glob(os.path.join(live(box), "tenants", "*", "**", "index.html"), recursive=True)[0]
        with open(os.path.join(os.path.dirname(page), "noise"), "wb") as f:
            f.write(os.urandom(40 << 20))
        first = made(box)
        tap.ok(first["bytes"] > 2 * (16 << 20), "a snapshot of several parts", first)
        tap.equal(len(box.json("snapshot", "show", "1")["copies"]), 1, "arrived")
        second = made(box)
        tap.ok(second["base_id"] == first["id"] and second["bytes"] < 1 << 20, "and a small one that builds on it", second)
        box.sett("snapshot", "drill")
        drill = wait_for(lambda: (d := box.json("drill", "list")["data"]) and d[0], "a drill", 120)
        tap.ok(drill["passed"] and drill["chain"] == 2, "both are fetched, opened and compared", drill)
        out = os.path.join(box.root, "exported")
        os.mkdir(out, 0o700)
        box.sett("snapshot", "export", "1", out)
        tap.equal([os.path.getsize(p) for p in glob.glob(os.path.join(out, "*.sett"))], [first["bytes"]], "and one comes out as a file")
        tap.equal(box.sett("snapshot", "verify", "1", ok=False)[0], 0, "that verifies")
        box.sett("setting", "set", "snapshot.keep_daily", "--value", "0")
        for _ in range(3):
            made(box, "--full")
        names = wait_for(lambda: len(o := server.objects()) == 3 and o, "what no rule keeps is deleted there", 60)
        tap.ok(len(names) == 3, "retention deletes in the bucket", names)
    finally:
        box.close()
        server.close()
    tap.done()


main()
