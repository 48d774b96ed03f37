#!/usr/bin/env python3
"""The main job watched in a browser: a signed event becomes a tenant whose steps tick by and whose address answers;
and what a page shows when the network, the front or the worker go away and come back. Speaks TAP."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import wait_for
from browser import Site


class Acts:
    """What the browser's side asks to be done to the box; each answers when it is done."""

    def __init__(self, site):
        self.site, self.box = site, site.box

    def event(self, name):
        self.box.sett("stripe", "send", "checkout.session.completed", "--name", name, "--subdomain", name.lower(), "--plan", "small",
                      "--customer", "cus_" + name, "--subscription", "sub_" + name, "--url", f"{self.site.base}/webhook/stripe")

    def active(self, name):
        def state():
            return [t["state"] for t in self.box.json("tenant", "list", "--limit", "100")["data"] if t["name"] == name]
        wait_for(lambda: state() == ["active"], f"{name} is active", 60, 0.2)

    def pause(self, program):
        self.box.processes[program].send_signal(signal.SIGSTOP)

    def go_on(self, program):
        self.box.processes[program].send_signal(signal.SIGCONT)

    def kill(self, program):
        self.box.kill(program)

    def start(self, program):
        self.box.start(program)
        wait_for(self.box.alive, "the box answers")

    def streams(self):
        text = self.box.http("GET", "/metrics").body.decode()
        return [int(line.split()[1]) for line in text.splitlines() if line.startswith("sett_http_streams ")][0]

    def answers(self, name):
        page = self.box.http("GET", "/", host=name.lower() + ".localhost")
        return page.status == 200 and name.encode() in page.body


site = Site()
try:
    site.box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--offered", "true", "--amount", "900", "--currency", "eur")
    acts, browser = Acts(site), site.start("live")
    for line in browser.stdout:
        if not line.startswith("!"):
            print(line, end="", flush=True)
            continue
        asked = json.loads(line[1:])
        try:
            said = {"said": getattr(acts, asked["act"])(*asked["with"])}
        except Exception as e:  # pylint: disable=broad-except
            said = {"failed": repr(e)}
        browser.stdin.write(json.dumps(said) + "\n")
        browser.stdin.flush()
    code = browser.wait(10)
finally:
    site.close()
sys.exit(code)
