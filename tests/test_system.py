#!/usr/bin/env python3
"""What the box says of itself: whose it is, what is wrong with it, whether its providers can be used. Speaks TAP."""
import http.client
import io
import json
import os
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
import databases
from box import Box, Tap, World, wait_for

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M0 0h24v24z"/></svg>'


def test_brand(tap, box, admin):
    said = box.http("GET", "/api/brand")
    tap.ok(said.status == 200 and said.json["name"] == "sett" and said.json["logo"] is None, "a new box has a plain brand, which anybody sees", said.body)
    bad = box.http("PUT", "/api/brand/logo", {"data": SVG.replace("<path", "<path onload='x()'")}, admin)
    tap.ok(bad.status == 422 and bad.json["code"] == "logo_invalid", "a picture with a handler is refused", bad.body)
    said = box.http("PUT", "/api/brand/logo", {"data": SVG}, admin)
    got = box.http("GET", said.json["logo"]["url"])
    tap.ok(got.body.decode() == SVG and got.headers["Content-Type"] == "image/svg+xml" and "default-src 'none'" in got.headers["Content-Security-Policy"],
           "the logo comes back as it went in, and may load nothing", got.body)
    said = box.http("PATCH", "/api/brand", {"name": "Acme", "color": "#FFD500", "support_email": "help@acme.example"}, admin)
    tap.ok(said.json["name"] == "Acme" and said.json["on_color"] == "#000000" and said.json["logo"], "name and colour, with what reads on it", said.body)
    bad = box.http("PATCH", "/api/brand", {"name": "Other", "imprint_url": "javascript:x"}, admin)
    tap.ok(bad.status == 422 and bad.json["errors"][0]["pointer"] == "/imprint_url" and box.http("GET", "/api/brand").json["name"] == "Acme",
           "all of it changes, or nothing", bad.body)
    tap.ok("no logo" in box.sett("brand", "logo", ok=False)[2] if box.sett("brand", "clear") else False, "the logo goes")


def test_settings(tap, box, admin):
    rows = {r["name"]: r for r in box.http("GET", "/api/settings", None, admin).json["data"]}
    port = rows["tenants.port"]
    tap.ok((port["type"], port["min"], port["max"], port["origin"], port["group"]) == ("number", 0, 65535, "conf", "tenants"), "a number has its bounds and where it comes from", port)
    tap.ok(rows["smtp.tls"]["choices"] == ["required", "if_offered", "none"] and rows["smtp.timeout_s"]["unit"] == "s" and rows["box.id"]["fixed"], "choices, units, what is fixed")
    tap.ok(not [n for n, r in rows.items() if r["group"] == "other"], "each belongs somewhere")
    for name, row in rows.items():
        for choice in row.get("choices", []):
            said = box.http("PUT", f"/api/settings/{name}", {"value": choice}, admin)
            if said.status != 200:
                tap.ok(False, f"{name} takes its choice {choice}", said.body)
        if row.get("choices"):
            box.http("PUT", f"/api/settings/{name}", {"value": ""}, admin)


def checks(said):
    return {c["name"]: c for c in said["checks"]}


def test_providers(tap, box, world, admin):
    said = box.http("POST", "/api/stripe/test", {}, admin).json
    tap.ok(not said["fine"] and "credentials" in checks(said), "Stripe without a key", said)
    box.secret("stripe.secret_key", world.facts["stripe_key"])
    said = box.http("POST", "/api/stripe/test", {}, admin).json
    found = checks(said)
    tap.ok({f["name"]: f["value"] for f in said["facts"]}["account"] == "Fake Shop (acct_1FakeOfTheTests)" and found["account"]["ok"], "Stripe: whose account it is", said)
    tap.ok(found["events"]["ok"] and not found["webhook"]["ok"] and "Add an endpoint" in found["webhook"]["fix"], "Stripe: no webhook comes here, and what to do", found["webhook"])
    endpoint = {"object": "webhook_endpoint", "url": f"http://localhost:{box.port}/webhook/stripe", "status": "enabled", "enabled_events": ["invoice.paid"]}
    world.call("endpoints", [endpoint])
    webhook = checks(box.http("POST", "/api/stripe/test", {}, admin).json)["webhook"]
    tap.ok(not webhook["ok"] and "invoice.payment_failed" in webhook["what"] and "invoice.paid," not in webhook["what"], "Stripe: events that are not sent", webhook)
    world.call("endpoints", [dict(endpoint, enabled_events=["*"])])
    code, out, _ = box.sett("stripe", "test", ok=False)
    tap.ok(code == 0 and "Fake Shop" in out, "Stripe: nothing is missing", out)
    box.secret("stripe.secret_key", "sk_test_wrong")
    said = box.http("POST", "/api/stripe/test", {}, admin).json
    tap.ok(not said["fine"] and "stripe.secret_key" in checks(said)["account"]["fix"], "Stripe: a wrong key", said)

    said = box.http("POST", "/api/cloudflare/test", {}, admin).json
    found = checks(said)
    tap.ok(said["fine"] and found["token"]["ok"] and found["zone"]["ok"] and found["tunnels"]["ok"] and found["domain"]["ok"], "Cloudflare: token, account, zone", said)
    box.sett("setting", "set", "cloudflare.zone", "--value", "c" * 32)
    said = box.http("POST", "/api/cloudflare/test", {}, admin).json
    tap.ok(not said["fine"] and not checks(said)["zone"]["ok"], "Cloudflare: a zone that is not ours", said)
    box.sett("setting", "set", "cloudflare.zone", "--value", "")
    box.secret("cloudflare.token", "wrong")
    code, out, _ = box.sett("cloudflare", "test", ok=False)
    tap.ok(code == 1 and "token" in out, "Cloudflare: a wrong token", out)

    said = box.http("POST", "/api/database/test", {}, admin).json
    tap.ok(not said["fine"] and "database.admin" in checks(said)["connection"]["fix"], "PostgreSQL that is not set, and how to", said)
    box.sett("setting", "set", "database.admin", "--value", "host=127.0.0.1 port=1 user=nobody dbname=postgres")
    said = box.http("POST", "/api/database/test", {}, admin).json
    tap.ok(not said["fine"] and not checks(said)["connection"]["ok"], "PostgreSQL that does not answer", said)
    pg = databases.Postgres()
    try:
        box.sett("setting", "set", "database.admin", "--value", pg.admin)
        box.secret("database.password", pg.password)
        said = box.http("POST", "/api/database/test", {}, admin).json
        tap.ok(said["fine"] and checks(said)["createrole"]["ok"] and {f["name"] for f in said["facts"]} >= {"version", "user"}, "PostgreSQL: server and rights", said)
    finally:
        pg.close()
    # What of Stripe's API is asked here alone is not in the excerpt of its description.
    breaches = [b for b in world.call("breaches") if not b.startswith(("GET /v1/account:", "GET /v1/prices:", "GET /v1/webhook_endpoints:"))]
    tap.ok(not breaches, "all of it as the providers describe themselves", breaches)


def test_doctor(tap, box, admin):
    said = box.http("GET", "/api/system/doctor", None, admin).json
    names = [c["name"] for c in said["checks"]]
    tap.ok({"store", "worker", "front", "hands", "backups"} <= set(names) and all(c["finding"] in ("ok", "warning", "broken", "skipped") for c in said["checks"]),
           "the doctor's findings are a list", said)
    tap.ok(all(c["ok"] or c["finding"] == "skipped" or c["fix"] for c in said["checks"]), "whatever is wrong has a remedy", said)
    mine = box.sett("doctor", "--json", ok=False)[1]
    tap.ok([c["name"] for c in json.loads(mine)["checks"]] == names, "the command line finds the same", mine)


def follow(box, admin, query, wanted, seconds=15):
    """Lines of the stream of logs until one has `wanted` in it: (lines, id of the last)."""
    c = http.client.HTTPConnection("127.0.0.1", box.port, timeout=seconds)
    c.request("GET", "/api/logs/stream" + query, headers=dict(admin, Host=f"localhost:{box.port}"))
    r = c.getresponse()
    lines, ident = [], ""
    assert r.status == 200, r.read()
    while not any(wanted in line["text"] for line in lines):
        line = r.fp.readline().decode()
        if line.startswith("id: "):
            ident = line[4:].strip()
        if line.startswith("data: "):
            lines.append(json.loads(line[6:]))
    c.close()
    return lines, ident


def test_programs(tap, box, admin):
    said = box.http("GET", "/api/system/programs", None, admin).json
    rows = {p["name"]: p for p in said["programs"]}
    tap.ok(set(rows) == {"front", "worker", "hands", "web"} and all(r["running"] and r["pss_bytes"] > 100000 and r["started_at"] for r in rows.values()),
           "what runs, and how much memory is its own", said)
    tap.ok(rows["worker"]["pid"] == box.worker() and said["disks"][0]["free_bytes"] > 0, "by its process id; and the disk")
    os.kill(rows["front"]["pid"], 9)
    wait_for(lambda: box.alive(), "the front is back", 20)
    again = wait_for(lambda: next((p for p in box.json("system", "programs")["programs"] if p["name"] == "front" and p["restarts"] == 1 and p["beat_at"]), None),
                     "the restart is counted", 10)
    tap.ok(again["pid"] != rows["front"]["pid"], "a restart is counted, and the watchdog's last sign of life is told", again)
    names = {v["name"]: v["version"] for v in box.http("GET", "/api/system/versions", None, admin).json["data"]}
    tap.ok({"sett", "lmdb", "libcurl", "libsodium", "os", "kernel", "web"} <= set(names) and "nginx" in names["web"], "versions of everything", names)
    box.sett("setting", "set", "alerts.certificates", f"127.0.0.1:{box.world.port}, 127.0.0.1:1")
    found = {c["host"]: c for c in box.http("GET", "/api/system/certificates", None, admin).json["data"]}
    box.sett("certificate", "self-signed")
    own = next(c for c in box.http("GET", "/api/system/certificates", None, admin).json["data"] if c["kind"] == "file")
    tap.ok(own["days"] > 800 and own["host"] == f"{box.root}/etc/sett/tls/cert.pem" and not own["problem"], "the web server's own certificate", own)
    good, bad = found[f"127.0.0.1:{box.world.port}"], found["127.0.0.1:1"]
    tap.ok(good["days"] is not None and good["expires_at"] and not good["problem"], "until when a certificate is good", good)
    tap.ok(bad["days"] is None and bad["problem"], "and why one cannot be seen", bad)


def test_bundle(tap, box, admin):
    box.secret("smtp.password", "a-very-secret-word-9")
    box.sett("setting", "set", "mail.from", "box@sett.example")
    box.sett("customer", "create", "--name", "Müller", "--email", "mueller@kunde.example")
    key = box.json("key", "create", "script", "--user", "admin", "--role", "admin")["key"]
    said = box.http("GET", "/api/system/support-bundle", None, {"Authorization": "Bearer " + key})
    tap.equal(said.status, 403, "a support bundle wants a fresh password")
    with open(os.path.join(box.root, "log", "hands.log"), "a", encoding="utf-8") as f:
        f.write(f"2026-11-27T00:00:00Z sett-hands info: {key} for mueller@kunde.example\n")
    said = box.http("GET", "/api/system/support-bundle", None, admin)
    tap.ok(said.status == 200 and ".tar" in said.headers["Content-Disposition"], "and is a file then", said.body[:200])
    local = os.path.join(box.root, "mine.tar")
    box.sett("support-bundle", local)
    tap.equal(os.stat(local).st_mode & 0o777, 0o600, "the command line's is nobody else's")
    with open(local, "rb") as f:
        mine = f.read()
    wanted = {"README.txt", "doctor.json", "versions.json", "programs.json", "certificates.json", "settings.json", "store.json", "jobs.json",
              "alerts.json", "logs.txt"}
    with open(f"{box.root}/var/lib/sett/live/keys/web.key", "rb") as f:
        webkey = f.read()
    for name, data in (("the API's", said.body), ("the command line's", mine)):
        tar = tarfile.open(fileobj=io.BytesIO(data))
        parts = {m.name.split("/")[1]: tar.extractfile(m).read() for m in tar}
        tap.ok(set(parts) == wanted and all(json.loads(parts[p]) is not None for p in wanted if p.endswith("json")), f"{name} has all its parts", parts.keys())
        tap.ok(not any(word in data for word in (b"a-very-secret-word-9", key.encode(), b"mueller@kunde", b"box@sett.example", b"@kunde.example", webkey)),
               "and neither secrets nor addresses of people", [w for w in (b"a-very", key.encode(), b"@kunde.example", b"box@sett") if w in data])
        told = {c["name"]: c["set"] for c in json.loads(parts["settings.json"])["credentials"]}
        tap.ok(told["smtp.password"] and not told["proxmox.token"], "of secrets, only whether they are set", told)
        tap.ok(b"ready" in parts["logs.txt"] and json.loads(parts["store.json"])["records"]["customers"] == 1, "but what there was to tell")
    trail = [a for a in box.json("audit", "list", "--limit", "50")["data"] if a["action"] == "system.bundle"]
    tap.ok({a["result"] for a in trail} >= {"ok"}, "who took one is in the audit", trail)


def test_logs(tap, box, admin):
    def logs(query=""):
        return box.http("GET", "/api/logs" + query, None, admin)
    said = logs().json["data"]
    tap.ok({"front", "worker", "hands"} <= {line["source"] for line in said} and all(line["at"] for line in said), "logs of all programs, each with its time", said[:5])
    tap.ok([line["at"] for line in said] == sorted((line["at"] for line in said), reverse=True), "in one order, newest first")
    two = logs("?limit=2").json
    rest = logs("?limit=500&starting_after=" + two["data"][-1]["id"]).json
    tap.ok(two["has_more"] and [x["id"] for x in two["data"] + rest["data"]][:len(said)] == [x["id"] for x in said], "page by page nothing is lost or told twice")
    newer = logs("?limit=2&ending_before=" + said[5]["id"]).json["data"]
    tap.ok([x["id"] for x in newer] == [x["id"] for x in said[3:5]], "and the other way, those that come next", newer)
    tap.ok({x["source"] for x in logs("?source=worker,hands").json["data"]} == {"worker", "hands"}, "of some sources")
    tap.ok(all(x["level"] in ("error", "warning") for x in logs("?level=warning").json["data"]), "of some levels")
    tap.ok([x["source"] for x in logs("?q=LISTENING%20ON").json["data"]] == ["front"], "with some words", logs("?q=LISTENING%20ON").body)
    tap.equal(logs("?source=passwd").status, 422, "a source that is none is refused")
    tap.equal(logs("?starting_after=x%20y").status, 422, "so is a place that is none")
    with open(os.path.join(box.root, "log", "hands.log"), "a", encoding="utf-8") as f:
        f.write("2026-11-27T00:00:00Z sett-hands info: given was sk_live_abcdefghijkl\n")
    tap.ok("[…]" in logs("?q=given%20was").json["data"][0]["text"], "a secret is not told")
    tap.equal(logs("?q=sk_live_abcd").json["data"], [], "nor found out by looking for its beginning")
    path = os.path.join(box.root, "log", "worker.log")
    with open(path, "a", encoding="utf-8") as f:
        f.write("2026-11-27T00:00:00Z sett-worker error: =cmd() of sk_live_abcdefghijklmn, postgres://a:hunter2@db\n")
    out = logs("?source=worker&format=csv&limit=5000")
    tap.ok(out.headers["Content-Type"].startswith("text/csv") and out.body.startswith(b"at,source,level,text\r\n"), "as a table to take away", out.body[:200])
    tap.ok(b"\"'=cmd()" in out.body and b"sk_live_abc" not in out.body and b"hunter2" not in out.body, "no formula, no key, no password is in it", out.body)
    tap.ok("sett-worker" not in box.sett("log", "list", "--source", "front", "--format", "text") and "front" in box.sett("log", "list", "--limit", "5", "--source", "front"), "the command line, too")

    lines, ident = follow(box, admin, "?source=worker", "ready")
    with open(path, "a", encoding="utf-8") as f:
        f.write(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".999Z sett-worker warning: something new\n")
    lines, ident = follow(box, dict(admin, **{"Last-Event-ID": ident}), "?source=worker", "something new")
    tap.ok(lines[-1]["level"] == "warning" and not any("ready" == line["text"] for line in lines), "a stream goes on behind the line that was told last", lines)
    c = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
    c.request("GET", "/api/logs/stream?level=loud", headers=dict(admin, Host=f"localhost:{box.port}"))
    tap.equal(c.getresponse().status, 422, "a stream that cannot be is refused at once")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        box = Box(world=world, ingress="cloudflare")
        try:
            box.run()
            admin = box.login()
            for test in (test_brand, test_settings, test_doctor, test_logs, test_bundle, test_programs):
                with tap.part(test.__name__):
                    test(tap, box, admin)
            with tap.part("providers"):
                test_providers(tap, box, world, admin)
        finally:
            box.close()
            world.close()
    tap.done()


main()
