#!/usr/bin/env python3
"""The order page and the customer portal in a real browser, through a real nginx, against a fake Stripe and a real mail
server: from a plan's card to the working address, its credentials and its owner's portal. Speaks TAP."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import TOP, Box, World, wait_for
from mail_sink import MailSink, certificate
from test_main_job import Shop, kill
from test_orders import panel
from test_stripe_key import FAST, Till

folder = tempfile.mkdtemp(prefix="sett-world-")
world, sink = World(folder), MailSink(*certificate(folder))
with open(world.ca, encoding="utf-8") as one, open(f"{folder}/sink.crt", encoding="utf-8") as two, open(f"{folder}/both.crt", "w", encoding="utf-8") as both:
    both.write(one.read() + two.read())
world.facts["ca"] = world.ca = f"{folder}/both.crt"
box = Box(world=world, conf=FAST + f"\n[smtp]\nurl = {sink.url}\n[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n[limits]\nanonymous_per_minute = 1000\n")


def session(ident=None):
    all_there = list(world.call("state")["stripe"]["checkout.session"].values())
    return next(s for s in reversed(all_there) if ident is None or s["id"] == ident)


def offer(_):
    box.sett("brand", "update", "--name", "Zw\u00f6lf Bl\u00e4tter", "--color", "#b03060")
    for name, price, place in (("small", "price_small", "1"), ("team", "price_team", "2")):
        box.sett("plan", "create", "--name", name, "--title", name.title(), "--blueprint", "panel", "--stripe-price", price, "--offered", "true",
                 "--position", place, "--features", "Updates included", "--max-domains", "2", "--snapshots", "restore")
    wait_for(lambda: box.json("plan", "show", "team")["price_amount"], "the prices are read")


def pay(_):
    till, s = Till(world, Shop(box)), session()
    till.tell("customer.created", till.put("customer", id="cus_hooli", name="Hooli", email="owner@hooli.example"))
    till.subscription("sub_hooli", "active", "cus_hooli", "price_small", sett_order=s["client_reference_id"], tenant="hooli")
    till.tell("checkout.session.completed", till.put("checkout.session", id=s["id"], status="complete", payment_status="paid", customer="cus_hooli", subscription="sub_hooli",
                                                     customer_details={"name": "Hooli", "email": "owner@hooli.example"}))


def snapshot(_):
    """Where it goes, and one of all tenants."""
    os.makedirs(os.path.join(folder, "vault"))
    box.sett("recovery", "init", "--secret-file", os.path.join(folder, "secret"))
    box.sett("vault", "add", "local", "folder", os.path.join(folder, "vault"))
    box.sett("snapshot", "create", "--wait")


def mail(_):
    found = wait_for(lambda: [m["mail"] for m in sink.mails if m["mail"]["Subject"].startswith("Your link")], "the letter")
    return re.search(r"http\S+/portal/enter#[\w-]{43}", found[-1].get_body(("plain",)).get_content()).group(0)


ACTS = {"offer": offer, "restart": lambda _: kill(box, "front") and None, "pay": pay, "mail": mail, "snapshot": snapshot, "session": lambda _: session(), "state": lambda ident: session(ident)["status"],
        "answers": lambda _: box.http("GET", "/", host="hooli.localhost").status == 200}
code = 1
try:
    panel(box)
    for name, amount in (("price_small", 900), ("price_team", 2900)):
        world.call("stripe", {"kind": "price", "members": {"id": name, "unit_amount": amount}})
    box.secret("stripe.secret_key", world.facts["stripe_key"])
    box.run()
    box.sett("plan", "create", "--name", "inside", "--title", "Inside", "--blueprint", "site")
    box.sett("tenant", "create", "--name", "Nucleus", "--subdomain", "nucleus", "--plan", "inside", "--wait")
    facts = {"base": f"http://localhost:{box.port}", "other": box.json("tenant", "show", "nucleus")["id"], "shots": os.path.join(TOP, "build", "pictures")}
    node = subprocess.Popen(["node", os.path.join(TOP, "tests", "browser", "portal.mjs"), json.dumps(facts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in node.stdout:
        if not line.startswith("> "):
            print(line, end="", flush=True)
            continue
        verb, _, rest = line[2:].strip().partition(" ")
        node.stdin.write(json.dumps(ACTS[verb](rest)) + "\n")
        node.stdin.flush()
    code = node.wait(10)
    breaches = world.call("breaches")
    if breaches:
        print("# Stripe would not have taken it: " + json.dumps(breaches)[:2000])
        code = 1
finally:
    box.close()
    sink.close()
    world.close()
sys.exit(code)
