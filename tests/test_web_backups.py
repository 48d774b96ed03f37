#!/usr/bin/env python3
"""The pages of backups, drift, alerts and the audit in a real browser, as an operator uses them. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from browser import Site

site = Site()
try:
    box = site.box
    folder = os.path.join(box.root, "vault")
    os.makedirs(folder)
    box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--offered", "true")
    customer = box.json("customer", "create", "--name", "Ann", "--email", "ann@example.com")
    box.sett("tenant", "create", "--customer-id", customer["id"], "--name", "Acme", "--subdomain", "acme", "--plan", "small", "--wait")
    # A key whose secret is nowhere on this box, as one that is made elsewhere.
    box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
    key = box.json("recovery", "list")["data"][0]
    box.sett("recovery", "remove", key["id"], f"--confirm={key['name']}")
    box.sett("user", "create", "vera", "viewer", "--password-file", "-", stdin="a long enough password 7")
    for number in ("77", "78"):
        os.makedirs(os.path.join(box.root, "var/lib/sett/live/tenants", number))
    code = site.run("backups", key=key["key"], folder=folder, viewer="a long enough password 7")
finally:
    site.close()
sys.exit(code)
