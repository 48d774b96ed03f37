#!/usr/bin/env python3
"""Logs, System and Settings in a real browser; tests/browser/system.mjs is the test. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
import browser
from box import TOP, Box


class Kept(browser.Site):
    """A site whose programs are kept alive by `sett run`, so that one can be restarted."""

    def __init__(self):
        self.box = Box()
        self.box.run()
        self.password, self.base = self.box.password(), f"http://localhost:{self.box.port}"

    def close(self):
        self.box.close()


site = Kept()
SECRET = "a long enough password 7"
try:
    site.box.http("POST", "/api/users", {"name": "vera", "role": "viewer", "password": SECRET}, site.box.login())
    code = site.run("system", seconds=120, secret=SECRET, **({"shots": os.path.join(TOP, "build", "pictures")} if os.environ.get("SHOTS") else {}))
finally:
    site.close()
sys.exit(code)
