#!/usr/bin/env python3
"""Signing in and one's own account in a real browser: two steps, recovery codes, sessions, a required second factor, the
password again. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP
from browser import Site

PASSWORD = "a long enough password 7"
LIMITS = "\n[limits]\nlogin_per_minute = 1000\nanonymous_per_minute = 10000\n[auth]\nargon2_memory_mib = 8\nsecond_factor = operator\n"
site = Site(programs=("front",), conf=LIMITS)
try:
    for name, role in (("ann@example.com", "viewer"), ("ops", "operator")):
        site.box.sett("user", "create", name, role, "--password-file", "-", stdin=PASSWORD)
    code = site.run("accounts", secret=PASSWORD, shots=os.path.join(TOP, "build", "pictures") if os.environ.get("PICTURES") else None)
finally:
    site.close()
sys.exit(code)
