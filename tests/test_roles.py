#!/usr/bin/env python3
"""Every route asked by everybody: nobody, each role, and credentials that are over, taken back, forged or of
somebody disabled; and what a customer sees of another. The routes come from the box itself, so that a new
one cannot be forgotten. Speaks TAP."""
import base64
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from totp import code
from web import BEGIN, PARAMS, STDIN, fastcgi, pair, record

ROLES = ["public", "customer", "viewer", "operator", "admin"]
PASSWORD = "a long enough password 7"
STREAMS = [("get", "/api/jobs/{id}/stream", "viewer"), ("get", "/api/events/stream", "customer"),
           ("get", "/api/orders/stream", "public")]


class Front:
    """Requests straight to the front's sockets."""

    def __init__(self, box):
        self.box = box

    def ask(self, method, path, headers=None, body=None, sock="front", address="192.0.2.5"):
        params = [("REQUEST_METHOD", method.upper()), ("REQUEST_URI", path), ("HTTP_HOST", "localhost"), ("REMOTE_ADDR", address)]
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            params.append(("CONTENT_TYPE", "application/json"))
        params += [("HTTP_" + k.upper().replace("-", "_"), v) for k, v in (headers or {}).items()]
        status, got, out = fastcgi(self.box.socket(sock), params, data)
        return status, dict(got), out

    def must(self, method, path, headers, body, *statuses):
        status, _, out = self.ask(method, path, headers, body)
        if status not in statuses:
            raise AssertionError(f"{method} {path}: {status} {out[:400]}")
        return json.loads(out) if out else {}

    def login(self, name, password=PASSWORD):
        status, headers, out = self.ask("POST", "/api/auth/login", None, {"username": name, "password": password})
        if status != 200:
            raise AssertionError(f"login of {name}: {status} {out[:300]}")
        said = json.loads(out)
        return {"Authorization": "Bearer " + said["access_token"]}, {"Cookie": headers["Set-Cookie"].split(";")[0]}, said


def user(front, admin, name, role, **more):
    return front.must("POST", "/api/users", admin, dict(name=name, role=role, password=PASSWORD, **more), 201)


def forge(bearer):
    """Tokens that are not ours: another signature, no signature at all, another role, another header."""
    head, claims, mac = bearer["Authorization"].split(" ")[1].split(".")

    def b64(data):
        return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    flipped = mac[:10] + ("A" if mac[10] != "A" else "B") + mac[11:]
    none = b64({"alg": "none", "typ": "JWT"})
    tokens = {
        "a changed signature": f"{head}.{claims}.{flipped}", "no signature": f"{head}.{claims}.", "alg none": f"{none}.{claims}.",
        "another role": f"{head}.{b64(dict(said, role='admin'))}.{mac}", "a longer life": f"{head}.{b64(dict(said, exp=said['exp'] + 9999))}.{mac}",
        "padding": f"{head}.{claims}.{mac}=", "a key of nobody": "sett_key_00000000000000000000000000_" + "A" * 43 + "_00000000", "a word": "x",
    }
    return {name: {"Authorization": "Bearer " + text} for name, text in tokens.items()}


def first_step(front, admin):
    """What an admin holds who has given the password and not yet the code of the app."""
    user(front, admin, "half-way", "admin")
    bearer, _, _ = front.login("half-way")
    offer = front.must("POST", "/api/users/me/second-factor", bearer, {}, 200)
    front.must("POST", "/api/users/me/second-factor/confirm", bearer, {"code": code(offer["secret"])}, 200)
    token = front.must("POST", "/api/auth/login", None, {"username": "half-way", "password": PASSWORD}, 200)["step_token"]
    return {"a first step": {"Authorization": "Bearer " + token}, "a first step as cookie": {"Cookie": "sett=" + token, "X-CSRF": "x", "Sec-Fetch-Site": "same-origin"}}


def invalid(front, admin):
    """Credentials that were good once, or are not yet."""
    out = first_step(front, admin)
    user(front, admin, "gone-disabled", "admin")
    out["disabled"], _, said = front.login("gone-disabled")
    front.must("PATCH", f"/api/users/{said['user']['id']}", admin, {"disabled": True}, 200)
    user(front, admin, "gone-demoted", "admin")
    out["role changed"], _, said = front.login("gone-demoted")
    front.must("PATCH", f"/api/users/{said['user']['id']}", admin, {"role": "viewer"}, 200)
    user(front, admin, "gone-deleted", "admin")
    out["deleted"], _, said = front.login("gone-deleted")
    front.must("DELETE", f"/api/users/{said['user']['id']}", admin, None, 200, 204)
    out["signed out"], cookie, _ = front.login("admin", front.box.password())
    front.must("POST", "/api/auth/logout", out["signed out"], None, 200, 204)
    out["signed out, by cookie"] = dict(cookie, **{"X-CSRF": "x", "Sec-Fetch-Site": "same-origin"})
    key = front.must("POST", "/api/keys", admin, {"name": "revoked", "role": "admin"}, 201)
    out["revoked key"] = {"Authorization": "Bearer " + key["key"]}
    front.must("GET", "/api/tenants", out["revoked key"], None, 200)
    front.must("DELETE", f"/api/keys/{key['id']}", admin, None, 200, 204)
    soon = time.time() + 2.5
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(soon)) + f".{int(soon % 1 * 1000):03d}Z"
    key = front.must("POST", "/api/keys", admin, {"name": "over", "role": "admin", "expires_at": at}, 201)
    out["expired key"] = {"Authorization": "Bearer " + key["key"]}
    front.must("GET", "/api/tenants", out["expired key"], None, 200)
    wait_for(lambda: front.ask("GET", "/api/tenants", out["expired key"])[0] == 401, "the key is over", 10, 0.1)
    return out


def routes(front):
    document = front.must("GET", "/api/openapi.json", None, None, 200)
    out = []
    for path, methods in document["paths"].items():
        for method, row in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                out.append((method, path, row.get("x-role")))
    return out


def concrete(path):
    for name, value in (("{id}", "tn_00000000000000000000000000"), ("{name}", "box.url")):
        path = path.replace(name, value)
    return path


def matrix(t, front, admin, people, cookies, dead):
    rows = routes(front)
    t.ok(len(rows) > 60, f"{len(rows)} routes are told by the box itself")
    t.ok(all(role in ROLES for _, _, role in rows), "each has its role", [r for r in rows if r[2] not in ROLES])
    rows = [r for r in rows if r[1] != "/api/auth/logout"]  # it would sign the askers out; see below
    for method, path, role in rows + STREAMS:
        sock = "events" if (method, path, role) in STREAMS else "front"
        if path == "/api/events/stream":
            continue  # never ends for those who may
        bad = []

        def expect(who, headers, allowed):
            body = {} if method in ("post", "put", "patch") else None
            near = {"address": "127.0.0.1"} if path == "/metrics" else {}  # for this machine alone
            status, _, out = front.ask(method, concrete(path), headers, body, sock, **near)
            if status not in allowed if isinstance(allowed, tuple) else not allowed(status):
                bad.append(f"{who}: {status} {out[:160]}")
        if role == "public":
            for who, headers in [("nobody", {}), *people.items(), *dead.items()]:
                expect(who, headers, lambda s: s < 500 and s not in (401, 403) or s in (503, 504))
        else:
            expect("nobody", {}, (401,))
            for who, headers in dead.items():
                expect(who, headers, (401,))
            for who, headers in people.items():
                if ROLES.index(who) < ROLES.index(role):
                    expect(who, headers, (403,))
                else:
                    expect(who, headers, lambda s: s not in (401, 403, 500) and s != 0)
            if method != "get":
                for who, headers in cookies.items():
                    expect(f"{who} by cookie alone", headers, (403,))
                    expect(f"{who} by cookie from elsewhere", dict(headers, **{"Sec-Fetch-Site": "cross-site", "X-CSRF": "x"}), (403,))
            expect("two credentials", dict(people["admin"], **cookies["admin"]), (400,))
        t.ok(not bad, f"{method.upper()} {path} is for {role} and above", "\n".join(bad))
    t.equal(front.ask("GET", "/metrics", admin)[0], 403, "and the figures for nobody who comes from elsewhere")
    status, _, _ = front.ask("GET", "/api/events/stream", {}, None, "events")
    t.equal(status, 401, "the stream of all is not for nobody")
    for who, headers, wanted in (("nobody", {}, 401), ("a customer", people["customer"], 403), ("a viewer", people["viewer"], 403)):
        t.equal(front.ask("GET", "/api/logs/stream", headers, None, "events")[0], wanted, f"the stream of logs is not for {who}")


def instant(t, front, admin):
    """What is taken back is gone with the next request, even between two that are answered from memory."""
    user(front, admin, "instant", "viewer")
    bearer, cookie, said = front.login("instant")
    for name, end in (("disabled", lambda: front.must("PATCH", f"/api/users/{said['user']['id']}", admin, {"disabled": True}, 200)),):
        before = [front.ask("GET", "/api/tenants", bearer)[0] for _ in range(20)]
        end()
        after = [front.ask("GET", "/api/tenants", h)[0] for h in (bearer, cookie) for _ in range(20)]
        t.ok(set(before) == {200} and set(after) == {401}, f"{name}: over at once", f"{before} {after}")
    key = front.must("POST", "/api/keys", admin, {"name": "instant", "role": "viewer"}, 201)
    headers = {"Authorization": "Bearer " + key["key"]}
    before = [front.ask("GET", "/api/tenants", headers)[0] for _ in range(20)]
    front.must("DELETE", f"/api/keys/{key['id']}", admin, None, 200, 204)
    after = [front.ask("GET", "/api/tenants", headers)[0] for _ in range(20)]
    t.ok(set(before) == {200} and set(after) == {401}, "a revoked key: over at once", f"{before} {after}")
    bearer, _, said = front.login("admin", front.box.password())
    front.must("POST", "/api/auth/logout", bearer, None, 200, 204)
    status, _, _ = front.ask("POST", "/api/auth/refresh", None, {"refresh_token": said["refresh_token"]})
    t.equal(status, 401, "nor can a session that ended be refreshed")
    _, _, said = front.login("admin", front.box.password())
    once = front.must("POST", "/api/auth/refresh", None, {"refresh_token": said["refresh_token"]}, 200)
    again, _, _ = front.ask("POST", "/api/auth/refresh", None, {"refresh_token": said["refresh_token"]})
    late, _, _ = front.ask("GET", "/api/tenants", {"Authorization": "Bearer " + once["access_token"]})
    t.equal((again, late), (401, 401), "an old refresh token ends the whole session")


def scopes(t, front, admin):
    """Keys of an admin with few scopes, asked for everything; where they come from; one in the place of another."""
    document = front.must("GET", "/api/openapi.json", None, None, 200)
    rows = [(m, p, r["x-role"], r.get("x-scope"), r.get("x-fresh-password")) for p, ms in document["paths"].items() for m, r in ms.items()
            if m in ("get", "post", "put", "patch", "delete")]
    all_scopes = [s["name"] for s in front.must("GET", "/api/key-scopes", admin, None, 200)["data"]]
    t.ok({"*:read", "*:write", "tenant:read", "tenant:write", "snapshot:write"} <= set(all_scopes), "the scopes are told", all_scopes)
    needed = {s for _, _, _, s, _ in rows if s}
    t.ok(needed <= set(all_scopes), "and each that a route asks for is among them", needed - set(all_scopes))
    for own_scopes in ("tenant:read", "tenant:write snapshot:read", "*:read", "*:write"):
        made = front.must("POST", "/api/keys", admin, {"name": "narrow", "role": "admin", "scopes": own_scopes}, 201)
        headers, bad = {"Authorization": "Bearer " + made["key"]}, []
        for method, path, role, scope, fresh in rows:
            if role == "public" or path in ("/api/auth/logout", "/api/auth/me"):
                continue
            status, _, out = front.ask(method, concrete(path), headers, {} if method in ("post", "put", "patch") else None)
            code = json.loads(out).get("code") if status == 403 else None
            has = not fresh and any(s in own_scopes.split() for s in (scope, "*:" + scope.split(":")[1]))
            if (fresh and status < 400) or (not fresh and (code == "scope_missing") == has) or status in (401, 500):
                bad.append(f"{method} {path} ({scope}): {status} {out[:120]}")
        t.ok(not bad, f"a key for {own_scopes} is for that alone", "\n".join(bad))
        t.equal(front.ask("GET", "/api/auth/me", headers)[0], 200, "and may ask who it is")
    t.equal(front.ask("POST", "/api/keys", admin, {"name": "x", "scopes": "tenants:read"})[0], 422, "a scope that is none is refused")
    status, _, out = front.ask("GET", "/api/events/stream", headers, None, "events")
    t.equal((status, json.loads(out)["code"]), (403, "scope_missing"), "streams ask for scopes as well")

    made = front.must("POST", "/api/keys", admin, {"name": "near", "role": "viewer", "networks": "192.0.2.0/28, 2001:db8::/32"}, 201)
    near = {"Authorization": "Bearer " + made["key"]}
    seen = [front.ask("GET", "/api/tenants", near, address=a)[0] for a in ("192.0.2.5", "192.0.2.16", "192.0.2.5", "2001:db8::9", "2001:db9::9", "192.0.2.5")]
    t.equal(seen, [200, 403, 200, 200, 403, 200], "a key with networks is good from there alone, also when it was asked a moment ago")
    wait_for(lambda: front.must("GET", f"/api/keys/{made['id']}", admin, None, 200)["last_address"], "its use is noted", 10, 0.1)
    shown = front.must("GET", f"/api/keys/{made['id']}", admin, None, 200)
    t.ok(shown["last_address"] in ("192.0.2.5", "2001:db8::9") and shown["last_used_at"], "its last use is noted, and from where", shown)
    front.must("PATCH", f"/api/keys/{made['id']}", admin, {"networks": "203.0.113.9"}, 200)
    t.equal(front.ask("GET", "/api/tenants", near)[0], 403, "narrowed down, it is so at once")
    front.must("PATCH", f"/api/keys/{made['id']}", admin, {"networks": ""}, 200)

    tenants = [front.must("POST", "/api/tenants", admin, {"name": n, "subdomain": n, "plan": "demo"}, 202) for n in ("keyed", "other")]
    bound = front.must("POST", "/api/keys", admin, {"name": "bound", "role": "admin", "tenant": "keyed"}, 201)
    headers, bad = {"Authorization": "Bearer " + bound["key"]}, []
    for method, path, role, scope, fresh in rows:
        if role == "public" or path in ("/api/auth/logout", "/api/auth/me"):
            continue
        for ident in (tenants[1]["id"], str(tenants[1]["number"]), "other", "tn_00000000000000000000000000"):
            status, _, out = front.ask(method, path.replace("{id}", ident).replace("{name}", "box.url").replace("{kind}", "x"), headers, {} if method in ("post", "put", "patch") else None)
            if status not in (403, 422, 400) or (status == 403 and json.loads(out)["code"] not in ("key_of_tenant", "password_needed")):
                bad.append(f"{method} {path} {ident}: {status} {out[:120]}")
    t.ok(not bad, "a key for one tenant is of no use for anything else", "\n".join(bad[:20]))
    seen = [front.ask("GET", "/api/tenants/" + str(i), headers)[0] for i in (tenants[0]["id"], tenants[1]["id"], tenants[0]["number"], tenants[1]["id"], "keyed")]
    t.equal(seen, [200, 403, 200, 403, 200], "and good for its own, however that is named, whatever was answered a moment ago")

    second = front.must("POST", f"/api/keys/{made['id']}/rotate", admin, {"grace_hours": 1}, 201)
    both = [front.ask("GET", "/api/tenants", {"Authorization": "Bearer " + k})[0] for k in (made["key"], second["key"])]
    first = front.must("GET", f"/api/keys/{made['id']}", admin, None, 200)
    t.ok(both == [200, 200] and first["next_id"] == second["id"] and first["expires_at"], "rotated: both are good for a while", f"{both} {first}")
    t.equal((second["role"], second["name"]), ("viewer", "near"), "the new one is like the old one")
    t.equal(front.ask("POST", f"/api/keys/{made['id']}/rotate", admin, {})[0], 409, "which is rotated once")
    third = front.must("POST", f"/api/keys/{second['id']}/rotate", admin, {"grace_hours": 0}, 201)
    t.equal([front.ask("GET", "/api/tenants", {"Authorization": "Bearer " + k})[0] for k in (second["key"], third["key"])], [401, 200],
            "without a while the old one is over at once")
    t.equal(front.ask("GET", "/api/tenants", dict(near, Cookie="sett=x"))[0], 400, "a key never goes together with a cookie")


def own(t, front, admin):
    """Two customers: neither knows of the other."""
    made = {}
    for name in ("anna", "bert"):
        customer = front.must("POST", "/api/customers", admin, {"name": name, "email": f"{name}@example.com"}, 201)
        user(front, admin, f"{name}@example.com", "customer", customer_id=customer["id"])
        tenant = front.must("POST", "/api/tenants", admin, {"name": name, "subdomain": name, "plan": "demo", "customer_id": customer["id"]}, 202)
        made[name] = (front.login(f"{name}@example.com")[0], customer["id"], tenant["id"], tenant.get("number"))
    anna, _, mine, _ = made["anna"]
    _, other_customer, other, number = made["bert"]
    said = front.must("GET", "/api/tenants", anna, None, 200)
    t.equal([x["id"] for x in said["data"]], [mine], "a customer's list is of what is theirs")
    t.equal(front.ask("GET", f"/api/tenants/{mine}", anna)[0], 200, "which they may look at")
    for query in (f"?customer_id={other_customer}", "?subdomain=bert", "?state=pending&subdomain=bert"):
        status, _, out = front.ask("GET", "/api/tenants" + query, anna)
        t.ok(status in (403, 404, 422) or (status == 200 and other not in out.decode()), f"nor by a filter {query.split('=')[0]}", out)
    nowhere = front.ask("GET", "/api/tenants/tn_00000000000000000000000000", anna)
    for ident in (other, str(number)):
        for method, rest in (("GET", ""), ("GET", "/health"), ("GET", "/logs"), ("GET", "/stats"), ("POST", "/restart")):
            status, _, out = front.ask(method, f"/api/tenants/{ident}{rest}", anna)
            t.ok(status == 404 and "bert" not in out.decode(), f"another's tenant does not exist: {method} {rest or '/'} by {'id' if ident == other else 'number'}",
                 f"{status} {out}")
    status, _, out = front.ask("GET", f"/api/tenants/{other}", anna)
    t.equal(json.loads(out)["code"], json.loads(nowhere[2])["code"], "and is refused in the same words as one that does not exist")
    tunnels = front.must("GET", "/api/tunnels", anna, None, 200)
    t.ok(other not in json.dumps(tunnels), "nor do another's tunnels")
    admin_sessions = front.must("GET", "/api/sessions", admin, None, 200)["data"]
    own_sessions = front.must("GET", "/api/sessions", anna, None, 200)["data"]
    t.ok(len(own_sessions) >= 1 and len({s["user_id"] for s in own_sessions}) == 1, "sessions: one's own", own_sessions)
    foreign = [s["id"] for s in admin_sessions if s["user_id"] != own_sessions[0]["user_id"]]
    if foreign:
        t.equal(front.ask("DELETE", f"/api/sessions/{foreign[0]}", anna)[0], 404, "another's session cannot be ended")
    # The same question, two askers, one after the other: memory must not mix them up.
    for _ in range(5):
        a = front.must("GET", "/api/tenants", anna, None, 200)["data"]
        b = front.must("GET", "/api/tenants", made["bert"][0], None, 200)["data"]
        c = front.must("GET", "/api/tenants", admin, None, 200)["data"]
        if not ([x["id"] for x in a] == [mine] and [x["id"] for x in b] == [other] and len(c) >= 2):
            t.ok(False, "answers are not mixed up", f"{a} {b}")
            break
    else:
        t.ok(True, "answers are not mixed up")


def open_stream(front, headers):
    """The status of an event stream, and the connection on which it goes on."""
    params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/api/events/stream"), ("HTTP_HOST", "localhost"), ("REMOTE_ADDR", "192.0.2.5")]
    params += [("HTTP_" + k.upper(), v) for k, v in headers.items()]
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(front.box.socket("events"))
    s.sendall(record(BEGIN, struct.pack("!HB5x", 1, 0)) + record(PARAMS, b"".join(pair(n, v) for n, v in params)) + record(PARAMS) + record(STDIN))
    return int(s.recv(65536).partition(b"Status: ")[2][:3] or 200), s


def crowd(t, front, people):
    """Whoever has bought something may not take all streams from those who look after the box."""
    streams = [open_stream(front, people["customer"]) for _ in range(40)]
    t.equal(sorted({status for status, _ in streams}), [200, 503], "customers have half of the streams among them")
    status, s = open_stream(front, people["viewer"])
    t.equal(status, 200, "so that there is one for others")
    for s in [s] + [s for _, s in streams]:
        s.close()


def main():
    t = Tap()
    limits = "\n[limits]\nlogin_per_minute = 10000\nanonymous_per_minute = 1000000\nauthenticated_per_minute = 1000000\n"
    box = Box(conf=limits, env={"SETT_TESTS": "1"})
    try:
        box.start("front")
        wait_for(lambda: os.path.exists(box.socket("events")), "the front listens")
        front = Front(box)
        admin, admin_cookie, _ = front.login("admin", box.password())
        customer = front.must("POST", "/api/customers", admin, {"name": "Some", "email": "some@example.com"}, 201)
        people, cookies = {}, {}
        for role in ROLES[1:]:
            user(front, admin, f"some-{role}", role, **({"customer_id": customer["id"]} if role == "customer" else {}))
            people[role], cookies[role], _ = front.login(f"some-{role}")
        with t.part("matrix"):
            dead = invalid(front, admin)
            dead.update(forge(people["viewer"]))
            matrix(t, front, admin, people, cookies, dead)
        with t.part("instant"):
            instant(t, front, admin)
        with t.part("scopes"):
            scopes(t, front, admin)
        with t.part("own"):
            own(t, front, admin)
        with t.part("crowd"):
            crowd(t, front, people)
    finally:
        box.close()
    t.done()


if __name__ == "__main__":
    main()
