#!/usr/bin/env python3
"""The token of least rights for Proxmox VE: token.sh shows what it will run and what each right is for, asks, makes
them, and takes them back; a box that imports what it wrote runs a tenant's whole life on a cluster that refuses what
goes beyond these rights, and none of them is needless. Speaks TAP. Run in a network namespace of its own."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
import pve
from box import TOP, Box, Tap, World, wait_for

SCRIPT = os.path.join(TOP, "appliance/proxmox/token.sh")


class Node:
    """A node of Proxmox VE with a pveum."""

    def __init__(self, folder):
        self.folder, self.state_path = folder, os.path.join(folder, "pveum.json")
        for name in ("pveum", "pveversion"):
            os.symlink(os.path.join(HERE, "fake/pveum"), os.path.join(folder, name))
        self.env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"], PVEUM_STATE=self.state_path, SETT_PVE_CERTIFICATE="/nowhere")

    def run(self, *words, said=""):
        done = subprocess.run([SCRIPT, *words], env=self.env, input=said, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def state(self):
        if not os.path.exists(self.state_path):
            return {"ran": [], "acl": [], "roles": {}, "tokens": {}, "users": []}
        with open(self.state_path, encoding="utf-8") as f:
            return json.load(f)

    def acl(self):
        """What the token may: what both it and its user are given."""
        s, user = self.state(), "sett@pve"
        of = lambda who: {(path, p) for path, w, role in s["acl"] if w == who for p in s["roles"][role]}
        both = of(user) & of(user + "!box")
        return [[path, sorted(p for q, p in both if q == path)] for path in sorted({q for q, _ in both})]


def test_script(tap, node, output, url):
    code, out = node.run("--dry-run")
    tap.ok(code == 0 and node.state()["ran"] == [] and "pveum role add SettGuests-sett" in out and "carry them to another node" in out,
           "a dry run shows every command, and what each right is for, and does nothing", out)
    code, out = node.run(said="no\n")
    tap.ok(code != 0 and "nothing was done" in out and node.state()["ran"] == [], "without a yes nothing is done", out)
    code, out = node.run("--storage", "x; reboot")
    tap.ok(code != 0 and "no name" in out, "what is no name is refused", out)
    shown = [l.strip() for l in node.run("--dry-run", "--output", output)[1].splitlines() if l.startswith("  pveum ")]
    code, out = node.run("--output", output, "--url", url, said="yes\n")
    ran = node.state()["ran"]
    tap.ok(code == 0 and len(ran) == len(shown) and all(" ".join(r).replace("'", "") == s[6:].replace("'", "") for r, s in zip(ran, shown)),
           "after a yes what was shown is run, and nothing else", (out, ran, shown))
    tap.ok(node.state()["tokens"] == {"sett@pve!box": {"privsep": 1}}, "the token's rights are apart from its user's")
    tap.ok(os.stat(output).st_mode & 0o777 == 0o600 and "proxmox.token=" in open(output, encoding="utf-8").read() and "89ab" not in out,
           "what the box must know is in a private file, and the token nowhere else", out)
    code, out = node.run("--yes")
    tap.ok(code != 0 and "--remove" in out, "a token that is there is not made twice", out)


def life(box, name):
    """Made, changed, moved, deleted."""
    steps = [("create", ["tenant", "create", name, "--plan", "pve", "--wait", "--timeout", "30"]),
             ("stats", ["tenant", "stats", name]), ("logs", ["tenant", "logs", name]),
             ("update", ["tenant", "update", name, "--memory-bytes", str(512 << 20), "--storage-bytes", str(5 << 30), "--cpu-millis", "2000", "--wait"]),
             ("suspend", ["tenant", "suspend", name, "--wait"]), ("resume", ["tenant", "resume", name, "--wait"]),
             ("move", ["tenant", "move", name, "--node", "pve1", "--wait"]),
             ("delete", ["tenant", "delete", name, "--action", "delete", f"--confirm={name}", "--wait"])]
    for step, words in steps:
        code, out, said = box.sett(*words, ok=False)
        if code != 0:
            return step, out + said
    return None


def test_rights(tap, box, world, node, output):
    box.sett("proxmox", "import", output)
    acl = node.acl()
    world.call("pve-plan", {"acl": acl})
    wait_for(lambda: box.json("proxmox", "check")["ok"], "the token may all that is asked for", 20)
    tap.equal(box.json("proxmox", "check")["problems"], [], "sett proxmox check finds nothing missing")
    failed = life(box, "whole")
    tap.ok(failed is None, "these rights are enough for a tenant's whole life", failed)
    tap.equal(pve.ours(world), {}, "nothing is left")
    for privilege, at in (("VM.Migrate", "move"), ("VM.Config.Memory", "create"), ("VM.Config.Options", "create"), ("SDN.Use", "create")):
        world.call("pve-plan", {"acl": [[path, [p for p in held if p != privilege]] for path, held in acl]})
        said = box.json("proxmox", "check")
        tap.ok(not said["ok"] and any(privilege in p["what"] for p in said["problems"]), f"without {privilege} the check says so", said)
    held = {p for _, ps in acl for p in ps}
    tap.equal(sorted(held & {"VM.Clone", "VM.Console", "VM.Backup", "Sys.Modify", "Datastore.Allocate", "Permissions.Modify"}), [],
              "no right of which the box makes no use")
    without = [[path, [p for p in ps if p != "VM.Migrate"]] for path, ps in acl]
    world.call("pve-plan", {"acl": without})
    failed = life(box, "short")
    tap.ok(failed and failed[0] == "move" and "VM.Migrate" in failed[1], "one that is taken away is missed where it is needed, by name", failed)
    world.call("pve-plan", {"acl": acl})


def test_remove(tap, node):
    code, out = node.run("--remove", "--yes")
    s = node.state()
    tap.ok(code == 0 and not s["tokens"] and s["users"] == ["root@pam"] and not s["acl"] and list(s["roles"]) == ["PVEAuditor"] and s["pools"] == ["sett"],
           "removed: token, user, rights, roles; the pool stays", (out, s))


def main():
    tap, box = Tap(), None
    with tempfile.TemporaryDirectory(prefix="sett-pve-") as folder:
        node, output, world = Node(folder), os.path.join(folder, "sett.conf"), World(folder)
        try:
            with tap.part("script"):
                test_script(tap, node, output, world.url)
            box = Box(world=world, conf="\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 300\n")
            pve.setup(box, world)
            box.run()
            with tap.part("rights"):
                test_rights(tap, box, world, node, output)
            with tap.part("remove"):
                test_remove(tap, node)
            if tap.bad:
                print("# --- worker.log\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-30:]))
        finally:
            if box:
                box.close()
            world.close()
    tap.done()


if __name__ == "__main__":
    main()
