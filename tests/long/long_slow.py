#!/usr/bin/env python3
"""P20: a thousand clients that send their headers slowly, their bodies slowly, or read slowly, by Debian's slowhttptest,
while others want to be served. Each of theirs is answered; the front's threads and memory stay as they were. Figures are
printed, conditions asserted. Speaks TAP."""
import contextlib
import http.client
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import Box, Tap, wait_for
from servers import NAME, Server, stage

CLIENTS, SECONDS = 1000, int(os.environ.get("SETT_SLOW_S", "40"))
# What each kind of slow client does; {u} is the box.
ATTACKS = {
    "slow headers": ["-H", "-i", "5", "-t", "GET", "-u", "{u}/api/tenants"],
    "slow bodies": ["-B", "-i", "5", "-s", "100000", "-t", "POST", "-u", "{u}/webhook/stripe"],
    "slow readers": ["-X", "-w", "1", "-y", "2", "-n", "5", "-z", "1", "-k", "3", "-u", "{u}{large}"],
}


def facts(pid):
    """Threads, resident KiB and open files of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        lines = dict(line.split(":", 1) for line in f)
    return int(lines["Threads"]), int(lines["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd"))


class Others:
    """Somebody else, from another address: one request each 20 ms, in turn of several kinds."""

    WANT = (("GET", "/health", None, 200), ("GET", "/", None, 200), ("GET", "/api/tenants", None, 200), ("POST", "/api/tenants?plan=1", b'{"name":"Somebody","plan":"demo"}', 200))

    def __init__(self, box, server):
        self.server, self.stop, self.times, self.bad = server, threading.Event(), [], []
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.headers = {"Host": NAME, "Authorization": "Bearer " + box.json("key", "create", "others", "--user", "admin", "--role", "operator")["key"], "Content-Type": "application/json"}
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(2)]
        for t in self.threads:
            t.start()

    def run(self, number):
        n = number
        while not self.stop.is_set():
            method, path, body, good = self.WANT[n % len(self.WANT)]
            n += 1
            began = time.monotonic()
            try:
                c = http.client.HTTPSConnection("127.0.0.1", self.server.https, timeout=20, source_address=(f"127.0.0.{2 + number}", 0), context=self.context)
                c.request(method, path, body, self.headers)
                status = c.getresponse().status
                c.close()
                if status != good:
                    self.bad.append((method, path, status))
            except (OSError, http.client.HTTPException) as e:
                self.bad.append((method, path, repr(e)))
            self.times.append(time.monotonic() - began)
            self.stop.wait(0.02)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        times = sorted(self.times)
        return len(times), times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000, times[-1] * 1000, self.bad


def attack(server, words):
    """slowhttptest until it ends: how many connections it held at most, and what it says in the end."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["slowhttptest", "-c", str(CLIENTS), "-r", "400", "-l", str(SECONDS), "-p", "5", "-g", "-o", folder + "/out",
                        *(w.format(u=f"https://localhost:{server.https}", large=server.large) for w in words)], capture_output=True, check=False, timeout=SECONDS + 60)
        with open(folder + "/out.csv", encoding="ascii") as f:
            rows = [line.strip().split(",") for line in f][1:]
    return max(int(r[3]) for r in rows), int(rows[-1][1]), rows


def web_server(server):
    """Resident memory of nginx and its workers, KiB."""
    master = server.process.pid
    with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as f:
        return sum(facts(pid)[1] for pid in [master, *f.read().split()])


def pid_of(box, name):
    return next(p["pid"] for p in box.json("system", "programs")["programs"] if p["name"] == name)


def storm(tap, box, server):
    try:
        front = pid_of(box, "front")
        calm = Others(box, server)
        time.sleep(5)
        count, p50, p99, worst, bad = calm.end()
        print(f"# in peace: {count} requests, p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms")
        tap.ok(not bad, "in peace everybody is served", bad[:5])
        at_rest = facts(front)
        for name, words in ATTACKS.items():
            others, most, nginx = Others(box, server), [at_rest], [web_server(server)]
            watch = threading.Event()

            def look(seen=most, until=watch, web=nginx):
                while not until.wait(1):
                    with contextlib.suppress(OSError):
                        seen.append(facts(front))
                    web.append(web_server(server))
            watcher = threading.Thread(target=look)
            watcher.start()
            held, closed, rows = attack(server, words)
            watch.set()
            watcher.join()
            count, p50, p99, worst, bad = others.end()
            threads, rss, files = (max(f[i] for f in most) for i in range(3))
            print(f"# {name}: {held} connections held at most, {closed} closed in the end; others: {count} requests, p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
                  f"worst {worst:.1f} ms; front: {threads} threads, {rss} KiB, {files} files (at rest {at_rest[0]}, {at_rest[1]}, {at_rest[2]}); nginx {nginx[0]} to {max(nginx)} KiB")
            tap.ok(held > 50 and count > 500, f"{name}: slow clients were there, and others asked", rows[-3:])
            tap.ok(not bad, f"{name}: every other request was answered", (len(bad), bad[:5]))
            tap.ok(pid_of(box, "front") == front and threads <= at_rest[0] + 2 and rss <= at_rest[1] + 4096 and files <= at_rest[2] + 40, f"{name}: the front's threads, memory and files stay as they were",
                   (at_rest, threads, rss, files))
            tap.ok(wait_for(lambda: facts(front)[2] <= at_rest[2] + 2, "the front's connections end", 60), f"{name}: nothing is left of them")
    finally:
        server.close()


def largest(web):
    """The address of the largest of the page's files."""
    files = (os.path.join(top, name) for top, _, names in os.walk(os.path.join(web, "assets")) for name in names)
    return "/" + os.path.relpath(max(files, key=os.path.getsize), web)


def main():
    tap = Tap()
    box = Box(conf=f"\n[box]\nurl = https://{NAME}\n")
    try:
        box.sett("certificate", "self-signed")
        box.start_all()
        with tempfile.TemporaryDirectory(prefix="sett-slow-") as pages:
            os.chmod(pages, 0o755)
            server = Server(box, "nginx", stage(os.path.join(pages, "web")), connections=int(os.environ.get("SETT_SLOW_CONNECTIONS", "4096")))
            server.large = largest(os.path.join(pages, "web"))
            storm(tap, box, server)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
