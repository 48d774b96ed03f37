#!/usr/bin/env python3
"""The guarded acts of an administrator, each really done: programs begin anew under their supervisor with tenants
running on, checks look, what is over goes, secrets change, the ballast goes overboard. Speaks TAP."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import Box, Tap, wait_for
from hook_sink import HookSink, genuine
from mail_sink import MailSink


def pids(box, name):
    return subprocess.run(["pgrep", "-f", f"sett-{name} --root {box.root}$"], capture_output=True, text=True).stdout.split()


def test_restarts(tap, box):
    auth = box.login()
    box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
    tap.equal(box.http("GET", "/", host="acme.localhost").status, 200, "a tenant answers")
    for name in ("worker", "hands", "front"):
        before = pids(box, name)
        said = box.http("POST", "/api/system/admin-action", {"action": f"restart-{name}"}, auth)
        tap.ok(said.status == 200 and said.json["action"] == f"restart-{name}", f"restart-{name} is answered", said.body)
        wait_for(lambda: (now := pids(box, name)) and now != before, f"{name} begins anew", 20)
        wait_for(lambda: box.alive() and os.path.exists(box.socket("ask")) and os.path.exists(box.socket("hands")), "the box answers", 20)
        tap.ok(True, f"and {name} is another process")
    tap.equal(box.http("GET", "/", host="acme.localhost").status, 200, "the tenant ran on")
    box.sett("tenant", "restart", "1", "--wait")
    tap.ok(True, "and the hands still know it")


def test_guard(tap, box):
    key = box.json("key", "create", "script", "--user", "admin", "--role", "admin")["key"]
    said = box.http("POST", "/api/system/admin-action", {"action": "prune"}, {"Authorization": f"Bearer {key}"})
    tap.ok(said.status == 403 and "password" in said.body.decode(), "a key cannot: it gives no password", said.body)
    said = box.http("POST", "/api/system/admin-action", {"action": "format-disk"}, box.login())
    tap.ok(said.status == 422 and "restart-worker" in said.body.decode(), "the list is closed", said.body)
    trail = [a for a in box.json("audit", "list", "--limit", "50")["data"] if a["action"] == "system.act"]
    tap.ok({a["object_id"] for a in trail} == {"restart-worker", "restart-hands", "restart-front"}, "each act is in the audit", trail)


def test_checks(tap, box, mail, hooks):
    tap.equal(box.json("system", "act", "check-store")["findings"], 0, "check-store walks the store")
    for action in ("check-copy", "scan-drift", "check-alerts"):
        tap.equal(box.json("system", "act", action)["action"], action, f"{action} is done")
    tap.ok(box.json("system", "act", "prune")["removed"] >= 0, "prune says how much went")
    said = box.json("system", "act", "test-mail", "--argument", "me@sett.example")
    tap.ok(said["test"]["answer"].startswith("250") and len(mail.mails) == 1, "test-mail sends one", said)
    first = box.json("channel", "create", "hook", "webhook", "--target", hooks.url + "/ok")["secret"]
    second = box.json("system", "act", "rotate-webhooks")["secrets"]["hook"]
    box.sett("channel", "test", "hook")
    seen = hooks.at("/ok")[-1]
    tap.ok(first != second and all(genuine(s, seen["headers"], seen["body"]) for s in (first, second)), "rotate-webhooks: both sign for a day")


def test_ballast(tap, box):
    path = os.path.join(box.root, "var", "lib", "sett", "ballast")
    for way in (("unstick",), ("system", "act", "unstick")):
        with open(path, "wb") as f:
            f.write(b"\0" * (1 << 20))
        said = box.json(*way)
        tap.ok(said["freed_bytes"] >= 1 << 20 and not os.path.exists(path), f"sett {' '.join(way)} throws the ballast overboard", said)
    tap.equal(box.sett("unstick", ok=False)[0], 3, "which is there only once")
    box.sett("fsck")


def main():
    tap = Tap()
    mail, hooks = MailSink(), HookSink()
    box = Box(conf=f"\n[smtp]\nurl = {mail.url}\ntls = none\n[mail]\nfrom = box@sett.example\n[alerts]\nprivate_targets = true\n[limits]\nlogin_per_minute = 1000\n")
    try:
        box.run()
        with tap.part("restarts"):
            test_restarts(tap, box)
        with tap.part("guard"):
            test_guard(tap, box)
        with tap.part("checks"):
            test_checks(tap, box, mail, hooks)
        with tap.part("ballast"):
            test_ballast(tap, box)
    finally:
        box.close()
        mail.close()
        hooks.close()
    tap.done()


if __name__ == "__main__":
    main()
