#!/usr/bin/env python3
"""A tenant's program that does what the file `mode` in its folder says: ok, 500, silent, or any of them
with " once": until it is started again. usage: patient.py PORT"""
import http.server
import os
import sys
import time


def mode():
    try:
        with open("mode", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return "ok"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = mode().split(" ")[0]
        if said == "silent":
            time.sleep(30)
        body = b"well" if said == "ok" else b"not well"
        self.send_response(200 if said == "ok" else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if mode().endswith(" once"):
    os.unlink("mode")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
server.serve_forever()
