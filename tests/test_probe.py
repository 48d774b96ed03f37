#!/usr/bin/env python3
"""A tunnel looked at: its status from all four sources, and what a probe finds. Real parts: worker, hands,
front and store; the edge is the fakes'. Speaks TAP.
"""
import http.client
import json
import os
import ssl
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for
from origins import Echo, Origin, certificate, closed_port

PASSWORD = "a long enough password 7"


def probed(box, *words):
    """The answer; the command succeeds if all is well and not otherwise."""
    code, out, errors = box.sett("tunnel", "probe", *words, "--json", ok=False)
    assert out, errors
    found = json.loads(out)
    assert (code == 0) == found["fine"], (code, found)
    return found


def tunnel_of(box, tenant):
    return box.json("tunnel", "list", "--tenant-id", tenant)["data"][0]


def test_status(tap, box, world):
    made = box.json("tenant", "create", "acme", "--plan", "demo", "--no-wait")
    wait_for(lambda: box.json("tenant", "show", made["id"])["state"] == "active", "the tenant is active", 60, 0.1)
    tunnel = tunnel_of(box, made["id"])
    def status():
        return box.json("tunnel", "status", tunnel["id"])
    s = wait_for(lambda: (s := status())["health"] == "healthy" and s, "the tunnel is healthy", 30, 0.1)
    tap.ok(s["connector_running"] and s["connector_pid"] > 0 and s["connector_since"], "its unit: running, pid, since", s)
    tap.ok(s["ready"] and s["ready_connections"] == 4 and s["edge_locations"] == ["fra08", "fra10", "ams03", "ams12"],
           "its own word: ready, how many connections, where", s)
    tap.ok(s["provider_status"] == "healthy" and s["connectors"] == 1 and s["provider_connectors"][0]["colos"] == ["FRA01"]
           and s["provider_connectors"][0]["version"] == "2025.5.0", "Cloudflare's: connectors, versions, data centres", s)
    os.kill(s["connector_pid"], 9)
    s = wait_for(lambda: (s := status())["connector_restarts"] > 0 and s["health"] == "healthy" and s, "it is started again", 30, 0.1)
    tap.ok(s["connector_restarts"] > 0, "killed: started again, and counted")
    world.call("faults", [{"match": "GET /accounts/*/cfd_tunnel/*", "fault": "500", "times": 1000}])
    s = status()
    world.call("faults", [])
    tap.ok(s["health"] == "healthy" and s["provider_status"] is None and "500" in s["provider_error"],
           "Cloudflare's API is down: the rest is told all the same", s)
    world.call("forget", {"id": tunnel["cf_tunnel"]})
    s = wait_for(lambda: (s := status())["last_error"] and s["health"] == "gone" and s, "it is gone at Cloudflare", 30, 0.1)
    tap.ok(s["last_error"]["code"] == "tunnel_gone" and s["last_error"]["cause"] and "Tunnel not found" in s["last_error"]["line"]
           and not s["ready"] and "sett tunnel" in s["remedy"], "deleted over there: the error, its cause and what to do", s)
    code, out, _ = box.sett("tunnel", "status", tunnel["id"], ok=False)
    tap.ok(code == 0 and "gone" in out, "the same for people", out)


def test_services(tap, box, folder):
    """Services without a tunnel, by their address: each with what is wrong with it."""
    own = certificate(folder, "own")
    named = certificate(folder, "named", names="DNS:localhost")
    cases = [
        ("a WebSocket behind TLS with its own certificate", Origin(tls=own), "https", "/ws", "certificate_untrusted", "noTLSVerify"),
        ("a plain WebSocket", Origin(), "http", "/ws", "fine", "Nothing"),
        ("a plain WebSocket, by its own scheme", Origin(), "ws", "/ws", "fine", "Nothing"),
        ("a page", Origin(paths=()), "http", "/", "fine", "Nothing"),
        ("the WebSocket on another path", Origin(paths=("/asterisk/ws",), pages=()), "http", "/nowhere", "wrong_path", "/asterisk/ws"),
        ("no such path at all", Origin(paths=(), pages=()), "http", "/nowhere", "path_unknown", "--path"),
        ("an error of its own", Origin(paths=(), pages=(), status=500), "http", "/", "service_fails", "log"),
        ("TLS where plain HTTP is said", Origin(tls=own), "http", "/ws", "wants_https", "https://127.0.0.1"),
        ("plain HTTP where TLS is said", Origin(), "https", "/ws", "wants_http", "http://127.0.0.1"),
        ("something else", Origin(kind="ssh"), "http", "/", "not_http", "port"),
        ("a door that is shut at once", Origin(kind="closed"), "http", "/", "not_http", "port"),
        ("a port that takes connections and is silent", Origin(kind="silent"), "http", "/", "service_silent", "log"),
        ("a stream that is not HTTP, as said", Origin(kind="ssh"), "ssh", "", "fine", "Nothing"),
    ]
    for name, origin, scheme, path, code, change in cases:
        found = probed(box, f"{scheme}://127.0.0.1:{origin.port}{path}")
        tap.ok(found["code"] == code and change in found["change"] and found["fine"] == (code == "fine"), f"{name}: {code}", found)
        origin.close()
    port = closed_port()
    found = probed(box, f"http://127.0.0.1:{port}")
    tap.ok(found["code"] == "service_down" and str(port) in found["cause"], "nobody there: service_down", found)
    found = probed(box, "http://no-such-host.invalid/")
    tap.equal(found["code"], "service_unknown", "a host that nobody knows")
    origin = Origin(tls=named)
    found = probed(box, f"https://127.0.0.1:{origin.port}/ws")
    tap.ok("localhost" in json.dumps(found["findings"]), "a certificate's names are told", found)
    code, out, _ = box.sett("tunnel", "probe", f"https://127.0.0.1:{origin.port}/ws", ok=False)
    tap.ok(code == 1 and out.index("takes connections") < out.index("noTLSVerify") and "stage" not in out,
           "for people: a line each, then what it comes to", out)
    origin.close()
    code, _, errors = box.sett("tunnel", "probe", "http://127.0.0.1:0/", ok=False)
    tap.ok(code == 2 and "port" in errors, "an address that is none: said so", (code, errors))


class Provider:
    """Somebody else at work in the same account."""

    def __init__(self, world):
        self.world, w = world, world.facts
        self.zone, self.account, self.token = w["zone"], w["account"], w["cf_token"]

    def call(self, method, path, body=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.world.port, context=ssl.create_default_context(cafile=self.world.ca))
        c.request(method, "/client/v4" + path, body=None if body is None else json.dumps(body),
                  headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        return json.loads(c.getresponse().read())["result"]

    def rules(self, tunnel, *rules):
        self.call("PUT", f"/accounts/{self.account}/cfd_tunnel/{tunnel}/configurations",
                  {"config": {"ingress": [*rules, {"service": "http_status:404"}]}})

    def record(self, name):
        return next(r for r in self.call("GET", f"/zones/{self.zone}/dns_records?name.exact={name}"))


def test_tunnels(tap, box, world):
    """A tunnel on its way through the edge; somebody else breaks it, a piece at a time."""
    made = box.json("tenant", "create", "globex", "--plan", "demo", "--no-wait")
    wait_for(lambda: box.json("tenant", "show", made["id"])["state"] == "active", "the tenant is active", 60, 0.1)
    tunnel, other = tunnel_of(box, made["id"]), Provider(world)
    host, cf = tunnel["hostname"], tunnel["cf_tunnel"]
    def probe(*more):
        return probed(box, tunnel["id"], *more)
    found = probe()
    tap.ok(found["code"] == "fine" and {f["stage"] for f in found["findings"]} == {"service", "connector", "way", "name", "door"},
           "all is well: each stage has its say", found)
    found = probed(box, f"https://{host}/")
    tap.ok(found["tunnel_id"] == tunnel["id"], "by the address that visitors use: the same tunnel", found)
    found = probe("--path", "/no-such-page")
    tap.ok(found["code"] == "wrong_path" and "/" in found["change"], "a path that is not there", found)
    other.rules(cf, {"hostname": "other." + host, "service": tunnel["service"]})
    found = probe()
    tap.ok(found["code"] == "no_rule" and "404" in found["cause"] and found["command"], "no rule for this host: the catch-all", found)
    other.rules(cf, {"hostname": host, "service": f"http://127.0.0.1:{closed_port()}"})
    found = probe()
    tap.ok(found["code"] == "rule_elsewhere" and any("502" in f["text"] for f in found["findings"]), "its rule leads elsewhere: 502", found)
    box.sett(*found["command"].split(" ")[1:], "--wait")
    tap.equal(probe()["code"], "fine", "mended by the command it named")
    record = other.record(host)
    target = record["content"]
    other.call("PATCH", f"/zones/{other.zone}/dns_records/{record['id']}", {"content": "0" * 8 + target[8:]})
    found = probe()
    tap.ok(found["code"] == "record_elsewhere" and target in found["change"] and any("1033" in f["text"] for f in found["findings"]),
           "its record leads to another tunnel: 1033", found)
    other.call("DELETE", f"/zones/{other.zone}/dns_records/{record['id']}")
    found = probe()
    tap.ok(found["code"] == "record_missing" and any("1016" in f["text"] for f in found["findings"]), "its record is gone: 1016", found)
    box.sett(*found["command"].split(" ")[1:])
    missing = wait_for(lambda: [d["id"] for d in box.json("drift", "list", "--kind", "dns")["data"] if d["name"] == host], "the scan finds it", 30, 0.1)
    box.sett("drift", "revert", missing[0], "--wait")
    tap.ok(probe()["code"] == "fine" and other.record(host)["content"] == target, "mended by the command it named")
    # As a job, in the API.
    auth = box.login()
    answer = box.http("POST", f"/api/tunnels/{tunnel['id']}/probe", {}, auth)
    tap.ok(answer.status == 202 and answer.json["job"] in answer.headers["Location"], "in the API: 202 with a job", answer.body)
    job = wait_for(lambda: (j := box.json("job", "show", answer.json["job"]))["state"] in ("done", "stuck", "undone") and j, "the job ends", 30)
    steps = {s["step"]: s["text"] for s in job["steps"]}
    tap.ok(job["state"] == "done" and "takes connections" in steps["service"] and "200" in steps["door"] and
           job["facts"]["verdict"] == "fine", "its rows are the findings", job)
    now = box.http("GET", f"/api/tunnels/{tunnel['id']}/probe?path=/", headers=auth)
    tap.ok(now.status == 200 and now.json["code"] == "fine", "answered now, likewise", now.body)
    now = box.http("GET", f"/api/probe?url=http://127.0.0.1:{closed_port()}/", headers=auth)
    tap.ok(now.status == 200 and now.json["code"] == "service_down", "any address, by an operator", now.body)
    job = box.http("POST", "/api/probe", {"url": f"http://127.0.0.1:{closed_port()}/"}, auth)
    tap.equal(job.status, 202, "and as a job")
    world.call("forget", {"id": cf})
    found = wait_for(lambda: (f := probe())["code"] == "tunnel_gone" and f, "it is gone", 20)
    tap.ok("sett tunnel delete" in found["command"], "the tunnel is gone at Cloudflare", found)


def test_customer(tap, box, origin):
    """A customer sees the own tunnels, and may name public addresses only."""
    admin = box.login()
    customer = box.http("POST", "/api/customers", {"name": "Ann", "email": "ann@example.com"}, admin).json["id"]
    box.http("POST", "/api/users", {"name": "ann", "role": "customer", "password": PASSWORD, "customer_id": customer}, admin)
    auth, others = box.login("ann", PASSWORD), box.json("tunnel", "list")["data"][0]["id"]
    for url in (f"http://127.0.0.1:{origin.port}/", f"http://localhost:{origin.port}/ws", f"http://[::1]:{origin.port}/", "unix:/run/x.sock"):
        found = box.http("GET", "/api/probe?url=" + urllib.parse.quote(url, safe=""), headers=auth)
        tap.ok(found.status == 200 and found.json["code"] == "address_not_public", f"a customer names {url}: refused", found.body)
    tap.equal(len(origin.requests), 0, "and nothing was asked")
    tap.equal(box.http("GET", f"/api/tunnels/{others}/probe", headers=auth).status, 404, "another's tunnel: 404")
    tap.equal(box.http("POST", "/api/probe", {"url": "http://1.1.1.1/"}, auth).status, 403, "no jobs for customers")
    tap.equal(box.http("GET", f"/api/probe?url=http://127.0.0.1:{origin.port}/ws", headers=admin).json["code"], "fine", "an operator may")


def test_standing_alone(tap, box, world, folder):
    """What a telephone person has: a PBX that sett did not start, a WebSocket behind TLS with its own certificate."""
    own = certificate(folder, "pbx")
    origin = Origin(tls=own, paths=("/ws",), pages=())
    host, service = f"pbx.{world.facts['domain']}", f"https://127.0.0.1:{origin.port}"
    box.sett("tunnel", "create", "--name", "pbx", "--hostname", host, "--service", f"http://127.0.0.1:{origin.port}", "--ingress", "cloudflare",
             "--wait")
    wait_for(lambda: box.json("tunnel", "status", "pbx")["health"] == "healthy", "it is connected", 20, 0.1)
    def probe(*more):
        return probed(box, *(more or (f"https://{host}/ws",)))
    def mend(found):
        box.sett(*found["command"].split(" ")[1:], "--wait")
    found = probe()
    tap.ok(found["code"] == "wants_https" and any("502" in f["text"] for f in found["findings"]), "http is said, and it speaks TLS: 502", found)
    box.sett("rule", "create", "pbx", "--hostname", host, "--path", "^/", "--service", service, "--position", "1", "--wait")
    found = probe()
    tap.ok(found["code"] == "certificate_untrusted" and found["command"].startswith("sett rule update rul_"), "its certificate is not accepted", found)
    mend(found)
    found = probe()
    texts = [f["text"] for f in found["findings"]]
    tap.ok(found["code"] == "fine" and "/ws becomes a WebSocket" in texts and "it becomes a WebSocket there, too" in texts,
           "the one change was made: a WebSocket through the front door", found)
    tap.equal([r for r in origin.requests if r[0] == "/ws" and r[1]["host"] != host], [], "the service is asked by the name that visitors use")
    found = probe(f"https://{host}/")
    tap.ok(found["code"] == "wrong_path" and "/ws" in found["change"], "at another path: which one it is", found)
    echo = Echo(own)
    found = probe(f"wss://127.0.0.1:{echo.port}/")
    tap.ok(found["code"] == "certificate_untrusted" and any(f["text"] == "/ becomes a WebSocket" for f in found["findings"]),
           "somebody else's WebSocket server, asked directly", found)
    rule = next(r["id"] for r in box.json("rule", "list", "pbx")["data"] if r["id"].startswith("rul_"))
    box.sett("rule", "update", rule, "--service", f"https://127.0.0.1:{echo.port}", "--wait")
    found = probe(f"https://{host}/")
    tap.ok(found["code"] == "fine" and "as a WebSocket" in found["cause"] and Echo.say(world.ca, host, world.port, "hello") == "hello",
           "and through the front door, where it echoes", found)
    box.sett("rule", "update", rule, "--service", service, "--wait")
    echo.close()
    box.sett("setting", "set", "dns.server", world.facts["dns"])
    found = probe()
    tap.ok(found["fine"] and any(f["stage"] == "name" and f["sign"] == "bad" for f in found["findings"]), "the DNS is asked, too", found)
    world.call("dns", [f"set {host} A 192.0.2.7"])
    tap.ok(any("192.0.2.7" in f["text"] for f in probe()["findings"]), "and told")
    box.sett("setting", "set", "dns.server", "")
    box.sett("tunnel", "create", "--name", "deep", "--hostname", "deep." + host, "--service", service, "--ingress", "cloudflare", "--wait")
    wait_for(lambda: box.json("tunnel", "status", "deep")["health"] == "healthy", "it is connected", 20, 0.1)
    box.sett("rule", "create", "deep", "--hostname", "deep." + host, "--path", "^/", "--service", service, "--no-tls-verify", "--position", "1", "--wait")
    found = probe(f"https://deep.{host}/ws")
    tap.ok(found["code"] == "edge_certificate" and "one label" in found["change"], "two labels below the domain: the edge has no certificate", found)
    origin.close()
    found = probe()
    tap.ok(found["code"] == "service_down" and not found["command"], "nobody there: its owner starts it", found)


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-origins-")
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, ingress="cloudflare")
    try:
        box.run()
        with tap.part("status"):
            test_status(tap, box, world)
        with tap.part("services"):
            test_services(tap, box, folder)
        with tap.part("customer"):
            test_customer(tap, box, Origin())
        with tap.part("standing alone"):
            test_standing_alone(tap, box, world, folder)
        with tap.part("tunnels"):
            test_tunnels(tap, box, world)
        tap.equal(world.call("breaches"), [], "every exchange was as the providers describe it")
        if tap.bad:
            for program in ("run", "front", "worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
