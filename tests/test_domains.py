#!/usr/bin/env python3
"""Customers' own domains, through the command line and the API: by a zone of their own, by a custom hostname, and
by the box's own web server; proved, waited for, led, watched, claimed by another, taken back. Real parts:
worker, hands, store, web server; the provider and the DNS are fakes. Speaks TAP."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for
from provider import Provider

FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"
DAY_S = 86400


class Site:
    def __init__(self, box, world):
        self.box, self.world = box, world

    def job(self, out):
        """The end of a job that a command has started."""
        ident = out["job"]
        return wait_for(lambda: (j := self.box.json("job", "show", ident))["state"] in ("done", "undone", "stuck") and j,
                        f"{ident} ends", 60, 0.05)

    def do(self, *words):
        return self.job(self.box.json(*words, "--no-wait"))

    def add(self, *words):
        out = self.box.json("domain", "add", *words, "--no-wait")
        return out["id"], self.job(out)

    def show(self, name):
        return self.box.json("domain", "show", name)

    def until(self, name, *states):
        """Until the domain is so; the rounds are asked to look."""
        def there():
            d = self.show(name)
            if d["state"] in states:
                return d
            self.box.sett("domain", "check", name, ok=False)
            return None
        return wait_for(there, f"{name} is {' or '.join(states)}: it is {self.show(name)}", 40, 0.3)

    def dns(self, *lines):
        self.world.call("dns", list(lines))

    def zone(self, name):
        return next((z for z in self.world.call("state")["zones"] if z["name"] == name), None)

    def delegate(self, name):
        """What the customer does at the registrar, and what Cloudflare makes of it."""
        servers = self.zone(name)["servers"]
        self.dns(f"set {name} NS {' '.join(servers)}")
        self.world.call("zone", {"name": name, "status": "active"})

    def refused(self, *words):
        code, _, errors = self.box.sett(*words, "--json", "--no-wait", ok=False)
        return code, errors


def test_refused(tap, box, site):
    for name, what in (("co.uk", "registered"), ("p\u0430ypal.com", "mixes"), ("not a name", "not a domain name"),
                       (f"x.{site.world.facts['domain']}", "own domain"), ("192.0.2.1", "address")):
        code, errors = site.refused("domain", "add", name, "acme")
        tap.ok(code == 2 and what in errors, f"{name} is refused", errors)
    code, errors = site.refused("domain", "add", "mustermann.de", "acme", "--via", "local")
    tap.ok(code == 2 and "zone or hostname" in errors, "a way that the tenant's ingress does not have is refused", errors)
    plan = box.json("domain", "add", "mustermann.de", "acme", "--dry-run")
    tap.ok(any("zone mustermann.de" in s["touches"] for s in plan["steps"]) and not site.zone("mustermann.de"),
           "a plan says what would be made, and makes nothing", plan)


def drift(tap, box, site):
    """Somebody deletes a record of ours in the customer's zone."""
    def scan():
        number = box.json("drift", "scan")["number"]
        wait_for(lambda: (s := box.json("drift", "status"))["state"] == "idle" and s["number"] > number, "the scan ends", 60)
        return [f for f in box.json("drift", "list")["data"] if f["domain_id"]]
    def www():
        return [r for r in site.zone("mustermann.de")["records"] if r["name"] == "www.mustermann.de"]
    tap.ok(not scan(), "a domain that is led is no drift")
    Provider(site.world).call("DELETE", f"/zones/{site.zone('mustermann.de')['id']}/dns_records/{www()[0]['id']}")
    found = scan()
    tap.ok(len(found) == 1 and found[0]["kind"] == "dns" and found[0]["name"] == "mustermann.de", "a record that is gone is found", found)
    job = site.do("drift", "revert", found[0]["id"])
    tap.ok(job["state"] == "done" and len(www()) == 1 and not scan(), "and entered again", job)


def test_zone(tap, box, site):
    ident, job = site.add("Mustermann.DE", "acme")
    d = site.show(ident)
    zone = site.zone("mustermann.de")
    tap.ok(job["state"] == "done" and d["state"] == "pending" and d["www"] and d["via"] == "zone", "added: it waits", (job, d))
    tap.equal(d["name_servers"].split(), zone["servers"], "the name servers are those that were assigned")
    tap.ok(27 <= d["days_left"] <= 28, "there are 28 days for it", d["days_left"])
    tap.equal([r["type"] for r in zone["records"]], ["TXT"], "the zone carries our sign")
    for language, word in (("en", "registered the domain"), ("es", "servidores de nombres"), ("de", "tragen Sie genau diese ein")):
        text = box.sett("domain", "instructions", "mustermann.de", "--language", language)
        tap.ok(word in text and all(s in text for s in zone["servers"]) and "DNSSEC" in text,
               f"instructions in {language} name them, and DNSSEC first", text)
    code, errors = site.refused("domain", "add", "www.mustermann.de", "globex")
    tap.ok(code == 5 and "sett domain claim" in errors, "whose www is led to a tenant is not another's; the way out is told", errors)
    site.dns("set mustermann.de NS ns1.registrar.example ns2.registrar.example")
    seen = box.json("domain", "check", "mustermann.de")["seen"]
    tap.ok(seen["zone_status"] == "pending" and seen["name_servers_match"] is False, "a look says what the DNS says", seen)
    wait_for(lambda: "ns1.registrar.example" in site.show(ident)["state_reason"], "the reason names the present name servers")
    site.dns(f"set mustermann.de NS {' '.join(reversed(zone['servers']))}")
    def asked():
        box.json("domain", "check", "mustermann.de")
        return [e for e in site.world.call("effects") if e["what"] == "activation-checked"]
    wait_for(asked, "the provider is asked to look", 20, 0.5)
    tap.equal(len(asked()), 1, "the provider was asked to look at the name servers, once in the hour")
    site.world.call("record", {"zone": "mustermann.de", "type": "MX", "name": "mustermann.de", "content": "mail.example", "comment": None})
    site.world.call("zone", {"name": "mustermann.de", "status": "active"})
    d = site.until("mustermann.de", "active")
    tap.ok(d["proof"] == "delegation" and d["days_left"] is None, "active: the delegation is the proof", d)
    drift(tap, box, site)
    names = sorted((r["type"], r["name"]) for r in site.zone("mustermann.de")["records"])
    tap.equal(names, [("CNAME", "mustermann.de"), ("CNAME", "www.mustermann.de"), ("MX", "mustermann.de"), ("TXT", "_sett.mustermann.de")],
              "its names lead to the tunnel, its mail is as it was")
    tunnel = box.json("tunnel", "show", box.json("tenant", "show", "acme")["tunnel_id"])["cf_tunnel"]
    config = next(t for t in site.world.call("state")["tunnels"] if t["id"] == tunnel)["config"]
    rules = {r.get("hostname") for r in config["ingress"]}
    tap.ok({"mustermann.de", "www.mustermann.de"} <= rules, "the tunnel has rules for both", rules)


def test_conflict(tap, box, site):
    ident, _ = site.add("firma.co.uk", "acme")
    site.world.call("record", {"zone": "firma.co.uk", "type": "A", "name": "firma.co.uk", "content": "192.0.2.7", "comment": "theirs"})
    site.delegate("firma.co.uk")
    d = site.until("firma.co.uk", "failed")
    tap.ok("A firma.co.uk to 192.0.2.7" in d["state_reason"], "a record in the way is named", d["state_reason"])
    job = box.json("job", "show", d["job_id"])
    tap.ok(job["state"] == "stuck" and "Remove it" in job["remedy"], "with the way out", job["remedy"])
    zone = site.zone("firma.co.uk")
    tap.ok(any(r["type"] == "A" for r in zone["records"]), "and is still there")
    record = next(r for r in zone["records"] if r["type"] == "A")
    site.world.call("provider", {"method": "DELETE", "path": f"/zones/{zone['id']}/dns_records/{record['id']}"})
    box.sett("job", "retry", job["id"])
    site.until("firma.co.uk", "active")
    out = site.do("domain", "remove", ident, "--confirm=firma.co.uk")
    tap.ok(out["state"] == "done" and site.zone("firma.co.uk") is None, "removed: a zone that we made and that is empty goes", out)


def test_life(tap, box, site):
    site.do("tenant", "suspend", "globex")
    jobs = [j["saga"] for j in box.json("job", "list", "--limit", "5")["data"]]
    tap.ok(site.show("mustermann.de")["state"] == "active" and jobs[0] == "tenant.suspend", "a suspension leaves a zone as it is", jobs)
    site.do("tenant", "resume", "globex")
    site.until("mustermann.de", "active")
    site.world.call("zone", {"name": "mustermann.de", "status": "moved"})
    d = site.until("mustermann.de", "moved")
    tap.ok(6 <= d["days_left"] <= 7, "moved: seven days are left", d)
    alerts = [a["kind"] for a in box.json("alert", "list")["data"] if a["subject_id"] == d["id"]]
    tap.ok("domain.moved" in alerts, "the operator is told", alerts)
    site.world.call("zone", {"name": "mustermann.de", "status": "active"})
    tap.ok(site.until("mustermann.de", "active"), "back again: active without anybody's help")
    # Four weeks pass for another one that nobody delegates.
    ident, _ = site.add("vergessen.co.uk", "acme")
    box.kill("worker")
    told = set()
    for days, before in ((15, 14), (22, 7), (26, 3), (28, 1)):
        box.start("worker", env={"SETT_CLOCK_OFFSET_S": str(days * DAY_S)})
        wait_for(lambda: site.show(ident)["reminded_days"] == before, f"reminded after {days} days", 20)
        told.add(site.show(ident)["reminded_days"])
        box.kill("worker")
    tap.equal(sorted(told), [1, 3, 7, 14], "reminders at 14, 7, 3 and 1 days before the end")
    site.world.call("zone", {"name": "vergessen.co.uk", "status": "deleted"})
    for days, state in ((29, "pending"), (30, "lost")):
        before = site.show(ident)["checked_at"]
        box.start("worker", env={"SETT_CLOCK_OFFSET_S": str(days * DAY_S)})
        wait_for(lambda: site.show(ident)["checked_at"] != before, f"looked at after {days} days", 20)
        tap.equal(site.show(ident)["state"], state, f"not found for the {'first' if days == 29 else 'second'} time: {state}")
        box.kill("worker")
    d = site.show(ident)
    tap.ok(d["state"] == "lost" and d["zone_status"] == "deleted", "and its zone is deleted", d)
    box.start("worker")
    wait_for(lambda: os.path.exists(box.socket("ask")), "the worker listens")
    tap.equal(site.do("domain", "remove", ident, "--confirm=vergessen.co.uk")["state"], "done", "and can be removed")


def test_adopt(tap, box, site):
    zone = site.world.call("provider", {"method": "POST", "path": "/zones",
                                        "body": {"account": {"id": site.world.facts["account"]}, "name": "alt.co.uk", "type": "full"}})
    ident, job = site.add("alt.co.uk", "acme")
    tap.ok(job["state"] == "stuck" and "already" in job["cause"] and "--adopt" in job["remedy"], "a zone that is there is not ours", job)
    out = site.box.json("domain", "remove", ident, "--confirm=alt.co.uk", "--no-wait")
    site.job(out)
    tap.equal(site.show(ident)["state"], "removed", "what is stuck is removed by turning it round")
    ident, job = site.add("alt.co.uk", "acme", "--adopt", "true")
    tap.ok(job["state"] == "done" and site.show(ident)["cf_id"] == zone["result"]["id"], "adopted, it is used as it is", job)
    out = site.do("domain", "remove", ident, "--confirm=alt.co.uk")
    d = site.show(ident)
    tap.ok(out["state"] == "done" and site.zone("alt.co.uk") and not site.zone("alt.co.uk")["records"] and "stays" in d["state_reason"],
           "removed: it stays, without our records, and that is said", d)


def test_access(tap, box, site):
    """Who must sign in at the tenant's own name must sign in at its domain, too: from its first moment."""
    def verdicts():
        return [site.world.call("verdict", {"host": h})["verdict"] for h in ("tor.co.uk", "www.tor.co.uk")]
    site.do("access", "set", "acme", "--emails", "ann@example.com")
    ident, _ = site.add("tor.co.uk", "acme")
    site.delegate("tor.co.uk")
    wait_for(lambda: box.json("domain", "check", "tor.co.uk") and site.show(ident)["state"] in ("verifying", "active"), "tor.co.uk is led", 40, 0.3)
    tap.equal(verdicts(), ["login", "login"], "who stands before the tenant stands before its domain")
    site.do("access", "clear", "acme")
    tap.equal(verdicts(), [None, None], "and goes with it")
    site.do("access", "set", "acme", "--emails", "ann@example.com")
    tap.equal(verdicts(), ["login", "login"], "set later, it holds for domains that are there")
    site.do("domain", "remove", ident, "--confirm=tor.co.uk")
    tap.equal(verdicts(), [None, None], "the domain removed, nothing is left")
    site.do("access", "clear", "acme")


def test_lag(tap, box, site):
    """The answer to the creation is lost, and the list does not show the zone for a while."""
    site.world.call("faults", [{"match": "POST /zones", "fault": "lose"}, {"match": "GET /zones", "from": 2, "times": 2, "fault": "lag"}])
    ident, job = site.add("spaet.co.uk", "acme")
    site.world.call("faults", [])
    zones = [z for z in site.world.call("state")["zones"] if z["name"] == "spaet.co.uk"]
    d = site.show(ident)
    tap.ok(job["state"] == "done" and len(zones) == 1 and d["cf_id"] == zones[0]["id"] and d["cf_made"], "one zone, known to be ours", (job, d))
    site.do("domain", "remove", ident, "--confirm=spaet.co.uk")
    site.world.call("faults", [{"match": "POST /zones", "fault": "lose"}])
    ident, job = site.add("köln.co.uk", "acme")
    site.world.call("faults", [])
    tap.ok(job["state"] == "done" and site.show("xn--kln-sna.co.uk")["cf_made"], "a zone whose name is spelled otherwise there is found", job)
    site.do("domain", "remove", ident, "--confirm=köln.co.uk")
    site.world.call("cloudflare", {"zones_begin": "active"})
    ident, _ = site.add("schnell.co.uk", "acme")
    site.world.call("cloudflare", {"zones_begin": "pending"})
    tap.ok(site.until("schnell.co.uk", "active"), "a zone that is active at once is led at once")
    code, errors = site.refused("tunnel", "create", "1", "--hostname", "www.schnell.co.uk")
    tap.ok(code == 5 and "schnell.co.uk" in errors, "no tunnel may serve a customer's domain besides", errors)
    site.do("domain", "remove", ident, "--confirm=schnell.co.uk")


def test_other_box(tap, box, site):
    site.world.call("provider", {"method": "POST", "path": "/zones", "body":
                                 {"account": {"id": site.world.facts["account"]}, "name": "zwei.co.uk", "type": "full"}})
    site.world.call("record", {"zone": "zwei.co.uk", "type": "TXT", "name": "_sett.zwei.co.uk", "content": "another box",
                               "comment": "sett box_other dom_other"})
    ident, job = site.add("zwei.co.uk", "acme", "--adopt", "true")
    tap.ok(job["state"] == "stuck" and "sign of another box" in job["cause"], "a zone that another box uses is not taken", job)
    site.job(box.json("domain", "remove", ident, "--confirm=zwei.co.uk", "--no-wait"))
    left = site.zone("zwei.co.uk")["records"]
    tap.ok(site.show(ident)["state"] == "removed" and [r["comment"] for r in left] == ["sett box_other dom_other"], "and stays as it was", left)


def test_shared(tap, box, site):
    """A tenant behind a shared tunnel: the rules are among those of the tunnel that carries it."""
    site.do("tenant", "create", "--name", "geteilt", "--subdomain", "geteilt", "--plan", "demo", "--ingress-mode", "shared")
    code, errors = site.refused("domain", "add", "shop.geteilt.co.uk", "geteilt")
    tap.ok(code == 2 and "shared" in errors, "a custom hostname needs a record of the tenant's own", errors)
    ident, _ = site.add("geteilt.co.uk", "geteilt")
    site.delegate("geteilt.co.uk")
    d = site.until("geteilt.co.uk", "active")
    route = box.json("tunnel", "show", d["routed_to"])
    carrier = box.json("tunnel", "show", route["carrier_id"])["cf_tunnel"]
    lead = {r["content"] for r in site.zone("geteilt.co.uk")["records"] if r["type"] == "CNAME"}
    config = next(t for t in site.world.call("state")["tunnels"] if t["id"] == carrier)["config"]
    tap.ok(lead == {f"{carrier}.cfargotunnel.com"} and "www.geteilt.co.uk" in [r.get("hostname") for r in config["ingress"]],
           "behind a shared tunnel its domain goes by the tunnel that carries it", (lead, config))
    job = site.do("domain", "remove", ident, "--confirm=geteilt.co.uk")
    config = next(t for t in site.world.call("state")["tunnels"] if t["id"] == carrier)["config"]
    tap.ok(job["state"] == "done" and "geteilt.co.uk" not in [r.get("hostname") for r in config["ingress"]], "and leaves it again", job)


def test_claim(tap, box, site):
    code, errors = site.refused("domain", "add", "mustermann.de", "globex")
    tap.ok(code == 5 and "sett domain claim mustermann.de" in errors, "a domain that is taken is refused with the way out", errors)
    claim = box.json("domain", "claim", "mustermann.de", "globex")
    record = claim["record"]
    tap.ok(record["name"] == "_sett-challenge.mustermann.de", "a claim says which record proves it", claim)
    job = site.do("domain", "claim", "mustermann.de", "globex", "--prove", "true")
    tap.ok(job["state"] == "undone" and "does not say" in job["cause"], "without it nothing is taken over", job)
    tap.equal(site.show("mustermann.de")["state"], "active", "and nothing changes")
    site.dns(f"set {record['name']} TXT {record['value']}")
    job = site.do("domain", "claim", "mustermann.de", "globex", "--prove", "true")
    globex = box.json("tenant", "show", "globex")
    d = site.until("mustermann.de", "active")
    tap.ok(job["state"] == "done" and d["tenant_id"] == globex["id"], "with it the domain leads to the claimant", (job, d))
    lead = {r["content"] for r in site.zone("mustermann.de")["records"] if r["type"] == "CNAME"}
    tunnel = box.json("tunnel", "show", globex["tunnel_id"])["cf_tunnel"]
    tap.equal(lead, {f"{tunnel}.cfargotunnel.com"}, "its names lead to the claimant's tunnel")
    audit = [a for a in box.json("audit", "list", "--limit", "50")["data"] if a["action"] == "domain.claim" and a["object_id"] == d["id"]]
    tap.ok(len(audit) >= 3, "each act of it is audited", audit)


def test_hostname(tap, box, site):
    ident, job = site.add("shop.kunde.de", "acme", "--via", "hostname")
    d = site.show(ident)
    tap.ok(job["state"] == "done" and d["state"] == "pending" and d["hostname_status"] == "pending", "a custom hostname waits", (job, d))
    kinds = [(r["type"], r["purpose"]) for r in d["records"]]
    tap.equal(kinds, [("TXT", "proof"), ("TXT", "certificate"), ("TXT", "certificate"), ("CNAME", "lead")], "what is to be entered is shown")
    tap.equal(site.world.call("state")["fallback"], f"customers.{site.world.facts['domain']}", "the fallback origin is there")
    site.world.call("hostname", {"hostname": "shop.kunde.de", "status": "active", "ssl": "active"})
    wait_for(lambda: box.json("domain", "check", ident) and "_sett-challenge" in site.show(ident)["state_reason"], "it waits for the proof")
    tap.ok(True, "active at the provider is not enough: the proof is missing")
    site.dns(f"set _sett-challenge.shop.kunde.de TXT sett-challenge={d['challenge']}")
    d = site.until("shop.kunde.de", "active", "verifying")
    tap.ok(d["proof"] == "txt", "proved by TXT it is led", d)
    out = site.do("domain", "remove", ident, "--confirm=shop.kunde.de")
    tap.ok(out["state"] == "done" and not site.world.call("state")["hostnames"], "removed: the custom hostname is gone", out)


def test_tenant_goes(tap, box, site):
    site.do("tenant", "delete", "globex", "--action", "delete", "--confirm=globex")
    d = site.show("mustermann.de")
    zone = site.zone("mustermann.de")
    tap.ok(d["state"] == "removed" and "MX" in d["state_reason"], "the tenant gone, its domain is removed, and it is said what stays", d)
    tap.equal([r["type"] for r in zone["records"]], ["MX"], "of its zone only what is not ours")


def test_local(tap):
    folder = tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    dns = f"\n[dns]\nserver = {world.facts['dns']}\n[domains]\naddresses = 192.0.2.10\n"
    box = Box(conf=FAST + dns)
    site = Site(box, world)
    try:
        box.run()
        site.job(box.json("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "demo", "--no-wait"))
        admin = box.login()
        answer = box.http("POST", "/api/domains", {"name": "müller.de", "tenant": "acme"}, admin)
        made = answer.json
        tap.ok(answer.status == 202 and made["name"] == "xn--mller-kva.de" and made["unicode"] == "müller.de", "added by the API", made)
        site.job(made)
        records = {(r["type"], r["name"]): r["value"] for r in site.show(made["id"])["records"]}
        tap.ok(records[("A", "xn--mller-kva.de")] == "192.0.2.10" and ("CNAME", "www.xn--mller-kva.de") in records, "what is to be entered", records)
        site.dns("set xn--mller-kva.de A 192.0.2.10")
        d = site.until("müller.de", "pending")
        wait_for(lambda: box.json("domain", "check", "müller.de") and "_sett-challenge" in site.show(made["id"])["state_reason"], "unproved")
        tap.equal(site.show(made["id"])["state"], "pending",
                  "pointing here proves nothing: who had the address before might still point")
        site.dns(f"set _sett-challenge.xn--mller-kva.de TXT sett-challenge={d['challenge']}")
        d = site.until("müller.de", "active")
        page = box.http("GET", "/", host="xn--mller-kva.de")
        www = box.http("GET", "/", host="www.xn--mller-kva.de")
        own = box.http("GET", "/", host="acme.localhost")
        tap.ok(page.status == www.status == 200 and page.body == own.body, "proved, both names show the tenant's page", page.body[:200])
        site.do("tenant", "suspend", "acme")
        d = site.until("müller.de", "pending")
        tap.ok("does not run" in d["state_reason"], "a suspended tenant's domain is not led", d)
        site.do("tenant", "resume", "acme")
        tap.ok(site.until("müller.de", "active"), "and is led again with it")
        site.do("tenant", "update", "acme", "--maintenance", "true")
        wait_for(lambda: box.http("GET", "/", host="xn--mller-kva.de").status == 503, "maintenance", 20, 0.1)
        tap.ok(True, "maintenance holds for its domain, too")
        site.do("tenant", "update", "acme", "--maintenance", "false")
        site.until("müller.de", "active")
        listed = box.http("GET", "/api/domains?state=active", headers=admin).json
        tap.equal([x["unicode"] for x in listed["data"]], ["müller.de"], "listed by its state")
        answer = box.http("DELETE", f"/api/domains/{made['id']}", headers=admin)
        site.job(answer.json)
        tap.ok(answer.status == 202 and box.http("GET", "/", host="xn--mller-kva.de").body != own.body, "removed, it leads nowhere")
        customer(tap, box, site)
    finally:
        box.close()
        world.close()


def customer(tap, box, site):
    """What a customer may do alone: within the plan, with their own tenants."""
    who = box.json("customer", "create", "--name", "Ann", "--email", "ann@example.com")
    out = box.json("tenant", "create", "--name", "Ann", "--subdomain", "ann", "--plan", "demo", "--customer-id", who["id"], "--no-wait")
    site.job(out)
    box.sett("user", "create", "ann", "--role", "customer", "--customer-id", who["id"], "--password-file", "-", stdin="correct horse battery")
    mine = box.login("ann", "correct horse battery")
    answer = box.http("POST", "/api/domains", {"name": "ann.de", "tenant": "ann"}, mine)
    tap.ok(answer.status == 409 and answer.json["code"] == "plan_domains", "a plan without domains: none by the customer alone", answer.json)
    box.sett("plan", "update", "demo", "--max-domains", "1")
    answer = box.http("POST", "/api/domains", {"name": "ann.de", "tenant": "ann"}, mine)
    tap.equal(answer.status, 202, "with one in the plan: one")
    site.job(answer.json)
    tap.equal(box.http("POST", "/api/domains", {"name": "ann2.de", "tenant": "ann"}, mine).status, 409, "and no second")
    tap.equal(box.http("POST", "/api/domains", {"name": "ann3.de", "tenant": "acme"}, mine).status, 422, "nor for another's tenant")
    tap.equal([d["name"] for d in box.http("GET", "/api/domains", headers=mine).json["data"]], ["ann.de"], "a customer sees their own")
    tap.equal(box.http("DELETE", "/api/domains/ann.de", headers=mine).status, 202, "and may remove it")


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    box = Box(world=world, conf=FAST + f"\n[dns]\nserver = {world.facts['dns']}\n", ingress="cloudflare")
    site = Site(box, world)
    try:
        box.start("hands")
        box.start("worker")
        wait_for(lambda: all(os.path.exists(box.socket(n)) for n in ("hands", "ask")), "programs listen")
        for name in ("acme", "globex"):
            site.job(box.json("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait"))
        for test in (test_refused, test_zone, test_conflict, test_adopt, test_other_box, test_access, test_lag, test_hostname, test_shared, test_claim, test_life, test_tenant_goes):
            with tap.part(test.__name__):
                test(tap, box, site)
        breaches = world.call("breaches")
        tap.ok(not breaches, "every exchange was as the provider describes it", json.dumps(breaches[:10], indent=1))
        tap.equal(box.sett("fsck", ok=False)[0], 0, "the store is whole")
    finally:
        log = box.log("worker")
        box.close()
        world.close()
        if tap.bad:
            print("# worker:\n# " + "\n# ".join(log.splitlines()[-25:]))
    with tap.part("local"):
        test_local(tap)
    tap.done()


if __name__ == "__main__":
    main()
