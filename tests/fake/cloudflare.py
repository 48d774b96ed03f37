"""A stateful Cloudflare: zones, DNS records, tunnels with their configuration and connections, and
the edge that answers for the host names. Rules and error codes follow the provider's description."""
import base64
import json
import re
import uuid
import time

from cloudflare_access import Access
from cloudflare_common import Refusal, now
from cloudflare_domains import Domains
from cloudflare_probe import CloudflareProbe
from cloudflare_rules import Rules
from cloudflare_tunnels import Tunnels
from cloudflare_turn import CloudflareTurn


class Cloudflare(Access, CloudflareProbe, CloudflareTurn, Domains, Rules, Tunnels):
    def __init__(self, ledger, account, zone, domain, token):
        self.ledger, self.account, self.zone, self.domain, self.token = ledger, account, zone, domain, token
        self.tunnels, self.records = {}, {}
        self.turn_reset()
        self.lagging = {}
        self.access_reset()
        self.rules_reset()
        self.domains_reset()

    def zone_names(self):
        return [self.domain] + [z["name"] for z in self.zones.values()]

    # The envelope every answer has.
    @staticmethod
    def ok(result, **info):
        out = {"success": True, "errors": [], "messages": [], "result": result}
        if info:
            out["result_info"] = info
        return out

    @staticmethod
    def refusal(code, message):
        return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 403, self.refusal(10000, "Authentication error")
        try:
            return self.route(method, path.strip("/").split("/"), query, json.loads(body) if body else {})
        except Refusal as r:
            return r.status, self.refusal(r.code, r.message)

    def route(self, method, parts, query, body):
        if parts[0] == "user":
            return 200, self.ok({"id": "f" * 32, "status": "active"})
        if parts[0] == "accounts":
            if len(parts) == 1:
                return 200, self.ok([], page=1, per_page=20, count=0, total_count=0)
            if parts[1] != self.account:
                raise Refusal(403, 10000, "Authentication error")
            if parts[2] == "tokens":
                return 200, self.ok({"id": "f" * 32, "status": "active"})
            if parts[2] == "calls" and parts[3] == "turn_keys":
                return self.turn_route(method, parts[4:], body)
            if parts[2] == "cfd_tunnel":
                return self.tunnel(method, parts[3:], query, body)
            if parts[2] == "access":
                return self.access(method, parts[3:], query, body)
        if parts[0] == "zones":
            if len(parts) == 1:
                return self.zones_all(method, query, body)
            if parts[1] != self.zone:
                return self.zone_of_a_customer(method, parts[1:], query, body)
            if len(parts) == 2:
                return 200, self.ok(self.zone_object())
            if parts[2] == "custom_hostnames":
                return self.custom_hostname(method, parts[3:], query, body)
            if parts[2] == "dns_records":
                return self.record(method, parts[3:], query, body)
            if parts[2] == "rulesets":
                return self.rulesets(method, parts[3:], body)
        raise Refusal(404, 7003, "No route for that URI")

    def zone_object(self, ident=None, name=None, status="active", servers=("ada.ns.cloudflare.com", "bob.ns.cloudflare.com")):
        return {"id": ident or self.zone, "name": name or self.domain, "status": status, "paused": False, "type": "full",
                "development_mode": 0, "name_servers": list(servers),
                "original_name_servers": None, "original_registrar": None, "original_dnshost": None,
                "created_on": now(), "modified_on": now(), "activated_on": now() if status == "active" else None,
                "account": {"id": self.account, "name": "test"}, "owner": {"id": None, "type": "user", "name": None},
                "meta": {"step": 4, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": False},
                "permissions": ["#dns_records:edit"], "plan": {"id": "0" * 32, "name": f"{self.plan.title()} Website", "price": 0,
                "currency": "USD", "frequency": "", "is_subscribed": False, "can_subscribe": False,
                "legacy_id": self.plan, "legacy_discount": False, "externally_managed": False}}

    # Tunnels.
    def tunnel_object(self, t):
        connected = bool(t["connections"])
        return {"id": t["id"], "account_tag": self.account, "created_at": t["created_at"], "deleted_at": t["deleted_at"],
                "name": t["name"], "connections": [], "conns_active_at": t["created_at"] if connected else None,
                "conns_inactive_at": None if connected else t["created_at"], "tun_type": "cfd_tunnel", "metadata": {},
                "status": "healthy" if connected else "inactive", "remote_config": t["config_src"] == "cloudflare",
                "config_src": t["config_src"]}

    def tunnel_token(self, t):
        return base64.b64encode(json.dumps({"a": self.account, "t": t["id"], "s": t["secret"]},
                                           separators=(",", ":")).encode()).decode()

    def tunnel(self, method, rest, query, body):
        if not rest:
            return self.tunnels_all(method, query, body)
        t = self.tunnels.get(rest[0])
        if t is None:
            raise Refusal(404, 1003, "Tunnel not found")
        if len(rest) == 1:
            if method == "GET":
                return 200, self.ok(self.tunnel_object(t))
            if method == "DELETE":
                if t["connections"]:
                    raise Refusal(400, 1022, "Cannot delete tunnel because it has active connections")
                if t["deleted_at"] is None:
                    t["deleted_at"] = now()
                    self.ledger.effect("tunnel-deleted", t["id"], name=t["name"])
                return 200, self.ok(self.tunnel_object(t))
        if t["deleted_at"] is not None:
            raise Refusal(404, 1003, "Tunnel not found")
        if rest[1] == "token":
            return 200, self.ok(self.tunnel_token(t))
        if rest[1] == "connections":
            if method == "DELETE":
                t["connections"] = {}
                return 200, self.ok({})
            return 200, self.ok([{"id": c, "features": ["ha-origin"], "version": "2025.5.0", "arch": "linux_amd64",
                                  "config_version": t["version"], "run_at": t["created_at"],
                                  "conns": [{"id": c, "client_id": c, "client_version": "2025.5.0", "colo_name": "FRA01",
                                             "is_pending_reconnect": False, "opened_at": t["created_at"],
                                             "origin_ip": "127.0.0.1", "uuid": c}]} for c in t["connections"]])
        if rest[1] == "configurations":
            if method == "PUT":
                return self.configure(t, body)
            return 200, self.ok(self.configuration(t))
        raise Refusal(404, 7003, "No route for that URI")

    def configuration(self, t):
        return {"tunnel_id": t["id"], "account_id": self.account, "version": t["version"], "config": t["config"],
                "source": "cloudflare", "created_at": t["created_at"]}

    def configure(self, t, body):
        rules = body.get("config", {}).get("ingress", [])
        if not rules or rules[-1].get("hostname") or rules[-1].get("path"):
            raise Refusal(400, 1056, "Bad Configuration: The last ingress rule must match all URLs")
        t["config"], t["version"] = body["config"], t["version"] + 1
        self.ledger.effect("configured", t["id"], version=t["version"])
        return 200, self.ok(self.configuration(t))

    def tunnels_all(self, method, query, body):
        if method == "GET":
            found = list(self.tunnels.values())
            if query.get("is_deleted", [""])[0] == "false":
                found = [t for t in found if t["deleted_at"] is None]
            if "name" in query:
                found = [t for t in found if t["name"] == query["name"][0]]
            found = [self.tunnel_object(t) for t in found]
            return 200, self.ok(found, page=1, per_page=1000, count=len(found), total_count=len(found))
        name = body.get("name", "")
        if any(t["name"] == name and t["deleted_at"] is None for t in self.tunnels.values()):
            raise Refusal(409, 1013, "You already have a tunnel with this name. Delete the existing tunnel, or "
                                     "choose a different name for your new tunnel")
        secret = body.get("tunnel_secret") or base64.b64encode(uuid.uuid4().bytes * 2).decode()
        t = {"id": str(uuid.uuid4()), "name": name, "secret": secret, "created_at": now(), "deleted_at": None,
             "config_src": body.get("config_src", "local"), "config": None, "version": 0, "connections": {}}
        self.tunnels[t["id"]] = t
        self.ledger.effect("tunnel-created", t["id"], name=name)
        credentials = {"AccountTag": self.account, "TunnelID": t["id"], "TunnelName": name, "TunnelSecret": secret}
        return 200, self.ok(dict(self.tunnel_object(t), credentials_file=credentials, token=self.tunnel_token(t)))

    # DNS.
    def record(self, method, rest, query, body, zone=None):
        records = self.records if zone is None else zone["records"]
        if not rest:
            if method == "GET":
                found = list(records.values())
                for key, member in (("type", "type"), ("name.exact", "name"), ("name", "name"),
                                    ("content.exact", "content"), ("comment.exact", "comment")):
                    if key in query:
                        found = [r for r in found if r[member] == query[key][0]]
                if "comment.startswith" in query:
                    found = [r for r in found if (r["comment"] or "").startswith(query["comment.startswith"][0])]
                if "comment.contains" in query:
                    found = [r for r in found if query["comment.contains"][0] in (r["comment"] or "")]
                return 200, self.ok(found, page=1, per_page=100, count=len(found), total_count=len(found))
            return self.record_create(body, zone)
        r = records.get(rest[0])
        if r is None:
            raise Refusal(404, 81044, "Record does not exist.")
        if method == "DELETE":
            del records[r["id"]]
            self.ledger.effect("record-deleted", r["id"], name=r["name"], comment=r["comment"])
            return 200, self.ok({"id": r["id"]})
        if method in ("PUT", "PATCH"):
            r.update({k: body[k] for k in ("content", "comment", "proxied", "ttl", "name", "type") if k in body})
            r["modified_on"] = now()
            self.ledger.effect("record-changed", r["id"], name=r["name"])
        return 200, self.ok(r)

    def record_create(self, body, zone=None):
        records, domain = (self.records, self.domain) if zone is None else (zone["records"], zone["name"])
        name = body["name"] if body["name"].endswith(domain) else f"{body['name']}.{domain}"
        for r in records.values():
            if r["name"] == name:
                if r["type"] == body["type"] and r["content"] == body["content"]:
                    raise Refusal(400, 81058, "An identical record already exists.")
                if "CNAME" in (r["type"], body["type"]) and {r["type"], body["type"]} <= {"A", "AAAA", "CNAME"}:
                    raise Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        r = {"id": uuid.uuid4().hex, "name": name, "type": body["type"], "content": body["content"],
             "proxiable": True, "proxied": body.get("proxied", False), "ttl": body.get("ttl", 1),
             "settings": {}, "meta": {}, "comment": body.get("comment"), "tags": [],
             "created_on": now(), "modified_on": now()}
        records[r["id"]] = r
        self.ledger.effect("record-created", r["id"], name=name, comment=r["comment"])
        return 200, self.ok(r)

    # The edge: which service answers for a host name. Returns (status, page) or (0, service).
    def edge(self, host, path="/"):
        wildcard = "*." + host.partition(".")[2]
        r = next((r for r in self.records.values() if r["name"] == host), None) or \
            next((r for r in self.records.values() if r["name"] == wildcard), None) or \
            self.customer_record(host)
        if r is None:
            return 530, "error code: 1016"
        t = self.tunnels.get(r["content"].removesuffix(".cfargotunnel.com"))
        if t is None or t["deleted_at"] is not None or not t["connections"]:
            return 530, "error code: 1033"
        for rule in (t["config"] or {}).get("ingress", []):
            wanted = rule.get("hostname") or ""
            meant = wanted in ("", host) or (wanted.startswith("*.") and host.endswith(wanted[1:]))
            if meant and re.search(rule.get("path") or "", path):
                service = rule["service"]
                if service.startswith("http_status:"):
                    return int(service.split(":")[1]), ""
                return 0, service
        return 503, "error code: 503"

    def connect(self, token, connector, config=None):
        said = json.loads(base64.b64decode(token))
        t = self.tunnels.get(said["t"])
        if t is None or t["deleted_at"] is not None or t["secret"] != said["s"]:
            return False
        t["connections"][connector] = time.time()
        if config and t["config_src"] == "local":
            t["config"] = config  # what this connector goes by; the API would not say
        return True

    def disconnect(self, token, connector):
        said = json.loads(base64.b64decode(token))
        t = self.tunnels.get(said["t"])
        if t is not None:
            t["connections"].pop(connector, None)
