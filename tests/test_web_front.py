#!/usr/bin/env python3
"""Every page that customers see, through a real nginx in a real browser: three languages, two themes, two widths, with
axe. Pictures of all are written to build/pictures. Speaks TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import TOP, Box, World, wait_for
from test_main_job import Shop
from test_orders import PASSWORD, Buyer, panel
from test_stripe_key import FAST, Till

world = World(tempfile.mkdtemp(prefix="sett-world-"))
box = Box(world=world, conf=FAST + "\n[limits]\nanonymous_per_minute = 10000\nnames_per_minute = 1000\n")
code = 1
try:
    panel(box)
    box.secret("stripe.secret_key", world.facts["stripe_key"])
    box.run()
    box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "panel", "--stripe-price", "price_small", "--offered", "true",
             "--description", "For one site.", "--features", "Updates included\nSupport by mail", "--memory-bytes", str(1 << 30), "--max-domains", "2", "--snapshots", "restore")
    box.sett("plan", "create", "--name", "big", "--title", "Big", "--blueprint", "site", "--stripe-price", "price_big", "--offered", "true")
    box.sett("brand", "update", "--color", "#7ac143", "--support-email", "help@sett.example", "--imprint-url", "https://sett.example/imprint")
    till = Till(world, Shop(box))
    waiting, ready = Buyer(box, till, "nucleus"), Buyer(box, till, "hooli")
    ready.pay()
    wait_for(lambda: ready.say("follow").json["phase"] == "ready", "the order is ready", 40)
    customer = next(c for c in box.json("customer", "list")["data"] if c["email"] == "owner@hooli.example")
    box.http("POST", "/api/users", {"name": "owner@hooli.example", "role": "customer", "password": PASSWORD, "customer_id": customer["id"]}, box.login())
    tenant = box.json("tenant", "show", "hooli")
    box.sett("domain", "add", "hooli.example", "--tenant", "hooli", "--no-wait")
    said = box.http("POST", "/api/auth/login", {"username": "owner@hooli.example", "password": PASSWORD})
    name, _, value = said.headers["Set-Cookie"].split(";")[0].partition("=")
    pages = {"order": "/?plan=small&name=hooli", "order-waiting": f"/order/{waiting.made.json['order']}#{waiting.secret}",
             "order-ready": f"/order/{ready.made.json['order']}#{ready.secret}", "reveal": "/reveal.html#x", "services": "/portal",
             "service": f"/portal/{tenant['id']}", "account": "/portal/account", "docs": "/docs"}
    facts = {"base": f"http://localhost:{box.port}", "top": TOP, "pages": pages, "cookie": {"name": name, "value": value}, "shots": os.path.join(TOP, "build", "pictures")}
    code = subprocess.run(["node", os.path.join(TOP, "tests", "browser", "front.mjs"), json.dumps(facts)], timeout=300).returncode
finally:
    box.close()
    world.close()
sys.exit(code)
