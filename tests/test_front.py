#!/usr/bin/env python3
"""The front behind a real nginx: what is refused, what every answer carries, limits, event streams that starve
nobody, a quick end, life without a worker and after a bad peer. Speaks TAP."""
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from web import BEGIN, PARAMS, Nginx, fastcgi, record

ALWAYS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
          "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store"}


class Guard:
    """Starts the front again whenever it has ended, as a unit would."""

    def __init__(self, box):
        self.box, self.starts, self.ends, self.on = box, 0, [], True
        self.start()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def start(self):
        self.starts += 1
        self.process = self.box.start("front")

    def watch(self):
        while self.on:
            code = self.process.poll()
            if code is not None:
                self.ends.append(code)
                if self.on:
                    self.start()
            time.sleep(0.05)

    def close(self):
        self.on = False
        self.thread.join()


class Stream:
    """An event stream through nginx: events as (id, name, data)."""

    def __init__(self, box, path, headers, last=None, timeout=20):
        self.c = http.client.HTTPConnection("127.0.0.1", box.port, timeout=timeout)
        headers = dict(headers, Host=f"localhost:{box.port}")
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.c.request("GET", path, headers=headers)
        self.response = self.c.getresponse()
        self.status = self.response.status

    def next(self):
        """The next event, or None at the end."""
        event = {}
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line == "" and "data" in event:
                return event.get("id"), event.get("event"), json.loads(event["data"])
            if line.startswith(":") or ": " not in line:
                continue
            name, value = line.split(": ", 1)
            event[name] = value

    def all(self):
        out = []
        while (e := self.next()) is not None:
            out.append(e)
        return out

    def close(self):
        self.c.close()


def problem(t, answer, status, code, name):
    """That an answer is a problem of this kind, whole and well-formed."""
    good = answer.status == status and answer.headers.get("Content-Type") == "application/problem+json"
    body = {}
    if good:
        body = answer.json
        good = (body.get("status") == status and (code is None or body.get("code") == code) and body.get("title")
                and body.get("detail") and body.get("type", "").startswith("urn:sett:problem:")
                and body.get("request_id") == answer.headers.get("X-Request-Id"))
    return t.ok(good, name, f"{answer.status} {answer.headers}\n{answer.body[:500]}")


def headers_part(t, box, auth):
    for path, status in (("/health", 200), ("/api/auth/me", 200), ("/api/nowhere", 404), ("/api/users?limit=x", 422)):
        a = box.http("GET", path, headers=auth)
        missing = {k: a.headers.get(k) for k, v in ALWAYS.items() if a.headers.get(k) != v}
        t.ok(a.status == status and not missing and re.fullmatch(r"req_[0-9a-z]{26}", a.headers.get("X-Request-Id", "")),
             f"every answer carries its headers: {path}", f"{a.status} {missing} {a.headers}")
        t.ok("default-src 'none'" in a.headers.get("Content-Security-Policy", ""), f"and its policy: {path}")
    ids = {box.http("GET", "/health").headers["X-Request-Id"] for _ in range(5)}
    t.equal(len(ids), 5, "request ids differ")
    a = box.http("GET", "/health", headers={"X-Request-Id": "mine"})
    t.ok(a.headers["X-Request-Id"] != "mine", "a request id of the client's is not taken")
    get, head = box.http("GET", "/api/users", headers=auth), box.http("HEAD", "/api/users", headers=auth)
    t.ok(head.status == 200 and head.body == b"" and head.headers["Content-Length"] == get.headers["Content-Length"],
         "HEAD is GET without a body", head.headers)
    static = box.http("GET", "/")
    t.ok(static.status == 200 and b"<title>" in static.body and "require-trusted-types-for" in static.headers["Content-Security-Policy"],
         "the admin is served with its policy", static.headers)
    t.equal(box.http("GET", "/some/page/of/the/admin").status, 200, "a page of the admin leads to its index")
    problem(t, box.http("GET", "/api/nowhere"), 404, "route_not_found", "an unknown path is a problem")


def etag_part(t, box, auth):
    made = box.http("POST", "/api/customers", {"name": "Etag", "email": "etag@example.com"}, auth)
    t.equal(made.status, 201, "a customer is made")
    path = f"/api/customers/{made.json['id']}"
    a = box.http("GET", path, headers=auth)
    tag = a.headers.get("ETag", "")
    t.ok(re.fullmatch(r'"[^"]+"', tag), "an object has an ETag", tag)
    b = box.http("GET", path, headers=dict(auth, **{"If-None-Match": f'"x", W/{tag}'}))
    t.ok(b.status == 304 and b.body == b"" and b.headers.get("ETag") == tag, "If-None-Match: 304", f"{b.status} {b.headers}")
    t.equal(box.http("GET", path, headers=dict(auth, **{"If-None-Match": '"x"'})).status, 200, "another version: 200")
    problem(t, box.http("PATCH", path, {"name": "New"}, dict(auth, **{"If-Match": '"stale"'})), 412, None, "If-Match of a version that is gone: 412")
    problem(t, box.http("PATCH", path, {"name": "New"}, dict(auth, **{"If-Match": "x" * 127})), 412, None, "a long If-Match: 412")
    t.equal(box.http("PATCH", path, {"name": "New"}, dict(auth, **{"If-Match": tag})).status, 200, "If-Match of the present one: 200")
    once = dict(auth, **{"Idempotency-Key": "front-test-1"})
    first = box.http("POST", "/api/customers", {"name": "Once", "email": "once@example.com"}, once)
    again = box.http("POST", "/api/customers", {"name": "Once", "email": "once@example.com"}, once)
    t.ok(first.status == 201 and again.status == 201 and first.json["id"] == again.json["id"]
         and again.headers.get("Idempotent-Replayed") == "true", "the same Idempotency-Key: the same answer, no second effect",
         f"{first.body} {again.body} {again.headers}")
    other = box.http("POST", "/api/customers", {"name": "Else", "email": "once@example.com"}, once)
    t.ok(400 <= other.status < 500, "the same key for something else is refused", f"{other.status} {other.body}")


def refused_part(t, box, web, auth):
    for target in (b"/api/%00", b"/api/a%2fb", b"/api/a%2Fb", b"/api/a%5cb", b"/api//tenants", b"/api/./tenants",
                   b"/api/users/../tenants", b"/api/%0d%0aX", b"/api/%7f", b"/api/%zz", b"/api/%ff", b"/api/tenants?a=\\"):
        out = web.raw(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        t.ok(out.startswith(b"HTTP/1.1 400 "), f"400 for {target.decode()}", out[:300])
    twice = b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    for name, value in (("X-CSRF", "a"), ("If-Match", "a"), ("Idempotency-Key", "a"), ("Stripe-Signature", "a"), ("Origin", "a")):
        out = web.raw(twice + f"{name}: {value}\r\n{name}: {value}\r\n\r\n".encode())
        t.ok(out.startswith(b"HTTP/1.1 400 ") and (b"header_twice" in out or name == "If-Match"), f"{name} twice: 400", out[:600])
    out = web.raw(twice + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n")
    t.ok(out.startswith(b"HTTP/1.1 400 "), "Authorization twice: 400", out[:300])
    out = web.raw(twice + b"Cookie: sett=a\r\nCookie: sett=b\r\n\r\n")
    t.ok(out.startswith(b"HTTP/1.1 400 ") and b"cookie_twice" in out, "two session cookies: 400", out[:600])
    problem(t, box.http("GET", "/api/auth/me", headers=dict(auth, Cookie="sett=a")), 400, "credentials_twice", "cookie and bearer: 400")
    problem(t, box.http("GET", "/api/auth/me", headers={"Authorization": "Basic YTpi"}), 401, "scheme", "Basic is not for us")
    t.equal(box.http("GET", "/health", host="evil.example").status, 421, "a name that nobody has: 421, without asking us")
    # What nginx would not let through, straight to the socket.
    front = box.socket("front")
    base = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/health"), ("REMOTE_ADDR", "127.0.0.1")]
    for uri in ("/api/../etc/passwd", "/%2e%2e/x", "http://localhost/health", "*", "", "/health#x", "/api/tenants/.."):
        status, _, body = fastcgi(front, [base[0], ("REQUEST_URI", uri), ("HTTP_HOST", "localhost")])
        t.ok(status == 400, f"the URI {uri!r}: 400", body)
    for host in ("evil.example", "localhost.evil.example", "", "a b", "localhost:99999"):
        status, _, body = fastcgi(front, base + [("HTTP_HOST", host)])
        t.ok(status == 400, f"Host {host!r}: 400", body)
    status, _, body = fastcgi(front, base)
    t.ok(status == 400, "no Host: 400", body)
    status, _, body = fastcgi(front, base + [("HTTP_HOST", "localhost"), ("HTTP_HOST", "localhost")])
    t.ok(status == 400, "two Hosts: 400", body)
    status, _, body = fastcgi(front, base + [("HTTP_HOST", "localhost"), ("HTTP_AUTHORIZATION", "Bearer a\nb")])
    t.ok(status == 400, "a line break in a header: 400", body)
    status, _, body = fastcgi(front, base + [("HTTP_HOST", "localhost")] + [(f"HTTP_X{i}", "1") for i in range(100)])
    t.ok(status == 400 and b"headers_many" in body, "more than 100 parameters: 400", body)
    status, _, body = fastcgi(front, base + [("HTTP_HOST", "localhost"), ("HTTP_BIG", "a" * 50000)])
    t.ok(status == 400 and b"headers_many" in body, "more than 48 KiB of them: 400", body)
    post = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/api/auth/login"), ("HTTP_HOST", "localhost"),
            ("CONTENT_TYPE", "application/json"), ("REMOTE_ADDR", "192.0.2.99")]
    for length, body, code in ((5, b"{}", b"body_short"), (1, b"{}", b"body_long")):
        status, _, out = fastcgi(front, post, body, length)
        t.ok(status == 400 and code in out, f"Content-Length {length} for {len(body)} bytes: 400", out)
    status, _, body = fastcgi(front, base + [("HTTP_HOST", "localhost"), ("HTTP_PROXY", "http://evil"), ("SCRIPT_NAME", "/api/x"), ("PATH_INFO", "/y")])
    t.ok(status == 200, "what is not on the list does not exist for us", body)


def bodies_part(t, box, auth):
    big = {"name": "x" * 70000}
    problem(t, box.http("POST", "/api/customers", big, auth), 413, "body_large", "70 KB: 413")
    problem(t, box.http("POST", "/api/customers", "x" * 1200000, dict(auth, **{"Content-Type": "application/json"})), 413, "body_large", "1.2 MB: 413")
    a = box.http("PUT", "/api/customers", {}, auth)
    problem(t, a, 405, "method_not_allowed", "a method that is not for this path: 405")
    t.equal(a.headers.get("Allow"), "GET, HEAD, POST", "with Allow")
    problem(t, box.http("OPTIONS", "/api/customers", headers=auth), 405, "method_not_allowed", "no CORS")
    problem(t, box.http("POST", "/api/customers", "<x/>", dict(auth, **{"Content-Type": "text/xml"})), 415, "content_type", "XML: 415")
    problem(t, box.http("POST", "/api/customers", "{}", auth), 415, "content_type", "a body of no type: 415")
    problem(t, box.http("POST", "/api/customers", '{"name":', dict(auth, **{"Content-Type": "application/json"})), 400, None, "half a JSON: 400")
    problem(t, box.http("POST", "/api/customers", '{"name":"a","name":"b"}', dict(auth, **{"Content-Type": "application/json"})), 400, None, "a key twice: 400")
    problem(t, box.http("POST", "/api/customers", b'{"name":"\xff"}', dict(auth, **{"Content-Type": "application/json"})), 400, None, "bad UTF-8: 400")
    a = box.http("POST", "/api/customers", {"name": "a", "nmae": "b"}, auth)
    problem(t, a, 422, "unknown_field", "an unknown field: 422")
    t.ok(a.status == 422 and a.json["errors"][0]["pointer"] == "/nmae", "which is named", a.body)
    a = box.http("POST", "/api/customers", {"name": 5}, auth)
    t.ok(a.status == 422 and a.json["errors"][0]["pointer"] == "/name", "a wrong type: 422, named", a.body)
    form = dict(auth, **{"Content-Type": "application/x-www-form-urlencoded"})
    a = box.http("POST", "/api/customers", "name=Form+Customer&email=form%40example.com", form)
    t.ok(a.status == 201 and a.json["name"] == "Form Customer" and a.json["email"] == "form@example.com", "a form with a bearer token is taken", a.body)
    problem(t, box.http("POST", "/api/customers", "name=a&name=b&email=c%40example.com", form), 422, None, "a name twice in a form")
    problem(t, box.http("GET", "/api/customers?limit=1&limit=2", headers=auth), 422, None, "a name twice in a query")
    problem(t, box.http("GET", "/api/customers?bogus=1", headers=auth), 422, "unknown_field", "an unknown name in a query")
    problem(t, box.http("POST", "/api/customers?plan=1", {"name": "a", "email": "a@example.com"}, auth), 400, "plan_not_supported", "plan=1 where there is none")


def cookie_part(t, box):
    body = "username=admin&password=" + box.password().replace("-", "%2D")
    a = box.http("POST", "/api/admin/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
    t.equal(a.status, 200, "login by form")
    set_cookie = a.headers.get("Set-Cookie", "")
    t.ok("HttpOnly" in set_cookie and "SameSite=Strict" in set_cookie and "Path=/" in set_cookie, "the cookie is shut to pages", set_cookie)
    cookie = {"Cookie": set_cookie.split(";")[0]}
    me = box.http("GET", "/api/auth/me", headers=cookie)
    csrf = me.json.get("csrf_token") or me.json.get("csrf")
    t.ok(me.status == 200 and csrf, "a session by cookie", me.body)
    new = {"name": "By cookie", "email": "cookie@example.com"}
    good = dict(cookie, **{"X-CSRF": csrf, "Sec-Fetch-Site": "same-origin"})
    t.equal(box.http("POST", "/api/customers", new, good).status, 201, "a change from our own page")
    own = {"X-CSRF": csrf, "Origin": f"http://localhost:{box.port}"}
    t.equal(box.http("POST", "/api/customers", new, dict(cookie, **own)).status, 201, "by Origin where there is no Sec-Fetch-Site")
    for name, headers, code in (
            ("no X-CSRF", {"Sec-Fetch-Site": "same-origin"}, "csrf"),
            ("a wrong X-CSRF", {"Sec-Fetch-Site": "same-origin", "X-CSRF": csrf[:-1] + ("A" if csrf[-1] != "A" else "B")}, "csrf"),
            ("cross-site", {"Sec-Fetch-Site": "cross-site", "X-CSRF": csrf}, "cross_site"),
            ("same-site, which a tenant is", {"Sec-Fetch-Site": "same-site", "X-CSRF": csrf}, "cross_site"),
            ("cross-site with our Origin", {"Sec-Fetch-Site": "cross-site", "X-CSRF": csrf, "Origin": own["Origin"]}, "cross_site"),
            ("a tenant's Origin", {"Origin": f"http://acme.localhost:{box.port}", "X-CSRF": csrf}, "cross_site"),
            ("another port's Origin", {"Origin": "http://localhost:1", "X-CSRF": csrf}, "cross_site"),
            ("Origin null", {"Origin": "null", "X-CSRF": csrf}, "cross_site"),
            ("neither", {"X-CSRF": csrf}, "cross_site")):
        problem(t, box.http("POST", "/api/customers", new, dict(cookie, **headers)), 403, code, f"a change under a cookie with {name}: 403")
    problem(t, box.http("POST", "/api/customers", "name=a&email=a%40example.com", dict(good, **{"Content-Type": "application/x-www-form-urlencoded"})),
            415, "form_refused", "a form under a cookie is refused")
    problem(t, box.http("POST", "/api/auth/login", {"username": "admin", "password": "x"}, {"Sec-Fetch-Site": "cross-site"}), 403, "cross_site",
            "nobody is signed in from a foreign page")
    problem(t, box.http("POST", "/api/auth/login", {"username": "admin", "password": "x"}, {"Origin": "https://evil.example"}), 403, "cross_site",
            "nor by a browser that says so by Origin alone")
    t.equal(box.http("POST", "/api/auth/logout", headers=good).status, 200, "logout")
    problem(t, box.http("GET", "/api/auth/me", headers=cookie), 401, None, "the cookie is dead at once")


def streams_part(t, box, auth):
    a = box.http("POST", "/api/tenants", {"name": "Stream", "subdomain": "flow", "plan": "demo"}, auth)
    if not t.ok(a.status == 202, "a tenant is ordered", a.body):
        return None
    job = a.json["job"]
    job = job if isinstance(job, str) else job["id"]
    path = f"/api/jobs/{job}/stream"
    for headers, status in (({}, 401), ({"Authorization": "Bearer x"}, 401)):
        t.equal(box.http("GET", path, headers=headers).status, status, "a stream needs somebody")
    problem(t, box.http("GET", "/api/jobs/job_00000000000000000000000000/stream", headers=auth), 404, "job_not_found", "a stream of no job: 404")
    for ident in ("x", "tn_00000000000000000000000000", "%C3%BC", "a" * 150):
        problem(t, box.http("GET", f"/api/jobs/{ident}/stream", headers=auth), 404, "job_not_found", f"nor of {ident[:12]}")
    problem(t, box.http("POST", path, headers=auth), 405, "method_not_allowed", "a stream is got with GET")
    s = Stream(box, path, auth)
    began = time.monotonic()
    first = s.next()
    t.ok(s.status == 200 and s.response.headers["Content-Type"] == "text/event-stream" and first[1] == "job"
         and first[2]["state"] == "queued" and time.monotonic() - began < 2, "the stream begins with the job as it is", first)
    t.equal(s.response.headers.get("X-Accel-Buffering"), "no", "whoever is in front of nginx is told not to hold it back, too")
    s.close()
    # As many as there may be, and then requests must not feel them.
    streams = [Stream(box, path, auth, timeout=60) for _ in range(64)]
    t.ok(all(x.status == 200 and x.next() for x in streams), "64 streams are open")
    full = box.http("GET", path, headers=auth)
    problem(t, full, 503, "streams_full", "one more: 503")
    t.ok(int(full.headers.get("Retry-After", 0)) > 0, "with Retry-After", full.headers)
    took = []
    for _ in range(60):
        at = time.monotonic()
        if box.http("GET", "/api/users", headers=auth).status == 200:
            took.append(time.monotonic() - at)
    t.ok(len(took) == 60 and sorted(took)[56] < 0.2, "requests go on beside them", sorted(took)[-5:])
    streams[0].close()
    wait_for(lambda: open_streams(box) == 63, "a stream that left is noticed", 5)
    t.ok(True, "a stream that left is noticed")
    s = Stream(box, path, auth)
    t.equal(s.status, 200, "and makes room")
    s.close()
    # Stopping with all of them open.
    return streams, path


def ended_part(t, box, auth):
    own = {"Authorization": "Bearer " + box.http("POST", "/api/auth/login", {"username": "admin", "password": box.password()}).json["access_token"]}
    s = Stream(box, "/api/events/stream", own)
    first = s.next()
    box.http("POST", "/api/auth/logout", headers=own)
    box.http("POST", "/api/customers", {"name": "Later", "email": "later@example.com"}, auth)
    t.equal((first[1], [e[1] for e in s.all()]), ("ready", []), "a session that ends takes its streams along, before more is told")


def open_streams(box):
    text = box.http("GET", "/metrics").body.decode()
    m = re.search(r"^sett_http_streams (\d+)$", text, re.M)
    return int(m.group(1)) if m else -1


def stop_part(t, box, guard, streams):
    process = guard.process
    at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(10)
    t.ok(code == 0 and time.monotonic() - at < 2, "SIGTERM ends it within 2 s, streams and all", f"{code} {time.monotonic() - at:.2f} s")
    wait_for(lambda: guard.process is not process and box.alive(), "the front is back", 10)
    t.ok(time.monotonic() - at < 4, "and it is back", time.monotonic() - at)
    ended = sum(1 for s in streams[1:] if drained(s))
    t.equal(ended, 63, "each stream has come to its end")


def drained(stream):
    try:
        while stream.response.readline():
            pass
        return True
    except (OSError, http.client.HTTPException):
        return True
    finally:
        stream.close()


def job_part(t, box, auth, path):
    """With a worker: the steps as they happen, and again from the middle."""
    s = Stream(box, path, auth, timeout=60)
    s.next()
    box.start("hands")
    wait_for(lambda: os.path.exists(box.socket("hands")), "hands listen")
    box.start("worker")
    events, deadline = s.all(), time.monotonic() + 120
    # A reload of the web server may cut a stream after a while: then a browser comes again, as here.
    while not (events and events[-1][1] == "end") and time.monotonic() < deadline:
        events += Stream(box, path, auth, last=([e[0] for e in events if e[0]] or [None])[-1]).all()
    s.close()
    names = [e[1] for e in events]
    ids = [int(e[0]) for e in events if e[0]]
    t.ok(names and names[-1] == "end" and names.count("end") == 1, "the stream ends with its job", events[-3:])
    t.ok(names.count("step") > 3 and ids == list(range(1, len(ids) + 1)), "each row of the journal comes once with its number", ids)
    t.ok(events and events[-1][2]["state"] in ("done", "stuck", "undone"), "and says how it ended", events[-1:])
    again = Stream(box, path, auth).all()
    t.equal([int(e[0]) for e in again if e[0]], ids, "the whole of it can be had later")
    rest = Stream(box, path, auth, last=ids[len(ids) // 2] if ids else 0).all()
    t.equal([int(e[0]) for e in rest if e[0]], ids[len(ids) // 2 + 1:], "Last-Event-ID goes on behind what was seen")
    a = Stream(box, "/api/events/stream?topics=job,tenant", auth)
    ready = a.next()
    t.ok(ready[1] == "ready" and ready[0], "a stream of changes says where it begins", ready)
    more = box.http("POST", "/api/tenants", {"name": "All", "subdomain": "flood", "plan": "demo"}, auth)
    seen = []
    while more.status == 202 and not {"job", "tenant"} <= {e[2]["object"] for e in seen}:
        seen.append(a.next())
    a.close()
    t.ok(all(e[1] == "change" and e[2]["change"] == "put" and e[2]["id"] for e in seen), "and tells of jobs and tenants", seen)
    b = Stream(box, "/api/events/stream?topics=job,tenant", auth, last=ready[0])
    again = [b.next() for _ in range(2)]
    b.close()
    t.ok([e[1] for e in again] == ["ready", "change"] and float(again[1][0]) > float(ready[0]), "one that comes again hears what it missed", again)
    b = Stream(box, "/api/events/stream", auth, last="99.1")
    t.equal(b.next()[1], "reset", "and is told when that is not known any more")
    b.close()
    problem(t, box.http("GET", "/api/events/stream?topics=weather", headers=auth), 422, "unknown_topic", "a topic of nothing: 422")
    listed = box.http("GET", f"/api/changes?after={ready[0]}&topics=tenant", headers=auth).json
    t.ok(listed["data"] and all(c["object"] == "tenant" for c in listed["data"]) and not listed["reset"], "the same as a list, without a stream", listed)
    t.ok(box.http("GET", "/api/changes?after=99.1", headers=auth).json["reset"], "which says so too")
    for name in ("worker", "hands"):
        box.kill(name, signal.SIGTERM if name == "worker" else signal.SIGINT)


def peers_part(t, box, guard):
    front = box.socket("front")
    # Silent peers, fewer than threads: the rest goes on, and they are let go.
    silent = []
    for _ in range(4):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(front)
        silent.append(s)
    took = time.monotonic()
    t.ok(all(box.alive() for _ in range(20)) and time.monotonic() - took < 5, "silent peers do not hold up others")
    at = time.monotonic()
    t.ok(all(s.recv(1) == b"" for s in silent) and 5 < time.monotonic() - at + 5 < 20, "they are let go after their time")
    for s in silent:
        s.close()
    # Nonsense of several kinds; the last is known to end the process, in an assertion of libfcgi.
    starts = guard.starts
    for junk in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\0" * 64, record(PARAMS, b"\x01"), record(BEGIN, b"") * 3,
                 record(BEGIN, struct.pack("!HB5x", 9, 0)), record(9, b"\x0f" * 200, 0),
                 record(BEGIN, struct.pack("!HB5x", 1, 0)) + record(PARAMS, struct.pack("!II", 0xFFFFFFFE, 0xFFFFFFFE)) + record(PARAMS)):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(15)
            try:
                s.connect(front)
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except OSError:
                pass
        wait_for(box.alive, "the front answers after a bad peer", 10)
    t.ok(guard.starts > starts, f"a bad peer can end the front, and after each it answers again ({guard.starts - starts} restarts)")
    guard.process.kill()
    wait_for(box.alive, "the front answers after a kill", 10)
    t.ok(True, "after a kill it answers")


STRANGER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
try:
    s.connect(sys.argv[1])
    s.sendall(b"x")
    print(len(s.recv(1)))
except OSError as e:
    print(type(e).__name__)
"""


def strangers_part(t, box):
    """Whoever is neither the web server nor we cannot speak to the front, though he can see its socket."""
    front = box.socket("front")
    mode = os.stat(front).st_mode & 0o777
    t.equal(mode, 0o660, "the socket is for its owner and group")
    if os.geteuid() != 0:
        return
    for where in (box.root, os.path.dirname(os.path.dirname(front)), os.path.dirname(front)):
        os.chmod(where, 0o755)
    os.chmod(front, 0o666)
    said = subprocess.run([sys.executable, "-c", STRANGER, front], capture_output=True, text=True, timeout=30).stdout.strip()
    os.chmod(front, mode)
    t.ok(said in ("0", "ConnectionResetError", "BrokenPipeError"), "a stranger's connection is closed unheard", said)
    t.ok("was refused" in box.log("front"), "and noted")


ACTIVATE = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "2"
a, b = int(sys.argv[1]), int(sys.argv[2])
c, d = os.dup(a), os.dup(b)
os.dup2(c, 3); os.dup2(d, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def inherited_part(t, box):
    """Sockets that a manager listens on: nothing is lost while the front is away."""
    with socket.socket(socket.AF_UNIX) as a, socket.socket(socket.AF_UNIX) as b:
        a.bind(os.path.join(box.root, "a.sock"))
        b.bind(os.path.join(box.root, "b.sock"))
        a.listen(16)
        b.listen(16)
        answers = []

        def ask():
            answers.append(fastcgi(os.path.join(box.root, "a.sock"), [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/health"),
                                                                      ("HTTP_HOST", "localhost")], timeout=30)[0])
        early = threading.Thread(target=ask)
        early.start()
        for turn in range(2):
            p = subprocess.Popen([sys.executable, "-c", ACTIVATE, str(a.fileno()), str(b.fileno()), os.path.join(box.build, "sett-front"),
                                  "--root", box.root], pass_fds=(a.fileno(), b.fileno()), env=box.env,
                                 stderr=open(os.path.join(box.root, "inherited.log"), "ab"))
            early.join(30)
            t.equal(answers, [200] * (turn + 1), "a request that came before the front is answered")
            with open(f"/proc/{p.pid}/status", encoding="utf-8") as f:
                status = dict(line.split(":", 1) for line in f if ":" in line)
            t.ok(status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1", "it is walled in")
            p.terminate()
            t.equal(p.wait(10), 0, "it ends at once")
            early = threading.Thread(target=ask)  # while nobody accepts
            early.start()
        # Two units' sockets come in no order: they are known by their names.
        p = subprocess.Popen([sys.executable, "-c", ACTIVATE, str(b.fileno()), str(a.fileno()), os.path.join(box.build, "sett-front"),
                              "--root", box.root], pass_fds=(a.fileno(), b.fileno()), stderr=subprocess.DEVNULL,
                             env=dict(box.env, LISTEN_FDNAMES="events:requests"))
        early.join(30)
        p.terminate()
        p.wait(10)
        t.equal(answers, [200] * 3, "and the socket outlives each of them, whatever place it is given in")


def webhook_part(t, box):
    with open(os.path.join(box.root, "stripe-webhook-secret"), encoding="utf-8") as f:
        secret = f.read().strip()
    body = json.dumps({"id": "evt_front1", "object": "event", "api_version": "2024-06-20", "type": "payout.paid", "livemode": False,
                       "created": int(time.time()), "data": {"object": {"id": "po_1", "object": "payout"}}}).encode()

    def sign(data, key=secret, at=None):
        at = at or int(time.time())
        return {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1=" +
                hmac.new(key.encode(), b"%d." % at + data, hashlib.sha256).hexdigest()}
    a = box.http("POST", "/webhook/stripe", body, sign(body))
    t.equal(a.status, 200, "a signed event is taken")
    t.equal(box.http("POST", "/webhook/stripe", body, sign(body)).status, 200, "and again")
    large = body[:-1] + b', "pad": "' + b"x" * 400000 + b'"}'
    large = large.replace(b"evt_front1", b"evt_front2")
    t.equal(box.http("POST", "/webhook/stripe", large, sign(large)).status, 200, "one of 400 KB too")
    huge = body[:-1] + b', "pad": "' + b"x" * 600000 + b'"}'
    problem(t, box.http("POST", "/webhook/stripe", huge, sign(huge)), 413, "body_large", "but not of 600 KB")
    codes = [box.http("POST", "/webhook/stripe", body, sign(body, "whsec_wrong")).status for _ in range(70)]
    t.ok(codes[0] == 400 and codes[-1] == 429 and codes.count(400) in range(59, 63), "forgeries: 400, and 429 beyond 60 a minute", codes)
    t.equal(box.http("POST", "/webhook/stripe", body, sign(body)).status, 200, "what is signed still passes")
    audits = box.json("audit", "list", "--limit", "100")["data"]
    t.equal(sum(1 for x in audits if x["action"] == "stripe.webhook" and x["result"] != "ok"), 1, "the flood is one line in the audit")


def limits_part(t, box):
    front = box.socket("front")

    def get(address, uri="/api/openapi.json", method="GET", body=b""):
        return fastcgi(front, [("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("HTTP_HOST", "localhost"), ("REMOTE_ADDR", address),
                               ("CONTENT_TYPE", "application/json")], body)
    wrong = json.dumps({"username": "nobody", "password": "wrong password"}).encode()
    codes = [get("192.0.2.1", "/api/auth/login", "POST", wrong)[0] for _ in range(7)]
    t.equal(codes, [401] * 5 + [429] * 2, "five sign-ins a minute and address")
    status, headers, body = get("192.0.2.1", "/api/auth/login", "POST", wrong)
    t.ok(status == 429 and 1 <= int(dict(headers)["Retry-After"]) <= 12 and json.loads(body)["code"] == "rate_limited", "429 says when", headers)
    # A burst of sign-ins from everywhere: some are hashed, the rest is told to come again, nothing else waits.
    burst = []
    threads = [threading.Thread(target=lambda i=i: burst.append(get(f"203.0.113.{i}", "/api/auth/login", "POST", wrong)[0])) for i in range(80)]
    for x in threads:
        x.start()
    took = []
    while any(x.is_alive() for x in threads):
        at = time.monotonic()
        get("192.0.2.77", "/health")
        took.append(time.monotonic() - at)
    t.ok(len(burst) == 80 and set(burst) == {401, 503}, "80 sign-ins at once: 401, or 503 and come again", {c: burst.count(c) for c in set(burst)})
    t.ok(took and max(took) < 1, "and /health answers meanwhile", sorted(took)[-3:])
    codes = [get("198.51.100.9")[0] for _ in range(32)]
    t.equal(codes, [200] * 30 + [429] * 2, "thirty unauthenticated requests a minute and address")
    codes = [get(f"2001:db8:1:2::{i:x}")[0] for i in range(1, 33)]
    t.equal(codes, [200] * 30 + [429] * 2, "an IPv6 address stands for its /64")
    t.equal(get("2001:db8:1:3::1")[0], 200, "another /64 is somebody else")
    codes = {get("198.51.100.9", "/health")[0] for _ in range(50)}
    t.equal(codes, {200}, "/health is not limited")


def main():
    t = Tap()
    ports = 20000 + os.getpid() % 500 * 20  # of our own: another test may use the usual ones
    box = Box(conf=f"\n[ports]\nranges = {ports}-{ports + 19}\n")
    box.forgive = ("allocation-size-too-big",)  # libfcgi, asked for it by a bad peer
    web = guard = None
    try:
        guard = Guard(box)
        wait_for(lambda: os.path.exists(box.socket("events")), "the front listens")
        web = Nginx(box)
        wait_for(box.alive, "the front answers")
        auth = box.login()
        kept = None
        with t.part("headers"):
            headers_part(t, box, auth)
        with t.part("versions"):
            etag_part(t, box, auth)
        with t.part("refused"):
            refused_part(t, box, web, auth)
        with t.part("bodies"):
            bodies_part(t, box, auth)
        with t.part("cookies"):
            cookie_part(t, box)
        with t.part("limits"):
            limits_part(t, box)
        with t.part("webhooks"):
            webhook_part(t, box)
        with t.part("streams"):
            ended_part(t, box, auth)
            kept = streams_part(t, box, auth)
        if kept:
            with t.part("stop"):
                stop_part(t, box, guard, kept[0])
            with t.part("job"):
                job_part(t, box, auth, kept[1])
        with t.part("inherited"):
            inherited_part(t, box)
        with t.part("strangers"):
            strangers_part(t, box)
        with t.part("peers"):
            peers_part(t, box, guard)
    finally:
        if guard:
            guard.close()
        if web:
            web.close()
        box.close()
    t.done()


if __name__ == "__main__":
    main()
