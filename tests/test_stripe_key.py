#!/usr/bin/env python3
"""A box that has a Stripe key: an order by checkout, events that only say "look again", a provider that is
down for a while. Every exchange with the fake is judged by Stripe's own API description. Speaks TAP."""
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for
from test_main_job import Shop

FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"


class Till:
    """Stripe's side: objects that change, and events that say so."""

    def __init__(self, world, shop):
        self.world, self.shop = world, shop

    def put(self, kind, **members):
        return self.world.call("stripe", {"kind": kind, "members": members})

    def tell(self, kind, obj, stale=None):
        event = self.world.call("event", {"type": kind, "object": dict(obj, **(stale or {}))})
        answer = self.shop.post(event)
        assert answer.status == 200, answer.body
        return event["id"]

    def subscription(self, ident, status, customer, price, **metadata):
        items = {"object": "list", "has_more": False, "url": "/v1/subscription_items", "data": [
            dict(self.world_item(), id=f"si_{ident}", subscription=ident, price=dict(self.world_item()["price"], id=price))]}
        return self.put("subscription", id=ident, status=status, customer=customer, metadata=metadata, items=items)

    def world_item(self):
        return self.put("subscription", id="sub_sample")["items"]["data"][0]


def test_checkout(tap, box, till):
    answer = box.http("POST", "/api/checkout", {"name": "Hooli", "email": "owner@hooli.example", "subdomain": "hooli", "plan": "small"})
    tap.ok(answer.status in (200, 201) and "checkout.stripe.com" in answer.body.decode(), "a checkout gives an address at Stripe", answer.body)
    order = answer.json
    other = box.http("POST", "/api/checkout", {"name": "Nucleus", "email": "n@example.com", "subdomain": "hooli", "plan": "small"})
    tap.equal(other.status, 409, "its name is held while it is paid")
    session = next(iter(box.world.call("state")["stripe"]["checkout.session"].values()))
    ident = session["client_reference_id"]
    tap.ok(ident.startswith("ord_") and ident in json.dumps(order), "the session carries the order", session)
    till.subscription("sub_hooli", "active", "cus_hooli", "price_small", sett_order=ident)
    till.put("customer", id="cus_hooli", name="Hooli", email="owner@hooli.example")
    paid = till.put("checkout.session", id=session["id"], status="complete", payment_status="paid", customer="cus_hooli",
                    subscription="sub_hooli")
    till.tell("checkout.session.completed", paid)
    tenant = till.shop.reaches("hooli", "active")
    tap.equal(tenant["plan"], "small", "the ordered plan, under the ordered name")
    tap.equal(box.http("GET", "/", host="hooli.localhost").status, 200, "and it answers")


def test_reread(tap, box, till):
    now = till.subscription("sub_hooli", "unpaid", "cus_hooli", "price_small")
    till.tell("customer.subscription.updated", now, stale={"status": "active"})
    till.shop.reaches("hooli", "suspended")
    tap.ok(True, "what Stripe says now holds, not what the event said")
    now = till.subscription("sub_hooli", "active", "cus_hooli", "price_small")
    box.world.call("faults", [{"match": "GET /v1/*", "fault": "500", "times": 3}])
    till.tell("customer.subscription.updated", now)
    till.shop.reaches("hooli", "active")
    tap.ok(True, "a Stripe that is down for a while delays it and no more")
    big = till.subscription("sub_hooli", "active", "cus_hooli", "price_big")
    till.tell("customer.subscription.updated", big)
    wait_for(lambda: till.shop.tenant("hooli")["plan"] == "big", "the plan changes with the price")
    tap.ok(True, "another price is another plan")
    strange = till.subscription("sub_strange", "active", "cus_hooli", "price_unknown")
    ident = till.tell("customer.subscription.created", strange)
    failed = wait_for(lambda: next((e for e in box.json("event", "list", "--limit", "100")["data"]
                                    if e["id"] == ident and e["state"] != "stored"), None), "the strange one is looked at")
    flagged = [s for s in box.json("subscription", "list", "--limit", "100")["data"] if "price_unknown" in (s["flag"] or "")]
    tap.ok("price_unknown" in json.dumps(failed) or flagged, "a price of no plan is named", (failed, flagged))
    told = box.log("worker").count("settings have changed")
    box.sett("secret", "set", "stripe.secret_key", "--value-file", "-", stdin="sk_test_wrong")
    wait_for(lambda: box.log("worker").count("settings have changed") > told, "the worker has the new key")
    gone = till.subscription("sub_hooli", "canceled", "cus_hooli", "price_big")
    ident = till.tell("customer.subscription.deleted", gone)
    job = wait_for(lambda: next((j for j in box.json("job", "list", "--limit", "20")["data"]
                                 if j["saga"] == "event.apply" and j["cause"]), None), "a wrong key is a cause")
    tap.ok("key" in (job["cause"] + job["remedy"]).lower(), "a wrong key: the job says so and what to do", job)
    told = box.log("worker").count("settings have changed")
    box.sett("secret", "set", "stripe.secret_key", "--value-file", "-", stdin=box.world.facts["stripe_key"])
    wait_for(lambda: box.log("worker").count("settings have changed") > told, "the worker has the right key", 1)
    if box.json("job", "show", job["id"])["state"] == "stuck":
        box.sett("job", "retry", job["id"])
    till.shop.reaches("hooli", "suspended")
    tap.ok(True, "with the right key it goes on by itself or by retry")


def main():
    tap = Tap()
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, conf=FAST, ingress="local")
    try:
        box.secret("stripe.secret_key", world.facts["stripe_key"])
        for name, price in (("small", "price_small"), ("big", "price_big")):
            box.sett("plan", "create", "--name", name, "--title", name, "--blueprint", "site", "--stripe-price", price,
                     "--currency", "eur", "--amount", "1900", "--offered")
        box.run()
        till = Till(world, Shop(box))
        for name, test in (("checkout", test_checkout), ("reread", test_reread)):
            with tap.part(name):
                test(tap, box, till)
        breaches = world.call("breaches")
        tap.ok(not breaches, "every exchange was as Stripe describes it", "\n".join(sorted(set(breaches))[:10]))
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-30:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
            print("# " + box.sett("event", "list").replace("\n", "\n# "))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
