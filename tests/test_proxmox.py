#!/usr/bin/env python3
"""Tenants on other machines: containers of a Proxmox VE cluster, played by a fake that judges every request by the
API's own description and whose containers really answer. Provisioned, changed, suspended, moved between nodes,
deleted; numbers that somebody else has; what cannot be. Speaks TAP. Run in a network namespace of its own."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
import pve
from box import Box, Tap, World, wait_for


def page(box, host):
    answer = box.http("GET", "/", host=f"{host}.localhost")
    return dict(w.split("=", 1) for w in answer.body.decode().split(" ") if "=" in w) if answer.status == 200 else answer.status


def shows(box, host):
    """What it says once the web server's old workers are gone."""
    return wait_for(lambda: isinstance(p := page(box, host), dict) and p, f"{host} answers", 5)


def job(box, saga):
    return next(j for j in box.json("job", "list")["data"] if j["saga"] == saga)


def test_life(tap, box, world):
    code, out, errors = box.sett("tenant", "create", "Acme & Söhne", "--subdomain", "acme", "--plan", "pve", "--wait", ok=False)
    tap.ok(code == 0, "a tenant in a container of the cluster", out + errors + box.log("worker")[-1500:])
    guests = pve.ours(world)
    tap.equal(list(guests), [5000], "with the lowest number of our range")
    g, tenant = guests[5000], box.json("tenant", "show", "1")
    tap.equal((g["node"], g["status"]), ("pve2", "running"), "on the node with the most room, running")
    c = g["config"]
    tap.equal((c["memory"], c["cores"], c["cpulimit"], c["rootfs"].split("size=")[1], c["tags"], c["unprivileged"]),
              ("256", "2", "1.500", "3G", "sett", "1"), "within its limits, with our mark")
    tap.ok(c["description"].startswith("sett ") and tenant["id"] in c["description"], "which names box and tenant", c["description"])
    tap.equal((tenant["address"], tenant["node"], tenant["runtime"]), ("127.5.0.10:8080", "pve2", "proxmox"), "the tenant says where it is")
    seen = page(box, "acme")
    tap.ok(isinstance(seen, dict) and seen.get("vmid") == "5000", "it answers at the front door", seen)
    tap.ok("TENANT_NAME=Acme & Söhne" in c["env"], "its environment was handed over, as it was", c.get("env"))
    stats = box.json("tenant", "stats", "1")
    tap.ok(stats["memory_bytes"] == 30 << 20 and stats["storage_bytes"] > 0, "stats come from the cluster", stats)
    logs = box.sett("tenant", "logs", "1")
    tap.ok("does not give out" in logs and "vzcreate" in logs, "its log says what there is, and what is not", logs)
    box.sett("tenant", "update", "1", "--memory-bytes", str(512 << 20), "--storage-bytes", str(5 << 30), "--wait")
    c = pve.ours(world)[5000]["config"]
    tap.equal((c["memory"], c["rootfs"].split("size=")[1], pve.ours(world)[5000]["disk"]), ("512", "5G", g["disk"]),
              "more memory and a larger disk, which is the same disk")
    box.sett("tenant", "suspend", "1", "--wait")
    tap.equal((pve.ours(world)[5000]["status"], page(box, "acme")), ("stopped", 421), "suspended: stopped and kept")
    box.sett("tenant", "resume", "1", "--wait")
    box.sett("tenant", "restart", "1", "--wait")
    tap.equal(page(box, "acme")["disk"], g["disk"], "resumed and restarted: it answers, from the same disk")


def test_numbers(tap, box, world):
    world.call("pve-foreign", {"vmid": 5001})
    box.sett("tenant", "create", "Globex", "--subdomain", "globex", "--plan", "pve", "--wait")
    tap.equal(sorted(pve.ours(world)), [5000, 5002], "a number that somebody else took meanwhile is passed over")
    tap.equal(world.call("pve")["5001"]["config"]["hostname"], "theirs", "and theirs is not touched")
    pve.blueprint(box, "clone", image="9000")
    box.sett("plan", "create", "--name", "clone", "--title", "Clone", "--blueprint", "clone", "--currency", "eur", "--offered")
    box.sett("tenant", "create", "Cloned", "--subdomain", "cloned", "--plan", "clone", "--wait")
    g = pve.ours(world)[5003]
    tap.equal((g["node"], g["config"]["rootfs"].split("size=")[1], page(box, "cloned")["vmid"]), ("pve1", "3G", "5003"),
              "a clone is made where its original is, grown to its size, and answers")
    box.sett("setting", "set", "proxmox.addresses", "")
    box.sett("tenant", "create", "Dynamic", "--subdomain", "dynamic", "--plan", "pve", "--wait")
    tenant = box.json("tenant", "show", "4")
    tap.ok(tenant["address"].startswith("127.7.") and page(box, "dynamic")["vmid"] == "5004", "without a pool DHCP's address is read back", tenant)
    before = tenant["address"]
    box.sett("tenant", "restart", "4", "--wait")
    tap.ok(box.json("tenant", "show", "4")["address"] != before and shows(box, "dynamic")["vmid"] == "5004",
           "and when it changes the front door follows", box.json("tenant", "show", "4"))


def test_move(tap, box, world):
    before = page(box, "acme")
    box.sett("tunnel", "create", "--container-id", "1", "--hostname", "more.localhost", "--ingress", "local", "--wait")
    tap.equal(shows(box, "more")["vmid"], "5000", "a further way in leads to where it is")
    plan = box.sett("tenant", "move", "1", "--node", "pve1", "--dry-run")
    tap.ok("on pve1" in plan, "a plan of a move between nodes says so", plan)
    box.sett("tenant", "move", "1", "--node", "pve1", "--wait")
    after = page(box, "acme")
    tap.equal((after["node"], after["disk"], after["vmid"]), ("pve1", before["disk"], before["vmid"]), "moved: another node, the same disk, and it answers")
    tap.equal(box.json("tenant", "show", "1")["node"], "pve1", "the tenant says so")
    for words, why in ((("--node", "pve3"), "not online"), (("--node", "pve9"), "no node pve9"), (("--node", "pve1"), "is where it is"),
                       (("--runtime", "process", "--blueprint", "site"), "cannot be carried")):
        code, out, errors = box.sett("tenant", "move", "1", *words, ok=False)
        tap.ok(code != 0 and why in errors, f"refused: {' '.join(words)}: {why}", errors)
    world.call("pve-plan", {"fail": {"vzmigrate": "ERROR: migration aborted: volume is in use"}})
    code, out, errors = box.sett("tenant", "move", "1", "--node", "pve2", "--wait", ok=False)
    moved = job(box, "tenant.move")
    tap.ok(code != 0 and moved["state"] == "undone" and "in use" in moved["cause"], "a migration that fails is taken back with its cause", moved)
    old = shows(box, "acme")
    tap.equal((old["node"], old["disk"]), ("pve1", before["disk"]), "and the old one answers as before")


def test_failures(tap, box, world):
    world.call("pve-version", {"version": "8.4.0"})
    pve.blueprint(box, "wants")
    path = os.path.join(box.root, "etc/sett/blueprints/wants.conf")
    with open(path, "a", encoding="utf-8") as f:
        f.write("\n[env]\nMODE = production\n")
    box.sett("plan", "create", "--name", "wants", "--title", "Wants", "--blueprint", "wants", "--currency", "eur", "--offered")
    box.sett("tenant", "create", "Wants", "--subdomain", "wants", "--plan", "wants", "--wait", ok=False)
    stuck = job(box, "tenant.provision")
    tap.ok(stuck["state"] == "stuck" and "9.1" in stuck["cause"] and stuck["remedy"], "an older version says that it hands no environment over", stuck)
    box.sett("job", "resolve", stuck["id"], "--how", "undo", "--wait")
    world.call("pve-version", {"version": "9.1.3"})
    box.sett("setting", "set", "proxmox.nodes", "pve3")
    wait_for(lambda: not any(n["takes"] for n in box.json("proxmox", "check")["nodes"]), "the worker knows the nodes", 5)
    box.sett("tenant", "create", "Homeless", "--subdomain", "homeless", "--plan", "pve", "--wait", ok=False)
    stuck = job(box, "tenant.provision")
    tap.ok("pve3 is not online" in stuck["cause"], "when none fits it is said of each why not", stuck)
    box.sett("job", "resolve", stuck["id"], "--how", "undo", "--wait")
    box.sett("setting", "set", "proxmox.nodes", "")
    with open(os.path.join(box.root, "etc/sett/blueprints/bad.conf"), "w", encoding="utf-8") as f:
        f.write("[blueprint]\nruntime = proxmox\nimage = 9000\ninner_port = 80\n[init]\ncommand = true\n")
    code, out, errors = box.sett("plan", "create", "--name", "bad", "--title", "Bad", "--blueprint", "bad", ok=False)
    tap.ok(code != 0 and "first boot" in errors, "a blueprint with init commands says where they belong", errors)


def test_trust(tap, box, world):
    box.sett("setting", "set", "proxmox.fingerprint", "00" * 32)
    code, out, errors = wait_for(lambda: (r := box.sett("proxmox", "check", ok=False))[0] != 0 and r, "the other certificate is refused")
    tap.ok("another certificate" in errors, "a certificate that is not the pinned one is refused, before the token is sent", errors)
    seen = errors.split("SHA-256 is ")[1].split(":")[0].strip()
    box.sett("setting", "set", "proxmox.fingerprint", seen)
    code, out, errors = wait_for(lambda: (r := box.sett("proxmox", "check", ok=False))[0] == 0 and r, "the pinned one is taken")
    tap.ok("pve2" in out and "9.1.3" in out, "the one that was named is taken: check shows what there is", out + errors)
    world.call("pve-plan", {"privileges": ["VM.Audit"]})
    code, out, errors = box.sett("proxmox", "check", ok=False)
    tap.ok("VM.Allocate" in out + errors, "check names the privileges that are missing", out + errors)
    world.call("pve-plan", {"privileges": None})


def test_end(tap, box, world):
    for number, name in (("1", "acme"), ("2", "globex"), ("3", "cloned"), ("4", "dynamic")):
        box.sett("tenant", "delete", number, "--action", "delete", f"--confirm={name}", "--wait")
    tap.equal(sorted(pve.ours(world)), [], "deleted: no container of ours is left")
    tap.ok("5001" in world.call("pve"), "somebody else's is")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck finds nothing")
    breaches = world.call("breaches")
    tap.ok(not breaches, "every exchange was as Proxmox describes it", "\n".join(sorted(set(breaches))[:20]))


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    box = Box(world=world, conf="\n[engine]\nbackoff_min_ms = 30\nbackoff_max_ms = 300\n")
    try:
        box.run()
        pve.setup(box, world)
        wait_for(lambda: box.sett("proxmox", "check", ok=False)[0] == 0, "the worker knows its token")
        for name, part in (("life", test_life), ("numbers", test_numbers), ("move", test_move), ("failures", test_failures),
                           ("trust", test_trust), ("end", test_end)):
            with tap.part(name):
                part(tap, box, world)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-40:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
