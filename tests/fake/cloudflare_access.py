"""Access at the fake Cloudflare: applications and the policies that belong to one application. A
visitor of a host name that an application covers is judged by them, as the edge would."""
import ipaddress
import uuid

from cloudflare_common import Refusal, now

APPS_MAX = 500


class Access:
    """A part of the fake, mixed into it."""

    def access_reset(self):
        self.apps, self.policies = {}, {}
        self.apps_max = APPS_MAX
        self.team = "acme"  # None: the token may not read it

    def access(self, method, rest, query, body):
        if rest == ["organizations"] and method == "GET":
            if self.team is None:
                raise Refusal(403, 10000, "Authentication error")
            return 200, self.ok({"auth_domain": f"{self.team}.cloudflareaccess.com", "name": "Acme", "session_duration": "24h",
                                 "created_at": now(), "updated_at": now()})
        if rest[:1] != ["apps"]:
            raise Refusal(404, 7003, "No route for that URI")
        if len(rest) == 1:
            return self.app_create(body) if method == "POST" else self.app_list(query)
        app = self.apps.get(rest[1])
        if app is None:
            raise Refusal(404, 12130, "access.api.error.not_found")
        if len(rest) > 2:
            return self.policy(method, app, rest[3:], body)
        if method == "DELETE":
            del self.apps[app["id"]]
            self.policies.pop(app["id"])
            self.ledger.effect("app-deleted", app["id"], name=app["name"])
            return 202, self.ok({"id": app["id"]})
        return 200, self.ok(self.app_object(app))

    def app_object(self, app):
        return dict(app, policies=self.policies[app["id"]])

    def app_list(self, query):
        found = list(self.apps.values())
        for key in ("name", "domain"):
            if key in query:
                exact = query.get("exact", ["false"])[0] == "true"
                found = [a for a in found if (a[key] == query[key][0] if exact else query[key][0] in a[key])]
        page, size = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["25"])[0])
        shown = [self.app_object(a) for a in found][(page - 1) * size:page * size]
        return 200, self.ok(shown, page=page, per_page=size, count=len(shown), total_count=len(found))

    def app_create(self, body):
        domain = body.get("domain", "")
        if not self.serves(domain):
            raise Refusal(400, 12130, "access.api.error.invalid_request: domain does not belong to zone")
        if any(a["domain"] == domain for a in self.apps.values()):
            raise Refusal(409, 12131, "access.api.error.application_already_exists")
        if len(self.apps) >= self.apps_max:
            raise Refusal(400, 12132, "access.api.error.quota: maximum number of applications reached")
        app = {"id": str(uuid.uuid4()), "aud": uuid.uuid4().hex * 2, "name": body["name"], "domain": domain,
               "self_hosted_domains": [domain], "destinations": [{"type": "public", "uri": domain}],
               "type": "self_hosted", "session_duration": body.get("session_duration", "24h"),
               "app_launcher_visible": body.get("app_launcher_visible", True), "allowed_idps": [], "tags": [],
               "created_at": now(), "updated_at": now()}
        self.apps[app["id"]], self.policies[app["id"]] = app, []
        self.ledger.effect("app-created", app["id"], name=app["name"])
        return 201, self.ok(self.app_object(app))

    def policy(self, method, app, rest, body):
        all_ = self.policies[app["id"]]
        if not rest and method == "GET":
            return 200, self.ok(all_, page=1, per_page=100, count=len(all_), total_count=len(all_))
        if not rest:
            if any(p["precedence"] == body.get("precedence") for p in all_):
                raise Refusal(409, 12135, "access.api.error.conflict: precedence is taken")
            p = {"id": str(uuid.uuid4()), "app_count": 1, "reusable": False, "exclude": [], "require": [],
                 "session_duration": "24h", "created_at": now(), "updated_at": now(),
                 **{k: body[k] for k in body}}
            p.setdefault("precedence", 1 + max((q["precedence"] for q in all_), default=0))
            all_.append(p)
            all_.sort(key=lambda q: q["precedence"])
            self.ledger.effect("policy-created", p["id"], name=p["name"])
            return 201, self.ok(p)
        kept = [p for p in all_ if p["id"] != rest[0]]
        if len(kept) == len(all_):
            raise Refusal(404, 12130, "access.api.error.not_found")
        self.policies[app["id"]] = kept
        self.ledger.effect("policy-deleted", rest[0])
        return 202, self.ok({"id": rest[0]})

    @staticmethod
    def rule_fits(rule, address, email):
        kind, said = next(iter(rule.items()))
        if kind == "everyone":
            return True
        if kind == "ip":
            return ipaddress.ip_address(address) in ipaddress.ip_network(said["ip"], strict=False)
        if kind == "email":
            return email == said["email"]
        return kind == "email_domain" and email.endswith("@" + said["domain"])

    def access_verdict(self, host, address="203.0.113.9", email=""):
        """What is said to a visitor: None (not covered), "allow", "login" or "deny" by Access; "refuse" by the
        connector, which looks at the token that Access gave, and whose it is, if its rules say so."""
        app = next((a for a in self.apps.values() if a["domain"] == host), None)
        said, by_address = self.edge_verdict(host, address, email)
        token = {"team": self.team, "aud": app["aud"]} if said == "allow" and not by_address else None
        return "refuse" if said in ("allow", None) and not self.connector_takes(host, token) else said

    def asks_for(self, host):
        """What the connectors ask visitors of a host name for: the rule's own words."""
        for t in self.tunnels.values():
            for rule in (t["config"] or {}).get("ingress", []):
                if t["deleted_at"] is None and rule.get("hostname") == host:
                    return (rule.get("originRequest") or {}).get("access")
        return None

    def connector_takes(self, host, token):
        asked = self.asks_for(host)
        if not asked or not asked.get("required"):
            return True
        return token is not None and asked.get("teamName") == token["team"] and token["aud"] in asked.get("audTag", [])

    def edge_verdict(self, host, address, email):
        """Access alone: what it says, and whether by the address, which gives no token."""
        app = next((a for a in self.apps.values() if a["domain"] == host), None)
        if app is None:
            return None, False
        asked = False
        for p in self.policies[app["id"]]:
            fits = any(self.rule_fits(r, address, email) for r in p["include"]) and \
                not any(self.rule_fits(r, address, email) for r in p["exclude"])
            if p["decision"] == "bypass" and fits:
                return "allow", True
            if p["decision"] == "deny" and fits:
                return "deny", False
            if p["decision"] == "allow":
                asked = True
                if fits and email:
                    return "allow", False
        return ("login" if asked and not email else "deny"), False
