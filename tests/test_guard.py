#!/usr/bin/env python3
"""Who may come in to a tenant and how often one may ask, at Cloudflare, through the command line: set, changed,
followed by a change of name and by further host names, taken back, gone with the tenant; what is not ours
stays. Real parts: worker, hands, store; the provider is the fake. Speaks TAP."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for

FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"


class Site:
    def __init__(self, box, world):
        self.box, self.world, self.domain = box, world, world.facts["domain"]

    def job(self, out):
        """The end of a job that a command has started."""
        ident = out["job"]
        return wait_for(lambda: (j := self.box.json("job", "show", ident))["state"] in ("done", "undone", "stuck") and j,
                        f"{ident} ends", 60, 0.05)

    def do(self, *words):
        return self.job(self.box.json(*words, "--no-wait"))

    def verdict(self, name, email="", address="203.0.113.9"):
        return self.world.call("verdict", {"host": f"{name}.{self.domain}", "email": email, "address": address})["verdict"]

    def asks(self, name):
        """What the connector asks a visitor of the name for."""
        return self.world.call("verdict", {"host": f"{name}.{self.domain}"})["asks"]

    def apps(self):
        return sorted(a["domain"].split(".")[0] for a in self.world.call("state")["apps"])

    def limits(self):
        return self.world.call("state")["limits"]


def test_access(tap, box, site):
    out = box.json("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "demo", "--no-wait")
    tap.equal(site.job(out)["state"], "done", "a tenant behind a tunnel")
    tap.equal(box.sett("access", "show", "1", ok=False)[0], 3, "everybody may come in: there is nothing to show")
    bad = box.sett("access", "set", "1", "--emails", "ann@example.com,not one", ok=False)
    tap.ok(bad[0] == 2 and "not one" not in bad[1] and "e-mail" in bad[2], "what is no address is refused", bad)
    tap.equal(box.sett("access", "set", "1", "--session-hours", "8", ok=False)[0], 2, "letting in nobody is refused")
    plan = box.json("access", "set", "1", "--emails", "ann@example.com", "--dry-run")
    tap.ok(any(s["name"] == "access" and "Access application" in s["touches"] for s in plan["steps"]) and not site.apps(),
           "a plan says what would be touched, and touches nothing", plan)
    done = site.do("access", "set", "1", "--emails", "Ann@Example.com, bob@example.com", "--domains", "example.org")
    shown = box.json("access", "show", "1")
    both = box.json("tenant", "guards", "1")
    tap.ok(both["access"] == shown and both["rate_limit"] is None and both["turn_key"] is None and both["possible"], "tenant guards has it, and no limit", both)
    tap.ok(done["state"] == "done" and shown["state"] == "active" and shown["emails"] == "ann@example.com,bob@example.com"
           and len(shown["aud"]) == 64, "set: the record says what holds", (done, shown))
    tap.equal([site.verdict("acme", e) for e in ("", "ann@example.com", "eve@example.com", "x@example.org")],
              ["login", "allow", "deny", "allow"], "and Cloudflare lets in who may come in")
    tap.equal((site.asks("acme"), shown["team"]), ({"required": True, "teamName": "acme", "audTag": [shown["aud"]]}, "acme"),
              "and the connector asks for that application's token")
    wanted = box.json("tunnel", "config", "acme")
    tap.ok(wanted["same"] and shown["aud"] in json.dumps(wanted["wanted"]), "which its configuration says", wanted)
    plan = box.json("rule", "create", "acme", "--hostname", f"acme.{site.domain}", "--path", "^/api/", "--service", "http://localhost:1", "--dry-run")
    tap.ok(any("with a token of Access" in c for c in plan["changes"]), "a plan of a further rule of that name says it, too", plan)
    number = box.json("drift", "scan")["number"]
    wait_for(lambda: (s := box.json("drift", "status"))["state"] == "idle" and s["number"] > number, "the scan ends", 60)
    tap.equal(box.json("drift", "list")["data"], [], "and it is no drift")
    site.do("access", "set", "1", "--emails", "ann@example.com", "--ips", "198.51.100.0/24", "--ips-suffice", "true")
    tap.equal((site.asks("acme"), site.verdict("acme", "", "198.51.100.3"), box.json("access", "show", "1")["team"]), (None, "allow", ""),
              "who comes in by an address has no token: then none is asked for")
    site.world.call("cloudflare", {"team": None})
    done = site.do("access", "set", "1", "--emails", "ann@example.com", "--ips", "198.51.100.0/24")
    shown = box.json("access", "show", "1")
    tap.ok(done["state"] == "done" and site.asks("acme") is None and "Organizations" in shown["untold"],
           "the team's name cannot be read: the edge asks alone, and it is said why", (done, shown))
    site.world.call("cloudflare", {"team": "acme"})
    site.do("access", "set", "1", "--emails", "ann@example.com", "--ips", "198.51.100.0/24")
    tap.ok(site.asks("acme") and not box.json("access", "show", "1")["untold"], "it can: the connector asks")
    site.do("access", "set", "1", "--ips", "198.51.100.0/24")
    tap.equal([site.verdict("acme", "ann@example.com"), site.verdict("acme", "", "198.51.100.3")], ["deny", "allow"],
              "addresses alone: no login, and nobody else")


def test_follows(tap, box, site):
    out = box.json("tunnel", "create", "1", "--hostname", f"shop.{site.domain}", "--no-wait")
    tap.equal(site.job(out)["state"], "done", "a further way in")
    tap.equal((site.apps(), site.verdict("shop", "ann@example.com")), (["acme", "shop"], "deny"), "is guarded before it leads anywhere")
    made = [e["what"] + " " + str(e.get("name", "")) for e in site.world.call("effects")]
    guarded = next(i for i, e in enumerate(made) if e.startswith("app-created shop"))
    tap.ok(guarded < next(i for i, e in enumerate(made) if e == f"record-created shop.{site.domain}"), "in that order", made)
    site.do("access", "set", "1", "--emails", "ann@example.com")
    wait_for(lambda: site.asks("shop") and site.asks("acme"), "both connectors ask", 30)
    tap.ok(site.asks("shop")["audTag"] != site.asks("acme")["audTag"] and site.verdict("shop", "ann@example.com") == "allow",
           "each connector asks for the token of its own name", (site.asks("shop"), site.asks("acme")))
    done = site.do("tenant", "update", "1", "--subdomain", "roadrunner")
    tap.equal((done["state"], site.apps(), site.verdict("roadrunner")), ("done", ["roadrunner", "shop"], "login"),
              "another name: guarded under it, and no longer under the old one")
    tap.equal((site.verdict("roadrunner", "ann@example.com"), site.asks("acme"), bool(site.asks("roadrunner"))), ("allow", None, True),
              "by its connector, too")
    site.do("tunnel", "delete", out["id"], f"--confirm=shop.{site.domain}")
    tap.equal(site.apps(), ["roadrunner"], "the further way in is gone, with what stood before it")


def test_limit(tap, box, site):
    no = site.do("ratelimit", "set", "1", "--requests", "100", "--period", "10s")
    tap.ok(no["state"] == "undone" and "free" in no["cause"] and "Pro" in no["remedy"] and not site.limits(),
           "the free plan cannot tell host names apart, and that is said", no)
    shown = box.json("ratelimit", "show", "1")
    tap.ok(shown["state"] == "failed" and "free" in shown["state_reason"] and "Pro" in shown["state_remedy"] and shown["absent"],
           "its record says why it does not hold, and what can be done", shown)
    tap.equal(site.do("tenant", "restart", "1")["state"], "done", "and holds up nothing of its tenant's")
    tap.equal((site.do("ratelimit", "set", "1", "--requests", "9")["state"], site.do("ratelimit", "clear", "1")["state"]), ("undone", "done"),
              "set again or cleared at once")
    tap.equal(box.sett("ratelimit", "show", "1", ok=False)[0], 3, "cleared: there is none")
    site.world.call("cloudflare", {"plan": "pro"})
    tap.equal(box.sett("ratelimit", "set", "1", "--requests", "5", "--period", "11s", ok=False)[0], 2, "a period that there is not")
    done = site.do("ratelimit", "set", "1", "--requests", "100", "--period", "10s", "--block", "1m")
    rule = site.limits()[0]
    tap.ok(done["state"] == "done" and rule["ratelimit"]["requests_per_period"] == 100 and rule["ratelimit"]["mitigation_timeout"] == 60
           and rule["expression"] == f'http.host in {{"roadrunner.{site.domain}"}}', "set: one rule about its host name", rule)
    site.do("ratelimit", "set", "1", "--requests", "50")
    tap.equal([r["ratelimit"]["requests_per_period"] for r in site.limits()], [50], "changed: the same rule")
    site.do("tenant", "update", "1", "--subdomain", "acme2")
    wait_for(lambda: "acme2" in site.limits()[0]["expression"], "the rule follows the name", 30)
    tap.ok(True, "the rule follows the tenant's name")
    wait_for(lambda: box.json("ratelimit", "show", "1")["state"] == "active", "it holds", 30)
    long = site.do("ratelimit", "set", "1", "--requests", "50", "--period", "5m")
    tap.ok(long["state"] == "undone" and "at most 60 seconds" in long["cause"], "a period that the plan has not", long)
    shown = box.json("ratelimit", "show", "1")
    tap.ok((shown["period_s"], shown["state"]) == (10, "active") and "at most 60 seconds" in shown["state_reason"],
           "undone: the former figures hold, and it is said why the others do not", shown)
    site.world.call("cloudflare", {"plan": "free"})
    no = site.do("ratelimit", "set", "1", "--requests", "60")
    shown = box.json("ratelimit", "show", "1")
    tap.ok(no["state"] == "undone" and (shown["state"], shown["requests"]) == ("active", 50) and "its last change failed" in shown["state_reason"],
           "a rule that stands stays, though the plan would have none now", (no, shown))
    site.world.call("cloudflare", {"plan": "pro"})
    tap.equal(site.do("ratelimit", "set", "1", "--requests", "50")["state"], "done", "and can be set again")


def test_quotas(tap, box, site):
    """What there is of what there may be: counted, shown, said in a plan, refused in our own words."""
    had = {q["name"]: q for q in box.json("cloudflare", "quotas")["data"]}
    tap.ok((had["tunnels"]["used"], had["tunnels"]["most"]) == (1, 1000) and had["records"]["most"] == 3500 and
           had["applications"]["used"] == 1 and had["limit_rules"]["most"] == 2 and had["calls"]["most"] == 300, "quotas are counted", had)
    site.world.call("cloudflare", {"plan": "free"})
    for n in range(170 - len(site.world.call("state")["records"])):
        site.world.call("record", {"name": f"other{n}", "type": "A", "content": "192.0.2.1", "comment": ""})
    had = {q["name"]: q for q in box.json("cloudflare", "quotas")["data"]}
    tap.equal((had["records"]["used"], had["records"]["most"], had["records"]["percent"]), (170, 200, 85), "a free zone has 200 records")
    create = ("tenant", "create", "--name", "Full", "--subdomain", "full", "--plan", "demo")
    plan = box.json(*create, "--dry-run")
    tap.ok(any("170 DNS records" in w for w in plan["warnings"]), "a plan warns of what is nearly full", plan.get("warnings"))
    for n in range(30):
        site.world.call("record", {"name": f"more{n}", "type": "A", "content": "192.0.2.1", "comment": ""})
    box.json("cloudflare", "quotas")
    full = site.do(*create)
    tap.ok(full["state"] == "stuck" and "200 DNS records" in full["cause"] and "ingress.mode" in full["remedy"],
           "a record too many is refused before it is sent", (full["cause"], full["remedy"]))
    site.do("tenant", "delete", "full", "--action", "delete", "--confirm=full")
    for r in site.world.call("state")["records"]:
        if r["content"] == "192.0.2.1":
            site.world.call("provider", {"method": "DELETE", "path": f"zones/{site.world.facts['zone']}/dns_records/{r['id']}"})
    site.world.call("cloudflare", {"plan": "pro"})


def test_elsewhere(tap, box, site):
    """A name whose DNS is at another provider: what to enter is shown, and waited for; nothing is made there."""
    box.sett("setting", "set", "dns.server", site.world.facts["dns"])
    site.job(box.json("tenant", "create", "--name", "Umbrella", "--subdomain", "umbrella", "--plan", "demo", "--no-wait"))
    before = [e["what"] for e in site.world.call("effects") if "record" in e["what"]]
    out = box.json("tunnel", "create", box.json("tenant", "show", "umbrella")["id"], "--hostname", "shop.elsewhere.example", "--no-wait")
    def cause(word):
        return wait_for(lambda: word in (c := box.json("job", "show", out["job"])["cause"]) and c, f"the job says {word}", 30, 0.1)
    said = cause("knows no name")
    cname = box.json("tunnel", "show", out["id"])["cname"]
    tap.ok(cname["name"] == "shop.elsewhere.example" and cname["type"] == "CNAME" and cname["target"].endswith(".cfargotunnel.com")
           and cname["target"] in box.json("job", "show", out["job"])["remedy"], "the record to enter is shown", (cname, said))
    stands = wait_for(lambda: (s := box.json("tunnel", "status", out["id"]))["health"] not in ("starting", "lagging", "mute") and s, "it is connected", 30, 0.2)
    tap.ok(stands["health"] == "unnamed" and "knows no name shop.elsewhere.example" in stands["summary"]
           and f"shop.elsewhere.example CNAME {cname['target']}" in stands["remedy"], "its status says what is missing, and where", stands)
    code, _, watched = box.sett("job", "watch", out["job"], "--timeout", "1", ok=False)
    tap.ok(code == 6 and watched.count(f"-> Enter there: shop.elsewhere.example CNAME {cname['target']}") == 1,
           "and told to who watches, once", watched)
    twin = box.json("tunnel", "create", "--name", "never", "--hostname", "never.elsewhere.example", "--service", "http://localhost:1", "--no-wait")
    wait_for(lambda: box.json("job", "show", twin["job"])["state"] == "waiting", "another one waits")
    code, _, errors = box.sett("tunnel", "delete", "never", "--confirm=never.elsewhere.example", ok=False)
    tap.ok(code == 5 and "job resolve" in errors, "it cannot be deleted meanwhile, and it is said what can be done", errors)
    box.sett("job", "resolve", twin["job"], "--how", "undo")
    tap.ok(site.job(twin)["state"] == "undone" and not [t for t in site.world.call("state")["tunnels"] if t["name"] == "never" and not t["deleted_at"]],
           "what is waited for in vain can be given up, and leaves nothing")
    site.world.call("dns", ["set shop.elsewhere.example A 192.0.2.7"])
    cause("192.0.2.7")
    site.world.call("dns", ["del shop.elsewhere.example", "set shop.elsewhere.example CNAME www.example.net"])
    cause("www.example.net")
    tap.ok(True, "what stands there instead is said")
    site.world.call("dns", ["del shop.elsewhere.example", f"set shop.elsewhere.example CNAME {cname['target']}"])
    done = site.job(out)
    tap.ok(done["state"] == "done" and box.json("tunnel", "show", out["id"])["state"] == "active", "entered: it goes on", done["cause"])
    site.do("tunnel", "delete", out["id"], "--confirm=shop.elsewhere.example")
    tap.equal([e["what"] for e in site.world.call("effects") if "record" in e["what"]], before, "no record of anybody's was touched")
    out = box.json("tunnel", "create", box.json("tenant", "show", "umbrella")["id"], "--hostname", "late.elsewhere.example", "--no-wait")
    cause("knows no name")
    number = box.json("tunnel", "show", out["id"])["number"]
    folder = os.path.join(box.root, "var/lib/sett/live/hands/tunnels")
    kept = lambda: [n for n in os.listdir(folder) if n.startswith(f"{number}.")]
    tap.ok(kept(), "one that waits has its connector")
    gone = site.do("tenant", "delete", "umbrella", "--action", "delete", "--confirm=umbrella")
    late = site.job(out)
    live = [t["name"] for t in site.world.call("state")["tunnels"] if t["deleted_at"] is None]
    tap.ok((gone["state"], late["state"]) == ("done", "undone") and not kept() and len(live) == 1,
           "given up while it waits: its connector is stopped and its tunnel gone", (gone["cause"], late, kept(), live))
    box.sett("setting", "set", "dns.server", "")


def test_end(tap, box, site):
    foreign = {"method": "POST", "path": f"accounts/{site.world.facts['account']}/access/apps",
               "body": {"name": "Their wiki", "type": "self_hosted", "domain": f"globex.{site.domain}"}}
    site.world.call("provider", foreign)
    out = box.json("tenant", "create", "--name", "Globex", "--subdomain", "globex", "--plan", "demo", "--no-wait")
    site.job(out)
    no = site.do("access", "set", "globex", "--login", "true")
    shown = box.json("access", "show", "globex")
    tap.ok(no["state"] == "undone" and "Their wiki" in no["cause"] and shown["state"] == "failed" and "Their wiki" in shown["state_reason"],
           "an application of somebody else's stands there: named", (no, shown))
    tap.equal((site.do("tenant", "restart", "globex")["state"], site.do("access", "clear", "globex")["state"]), ("done", "done"),
              "and neither the tenant nor the record is held")
    site.do("access", "clear", "1")
    tap.equal((site.apps(), box.sett("access", "show", "1", ok=False)[0]), (["globex"], 3), "cleared: only theirs is left")
    order = [e["what"] for e in site.world.call("effects")][-2:]
    tap.ok(site.asks("acme2") is None and order[0] != "app-deleted" and order[1] == "app-deleted", "the connector was told before", order)
    site.do("access", "set", "1", "--login", "true")
    gone = site.do("tenant", "delete", "1", "--action", "delete", "--confirm=acme2")
    state = site.world.call("state")
    tap.ok(gone["state"] == "done" and site.apps() == ["globex"] and not state["limits"], "gone with the tenant, theirs stays",
           (gone["cause"], state["apps"], state["limits"]))
    order = [e["what"] for e in site.world.call("effects")][-5:]
    tap.ok(order.index("record-deleted") < order.index("app-deleted"), "and not before its name leads nowhere", order)
    listed = lambda *words: [t["subdomain"] for t in box.json("tenant", "list", *words)["data"]]
    tap.ok("acme2" not in listed() and "globex" in listed() and "acme2" in listed("--deleted") and listed("--state", "deleted") == ["umbrella", "full", "acme2"],
           "what is deleted is listed when it is asked for", (listed(), listed("--deleted"), listed("--state", "deleted")))
    tunnels = lambda *words: {t["state"] for t in box.json("tunnel", "list", *words)["data"]}
    tap.ok("deleted" not in tunnels() and "deleted" in tunnels("--deleted"), "tunnels, too", (tunnels(), tunnels("--deleted")))
    code, _, errors = box.sett("tunnel", "list", "--tenant-id", "nobody", ok=False)
    tap.ok(code == 3 and "there is no tenant nobody" in errors, "an option that names nobody: not found, like an argument", (code, errors))
    tap.equal(box.sett("tunnel", "show", "nobody", ok=False)[0], 3, "and so is a tunnel")
    tap.equal(box.json("tunnel", "show", "globex")["hostname"], f"globex.{site.domain}", "a tunnel answers to its tenant's name")
    shown, plain = box.sett("system", "resources"), box.sett("system", "resources", "--output", "plain")
    tap.ok(any(u in shown for u in (" GiB", " MiB")) and " GiB" not in plain + " " and " MiB" not in plain, "sizes in units for people, and raw for programs", (shown, plain))
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck is clean")
    breaches = site.world.call("breaches")
    tap.ok(not breaches, "every exchange was as the provider describes it", "\n".join(breaches[:10]))


def test_local(tap, world):
    box = Box(world=world, conf=FAST)
    try:
        box.sett("tenant", "create", "--name", "Initech", "--subdomain", "initech", "--plan", "demo", "--no-wait")
        for words in (("access", "set", "1", "--ips", "198.51.100.0/24"), ("ratelimit", "set", "1", "--requests", "9")):
            code, _, said = box.sett(*words, ok=False)
            tap.ok(code == 5, f"{words[0]} of a tenant that is not at Cloudflare is refused", said)
    finally:
        box.close()


def main():
    tap = Tap()
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, conf=FAST, ingress="cloudflare")
    try:
        box.start("hands")
        wait_for(lambda: os.path.exists(box.socket("hands")), "the hands listen")
        box.start("worker")
        wait_for(lambda: os.path.exists(box.socket("ask")), "the worker listens")
        site = Site(box, world)
        for name, test in (("access", test_access), ("follows", test_follows), ("limit", test_limit), ("quotas", test_quotas), ("elsewhere", test_elsewhere), ("end", test_end)):
            with tap.part(name):
                test(tap, box, site)
        with tap.part("local"):
            test_local(tap, world)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-40:]))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
