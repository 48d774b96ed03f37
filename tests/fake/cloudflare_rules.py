"""Rulesets at the fake Cloudflare: the rate-limiting phase of the zone, with the numbers and the
fields of each plan."""
import uuid

from cloudflare_common import Refusal, now

# Of each plan: rules, longest counting period, longest mitigation, whether the host name may be asked for.
PLANS = {"free": (1, 10, 10, False), "pro": (2, 60, 3600, True), "business": (5, 600, 86400, True),
         "enterprise": (100, 65535, 86400, True)}


class Rules:
    """A part of the fake, mixed into it."""

    def rules_reset(self):
        self.plan, self.ruleset = "free", None

    def ruleset_object(self):
        return {k: v for k, v in self.ruleset.items() if k != "rules"} | {"rules": list(self.ruleset["rules"])}

    def rulesets(self, method, rest, body):
        if rest[:1] == ["phases"]:
            if self.ruleset is None:
                raise Refusal(404, 10003, "could not find entrypoint ruleset in the http_ratelimit phase")
            return 200, self.ok(self.ruleset_object())
        if not rest:
            if self.ruleset is not None:
                raise Refusal(400, 20217, "'zone' is not a valid value for kind because exceeded maximum number of "
                                          "zone rulesets for phase http_ratelimit")
            rules = [self.rule_made(r, []) for r in body.get("rules", [])]
            self.ruleset = {"id": uuid.uuid4().hex, "kind": "zone", "name": body["name"], "description": "",
                            "phase": body["phase"], "version": "1", "last_updated": now(), "rules": []}
            for rule in rules:
                self.rule_add(rule)
            return 200, self.ok(self.ruleset_object())
        if self.ruleset is None or rest[0] != self.ruleset["id"]:
            raise Refusal(404, 10003, "could not find ruleset")
        rules = self.ruleset["rules"]
        if len(rest) == 2:
            self.rule_add(self.rule_made(body, rules))
            return 200, self.ok(self.ruleset_object())
        at = next((i for i, r in enumerate(rules) if r["id"] == rest[2]), None)
        if at is None:
            raise Refusal(404, 10003, "could not find rule")
        if method == "DELETE":
            self.ledger.effect("limit-deleted", rules[at]["id"], description=rules[at].get("description"))
            del rules[at]
        else:
            others = rules[:at] + rules[at + 1:]
            rules[at] = dict(self.rule_made(body, others), id=rules[at]["id"])
            self.ledger.effect("limit-changed", rules[at]["id"], description=rules[at].get("description"))
        self.ruleset["version"] = str(int(self.ruleset["version"]) + 1)
        return 200, self.ok(self.ruleset_object())

    def rule_made(self, body, others):
        count, period, mitigation, host = PLANS[self.plan]
        if len(others) >= count:
            raise Refusal(400, 50001, "exceeded the maximum number of rules in the phase http_ratelimit: "
                                      f"{len(others) + 1} out of {count}")
        said = body["ratelimit"]
        if "cf.colo.id" not in said["characteristics"]:
            raise Refusal(400, 20127, "characteristics must contain cf.colo.id")
        if said["period"] > period or said.get("mitigation_timeout", 0) > mitigation:
            raise Refusal(400, 20120, f"not entitled to use the period {said['period']}, can only use one up to {period}")
        if "http.host" in body["expression"] and not host:
            raise Refusal(400, 20127, "not entitled to use the field http.host")
        ident = uuid.uuid4().hex
        return {"id": ident, "version": "1", "last_updated": now(), "ref": body.get("ref", ident), "enabled": True, **body}

    def rule_add(self, rule):
        self.ruleset["rules"].append(rule)
        self.ruleset["version"] = str(int(self.ruleset["version"]) + 1)
        self.ledger.effect("limit-created", rule["id"], description=rule.get("description"))
