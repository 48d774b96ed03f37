#!/usr/bin/env python3
"""The firewall of a box with real packets: a stranger's machine, the box, and a tenant behind one of its bridges, each a
network namespace. Beside it the rules that keep tenants apart, as the hands make them. Needs root. Speaks TAP."""
import contextlib
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, TOP, Tap, wait_for

LISTEN = (22, 80, 443, 2222, 5432, 8080)
SERVE = """
import socket, sys, threading
def one(c):
    while True:
        data = c.recv(100)
        if not data: return
        c.sendall(data)
def tcp(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=one, args=(c,), daemon=True).start()
for port in map(int, sys.argv[1:]):
    s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port)); s.listen(16); threading.Thread(target=tcp, args=(s,), daemon=True).start()
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("0.0.0.0", port))
    threading.Thread(target=lambda u: [u.sendto(d, a) for d, a in iter(lambda: u.recvfrom(100), None)], args=(u,), daemon=True).start()
print("ready", flush=True); sys.stdin.read()
"""
ASK = """
import socket, struct, sys, threading
def ping(host):  # an echo request by hand
    six = ":" in host
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP); s.settimeout(2)
    s.sendto(struct.pack(">BBHHH", 128 if six else 8, 0, 0 if six else 0xffff - 0x0800 - 7 - 1, 7, 1), (host, 0))
    while True:
        data = s.recv(200)
        if (data if six else data[20:])[0] == (129 if six else 0): return "yes"
def ask(kind, host, port):
    try:
        if kind == "ping": return ping(host)
        s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM); s.settimeout(1)
        s.connect((host, int(port))); s.send(b"x"); return "yes" if s.recv(1) == b"x" else "odd"
    except OSError: return "no"
out = {}
threads = [threading.Thread(target=lambda w: out.__setitem__(w, ask(*w.split("|"))), args=(w,)) for w in sys.argv[1:]]
for t in threads: t.start()
for t in threads: t.join()
print(" ".join(out[w] for w in sys.argv[1:]))
"""
HOLD = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); s.settimeout(5); print("ready", flush=True)
for line in sys.stdin:
    s.sendall(b"y"); print(s.recv(1).decode(), flush=True)
"""


class Net:
    """A network namespace that lives as long as this object."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo && exec sleep infinity"], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.pid = str(self.process.pid)
        self.others = []

    def argv(self, *words):
        return ["nsenter", "-t", self.pid, "-n", *words]

    def must(self, *words, **more):
        done = subprocess.run(self.argv(*words), capture_output=True, text=True, check=False, **more)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *words):
        process = subprocess.Popen(self.argv(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        self.others.append(process)
        return process

    def serve(self, *ports):
        return self.start(sys.executable, "-c", SERVE, *map(str, ports))

    def ask(self, *wanted):
        return dict(zip(wanted, self.must(sys.executable, "-c", ASK, *wanted).split()))

    def open(self, host, *ports, kind="tcp"):
        """Which of these ports answer there."""
        said = self.ask(*(f"{kind}|{host}|{p}" for p in ports))
        return sorted(int(w.rsplit("|", 1)[1]) for w, answer in said.items() if answer == "yes")

    def close(self):
        for process in [*self.others, self.process]:
            process.kill()
            process.wait()


def cable(a, name_a, b, name_b):
    a.must("ip", "link", "add", name_a, "type", "veth", "peer", "name", name_b, "netns", b.pid)


def address(net, name, *addresses):
    for text in addresses:
        net.must("ip", "addr", "add", text, "dev", name, *(["nodad"] if ":" in text else []))
    net.must("ip", "link", "set", name, "up")


def hands_rules(pool):
    """The rules for system containers, out of the source."""
    with open(os.path.join(TOP, "core/drivers/firewall.c"), encoding="utf-8") as f:
        text = re.search(r"lxc_rules\[\] =(.*?);\n", f.read(), re.S)[1]
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace("\\n", "\n").replace('\\"', '"').replace("%s", pool)


def world():
    outside, box, tenant = Net(), Net(), Net()
    cable(box, "eth0", outside, "eth0")
    address(box, "eth0", "192.0.2.2/24", "2001:db8::2/64")
    address(outside, "eth0", "192.0.2.1/24", "2001:db8::1/64")
    box.must("ip", "link", "add", "settb1", "type", "bridge")
    cable(box, "v1", tenant, "eth0")
    box.must("ip", "link", "set", "v1", "master", "settb1", "up")
    address(box, "settb1", "10.201.0.1/24")
    address(tenant, "eth0", "10.201.0.2/24")
    tenant.must("ip", "route", "add", "default", "via", "10.201.0.1")
    outside.must("ip", "route", "add", "10.201.0.0/24", "via", "192.0.2.2")
    box.must("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    box.must("nft", "-f", "-", input=hands_rules("10.201.0.0/16"))
    return outside, box, tenant


def main():
    tap = Tap()
    if os.geteuid() != 0:
        tap.ok(True, "skipped: needs root # SKIP")
        tap.done()
        return
    with tempfile.TemporaryDirectory(prefix="sett-wall-") as root, contextlib.ExitStack() as stack:
        outside, box, tenant = (stack.enter_context(contextlib.closing(n)) for n in world())
        sett = [os.path.join(BUILD, "sett"), "--root", root, "firewall"]
        session = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 2222", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}
        box.serve(*LISTEN)
        outside.serve(8080, 53)
        tenant.serve(8080)
        tap.equal(outside.open("192.0.2.2", *LISTEN), sorted(LISTEN), "without it everything answers")
        ssh = outside.start(sys.executable, "-c", HOLD, "192.0.2.2", "2222")
        said = box.must(*sett, "enable", "--dry-run", env=session)
        tap.ok("2222" in said.splitlines()[0] and "5432" in said.splitlines()[1] and "8080" in said.splitlines()[1] and "443" not in said.splitlines()[1], "--dry-run tells what stays open and what is closed", said)
        tap.ok("table inet sett {" not in box.must("nft", "list", "ruleset"), "and changes nothing")
        tap.ok("is on" in box.must(*sett, "enable", env=session), "it is switched on")
        ssh.stdin.write("\n")
        ssh.stdin.flush()
        tap.equal(ssh.stdout.readline(), "y\n", "the session that switched it on lives")
        tap.equal(outside.open("192.0.2.2", *LISTEN), [22, 80, 443, 2222], "ssh where it listens, http and https answer, and nothing else")
        tap.equal(outside.open("2001:db8::2", *LISTEN), [22, 80, 443, 2222], "over IPv6, too: neighbours find each other")
        tap.equal(outside.open("192.0.2.2", *LISTEN, kind="udp"), [], "no datagram is let in")
        tap.equal(set(outside.ask("ping|192.0.2.2|0", "ping|2001:db8::2|0").values()), {"yes"}, "it answers a ping")
        tap.ok(box.open("127.0.0.1", *LISTEN) == sorted(LISTEN) and box.open("::1", *LISTEN) == sorted(LISTEN), "the machine speaks with itself")
        tap.equal(box.open("192.0.2.1", 8080), [8080], "the box reaches out, and answers come in")
        tap.equal(box.open("192.0.2.1", 53, kind="udp"), [53], "answers to datagrams, too")
        # The tenant, with the hands' rules beside ours.
        tap.equal(tenant.open("192.0.2.1", 8080), [8080], "a tenant reaches out")
        tap.equal(tenant.open("10.201.0.1", *LISTEN), [80, 443, 5432], "a tenant reaches its database and the front door of the box, and not its ssh")
        tap.equal(outside.open("192.0.2.2", 2222), [2222], "which others do")
        tap.equal(box.open("10.201.0.2", 8080), [8080], "the box reaches its tenant")
        tap.equal(outside.open("10.201.0.2", 8080), [], "nobody else does")
        # A door of one's own, and another table beside.
        with open(os.path.join(root, "etc/sett/firewall.d/mine.nft"), "w", encoding="utf-8") as f:
            f.write("ip saddr 192.0.2.0/24 tcp dport 8080 accept\n")
        box.must("nft", "add", "table", "inet", "theirs")
        box.must(*sett, "enable")  # without the session: what was found before stays
        tap.equal(outside.open("192.0.2.2", *LISTEN), [22, 80, 443, 2222, 8080], "a further door of the operator's")
        said = box.must(*sett, "show")
        dropped = int(re.search(r"counter packets (\d+).*dropped of tenants", said)[1])
        tenant.open("10.201.0.1", 22)
        tap.ok(int(re.search(r"counter packets (\d+).*dropped of tenants", box.must(*sett, "show"))[1]) > dropped, "what is dropped is counted")
        with open(os.path.join(root, "etc/sett/firewall.d/mine.nft"), "w", encoding="utf-8") as f:
            f.write("tcp dport nonsense accept\n")
        done = subprocess.run(box.argv(*sett, "enable"), capture_output=True, text=True, check=False)
        tap.ok(done.returncode != 0 and "mine.nft" in done.stderr and outside.open("192.0.2.2", 22, 8080) == [22, 8080], "a bad rule is named, and the rules before stay", done.stderr)
        box.must(*sett, "disable")
        left = box.must("nft", "list", "tables")
        tap.ok("inet theirs" in left and "inet sett_lxc" in left and not re.search(r"inet sett$", left, re.M) and outside.open("192.0.2.2", *LISTEN) == sorted(LISTEN),
               "switched off, only our table is gone", left)
        # As the unit does it, twice, and through the file that is shipped.
        for _ in range(2):
            box.must("nft", "-f", os.path.join(TOP, "appliance/nftables/sett.nft"))
        wait_for(lambda: outside.open("192.0.2.2", *LISTEN) == [22, 80, 443], "the shipped file as it is")
        tap.ok(True, "the shipped file may be loaded again and again")
    tap.done()


if __name__ == "__main__":
    main()
