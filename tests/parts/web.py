"""nginx in front of a test's box, from the very snippet that ships, and a FastCGI client that can also
speak nonsense."""
import os
import socket
import struct
import subprocess

from box import TOP, wait_for


class Nginx:
    def __init__(self, box, web=None):
        self.box = box
        self.folder = os.path.join(box.root, "nginx")
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            os.makedirs(os.path.join(self.folder, "tmp", name), exist_ok=True)
        os.makedirs(os.path.join(box.root, "log"), exist_ok=True)
        self.map = os.path.join(box.root, "var/lib/sett/web/tenants.map")
        os.makedirs(os.path.dirname(self.map), exist_ok=True)
        with open(self.map, "a", encoding="utf-8"):
            pass
        os.makedirs(os.path.join(self.folder, "web"), exist_ok=True)
        with open(os.path.join(self.folder, "web", "index.html"), "w", encoding="utf-8") as f:
            f.write("<!doctype html><title>sett</title>")
        web = web or os.path.join(self.folder, "web")
        snippet = box.sett("web-server", "show", "nginx", "--listen", "127.0.0.1", "--http-port", str(box.port), "--tls", "false",
                           "--default-server", "true", "--web", web)
        with open(os.path.join(self.folder, "sett.conf"), "w", encoding="utf-8") as f:
            f.write(snippet)
        values = {"RUN": os.path.join(box.root, "run", "sett"), "ROOT": box.root, "USER_LINE": "user root;" if os.geteuid() == 0 else ""}
        with open(os.path.join(TOP, "appliance", "nginx", "run.conf.in"), encoding="utf-8") as f:
            text = f.read()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.folder, "-e", "stderr", "-c",
                                         os.path.join(self.folder, "nginx.conf")], stdin=subprocess.DEVNULL,
                                        stderr=open(os.path.join(box.root, "nginx.err"), "ab"))
        wait_for(self.listens, "nginx listens")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.box.port), 1).close()
            return True
        except OSError:
            return False

    def raw(self, text, timeout=15):
        """Bytes as they are to nginx; all that comes back until it closes."""
        with socket.create_connection(("127.0.0.1", self.box.port), timeout) as s:
            s.sendall(text)
            out = b""
            while True:
                part = s.recv(65536)
                if not part:
                    return out
                out += part

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, data=b"", ident=1):
    return struct.pack("!BBHHBB", 1, kind, ident, len(data), 0, 0) + data


def pair(name, value):
    name, value = name.encode(), value.encode("latin-1")
    out = b""
    for length in (len(name), len(value)):
        out += struct.pack("!I", length | 0x80000000) if length > 127 else bytes([length])
    return out + name + value


def fastcgi(path, params, body=b"", length=None, timeout=15):
    """One request straight to a socket; params is a list of pairs, so that one may come twice. Returns
    (status, headers as a list, body)."""
    params = list(params)
    if length is None:
        length = len(body)
    params.append(("CONTENT_LENGTH", str(length)))
    packed = b"".join(pair(n, v) for n, v in params)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        out = record(BEGIN, struct.pack("!HB5x", 1, 0))
        for at in range(0, len(packed), 60000):
            out += record(PARAMS, packed[at:at + 60000])
        out += record(PARAMS)
        for at in range(0, len(body), 60000):
            out += record(STDIN, body[at:at + 60000])
        s.sendall(out + record(STDIN))
        stdout = b""
        while True:
            head = receive(s, 8)
            if head is None:
                break
            kind, size, padding = head[1], struct.unpack("!H", head[4:6])[0], head[6]
            data = receive(s, size + padding)[:size] if size + padding else b""
            if kind == STDOUT:
                stdout += data
            if kind == END:
                break
    head, _, rest = stdout.partition(b"\r\n\r\n")
    headers = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").split("\r\n") if ": " in line]
    status = int(dict(headers).get("Status", "0").split()[0] or 0)
    return status, headers, rest


def receive(s, size):
    data = b""
    while len(data) < size:
        part = s.recv(size - len(data))
        if not part:
            return None
        data += part
    return data
