#!/usr/bin/env python3
"""A server of canned answers for unit tests, on 127.0.0.1 (TLS, or plain) or on a UNIX socket.

usage: canned.py FOLDER tls|plain|unix

FOLDER/routes.json: {"METHOD /path?query": answer or [answers, the last repeats], …}, an answer being
{"status", "headers", "body" (text or JSON), "break": true to close without an answer, "delay_s",
"stall": true to send the head and hang}. With tls, FOLDER/ca.pem is made for "localhost" and
127.0.0.1. Each request is a JSON line in FOLDER/log. The port (or "ready") is the first line of the
output; the server ends when its standard input does.
"""
import http.server
import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time

folder, kind = sys.argv[1], sys.argv[2]
lock = threading.Lock()
used = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "peer"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", "replace")
        key = f"{self.command} {self.path}"
        with lock:
            with open(os.path.join(folder, "routes.json"), encoding="utf-8") as f:
                found = json.load(f).get(key, {"status": 599, "body": f"no route {key}"})
            with open(os.path.join(folder, "log"), "a", encoding="utf-8") as f:
                f.write(json.dumps({"request": key, "headers": dict(self.headers), "body": body,
                                    "connection": self.connection.fileno()}) + "\n")
            if isinstance(found, list):
                at = used.get(key, 0)
                used[key] = at + 1
                found = found[min(at, len(found) - 1)]
        time.sleep(found.get("delay_s", 0))
        if found.get("break"):
            self.close_connection = True
            return
        data = found.get("body", "")
        data = (data if isinstance(data, str) else json.dumps(data)).encode()
        data *= found.get("times", 1)
        self.send_response(found.get("status", 200))
        for name, value in found.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if found.get("stall"):
            self.wfile.flush()
            time.sleep(60)
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer


class Tcp(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if kind == "unix":
    server = Unix(os.path.join(folder, "sock"), Handler)
    print("ready", flush=True)
else:
    server = Tcp(("127.0.0.1", 0), Handler)
    if kind == "tls":
        pem, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=sett tests", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", pem], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        # The handshake belongs to the connection's thread: a peer that refuses us must not stop others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.buffer.read()
