"""The fake Cloudflare's API as somebody else uses it: with the same token, and without our care."""
import http.client
import json
import ssl


class Provider:
    def __init__(self, world):
        self.world = world

    def call(self, method, path, body=None):
        w = self.world
        c = http.client.HTTPSConnection("127.0.0.1", w.port, timeout=30, context=ssl.create_default_context(cafile=w.ca))
        headers = {"Authorization": f"Bearer {w.facts['cf_token']}", "Content-Type": "application/json"}
        c.request(method, "/client/v4" + path, json.dumps(body) if body is not None else None, headers)
        answer = json.loads(c.getresponse().read())
        assert answer["success"], answer
        return answer["result"]

    def record(self, method, ident="", body=None):
        return self.call(method, f"/zones/{self.world.facts['zone']}/dns_records{ident and '/' + ident}", body)

    def tunnel(self, method, ident="", body=None):
        return self.call(method, f"/accounts/{self.world.facts['account']}/cfd_tunnel{ident and '/' + ident}", body)
