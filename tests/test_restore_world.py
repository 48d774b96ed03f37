#!/usr/bin/env python3
"""A box that is lost, and what the world knows of it: paid orders, tunnels and DNS records that are younger than the
snapshot. The restored box looks before it acts, names what it does not know, deletes nothing of it unasked, and makes
what was paid for: once. Speaks TAP."""
import glob
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for
from provider import Provider
from test_main_job import Shop
from test_stripe_key import FAST, Till


def order(box, till, name):
    """Somebody buys: checkout, payment, the events of that. The tenant, once it is active."""
    made = box.http("POST", "/api/checkout", {"name": name.title(), "email": f"owner@{name}.example", "subdomain": name, "plan": "small"})
    assert made.status in (200, 201), made.body
    session = next(s for s in box.world.call("state")["stripe"]["checkout.session"].values() if s["client_reference_id"] in made.body.decode())
    customer = till.put("customer", id=f"cus_{name}", name=name.title(), email=f"owner@{name}.example")
    sub = till.subscription(f"sub_{name}", "active", f"cus_{name}", "price_small", sett_order=session["client_reference_id"], tenant=name)
    paid = till.put("checkout.session", id=session["id"], status="complete", payment_status="paid", customer=f"cus_{name}", subscription=f"sub_{name}")
    till.tell("customer.created", customer)
    till.tell("customer.subscription.created", sub)
    till.tell("checkout.session.completed", paid)
    return till.shop.reaches(name, "active")


def outside(world):
    provider = Provider(world)
    tunnels = {t["id"]: t["name"] for t in provider.tunnel("GET") if not t.get("deleted_at")}
    return tunnels, {r["id"]: r["name"] for r in provider.record("GET")}


def on_another_machine(box, folder, secret, path, signer):
    """The box of the snapshot, on a bare machine; its sett.conf is put there by hand, as the runbook says."""
    root = os.path.join(folder, "other")
    other = Box.__new__(Box)
    other.__dict__.update(box.__dict__, root=root, own=False, processes={}, reports=os.path.join(root, "sanitizer"))
    os.makedirs(os.path.join(root, "etc/sett"))
    code, out, said = other.sett("restore", path, "--onto-empty", "--recovery-file", secret, "--signer", signer, "--confirm=sett", ok=False)
    assert code == 0, out + said
    shutil.copy(os.path.join(root, "var/lib/sett/live/etc/sett.conf"), os.path.join(root, "etc/sett/sett.conf"))
    for name in ("admin-password", "stripe-webhook-secret"):
        shutil.copy(os.path.join(box.root, name), root)
    return other


def lost(tap, box, world, folder):
    till = Till(world, Shop(box))
    first = order(box, till, "hooli")
    secret, vault = os.path.join(folder, "secret"), os.path.join(folder, "vault")
    os.makedirs(vault)
    box.sett("recovery", "init", "--secret-file", secret)
    box.sett("vault", "add", "local", "folder", vault)
    box.sett("snapshot", "create", "--wait")
    signer = box.json("recovery", "kit")["signer"]
    path = sorted(glob.glob(vault + "/*.sett"))[-1]

    second = order(box, till, "pied")
    box.sett("tenant", "create", "hand", "--plan", "small", "--wait")
    gone = box.json("tenant", "show", "hand")
    for i in range(230):  # more than two pages of what is of no interest
        world.call("event", {"type": "customer.updated", "object": till.put("customer", id=f"cus_{i}")})
    before, lost_tunnels = outside(world), box.json("tunnel", "list")["data"]
    tap.ok(len(before[0]) == 3 and len(before[1]) == 3, "three tenants, two of them younger than the snapshot", before)
    code, out, said = box.sett("restore", path, "--recovery-file", secret, "--dry-run", ok=False)
    tap.ok(code == 0 and "2 tenants: pied, hand" in said.replace("hand, pied", "pied, hand") and "1 payment: Pied" in said and "1 order: pied" in said,
           "what would be lost is counted and named", out + said)
    box.stop()
    world.call("disconnect-all", {})

    other = on_another_machine(box, folder, secret, path, signer)
    try:
        other.run()
        record = wait_for(lambda: (r := other.json("restore", "list")["data"][0])["problem"] and r, "what is outside was looked at", 60)
        tap.ok(record["state"] == "reconciling" and "need a decision" in record["problem"], "it does not go on by itself", record)
        tap.ok(record["events_read"] and record["events"] == 233, "Stripe's events since the snapshot were read, all pages of them", record["events"])
        found = {f"{d['kind']} {d['verdict']}": d for d in other.json("drift", "list", "--limit", "100")["data"] if d["verdict"] == "orphan"}
        names = sorted(d["name"] for d in other.json("drift", "list", "--limit", "100")["data"] if d["verdict"] == "orphan" and d["kind"] == "dns")
        tap.equal(names, ["hand.sett.test", "pied.sett.test"], "the records of the two that it does not know are named")
        tap.ok("tunnel orphan" in found, "and their tunnels", found)
        tap.equal(outside(world), before, "nothing is touched by that")
        tap.equal([t["name"] for t in other.json("tenant", "list")["data"]], ["Hooli"], "and nothing is made yet")
        shots = other.json("snapshot", "list", "--state", "gone")["data"]
        tap.ok(len(shots) == 1 and "restored" in shots[0]["state_reason"] and other.json("snapshot", "list")["data"] == [],
               "of the snapshot itself no copy is known there, and nobody is still making it", shots)
        other.sett("snapshot", "import", path, "--to", "local")
        known = other.json("snapshot", "show", shots[0]["id"])
        tap.ok(known["state"] == "imported" and known["number"] == shots[0]["number"] and len(known["copies"]) == 1,
               "until its file is brought, then it is what it was", known)
        said = other.sett("restore", "status")
        tap.ok("drift list" in said and "were read again" in said and "restore resume" in said, "status tells how to go on", said)

        other.sett("restore", "resume")
        shop = Shop(other)
        again = wait_for(lambda: (t := shop.tenant("pied")) and t["state"] in ("active", "failed") and t, "the order that was paid after the snapshot", 60)
        tap.equal(again["state"], "active", "the order that was paid after the snapshot is made")
        if again["state"] != "active":
            print("# " + other.sett("job", "list").replace("\n", "\n# "))
            print("# " + json.dumps(other.json("job", "list", "--state", "stuck")["data"]))
        was = {t["hostname"]: t["number"] for t in lost_tunnels}
        now = {t["hostname"]: t["number"] for t in other.json("tunnel", "list")["data"]}
        tap.ok(now["pied.sett.test"] > max(was.values()), "with a tunnel of a number that was never given out", (was, now))
        tap.ok(again["id"] != second["id"], "as a tenant of its own", again)
        shop.reaches("hooli", "active")
        wait_for(lambda: other.json("job", "list", "--state", "running")["data"] == [] and other.json("job", "list", "--state", "queued")["data"] == [],
                 "all is done", 60)
        tenants = other.json("tenant", "list", "--limit", "100")["data"]
        tap.equal(sorted(t["subdomain"] for t in tenants), ["hooli", "pied"], "each of the two once")
        tap.equal(sorted(s["stripe_subscription"] for s in other.json("subscription", "list")["data"]), ["sub_hooli", "sub_pied"], "so are their subscriptions")
        for name in ("hooli", "pied"):
            wait_for(lambda n=name: other.json("tenant", "show", n)["health"] in ("healthy", "unknown", "passing"), f"{name} answers", 30)
        tap.equal(other.json("tenant", "show", "hooli")["id"], first["id"], "the first is the one that it was")
        now = outside(world)
        tap.ok(set(before[0]) <= set(now[0]) and "hand.sett.test" in now[1].values(), "what was not asked for is still there", (before, now))

        # The tunnel of the tenant that nobody paid for goes when somebody says so.
        number = other.json("drift", "scan")["number"]
        wait_for(lambda: (s := other.json("drift", "status"))["state"] == "idle" and s["number"] > number, "a look", 60)
        items = [d for d in other.json("drift", "list", "--limit", "100")["data"] if d["verdict"] == "orphan"]
        tap.ok(any(d["name"] == "hand.sett.test" for d in items), "the next look still names it", items)
        for d in items:
            job = other.json("drift", "revert", d["id"])["job"]
            ended = wait_for(lambda j=job: (now := other.json("job", "show", j))["state"] in ("done", "stuck", "undone") and now, "it is removed", 60)
            tap.ok(ended["state"] == "done", f"{d['thing']} is removed", ended)
        tunnels, records = outside(world)
        tap.ok(len(tunnels) == 2 and sorted(records.values()) == ["hooli.sett.test", "pied.sett.test"], "with consent it goes, and only it", (tunnels, records))
        tap.ok(gone["id"] not in json.dumps(other.json("tenant", "list")), "the tenant made by hand is not there")
        tap.equal(other.sett("fsck", ok=False)[0], 0, "the store is sound")
    finally:
        other.close()


def main():
    tap, folder = Tap(), tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    box = Box(world=world, conf=FAST, ingress="cloudflare")
    try:
        box.secret("stripe.secret_key", world.facts["stripe_key"])
        box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--stripe-price", "price_small",
                 "--currency", "eur", "--amount", "1900", "--offered")
        box.run()
        with tap.part("lost"):
            lost(tap, box, world, folder)
        breaches = world.call("breaches")
        tap.ok(not breaches, "every exchange was as the providers describe it", "\n".join(sorted(set(breaches))[:10]))
    finally:
        box.close()
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
