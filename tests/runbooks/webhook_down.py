"""The signing secret was rolled at Stripe and nobody told the box: a purchase is refused at the door."""
import os
import tempfile

from box import Box, World, wait_for
from test_main_job import Shop
from test_stripe_key import FAST, Till


def scenario(tap, book):
    folder = tempfile.mkdtemp(prefix="sett-webhook-down-")
    world = World(os.path.join(folder, "world"))
    box = Box(world=world, conf=FAST)
    try:
        box.secret("stripe.secret_key", world.facts["stripe_key"])
        box.run()
        box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--stripe-price", "price_small", "--offered")
        url = f"http://127.0.0.1:{box.port}/webhook/stripe"
        shop = Shop(box)
        till = Till(world, shop)
        shop.secret = "whsec_rolled-in-the-dashboard"
        made = box.http("POST", "/api/checkout", {"name": "Hooli", "email": "owner@hooli.example", "subdomain": "hooli", "plan": "small"})
        session = next(iter(world.call("state")["stripe"]["checkout.session"].values()))
        till.subscription("sub_hooli", "active", "cus_hooli", "price_small", sett_order=session["client_reference_id"])
        till.put("customer", id="cus_hooli", name="Hooli", email="owner@hooli.example")
        paid = till.put("checkout.session", id=session["id"], status="complete", payment_status="paid", customer="cus_hooli", subscription="sub_hooli")
        event = world.call("event", {"type": "checkout.session.completed", "object": paid})
        tap.ok(made.status in (200, 201) and shop.post(event).status == 400, "a purchase was paid, and its webhook is refused")
        said = book.run(tap, box, "Check", WEBHOOK_URL=url)
        tap.ok("webhook" in said and event["id"] not in said and "secret known here" in said, "the check shows that it did not come, and why", said)
        secret = os.path.join(folder, "secret")
        with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
            f.write(shop.secret + "\n")
        book.run(tap, box, "Fix", SECRET_FILE=secret)
        wait_for(lambda: (t := shop.tenant("hooli")) and t["state"] == "active", "what was paid is provisioned", 60, 0.1)
        tap.ok(True, "what was missed is taken up: the tenant is there")
        tap.equal(box.json("system", "act", "read-events")["events"], 0, "and nothing twice")
        now = till.subscription("sub_hooli", "unpaid", "cus_hooli", "price_small")
        till.tell("customer.subscription.updated", now)
        shop.reaches("hooli", "suspended")
        tap.ok(True, "the next webhook comes by itself")
        said = book.run(tap, box, "Verify")
        tap.ok(event["id"] in said and "hooli" in said, "and the look at the end says so", said)
    finally:
        box.close()
        world.close()
