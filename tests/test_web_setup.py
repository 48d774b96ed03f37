#!/usr/bin/env python3
"""The first run in a real browser: a box set up step by step, and one that becomes the box that was lost. Speaks TAP."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, wait_for
from test_restore_asked import LIMITS, lost_box


def browse(box, **facts):
    given = {"base": f"http://localhost:{box.port}", "password": box.password(), "top": TOP, **facts}
    return subprocess.run(["node", os.path.join(TOP, "tests", "browser", "setup.mjs"), json.dumps(given)], timeout=200).returncode


code = 0
for way in ("new", "restore"):
    old, vault, secret, _ = lost_box() if way == "restore" else (None, None, None, None)
    box = Box(conf=LIMITS)
    try:
        box.run()
        wait_for(box.alive, "the box answers")
        if way == "new":
            vault = os.path.join(box.root, "vault")
            os.mkdir(vault)
        code |= browse(box, way=way, vault=vault, secret=secret)
    finally:
        box.close()
        if old:
            old.close()
sys.exit(code)
