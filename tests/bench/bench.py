#!/usr/bin/env python3
"""What sett costs, side by side with something, as ratios. One run, one machine, one table.

Every pair is measured in turns (A B A B A B) and the medians are compared, so that a machine that
is slower for a while is slower for both.
"""
import hashlib
import hmac
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "parts"))
from bench_snapshot import Shots
from bench_start import bench_start
from bench_web import bench_web
from box import BUILD, TOP, Box, free_port, wait_for

SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
TENANTS = int(os.environ.get("BENCH_TENANTS", "100000"))
PROVISION = int(os.environ.get("BENCH_PROVISION", "500"))
BENCH = os.path.join(BUILD, "bench")
ROWS = []


def row(what, value, against="", ratio=None, aim=""):
    ROWS.append((what, value, against, "" if ratio is None else f"{ratio:.2f}", aim))
    print(f"{what:58} {value:>22} {against:>30} {ROWS[-1][3]:>6} {aim}", flush=True)


def wrk(url, script, *args, connections=16, seconds=SECONDS, headers=()):
    """Requests per second and p99 in ms."""
    argv = ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", os.path.join(HERE, script)]
    for h in headers:
        argv += ["-H", h]
    out = subprocess.run(argv + [url, "--", *args], capture_output=True, text=True, check=True).stdout
    line = next(l for l in out.splitlines() if l.startswith("RESULT"))
    requests, duration, errors, p99 = (int(n) for n in line.split()[1:])
    if errors:
        raise SystemExit(f"{url}: {errors} errors\n{out}")
    return requests / (duration / 1e6), p99 / 1000


def in_turns(*measures):
    """Median (rate, p99) of each measure, taken in turns."""
    results = [[] for _ in measures]
    for _ in range(ROUNDS):
        for i, measure in enumerate(measures):
            results[i].append(measure())
    return [tuple(statistics.median(r[k] for r in results[i]) for k in (0, 1)) for i in range(len(measures))]


def show(result):
    return f"{result[0]:,.0f}/s p99 {result[1]:.1f} ms"


class Constant:
    """The libfcgi program with a constant answer, behind the same kind of nginx."""

    def __init__(self, size):
        self.folder = tempfile.mkdtemp(prefix="sett-bench-")
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        sock = os.path.join(self.folder, "c.sock")
        with open(os.path.join(self.folder, "static.json"), "w", encoding="utf-8") as f:
            f.write("x" * size)
        self.program = subprocess.Popen([os.path.join(BENCH, "constant"), sock, str(size), "8"])
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"""daemon off; worker_processes 2; pid {self.folder}/pid; error_log stderr crit;
events {{ worker_connections 2048; }}
http {{ access_log off; default_type application/json;
client_body_temp_path {self.folder}/b; fastcgi_temp_path {self.folder}/f; proxy_temp_path {self.folder}/p;
uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
server {{ listen 127.0.0.1:{self.port}; root {self.folder};
location /static.json {{ }}
location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass unix:{sock}; }} }} }}
""")
        if os.geteuid() == 0:
            with open(conf, encoding="utf-8") as f:
                text = f.read()
            with open(conf, "w", encoding="utf-8") as f:
                f.write("user root;\n" + text)
        self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-c", conf], stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(sock) and self.answers(), "the constant program answers")

    def answers(self):
        import http.client
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            c.request("GET", "/x")
            return c.getresponse().status == 200
        except OSError:
            return False

    def close(self):
        for p in (self.nginx, self.program):
            p.terminate()
            p.wait(10)


def loose(box):
    """No limits of rate: the bench is one address."""
    box.conf_add("\n[limits]\nauthenticated_per_minute = 1000000\nanonymous_per_minute = 1000000\n"
                 "login_per_minute = 1000\nwebhook_failures_per_minute = 1000000\n", "local")


def programs(box):
    """Pids of our own programs (not the web server, not the tenants)."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words and os.path.basename(words[0]).startswith(b"sett") and box.root.encode() in words:
            out.append((int(pid), os.path.basename(words[0]).decode()))
    return out


def pss(box):
    total, parts = 0, []
    for pid, name in programs(box):
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            kib = next(int(l.split()[1]) for l in f if l.startswith("Pss:"))
        total += kib
        parts.append(f"{name} {kib / 1024:.1f}")
    return total / 1024, ", ".join(parts)


def cpu(box):
    """Processor seconds of our own programs so far."""
    total = 0
    for pid, _ in programs(box):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def bench_lists(box):
    key = box.login()["Authorization"]
    tenants = box.http("GET", "/api/tenants?limit=50", headers={"Authorization": key})
    one = tenants.json["data"][25]["id"]
    for path in ("/api/tenants?limit=50", f"/api/tenants/{one}"):
        size = len(box.http("GET", path, headers={"Authorization": key}).body)
        constant = Constant(size)
        try:
            ours, theirs, static = in_turns(
                lambda p=path: wrk(f"http://localhost:{box.port}{p}", "get.lua", headers=[f"Authorization: {key}"]),
                lambda: wrk(f"http://127.0.0.1:{constant.port}/x", "get.lua"),
                lambda: wrk(f"http://127.0.0.1:{constant.port}/static.json", "get.lua"))
        finally:
            constant.close()
        name = path.replace(one, "{id}")
        row(f"GET {name} ({size} bytes, {TENANTS:,} tenants)", show(ours), f"constant {show(theirs)}", ours[0] / theirs[0], "≥ 0.8")
        row("  the same against nginx's own static answer", show(ours), f"static {show(static)}", ours[0] / static[0])


class Changes:
    """A customer made every 10 ms, so that nothing the front remembers stays true for long."""

    def __init__(self, box, key):
        self.stop, self.made = threading.Event(), 0
        self.thread = threading.Thread(target=self.work, args=(box, key), daemon=True)
        self.thread.start()

    def work(self, box, key):
        while not self.stop.wait(0.01):
            box.http("POST", "/api/customers", {"name": "Bench"}, {"Authorization": key})
            self.made += 1

    def close(self):
        self.stop.set()
        self.thread.join()


def bench_changing(box):
    """The list again while the store changes, against the same without."""
    key = box.login()["Authorization"]
    url = f"http://localhost:{box.port}/api/tenants?limit=50"
    one = lambda: wrk(url, "get.lua", headers=[f"Authorization: {key}"])

    def changing():
        changes = Changes(box, key)
        try:
            return one()
        finally:
            changes.close()
    moving, still = in_turns(changing, one)
    row("GET /api/tenants?limit=50 while the store changes", show(moving), f"unchanged {show(still)}", moving[0] / still[0])


def events_write(path, secret, count):
    """Signed events, each with an id of its own."""
    now = int(time.time())
    with open(path, "w", encoding="utf-8") as f:
        for n in range(count):
            body = json.dumps({"id": f"evt_bench_{os.path.basename(path)}_{n}", "object": "event", "created": now, "livemode": False,
                               "api_version": "2026-07-29.dahlia", "type": "product.updated",
                               "data": {"object": {"id": f"prod_{n}", "object": "product", "name": "x" * 1500}}})
            mac = hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
            f.write(f"t={now},v1={mac}\t{body}\n")


def bench_webhooks(box):
    with open(os.path.join(box.root, "stripe-webhook-secret"), encoding="utf-8") as f:
        secret = f.read().strip()
    serial = iter(range(1000))

    def intake(connections):
        path = os.path.join(box.root, f"events{next(serial)}")
        events_write(path, secret, 20000 * SECONDS)  # more than are taken: none is sent twice
        result = wrk(f"http://localhost:{box.port}/webhook/stripe", "post.lua", path, str(min(2, connections)), connections=connections)
        os.unlink(path)
        return result
    return intake


def bench_find(box):
    """What is asked of the table of tenants, each question by itself, our own time."""
    out = subprocess.run([os.path.join(BENCH, "find"), box.root], capture_output=True, text=True, check=True).stdout
    times = {" ".join(l.split("\t")[:2]): int(l.split("\t")[2]) for l in out.splitlines()}
    worst = max(times, key=times.get)
    row(f"finding among {TENANTS:,} tenants: {len(times)} questions, median", f"{statistics.median(times.values()) / 1000:.2f} ms")
    row("  a word that nobody has", f"{times['tenant.list q=nothing'] / 1000:.3f} ms", "aim 2 ms")
    row(f"  the slowest: {worst[-44:]}", f"{times[worst] / 1000:.1f} ms", "aim 10 ms", times[worst] / 10000, "≤ 1")


def bench_intake():
    box = Box()
    try:
        loose(box)
        box.run()
        intake = bench_webhooks(box)
        constant = Constant(20)
        path = os.path.join(box.root, "events-constant")
        events_write(path, "whsec_none", 20000)
        try:
            ours, theirs = in_turns(lambda: intake(64), lambda: wrk(
                f"http://127.0.0.1:{constant.port}/webhook/stripe", "post.lua", path, "2", connections=64))
        finally:
            constant.close()
        row("durable webhook intake, 64 connections", show(ours), f"constant {show(theirs)}", ours[0] / theirs[0], "≥ 0.6")
    finally:
        box.close()
    box = Box(env={"LD_PRELOAD": os.path.abspath(os.path.join(BENCH, "slow_sync.so"))})
    try:
        loose(box)
        box.run()
        intake = bench_webhooks(box)
        many, single = in_turns(lambda: intake(64), lambda: intake(1))
        row("the same on a disk with 5 ms syncs", show(many), f"commit each {show(single)}", many[0] / single[0], "≥ 8")
    finally:
        box.close()


def bench_provision():
    box = Box()
    try:
        loose(box)
        box.conf_add("\n[ports]\nranges = 20000-24999\n", "local")
        box.run()
        auth = box.login()
        before, began = cpu(box), time.monotonic()
        for n in range(PROVISION):
            answer = box.http("POST", "/api/tenants", {"name": f"Tenant {n}", "subdomain": f"t{n}", "plan": "demo"}, auth)
            if answer.status != 202:
                raise SystemExit(f"tenant {n}: {answer.status} {answer.body[:300]}")

        def active():
            out = box.http("GET", "/api/dashboard/metrics", headers=auth).json
            return out["tenants"]["active"] >= PROVISION
        wait_for(active, f"{PROVISION} tenants are active", 600, 0.2)
        took, used = time.monotonic() - began, cpu(box) - before
        row(f"provisioning {PROVISION} tenants, process runtime", f"{PROVISION / took:.1f} tenants/s")
        row("  our own processor time per tenant", f"{used / PROVISION * 1000:.1f} ms", "aim 5 ms", used / PROVISION * 1000 / 5, "≤ 1")
        for tenant in range(PROVISION):
            box.http("DELETE", f"/api/tenants/{tenant + 1}?action=delete", headers=auth)
        wait_for(lambda: box.http("GET", "/api/dashboard/metrics", headers=auth).json["tenants"]["active"] == 0,
                 "all are gone again", 600, 0.5)
    finally:
        box.close()


def bench_memory(box, what):
    total, parts = pss(box)
    row(f"memory of all our programs, {what}", f"{total:.1f} MiB", parts[:60], total / 25, "≤ 1 (25 MiB)" if what == "idle" else "")


def bench_checks():
    """5,000 health checks: the module alone against bare sockets, then the worker's whole round on one core."""
    first, count = 20000, 5000
    origin = subprocess.Popen([os.path.join(BENCH, "checks"), "origin", str(first), str(count)], stdout=subprocess.PIPE, text=True)
    if origin.stdout.readline() != "ready\n":
        raise SystemExit("the origin of the checks does not listen")

    def run(what):
        out = subprocess.run(["taskset", "-c", "0", os.path.join(BENCH, "checks"), what, str(first), str(count)],
                             capture_output=True, text=True, check=True).stdout
        return [int(n) for n in out.split()[1:]]
    box = Box()
    try:
        results = {w: [statistics.median(r[k] for r in rs) for k in range(4)] for w, rs in
                   ((w, [run(w) for _ in range(ROUNDS)]) for w in ("ours", "bare"))}
        mine, bare = results["ours"], results["bare"]
        row(f"{count:,} checks at once, one core, processor time", f"{mine[1]:.0f} ms, {mine[2] / 1024:.0f} MiB peak",
            f"bare sockets {bare[1]:.0f} ms", mine[1] / max(1, bare[1]))
        loose(box)
        box.sett("setting", "set", "health.outside_s", "0")
        subprocess.run([os.path.join(BENCH, "fill"), os.path.join(box.root, "var/lib/sett/live/db"), str(count), str(first)], check=True)
        for name in ("hands", "worker"):
            box.start(name)
        pid = box.processes["worker"].pid
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {0})

        def minute():
            return (box.json("system", "stats")["last"] or {"at": ""})["at"]

        def checks_in(at):
            stats = box.json("system", "stats", "--range", "2h")
            return next((p[stats["columns"].index("checks")] for p in stats["points"] if p[0] == at), 0)
        # A row is a minute's own only when the next one has begun.
        wait_for(lambda: (at := minute()) and any(p[0] != at for p in box.json("system", "stats", "--range", "2h")["points"]), "a minute is over", 150, 0.5)
        began, before = minute(), cpu(box)
        wait_for(lambda: minute() not in ("", began), "another minute is over", 130, 0.2)
        used, checks = cpu(box) - before, checks_in(began)
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            peak = next(int(l.split()[1]) for l in f if l.startswith("VmHWM:"))
        row(f"the rounds over {count:,} tenants, a minute on one core", f"{used:.1f} s, {peak / 1024:.0f} MiB peak",
            f"{checks:,} checks, history and all", used / 60, "≤ 1 (a core)")
    finally:
        box.close()
        origin.terminate()
        origin.wait(10)


def bench_snapshots():
    box = Box()
    try:
        loose(box)
        live = os.path.join(box.root, "var/lib/sett/live/db")
        subprocess.run([os.path.join(BENCH, "fill"), live, str(TENANTS)], check=True)
        shots = Shots(BUILD, live, row)
        try:
            shots.bench(ROUNDS)
            shots.changes()
            box.run()
            shots.whole_job(box, ROUNDS)
            intake = bench_webhooks(box)
            shots.writers(box, lambda: intake(16), ROUNDS)
        finally:
            shots.close()
    finally:
        box.close()


def web():
    bench_web(row, loose, os.path.join(BENCH, "fill"), programs, TENANTS)


def main():
    if sys.argv[1:] == ["snapshots"]:
        return bench_snapshots()
    if sys.argv[1:] == ["web"]:
        return web()
    if sys.argv[1:] == ["start"]:
        return bench_start(row, loose, pss, ROUNDS)
    print(f"{'what':58} {'sett':>22} {'against':>30} {'ratio':>6} aim")
    bench_start(row, loose, pss, ROUNDS)
    box = Box()
    try:
        loose(box)
        box.run()
        time.sleep(2)  # a box that has just started is not idle yet
        bench_memory(box, "idle")
    finally:
        box.close()
    box = Box()
    try:
        loose(box)
        subprocess.run([os.path.join(BENCH, "fill"), os.path.join(box.root, "var/lib/sett/live/db"), str(TENANTS)], check=True)
        began = time.monotonic()
        box.sett("tenant", "list", "--limit", "50", "--json")
        row(f"first page of {TENANTS:,} tenants, cold process, wall", f"{(time.monotonic() - began) * 1000:.1f} ms", "aim 10 ms")
        bench_find(box)
        box.run()
        bench_lists(box)
        bench_changing(box)
        bench_memory(box, f"with {TENANTS:,} tenants, after the load")
    finally:
        box.close()
    bench_intake()
    bench_provision()
    bench_checks()
    bench_snapshots()
    web()


if __name__ == "__main__":
    main()
