#!/usr/bin/env python3
"""TURN: keys made on demand, credentials for browsers, by whom and how many; what goes with the tenant. Real
parts: front, worker, store and web server; the TURN service is the fake's. Speaks TAP."""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for

PASSWORD = "a long enough password 7"


def customer_of(box, admin, name):
    customer = box.http("POST", "/api/customers", {"name": name, "email": f"{name}@example.com"}, admin).json["id"]
    box.http("POST", "/api/users", {"name": name, "role": "customer", "password": PASSWORD, "customer_id": customer}, admin)
    made = box.http("POST", "/api/tenants", {"name": name, "subdomain": name, "plan": "demo", "customer_id": customer}, admin).json
    wait_for(lambda: box.json("tenant", "show", made["id"])["state"] == "active", "the tenant is active", 60, 0.1)
    return made, box.login(name, PASSWORD)


def urls(servers):
    return [u for s in servers for u in s["urls"]]


def test_credentials(tap, box, world, admin, ann, bob):
    path = "/api/turn/credentials"
    first = box.http("GET", path + "?ttl=1h", headers=admin)
    tap.ok(first.status == 200 and first.json["iceServers"] and first.json["ttl_s"] == 3600, "the box's own: made when first asked for", first.body)
    all_urls = urls(first.json["iceServers"])
    tap.ok("stun:stun.cloudflare.com:3478" in all_urls and len(all_urls) == 6 and
           not any(u.split("?")[0].endswith(":53") for u in all_urls) and any(":5349" in u for u in all_urls), "no address with port 53", all_urls)
    tap.ok(first.json["username"] and all("credential" in s for s in first.json["iceServers"] if "username" in s), "with user name and credential")
    expires = time.strptime(first.json["expires_at"][:19], "%Y-%m-%dT%H:%M:%S")
    tap.ok(abs(time.mktime(expires) - time.mktime(time.gmtime()) - 3600) < 60, "and until when", first.json["expires_at"])
    again = box.http("GET", path, headers=admin)
    state = world.call("turn", {})
    tap.ok(again.json["key"] == first.json["key"] and len(state["keys"]) == 1 and again.json["ttl_s"] == 86400,
           "again: the same key, the settings' ttl", again.body)
    tenant, auth = ann
    mine = box.http("GET", f"{path}?tenant={tenant['subdomain']}", headers=auth)
    tap.ok(mine.status == 200 and mine.json["tenant_id"] == tenant["id"] and mine.json["key"] != first.json["key"], "a customer: the own tenant's, from a key of its own", mine.body)
    made = world.call("turn", {})["credentials"][mine.json["username"]]
    tap.equal(made["custom"], tenant["container_id"], "told apart in the analytics")
    tap.equal(box.http("GET", path, headers=auth).status, 422, "the box's own key is not for customers")
    tap.equal(box.http("GET", f"{path}?tenant={bob[0]['id']}", headers=auth).status, 422, "nor is another's")
    for bad in ("0", "59", "3d", "48h1", "x", "-1", "172801"):
        tap.equal(box.http("GET", f"{path}?ttl={bad}", headers=admin).status, 422, f"ttl={bad}: refused")
    tap.equal(box.http("GET", path).status, 401, "nobody: 401")
    keys = {k["uid"]: k["key"] for k in world.call("turn", {})["keys"]}
    dump, jobs = box.sett("db", "dump"), box.sett("job", "list", "--json")
    tap.ok(len(keys) == 2 and not any(k in dump or k in jobs for k in keys.values()), "the keys lie sealed: in no dump and no job")
    tap.ok(all(k["mark"].startswith("sett ") and k["uid"] in keys for k in box.json("turn", "list")["data"]), "listed, without them")
    gone = box.http("POST", "/api/turn/revoke", {"username": mine.json["username"], "tenant": tenant["id"]}, auth)
    tap.ok(gone.status == 200 and world.call("turn", {})["credentials"][mine.json["username"]]["revoked"], "revoked by its owner", gone.body)
    tap.equal(box.http("POST", "/api/turn/revoke", {"username": first.json["username"], "tenant": tenant["id"]}, auth).status, 404,
              "another's credential: 404")
    world.call("turn", {"usage": {box.json("turn", "show", mine.json["key"])["uid"]: [1234567, 89]}})
    used = box.http("GET", f"/api/turn/usage?tenant={tenant['id']}&days=7", headers=auth)
    tap.ok(used.status == 200 and used.json["egress_bytes"] == 1234567 and used.json["ingress_bytes"] == 89, "usage, as Cloudflare counts it", used.body)
    none = box.json("turn", "usage")
    tap.equal(none["egress_bytes"], 0, "nothing relayed: 0")


def test_bounds(tap, box, world, admin, ann):
    box.sett("setting", "set", "turn.per_minute", "3")
    box.sett("turn", "delete", box.json("turn", "list")["data"][-1]["id"], "--wait", "--confirm=" + box.json("turn", "list")["data"][-1]["id"])
    answers = [box.http("GET", "/api/turn/credentials", headers=admin) for _ in range(5)]
    tap.ok([a.status for a in answers] == [200, 200, 200, 429, 429] and answers[-1].headers["Retry-After"], "deleted: another is made; and no more than so many a minute",
           [a.body for a in answers])
    box.sett("setting", "set", "turn.per_minute", "60")
    world.call("faults", [{"match": "POST /v1/turn/*", "fault": "500", "times": 1}])
    answer = box.http("GET", f"/api/turn/credentials?tenant={ann[0]['id']}", headers=admin)
    tap.ok(answer.status == 502 and "500" in answer.json["detail"], "the TURN service is down: said so", answer.body)


def test_tenant_goes(tap, box, world, admin, bob):
    tenant, auth = bob
    tap.equal(box.http("GET", f"/api/turn/credentials?tenant={tenant['id']}", headers=auth).status, 200, "one more tenant with a key")
    before = len(world.call("turn", {})["keys"])
    box.sett("tenant", "delete", tenant["id"], "--action", "delete", f"--confirm={tenant['subdomain']}", "--wait")
    wait_for(lambda: len(world.call("turn", {})["keys"]) == before - 1, "the key is gone", 20, 0.1)
    tap.ok(True, "a tenant that is deleted takes its key with it")
    tap.equal(box.http("GET", f"/api/turn/credentials?tenant={tenant['id']}", headers=admin).status, 409, "and has no other made")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck is clean")


def main():
    tap = Tap()
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world)
    try:
        box.run()
        admin = box.login()
        early = box.http("GET", "/api/turn/credentials", headers=admin)
        code, _, said = box.sett("turn", "create", ok=False)
        tap.ok(early.status == 412 and "token" in early.json["detail"] and code == 5 and "sett cloudflare import" in said,
               "without a token: refused at once, with what to do", (early.body, said))
        tap.ok(not box.json("turn", "list")["data"] and not box.json("job", "list")["data"], "and no job is left to be stuck")
        box.secret("cloudflare.token", world.facts["cf_token"])
        wait_for(lambda: box.http("GET", "/api/turn/credentials", headers=admin).status == 200, "it goes on once there is one", 20, 0.5)
        tap.ok(True, "once there is one, whoever asks has the key made")
        ann, bob = customer_of(box, admin, "ann"), customer_of(box, admin, "bob")
        with tap.part("credentials"):
            test_credentials(tap, box, world, admin, ann, bob)
        with tap.part("bounds"):
            test_bounds(tap, box, world, admin, ann)
        with tap.part("tenant"):
            test_tenant_goes(tap, box, world, admin, bob)
        tap.equal(world.call("breaches"), [], "every exchange was as the provider describes it")
        if tap.bad:
            for program in ("run", "front", "worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
