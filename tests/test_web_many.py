#!/usr/bin/env python3
"""The web admin of a box with 100,000 tenants, in a real browser. Speaks TAP."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box
from browser import Site


site, box = None, Box()
try:
    subprocess.run([os.path.join(TOP, "build", "bench", "fill"), os.path.join(box.root, "var/lib/sett/live/db"), "100000"], check=True)
    site = Site(box=box)
    one = site.box.json("tenant", "show", "54321")["name"]
    code = site.run("many", one=one)
finally:
    (site or box).close()
sys.exit(code)
