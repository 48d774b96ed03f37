#!/usr/bin/env python3
"""A box moves to another machine by the runbook's own commands: it stands down, one file carries it, its tenant answers
there through the same tunnel with no DNS record touched, and the old one stays down whatever is tried. Speaks TAP."""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, World, free_port, wait_for


def runbook():
    with open(os.path.join(TOP, "appliance", "runbooks", "box-move.md"), encoding="utf-8") as f:
        return [part.split("```")[0] for part in f.read().split("```sh\n")[1:]]


def block(tap, box, number, env):
    env = dict(box.env, PATH=f"{box.build}:{os.environ['PATH']}", SETT_ROOT=box.root, **env)
    done = subprocess.run(["sh", "-euc", runbook()[number - 1]], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    tap.ok(done.returncode == 0, f"runbook, block {number}", runbook()[number - 1] + done.stdout + done.stderr)
    return done.stdout


def page(box, port):
    done = subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True, text=True)
    return done.stdout


def other_machine(box, folder):
    """Bare, but for /etc/sett, which was brought over by hand."""
    other = Box.__new__(Box)
    root = os.path.join(folder, "other")
    other.__dict__.update(box.__dict__, root=root, own=False, processes={}, port=free_port(), reports=os.path.join(root, "sanitizer"))
    shutil.copytree(os.path.join(box.root, "etc"), os.path.join(root, "etc"))
    shutil.copy(os.path.join(box.root, "admin-password"), root)
    conf = os.path.join(root, "etc/sett/sett.conf")
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(re.sub(rf"\b{box.port}\b", str(other.port), text).replace(box.root, root))
    return other


def connectors(world):
    return {t["id"]: len(t["connections"]) for t in world.call("state")["tunnels"]}


def move(tap, box, world, folder):
    box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
    tenant = box.json("tenant", "list")["data"][0]
    data = os.path.join(box.root, "var/lib/sett/live/tenants", str(tenant["number"]), "data")
    os.makedirs(data, exist_ok=True)
    with open(os.path.join(data, "kept"), "w", encoding="utf-8") as f:
        f.write("what the tenant kept\n")
    box.sett("setting", "set", "box.twin_s", "1")
    kit, file = os.path.join(folder, "kit"), os.path.join(folder, "box.sett")
    box.sett("recovery", "init", "--secret-file", kit)
    box.sett("vault", "add", "local", "folder", os.path.join(folder, "vault"))
    code, _out, said = box.sett("box", "export", file, "--confirm=export", "--dry-run", ok=False)
    tap.ok(code == 2 and "no plan" in said and not os.path.exists(file), "--dry-run never exports", (code, said))
    code, _out, said = box.sett("box", "export", file, ok=False)
    tap.ok(code == 2 and "--confirm=export" in said, "an export is not begun by accident", said)
    before, tunnels = len(world.call("effects")), connectors(world)
    tap.ok(list(tunnels.values()) == [1], "one tunnel with one connector", tunnels)
    env = {"FILE": file, "KIT": kit, "SIGNER": box.json("recovery", "kit")["signer"][:16], "BOX_NAME": "sett"}
    box.sett("box", "leave")
    wait_for(lambda: box.json("box", "show")["place"] == "still", "it stands down")
    box.sett("box", "stay")
    block(tap, box, 1, env)
    tap.ok(os.path.exists(file) and box.json("box", "show")["place"] == "left", "it has left, into one file")
    tap.equal(list(connectors(world).values()), [0], "its connector is gone")
    tap.equal(page(box, tenant["port"]), "", "its tenant is stopped")
    code, _out, said = box.sett("tenant", "create", "Late", "demo", "--subdomain", "late", ok=False)
    tap.ok(code != 0 and "another machine" in said, "nothing new is begun there", said)
    other = other_machine(box, folder)
    try:
        block(tap, other, 2, env)
        other.run()
        wait_for(lambda: other.json("restore", "list")["data"][0]["state"] == "resumed", "it goes on by itself", 60)
        wait_for(lambda: "acme" in page(other, tenant["port"]).lower(), "its tenant answers there", 30)
        wait_for(lambda: list(connectors(world).values()) == [1], "the connector runs there", 30)
        block(tap, other, 3, env)
        tap.equal(list(connectors(world)), list(tunnels), "the tunnel is the same one")
        done = [e for e in world.call("effects")[before:] if "dns" in str(e).lower()]
        tap.equal(done, [], "no DNS record was touched")
        kept = os.path.join(other.root, "var/lib/sett/live/tenants", str(tenant["number"]), "data/kept")
        tap.ok(os.path.exists(kept), "what the tenant kept is there")
        here = other.json("box", "show")
        tap.ok(here["place"] == "here" and here["moves"] == 1, "the box knows that it moved", here)
        tap.equal(other.sett("fsck", ok=False)[0], 0, "its store is sound")
        fenced(tap, box, world, env)
        twin(tap, other, world)
        other.sett("tenant", "create", "Globex", "demo", "--subdomain", "globex", "--wait")
        tap.ok(True, "and it sells on")
    finally:
        other.close()
    return tenant, next(iter(tunnels))


def fenced(tap, box, world, env):
    """The old one, started again beside the new one."""
    block(tap, box, 4, env)
    box.stop()
    box.run()
    tap.equal(box.json("box", "show")["place"], "left", "started again, it still stands down")
    tap.equal(list(connectors(world).values()), [1], "and runs no connector")
    tap.equal([j["saga"] for j in box.json("job", "list", "--state", "running")["data"]], [], "and no saga")


def twin(tap, other, world):
    """Somebody restores the old box elsewhere: its connector appears beside ours."""
    t = world.call("state")["tunnels"][0]
    token = base64.b64encode(json.dumps({"a": world.facts["account"], "t": t["id"], "s": t["secret"]}, separators=(",", ":")).encode()).decode()
    stranger = {"token": token, "connector": "5a3c0de0-0000-4000-8000-000000000002"}
    tap.ok(world.call("connect", stranger)["ok"], "a connector of somebody else's")

    def told(state):
        return [a for a in other.json("alert", "list")["data"] if a["kind"] == "box.twin" and a["state"] == state]
    wait_for(lambda: told("open"), "the alarm", 60)
    tap.ok(True, "a second box behind the same tunnel is told of")
    world.call("disconnect", stranger)
    wait_for(lambda: not told("open"), "its end", 60)
    tap.ok(True, "until it is gone")


def refused(tap, box, folder):
    other = other_machine(box, os.path.join(folder, "second"))
    plain = [os.path.join(folder, "vault", n) for n in sorted(os.listdir(os.path.join(folder, "vault")))][0]
    code, _out, said = other.sett("box", "import", plain, "--recovery-file", os.path.join(folder, "kit"), "--confirm=sett", "--signer",
                                  box.json("recovery", "kit")["signer"][:16], ok=False)
    tap.ok(code == 5 and "stand down" in said and not os.path.exists(os.path.join(other.root, "var/lib/sett/live/db")), "a box that did not stand down is not imported", said)


def stays(tap, box, world, tenant, tunnel):
    box.sett("box", "stay")
    wait_for(lambda: box.json("box", "show")["place"] == "here", "it stays")
    record = wait_for(lambda: (r := box.json("restore", "list")["data"][0])["problem"] and r, "it has looked, and found what the other one made", 60)
    tap.equal(record["state"], "reconciling", "what the other one made meanwhile is for a person to see")
    box.sett("restore", "resume")
    wait_for(lambda: "acme" in page(box, tenant["port"]).lower(), "its tenant is started again", 60)
    wait_for(lambda: connectors(world)[tunnel] == 1, "and its connector", 60)
    tap.ok(True, "a box that never came up elsewhere lives on where it was")


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-move-")
    os.makedirs(os.path.join(folder, "vault"))
    world = World(os.path.join(folder, "world"))
    box = Box(world=world, ingress="cloudflare", conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        box.run()
        with tap.part("move"):
            tenant, tunnel = move(tap, box, world, folder)
        with tap.part("stays"):
            stays(tap, box, world, tenant, tunnel)
        with tap.part("refused"):
            os.makedirs(os.path.join(folder, "second"))
            box.sett("snapshot", "create", "--full", "--wait")
            refused_file = sorted(os.listdir(os.path.join(folder, "vault")))[-1]
            for name in os.listdir(os.path.join(folder, "vault")):
                if name != refused_file:
                    os.unlink(os.path.join(folder, "vault", name))
            refused(tap, box, folder)
    finally:
        box.close()
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
