#!/usr/bin/env python3
"""Restores over HTTP, through a real web server: what it would cost, who may, the word that confirms it; with the key
that the box keeps and with the recovery secret; into the tenant itself, into a new one, of all that a customer has; the
way back and the end of it; and that no secret is anywhere afterwards. Speaks TAP."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from restores import Api, live, page, volume


def write(box, tenant, text):
    with open(volume(box, tenant, "index.html"), "w", encoding="utf-8") as f:
        f.write(text)


def answers(box, name, text):
    wait_for(lambda: text in page(box, name), f"{name} answers with {text!r}", 30)


def snapshot(api, **body):
    made = api.done(api.must("POST", "/api/snapshots", body, 202))
    return api.must("GET", f"/api/snapshots/{made['id']}")


def beside(box):
    return [n for n in os.listdir(os.path.join(live(box), "tenants")) if n.startswith(".")]


def test_refusals(tap, box, api, one):
    for body, status, code, what in (
            ({"snapshot": one["id"]}, 422, "whole_box", "a whole box: the command is named"),
            ({"snapshot": "99", "tenant": "alpha"}, 422, "snapshot_not_found", "a snapshot that is not there"),
            ({"snapshot": one["id"], "tenant": "nobody"}, 422, "tenant_not_found", "a tenant that is not there"),
            ({"snapshot": one["id"], "tenant": "alpha"}, 422, "not_confirmed", "without the name"),
            ({"snapshot": one["id"], "tenant": "alpha", "confirm": "bravo"}, 422, "not_confirmed", "with another's name"),
            ({"snapshot": one["id"], "customer": "Anna", "as": "x", "confirm": "Anna"}, 422, "one_tenant", "one new name for several"),
            ({"snapshot": one["id"], "tenant": "alpha", "surprise": 1}, 422, "unknown_field", "an unknown member"),
            ({"tenant": "alpha"}, 422, "required", "no snapshot")):
        fine, said = api.refused(body, status, code)
        tap.ok(fine, f"refused: {what}", said)
    _, said = api.refused({"snapshot": one["id"]}, 422, "whole_box")
    tap.ok("sett restore FILE" in json.dumps(said[1]), "and the way is told", said)
    key = api.must("POST", "/api/keys", {"name": "robot", "role": "admin"}, 201)["key"]
    answer = box.http("POST", "/api/restores", {"snapshot": one["id"], "tenant": "alpha", "confirm": "alpha"}, headers={"Authorization": f"Bearer {key}"})
    tap.ok(answer.status == 403 and answer.json["code"] == "password_needed", "a key cannot give a password", answer.body)
    api.must("POST", "/api/users", {"name": "olga", "role": "operator", "password": "a long enough password 7"}, 201)
    olga = Api(box, box.login("olga", "a long enough password 7"))
    fine, said = olga.refused({"snapshot": one["id"], "tenant": "alpha", "confirm": "alpha"}, 403, "role_too_low")
    tap.ok(fine, "an operator may not", said)
    tap.ok(all(r["state"] != "running" for r in api.must("GET", "/api/restores")["data"]) and not beside(box), "and nothing began")


def test_itself(tap, box, api, a, one):
    plan = api.must("POST", "/api/restores?plan=1", {"snapshot": one["id"], "tenant": "alpha"})
    told = plan["restores"][0]
    tap.ok(plan["recovery_needed"] is False and told["of"] == "alpha" and "since the snapshot" in told["lost"] and told["changes_count"] >= 1,
           "the plan says what is lost", plan)
    tap.ok([s["name"] for s in plan["steps"]].index("fetch") < [s["name"] for s in plan["steps"]].index("exchange"), "and what would be done", plan["steps"])
    tap.equal(api.must("GET", "/api/restores")["data"], [], "and does nothing")
    made = api.must("POST", "/api/restores", {"snapshot": one["number"], "tenant": "alpha", "confirm": "alpha"}, 202)
    tap.ok(made["object"] == "restore" and made["state"] == "running" and made["job"] == made["job_id"] and made["tenant_id"] == a["id"], "202 with its job", made)
    api.done(made)
    answers(box, "alpha", "as it was")
    tap.ok(True, "the tenant answers with what it had")
    record = api.must("GET", f"/api/restores/{made['id']}")
    tap.ok(record["state"] == "restored" and record["restored_at"] and record["snapshot_id"] == one["id"], "and it is noted", record)
    with open(volume(box, a, "deep.txt"), encoding="utf-8") as f:
        tap.equal(f.read(), "deep\n", "a file in a folder")
    link = os.path.join(os.path.dirname(volume(box, a, "index.html")), "link")
    same = os.path.join(os.path.dirname(link), "same")
    tap.ok(os.readlink(link) == "index.html" and os.stat(same).st_nlink == 2 and os.stat(same).st_mode & 0o777 == 0o640, "links and modes")
    fine, said = api.refused({"snapshot": one["id"], "tenant": "alpha", "confirm": "alpha"}, 409, "not_committed")
    tap.ok(fine and record["id"] in json.dumps(said[1]), "what it had before is not lost to a second restore", said)
    back = api.done(api.must("POST", f"/api/restores/{made['id']}/rollback", {}, 202))
    answers(box, "alpha", "changed since")
    tap.ok(back["object"] == "restore" and api.must("GET", f"/api/restores/{made['id']}")["state"] == "rolled_back", "and back")
    tap.equal(beside(box), [], "nothing is left beside it")
    fine, said = api.refused({}, 409, "nothing_before", f"/api/restores/{made['id']}/commit")
    tap.ok(fine, "there is nothing to commit then", said)
    again = api.done(api.must("POST", "/api/restores", {"snapshot": one["id"], "tenant": a["id"], "confirm": "alpha"}, 202))
    api.done(api.must("POST", f"/api/restores/{again['id']}/commit", {}, 202))
    tap.ok(api.must("GET", f"/api/restores/{again['id']}")["state"] == "committed" and not beside(box), "committed: what it had before is gone")
    answers(box, "alpha", "as it was")


def test_secret(tap, box, api, a, one, secret):
    """Two whole ones later the box has no key of the first any more."""
    write(box, a, "changed again\n")
    snapshot(api, full=True)
    snapshot(api, full=True)
    plan = api.must("POST", "/api/restores?plan=1", {"snapshot": one["id"], "tenant": "alpha"})
    tap.ok(plan["recovery_needed"], "the plan says that the recovery secret is needed")
    want = {"snapshot": one["id"], "tenant": "alpha", "confirm": "alpha"}
    fine, said = api.refused(want, 422, "recovery_needed")
    tap.ok(fine, "without it: refused", said)
    fine, said = api.refused(dict(want, recovery="my dog's name"), 422, "no_recovery_secret")
    tap.ok(fine, "with something else", said)
    other = os.path.join(box.root, "other.secret")
    box.sett("recovery", "init", "--name", "other", "--secret-file", other)
    with open(other, encoding="utf-8") as f:
        wrong = f.read().strip()
    box.sett("recovery", "remove", "other", "--confirm=other")
    fine, said = api.refused(dict(want, recovery=wrong), 422, "recovery_wrong")
    tap.ok(fine and wrong not in json.dumps(said[1]), "with another's secret", said)
    api.done(api.must("POST", "/api/restores", dict(want, recovery=secret), 202))
    answers(box, "alpha", "as it was")
    tap.ok(True, "with it the tenant is restored")
    tap.ok(not any(line.startswith("name=restore:") for line in box.sett("db", "dump").splitlines()), "and no key of it is kept")
    for r in api.must("GET", "/api/restores?state=restored")["data"]:
        api.done(api.must("POST", f"/api/restores/{r['id']}/commit", {}, 202))


def test_others(tap, box, api, a, newest):
    write(box, a, "stays\n")
    made = api.must("POST", "/api/restores", {"snapshot": newest["id"], "tenant": "alpha", "as": "twin", "confirm": "alpha"}, 202)
    wait_for(lambda: api.must("GET", f"/api/restores/{made['id']}")["state"] == "restored", "the new tenant has it", 60)
    answers(box, "twin", "changed again")
    tap.ok("stays" in page(box, "alpha"), "a new tenant gets the data, and the other stays as it is")
    twin = api.must("GET", f"/api/restores/{made['id']}")
    tap.ok(twin["tenant_id"] != a["id"] and twin["of_id"] == a["id"] and "new tenant" in twin["lost"], "which the record says", twin)
    api.done(api.must("POST", f"/api/restores/{made['id']}/commit", {}, 202))
    bravo = api.must("GET", "/api/tenants?subdomain=bravo")["data"][0]
    write(box, bravo, "bravo broken\n")
    said = api.must("POST", "/api/restores", {"snapshot": newest["id"], "customer": bravo["customer_id"], "confirm": "Anna"}, 202)
    if said["object"] == "list":
        tap.ok(False, "one tenant is no list", said)
    api.done(said)
    answers(box, "bravo", "bravo as it was")
    tap.ok("stays" in page(box, "alpha"), "all of a customer's, and nobody else's")
    listed = api.must("GET", "/api/restores?limit=2")
    more = api.must("GET", f"/api/restores?limit=2&starting_after={listed['data'][-1]['id']}")
    tap.ok(listed["has_more"] and not {r["id"] for r in listed["data"]} & {r["id"] for r in more["data"]}, "the list goes in pages")
    tap.ok(all(r["state"] == "committed" for r in api.must("GET", "/api/restores?state=committed")["data"]), "and by state")


def test_customer(tap, box, api, newest):
    """A customer's own tenant, as far as the plan lets them."""
    bravo = api.must("GET", "/api/tenants?subdomain=bravo")["data"][0]
    for r in api.must("GET", "/api/restores?state=restored")["data"]:
        api.done(api.must("POST", f"/api/restores/{r['id']}/commit", {}, 202))
    api.must("POST", "/api/users", {"name": "anna", "role": "customer", "customer_id": bravo["customer_id"], "password": "a long enough password 7"}, 201)
    anna = Api(box, box.login("anna", "a long enough password 7"))
    path = f"/api/tenants/{bravo['id']}"
    want = {"snapshot": str(newest["number"]), "confirm": "bravo"}
    answer = anna.ask("GET", path + "/snapshots")
    tap.ok(answer.status == 403 and answer.json["code"] == "not_in_plan", "a plan lets customers do nothing with snapshots unless it says so", answer.body)
    api.must("PATCH", "/api/plans/demo", {"snapshots": "list"})
    listed = anna.must("GET", path + "/snapshots")["data"]
    tap.ok(listed and listed[0]["number"] == newest["number"] and listed[0]["restorable"] and "file" not in listed[0], "list: they see those that their data are in", listed)
    fine, said = anna.refused(want, 403, "not_in_plan", path + "/recover")
    tap.ok(fine, "and no more", said)
    api.must("PATCH", "/api/plans/demo", {"snapshots": "restore"})
    fine, said = anna.refused(dict(want, confirm="alpha"), 422, "not_confirmed", path + "/recover")
    tap.ok(fine, "with the name of it", said)
    other = api.must("GET", "/api/tenants?subdomain=alpha")["data"][0]
    fine, said = anna.refused(want, 404, "tenant_not_found", f"/api/tenants/{other['id']}/recover")
    tap.ok(fine and anna.ask("GET", f"/api/tenants/{other['id']}/snapshots").status == 404, "another's tenant does not exist", said)
    plan = anna.must("POST", path + "/recover?plan=1", {"snapshot": want["snapshot"]})
    tap.ok(plan["restores"][0]["lost"] and plan["restores"][0]["changes"] == [], "they are told what is lost, and not who does what here", plan)
    write(box, bravo, "broken by anna\n")
    api.done(anna.must("POST", path + "/recover", want, 202))
    answers(box, "bravo", "bravo as it was")
    fine, said = anna.refused(want, 409, "not_committed", path + "/recover")
    tap.ok(fine, "restored; what it had is not lost to a second one", said)
    api.done(anna.must("POST", path + "/recover", {"act": "rollback"}, 202))
    answers(box, "bravo", "broken by anna")
    tap.ok(True, "and back")
    api.done(anna.must("POST", path + "/recover", want, 202))
    api.done(anna.must("POST", path + "/recover", {"act": "commit"}, 202))
    tap.ok(not beside(box) and "bravo as it was" in page(box, "bravo"), "and kept")
    tap.equal(anna.ask("GET", "/api/restores").status, 403, "the box's restores are not theirs to see")


def test_traces(tap, box, api, secret, restores):
    """Who did what is told; no secret is."""
    entries = api.must("GET", "/api/audit?limit=100")["data"]
    mine = [e for e in entries if e["action"] in ("restore.create", "tenant.recover") and e["result"] == "ok" and "snapshot" in e["reason"]]
    tap.ok(len(mine) == restores and all(e["request_id"] and e["job_id"] and e["object_id"].startswith("rst_") and e["actor"] and "snapshot" in e["reason"] for e in mine),
           "each restore is in the audit: who, what, which request", mine)
    tap.ok(any(e["action"] == "restore.create" and e["result"] != "ok" for e in entries), "so is one that was refused for its word or its secret")
    found = []
    for folder, _dirs, names in os.walk(box.root):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or os.path.islink(path) or path == os.path.join(box.root, "secret"):
                continue
            with open(path, "rb") as f:
                if secret.encode() in f.read():
                    found.append(path)
    tap.equal(found, [], "the recovery secret is in no file of the box")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "the store is sound")


def main():
    tap, box = Tap(), Box()
    try:
        box.run()
        api = Api(box, box.login())
        os.mkdir(os.path.join(box.root, "vault"), 0o700)
        box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
        with open(os.path.join(box.root, "secret"), encoding="utf-8") as f:
            secret = f.read().strip()
        api.must("POST", "/api/vaults", {"name": "local", "kind": "folder", "address": os.path.join(box.root, "vault")}, 201)
        anna = api.must("POST", "/api/customers", {"name": "Anna", "email": "anna@example.com"}, 201)
        for name, more in (("alpha", {}), ("bravo", {"customer_id": anna["id"]})):
            api.done(api.must("POST", "/api/tenants", dict({"name": name, "subdomain": name, "plan": "demo"}, **more), 202))
        a, b = (api.must("GET", f"/api/tenants?subdomain={n}")["data"][0] for n in ("alpha", "bravo"))
        write(box, a, "as it was\n")
        write(box, b, "bravo as it was\n")
        top = os.path.dirname(volume(box, a, "index.html"))
        os.makedirs(os.path.join(top, "sub"))
        with open(os.path.join(top, "sub", "deep.txt"), "w", encoding="utf-8") as f:
            f.write("deep\n")
        os.symlink("index.html", os.path.join(top, "link"))
        with open(os.path.join(top, "same"), "w", encoding="utf-8") as f:
            f.write("twice\n")
        os.chmod(os.path.join(top, "same"), 0o640)
        os.link(os.path.join(top, "same"), os.path.join(top, "same-2"))
        one = snapshot(api)
        write(box, a, "changed since\n")
        api.must("PATCH", f"/api/tenants/{a['id']}", {"name": "alpha"})
        with tap.part("refusals"):
            test_refusals(tap, box, api, one)
        with tap.part("itself"):
            test_itself(tap, box, api, a, one)
        with tap.part("secret"):
            test_secret(tap, box, api, a, one, secret)
        with tap.part("others"):
            newest = next(s for s in api.must("GET", "/api/snapshots")["data"])
            test_others(tap, box, api, a, newest)
        with tap.part("customer"):
            test_customer(tap, box, api, newest)
        with tap.part("traces"):
            test_traces(tap, box, api, secret, len(api.must("GET", "/api/restores?limit=100")["data"]))
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
