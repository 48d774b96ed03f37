#!/usr/bin/env python3
"""A whole box from a snapshot, asked for over the API: a new box finds what lies in a vault, fetches it, is told what
would be restored, and becomes the box that was lost, while the web server says how it goes. Speaks TAP."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for

LIMITS = "\n[limits]\nlogin_per_minute = 10000\nanonymous_per_minute = 1000000\n"


def lost_box():
    """A box with a tenant and a snapshot of all of it, and then no more."""
    box = Box(conf=LIMITS)
    secret = os.path.join(box.root, "secret")
    vault = os.path.join(box.root, "vault")
    os.mkdir(vault)
    box.run()
    wait_for(box.alive, "the box answers")
    box.sett("recovery", "init", "--secret-file", secret)
    box.sett("vault", "add", "far", "folder", vault)
    box.sett("setting", "set", "box.name", "lost")
    box.sett("user", "create", "ann", "admin", "--password-file", "-", stdin="a long enough one 7")
    box.sett("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "demo", "--wait")
    box.sett("snapshot", "create", "--wait")
    box.sett("customer", "create", "Young Ltd")
    box.sett("snapshot", "create", "--wait")  # an increment
    with open(secret, encoding="utf-8") as f:
        text = f.read().strip()
    kit = box.json("recovery", "kit")
    box.kill("run", signal.SIGINT)
    return box, vault, text, kit


class Admin:
    def __init__(self, box, name="admin", password=None):
        self.box = box
        said = box.http("POST", "/api/auth/login", {"username": name, "password": password or box.password()})
        if said.status != 200:
            raise AssertionError(f"login: {said.status} {said.body}")
        self.head = {"Authorization": "Bearer " + said.json["access_token"]}

    def __call__(self, method, path, body=None):
        return self.box.http(method, path, body, headers=self.head)

    def progress(self, path, *ends):
        """What the web server says until the restore has come to one of ${ends}; all states on the way."""
        seen = []

        def look():
            answer = self.box.http("GET", path)
            if answer.status == 200:
                said = answer.json
                if not seen or seen[-1] != said["state"]:
                    seen.append(said["state"])
                return said["state"] in ends and said
            return False
        return wait_for(look, f"the restore is {ends}", 120, 0.02), seen


def main():
    t = Tap()
    old, vault, secret, kit = lost_box()
    new = Box(conf=LIMITS)
    try:
        new.run()
        wait_for(new.alive, "the new box answers")
        admin = Admin(new)
        t.ok(new.http("GET", "/api/setup").json["needed"], "a new box says that it is new")
        made = admin("POST", "/api/vaults", {"name": "far", "kind": "folder", "address": vault})
        files = admin("GET", "/api/vaults/far/contents").json["data"]
        t.ok(len(files) == 2 and files[0]["incremental"] and not files[0]["own"] and files[0]["scope"] == "box" and files[0]["signer"] == kit["signer"],
             "it finds what lies in a vault, the newest first, and sees that another box signed it", (made.body, files))
        early = admin("POST", "/api/box/restore", {"recovery": secret, "check": True})
        t.equal((early.status, early.json["code"]), (412, "nothing_fetched"), "what was not fetched cannot be restored")
        bad = admin("POST", "/api/box/restore/fetch", {"vault": "far", "file": "../0.sett"})
        t.equal(bad.status, 422, "a path is no file of a vault")
        job = admin("POST", "/api/box/restore/fetch", {"vault": "far", "file": files[0]["file"]}).json["job"]
        wait_for(lambda: admin("GET", "/api/jobs/" + job).json["state"] == "done", "it was fetched", 30)
        fetched = os.path.join(new.root, "var/lib/sett/snapshots/asked")
        t.equal(sorted(os.listdir(fetched)), ["0.sett", "1.sett"], "with what it builds on")

        said = admin("POST", "/api/box/restore", {"recovery": "SETT-RECOVERY-1" + "Q" * 58, "check": True, "signer": kit["signer"]})
        wrong, _ = admin.progress(said.json["progress"], "failed")
        t.ok(wrong["problem"]["detail"], "a wrong secret is told", wrong)
        said = admin("POST", "/api/box/restore", {"recovery": secret, "check": True})
        unknown, _ = admin.progress(said.json["progress"], "failed")
        t.equal(unknown["problem"]["code"], "unknown_signer", "a box that signed it and is not known is named, not believed")
        said = admin("POST", "/api/box/restore", {"recovery": f"Kit\nsigner {kit['signer']}\n{secret}", "check": True})
        plan, seen = admin.progress(said.json["progress"], "checked", "failed")
        t.ok(plan["state"] == "checked" and plan["plan"]["box_name"] == "sett" and plan["plan"]["tenants"] == 1 and plan["plan"]["foreign"],
             "the kit makes it known, and what would be restored is told", plan)
        t.ok(admin("GET", "/api/tenants").json["data"] == [], "nothing was changed by looking")

        said = admin("POST", "/api/box/restore", {"recovery": secret, "signer": kit["signer"]})
        t.ok(said.status == 200 and said.json["progress"].startswith("/status/restore-"), "the restore begins", said.body)
        done, seen = admin.progress(said.json["progress"], "restored", "failed")
        t.ok(done["state"] == "restored" and "halting" in seen and "starting" in seen, f"it is told while nothing else answers: {', '.join(seen)}", done)
        wait_for(lambda: new.http("GET", "/health").status == 200, "the restored box answers", 30)
        ann = Admin(new, "ann", "a long enough one 7")
        t.equal([c["name"] for c in ann("GET", "/api/customers").json["data"]], ["Young Ltd"], "users and customers are those of the lost box")
        wait_for(lambda: ann("GET", "/api/tenants").json["data"][0]["health"] == "healthy", "its tenant is healthy", 60)
        t.ok(not os.path.exists(fetched), "what was fetched is cleared away")
        setup = new.http("GET", "/api/setup").json
        t.ok(not setup["needed"] and setup["name"] == "lost", "and the box need not be set up", setup)
        again = ann("POST", "/api/box/restore/fetch", {"vault": "far", "file": files[1]["file"]})
        wait_for(lambda: ann("GET", "/api/jobs/" + again.json["job"]).json["state"] == "done", "fetched once more", 30)
        said = ann("POST", "/api/box/restore", {"recovery": secret})
        t.equal((said.status, said.json["code"]), (422, "not_confirmed"), "a box that is set up is replaced by whoever types its name alone")
        new.sett("restore", "commit", "--confirm=commit")
        said = ann("POST", "/api/box/restore", {"recovery": secret, "check": True, "signer": "ab" * 32})
        plan, _ = ann.progress(said.json["progress"], "checked", "failed")
        t.ok(plan["state"] == "checked" and plan["plan"]["lost_customers"] == 1, "and is told what would be lost", plan)
        for folder, _, names in os.walk(new.root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path) and "/vault/" not in path:
                    with open(path, "rb") as f:
                        if secret.encode() in f.read():
                            t.ok(False, f"the secret stands in {path}")
        t.ok(not os.path.exists(os.path.join(new.root, "run/sett/restore/secret")), "the secret was on no disk of the box")
    finally:
        new.close()
        old.close()
    # A box that nobody looks after: it says so, and forgets the wish.
    alone = Box(conf=LIMITS)
    try:
        alone.start_all()
        folder = os.path.join(alone.root, "var/lib/sett/snapshots/asked")
        os.makedirs(folder)
        with open(os.path.join(folder, "0.sett"), "wb") as f:
            f.write(b"x")
        began = time.monotonic()
        code, _, errors = alone.sett("box", "restore", "--recovery-file", "-", "--check", "true", ok=False, stdin=secret)
        t.ok(code != 0 and "nothing on this box takes up" in errors and time.monotonic() - began < 30, "where nobody restores it is said", errors)
        t.ok(not os.path.exists(os.path.join(alone.root, "run/sett/restore/request")), "and the wish is forgotten")
    finally:
        alone.close()
    t.done()


if __name__ == "__main__":
    main()
