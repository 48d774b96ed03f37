"""Services for probes to meet, each on a loopback port of its own: a WebSocket echo (RFC 6455) behind TLS with
a certificate of its own, plain ones, ones that speak something else, hang, or are not there."""
import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def certificate(folder, name, days="2", names="DNS:pbx.example.com"):
    """A self-signed certificate; days may be negative: it has expired."""
    key, cert = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", cert]
    subprocess.run(command + ["-days", days], check=True, capture_output=True)
    return cert, key


class Origin:
    """One service. paths: which of them become a WebSocket; pages: which have a page."""

    def __init__(self, kind="http", tls=None, paths=("/ws",), pages=("/",), status=404):
        self.kind, self.paths, self.pages, self.status = kind, paths, pages, status
        self.context = None
        self.requests = []
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        peer.settimeout(20)
        with contextlib.suppress(OSError, ValueError):
            if self.kind == "silent":
                while peer.recv(4096):
                    pass
            elif self.kind == "ssh":
                peer.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
                peer.recv(4096)
            elif self.kind == "closed":
                peer.recv(1)
            else:
                if self.context:
                    peer = self.context.wrap_socket(peer, server_side=True)
                self.http(peer)
        peer.close()

    def http(self, peer):
        head = b""
        while b"\r\n\r\n" not in head:
            more = peer.recv(4096)
            if not more:
                return
            head += more
        lines = head.decode().split("\r\n")
        path = lines[0].split(" ")[1]
        headers = {n.strip().lower(): v.strip() for n, _, v in (l.partition(":") for l in lines[1:] if l)}
        self.requests.append((path, headers))
        if headers.get("upgrade", "").lower() == "websocket" and path in self.paths:
            accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + GUID).encode()).digest()).decode()
            peer.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
            self.echo(peer)
            return
        status, body = (200, b"hello\n") if path in self.pages else (self.status, b"not here\n")
        peer.sendall(f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)

    @staticmethod
    def echo(peer):
        """Small frames of text, unmasked and sent back; a close ends it."""
        def take(n):
            data = b""
            while len(data) < n:
                more = peer.recv(n - len(data))
                if not more:
                    raise OSError("gone")
                data += more
            return data
        while True:
            first, second = take(2)
            length = second & 0x7f
            if length == 126:
                length = struct.unpack(">H", take(2))[0]
            mask = take(4) if second & 0x80 else b"\0\0\0\0"
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(take(length)))
            if first & 0x0f == 8:
                return
            peer.sendall(bytes([first, length]) + data)


def library_python():
    """The interpreter that has Debian's libraries; another may come first in the path."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import websockets"], capture_output=True).returncode == 0:
            return python
    raise AssertionError("no python3 here has websockets")


class Echo:
    """A WebSocket echo behind TLS by a library of its own."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ws_echo.py")

    def __init__(self, tls):
        self.process = subprocess.Popen([library_python(), self.program, "serve", *tls], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)

    @classmethod
    def say(cls, ca, host, port, text):
        """What comes back through a front door."""
        return subprocess.run([library_python(), cls.program, "say", ca, host, str(port), text], capture_output=True, text=True, timeout=20).stdout.strip()


def closed_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]
