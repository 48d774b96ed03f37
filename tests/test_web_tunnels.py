#!/usr/bin/env python3
"""Tunnels with their rules, customers' domains and the pool of ports in a real browser, the provider being the fakes'.
Speaks TAP."""
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import World, wait_for
from browser import Site

PASSWORD = "a long enough password 7"


class Service(BaseHTTPRequestHandler):
    """A service that sett did not start."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"pbx")


def job(box, answer):
    wait_for(lambda: box.json("job", "show", answer["job"])["state"] in ("done", "undone", "stuck"), "the job ends")


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory(prefix="sett-web-") as folder:
    world = World(folder)
    site = Site(world=world, ingress="cloudflare", conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        box = site.box
        box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--offered", "true")
        job(box, box.json("tenant", "create", "Acme", "--subdomain", "acme", "--plan", "small", "--no-wait"))
        box.sett("user", "create", "vera", "viewer", "--password-file", "-", stdin=PASSWORD)
        code = site.run("tunnels", domain=world.facts["domain"], service=f"http://127.0.0.1:{server.server_address[1]}", viewer=PASSWORD)
    finally:
        site.close()
        world.close()
sys.exit(code)
