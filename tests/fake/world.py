#!/usr/bin/env python3
"""The outside world for tests: one process, never killed, that plays Cloudflare, its edge and Stripe
over TLS on a loopback port, and the DNS beside them, with every exchange judged by the providers' own API descriptions.

usage: world.py FOLDER [--port N]

Prints one line of JSON when it listens: {"port", "ca", "account", "zone", "domain", "cf_token", "stripe_key",
"dns"}.
Control, for tests only: GET /_world/state, /_world/effects, /_world/breaches; POST /_world/faults (a plan),
/_world/stripe (kind and members of an object: makes or changes it), /_world/event, /_world/connect,
/_world/disconnect, /_world/dns (a list of the name server's commands), /_world/reset.
"""
import argparse
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import edge
from cloudflare import Cloudflare
from contract import Contract
from ledger import Ledger
from proxmox import FormContract, Proxmox, TOKEN as PVE_TOKEN, TOKEN_ID as PVE_TOKEN_ID
from nameserver import NameServer
from stripe import Stripe

CONTRACTS = os.path.join(HERE, "..", "contracts")
ACCOUNT, ZONE, DOMAIN = "a" * 32, "b" * 32, "sett.test"
CF_TOKEN, STRIPE_KEY = "cf-test-token-0123456789abcdefghijklmnop", "sk_test_sett"
LOST = object()  # the connection is closed without an answer


class World:
    def __init__(self):
        self.cf_contract = Contract(os.path.join(CONTRACTS, "cloudflare.openapi.json"), "/client/v4")
        self.rtc_contract = Contract(os.path.join(CONTRACTS, "cloudflare.openapi.json"))
        self.stripe_contract = Contract(os.path.join(CONTRACTS, "stripe.openapi.json"))
        self.dns = NameServer()
        self.pve_contract = FormContract(os.path.join(CONTRACTS, "proxmox.openapi.json"))
        self.reset()

    def reset(self):
        self.ledger = Ledger()
        self.pve = Proxmox(self.ledger)
        self.pve_contract.breaches.clear()
        self.cf = Cloudflare(self.ledger, ACCOUNT, ZONE, DOMAIN, CF_TOKEN)
        self.stripe = Stripe(self.ledger, STRIPE_KEY, os.path.join(CONTRACTS, "events", "dahlia"))
        self.dns.reset()
        self.cf_contract.breaches.clear()
        self.rtc_contract.breaches.clear()
        self.stripe_contract.breaches.clear()

    def provider(self, contract, backend, prefix, method, target, headers, body):
        """One exchange with a provider, under its contract and the fault plan."""
        path, _, query = target.partition("?")
        short = path[len(prefix):]
        found = contract.request(method, target, headers.get("Content-Type", ""), body)
        fault = self.ledger.fault_for(method, short)
        if fault in ("refuse", "drop"):
            return LOST
        if fault == "stall":
            time.sleep(35)
            return LOST
        if fault in ("400", "409", "429", "500", "auth"):
            return self.fault_answer(backend, fault)
        with self.ledger.lock:
            status, payload = backend.handle(method, short, urllib.parse.parse_qs(query), body, headers)
        contract.answer(found, status, payload)
        raw = json.dumps(payload).encode()
        if fault == "lose":
            return LOST
        if fault == "garbage":
            raw = b"<html><body>bad gateway</body></html>"
        elif fault == "truncate":
            raw = raw[: len(raw) // 2]
        elif fault == "wrong-id":
            raw = raw.replace(b'"id": "', b'"id": "wrong', 1)
        elif fault == "lag" and method == "GET" and isinstance(payload.get("result"), list):
            raw = json.dumps(dict(payload, result=[])).encode()
        return status, raw, {}

    def rtc(self, method, target, headers, body):
        """One exchange with the TURN service's own host, whose answers have no envelope."""
        path = target.partition("?")[0]
        found = self.rtc_contract.request(method, target, headers.get("Content-Type", ""), body)
        fault = self.ledger.fault_for(method, path)
        if fault in ("refuse", "drop"):
            return LOST
        if fault in ("429", "500"):
            return int(fault), b"", {"Retry-After": "1"} if fault == "429" else {}
        with self.ledger.lock:
            status, payload = self.cf.rtc(method, path.strip("/").split("/"), body, headers)
        self.rtc_contract.answer(found, status, payload)
        if fault == "lose":
            return LOST
        return status, b"<html>" if fault == "garbage" else b"" if payload is None else json.dumps(payload).encode(), {}

    @staticmethod
    def fault_answer(backend, fault):
        status = {"400": 400, "409": 409, "429": 429, "500": 500, "auth": 401}[fault]
        if isinstance(backend, Stripe):
            _, payload = Stripe.error(status, "api_error", "planned", "a planned fault")
        else:
            payload = Cloudflare.refusal({"400": 1056, "409": 1013, "429": 971, "500": 10001, "auth": 1000}[fault], "a planned fault")
        return status, json.dumps(payload).encode(), {"Retry-After": "1"} if fault == "429" else {}

    def control(self, method, path, body):
        said = json.loads(body) if body else {}
        if path == "/_world/state":
            return {"tunnels": [dict(t, connections=list(t["connections"])) for t in self.cf.tunnels.values()],
                    "records": list(self.cf.records.values()),
                    "zones": [dict(z, records=list(z["records"].values())) for z in self.cf.zones.values()],
                    "hostnames": list(self.cf.hostnames.values()), "fallback": self.cf.fallback, "stripe": self.stripe.objects,
                    "apps": [self.cf.app_object(a) for a in self.cf.apps.values()],
                    "limits": self.cf.ruleset["rules"] if self.cf.ruleset else []}
        if path == "/_world/effects":
            return self.ledger.effects
        if path == "/_world/calls":
            return self.ledger.calls
        if path == "/_world/breaches":
            return (self.cf_contract.breaches + self.rtc_contract.breaches + self.stripe_contract.breaches
                    + self.pve_contract.breaches)
        if path == "/_world/faults":
            return self.ledger.faults_set(said) or {}
        if path == "/_world/stripe":
            return self.stripe.put(said["kind"], said["members"])
        if path == "/_world/endpoints":  # webhook endpoints of the Stripe account
            self.stripe.endpoints = said
            return {}
        if path == "/_world/event":
            return self.stripe.event(said["type"], said["object"], said.get("created"))
        if path == "/_world/cloudflare":  # what of the account or zone is otherwise than it is by default
            for name, value in said.items():
                assert name in ("plan", "apps_max", "team", "zones_begin"), name
                setattr(self.cf, name, value)
            return {}
        if path == "/_world/provider":  # a foreign hand at the provider: a call past the contract and the faults
            return self.cf.route(said["method"], said["path"].strip("/").split("/"), {}, said.get("body", {}))[1]
        if path == "/_world/edge":  # what a visitor of a host name is answered, without TLS and body
            return {"status": self.edge(said["host"], "GET", "/", {}, b"")[0]}
        if path == "/_world/verdict":
            return {"verdict": self.cf.access_verdict(**said), "asks": self.cf.asks_for(said["host"])}
        if path == "/_world/tunnel":
            return self.cf.foreign_tunnel(said)
        if path == "/_world/record":
            zone = next((z for z in self.cf.zones.values() if z["name"] == said.get("zone")), None)
            return self.cf.record_create(said, zone)[1]
        if path == "/_world/zone":
            return self.cf.zone_move(said["name"], said["status"])
        if path == "/_world/hostname":
            return self.cf.hostname_move(said["hostname"], said["status"], said["ssl"])
        if path == "/_world/connect":
            return {"ok": self.cf.connect(said["token"], said["connector"], said.get("config"))}
        if path == "/_world/disconnect":
            return self.cf.disconnect(said["token"], said["connector"]) or {}
        if path == "/_world/dns":
            return [self.dns.command(line) for line in said] and {}
        if path == "/_world/turn":
            self.cf.turn_usage.update(said.get("usage", {}))
            return {"keys": list(self.cf.turn_keys.values()), "credentials": self.cf.turn_credentials}
        if path == "/_world/forget":
            return self.cf.forget(said["id"]) or {}
        if path == "/_world/disconnect-all":
            for t in self.cf.tunnels.values():
                t["connections"] = {}
            return {}
        if path == "/_world/pve":
            with self.ledger.lock:
                return self.pve.state()
        if path == "/_world/pve-plan":
            return self.pve.plan.update(said) or {}
        if path == "/_world/pve-foreign":
            return self.pve.foreign(said["vmid"])
        if path == "/_world/pve-version":
            self.pve.version = said["version"]
            return {}
        if path == "/_world/reset":
            return self.reset() or {}
        raise KeyError(path)

    def edge(self, host, method, target, headers, body):
        with self.ledger.lock:
            status, page = self.cf.edge(host, target.partition("?")[0])
        if status:
            return status, page.encode(), {}
        return edge.ask(page, self.cf.origin_request(host, page), host, method, target, body)

    def relay(self, host, target, headers, peer):
        """A WebSocket through the edge; the edge's page if it leads nowhere."""
        with self.ledger.lock:
            status, page = self.cf.edge(host, target.partition("?")[0])
        if status == 0 and edge.relay(peer, page, self.cf.origin_request(host, page), host, target, headers):
            return None
        return status or 502, page.encode() if status else b"error code: 502", {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms each otherwise
    world = None

    def log_message(self, *_):
        pass

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        host = (self.headers.get("Host") or "").partition(":")[0]
        w = self.world
        if path.startswith("/_world/"):
            answer = 200, json.dumps(w.control(self.command, path, body)).encode(), {}
        elif w.cf.serves(host) and self.headers.get("Upgrade", "").lower() == "websocket":
            answer = w.relay(host, self.path, self.headers, self.connection) or LOST
        elif w.cf.serves(host):
            answer = w.edge(host, self.command, self.path, self.headers, body)
        elif path == "/client/v4/graphql":
            status, payload = w.cf.graphql(body, self.headers)
            answer = status, json.dumps(payload).encode(), {}
        elif path.startswith("/v1/turn/"):
            answer = w.rtc(self.command, self.path, self.headers, body)
        elif path.startswith("/api2/json/"):
            answer = w.pve.exchange(w.pve_contract, self.command, self.path, self.headers, body, LOST)
        elif path.startswith("/client/v4/"):
            answer = w.provider(w.cf_contract, w.cf, "/client/v4", self.command, self.path, self.headers, body)
        else:
            answer = w.provider(w.stripe_contract, w.stripe, "", self.command, self.path, self.headers, body)
        if answer is LOST:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, raw, headers = answer
        self.send_response(status, headers.pop("_reason", None))
        self.send_header("Content-Type", headers.pop("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A peer that was killed in the middle of a request is what the tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def certificate(folder):
    """A CA of our own, and a certificate by it for this machine and the test domain."""
    ca, key, cert = (os.path.join(folder, n) for n in ("ca.pem", "key.pem", "cert.pem"))
    run = lambda *argv: subprocess.run(argv, check=True, capture_output=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=sett test CA", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", # asked for since Python 3.13
        "-keyout", os.path.join(folder, "ca.key"), "-out", ca)
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
        "-keyout", key, "-out", os.path.join(folder, "cert.csr"))
    names = os.path.join(folder, "names.cnf")
    with open(names, "w", encoding="utf-8") as f:
        f.write(f"subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:{DOMAIN},DNS:*.{DOMAIN},DNS:mustermann.de,DNS:*.mustermann.de,DNS:*.kunde.de,DNS:*.co.uk\n"
                "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
    run("openssl", "x509", "-req", "-in", os.path.join(folder, "cert.csr"), "-CA", ca, "-CAkey",
        os.path.join(folder, "ca.key"), "-CAcreateserial", "-days", "2", "-extfile", names, "-out", cert)
    return ca, cert, key


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    ca, cert, key = certificate(args.folder)
    Handler.world = World()
    server = Server(("127.0.0.1", args.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(json.dumps({"port": server.server_address[1], "ca": ca, "account": ACCOUNT, "zone": ZONE, "domain": DOMAIN,
                      "cf_token": CF_TOKEN, "stripe_key": STRIPE_KEY, "pve_token": PVE_TOKEN, "pve_token_id": PVE_TOKEN_ID,
                      "dns": f"127.0.0.1:{Handler.world.dns.port}"}), flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
