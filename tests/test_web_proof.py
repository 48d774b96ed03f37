#!/usr/bin/env python3
"""The web admin as a whole, in a real browser: keyboard alone, two roles, an attack from a sibling origin, two tabs.
Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from browser import Site

PASSWORD = "a long enough password 7"
site = Site()
try:
    site.box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--offered", "true")
    site.box.sett("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "small", "--wait")
    site.box.sett("user", "create", "vera", "viewer", "--password-file", "-", stdin=PASSWORD)
    code = site.run("proof", viewer=PASSWORD)
finally:
    site.close()
sys.exit(code)
