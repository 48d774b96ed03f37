"""Customers' domains at the fake Cloudflare: zones with a life of their own, which tests move on by their word,
and custom hostnames with a fallback origin. A zone answers at the edge only while it is active."""
import uuid
import time

from cloudflare_common import Refusal, now

HOUR_S = 3600
NAMES = ("hera", "karsyn", "otto", "lena", "bob", "ada", "sam", "uma")


def spelled(name):
    """Zones bear the Unicode spelling of their names, and are found by no other."""
    return name.encode().decode("idna")


class Domains:
    def domains_reset(self):
        self.zones, self.hostnames, self.fallback = {}, {}, ""
        self.zones_begin = "pending"

    # Zones.
    def customer_zone(self, z):
        return self.zone_object(z["id"], spelled(z["name"]), z["status"], z["servers"])

    def zones_all(self, method, query, body):
        if method == "POST":
            return self.zone_create(body)
        found = [self.zone_object()] + [self.customer_zone(z) for z in self.zones.values()]
        if "name" in query:
            found = [z for z in found if z["name"] == query["name"][0]]
        return 200, self.ok(found, page=1, per_page=50, count=len(found), total_count=len(found))

    def zone_create(self, body):
        name = body["name"]
        if body["account"]["id"] != self.account:
            raise Refusal(403, 10000, "Authentication error")
        if name in self.zone_names():
            raise Refusal(400, 1061, f"{name} already exists")
        if name.startswith("unregistered"):
            raise Refusal(400, 1049, f"{name} is not a registered domain")
        n = sum(name.encode()) % (len(NAMES) - 1)
        z = {"id": uuid.uuid4().hex, "name": name, "status": self.zones_begin, "records": {}, "checked": 0.0,
             "servers": [f"{NAMES[n]}.ns.cloudflare.com", f"{NAMES[n + 1]}.ns.cloudflare.com"]}
        self.zones[z["id"]] = z
        self.ledger.effect("zone-created", z["id"], name=name)
        return 200, self.ok(self.customer_zone(z))

    def zone_of_a_customer(self, method, parts, query, body):
        z = self.zones.get(parts[0])
        if z is None:
            raise Refusal(400, 1001, "Invalid zone identifier")
        if len(parts) == 1:
            if method == "DELETE":
                del self.zones[z["id"]]
                self.ledger.effect("zone-deleted", z["id"], name=z["name"])
                return 200, self.ok({"id": z["id"]})
            return 200, self.ok(self.customer_zone(z))
        if parts[1] == "activation_check":
            if time.time() - z["checked"] < HOUR_S:
                raise Refusal(400, 1224, "You may only perform this action once per hour.")
            z["checked"] = time.time()
            self.ledger.effect("activation-checked", z["id"], name=z["name"])
            return 200, self.ok({"id": z["id"]})
        if parts[1] == "dns_records":
            return self.record(method, parts[2:], query, body, z)
        raise Refusal(404, 7003, "No route for that URI")

    def zone_move(self, name, status):
        """By a test's word: pending, active, moved, deleted."""
        z = next(z for z in self.zones.values() if z["name"] == name)
        z["status"] = status
        if status == "deleted":
            del self.zones[z["id"]]
        return self.customer_zone(z)

    # Custom hostnames.
    def hostname_object(self, h):
        ssl = {"id": h["ssl_id"], "type": "dv", "method": h["method"], "status": h["ssl"], "bundle_method": "ubiquitous",
               "certificate_authority": "google", "wildcard": False, "settings": {"min_tls_version": "1.2"},
               "validation_errors": [], "validation_records": []}
        if h["ssl"] != "active":
            ssl["validation_records"] = [{"status": "pending", "txt_name": f"_acme-challenge.{h['hostname']}",
                                          "txt_value": h["token"]}]
        return {"id": h["id"], "hostname": h["hostname"], "status": h["status"], "ssl": ssl, "created_at": now(),
                "custom_origin_server": h["origin"],
                "ownership_verification": {"type": "txt", "name": f"_cf-custom-hostname.{h['hostname']}", "value": h["token"]},
                "ownership_verification_http": {
                    "http_url": f"http://{h['hostname']}/.well-known/cf-custom-hostname-challenge/{h['id']}", "http_body": h["token"]}}

    def custom_hostname(self, method, rest, query, body):
        if rest == ["fallback_origin"]:
            return self.fallback_origin(method, body)
        if not rest:
            if method == "POST":
                return self.hostname_create(body)
            found = [self.hostname_object(h) for h in self.hostnames.values()
                     if h["hostname"] == query.get("hostname", [h["hostname"]])[0]]
            return 200, self.ok(found, page=1, per_page=50, count=len(found), total_count=len(found))
        h = self.hostnames.get(rest[0])
        if h is None:
            raise Refusal(404, 1436, "The custom hostname was not found.")
        if method == "DELETE":
            del self.hostnames[h["id"]]
            self.ledger.effect("hostname-deleted", h["id"], name=h["hostname"])
            return 200, {"id": h["id"]}  # the one answer without an envelope
        if method == "PATCH":
            self.hostname_ssl(body)
            h["origin"] = body.get("custom_origin_server", h["origin"])
            self.ledger.effect("hostname-changed", h["id"], name=h["hostname"])
            return 202, self.ok(self.hostname_object(h))
        return 200, self.ok(self.hostname_object(h))

    @staticmethod
    def hostname_ssl(body):
        ssl = body.get("ssl")
        if ssl is not None and not ("method" in ssl and "type" in ssl):
            raise Refusal(400, 1440, "Both validation type and validation method are required. Check your input and try again.")
        return (ssl or {}).get("method", "http")

    def hostname_create(self, body):
        method = self.hostname_ssl(body)
        if any(h["hostname"] == body["hostname"] for h in self.hostnames.values()):
            raise Refusal(409, 1406, "Duplicate custom hostname found.")
        if not self.fallback:
            raise Refusal(400, 1414, "A fallback origin is needed first.")
        h = {"id": str(uuid.uuid4()), "ssl_id": str(uuid.uuid4()), "hostname": body["hostname"], "method": method,
             "origin": body.get("custom_origin_server", ""), "status": "pending", "ssl": "pending_validation",
             "token": uuid.uuid4().hex}
        self.hostnames[h["id"]] = h
        self.ledger.effect("hostname-created", h["id"], name=h["hostname"])
        return 201, self.ok(self.hostname_object(h))

    def fallback_origin(self, method, body):
        if method == "PUT":
            if not any(r["name"] == body["origin"] and r["proxied"] for r in self.records.values()):
                raise Refusal(400, 1411, "The fallback origin must be a proxied record of the zone.")
            self.fallback = body["origin"]
            self.ledger.effect("fallback-set", self.fallback)
        if not self.fallback:
            return 200, self.ok({})
        return 200, self.ok({"origin": self.fallback, "status": "active", "errors": []})

    def hostname_move(self, hostname, status, ssl):
        """By a test's word."""
        h = next(h for h in self.hostnames.values() if h["hostname"] == hostname)
        h["status"], h["ssl"] = status, ssl
        return self.hostname_object(h)

    # The edge: what a host name of a customer meets first. Returns its record, or None.
    def customer_record(self, host):
        for z in self.zones.values():
            if z["status"] == "active" and (host == z["name"] or host.endswith("." + z["name"])):
                return next((r for r in z["records"].values() if r["name"] == host and r["proxied"]), None)
        for h in self.hostnames.values():
            if h["hostname"] == host and h["status"] == h["ssl"] == "active":
                return next((r for r in self.records.values() if r["name"] == (h["origin"] or self.fallback)), None)
        return None

    def serves(self, host):
        return any(host == z or host.endswith("." + z) for z in self.zone_names()) or \
            any(h["hostname"] == host for h in self.hostnames.values())
