#!/usr/bin/env python3
"""Ingress rules from the command line and the API to the provider: order, previews, refusals that leave
the former rules in force, tunnels that stand alone. Real parts: front, worker, hands, store, a web
server; the provider, its edge and the connectors are the fakes'. Speaks TAP.
"""
import json
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for


class Service(BaseHTTPRequestHandler):
    """A service that sett did not start."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"pbx")


def service():
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Bench:
    def __init__(self, tap, box, world):
        self.tap, self.box, self.world, self.domain = tap, box, world, world.facts["domain"]

    def ended(self, answer):
        """The job of an answer, at its end."""
        job = answer["job"]
        return wait_for(lambda: (j := self.box.json("job", "show", job))["state"] in ("done", "undone", "stuck") and j, f"{job} ends")

    def at_provider(self, name):
        return next(t for t in self.world.call("state")["tunnels"] if t["name"] == name and t["deleted_at"] is None)

    def rules_of(self, name):
        return [(r.get("hostname", ""), r.get("path", ""), r["service"]) for r in self.at_provider(name)["config"]["ingress"]]

    def astray(self):
        """What a scan finds of connectors."""
        number = self.box.json("drift", "scan")["number"]
        wait_for(lambda: (s := self.box.json("drift", "status"))["state"] == "idle" and s["number"] > number, "the scan ends", 60)
        return [d["thing"] for d in self.box.json("drift", "list", "--kind", "connector")["data"]]

    def settled(self, ident):
        return wait_for(lambda: (t := self.box.json("tunnel", "show", ident))["rules_state"] != "pending" and t, "the rules are settled")


def test_standing_alone(b, port):
    tap, box = b.tap, b.box
    words = ("tunnel", "create", "--name", "pbx", "--hostname", f"pbx.{b.domain}", "--service", f"http://127.0.0.1:{port}", "--no-tls-verify")
    plan = box.json(*words, "--dry-run")
    touches = " ".join(s["touches"] for s in plan["steps"])
    tap.ok(f"pbx.{b.domain}" in touches and f"127.0.0.1:{port}" in touches and not box.json("tunnel", "list")["data"],
           "a tunnel that stands alone: the plan names host and service, and nothing is made", plan)
    made = box.json(*words, "--no-wait")
    tap.equal(b.ended(made)["state"], "done", "it is made")
    shown = box.json("tunnel", "show", "pbx")
    tap.ok(shown["state"] == "active" and shown["tenant_id"] is None and shown["rules_state"] == "in_force", "active, of no tenant", shown)
    tap.equal(b.rules_of("pbx"), [(f"pbx.{b.domain}", "", f"http://127.0.0.1:{port}"), ("", "", "http_status:404")], "its own route, then 404")
    tap.ok(b.at_provider("pbx")["config"]["ingress"][0]["originRequest"] == {"noTLSVerify": True}, "without looking at the certificate")
    wait_for(lambda: b.at_provider("pbx")["connections"], "its connector is connected")
    plan = box.json("tunnel", "update", "pbx", "--service", "https://localhost:8443", "--origin-server-name", "pbx.local", "--dry-run")
    tap.equal([c[:4] for c in plan["changes"]], ["- 1.", "+ 1."], "its own route elsewhere: the plan shows one line go and one come")
    b.ended(box.json("tunnel", "update", "pbx", "--service", "https://localhost:8443", "--origin-server-name", "pbx.local", "--catch-all", "http_status:410", "--no-wait"))
    tap.ok(b.rules_of("pbx") == [(f"pbx.{b.domain}", "", "https://localhost:8443"), ("", "", "http_status:410")]
           and b.at_provider("pbx")["config"]["ingress"][0]["originRequest"] == {"originServerName": "pbx.local", "noTLSVerify": True}, "and so it does")
    b.ended(box.json("tunnel", "update", "pbx", "--service", f"http://127.0.0.1:{port}", "--origin-server-name", "", "--catch-all", "", "--no-wait"))
    for bad, code in ((("--service", "localhost:1"), "bad_service"), (("--catch-all", "http_status:1"), "bad_service"), (("--path", "("), "bad_regex")):
        done, _, errors = box.sett("tunnel", "update", "pbx", *bad, "--json", ok=False)
        tap.ok(done == 2 and code in errors, f"update {' '.join(bad)}: {code}", errors)
    for bad, code in ((("--service", "localhost:1"), "bad_service"), (("--service", "http://x:1/path"), "bad_service"), ((), "required"),
                      (("--service", "http://127.0.0.1:1", "--config", "local", "--ingress", "local"), "bad_config"),
                      (("--service", "https://127.0.0.1:1", "--ingress", "local"), "service_unsupported")):
        done, _, errors = box.sett("tunnel", "create", "--hostname", f"x.{b.domain}", *bad, "--json", ok=False)
        tap.ok(done != 0 and code in errors, f"{' '.join(bad) or 'no service'}: {code}", errors)


def test_rules(b, port):
    tap, box = b.tap, b.box
    before = b.at_provider("pbx")
    plan = box.json("rule", "create", "pbx", "--hostname", f"pbx.{b.domain}", "--path", "^/ws", "--service", "https://localhost:8089",
                    "--no-tls-verify", "--connect-timeout-s", "5", "--dry-run")
    tap.ok(any(c.startswith("+ 1.") and "^/ws" in c for c in plan["changes"]) and len(plan["before"]["ingress"]) == 2
           and len(plan["after"]["ingress"]) == 3 and [s["name"] for s in plan["steps"]] == ["configure"], "a plan shows before, after and the step", plan)
    tap.equal(b.at_provider("pbx"), before, "and nothing was sent")
    made = box.json("rule", "create", "pbx", "--hostname", f"pbx.{b.domain}", "--path", "^/ws", "--service", "https://localhost:8089",
                    "--no-tls-verify", "--connect-timeout-s", "5", "--no-wait")
    tap.equal(b.ended(made)["state"], "done", "a rule for a path of its own host name")
    tap.equal(box.json("rule", "show", made["id"])["dns_target"], before["id"] + ".cfargotunnel.com", "it says what a record of its host name must point to")
    tap.equal(b.rules_of("pbx"), [(f"pbx.{b.domain}", "^/ws", "https://localhost:8089"), (f"pbx.{b.domain}", "", f"http://127.0.0.1:{port}"),
                                  ("", "", "http_status:404")], "stands before the route that would hide it")
    tap.equal(b.at_provider("pbx")["config"]["ingress"][0]["originRequest"], {"connectTimeout": 5, "noTLSVerify": True}, "with its options, seconds as integers")
    tap.equal(b.at_provider("pbx")["connections"], before["connections"], "the connector has not noticed")
    tap.ok(b.at_provider("pbx")["version"] == before["version"] + 1, "one version more")
    b.ended(box.json("tunnel", "create", "--name", "other", "--hostname", f"other.{b.domain}", "--service", "http://localhost:1", "--no-wait"))
    for words in (("rule", "create", "pbx"), ("tunnel", "create")):
        code, _, errors = box.sett(*words, "--hostname", f"other.{b.domain}", "--service", "http://localhost:1", ok=False)
        tap.ok(code == 5 and "served by tunnel other\n" in errors, f"{' '.join(words)}: a host name that another tunnel serves is a conflict", errors)
    b.ended(box.json("tunnel", "delete", "other", f"--confirm=other.{b.domain}", "--no-wait"))
    other = box.json("rule", "create", "pbx", "--hostname", f"ssh.{b.domain}", "--service", "ssh://localhost:22", "--no-wait")
    b.ended(other)
    moved = box.json("rule", "update", other["id"], "--position", "1", "--no-wait")
    tap.equal(b.ended(moved)["state"], "done", "moved to the front")
    tap.equal([r[0] for r in b.rules_of("pbx")], [f"ssh.{b.domain}", f"pbx.{b.domain}", f"pbx.{b.domain}", ""], "and the others behind it in their order")
    listed = box.json("rule", "list", "pbx")["data"]
    tap.equal([(r["position"], bool(r["id"])) for r in listed], [(1, True), (2, True), (3, False), (4, False)], "the list has all four, the own route and the last without an id")
    match = box.json("tunnel", "match", "pbx", "--url", f"https://pbx.{b.domain}/ws/x")
    tap.ok(match["position"] == 2 and match["service"] == "https://localhost:8089", "which rule an address meets", match)
    tap.ok(box.json("tunnel", "match", "pbx", "--url", "https://nobody.example/")["catch_all"], "or none")
    gone = box.json("rule", "delete", made["id"], f"--confirm=pbx.{b.domain}", "--no-wait")
    tap.equal(b.ended(gone)["state"], "done", "a rule deleted")
    tap.equal([r[0] for r in b.rules_of("pbx")], [f"ssh.{b.domain}", f"pbx.{b.domain}", ""], "is gone there")
    for bad, code in ((("--path", "("), "bad_regex"), (("--service", "ftp://localhost:1"), "bad_scheme"), (("--hostname", "a.*.example.com"), "bad_hostname")):
        words = {"--hostname": f"y.{b.domain}", "--service": "http://localhost:1", **{bad[0]: bad[1]}}
        done, _, errors = box.sett("rule", "create", "pbx", *[w for pair in words.items() for w in pair], "--json", ok=False)
        tap.ok(done == 2 and code in errors, f"{' '.join(bad)}: {code}, before anything is sent", errors)


def test_refused(b):
    """What the provider refuses leaves the former version in force, and all of it can be seen."""
    tap, box = b.tap, b.box
    before = b.at_provider("pbx")
    b.world.call("faults", [{"match": "PUT /accounts/*/configurations", "fault": "400"}])
    made = box.json("rule", "create", "pbx", "--hostname", f"bad.{b.domain}", "--service", "http://localhost:9", "--no-wait")
    job = b.ended(made)
    b.world.call("faults", [])
    tap.ok(job["state"] == "undone" and "a planned fault" in job["cause"], "refused: the job says why and holds nothing", job)
    tap.equal(b.at_provider("pbx"), before, "the former rules are in force")
    shown = box.json("tunnel", "show", "pbx")
    tap.ok(shown["rules_state"] == "refused" and "a planned fault" in shown["rules_reason"], "the tunnel says so", shown)
    config = box.json("tunnel", "config", "pbx")
    tap.ok(not config["same"] and len(config["wanted"]["ingress"]) == len(config["in_force"]["ingress"]) + 1, "and what is wanted and what is in force", config)
    again = b.ended(box.json("tunnel", "configure", "pbx", "--no-wait"))
    tap.ok(again["state"] == "done" and box.json("tunnel", "show", "pbx")["rules_state"] == "in_force", "tried once more, it is in force")
    b.world.call("faults", [{"match": "PUT /accounts/*/configurations", "fault": "400"}])
    b.ended(box.json("rule", "create", "pbx", "--hostname", f"worse.{b.domain}", "--service", "http://localhost:9", "--no-wait"))
    b.world.call("faults", [])
    back = b.ended(box.json("rule", "revert", "pbx", "--no-wait"))
    tap.ok(back["state"] == "done" and f"worse.{b.domain}" not in [r["hostname"] for r in box.json("rule", "list", "pbx")["data"]],
           "or gone back to what is in force", back)


def test_replace(b, port, folder):
    tap, box = b.tap, b.box
    path = os.path.join(folder, "config.yml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'ingress:\n  - hostname: "*.{b.domain}"\n    path: \\.jpg$\n    service: unix:/run/pictures.sock\n'
                f"  - hostname: pbx.{b.domain}\n    service: http://ignored:1\n"
                f"  - hostname: z.{b.domain}\n    service: tcp://localhost:5432\n    originRequest:\n      tcpKeepAlive: 1m30s\n"
                "  - service: http_status:410\n")
    tap.ok(box.json("tunnel", "validate", "--config-file", path)["valid"], "a config.yml is valid")
    code, _, said = box.sett("tunnel", "validate", path, ok=False)
    tap.ok(code == 2 and f"--config-file {path}" in said, "its name where its text is wanted: said so", said)
    wrong = path + ".wrong"
    with open(wrong, "w", encoding="utf-8") as f:
        f.write("ingress:\n  - hostname: a.example.com\n    service: http://localhost:1\n  - hostname: b.example.com\n"
                "    service: http://localhost:1/x\n  - service: http_status:404\n")
    code, _, said = box.sett("tunnel", "validate", "--config-file", wrong, ok=False)
    tap.ok(code == 2 and "proxying to a different path" in said and "rule 2 (ingress[1].service)" in said, "a fault with the rule that it is in", said)
    replaced = b.ended(box.json("rule", "replace", "pbx", "--config-file", path, "--no-wait"))
    tap.equal(replaced["state"], "done", "a whole list at once")
    tap.equal(b.rules_of("pbx"), [(f"*.{b.domain}", "\\.jpg$", "unix:/run/pictures.sock"), (f"pbx.{b.domain}", "", f"http://127.0.0.1:{port}"),
                                  (f"z.{b.domain}", "", "tcp://localhost:5432"), ("", "", "http_status:410")],
              "in its order; the own route leads where it led; the last as it says")
    tap.equal(b.at_provider("pbx")["config"]["ingress"][2]["originRequest"], {"tcpKeepAlive": 90}, "1m30s is 90")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"ingress:\n  - hostname: q.{b.domain}\n    service: http://localhost:1\n")
    done, _, errors = box.sett("rule", "replace", "pbx", "--config-file", path, "--json", ok=False)
    tap.ok(done == 2 and "must match all URLs" in errors and len(b.rules_of("pbx")) == 4, "one that cloudflared would refuse is refused, whole", errors)


def test_versions(b, folder):
    """Former versions, and one look at a list that says all that is wrong with it."""
    tap, box = b.tap, b.box
    said = box.json("rule", "check", "pbx", "--config-file", os.path.join(folder, "config.yml.wrong"), "--url", f"https://pbx.{b.domain}/")
    tap.ok(not said["valid"] and [(e["position"], e["field"], e["code"]) for e in said["errors"]] == [(2, "service", "bad_service")]
           and said["match"]["service"] and said["changes"], "rule check: the fault by position and field, what changes, what an address meets", said)
    versions = box.json("rule", "versions", "pbx")["data"]
    was = next(v for v in versions if any(f"ssh.{b.domain}" in c and c[0] == "+" for c in v["changes"]))
    tap.ok(len(versions) > 2 and was["changed_by"] and was["changed_at"], "former versions say who changed them and what going back changes", versions)
    now = b.rules_of("pbx")
    back = b.ended(box.json("rule", "revert", "pbx", "--to", str(was["version"]), "--no-wait"))
    tap.ok(back["state"] == "done" and f"ssh.{b.domain}" in [r[0] for r in b.rules_of("pbx")], "back to one of them", b.rules_of("pbx"))
    newest = box.json("rule", "versions", "pbx")["data"][0]["version"]
    b.ended(box.json("rule", "revert", "pbx", "--to", str(newest), "--no-wait"))
    tap.equal(b.rules_of("pbx"), now, "and back again")


def test_connections(b):
    """Who is connected, and the log by level, text and cursor."""
    tap, box = b.tap, b.box
    status = box.json("tunnel", "status", "pbx")
    links = [link for c in status["provider_connectors"] for link in c["links"]]
    tap.ok(links and all(link["colo"] and link["since"] and not link["pending"] for link in links) and status["provider_connectors"][0]["version"],
           "status: each connection with its data centre and since when", status)
    log = box.json("tunnel", "logs", "pbx", "--q", "REGISTERED", "--parsed", "true")
    tap.ok(log["entries"] and all("egistered" in e["line"] and e["level"] == "info" for e in log["entries"]) and not log["gap"], "its log, searched", log)
    tap.ok(not box.json("tunnel", "logs", "pbx", "--after", log["cursor"])["lines"], "nothing since")
    done = box.json("tunnel", "restart", "pbx", "--no-wait")
    b.ended(done)
    more = wait_for(lambda: (m := box.json("tunnel", "logs", "pbx", "--after", log["cursor"]))["lines"] and m, "lines since then")
    tap.ok(not more["gap"] and len(more["lines"]) < len(box.json("tunnel", "logs", "pbx")["lines"]), "and what has come since, by the cursor", more)


def test_ports(b, port):
    """What listens on a port of the pool and is no tenant's."""
    tap, box = b.tap, b.box
    box.json("setting", "set", "ports.ranges", f"{port}-{port + 2}")
    seen = box.json("port", "scan")
    shown = box.json("port", "show", str(port))
    tap.ok(seen["foreign"] == 1 and seen["looked"] == 3 and shown["state"] == "foreign" and "(pid" in shown["owner"], "port scan finds who listens there", [seen, shown])
    tap.equal([(r["from"], r["to"], r["state"]) for r in box.json("port", "map")["runs"]], [(port, port, "foreign"), (port + 1, port + 2, "free")], "the map has it")
    tap.equal(box.json("port", "reserve", str(port + 1), "--note", "our wiki")["state"], "reserved", "one is kept from tenants")
    box.json("port", "scan")
    tap.equal(box.json("port", "show", str(port + 1))["owner"], "our wiki", "and another look does not change that")
    tap.equal([box.json("port", "release", str(port + i))["state"] for i in (0, 1)], ["free", "free"], "both are let go")
    box.json("setting", "set", "ports.ranges", "3100-3999")


def test_api(b):
    tap, box = b.tap, b.box
    head = box.login()
    made = box.http("POST", "/api/tunnels/pbx/rules", {"hostname": f"api.{b.domain}", "service": "https://localhost:8443", "no_tls_verify": True}, head)
    tap.ok(made.status == 202 and made.headers["Location"] == f"/api/jobs/{made.json['job']}", "POST …/rules: 202 and the job", made.body)
    tap.equal(b.ended(made.json)["state"], "done", "which ends well")
    plan = box.http("PATCH", f"/api/rules/{made.json['id']}?plan=1", {"service": "https://localhost:8444"}, head)
    tap.ok(plan.status == 200 and [c[0] for c in plan.json["changes"]] == ["-", "+"], "PATCH with plan=1: one line goes, one comes", plan.body)
    stale = box.http("PATCH", f"/api/rules/{made.json['id']}", {"note": "x"}, dict(head, **{"If-Match": '"00"'}))
    tap.equal(stale.status, 412, "If-Match is honoured")
    bad = box.http("POST", "/api/tunnels/pbx/rules", {"hostname": f"b.{b.domain}", "service": "http://x:1", "path": "a**"}, head)
    tap.ok(bad.status == 422 and "invalid nested repetition operator" in bad.body.decode(), "a path that RE2 refuses: 422 with its words", bad.body)
    done = box.http("POST", "/api/tunnels/validate", {"config": json.dumps({"ingress": [{"service": "http_status:404"}]})}, head)
    tap.ok(done.status == 200 and done.json["valid"], "validate takes the remote form too", done.body)
    done = box.http("PUT", "/api/tunnels/pbx/rules", {"config": json.dumps({"ingress": [{"service": "http_status:404"}]})}, head)
    tap.equal(b.ended(done.json)["state"], "done", "PUT …/rules: all of them")
    tap.equal(len(b.rules_of("pbx")), 2, "which leaves the own route")


def test_tenant(b):
    """A tenant's tunnel with rules of its own goes through the tenant's life."""
    tap, box = b.tap, b.box
    made = box.json("tenant", "create", "acme", "--plan", "demo", "--no-wait")
    tap.equal(b.ended(made)["state"], "done", "a tenant")
    tunnel = box.json("tunnel", "list", "--tenant-id", made["id"])["data"][0]
    name, own = tunnel["name"], (f"acme.{b.domain}", "", tunnel["service"])
    b.ended(box.json("rule", "create", tunnel["id"], "--hostname", "www.mustermann.example", "--service", "", "--no-wait"))
    b.ended(box.json("rule", "create", tunnel["id"], "--hostname", f"acme.{b.domain}", "--path", "^/ws", "--service", "http://localhost:8088", "--no-wait"))
    both = [(f"acme.{b.domain}", "^/ws", "http://localhost:8088"), own, ("www.mustermann.example", "", tunnel["service"]), ("", "", "http_status:404")]
    tap.equal(b.rules_of(name), both, "its own route and two rules, one that follows it")
    b.ended(box.json("tenant", "update", made["id"], "--maintenance", "true", "--no-wait"))
    tap.equal([r[2] for r in b.rules_of(name)], ["http://localhost:8088", "http_status:503", "http_status:503", "http_status:404"],
              "in maintenance what leads to the tenant is answered 503")
    b.ended(box.json("tenant", "update", made["id"], "--maintenance", "false", "--no-wait"))
    tap.equal(b.rules_of(name), both, "and back")
    b.ended(box.json("tenant", "suspend", made["id"], "--no-wait"))
    late = box.json("rule", "create", tunnel["id"], "--hostname", "late.example", "--service", "hello_world", "--no-wait")
    tap.ok(not late.get("job"), "a rule made while it is suspended waits", late)
    b.ended(box.json("tenant", "resume", made["id"], "--no-wait"))
    b.settled(tunnel["id"])
    tap.equal(b.rules_of(name), both[:3] + [("late.example", "", "hello_world"), both[3]], "resumed: all of them, the new one too")
    b.ended(box.json("tenant", "update", made["id"], "--subdomain", "acme2", "--no-wait"))
    b.settled(tunnel["id"])
    tap.ok((f"acme2.{b.domain}", "", tunnel["service"]) in b.rules_of(name) and ("late.example", "", "hello_world") in b.rules_of(name)
           and own not in b.rules_of(name), "renamed: the own route follows, the rules stay", b.rules_of(name))
    b.ended(box.json("tenant", "delete", made["id"], "--action", "delete", "--confirm=acme2", "--no-wait"))
    state = b.world.call("state")
    tap.ok(all(t["deleted_at"] for t in state["tunnels"] if t["name"] == name), "deleted: the tunnel is gone")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "and no rule is left behind")


def test_files(b, port):
    """Rules and credentials as files, for those who want them."""
    tap, box = b.tap, b.box
    made = box.json("tunnel", "create", "--name", "files", "--hostname", f"files.{b.domain}", "--service", f"http://127.0.0.1:{port}",
                    "--config", "local", "--no-wait")
    tap.equal(b.ended(made)["state"], "done", "a tunnel whose rules are files of this box")
    there = wait_for(lambda: (t := b.at_provider("files"))["connections"] and t, "its connector is connected")
    tap.ok(there["config_src"] == "local" and there["version"] == 0, "nothing was configured at the provider", there)
    folder = os.path.join(box.root, "var/lib/sett/live/hands/tunnels")
    paths = [os.path.join(folder, f"{made['number']}.{end}") for end in ("yml", "json")]
    tap.ok(all(os.stat(p).st_mode & 0o777 == 0o600 for p in paths), "config.yml and credentials, for root alone")
    with open(paths[1], encoding="utf-8") as f:
        tap.equal(json.load(f), {"AccountTag": b.world.facts["account"], "TunnelSecret": there["secret"], "TunnelID": there["id"]}, "the credentials")
    tap.ok(box.json("tunnel", "validate", "--config-file", paths[0])["valid"], "the file is valid")
    tap.ok(not b.astray(), "a scan finds its connector where it is", b.astray())
    first = box.json("tunnel", "status", "files")["connector_pid"]
    plan = box.json("rule", "create", "files", "--hostname", f"*.files.{b.domain}", "--path", "\\.jpg$", "--service", "unix:/run/x.sock", "--dry-run")
    tap.ok("live connections drop" in plan["steps"][0]["touches"], "a plan says that a change drops live connections", plan)
    job = b.ended(box.json("rule", "create", "files", "--hostname", f"*.files.{b.domain}", "--path", "\\.jpg$", "--service", "unix:/run/x.sock", "--no-wait"))
    tap.equal(job["state"], "done", "a rule more")
    wait_for(lambda: b.rules_of("files") == [(f"files.{b.domain}", "", f"http://127.0.0.1:{port}"), (f"*.files.{b.domain}", "\\.jpg$", "unix:/run/x.sock"),
                                             ("", "", "http_status:404")], "the connector goes by it")
    second = box.json("tunnel", "status", "files")
    tap.ok(second["connector_pid"] != first and box.json("tunnel", "show", "files")["rules_state"] == "in_force", "the connector was restarted", second)
    b.ended(box.json("tunnel", "configure", "files", "--no-wait"))
    tap.equal(box.json("tunnel", "status", "files")["connector_pid"], second["connector_pid"], "and is not, where nothing changes")
    many = box.json("rule", "replace", "files", "--config", json.dumps({"ingress": [{"hostname": f"h{i}." + "x" * 50 + f".{b.domain}", "service": "http://localhost:1"}
                                                                                    for i in range(200)] + [{"service": "http_status:404"}]}), "--no-wait")
    job = b.ended(many)
    tap.ok(job["state"] == "undone" and "bytes" in job["cause"] and box.json("tunnel", "show", "files")["rules_state"] == "refused", "too many for a file: refused, with why", job)
    b.ended(box.json("tunnel", "delete", "files", f"--confirm=files.{b.domain}", "--no-wait"))
    tap.ok(not os.listdir(folder) or not any(n.startswith(f"{made['number']}.") for n in os.listdir(folder)), "deleted: no file is left")


def test_adopt(b, folder):
    """Tunnels that somebody else made: taken over explicitly, with nothing of them changed."""
    tap, box = b.tap, b.box
    config = {"ingress": [{"hostname": "old.example", "service": "http://localhost:80", "originRequest": {"caPool": "/etc/ca.pem", "noTLSVerify": True}},
                          {"path": "^/x", "service": "ftp://odd:21", "originRequest": {}}, {"service": "http_status:503"}],
              "warp-routing": {"enabled": True}}
    code, _, said = box.sett("tunnel", "adopt", "nonsense", ok=False)
    tap.ok(code == 2 and "no tunnel's id" in said and "Cloudflare has" not in said, "what is no id is refused unasked", said)
    made = b.world.call("tunnel", {"name": "by-hand", "config": config})
    plan = box.json("tunnel", "adopt", made["id"], "--dry-run")
    tap.ok(plan["takes_over"]["name"] == "by-hand" and len(plan["takes_over"]["config"]["ingress"]) == 3 and plan["takes_over"]["version"] == 7
           and "by-hand" not in box.sett("tunnel", "list"), "a plan shows what would be taken over", plan)
    adopted = box.json("tunnel", "adopt", made["id"], "--no-wait")
    tap.equal(b.ended(adopted)["state"], "done", "adopted by its id")
    there = b.at_provider("by-hand")
    tap.ok(there["version"] == 7 and there["config"] == config and not there["connections"], "and nothing of it was touched", there)
    shown = box.json("tunnel", "show", "by-hand")
    tap.ok(shown["adopted"] and shown["elsewhere"] and shown["state"] == "active" and shown["rules_state"] == "in_force" and shown["catch_all"] == "http_status:503",
           "the record says that it is", shown)
    tap.ok(any(e["action"] == "tunnel.adopt" for e in box.json("audit", "list")["data"]), "and the audit")
    tap.equal([(r["hostname"], r["path"], r["service"]) for r in box.json("rule", "list", "by-hand")["data"]],
              [("old.example", "", "http://localhost:80"), ("", "^/x", "ftp://odd:21"), ("", "", "http_status:503")], "its rules are records")
    code, _, errors = box.sett("tunnel", "adopt", made["id"], "--json", ok=False)
    tap.ok(code == 5 and "tunnel_known" in errors, "twice: it is known", errors)
    b.ended(box.json("rule", "create", "by-hand", "--hostname", "new.example", "--service", "hello_world", "--no-wait"))
    there = b.at_provider("by-hand")
    tap.ok(there["config"]["ingress"][0]["originRequest"] == {"caPool": "/etc/ca.pem", "noTLSVerify": True} and there["config"]["warp-routing"] == {"enabled": True}
           and [r["service"] for r in there["config"]["ingress"]] == ["http://localhost:80", "ftp://odd:21", "hello_world", "http_status:503"],
           "a rule more leaves all else as it was, what sett does not know of too", there)
    tap.ok(not b.astray(), "a scan misses no connector of it", b.astray())
    code, _, errors = box.sett("tunnel", "restart", "by-hand", "--json", ok=False)
    tap.ok("connector_elsewhere" in errors, "its connector is not ours to restart", errors)
    code, _, errors = box.sett("tunnel", "delete", "by-hand", "--confirm=by-hand", "--json", ok=False)
    tap.ok(code == 5 and "tunnel_adopted" in errors and "release" in errors, "deleting must be said explicitly", errors)
    gone = b.ended(box.json("tunnel", "delete", "by-hand", "--action", "release", "--confirm=by-hand", "--no-wait"))
    tap.ok(gone["state"] == "done" and b.at_provider("by-hand") == there, "let go: it stays there as it is")
    path = os.path.join(folder, "token")
    with open(path, "w", encoding="utf-8") as f:
        f.write(made["token"])
    os.chmod(path, 0o600)
    adopted = box.json("tunnel", "adopt", "--token-file", path, "--connect", "--no-wait")
    tap.equal(b.ended(adopted)["state"], "done", "adopted once more, by its token, with a connector of this box")
    wait_for(lambda: b.at_provider("by-hand")["connections"], "which is connected")
    gone = b.ended(box.json("tunnel", "delete", adopted["id"], "--action", "delete", "--confirm=by-hand", "--no-wait"))
    tap.ok(gone["state"] == "done" and all(t["deleted_at"] for t in b.world.call("state")["tunnels"] if t["name"] == "by-hand"), "and deleted there, when that is said")
    again = b.world.call("tunnel", {"name": "by-hand-2", "config": config})
    adopted = box.json("tunnel", "adopt", again["id"], "--connect", "--no-wait")
    b.ended(adopted)
    wait_for(lambda: b.at_provider("by-hand-2")["connections"], "by its id, with a connector whose token is asked for")
    b.ended(box.json("tunnel", "delete", "by-hand-2", "--action", "delete", "--confirm=by-hand-2", "--no-wait"))
    theirs = b.world.call("tunnel", {"name": "theirs", "config_src": "local"})
    code, _, errors = box.sett("tunnel", "adopt", theirs["id"], "--json", ok=False)
    tap.ok(code == 5 and "tunnel_local" in errors, "one whose rules are somebody's files is refused, with what to do", errors)
    code, _, errors = box.sett("tunnel", "adopt", "c1744f8b-faa1-48a4-9e5c-02ac921467fa", "--json", ok=False)
    tap.ok(code == 3, "and one that is not there", errors)
    with open(path, "w", encoding="utf-8") as f:
        f.write("bm8gdG9rZW4=")
    code, _, errors = box.sett("tunnel", "adopt", "--token-file", path, "--json", ok=False)
    tap.ok("token_invalid" in errors, "and what is no token", errors)
    tap.ok(not b.at_provider("theirs")["deleted_at"], "nobody else's tunnel was touched")


def test_end(b):
    tap, box = b.tap, b.box
    gone = b.ended(box.json("tunnel", "delete", "pbx", f"--confirm=pbx.{b.domain}", "--no-wait"))
    tap.equal(gone["state"], "done", "the tunnel that stood alone is deleted")
    state = b.world.call("state")
    tap.ok(not state["records"] and all(t["deleted_at"] for t in state["tunnels"] if t["name"] != "theirs"), "and nothing of it is left", state)
    tap.equal(box.sett("fsck", ok=False)[0], 0, "the store is sound")
    breaches = [x for x in b.world.call("breaches") if "answers 404" not in x]  # of what is not there
    tap.ok(not breaches, "every exchange was as the provider describes it", breaches)


def main():
    tap, folder = Tap(), tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    box = Box(world=world, ingress="cloudflare", conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        box.run()
        b, port = Bench(tap, box, world), service()
        for name, part in (("standing alone", lambda: test_standing_alone(b, port)), ("rules", lambda: test_rules(b, port)),
                           ("refused", lambda: test_refused(b)), ("replace", lambda: test_replace(b, port, folder)),
                           ("versions", lambda: test_versions(b, folder)), ("connections", lambda: test_connections(b)),
                           ("ports", lambda: test_ports(b, port)),
                           ("api", lambda: test_api(b)), ("files", lambda: test_files(b, port)), ("adopt", lambda: test_adopt(b, folder)), ("tenant", lambda: test_tenant(b)), ("end", lambda: test_end(b))):
            with tap.part(name):
                part()
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
