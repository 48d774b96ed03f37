"""Cloudflare's TURN service: keys of the account, which are shown once; short-lived credentials made with a key
alone, at another host; what they relayed, by the analytics' GraphQL."""
import json
import re
import secrets
import time

PORTS = ("3478?transport=udp", "53?transport=udp", "443?transport=udp", "3478?transport=tcp", "80?transport=tcp")


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class CloudflareTurn:
    turn_keys, turn_credentials, turn_usage = None, None, None

    def turn_reset(self):
        self.turn_keys, self.turn_credentials, self.turn_usage = {}, {}, {}

    @staticmethod
    def turn_shown(key):
        return {m: key[m] for m in ("uid", "name", "created", "modified")}

    def turn_route(self, method, rest, body):
        if not rest:
            if method == "GET":
                return 200, self.ok([self.turn_shown(k) for k in self.turn_keys.values()])
            key = {"uid": secrets.token_hex(16), "name": body.get("name", ""), "created": now(), "modified": now(),
                   "key": secrets.token_hex(32)}
            self.turn_keys[key["uid"]] = key
            self.ledger.effect("turn-key-created", key["uid"], name=key["name"])
            return 201, self.ok(dict(self.turn_shown(key), key=key["key"]))
        key = self.turn_keys.get(rest[0])
        if key is None:
            return 400, self.refusal(10005, "TURN key not found")
        if method == "DELETE":
            del self.turn_keys[key["uid"]]
            self.ledger.effect("turn-key-deleted", key["uid"], name=key["name"])
        return 200, self.ok(self.turn_shown(key))

    def rtc(self, method, parts, body, headers):
        """rtc.live.cloudflare.com: /v1/turn/keys/UID/credentials/…; no envelope."""
        key = self.turn_keys.get(parts[3])
        if key is None:
            return 404, None
        if headers.get("Authorization") != f"Bearer {key['key']}":
            return 401, None
        if parts[-1] == "revoke":
            found = self.turn_credentials.get(parts[5])
            if found is None or found["uid"] != key["uid"]:
                return 404, None
            found["revoked"] = True
            return 204, None
        said = json.loads(body)
        name = secrets.token_hex(24)
        self.turn_credentials[name] = {"uid": key["uid"], "ttl": said["ttl"], "custom": said.get("customIdentifier"), "revoked": False}
        urls = [f"turn:turn.cloudflare.com:{p}" for p in PORTS] + ["turns:turn.cloudflare.com:5349?transport=tcp"]
        return 201, {"iceServers": [{"urls": ["stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53"]},
                                    {"urls": urls, "username": name, "credential": secrets.token_hex(24)}]}

    def graphql(self, body, headers):
        """The one query that is known here; not part of the API's description."""
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 403, {"data": None, "errors": [{"message": "not authorized for that account"}]}
        query = json.loads(body)["query"]
        uid = re.search(r'keyId:"([0-9a-f]{32})"', query)
        if f'accountTag:"{self.account}"' not in query or not uid or "callsTurnUsageAdaptiveGroups" not in query:
            return 200, {"data": None, "errors": [{"message": "unknown arg or field"}]}
        used = self.turn_usage.get(uid[1])
        groups = [{"sum": {"egressBytes": used[0], "ingressBytes": used[1]}}] if used else []
        return 200, {"data": {"viewer": {"accounts": [{"callsTurnUsageAdaptiveGroups": groups}]}}, "errors": None}
