"""A FastCGI client of one request: for tests that want to speak to the front without a web server
between (FastCGI specification 1.0, responder role)."""
import socket
import struct


def record(kind, data=b""):
    out = b""
    while True:
        part, data = data[:65528], data[65528:]
        pad = -len(part) % 8
        out += struct.pack(">BBHHBx", 1, kind, 1, len(part), pad) + part + b"\0" * pad
        if not data:
            return out


def pair(name, value):
    out = b""
    for s in (name, value):
        out += struct.pack(">B", len(s)) if len(s) < 128 else struct.pack(">I", len(s) | 0x80000000)
    return out + name + value


def request(path, method, uri, body=b"", headers=None, timeout=10.0, address="127.0.0.1"):
    """(status, body) of one request at the socket `path`; OSError when the peer goes away."""
    params = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "HTTP_HOST": "localhost", "REMOTE_ADDR": address,
              "SERVER_PROTOCOL": "HTTP/1.1"}
    if body:
        params["CONTENT_LENGTH"] = str(len(body))
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        params[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        encoded = b"".join(pair(k.encode(), v.encode()) for k, v in params.items())
        out = record(1, struct.pack(">HB5x", 1, 0)) + record(4, encoded) + (record(4) if encoded else b"")
        out += (record(5, body) if body else b"") + record(5)
        s.sendall(out)
        answer = read_all(s)
    text, _, rest = answer.partition(b"\r\n\r\n")
    status = 200
    for line in text.split(b"\r\n"):
        if line.lower().startswith(b"status:"):
            status = int(line.split()[1])
    if not text:
        raise OSError("no answer")
    return status, rest


def read_exact(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            raise OSError("the peer closed")
        out += part
    return out


def read_all(s):
    out = b""
    while True:
        _, kind, _, length, pad = struct.unpack(">BBHHBx", read_exact(s, 8))
        data = read_exact(s, length + pad)[:length]
        if kind == 6:
            out += data
        elif kind == 3:
            return out
