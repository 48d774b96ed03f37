"""A receiver of webhooks for tests: keeps every request, checks Standard Webhooks signatures by itself, and
answers as the path says: /ok, /gone (410), /away (302), /down (503, Retry-After 1), /stall, /wordy (a long page), /flaky (two 500s, then
ok), /slack (as Slack does: wants JSON with "text", says "ok" or "invalid_payload")."""
import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def genuine(secret, headers, body, now=None):
    """Whether one of the signatures is of this secret, and the time is near."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    at = int(headers["webhook-timestamp"])
    if abs((now or time.time()) - at) > 300:
        return False
    want = base64.b64encode(hmac.new(key, f"{headers['webhook-id']}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(want, s.removeprefix("v1,")) for s in headers["webhook-signature"].split(" ") if s.startswith("v1,"))


class HookSink:
    def __init__(self):
        sink = self
        self.seen, self.lock, self.flaky = [], threading.Lock(), 0
        self.release = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with sink.lock:
                    sink.seen.append({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body})
                status, text, more = sink.answer(self.path, body)
                if status is None:
                    return
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body):
        if path == "/gone":
            return 410, "gone", {}
        if path == "/away":
            return 302, "", {"Location": f"{self.url}/ok"}
        if path == "/down":
            return 503, "later", {"Retry-After": "1"}
        if path == "/stall":
            self.release.wait(60)
            return None, "", {}
        if path == "/flaky":
            with self.lock:
                self.flaky += 1
                return (500, "oh", {}) if self.flaky < 3 else (200, "ok", {})
        if path == "/wordy":
            return 200, "thanks " * 10000, {}
        if path == "/slack":
            try:
                return (200, "ok", {}) if json.loads(body)["text"] else (400, "no_text", {})
            except (ValueError, KeyError):
                return 400, "invalid_payload", {}
        return 204, "", {}

    def at(self, path):
        with self.lock:
            return [s for s in self.seen if s["path"] == path]

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
