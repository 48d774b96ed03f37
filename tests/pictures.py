#!/usr/bin/env python3
"""The pictures of the README, of a box with some tenants. usage: pictures.py FOLDER"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import wait_for
from browser import Site

NAMES = ["Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Tyrell", "Cyberdyne", "Soylent", "Massive"]


def furnish(site):
    """Twelve tenants of two plans, a vault with a snapshot, one suspended; and what was measured meanwhile."""
    box = site.box
    box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--amount", "900", "--currency", "eur")
    box.sett("plan", "create", "--name", "large", "--title", "Large", "--blueprint", "site", "--amount", "2900", "--currency", "eur")
    for n, name in enumerate(NAMES):
        box.sett("tenant", "create", "--name", name, "--subdomain", name.lower(), "--plan", ["small", "large"][n % 3 == 0], "--wait")
    box.sett("tenant", "suspend", "wonka", "--wait")
    vault = os.path.join(box.root, "vault")
    os.makedirs(vault, exist_ok=True)
    box.sett("recovery", "add", "sheet", "--passphrase-file", "-", stdin="correct horse battery staple nine", ok=False)
    box.sett("vault", "add", "local", "folder", vault)
    wait_for(lambda: len(box.json("system", "stats", "--range", "2h")["points"]) >= 3, "three minutes were measured", 300, 1)


def main(folder):
    site = Site()
    try:
        furnish(site)
        tenant = site.box.json("tenant", "show", "acme")
        return site.run("pictures", folder=os.path.abspath(folder), pictures=[
            ["/admin", "admin-dashboard", "light"], ["/admin/tenants", "admin-tenants", "dark"],
            [f"/admin/tenants/{tenant['id']}?tab=health", "admin-tenant-health", "dark"]])
    finally:
        site.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
