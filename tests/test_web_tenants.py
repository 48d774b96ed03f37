#!/usr/bin/env python3
"""Tenants in a real browser: found, sorted, made, acted on one by one and many at once, their logs live. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from browser import Site

LIMITS = "\n[limits]\nlogin_per_minute = 1000\nauthenticated_per_minute = 100000\n"
site = Site(conf=LIMITS)
try:
    box = site.box
    blueprints = os.path.join(box.root, "etc/sett/blueprints")
    with open(os.path.join(blueprints, "site.conf"), encoding="utf-8") as f:
        talks = f.read().replace("httpd -f", "httpd -f -vv")  # it says what it is asked
    with open(os.path.join(blueprints, "site.conf"), "w", encoding="utf-8") as f:
        f.write(talks)
    box.sett("plan", "create", "--name", "large", "--title", "Large", "--blueprint", "site", "--offered", "true")
    box.sett("customer", "create", "Ann Smith", "--email", "ann@example.com")
    box.sett("tenant", "create", "Acme Bakery", "--subdomain", "acme", "--plan", "demo", "--customer-id", "1", "--wait")
    box.sett("tenant", "create", "Zum Adler", "--plan", "large", "--wait")
    acme = box.json("tenant", "show", "acme")
    code = site.run("tenants", seconds=240, id=acme["id"], url=acme["url"])
finally:
    site.close()
sys.exit(code)
