#!/usr/bin/env python3
"""Debian's four web servers in front of one box, each with the configuration that ships: one suite of requests for all.
Bodies, waiting, event streams, headers, compression, conditions, ranges, HTTPS, odd addresses, host names, tenants, who the
client is; then all of it below a path of somebody else's reverse proxy, and in a browser. Speaks TAP."""
import concurrent.futures
import http.server
import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading

os.umask(0o022)  # Apache's processes are not root's
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, free_port, wait_for
from servers import NAME, NEIGHBOUR, Reply, Server, certificate, stage

KINDS = os.environ.get("KINDS", "nginx apache2 lighttpd caddy").split()
JSON = "Content-Type: application/json\r\n"
HEADERS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
           "cross-origin-opener-policy": "same-origin", "strict-transport-security": "max-age=31536000"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
          "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'")
API = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
STREAMS = 12  # at once from one server

tap = Tap()
serial = itertools.count()
pool = concurrent.futures.ThreadPoolExecutor(8)


def ask(server, method, path, headers="", body=b"", host=NAME, **how):
    text = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
    return Reply(server.raw(text.encode("latin-1") + body, **how))


def post(server, path, said, headers="", **how):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return ask(server, "POST", path, f"{JSON}Content-Length: {len(body)}\r\n{headers}", body, **how)


def chunked(server, path, body, headers=""):
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 9000]), body[i:i + 9000]) for i in range(0, len(body), 9000))
    return ask(server, "POST", path, f"{JSON}Transfer-Encoding: chunked\r\n{headers}", pieces + b"0\r\n\r\n")


class All:
    """A check of all servers is one line of TAP, which names those that differ."""

    def __init__(self, servers):
        self.servers = servers

    def each(self, look):
        """What look(server) gives for each, asked at the same time; a failure as its text."""
        def one(s):
            try:
                return look(s)
            except Exception as e:  # noqa: BLE001 - it is shown
                return repr(e)
        return dict(zip((s.kind for s in self.servers), pool.map(one, self.servers)))

    def equal(self, what, wanted, look):
        found = self.each(look)
        bad = {k: v for k, v in found.items() if not (wanted(v) if callable(wanted) else v == wanted)}
        tap.ok(not bad, what, "\n".join(f"{k}: {v!r}"[:600] for k, v in bad.items()) + ("" if callable(wanted) else f"\nwanted: {wanted!r}"[:600]))

    def statuses(self, what, wanted, look):
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        self.equal(what, lambda r: isinstance(r, Reply) and r.status in wanted, look)


def code(reply):
    return reply.status, json.loads(reply.body)["code"] if "json" in reply.get("content-type") else reply.body[:80]


def bodies(a):
    right, filled = {"username": "admin", "password": "x"}, lambda n: b'{"username":"admin","password":"' + b"x" * (n - 34) + b'"}'
    a.equal("a body by its length", (401, "credentials_wrong"), lambda s: code(post(s, "/api/auth/login", right)))
    a.equal("the same in chunks, of any size", [(401, "credentials_wrong"), (422, "too_long"), (422, "too_long")],
            lambda s: [code(chunked(s, "/api/auth/login", b)) for b in (json.dumps(right).encode(), filled(17000), filled(65536))])
    a.equal("none at all", (422, "required"), lambda s: code(ask(s, "POST", "/api/auth/login", "Content-Length: 0\r\n")))
    a.equal("one byte", (400, "json_word"), lambda s: code(post(s, "/api/auth/login", b"x")))
    a.equal("as much as the API takes", (422, "too_long"), lambda s: code(post(s, "/api/auth/login", filled(65536))))
    a.equal("a byte more", [(413, "body_large")] * 2,
            lambda s: [code(post(s, "/api/auth/login", filled(65537))), code(chunked(s, "/api/auth/login", filled(65537)))])
    a.equal("a webhook of 512 KiB reaches its check, a byte more does not", [(400, "signature_missing"), (413, "body_large")],
            lambda s: [code(post(s, "/webhook/stripe", b"x" * (512 * 1024 + n))) for n in (0, 1)])
    a.statuses("beyond the web server's own limit", 413, lambda s: post(s, "/api/auth/login", b"x" * ((1 << 20) + 1)))
    a.equal("Expect: 100-continue", (401, "credentials_wrong"), lambda s: code(post(s, "/api/auth/login", right, "Expect: 100-continue\r\n")))
    a.statuses("two lengths, a length that is no number", 400, lambda s: ask(s, "POST", "/api/auth/login", "Content-Length: 4\r\nContent-Length: 5\r\n", b"12345"))
    a.statuses("a length below zero", 400, lambda s: ask(s, "POST", "/api/auth/login", "Content-Length: -1\r\n"))

    def smuggled(s):
        inner = b"GET /health HTTP/1.1\r\nConnection: close\r\nHost: " + NAME.encode() + b"\r\n\r\n"
        raw = s.raw(f"POST /api/auth/login HTTP/1.1\r\nHost: {NAME}\r\n{JSON}Content-Length: {5 + len(inner)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode() + inner)
        return raw.count(b"HTTP/1.1 ") - raw.count(b"HTTP/1.1 100"), b'"worker"' in raw
    # Go's server goes on with the connection: what stands behind the chunks is to it the next request, of the same client.
    a.equal("a length and chunks: refused, or read as chunks and then closed", lambda v: v in ((1, False), (2, True)), smuggled)
    only = [s.kind for s in a.servers if smuggled(s) == (2, True)]
    tap.ok(only in ([], ["caddy"]), "Caddy alone goes on after it", only)


def methods(a):
    a.equal("HEAD of a page and of the API", [(200, b""), (200, b"")], lambda s: [(r.status, r.body) for r in (ask(s, "HEAD", p) for p in ("/admin", "/health"))])
    a.equal("OPTIONS and unknown methods", [(405, "method_not_allowed")] * 2, lambda s: [code(ask(s, m, "/api/tenants")) for m in ("OPTIONS", "PROPFIND")])
    a.statuses("TRACE", 405, lambda s: ask(s, "TRACE", "/api/tenants"))
    a.equal("Allow is told", "GET, HEAD, POST", lambda s: ask(s, "OPTIONS", "/api/tenants").get("allow"))


def pages(a):
    policy = lambda r: (r.status, r.get("content-security-policy"), {n: r.get(n) for n in HEADERS}, r.get("cache-control"))
    page = (200, POLICY, HEADERS, "no-cache")
    asset = open(os.path.join(web, "index.html"), encoding="utf-8").read().split('src="')[1].split('"')[0]
    for path in ("/", "/admin", "/admin/tenants/ten_1?tab=logs", "/portal", "/portal/enter", "/docs", "/order/ord_1", "/reveal.html", "/nothing/here"):
        a.equal(f"{path} is a page with each security header once", page, lambda s: policy(ask(s, "GET", path)))
    a.equal("what pages load may be kept for a year", lambda v: v[:3] == (200, POLICY, HEADERS) and "max-age=31536000" in v[3], lambda s: policy(ask(s, "GET", asset)))
    a.equal("what is not there is 404, and not for a year", (404, False), lambda s: (lambda r: (r.status, "31536000" in r.get("cache-control")))(ask(s, "GET", asset + ".x")))
    a.equal("files have their types", ["text/javascript", "text/css", "image/svg+xml"],
            lambda s: [ask(s, "GET", os.path.dirname(asset) + n).get("content-type").split(";")[0].replace("application/", "text/") for n in ("/theme.js", "/style.css", "/icons.svg")])
    style = os.path.dirname(asset) + "/style.css"
    api = (200, API, HEADERS, "no-store")
    a.equal("the API has its own headers, each once", api, lambda s: policy(ask(s, "GET", "/health")))
    a.equal("its failures as well", (401, API, HEADERS, "no-store"), lambda s: policy(ask(s, "GET", "/api/tenants")))
    a.equal("/api itself is nothing", 404, lambda s: ask(s, "GET", "/api").status)
    os.makedirs(os.path.join(box.root, "var/lib/sett/status/acme"), exist_ok=True)
    with open(os.path.join(box.root, "var/lib/sett/status/acme/index.html"), "w", encoding="utf-8") as f:
        f.write("<!doctype html><title>up</title>")
    a.equal("a status page has its policy", (200, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "public, max-age=30"),
            lambda s: (lambda r: (r.status, r.get("content-security-policy"), r.get("cache-control")))(ask(s, "GET", "/status/acme/")))
    a.equal("a page is pressed for who takes it", [("gzip", True), ("", True)],
            lambda s: [(r.get("content-encoding"), len(r.body) > 500) for r in (ask(s, "GET", "/admin", h) for h in ("Accept-Encoding: gzip\r\n", ""))])
    a.equal("so is what it loads, and caches are told", ("gzip", True, True), lambda s: (lambda r: (r.get("content-encoding"), "accept-encoding" in r.get("vary").lower(), len(r.body) < os.path.getsize(web + style) / 2))(
        ask(s, "GET", style, "Accept-Encoding: gzip\r\n")))
    a.equal("answers of the API are not", "", lambda s: ask(s, "GET", "/api/openapi.json", "Accept-Encoding: gzip\r\n").get("content-encoding"))

    def again(s, path, headers=""):
        etag = ask(s, "GET", path, headers).get("etag")
        r = ask(s, "GET", path, f"{headers}If-None-Match: {etag}\r\n")
        return bool(etag), r.status, r.body
    a.equal("a page that is known is not sent again", (True, 304, b""), lambda s: again(s, "/admin"))
    a.equal("nor when it is pressed", (True, 304, b""), lambda s: again(s, "/admin", "Accept-Encoding: gzip\r\n"))
    box.sett("plan", "create", "--name", "known", "--title", "Known", "--blueprint", "site")
    a.equal("nor an answer of the API", (True, 304, b""), lambda s: again(s, "/api/plans/known", f"Cookie: {sign_in(s)[0].split(';')[0]}\r\n"))
    a.statuses("a part of a file", (200, 206), lambda s: ask(s, "GET", style, "Range: bytes=0-9\r\n"))
    a.equal("no parts of answers of the API", (200, True), lambda s: (lambda r: (r.status, r.body.startswith(b"{") and r.body.endswith(b"}")))(ask(s, "GET", "/health", "Range: bytes=0-4\r\n")))


def addresses(a):
    for path, wanted in {
        "/api/a%2fb": 400, "/api/a%00b": (400, 404), "/api//tenants": 400, "//api/tenants": (200, 400), "/api/./tenants": 400, "/api/a%5cb": 400, "/api/a\\b": 400,
        "/api/%zz": 400, "/api/%c3%a9": 404, "/api/%ff": (400, 404), "/api/a%0d%0aSet-Cookie:x": 400, "/api/te%6eants": 401, "/api/a b": 400, "/api/x#y": (400, 404),
        "/api/tenants?name=%00": (400, 401, 422), "/health?x=1": 422, "/health/": 200, "/API/tenants": (200, 404), "/admin/%00": (200, 400, 404), "*": (200, 400),
        f"http://{NAME}/health": (200, 400), "/api/" + "a" * 4000: 400, "/api/" + "a" * 9000: (400, 414), "/" + "a" * 100000: (400, 414, 431),
    }.items():
        a.statuses(f"GET {path[:40]}", wanted, lambda s: ask(s, "GET", path))
    secret = lambda r: r.status in (200, 400, 403, 404) and b"root:" not in r.raw and b"recovery" not in r.raw
    for path in ("/assets/../../../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2f..%2f..%2fetc/passwd", "/status/../../../../../etc/passwd",
                 "/status/..%2f..%2f..%2f..%2fetc/passwd", "/.well-known/acme-challenge/../../../../../etc/passwd", "/problems/../../../../../../etc/passwd", "/admin/..%5c..%5cetc/passwd"):
        a.equal(f"nothing else is to be had by {path[:44]}", secret, lambda s: ask(s, "GET", path))
    a.equal("the front takes nothing of the address but what was sent", (404, "route_not_found", "/api/a;b=c:d@e"), lambda s: (lambda r: (r.status, json.loads(r.body)["code"], json.loads(r.body)["instance"]))(ask(s, "GET", "/api/a;b=c:d@e")))
    a.statuses("headers of 8 KiB", (200, 400, 431), lambda s: ask(s, "GET", "/health", f"X-Long: {'a' * 8000}\r\n"))
    a.statuses("headers of 200 KiB", (400, 431), lambda s: ask(s, "GET", "/health", "".join(f"X-{i}: {'a' * 4000}\r\n" for i in range(50))))
    a.statuses("a header that is none", (200, 400), lambda s: ask(s, "GET", "/health", "No colon\r\n"))
    a.statuses("the same header twice", 400, lambda s: ask(s, "GET", "/api/tenants", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"))


def hosts(a):
    a.statuses("a name that is not the box's", 421, lambda s: ask(s, "GET", "/health", host="nobody.example", name="nobody.example"))
    a.statuses("two names", 400, lambda s: ask(s, "GET", "/health", f"Host: other.example\r\n"))
    a.statuses("none", 400, lambda s: Reply(s.raw(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")))
    a.statuses("none, as HTTP/1.0 has it", (400, 421), lambda s: Reply(s.raw(b"GET /health HTTP/1.0\r\n\r\n")))
    a.equal("its name in capitals, with a port", 200, lambda s: ask(s, "GET", "/health", host=f"BOX.example:{s.https}").status)


def https(a):
    a.equal("plain HTTP leads to HTTPS, with the whole address", lambda v: v[0] == 308 and v[1].lower() == v[2].lower(),
            lambda s: (lambda r: (r.status, r.get("location"), f"https://{NAME}:{s.https}/admin/a%20b?x=%2f"))(ask(s, "GET", "/admin/a%20b?x=%2f", tls=False)))
    a.equal("a change as well", 308, lambda s: post(s, "/api/auth/login", {}, tls=False).status)
    a.equal("and no line can be put into it", lambda v: "x-evil" not in [n for n, _ in v.headers], lambda s: ask(s, "GET", "/a%0d%0aX-Evil:%201", tls=False))
    for tls in (True, False):
        a.equal(f"an authority finds its token by {'HTTPS' if tls else 'HTTP'}", (200, b"token.thumb\n"), lambda s: (lambda r: (r.status, r.body))(ask(s, "GET", "/.well-known/acme-challenge/token", tls=tls)))

    def speaks(s, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", s.https), 10) as plain, context.wrap_socket(plain, server_hostname=NAME) as c:
                return c.version()
        except (ssl.SSLError, OSError):
            return None
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    a.equal("TLS 1.2 and 1.3 are spoken, 1.1 is not", [None, "TLSv1.2", "TLSv1.3"],
            lambda s: [speaks(s, v) for v in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)])
    a.equal("over IPv6, too", 200, lambda s: ask(s, "GET", "/health", address="::1").status)
    a.equal("HTTP/2, where there is", lambda v: v[0] == "200" and v[1] in ("1.1", "2"), lambda s: subprocess.run(
        ["curl", "-sk", "--resolve", f"{NAME}:{s.https}:127.0.0.1", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"https://{NAME}:{s.https}/api/brand"], capture_output=True, text=True, timeout=20).stdout.split(" "))


def sign_in(server, headers="", prefix="", **how):
    r = post(server, prefix + "/api/auth/login", {"username": "admin", "password": box.password()}, headers, **how)
    assert r.status == 200, (r.status, r.body)
    cookie = r.get("set-cookie")
    return cookie, json.loads(r.body)


class Stream:
    """An event stream, and what came of it."""

    def __init__(self, server, cookie, prefix="", **how):
        self.text = b""
        self.socket = server.connect(**how)
        self.socket.settimeout(30)
        self.socket.sendall(f"GET {prefix}/api/events/stream?topics=all HTTP/1.1\r\nHost: {NAME}\r\nAccept: text/event-stream\r\nCookie: {cookie.split(';')[0]}\r\n\r\n".encode())

    def until(self, word):
        while word not in self.text:
            part = self.socket.recv(65536)
            if not part:
                raise AssertionError(f"the stream ended: {self.text[-300:]!r}")
            self.text += part
        return self.text

    def close(self):
        self.socket.close()


def streams(a):
    def begun(s):
        cookie, _ = sign_in(s)
        many[s.kind] = [Stream(s, cookie) for _ in range(STREAMS)]
        for one in many[s.kind]:
            one.until(b"event: ready")
        head = Reply(many[s.kind][0].text)
        return head.status, head.get("content-type").split(";")[0], head.get("cache-control")
    many = {}
    a.equal(f"{STREAMS} event streams from each begin at once", (200, "text/event-stream", "no-store"), begun)
    a.equal("requests are answered beside them", 200, lambda s: ask(s, "GET", "/health").status)
    box.sett("setting", "set", "brand.name", "changed")
    a.equal("a change comes through each as it happens", STREAMS, lambda s: len([one.until(b"event: change") for one in many[s.kind]]))
    for one in sum(many.values(), []):
        one.close()
    # The front stands still until each server has a request for it: who waits is answered when it goes on.
    box.processes["front"].send_signal(signal.SIGSTOP)
    sent = threading.Barrier(len(a.servers), action=lambda: box.processes["front"].send_signal(signal.SIGCONT))

    def waits(s):
        with s.connect(timeout=30) as c:
            c.sendall(f"GET /health HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
            sent.wait(30)
            text = b""
            while part := c.recv(65536):
                text += part
            return Reply(text).status
    a.equal("a request waits for an answer that takes its time", 200, waits)
    box.processes["front"].send_signal(signal.SIGCONT)


def seen(server, headers="", **how):
    """The address that the box has of who signs in so."""
    cookie, me = sign_in(server, headers, **how)
    r = ask(server, "GET", "/api/sessions", f"Cookie: {cookie.split(';')[0]}\r\n", **{k: v for k, v in how.items() if k != "prefix"})
    return next(x["address"] for x in json.loads(r.body)["data"] if x["current"])


def begin_anew():
    box.kill("front", signal.SIGTERM)
    box.start("front")
    wait_for(lambda: os.path.exists(box.socket("front")), "the front is back", 60)


def setting(name, value):
    """For all threads of the front at once: it reads its settings when it begins, and then now and then."""
    box.sett("setting", "set", name, value)
    begin_anew()
    wait_for(lambda: all(ask(s, "GET", "/health").status == 200 for s in servers), "the front is back", 60)


def clients(a):
    xff = "X-Forwarded-For: 203.0.113.5\r\n"
    a.equal("a proxy on this machine is believed who the client is", ["127.0.0.1", "203.0.113.5", "2001:db8::7", "203.0.113.6"],
            lambda s: [seen(s), seen(s, xff), seen(s, "X-Forwarded-For: 6.6.6.6, 2001:db8::7\r\n"), seen(s, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.6\r\n")])
    a.equal("Cloudflare's word where there is no other", ["203.0.113.9", "203.0.113.5"], lambda s: [seen(s, "CF-Connecting-IP: 203.0.113.9\r\n"), seen(s, "CF-Connecting-IP: 203.0.113.9\r\n" + xff)])
    a.equal("a header that only looks alike is nobody's word", ["127.0.0.1", "203.0.113.5", "203.0.113.5"],
            lambda s: [seen(s, "X_Forwarded_For: 6.6.6.6\r\n"), seen(s, xff + "X_Forwarded_For: 6.6.6.6\r\n"), seen(s, "X_Forwarded_For: 6.6.6.6\r\n" + xff)])
    a.equal("the figures are for this machine alone", [200, 403, 403], lambda s: [ask(s, "GET", "/metrics", h).status for h in ("", xff, "CF-Connecting-IP: 203.0.113.9\r\n")])

    def tried(s, who):
        return post(s, "/api/auth/login", {"username": "nobody", "password": "x"}, f"X-Forwarded-For: 198.51.{100 + KINDS.index(s.kind)}.{who}\r\n").status
    setting("limits.login_per_minute", "3")
    a.equal("of two behind a proxy each has a limit of their own", (429, 401), lambda s: ([tried(s, 1) for _ in range(6)][-1], tried(s, 2)))
    setting("limits.login_per_minute", "10000")
    setting("box.trusted_proxies", "192.0.2.0/24")
    a.equal("a stranger is not", ["127.0.0.1"] * 3, lambda s: [seen(s, h) for h in (xff, "CF-Connecting-IP: 203.0.113.9\r\n", "X_Forwarded_For: 6.6.6.6\r\n")])
    setting("box.trusted_proxies", "loopback")


class Tenant(http.server.BaseHTTPRequestHandler):
    """A tenant's program: says what it was asked, and turns a connection to WebSocket."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            self.wfile.flush()
            self.wfile.write(b"echo:" + self.rfile.read(5))
            self.wfile.flush()
            self.close_connection = True
            return
        said = json.dumps({"path": self.path, **{n.lower(): v for n, v in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def tenants(a):
    one = dict(host="acme.tenants.example", name="acme.tenants.example")
    told = lambda r: json.loads(r.body)
    a.equal("a tenant is led to by its name", ("acme.tenants.example", "https", "127.0.0.1"),
            lambda s: (lambda t: (t["host"], t["x-forwarded-proto"], t["x-forwarded-for"]))(told(ask(s, "GET", "/", **one))))
    a.equal("with the address as it was sent", lambda v: v in ("/a%2fb?x=%20", "/a%2Fb?x=%20"), lambda s: told(ask(s, "GET", "/a%2fb?x=%20", **one))["path"])
    a.equal("it is told whom a trusted proxy names", lambda v: v[0].split(",")[0] == "203.0.113.5" and v[1] in ("203.0.113.5", ""), lambda s: (lambda t: (t["x-forwarded-for"], t.get("x-real-ip", "")))(
        told(ask(s, "GET", "/", "X-Forwarded-For: 203.0.113.5\r\nX-Real-IP: 6.6.6.6\r\n", **one))))

    def upgraded(s):
        with s.connect(name="acme.tenants.example") as c:
            c.settimeout(30)
            c.sendall(b"GET /ws HTTP/1.1\r\nHost: acme.tenants.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            text = b""
            while b"\r\n\r\n" not in text:
                text += c.recv(4096)
            c.sendall(b"hello")
            while b"echo:hello" not in text:
                part = c.recv(4096)
                if not part:
                    break
                text += part
            return text[:12], b"echo:hello" in text
    a.equal("a WebSocket goes through", (b"HTTP/1.1 101", True), upgraded)
    a.equal("a tenant in maintenance has a page", lambda v: v in ((503, "300", "no-store", True), (503, "", "", True)), lambda s: (lambda r: (r.status, r.get("retry-after"), r.get("cache-control"), b"Under maintenance" in r.body))(
        ask(s, "GET", "/x", host="still.tenants.example", name="still.tenants.example")))
    a.statuses("one whose program is not there", (502, 503), lambda s: ask(s, "GET", "/", host="gone.tenants.example", name="gone.tenants.example"))
    a.statuses("a name that no tenant has", 421, lambda s: ask(s, "GET", "/", host="none.tenants.example", name="none.tenants.example"))


def routes_of(kind, port):
    """A map of three tenants as the hands write it for this server: its program there, gone, in maintenance."""
    os.makedirs(os.path.join(box.root, "var/lib/sett/web"), exist_ok=True)
    box.kill("hands", signal.SIGTERM)
    with open(os.path.join(box.root, "var/lib/sett/live/hands/routes"), "w", encoding="utf-8") as f:
        f.write(f"acme.tenants.example {port} 1\ngone.tenants.example 1 2\nstill.tenants.example 2 3 maintenance\n")
    with open(os.path.join(box.root, "var/lib/sett/web/server.conf"), "w", encoding="utf-8") as f:
        f.write(f"[web]\nkind = {kind}\n")
    path = os.path.join(box.root, "var/lib/sett/web/tenants.map")
    if os.path.exists(path):
        os.unlink(path)
    box.start("hands")
    wait_for(lambda: os.path.exists(path), "the hands write the map")
    with open(path, encoding="utf-8") as f:
        return f.read()


def unchecked():
    """What was not set by an operation is believed no more for that: root takes over what comes of it."""
    path = os.path.join(box.root, "etc/sett/sett.conf")
    with open(path, encoding="utf-8") as f:
        before = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{before}\n[box]\ndomain = a.example; error_log /tmp/x\n")
    code_, out, said = box.sett("web-server", "show", "nginx", ok=False)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before)
    tap.ok(code_ != 0 and "server {" not in out and "is not a domain" in said, "a setting that is none makes no configuration", out[:300] + said)


def gone(a):
    box.kill("front")
    a.equal("the API says it itself when the box does not answer", (503, "front_down"), lambda s: code(ask(s, "GET", "/api/brand")))
    a.equal("pages are there all the same", 200, lambda s: ask(s, "GET", "/admin").status)
    box.start("front")
    wait_for(lambda: ask(a.servers[0], "GET", "/health").status == 200, "the front is back")


class Outer:
    """Somebody else's nginx: for each server a port that keeps /sett, and one that takes it off."""

    def __init__(self, servers):
        self.ports = {(s.kind, kept): free_port() for s in servers for kept in (True, False)}
        self.folder = os.path.join(box.root, "outer")
        os.makedirs(self.folder, exist_ok=True)
        tls = os.path.join(box.root, "etc/sett/tls")
        blocks = "".join(f"""    server {{
        listen 127.0.0.1:{port} ssl;
        server_name {NAME};
        ssl_certificate {tls}/cert.pem;
        ssl_certificate_key {tls}/key.pem;
        location / {{ return 200 "another site"; }}
        location /sett/ {{
            proxy_pass http://127.0.0.1:{next(s for s in servers if s.kind == kind).http}{"" if kept else "/"};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
""" for (kind, kept), port in self.ports.items())
        temporary = "\n".join(f"    {n}_temp_path {self.folder}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"daemon off;\npid {self.folder}/pid;\nerror_log {self.folder}/log;\nevents {{ worker_connections 1024; }}\nhttp {{\n    access_log off;\n{temporary}\n{blocks}}}\n")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.folder, "-e", "stderr", "-c", conf], stdin=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "err"), "ab"))

    def way(self, server, kept):
        return Way(server.kind, self.ports[server.kind, kept])

    def close(self):
        self.process.terminate()
        self.process.wait(10)


class Way(Server):
    """A server as one meets it through another."""

    def __init__(self, kind, port):  # noqa: super-init-not-called
        self.kind, self.tls, self.https, self.http = kind, True, port, 0


def below(a, outer, kept):
    how = "kept" if kept else "taken off"
    a = All([outer.way(s, kept) for s in a.servers])
    wait_for(lambda: all(s.listens() for s in a.servers), "the outer server listens")
    html = lambda s, path: ask(s, "GET", path).body.decode()
    first = lambda s: html(s, "/sett/admin/tenants/x").split('<script src="')[1].split('"')[0]
    a.equal(f"below a path that is {how} pages name what they load with it", True, lambda s: first(s).startswith("/sett/assets/") and 'href="/assets' not in html(s, "/sett/"))
    a.equal(f"{how}: it is there, and may be kept", (200, True), lambda s: (lambda r: (r.status, "max-age=31536000" in r.get("cache-control")))(ask(s, "GET", first(s))))
    a.equal(f"{how}: every page", [200] * 6, lambda s: [ask(s, "GET", "/sett" + p).status for p in ("/", "/admin", "/portal", "/docs", "/order/ord_1", "/reveal.html")])
    a.equal(f"{how}: the API", (200, 401, 404), lambda s: tuple(ask(s, "GET", "/sett" + p).status for p in ("/health", "/api/tenants", "/api/none")))

    def cookie(s):
        text = sign_in(s, prefix="/sett")[0]
        name, rest = text.split("=", 1)
        return name, sorted(x.strip() for x in rest.split(";")[1:])
    a.equal(f"{how}: the cookie is for the path alone", ("__Secure-sett", ["HttpOnly", "Path=/sett/", "SameSite=Strict", "Secure"]), cookie)

    def made(s):
        text, me = sign_in(s, prefix="/sett")
        r = post(s, "/sett/api/plans", {"name": f"{s.kind}-{how[0]}", "title": "x", "blueprint": "site"}, f"Cookie: {text.split(';')[0]}\r\nX-CSRF: {me['csrf_token']}\r\nOrigin: https://{NAME}:{s.https}\r\n", host=f"{NAME}:{s.https}")
        place = r.get("location")
        return r.status, place.startswith("/sett/api/plans/"), ask(s, "GET", place, f"Cookie: {text.split(';')[0]}\r\n").status
    a.equal(f"{how}: a change from a page of ours is taken, and leads to what was made", (201, True, 200), made)
    a.equal(f"{how}: the client is who speaks to the outer server, whatever he says", "127.0.0.5", seen_below)

    def told(s):
        stream = Stream(s, sign_in(s, prefix="/sett")[0], prefix="/sett")
        stream.until(b"event: ready")
        box.sett("setting", "set", "brand.name", f"{s.kind} {next(serial)}")
        stream.until(b"event: change")
        stream.close()
        return True
    a.equal(f"{how}: an event stream comes through as it happens", True, told)


def seen_below(s):
    cookie, _ = sign_in(s, "X-Forwarded-For: 6.6.6.6\r\n", prefix="/sett", source="127.0.0.5")
    r = ask(s, "GET", "/sett/api/sessions", f"Cookie: {cookie.split(';')[0]}\r\n", source="127.0.0.5")
    return next(x["address"] for x in json.loads(r.body)["data"] if x["current"])


def make_box():
    b = Box()
    path = os.path.join(b.root, "etc/sett/sett.conf")
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("domain = localhost", "domain = tenants.example").replace(f"url = http://localhost:{b.port}", f"url = https://{NAME}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "[limits]\nanonymous_per_minute = 100000\nlogin_per_minute = 10000\nwebhook_failures_per_minute = 10000\n[auth]\nargon2_memory_mib = 8\nargon2_passes = 1\n")
    b.sett("box", "finish")
    certificate(os.path.join(b.root, "etc/sett/tls"), [NAME, "tenants.example", "*.tenants.example", "127.0.0.1", "nobody.example"])
    for place, name, text in (("var/lib/sett/acme/.well-known/acme-challenge", "token", "token.thumb\n"),):
        os.makedirs(os.path.join(b.root, place), exist_ok=True)
        with open(os.path.join(b.root, place, name), "w", encoding="utf-8") as f:
            f.write(text)
    b.start_all()
    for place in ("run", "run/sett", "var", "var/lib", "var/lib/sett", "var/lib/sett/web", "var/lib/sett/status", "var/lib/sett/acme"):
        os.makedirs(os.path.join(b.root, place), exist_ok=True)
        os.chmod(os.path.join(b.root, place), 0o755)
    return b


def browse(base):
    done = subprocess.run(["node", os.path.join(TOP, "tests", "browser", "below.mjs"), json.dumps({"base": base, "password": box.password()})], capture_output=True, text=True, timeout=120)
    for line in done.stdout.splitlines():
        if line.startswith(("ok ", "not ok ")):
            tap.ok(line.startswith("ok "), line.split(" - ", 1)[1], done.stdout + done.stderr)
    tap.ok(done.returncode == 0, f"a browser below {base.split('/')[-2]}", done.stdout + done.stderr)


box = make_box()
web = stage(os.path.join(box.root, "web"))
tenant = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tenant)
threading.Thread(target=tenant.serve_forever, daemon=True).start()
servers, outer = [], None
try:
    for each in KINDS:
        with tap.part(f"{each} starts"):
            servers.append(Server(box, each, web, routes=routes_of(each, tenant.server_port)))
    every = All(servers)
    for part in (bodies, methods, pages, addresses, hosts, https, streams, clients, tenants, gone):
        with tap.part(part.__name__):
            part(every)
    for server in servers:
        server.close()
    box.sett("setting", "set", "box.url", f"https://{NAME}/sett")
    box.sett("setting", "set", "box.trusted_proxies", "127.0.0.1")
    begin_anew()
    servers = [Server(box, each, web, tls=False, words=("--pages", "--default-server", "false"), routes="\n", beside=True) for each in KINDS]
    with tap.part("beside another site"):
        every = All(servers)
        every.equal("beside another site each has its own names", (410, 410, 200), lambda s: tuple(ask(s, "GET", p, host=h).status for p, h in (("/", NEIGHBOUR), ("/api/brand", NEIGHBOUR), ("/api/brand", NAME))))
    outer = Outer(servers)
    for kept in (True, False):
        with tap.part("below a path"):
            below(All(servers), outer, kept)
    with tap.part("a browser below a path"):
        browse(f"https://{NAME}:{outer.ports[KINDS[-1], True]}/sett/")
    unchecked()
finally:
    for server in servers:
        server.close()
    if outer:
        outer.close()
    tenant.shutdown()
    box.close()
tap.done()
