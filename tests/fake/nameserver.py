#!/usr/bin/env python3
"""A name server for tests on a loopback port, over UDP and TCP: it knows what it is told, follows its
own CNAMEs like a resolver, and can be made to misbehave.

usage: nameserver.py [PORT [COMMAND]...]

Prints the port it listens on; each line of standard input is a command as well, and it ends with its input:
  set NAME TYPE VALUE...   the records of a name (A AAAA CNAME TXT NS); a value with blanks in '...'
  del NAME [TYPE]          they are gone
  fault NAME FAULT         silent | servfail | refused | cut (TC over UDP) | garbage | wrong-id | none
As a module: NameServer(port).set(...), .delete(...), .faults, .asked.
"""
import shlex
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "TXT": 16, "AAAA": 28}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def wire_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_value(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "TXT":
        raw = value.encode("utf-8", "surrogateescape")
        parts = [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
        return b"".join(bytes([len(p)]) + p for p in parts)
    return wire_name(value)


class NameServer:
    def __init__(self, port=0):
        self.lock = threading.Lock()
        self.reset()
        for _ in range(50):  # the same number must be free for both
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", port))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def reset(self):
        with self.lock:
            self.records = {}  # (name, type) -> [value]
            self.faults, self.asked = {}, {}

    def set(self, name, kind, *values):
        with self.lock:
            self.records[name.lower().rstrip("."), kind] = list(values)

    def delete(self, name, kind=None):
        with self.lock:
            for key in [k for k in self.records if k[0] == name.lower() and kind in (None, k[1])]:
                del self.records[key]

    def look_up(self, name, kind):
        """The answer section and the response code, CNAMEs followed."""
        found = []
        for _ in range(8):
            known = {k[1] for k in self.records if k[0] == name}
            if (name, kind) in self.records:
                return found + [(name, kind, v) for v in self.records[name, kind]], NOERROR
            if "CNAME" not in known:
                inner = any(k[0].endswith("." + name) for k in self.records)  # an empty non-terminal
                return found, NOERROR if known or inner else NXDOMAIN
            target = self.records[name, "CNAME"][0].lower().rstrip(".")
            found.append((name, "CNAME", target))
            name = target
        return found, SERVFAIL

    def answer(self, data, udp):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
            at += 1 + data[at]
        name = ".".join(labels).lower()
        number = struct.unpack(">H", data[at + 1:at + 3])[0]
        question = data[12:at + 5]
        kind = {v: k for k, v in TYPES.items()}.get(number)
        with self.lock:
            self.asked[name] = self.asked.get(name, 0) + 1
            fault = self.faults.get(name)
            found, code = self.look_up(name, kind) if kind else ([], NOERROR)
        ident, flags = data[:2], 0x8180
        if fault == "silent":
            return None
        if fault == "garbage":
            return data[:2] + b"\x81\x80\xff\xff\xff\xff\0\0\0\0" + question
        if fault in ("servfail", "refused"):
            found, code = [], SERVFAIL if fault == "servfail" else REFUSED
        if fault == "wrong-id":
            ident = bytes([ident[0] ^ 1, ident[1]])
        body = b"".join(wire_name(n) + struct.pack(">HHIH", TYPES[t], 1, 60, len(wire_value(t, v))) + wire_value(t, v)
                        for n, t, v in found)
        if udp and (fault == "cut" or 12 + len(question) + len(body) > 1232):
            found, body, flags = [], b"", flags | 0x0200
        return ident + struct.pack(">HHHHH", flags | code, 1, len(found), 0, 0) + question + body

    def serve_udp(self):
        while True:
            data, peer = self.udp.recvfrom(4096)
            said = self.answer(data, True)
            if said is not None:
                self.udp.sendto(said, peer)

    def serve_tcp(self):
        while True:
            peer, _ = self.tcp.accept()
            threading.Thread(target=self.serve_one, args=(peer,), daemon=True).start()

    def serve_one(self, peer):
        with peer:
            head = peer.recv(2, socket.MSG_WAITALL)
            if len(head) == 2:
                said = self.answer(peer.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL), False)
                if said is not None:
                    peer.sendall(struct.pack(">H", len(said)) + said)

    def command(self, line):
        verb, name, *rest = shlex.split(line)
        if verb == "set":
            self.set(name, *rest)
        elif verb == "del":
            self.delete(name, *rest)
        else:
            self.faults[name.lower()] = rest[0]


def main():
    server = NameServer(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for line in sys.argv[2:]:
        server.command(line)
    print(server.port, flush=True)
    for line in sys.stdin:
        server.command(line)


if __name__ == "__main__":
    main()
