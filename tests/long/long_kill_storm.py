#!/usr/bin/env python3
"""The kill storm: customers pay and leave while front, worker, hands and command line are killed
at random moments, hundreds of times a minute. At the end nothing acknowledged is lost, nothing is there twice, and
nothing with our mark is left outside. Speaks TAP.

STORM_TENANTS (1,000) payments and as many cancellations; kills go on until all of them are through.
"""
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parts"))
import fastcgi
from box import TOP, Box, Tap, World, wait_for

TENANTS = int(os.environ.get("STORM_TENANTS", "1000"))
CLIENTS = 8
SEED = int(os.environ.get("STORM_SEED", str(int(time.time()))))
SETTLE_S = 300
CONF = ("\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 300\n[ports]\nranges = 20000-29999\n[stripe]\ndelete_days = 0\n"
        "[names]\nrest_days = 0\n[limits]\nauthenticated_per_minute = 10000000\n")


class Storm:
    def __init__(self, box, world):
        self.box, self.world, self.random = box, world, random.Random(SEED)
        self.stop, self.kills, self.lock = threading.Event(), {"front": 0, "worker": 0, "hands": 0}, threading.Lock()
        with open(os.path.join(box.root, "stripe-webhook-secret"), encoding="utf-8") as f:
            self.secret = f.read().strip()
        self.acked = set()

    def killer(self, name):
        """Kill, start again at once, and wait a random moment."""
        while not self.stop.is_set():
            process = self.box.start(name)
            low, high = (0.0, 0.3) if name != "hands" else (0.2, 1.5)
            self.stop.wait(self.random.uniform(low, high) if self.random.random() < 0.7 else self.random.uniform(0, 2))
            if self.stop.is_set():
                return
            process.send_signal(self.random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
            process.wait(30)
            self.kills[name] += 1

    def post(self, event):
        """Until it is acknowledged: a real sender would try for three days."""
        body = json.dumps(event).encode()
        while True:
            at = int(time.time())
            mac = hmac.new(self.secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
            try:
                status, _ = fastcgi.request(self.box.socket("front"), "POST", "/webhook/stripe", body,
                                            {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={mac}"}, 5)
                if status == 200:
                    with self.lock:
                        self.acked.add(event["id"])
                    return
            except OSError:
                pass
            time.sleep(0.02)

    @staticmethod
    def event(n, kind, at, **members):
        return {"id": f"evt_{kind.replace('.', '_')}_{n}", "object": "event", "api_version": "2026-07-29.dahlia", "created": at,
                "livemode": False, "type": kind, "data": {"object": members}}

    def pay(self, n, at):
        self.post(self.event(n, "checkout.session.completed", at, id=f"cs_{n}", object="checkout.session", mode="subscription",
                             status="complete", payment_status="paid", customer=f"cus_{n}", subscription=f"sub_{n}",
                             client_reference_id=None, customer_details={"name": f"Storm {n}", "email": f"s{n}@example.com"},
                             metadata={"tenant": f"s{n}", "plan": "demo"}))

    def leave(self, n, at):
        self.post(self.event(n, "customer.subscription.deleted", at, id=f"sub_{n}", object="subscription", customer=f"cus_{n}",
                             status="canceled", cancel_at_period_end=False, metadata={},
                             items={"data": [{"id": f"si_{n}", "current_period_end": at + 1000, "price": {"id": ""}}]}))

    def customer(self, numbers):
        """Half of them stay some seconds, some leave at once, some leave before they have arrived."""
        for n in numbers:
            now = int(time.time())
            if n % 10 == 9:
                self.leave(n, now + 1)
                self.pay(n, now)
                continue
            self.pay(n, now)
            if n % 2 == 0:
                time.sleep(self.random.uniform(0, 3))
            self.leave(n, now + 1)
            if n % 3 == 0:
                self.pay(n, now)  # delivered twice


def tenants(box):
    out, after = [], None
    while True:
        words = ["tenant", "list", "--limit", "100"] + (["--starting-after", after] if after else [])
        page = box.json(*words)
        out += page["data"]
        if not page["has_more"]:
            return out
        after = page["data"][-1]["id"]


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-storm-", dir="/dev/shm")
    os.chmod(folder, 0o755)
    world = World(os.path.join(folder, "world"))
    box = Box(build=os.path.join(TOP, "build"), world=world, root=os.path.join(folder, "box"), conf=CONF, ingress="cloudflare")
    try:
        storm, began = Storm(box, world), time.monotonic()
        threads = [threading.Thread(target=storm.killer, args=(n,), daemon=True) for n in ("front", "worker", "hands")]
        clients = [threading.Thread(target=storm.customer, args=(range(c, TENANTS, CLIENTS),)) for c in range(CLIENTS)]
        for t in threads + clients:
            t.start()
        for t in clients:
            t.join()
        storm.stop.set()
        for t in threads:
            t.join()
        kills = sum(storm.kills.values())
        for name in ("hands", "worker", "front"):
            if box.processes[name].poll() is not None:
                box.start(name)
        print(f"# seed {SEED}: {TENANTS} payments, {kills} kills {storm.kills} in {time.monotonic() - began:.0f} s", flush=True)

        def settled():
            jobs = [box.json("job", "list", "--state", s, "--limit", "1")["data"] for s in ("queued", "running", "waiting", "undoing")]
            return not any(jobs) and all(t["state"] in ("deleted", "failed") for t in tenants(box))
        try:
            wait_for(settled, "every job ends", SETTLE_S, 1.0)
            tap.ok(True, "every job ended")
        except AssertionError as e:
            left = [t for t in tenants(box) if t["state"] != "deleted"]
            tap.ok(False, str(e), json.dumps(left[:5], indent=1) + box.log("worker")[-3000:])
        stuck = box.json("job", "list", "--state", "stuck", "--limit", "100")["data"]
        tap.ok(not stuck, "none is stuck", "\n".join(f"{j['id']} {j['saga']} {j['step_name']}: {j['cause']}" for j in stuck))
        known, after = set(), None
        while True:
            page = box.json("event", "list", "--limit", "100", *(["--starting-after", after] if after else []))
            known |= {e["id"] for e in page["data"]}
            if not page["has_more"]:
                break
            after = page["data"][-1]["id"]
        tap.equal(storm.acked - known, set(), "0 acknowledged events lost")
        born = [t["subdomain"] for t in tenants(box)]
        tap.equal(len(born), len(set(born)), "0 tenants twice")
        state = world.call("state")
        tap.equal([t["name"] for t in state["tunnels"] if t["deleted_at"] is None], [], "0 tunnels left")
        tap.equal([r["name"] for r in state["records"]], [], "0 DNS records left")
        created = [e["name"] for e in world.call("effects") if e["what"] == "record-created"]
        tap.ok(len(created) >= TENANTS // 5, f"{len(created)} records were made on the way")
        tap.equal([p for p in box.json("port", "list", "--limit", "100")["data"] if p.get("tenant_id")], [], "0 ports left")
        left = [n for n in os.listdir(os.path.join(box.root, "var/lib/sett/live/tenants")) if not n.startswith(".")]
        tap.equal(left, [], "0 folders left")
        code, out, errors = box.sett("fsck", ok=False)
        tap.ok(code == 0, "fsck is clean", out + errors)
        breaches = world.call("breaches")
        tap.ok(not breaches, "every exchange as described", "\n".join(sorted(set(breaches))[:10]))
    finally:
        box.close()
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
