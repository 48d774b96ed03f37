#!/usr/bin/env python3
"""Tenants that share a tunnel: one tunnel, one connector and one wildcard record for all of them, made by the first; many
provisioned at once need few configurations; each is taken off alone; a foreign wildcard is named and stays. Real parts: worker,
hands, store, connector; the provider is the fake. Speaks TAP."""
import contextlib
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for

FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n[ingress]\nmode = shared\n"
MANY = 24


class Sites:
    def __init__(self, box, world):
        self.box, self.world, self.domain = box, world, world.facts["domain"]

    def job(self, ident, seconds=90):
        return wait_for(lambda: (j := self.box.json("job", "show", ident))["state"] in ("done", "undone", "stuck") and j,
                        f"{ident} ends", seconds, 0.05)

    def do(self, *words):
        return self.job(self.box.json(*words, "--no-wait")["job"])

    def create(self, name, *more):
        return self.box.json("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait", *more)

    def tunnels(self):
        return [t for t in self.world.call("state")["tunnels"] if t["deleted_at"] is None]

    def rules(self, tunnel=0):
        config = sorted(self.tunnels(), key=lambda t: t["name"])[tunnel]["config"] or {"ingress": [{}]}
        return [r.get("hostname") for r in config["ingress"]]

    def records(self):
        return sorted(r["name"] for r in self.world.call("state")["records"])

    def asks(self, name):
        """What the edge answers for a tenant's host name."""
        return self.world.call("edge", {"host": f"{name}.{self.domain}"})["status"]


def test_first(tap, box, sites):
    plan = box.json("tenant", "create", "--name", "acme", "--subdomain", "acme", "--plan", "demo", "--dry-run")
    steps = [s["name"] for s in plan["steps"]]
    tap.ok("share" in steps and not {"tunnel", "connector", "dns"} & set(steps), "the plan of a tenant that shares", steps)
    out = sites.create("acme")
    done = sites.job(out["job"])
    tenant = box.json("tenant", "show", "acme")
    tap.ok(done["state"] == "done" and tenant["state"] == "active" and tenant["ingress_mode"] == "shared",
           "the first tenant makes the shared tunnel and goes by it", (done["cause"], tenant))
    tap.equal((len(sites.tunnels()), sites.records(), sites.rules()), (1, [f"*.{sites.domain}"], [f"acme.{sites.domain}", None]),
              "one tunnel, one wildcard record, one rule")
    tap.equal(sites.asks("acme"), 200, "and it answers at the edge")
    own = box.json("tunnel", "show", tenant["tunnel_id"])
    carrier = box.json("tunnel", "show", own["carrier_id"])
    tap.ok(own["carried"] and not own["cf_tunnel"] and carrier["shared"] and carrier["routes"] == 1, "the records say so", (own, carrier))


def test_many(tap, box, sites):
    box.kill("worker", 15)
    before = len([c for c in sites.world.call("calls") if c.startswith("PUT ")])
    calls = len(sites.world.call("calls"))
    jobs = [sites.create(f"many{n}")["job"] for n in range(MANY)]
    began = time.monotonic()
    box.start("worker")
    ends = [sites.job(j)["state"] for j in jobs]
    puts = len([c for c in sites.world.call("calls") if c.startswith("PUT ")]) - before
    calls = len(sites.world.call("calls")) - calls
    tap.ok(ends == ["done"] * MANY, f"{MANY} tenants at once are provisioned", ends)
    print(f"# {MANY} tenants: {puts} configurations, {calls} calls of the API, {time.monotonic() - began:.1f} s", flush=True)
    tap.ok(puts <= MANY // 3 and calls <= MANY, "and need fewer configurations than there are tenants", (puts, calls))
    tap.ok(len(sites.tunnels()) == 1 and len(sites.records()) == 1 and len(sites.rules()) == MANY + 2, "on the one tunnel",
           (sites.records(), sites.rules()))
    tap.ok(all(sites.asks(f"many{n}") == 200 for n in range(MANY)), "each answers")


def test_alone(tap, box, sites):
    """What happens to one does not touch the others."""
    sites.do("tenant", "update", "many1", "--maintenance", "true")
    tap.equal((sites.asks("many1"), sites.asks("many2")), (503, 200), "one in maintenance")
    sites.do("tenant", "update", "many1", "--maintenance", "false")
    sites.do("tenant", "update", "many1", "--subdomain", "renamed")
    tap.equal((sites.asks("many1"), sites.asks("renamed"), len(sites.records())), (404, 200, 1), "one under another name")
    sites.do("tenant", "suspend", "many2")
    tap.equal((sites.asks("many2"), sites.asks("many3")), (404, 200), "one suspended")
    sites.do("tenant", "resume", "many2")
    tap.equal(sites.asks("many2"), 200, "and resumed")
    more = box.json("tunnel", "create", box.json("tenant", "show", "many3")["id"], "--hostname", f"shop.{sites.domain}", "--no-wait")
    sites.job(more["job"])
    tap.equal((sites.asks("shop"), len(sites.tunnels())), (200, 1), "a further way in goes by it, too")
    gone = sites.do("tenant", "delete", "many3", "--action", "delete", "--confirm=many3")
    wait_for(lambda: sites.asks("shop") == 404, "the further way in is gone", 20)
    tap.equal((gone["state"], sites.asks("many3"), sites.asks("many4"), len(sites.records())), ("done", 404, 200, 1), "one deleted")
    carrier = next(t for t in box.json("tunnel", "list", "--limit", "100")["data"] if t["shared"])
    tap.equal(carrier["routes"], MANY, "its places are free again")
    status = box.json("tunnel", "status", carrier["id"])
    said = box.sett("tunnel", "probe", carrier["id"], "--json", ok=False)
    tap.ok(status["health"] == "healthy" and box.json("tunnel", "logs", carrier["id"])["lines"] and said[0] == 1,
           "its status, its log and a probe of it can be asked for, though its name is no host's", (status, said))
    no = box.sett("tunnel", "delete", carrier["id"], f"--confirm={carrier['hostname']}", ok=False)
    tap.ok(no[0] == 5 and str(MANY) in no[2], "a shared tunnel that leads somewhere is not deleted", no)


def test_mixed(tap, box, sites):
    out = sites.create("lonely", "--ingress-mode", "own")
    tap.equal(sites.job(out["job"])["state"], "done", "a tenant with a tunnel of its own beside them")
    tap.equal((len(sites.tunnels()), sites.records(), sites.asks("lonely")), (2, [f"*.{sites.domain}", f"lonely.{sites.domain}"], 200),
              "two tunnels, a record of its own, and it answers")
    box.sett("plan", "create", "--name", "apart", "--title", "Apart", "--blueprint", "site", "--ingress-mode", "own")
    plan = box.json("tenant", "create", "--name", "x", "--subdomain", "planned", "--plan", "apart", "--dry-run")
    tap.ok("connector" in [s["name"] for s in plan["steps"]], "a plan may say so for all its tenants", plan)


def test_over(tap, box, sites):
    """From a tunnel of its own to the shared one and back, asked all the while."""
    import threading
    for name, mode, tunnels, records in (("lonely", "shared", 1, 1), ("lonely", "own", 2, 2)):
        seen, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                with contextlib.suppress(OSError):  # the fake itself is asked much at once
                    seen.append(sites.asks(name))
                time.sleep(0.005)
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        try:
            done = sites.do("tenant", "update", name, "--ingress-mode", mode)
        finally:
            stop.set()
            asking.join()
        tap.ok(done["state"] == "done" and box.json("tenant", "show", name)["ingress_mode"] == mode, f"to {mode}", done["cause"])
        tap.equal((len(sites.tunnels()), len(sites.records()), sites.asks(name)), (tunnels, records, 200), f"{mode}: what there is outside")
        tap.ok(set(seen) == {200} and len(seen) > 10, f"and {len(seen)} visitors meanwhile did not notice", {s: seen.count(s) for s in set(seen)})
    both = box.sett("tenant", "update", "lonely", "--ingress-mode", "shared", "--subdomain", "other", ok=False)
    tap.equal(both[0], 2, "it is changed by itself")
    gone = sites.do("tenant", "delete", "lonely", "--action", "delete", "--confirm=lonely")
    tap.equal((gone["state"], len(sites.tunnels()), len(sites.records())), ("done", 1, 1), "deleted: nothing of its own is left")


def test_opened(tap, box, sites):
    """A shared tunnel that an operator opens: a second one has no record, since the first one's answers."""
    no = box.sett("tunnel", "create", "--shared", "true", "--service", "http://localhost:1", ok=False)
    tap.ok(no[0] == 2 and "service" in no[2], "it leads to its tenants, and nowhere else", no)
    plan = box.json("tunnel", "create", "--shared", "true", "--name", "spare", "--dry-run")
    tap.ok(len(sites.tunnels()) == 1 and "dns" not in [s["name"] for s in plan["steps"] if not s.get("skipped")], "a plan of it", plan)
    done = sites.do("tunnel", "create", "--shared", "true", "--name", "spare")
    spare = box.json("tunnel", "show", "spare")
    tap.ok(done["state"] == "done" and spare["shared"] and spare["hostname"] == "" and spare["routes"] == 0, "a further one", (done, spare))
    tap.equal((len(sites.tunnels()), sites.records()), (2, [f"*.{sites.domain}"]), "has a tunnel, and no record of its own")
    config = box.json("tunnel", "config", "spare")
    tap.ok(config["same"] and len(config["wanted"]["ingress"]) == 1, "whose rules are those of who goes by it: none yet", config)
    no = box.sett("rule", "create", "spare", "--hostname", "x.example", "--service", "http://localhost:1", ok=False)
    tap.ok(no[0] == 5 and "shared" in no[2], "a rule of its own is refused", no)
    gone = sites.do("tunnel", "delete", "spare", "--confirm=spare")
    tap.equal((gone["state"], len(sites.tunnels()), sites.records()), ("done", 1, [f"*.{sites.domain}"]), "and goes again")


def test_end(tap, box, sites):
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck is clean")
    breaches = sites.world.call("breaches")
    tap.ok(not breaches, "every exchange was as the provider describes it", "\n".join(breaches[:10]))


def test_foreign(tap):
    """A wildcard record that somebody else made."""
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, conf=FAST, ingress="cloudflare")
    try:
        world.call("record", {"name": f"*.{world.facts['domain']}", "type": "A", "content": "192.0.2.9", "comment": "theirs"})
        box.start("hands")
        wait_for(lambda: os.path.exists(box.socket("hands")), "the hands listen")
        box.start("worker")
        sites = Sites(box, world)
        job = sites.job(sites.create("acme")["job"])
        tap.ok(job["state"] == "stuck" and "192.0.2.9" in job["cause"], "a foreign wildcard record is named", job["cause"])
        tap.equal([r["comment"] for r in world.call("state")["records"]], ["theirs"], "and stays")
        # Its owner takes it away: the shared tunnel's job, then the tenant's, go on where they stood.
        world.call("provider", {"method": "DELETE", "path": "zones/%s/dns_records/%s" % (
            world.facts["zone"], world.call("state")["records"][0]["id"])})
        stuck = {j["saga"]: j["id"] for j in box.json("job", "list", "--state", "stuck")["data"]}
        for saga in ("tunnel.create", "tenant.provision"):
            box.sett("job", "retry", stuck[saga])
            tap.equal(sites.job(stuck[saga])["state"], "done", f"{saga} goes on when it is gone")
        tap.equal(sites.asks("acme"), 200, "and the tenant answers")
    finally:
        box.close()
        world.close()


def main():
    tap = Tap()
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, conf=FAST, ingress="cloudflare")
    try:
        box.start("hands")
        wait_for(lambda: os.path.exists(box.socket("hands")), "the hands listen")
        box.start("worker")
        wait_for(lambda: os.path.exists(box.socket("ask")), "the worker listens")
        sites = Sites(box, world)
        for name, test in (("first", test_first), ("many", test_many), ("alone", test_alone), ("mixed", test_mixed), ("over", test_over), ("opened", test_opened), ("end", test_end)):
            with tap.part(name):
                test(tap, box, sites)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-40:]))
        with tap.part("foreign"):
            test_foreign(tap)
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
