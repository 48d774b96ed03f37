#!/usr/bin/env python3
"""Everything about snapshots, vaults, recovery keys and drills over HTTP, through a real web server: lists with pages
and filters, objects, jobs, plans, what is refused and how, who did it in the audit; and that no credential that was
given is ever shown, logged or kept readable. Speaks TAP."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from restores import Api

S3_SECRET = "secret/of+the=bucket-7d1f"
SFTP_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA7d1f\n-----END OPENSSH PRIVATE KEY-----\n"


def refusals(tap, api, method, path, rows):
    """rows: (body, status, code or field, what)."""
    for body, status, word, what in rows:
        answer = api.ask(method, path, body)
        said = answer.json
        named = [said.get("code")] + [e["pointer"] for e in said.get("errors", [])]
        tap.ok(answer.status == status and answer.headers.get("Content-Type") == "application/problem+json" and word in named and said["request_id"],
               f"{method} {path}: {what}", (answer.status, said))


def test_vaults(tap, box, api):
    folder = os.path.join(box.root, "vault")
    os.mkdir(folder, 0o700)
    refusals(tap, api, "POST", "/api/vaults", (
        ({"name": "local", "kind": "folder"}, 422, "/address", "no address"),
        ({"name": "local", "kind": "tape", "address": folder}, 422, "/kind", "a kind that is none"),
        ({"name": "local", "kind": "folder", "address": "relative"}, 422, "/address", "a folder that is no path"),
        ({"name": "Not A Slug", "kind": "folder", "address": folder}, 422, "/name", "a name that is none"),
        ({"name": "local", "kind": "folder", "address": folder, "color": "red"}, 422, "/color", "a member that is unknown")))
    local = api.must("POST", "/api/vaults", {"name": "local", "kind": "folder", "address": folder}, 201)
    bucket = api.must("POST", "/api/vaults", {"name": "bucket", "kind": "s3", "address": "https://127.0.0.1:9/b", "region": "eu", "access_key": "AKTEST",
                                              "secret": S3_SECRET, "enabled": False}, 201)
    away = api.must("POST", "/api/vaults", {"name": "away", "kind": "sftp", "address": "sftp://backup@127.0.0.1:9/b", "secret": SFTP_KEY,
                                            "host_key": "sha256:" + "A" * 43, "enabled": False}, 201)
    tap.ok(local["object"] == "vault" and local["enabled"] and "secret" not in bucket and "secret" not in away, "vaults are made, their credentials not shown", (bucket, away))
    refusals(tap, api, "POST", "/api/vaults", (({"name": "local", "kind": "folder", "address": folder}, 409, "/name", "a name that is taken"),))
    tested = api.must("POST", "/api/vaults/local/test", {})
    tap.ok(tested["object"] == "vault_test" and tested["deletes"] and tested["bytes"] > 0, "a vault is tried", tested)
    answer = api.ask("POST", "/api/vaults/bucket/test", {})
    tap.ok(answer.status in (502, 503, 504) and S3_SECRET not in answer.body.decode(), "one that cannot be reached says so, without its secret", answer.body)
    nowhere = api.must("POST", "/api/vaults", {"name": "nowhere", "kind": "folder", "address": os.path.join(folder, "nowhere")}, 201)
    answer = api.ask("POST", "/api/vaults/nowhere/test", {})
    tap.ok(answer.status == 503 and "No such file" in answer.body.decode(), "a folder that is not there is told as it is", answer.body)
    api.must("DELETE", f"/api/vaults/{nowhere['id']}")
    changed = api.must("PATCH", f"/api/vaults/{away['id']}", {"bytes_per_s": 1000000, "secret": SFTP_KEY.replace("7d1f", "8d1f")})
    tap.ok(changed["bytes_per_s"] == 1000000 and "secret" not in changed, "changed", changed)
    answer = api.ask("PATCH", "/api/vaults/away", {"bytes_per_s": 5}, **{"If-Match": '"00000000000000000000000000000000"'})
    tap.ok(answer.status == 412, "not over somebody else's change", answer.body)
    first = api.must("GET", "/api/vaults?limit=2")
    rest = api.must("GET", f"/api/vaults?limit=2&starting_after={first['data'][-1]['id']}")
    tap.ok(first["has_more"] and not rest["has_more"] and len({v["id"] for v in first["data"] + rest["data"]}) == 3, "the list goes in pages", (first, rest))
    refusals(tap, api, "GET", "/api/vaults/nowhere", ((None, 404, "vault_not_found", "one that is not there"),))
    api.must("DELETE", f"/api/vaults/{away['id']}")
    tap.equal(api.ask("GET", "/api/vaults/away").status, 404, "removed")
    return local


def test_keys(tap, box, api):
    keys = api.must("GET", "/api/recovery/keys")["data"]
    tap.ok(len(keys) == 1 and keys[0]["key"].startswith("settrec1"), "the recovery key, its public half", keys)
    refusals(tap, api, "POST", "/api/recovery/keys", (
        ({"name": "escrow", "key": "settrec1broken"}, 422, "/recipient", "a key that is none"),
        ({"name": "again", "key": keys[0]["key"]}, 409, "/key", "one that is there"),
        ({"name": "x"}, 422, "/key", "no key")))
    tap.equal(api.must("GET", f"/api/recovery/keys/{keys[0]['id']}")["name"], keys[0]["name"], "one of them")
    kit = api.must("GET", "/api/recovery/kit")
    tap.ok(kit["box_id"] and "sett restore" in kit["how"] and kit["recipients"][0]["key"] == keys[0]["key"], "the kit", kit)


def test_snapshots(tap, box, api, vault):
    refusals(tap, api, "POST", "/api/snapshots", (
        ({"tenant": "nobody"}, 422, "/tenant", "a tenant that is not there"),
        ({"to": "nowhere"}, 422, "/to", "a vault that is not there"),
        ({"full": "yes"}, 422, "/full", "a word for a truth")))
    plan = api.must("POST", "/api/snapshots?plan=1", {})
    tap.ok(plan["object"] == "plan" and [s["name"] for s in plan["steps"]][:3] == ["begin", "write", "send"], "what would be done", plan)
    made = api.must("POST", "/api/snapshots", {}, 202)
    tap.ok(made["object"] == "snapshot" and made["state"] == "writing" and made["job"] == made["job_id"], "202 with its job", made)
    answer = api.ask("POST", "/api/snapshots", {})
    tap.ok(answer.status in (202, 409), "a second one waits or is told", answer.body)
    if answer.status == 202:
        api.job(answer.json["job"])
    api.done(made)
    one = api.must("GET", f"/api/snapshots/{made['id']}")
    whole = ("number", "file", "bytes", "files", "chain", "tenants", "source_bytes", "verified", "verified_at", "created_at", "done_at", "took_ms", "copies")
    tap.ok(one["state"] == "done" and all(one.get(name) not in (None, "", [], 0) for name in whole) and one["copies"][0]["vault_id"] == vault["id"],
           "the record tells all of it", one)
    tap.equal(api.must("GET", f"/api/snapshots/{one['number']}")["id"], one["id"], "by its number, too")
    own = api.done(api.must("POST", "/api/snapshots", {"tenant": "alpha", "to": "local", "full": True}, 202))
    alpha = api.must("GET", "/api/tenants?subdomain=alpha")["data"][0]
    tap.equal([s["id"] for s in api.must("GET", "/api/snapshots?tenant_id=alpha")["data"]], [own["id"]], "those of one tenant")
    tap.ok(own["tenant_id"] == alpha["id"] and own["id"] not in [s["id"] for s in api.must("GET", "/api/snapshots?box=true")["data"]], "those of the box")
    tap.ok(len(api.must("GET", "/api/snapshots?vault=local&state=done")["data"]) >= 2 and api.must("GET", "/api/snapshots?vault=bucket")["data"] == [], "those in a vault")
    refusals(tap, api, "GET", "/api/snapshots?state=lost", ((None, 422, "/state", "a state that is none"),))
    refusals(tap, api, "GET", "/api/snapshots/77", ((None, 404, "snapshot_not_found", "one that is not there"),))
    first = api.must("GET", "/api/snapshots?limit=1")
    tap.ok(first["has_more"] and len(first["data"]) == 1 and first["data"][0]["number"] > one["number"], "newest first, in pages", first)
    return one


def test_check(tap, box, api, one):
    api.done(api.must("POST", f"/api/snapshots/{one['id']}/check", {}, 202))
    after = api.must("GET", f"/api/snapshots/{one['id']}")
    tap.ok(after["verified_at"] > one["verified_at"] and after["copies"][0]["checked_at"] > one["copies"][0]["checked_at"], "checked by order: all of it was read", after)
    path = os.path.join(box.root, "vault", one["file"])
    with open(path, "r+b") as f:
        f.seek(one["bytes"] // 2)
        byte = f.read(1)
        f.seek(one["bytes"] // 2)
        f.write(bytes([byte[0] ^ 1]))
    job = api.job(api.must("POST", f"/api/snapshots/{one['id']}/check", {}, 202)["job"])
    bad = api.must("GET", f"/api/snapshots/{one['id']}")
    tap.ok(bad["copies"][0]["problem"] and bad["verified_at"] == after["verified_at"], "one bit is seen, and said with the copy", (job, bad))
    with open(path, "r+b") as f:
        f.seek(one["bytes"] // 2)
        f.write(byte)
    api.done(api.must("POST", f"/api/snapshots/{one['id']}/check", {}, 202))
    tap.ok(not api.must("GET", f"/api/snapshots/{one['id']}")["copies"][0]["problem"], "and it is well again")


def test_export(tap, box, api, one):
    with open(os.path.join(box.root, "vault", one["file"]), "rb") as f:
        data = f.read()
    path = f"/api/snapshots/{one['id']}/file"
    answer = api.ask("GET", path)
    tap.ok(answer.status == 200 and answer.body == data and answer.headers["Content-Type"] == "application/octet-stream" and
           one["file"] in answer.headers["Content-Disposition"], "the file itself, as the vault has it", (answer.status, len(answer.body), dict(answer.headers)))
    at = len(data) // 3
    answer = api.ask("GET", path, Range=f"bytes={at}-")
    tap.ok(answer.status == 206 and answer.body == data[at:] and answer.headers["Content-Range"] == f"bytes {at}-{len(data) - 1}/{len(data)}", "from where it broke off",
           (answer.status, len(answer.body), dict(answer.headers)))
    answer = api.ask("GET", path, Range="bytes=0-9,20-29")
    tap.ok(answer.status == 200 and len(answer.body) == len(data), "other ranges are not honoured")
    answer = api.ask("GET", path, Range=f"bytes={len(data)}-")
    tap.ok(answer.status == 422 and answer.json["code"] == "range", "behind its end there is nothing", answer.body)
    answer = api.ask("HEAD", path)
    tap.ok(answer.status == 200 and answer.body == b"" and int(answer.headers["Content-Length"]) == len(data), "how long it is")
    refusals(tap, api, "GET", "/api/snapshots/77/file", ((None, 404, "snapshot_not_found", "one that is not there"),))
    got = [e for e in api.must("GET", "/api/audit?limit=100")["data"] if e["action"] == "snapshot.export"]
    tap.ok(len(got) >= 3 and all(e["object_id"] == one["id"] and e["actor"] and e["request_id"] for e in got), "who took it away is in the audit", got)


def test_keep(tap, box, api):
    plan = api.must("POST", "/api/snapshots/prune?plan=1", {})
    tap.ok(plan["dry_run"] and all(row["reason"] and "keep" in row for row in plan["data"]), "what may go, and why the rest stays", plan)
    pruned = api.must("POST", "/api/snapshots/prune", {})
    tap.ok(not pruned["dry_run"] and pruned["removed"] == 0, "nothing may go yet", pruned)
    rounds = api.must("GET", "/api/snapshots/rounds")
    tap.equal(rounds["object"], "snapshot_round", "when what was done by the clock")
    api.must("POST", "/api/snapshots/drill", {}, 202)
    drill = wait_for(lambda: (d := api.must("GET", "/api/drills")["data"]) and d[0], "a drill", 60)
    tap.ok(drill["passed"] and drill["entries"] > 0 and api.must("GET", f"/api/drills/{drill['id']}")["id"] == drill["id"], "a drill passes", drill)
    tap.ok([d["id"] for d in api.must("GET", "/api/drills?vault=local&passed=true")["data"]] == [drill["id"]] and
           api.must("GET", "/api/drills?passed=false")["data"] == [], "by vault and result")


def test_glance(tap, box, api):
    said = api.must("GET", "/api/snapshots/summary")
    tap.ok(said["newest"]["verified"] and said["last_verified_at"] and said["recovery_keys"] == 1 and said["next"][0]["what"] == "box"
           and said["next"][0]["at"] > said["newest"]["created_at"], "how it stands, in one answer", said)
    here = next(v for v in said["vaults"] if v["name"] == "local")
    tap.ok(here["copies"] >= 1 and here["bytes"] > 0, "with what each vault has", here)
    room = api.must("GET", "/api/vaults/room")["data"]
    here = next(r for r in room if r["vault_id"] == here["id"])
    tap.ok(0 < here["free_bytes"] <= here["size_bytes"] and not here["problem"], "and what is free there, asked of the worker", room)
    tap.equal(api.must("GET", "/api/snapshots/progress")["job_id"], "", "none is under way")
    rows = api.must("GET", "/api/snapshots/matrix?days=3")
    tap.ok(len(rows["days"]) == 3 and rows["days"][0]["box"]["state"] in ("verified", "proven"), "days of the matrix", rows)
    tap.ok("V" in box.sett("snapshot", "matrix").upper() and "newest" in box.sett("snapshot", "summary"), "and on the command line")


def test_traces(tap, box, api):
    entries = api.must("GET", "/api/audit?limit=100")["data"]
    did = {e["action"]: e for e in entries if e["result"] == "ok"}
    wanted = ("vault.add", "vault.update", "vault.remove", "vault.test", "snapshot.create", "snapshot.check", "snapshot.drill")
    missing = [w for w in wanted if w not in did or not did[w]["request_id"] or not did[w]["actor"] or not did[w]["address"]]
    tap.equal(missing, [], "every act is in the audit: who, from where, which request")
    tap.ok(all(did[w]["object_id"] for w in wanted if w != "snapshot.drill"), "and what it was about")
    said = json.dumps([api.must("GET", p) for p in ("/api/vaults", "/api/audit?limit=100", "/api/jobs?limit=100", "/api/settings", "/api/secrets", "/api/recovery/keys")])
    words = [S3_SECRET, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA", open(os.path.join(box.root, "secret"), encoding="utf-8").read().strip()]
    tap.ok(not any(w in said for w in words), "no credential is shown in any answer")
    found = []
    for folder, _dirs, names in os.walk(box.root):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or os.path.islink(path) or name in ("secret",):
                continue
            with open(path, "rb") as f:
                data = f.read()
            found += [path for w in words if w.encode() in data]
    tap.equal(found, [], "nor in any file of the box: store, logs, snapshots")


def main():
    tap, box = Tap(), Box()
    try:
        box.run()
        api = Api(box, box.login())
        answer = api.ask("POST", "/api/snapshots", {})
        tap.ok(answer.status == 409 and answer.json["code"] == "no_recovery_key", "without a recovery key there is no snapshot", answer.body)
        box.sett("recovery", "init", "--secret-file", os.path.join(box.root, "secret"))
        answer = api.ask("POST", "/api/snapshots", {})
        tap.ok(answer.status == 409 and answer.json["code"] == "no_vault", "nor without a vault", answer.body)
        api.done(api.must("POST", "/api/tenants", {"name": "alpha", "subdomain": "alpha", "plan": "demo"}, 202))
        with tap.part("vaults"):
            vault = test_vaults(tap, box, api)
        with tap.part("recovery keys"):
            test_keys(tap, box, api)
        with tap.part("snapshots"):
            one = test_snapshots(tap, box, api, vault)
            test_check(tap, box, api, one)
            test_export(tap, box, api, one)
        with tap.part("what is kept"):
            test_keep(tap, box, api)
        with tap.part("at a glance"):
            test_glance(tap, box, api)
        with tap.part("traces"):
            test_traces(tap, box, api)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
