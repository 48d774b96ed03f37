#!/usr/bin/env python3
"""sett-hands as a program: its signals, its manager, what outlives it; and killed at each of its crash points
in a tenant's life, after which the same request brings about the same end. Speaks TAP."""
import http.client
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, TOP, Tap, free_port, wait_for

VERBS = ("ping port_probe runtime_create runtime_start runtime_stop runtime_restart runtime_remove runtime_inspect "
         "runtime_logs runtime_stats runtime_init route_set route_unset route_show connector_start connector_stop "
         "connector_restart connector_status connector_logs runtime_fit inventory survey volumes").split()
OK, ABSENT, AGAIN, FAIL = range(4)
TENANT = "tn_00000000000000000000000001"


class Broken(Exception):
    """The hands went away before they had answered."""


def text(s):
    return struct.pack(">I", len(s.encode())) + s.encode()


def request(verb, number=7, port=0, flag=False, hostname="", secret=""):
    env = b"".join(f"{k}\0{v}\0".encode() for k, v in
                   {"TENANT_NAME": "Acme", "TENANT_URL": "http://acme.localhost/", "TENANT_HOSTNAME": "acme.localhost"}.items())
    return (b"\1" + struct.pack(">IQ", VERBS.index(verb), number) + text(TENANT) + text("job_1") + text("box") + text("site") +
            struct.pack(">II?QIIIQI", port, 50, flag, 0, 0, 0, 0, 0, 0) + text(hostname) + text("") + text(secret) +
            struct.pack(">I", len(env)) + env + text("") + struct.pack(">I", 0) + text(""))


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, form):
        size = struct.calcsize(form)
        value, self.data = struct.unpack(form, self.data[:size])[0], self.data[size:]
        return value

    def text(self):
        size = self.take(">I")
        value, self.data = self.data[:size].decode(), self.data[size:]
        return value


class Hands:
    def __init__(self, build=BUILD):
        self.root = tempfile.mkdtemp(prefix="sett-hands-")
        self.build, self.process, self.port = build, None, free_port()
        blueprints = self.path("etc/sett/blueprints")
        os.makedirs(self.path("var/lib/sett"))  # as the setup does
        shutil.copytree(os.path.join(TOP, "appliance", "blueprints", "site"), os.path.join(blueprints, "site"))
        shutil.copy(os.path.join(TOP, "appliance", "blueprints", "site.conf"), blueprints)
        connector = self.path("connector")
        with open(connector, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nexec sleep 100000\n")
        os.chmod(connector, 0o755)
        with open(self.path("etc/sett/sett.conf"), "w", encoding="utf-8") as f:
            f.write(f"[hands]\nsupervisor = child\ncloudflared = {connector}\n")
        self.sock = self.path("run/sett/hands.sock")

    def path(self, below):
        return os.path.join(self.root, below)

    def start(self, *options, **env):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.build, "sett-hands"), "--root", self.root, *options], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **env))
        wait_for(lambda: self.process.poll() is not None or self.answers(), "the hands answer")
        return self.process

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(30)

    def answers(self):
        try:
            return self.call("ping")["outcome"] == OK
        except (OSError, Broken):
            return False

    def call(self, verb, **values):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.sock)
            message = request(verb, **values)
            s.sendall(struct.pack(">I", len(message)) + message)
            data = b""
            while chunk := s.recv(65536):
                data += chunk
        if len(data) < 5:
            raise Broken(verb)
        r = Reader(data[5:])
        answer = {"outcome": r.take(">I"), "kind": r.take(">I"), "retry": r.take(">I"), "code": r.text(), "text": r.text(),
                  "hint": r.text(), "present": r.take(">?"), "running": r.take(">?"), "state": r.take(">I"), "id": r.text()}
        return answer

    def units(self):
        """Leaders of sessions that are units of this box: {mark: [pid, …]}."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    fields = f.read().rpartition(")")[2].split()
                with open(f"/proc/{pid}/environ", "rb") as f:
                    environment = f.read().split(b"\0")
            except OSError:
                continue
            mark = next((e[10:].decode() for e in environment if e.startswith(b"SETT_UNIT=")), "")
            if mark.startswith(self.root) and fields[3] == pid and fields[0] != "Z":
                found.setdefault(os.path.basename(mark), []).append(int(pid))
        return found

    def page(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            c.request("GET", "/")
            return c.getresponse().read().decode()
        except OSError:
            return ""
        finally:
            c.close()

    def serving(self):
        wait_for(lambda: "<h1>Acme</h1>" in self.page(), "the tenant's page")

    def read(self, below):
        with open(self.path(below), encoding="utf-8") as f:
            return f.read()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGINT)
        for pids in self.units().values():
            for pid in pids:
                os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


def expect(hands, verb, outcome=OK, **values):
    answer = hands.call(verb, **values)
    assert answer["outcome"] == outcome, f"{verb}: {answer}"
    return answer


def sell(hands):
    for verb in ("runtime_create", "runtime_start", "runtime_init"):
        expect(hands, verb, port=hands.port)
    hands.serving()


def signals():
    """SIGTERM and SIGKILL leave the tenants alone; SIGINT stops them, and the next hands start them again."""
    hands = Hands()
    try:
        hands.start()
        sell(hands)
        expect(hands, "connector_start", secret="token")
        before = hands.units()
        assert sorted(before) == ["7", "sett-tunnel@7"], before
        assert hands.end(signal.SIGTERM) == 0
        assert hands.units() == before
        hands.start()
        assert expect(hands, "runtime_inspect")["id"] == str(before["7"][0])
        assert hands.end(signal.SIGKILL) == -signal.SIGKILL
        hands.start()
        assert hands.units() == before
        os.kill(before["7"][0], signal.SIGKILL)  # watched, though it was found and not started
        wait_for(lambda: hands.units().get("7", before["7"]) != before["7"], "a new process of the tenant")
        hands.serving()
        assert hands.end(signal.SIGINT) == 0
        assert hands.units() == {}, hands.units()
        hands.start()
        hands.serving()
        assert sorted(hands.units()) == ["7", "sett-tunnel@7"]
        expect(hands, "runtime_stop")
        assert hands.end(signal.SIGTERM) == 0
        hands.start("--stop-tenants")
        assert expect(hands, "runtime_inspect")["running"] is False  # who was stopped stays so
        assert sorted(hands.units()) == ["sett-tunnel@7"]
        assert hands.end(signal.SIGTERM) == 0
        assert hands.units() == {}
    finally:
        hands.close()


def manager():
    """READY=1 once it answers, WATCHDOG=1 from then on, STOPPING=1 at the end; nothing of that reaches a tenant."""
    hands = Hands()
    path = hands.path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(20)
        try:
            hands.start(NOTIFY_SOCKET=path, WATCHDOG_USEC="400000")
            said = [s.recv(200) for _ in range(4)]
            assert said[0] == b"READY=1" and said[1:] == [b"WATCHDOG=1"] * 3, said
            sell(hands)
            with open(f"/proc/{hands.units()['7'][0]}/environ", "rb") as f:
                assert b"NOTIFY_SOCKET" not in f.read()
            hands.end(signal.SIGINT)
            while s.recv(200) != b"STOPPING=1":
                pass
        finally:
            hands.close()


def second():
    """A second one for the same box refuses to start, and the first goes on."""
    hands = Hands()
    try:
        first = hands.start()
        hands.start()
        assert hands.process.wait(20) == 1
        hands.process = first
        assert hands.answers()
        with subprocess.Popen([os.path.join(BUILD, "sett-hands"), "--nonsense"], stderr=subprocess.PIPE) as p:
            p.communicate()
            assert p.returncode == 2
    finally:
        hands.close()


LIFE = [("runtime_create", {"port": True}), ("runtime_start", {"port": True}), ("runtime_init", {"port": True}),
        ("route_set", {"port": True, "hostname": "acme.localhost"}), ("connector_start", {"secret": "one"}),
        ("connector_start", {"secret": "two"}), ("connector_restart", {}), ("runtime_restart", {"port": True}),
        ("runtime_stop", {}), ("runtime_start", {"port": True}), ("connector_stop", {}),
        ("route_unset", {"hostname": "acme.localhost"}), ("runtime_remove", {"flag": True})]


def live(hands, revive):
    """A tenant's whole life. Where the hands break off, revive() and ask the same again."""
    for verb, values in LIFE:
        values = {k: hands.port if k == "port" else v for k, v in values.items()}
        try:
            expect(hands, verb, **values)
        except (Broken, OSError):
            revive()
            expect(hands, verb, **values)
        units = hands.units()
        assert all(len(pids) == 1 for pids in units.values()), (verb, units)
        if verb in ("runtime_init", "runtime_restart"):
            hands.serving()
        if verb == "route_set":
            assert f"acme.localhost 127.0.0.1:{hands.port};" in hands.read("var/lib/sett/web/tenants.map")
    assert hands.units() == {}, hands.units()
    left = [f for d in ("process", "units", "tunnels", "init") for f in os.listdir(hands.path("var/lib/sett/live/hands/" + d))]
    left += os.listdir(hands.path("var/lib/sett/live/tenants"))
    assert left == [], left
    assert "acme" not in hands.read("var/lib/sett/web/tenants.map")


def points(build):
    hands = Hands(build)
    try:
        log = hands.path("points")
        hands.start(SETT_CRASH_LOG=log)
        live(hands, lambda: None)
        counts = {}
        for name in hands.read("points").split():
            counts[name] = counts.get(name, 0) + 1
        return counts
    finally:
        hands.close()


def crash_at(build, point):
    hands = Hands(build)
    revived = []

    def revive():
        hands.process.wait(20)
        assert hands.process.returncode == -signal.SIGKILL, hands.process.returncode
        revived.append(1)
        hands.start()

    try:
        hands.start(SETT_CRASH=point)
        live(hands, revive)
        assert revived, f"{point} was not reached"
    finally:
        hands.close()


def main():
    tap = Tap()

    def check(name, function):
        with tap.part(name):
            function()
            tap.ok(True, name)

    check("tenants outlive the hands, unless they are told to stop", signals)
    check("the manager is told", manager)
    check("one for a box", second)
    build = os.path.join(TOP, "build", "crash")
    counts = {}

    def find():
        counts.update(points(build))
        assert len(counts) >= 12, counts

    check("a whole life, with crash points counted", find)
    for name, count in sorted(counts.items()):
        for n in sorted({1, (count + 1) // 2, count}):
            check(f"killed at {name}, pass {n} of {count}", lambda point=f"{name}:{n}": crash_at(build, point))
    tap.done()


if __name__ == "__main__":
    main()
