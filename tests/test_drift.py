#!/usr/bin/env python3
"""Drift: things are changed, removed and left behind outside while the box looks away; a scan finds each
of them, says what is desired, recorded and actual, and brings it back, leaves it, or keeps quiet about it
as it is told. What bears no mark of this box is never named and never touched. Speaks TAP."""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for
from provider import Provider


def settled(box, ident):
    return wait_for(lambda: (j := box.json("job", "show", ident))["state"] in ("done", "undone", "stuck") and j, f"{ident} ends", 60)


def scan(box):
    """One whole scan; what is open then, by thing."""
    number = box.json("drift", "scan")["number"]
    last = wait_for(lambda: (s := box.json("drift", "status"))["state"] == "idle" and s["number"] > number and s, "the scan ends", 60)
    return last, {d["thing"]: d for d in box.json("drift", "list", "--limit", "100")["data"]}


def revert(box, finding):
    out = box.json("drift", "revert", finding["id"])
    return settled(box, out["job"])


def create(box, name, plan="demo"):
    out = box.json("tenant", "create", name, "--plan", plan, "--no-wait")
    job = settled(box, out["job"])
    assert job["state"] == "done", job
    return box.json("tenant", "show", out["id"])


def cloudflare(tap, world, box):
    provider = Provider(world)
    a, b, c = (create(box, n) for n in ("alpha", "bravo", "charlie"))
    tunnels = {t["tenant_id"]: t for t in box.json("tunnel", "list")["data"]}
    foreign = provider.record("POST", body={"type": "CNAME", "name": "mail.sett.test", "content": "else.where", "proxied": False, "comment": "by hand"})
    stranger = provider.tunnel("POST", body={"name": "sett-tun000099", "config_src": "cloudflare"})
    last, open_ = scan(box)
    tap.ok(not open_ and last["looked"] == 6, "three tenants in order: nothing is found", (last, open_))

    # DNS: one record is turned elsewhere, one is deleted, one is left behind.
    ta, tb, tc = tunnels[a["id"]], tunnels[b["id"]], tunnels[c["id"]]
    provider.record("PATCH", ta["cf_record"], {"content": "elsewhere.example.com", "name": "alpha.sett.test", "type": "CNAME", "ttl": 1})
    provider.record("DELETE", tb["cf_record"])
    box_id = next(s["value"] for s in box.json("setting", "list")["data"] if s["name"] == "box.id")
    orphan = provider.record("POST", body={"type": "CNAME", "name": "ghost.sett.test", "content": "gone.cfargotunnel.com", "proxied": True,
                                           "comment": f"sett {box_id} tun_00000000000000000000000001 job_1"})
    # The tunnel and what runs it.
    world.call("disconnect-all", {})
    provider.tunnel("DELETE", tc["cf_tunnel"])
    # What nobody remembers: as it is left by a restore of an older store.
    os.makedirs(os.path.join(box.root, "var/lib/sett/live/tenants/77/site"))
    last, open_ = scan(box)
    want = {f"record {ta['cf_record']}": ("dns", "differs"), f"record {tb['cf_record']}": ("dns", "missing"),
            f"record {orphan['id']}": ("dns", "orphan"), f"tunnel {tc['cf_tunnel']}": ("tunnel", "missing"),
            "folder 77": ("folder", "orphan")}
    tap.equal({k: (v["kind"], v["verdict"]) for k, v in open_.items()}, want, "each is found, and nothing else")
    d = open_[f"record {ta['cf_record']}"]
    tap.ok("elsewhere.example.com" in d["actual"] and ".cfargotunnel.com" in d["desired"] and d["recorded"] and d["name"] == "alpha.sett.test",
           "a finding says desired, recorded and actual", d)
    tap.ok(not any("sett-tun000099" in json.dumps(v) or "mail.sett.test" in json.dumps(v) for v in open_.values()), "nothing foreign is named")
    tap.equal(last["open"], 5, "the scan counts what is open")
    code, out, _ = box.sett("drift", ok=False)
    tap.ok(code == 0 and "ghost.sett.test" in out, "sett drift alone lists it", out)
    alert = box.json("alert", "list")["data"] if "alert" in box.sett("--help") else None
    if alert is not None:
        tap.ok(any(n["kind"] == "drift.found" for n in alert), "an operator is told", alert)

    # The plan changes nothing; then each is reverted.
    plan = box.json("drift", "revert", open_["folder 77"]["id"], "--dry-run")
    tap.ok(any("folder 77" in s["touches"] for s in plan["steps"]) and os.path.isdir(os.path.join(box.root, "var/lib/sett/live/tenants/77")),
           "the plan of a removal names it and removes nothing", plan)
    for thing, finding in open_.items():
        job = revert(box, finding)
        tap.ok(job["state"] == "done", f"{finding['kind']} {finding['verdict']}: reverted", job)
    records = {r["name"]: r for r in world.call("state")["records"]}
    tap.ok(all(f"{n}.sett.test" in records and records[f"{n}.sett.test"]["content"].endswith(".cfargotunnel.com") for n in ("alpha", "bravo", "charlie")),
           "every record is there again", records)
    tap.ok("ghost.sett.test" not in records and records["mail.sett.test"]["id"] == foreign["id"], "the orphan is gone, the foreign record stays")
    live = [t for t in world.call("state")["tunnels"] if t["deleted_at"] is None]
    tap.ok(any(t["id"] == stranger["id"] for t in live), "the tunnel of somebody else stays")
    now = {t["tenant_id"]: t for t in box.json("tunnel", "list")["data"]}
    tap.ok(now[c["id"]]["cf_tunnel"] != tc["cf_tunnel"] and any(t["id"] == now[c["id"]]["cf_tunnel"] for t in live), "the deleted tunnel was made anew")
    tap.ok(not os.path.exists(os.path.join(box.root, "var/lib/sett/live/tenants/77")), "the folder is gone")
    wait_for(lambda: any(t["id"] == now[c["id"]]["cf_tunnel"] and t["connections"] for t in world.call("state")["tunnels"]), "its connector is there")
    last, open_ = scan(box)
    tap.ok(not open_, "and a scan finds nothing", open_)
    tap.equal({d["state"] for d in box.json("drift", "list", "--state", "gone")["data"]}, {"gone"}, "what was found is remembered as gone")

    # A provider that cannot be read: nothing is concluded.
    provider.record("DELETE", now[a["id"]]["cf_record"])
    _, open_ = scan(box)
    tap.equal(len(open_), 1, "a record is missing once more")
    world.call("faults", [{"match": "GET *", "fault": "500", "times": 1000}])
    last, open_ = scan(box)
    tap.ok("Cloudflare" in last["unread"] and len(open_) == 1, "with Cloudflare down the finding stays, and it says so", (last, open_))
    world.call("faults", [])
    finding = next(iter(open_.values()))

    # What a job holds is passed over, and that is said.
    world.call("faults", [{"match": "POST *", "fault": "500", "times": 1000}])
    held = box.json("access", "set", b["id"], "--login", "true", "--no-wait")["job"]
    wait_for(lambda: box.json("job", "show", held)["state"] == "waiting", "a job holds a tenant", 30, 0.05)
    last, _ = scan(box)
    tap.ok(last["held"] == 2 and held in last["held_why"] and f"tenant {b['number']}: access.apply" in last["held_why"]
           and "bravo.sett.test" in last["held_why"], "a tenant and its tunnel that a job holds are passed over, and it is said why", last)
    world.call("faults", [])
    settled(box, held)
    settled(box, box.json("access", "clear", b["id"], "--no-wait")["job"])
    tap.equal((scan(box)[0]["held"], box.json("drift", "status")["held_why"]), (0, ""), "and looked at once it is free")

    # Rules: somebody edits them in the dashboard.
    ident = now[b["id"]]["cf_tunnel"]
    path = f"/accounts/{world.facts['account']}/cfd_tunnel/{ident}/configurations"
    before = provider.call("GET", path)["config"]
    provider.call("PUT", path, {"config": {"ingress": [{"hostname": "bravo.sett.test", "service": "http://127.0.0.1:1"}, {"service": "http_status:404"}]}})
    _, open_ = scan(box)
    rules = open_.get(f"rules {ident}")
    tap.ok(rules and rules["verdict"] == "differs" and "http://127.0.0.1:1" in rules["actual"] and "127.0.0.1:1" != rules["desired"], "edited rules are found", open_)
    job = revert(box, rules)
    tap.ok(job["state"] == "done" and provider.call("GET", path)["config"]["ingress"] == before["ingress"], "and put back", (job, before))
    _, open_ = scan(box)
    tap.equal(len(open_), 1, "and found no more")

    # To be left alone: accepted until it changes, ignored until its day.
    box.sett("drift", "accept", finding["id"], "--reason", "known")
    _, open_ = scan(box)
    tap.ok(not open_ and box.json("drift", "show", finding["id"])["state"] == "accepted", "what was accepted is not said again")
    provider.record("POST", body={"type": "CNAME", "name": "alpha.sett.test", "content": "x.example.com", "proxied": True,
                                  "comment": f"sett {box_id} {now[a['id']]['id']} job_9"})
    code, _, errors = box.sett("drift", "ignore", finding["id"], "--until", "2020-01-01T00:00:00Z", ok=False)
    tap.ok(code != 0 and "until" in errors, "a day in the past is refused", errors)
    box.sett("drift", "ignore", finding["id"], "--until", "2099-01-01T00:00:00Z")
    tap.equal(box.json("drift", "show", finding["id"])["state"], "ignored", "ignored until a day")
    _, open_ = scan(box)
    tap.ok(not open_, "and quiet until then", open_)
    audit = [e["action"] for e in box.json("audit", "list", "--limit", "100")["data"]]
    tap.ok({"drift.accept", "drift.ignore", "drift.revert", "drift.scan"} <= set(audit), "every act is in the audit log", audit)
    tap.ok(not world.call("breaches"), "every exchange was as the provider describes it", world.call("breaches"))


def here(tap, box):
    """The box's own web server and processes."""
    a, b = (create(box, n) for n in ("delta", "echo"))
    _, open_ = scan(box)
    tap.ok(not open_, "two tenants in order: nothing is found", open_)
    # Behind the records' back, while the box is down.
    box.stop()
    units = os.path.join(box.root, "var/lib/sett/live/hands/process")
    number = a["number"]
    for name in (f"{number}.unit", f"{number}.pid"):
        if os.path.exists(os.path.join(units, name)):
            os.unlink(os.path.join(units, name))
    # What the hands remember of a tenant that the store does not know.
    with open(os.path.join(units, f"{b['number']}.unit"), encoding="utf-8") as f:
        unit = f.read().replace(f"name={b['number']}\n", "name=88\n").replace(f"end={b['number']}\n", "end=88\n").replace("wanted=1", "wanted=0")
    with open(os.path.join(units, "88.unit"), "w", encoding="utf-8") as f:
        f.write(unit)
    routes = next(os.path.join(folder, n) for folder, _, names in os.walk(os.path.join(box.root, "var/lib/sett/live/hands")) for n in names if n == "routes")
    lines = open(routes, encoding="utf-8").read().splitlines()
    kept = [line for line in lines if not line.startswith("echo.")] + ["lost.localhost 3999 555"]
    with open(routes, "w", encoding="utf-8") as f:
        f.write("\n".join(sorted(kept)) + "\n")
    box.run()
    tunnels = {t["tenant_id"]: t for t in box.json("tunnel", "list")["data"]}
    _, open_ = scan(box)
    want = {f"process {number}": ("runtime", "missing"), "process 88": ("runtime", "orphan"),
            f"route {tunnels[b['id']]['number']} echo.localhost": ("route", "missing"), "route 555 lost.localhost": ("route", "orphan")}
    got = {k: (v["kind"], v["verdict"]) for k, v in open_.items()}
    tap.equal(got, want, "each is found, and nothing else")
    for finding in open_.values():
        job = revert(box, finding)
        tap.ok(job["state"] == "done", f"{finding['kind']} {finding['verdict']}: reverted", job)
    _, open_ = scan(box)
    tap.ok(not open_, "and a scan finds nothing", open_)
    tap.equal(box.http("GET", "/", host="delta.localhost").status, 200, "and the tenant answers at its name")
    # One that is wanted again is not removed: the finding is older than the wish.
    os.makedirs(os.path.join(box.root, "var/lib/sett/live/tenants/3"), exist_ok=True)
    _, open_ = scan(box)
    tap.equal({d["thing"] for d in open_.values()}, {"folder 3"}, "a folder that nobody wants")
    third = create(box, "foxtrot")
    tap.equal(third["number"], 3, "its number is given to a tenant")
    job = revert(box, next(iter(open_.values())))
    tap.ok(job["state"] == "stuck" and "wanted" in job["cause"], "the removal sees that, touches nothing and says so", job)
    tap.ok(os.path.isdir(os.path.join(box.root, "var/lib/sett/live/tenants/3/site")), "the tenant's data is there")


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    for part, box in ((lambda b: cloudflare(tap, world, b), Box(world=world, ingress="cloudflare")), (lambda b: here(tap, b), Box())):
        try:
            box.start_all() if box.world else box.run()
            with tap.part("drift"):
                part(box)
        finally:
            print("\n".join("# " + line for line in box.log("worker").splitlines()[-12:]) if tap.bad else "", end="")
            box.close()
    world.close()
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
