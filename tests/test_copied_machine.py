#!/usr/bin/env python3
"""A box finds itself on a machine that it does not know: a clone. It stands still, says so wherever somebody may look,
and touches nothing outside, until it is told that it moved; back on its own machine it needs no word. Speaks TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, World, wait_for

OPS = "they run it, 24 hours"


def machine(box, digit):
    """The machine is another one now."""
    with open(os.path.join(box.root, "etc/machine-id"), "w", encoding="utf-8") as f:
        f.write(digit * 32 + "\n")


def place(box):
    return box.json("box", "show")["place"]


def page(port):
    return subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=False).stdout


def connections(world):
    return [len(t["connections"]) for t in world.call("state")["tunnels"]]


def browse(tap, box):
    given = {"base": f"http://localhost:{box.port}", "password": box.password(), "chosen": "a long enough one 7"}
    done = subprocess.run(["node", os.path.join(TOP, "tests", "browser", "copied.mjs"), json.dumps(given)], capture_output=True, text=True, timeout=200, check=False)
    tap.ok(done.returncode == 0, "in a browser, by who has to choose a password first, it is told that it moved", done.stdout + done.stderr)


def stands_still(tap, box, world, tenant, before):
    tap.equal(place(box), "copied", "on another machine it asks what it is")
    tap.equal((connections(world), page(tenant["port"])), ([0], ""), "no connector is started, and no tenant")
    code, _out, said = box.sett("tenant", "create", "Late", "demo", "--subdomain", "late", ok=False)
    tap.ok(code != 0 and "sett box identify" in said, "nothing new is begun", said)
    tap.ok(box.sett("snapshot", "create", ok=False)[0] != 0, "not even a snapshot")
    token = box.login("ops", OPS)
    answer = box.http("GET", "/api/attention", headers=token).json["data"]
    tap.ok(answer[0]["kind"] == "box.copied" and answer[0]["severity"] == "critical" and "identify" in answer[0]["command"], "the first thing that needs a person", answer[:2])
    said = box.sett("greeting")
    tap.ok("COPY" in said and "sett box identify" in said, "the greeting says so", said)
    code, said, _ = box.sett("doctor", ok=False)
    tap.ok(code == 1 and "sett box identify" in said, "so does the doctor", said)
    answer = box.http("POST", "/api/box/identify", {"as": "second"}, headers=token)
    tap.ok(answer.status == 409 and "sett box identify second" in answer.json["hint"], "a second box is made by root alone", answer.json)
    tap.equal(len(world.call("effects")), before, "nothing outside was touched")
    return token


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-copied-")
    world = World(os.path.join(folder, "world"))
    box = Box(world=world, ingress="cloudflare", conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        machine(box, "a")
        box.run()
        box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
        tenant = box.json("tenant", "list")["data"][0]
        box.sett("user", "create", "ops", "admin", "--password-file", "-", stdin=OPS)
        box.sett("user", "update", "admin", "--password-once", "true")
        here = box.json("box", "show")
        tap.ok(here["place"] == "here" and here["host"] and "machine" not in here, "it knows its machine, and tells nobody the id", here)
        box.stop()
        wait_for(lambda: connections(world) == [0], "its connector is gone", 30)
        before = len(world.call("effects"))
        machine(box, "b")
        box.run()
        with tap.part("a copy"):
            token = stands_still(tap, box, world, tenant, before)
            box.stop()
            box.run()
            tap.equal(place(box), "copied", "begun again, it still asks")
            token = box.login("ops", OPS)
        with tap.part("it moved"):
            if shutil.which("node"):
                browse(tap, box)
            else:
                tap.equal(box.http("POST", "/api/box/identify", {"as": "moved"}, headers=token).status, 200, "it is told that it moved")
            wait_for(lambda: connections(world) == [1], "its connector runs", 60)
            wait_for(lambda: "acme" in page(tenant["port"]).lower(), "its tenant answers", 60)
            here = box.json("box", "show")
            tap.ok(here["place"] == "here" and here["moves"] == 1 and here["came_at"], "and it lives here", here)
            dns = [e for e in world.call("effects")[before:] if "dns" in str(e).lower()]
            tap.equal(dns, [], "through the same tunnel: no DNS record was touched")
            tap.equal(box.sett("box", "identify", "moved", ok=False)[0], 5, "asked once, it knows")
        with tap.part("back"):
            box.stop()
            machine(box, "c")
            box.run()
            tap.equal(place(box), "copied", "on a third machine it asks again")
            box.stop()
            machine(box, "b")
            box.run()
            wait_for(lambda: place(box) == "here" and connections(world) == [1], "it goes on", 60)
            tap.ok(True, "back on its own it goes on by itself")
            box.stop()
            os.unlink(os.path.join(box.root, "etc/machine-id"))
            box.run()
            tap.equal(place(box), "here", "where machines have no id, nothing is asked")
    finally:
        box.close()
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
