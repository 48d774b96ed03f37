#!/usr/bin/env python3
"""Users, invitations, API keys and customers in a real browser, through a real nginx. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from browser import Site

site = Site(conf="\n[limits]\nlogin_per_minute = 1000\n")
try:
    code = site.run("people")
finally:
    site.close()
sys.exit(code)
