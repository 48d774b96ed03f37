#!/usr/bin/env python3
"""A Docker inside a machine that is itself an unprivileged container with nesting, as a box on Proxmox VE is: the engine of
Debian's package starts there, `sett engine local` says what it is and what the host has to allow, and a tenant's
container runs. What this machine's own host does not allow is printed, with what doctor's words say of it. Needs root,
lxc and mmdebstrap. Speaks TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from box import Tap, wait_for
from long_restore_installed import PACKAGES, install
from machine import Machine, make_root, own_namespaces, unpack

ENGINE = ["docker.io", "iptables", "busybox-static", "curl"]
IMAGE = """set -e
mkdir -p /tmp/image/bin /tmp/image/srv
cp /bin/busybox /tmp/image/bin/busybox
for name in sh httpd; do ln -sf busybox /tmp/image/bin/$name; done
echo it runs >/tmp/image/srv/index.html
tar -C /tmp/image -c . | docker import - sett/busybox:latest
"""


def main():
    own_namespaces()
    tap, one = Tap(), None
    with tempfile.TemporaryDirectory(prefix="sett-nested-") as top:
        try:
            os.chmod(top, 0o755)
            packed, made, root = (os.path.join(top, n) for n in ("debian.tar", "made", "root"))
            make_root(made, sorted({*PACKAGES, *ENGINE}))
            install(made)
            subprocess.run(["tar", "-C", made, "-cf", packed, "."], check=True)
            unpack(packed, root)  # with the ids of an unprivileged one
            shutil.rmtree(made)
            os.unlink(packed)
            one = Machine(top, root, "nested", network=1, unprivileged=True)
            one.boot()
            tap.ok(True, "an unprivileged container with nesting, and systemd in it")
            one.sett("setup")
            one.must("systemctl", "start", "sett-hands", "sett-worker", "sett-front")
            code, _, _ = one.run("systemctl", "start", "docker")
            said = json.loads(one.sett("engine", "local", "--json"))
            tap.ok(said["container"] == "lxc" and (said["answers"] or said["problems"]), "sett says what the engine is, or what is in its way", said)
            if code == 0:
                one.must("sh", "-c", IMAGE)
                code, out, why = one.run("docker", "run", "-d", "--rm", "-p", "127.0.0.1:8099:8080", "sett/busybox", "httpd", "-f", "-p", "8080", "-h", "/srv")
                if code == 0:
                    wait_for(lambda: "it runs" in one.run("curl", "-s", "http://127.0.0.1:8099/")[1], "its container answers", 30)
                    tap.ok(not said["problems"] or said["storage"], "a container runs in it, and answers", said)
                else:
                    print(f"# this machine's host lets no container run in a container: {why.strip()[-300:]}")
                    tap.ok(said["problems"] != [], "and sett names what is in the way", said)
            else:
                print("# the engine does not start here: " + one.run("journalctl", "-u", "docker", "-n", "3", "--no-pager", "-o", "cat")[1].strip()[-400:])
                tap.ok(any("docker" in p["fix"] or "nesting" in p["fix"] for p in said["problems"]), "and sett names what is in the way", said)
        finally:
            if one:
                one.halt()
    tap.done()


if __name__ == "__main__":
    main()
