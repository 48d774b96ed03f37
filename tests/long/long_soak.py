#!/usr/bin/env python3
"""A soak: a box at work, while its readers and writers are killed at random moments. SOAK_MINUTES (15; a day: 1440). The store stays
below twice what lives in it, no reader keeps old pages for long, and in the last third, when the programs themselves are left alone,
they take no more memory and hold no more descriptors. Speaks TAP; the figures are printed."""
import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parts"))
import fastcgi
from box import TOP, Box, Tap, wait_for

MINUTES = float(os.environ.get("SOAK_MINUTES", "15"))
SEED = int(os.environ.get("SOAK_SEED", str(int(time.time()))))
TENANTS = 5000
CONF = "\n[limits]\nauthenticated_per_minute = 10000000\nanonymous_per_minute = 10000000\n[ports]\nranges = 20000-24999\n"
PROGRAMS = ("sett-front", "sett-worker", "sett-hands")
READER_S = 30  # no reader older than this
PAGE = 4096
RENEW_S = 120


def programs(box):
    """Name -> pid of our own programs."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            name = os.path.basename(words[0].decode())
            if name in PROGRAMS and box.root.encode() in words:
                out[name] = int(pid)
    return out


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read())[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def store_sizes(box):
    """The file, and what lives in it: pages in use less free ones."""
    folder = os.path.join(box.root, "var/lib/sett/live/db")
    out = subprocess.run(["mdb_stat", "-ef", folder], capture_output=True, text=True, check=True).stdout
    used, free = int(re.search(r"Number of pages used: (\d+)", out)[1]), int(re.search(r"Free pages: (\d+)", out)[1])
    return os.stat(os.path.join(folder, "data.mdb")).st_size, (used - free) * PAGE


class Readers:
    """Who reads at which transaction, and since when it has been the same."""

    def __init__(self, box):
        self.folder, self.since, self.worst, self.most = os.path.join(box.root, "var/lib/sett/live/db"), {}, 0.0, 0

    def look(self):
        out = subprocess.run(["mdb_stat", "-r", self.folder], capture_output=True, text=True, check=False).stdout  # its code is no code
        if "Reader Table" not in out:
            raise AssertionError(f"mdb_stat: {out}")
        rows = {tuple(line.split()) for line in out.splitlines() if re.match(r"\s+\d+\s+[0-9a-f]+\s+\d+$", line)}
        now = time.monotonic()
        self.since = {row: self.since.get(row, now) for row in rows}
        self.most = max(self.most, len(rows))
        self.worst = max([self.worst, *(now - at for at in self.since.values())])


class Load:
    def __init__(self, box, auth):
        self.box, self.auth, self.random = box, auth, random.Random(SEED)
        self.stop, self.pause = threading.Event(), threading.Event()
        self.asked = self.failed = self.killed = 0
        self.said, self.renew = collections.Counter(), time.monotonic() + RENEW_S
        self.busy, self.lock = 0, threading.Lock()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.write, self.write, self.read, self.read, self.command)]
        for t in self.threads:
            t.start()

    def turn(self, what):
        while not self.stop.is_set():
            if self.pause.is_set():
                time.sleep(0.05)
                continue
            with self.lock:
                self.busy += 1
            try:
                what()
            except (OSError, AssertionError, ValueError):
                self.failed += 1
                self.stop.wait(0.1)
            finally:
                with self.lock:
                    self.busy -= 1

    def api(self, method, path, body=None):
        self.asked += 1
        if time.monotonic() > self.renew:  # a token is good for some minutes
            with self.lock:
                if time.monotonic() > self.renew:
                    self.auth, self.renew = self.box.login(), time.monotonic() + RENEW_S
        status, _ = fastcgi.request(self.box.socket("front"), method, path, body, {**self.auth, "Content-Type": "application/json"}, 10)
        self.said[status] += 1
        if status >= 500:
            self.failed += 1
        return status

    def write(self):
        own = random.Random(self.random.random())

        def one():
            n = own.randrange(1, TENANTS)
            self.api("PATCH", f"/api/tenants/{n}", b'{"status_page":%s}' % own.choice((b"true", b"false")))
            self.stop.wait(own.uniform(0, 0.05))
        self.turn(one)

    def read(self):
        own = random.Random(self.random.random())

        def one():
            self.api("GET", own.choice(("/api/tenants?limit=100", "/api/tenants?q=a&limit=50", "/api/tunnels?limit=100", f"/api/tenants/{own.randrange(1, TENANTS)}", "/api/audit?limit=100")))
            self.stop.wait(own.uniform(0, 0.05))
        self.turn(one)

    def command(self):
        """A reader and a writer of the command line, killed somewhere on its way three times of four."""
        own = random.Random(self.random.random())

        def one():
            words = own.choice((("db", "dump"), ("fsck",), ("tenant", "list", "--limit", "100"), ("setting", "set", "names.rest_days", str(own.randrange(30, 90)))))
            p = subprocess.Popen([os.path.join(self.box.build, "sett"), "--root", self.box.root, *words], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.box.env)
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(own.uniform(0, 0.3) if own.random() < 0.75 else 60)
            if p.poll() is None:
                p.kill()
                self.killed += 1
            p.wait()
        self.turn(one)

    def quiet(self):
        """Nothing is asked any more, and what was is answered."""
        self.pause.set()
        wait_for(lambda: self.busy == 0, "nothing is under way", 60, 0.05)

    def close(self):
        self.stop.set()
        self.pause.clear()
        for t in self.threads:
            t.join(60)


def settled(box):
    """Memory and descriptors of each program once it is at rest."""
    last = {}

    def still():
        now = {name: descriptors(pid) for name, pid in programs(box).items()}
        same, last["is"] = now == last.get("is"), now
        return same and len(now) == len(PROGRAMS)
    wait_for(still, "nothing is opened any more", 60, 2)
    return {name: (pid, rss_kib(pid), descriptors(pid)) for name, pid in programs(box).items()}


def main():
    tap = Tap()
    subprocess.run(["make", "-s", "all", "build/bench/fill"], cwd=TOP, check=True)
    box = Box(build=os.path.join(TOP, "build"), conf=CONF)
    own, kills, worst, sizes = random.Random(SEED), 0, 0.0, []
    try:
        box.sett("setting", "set", "health.outside_s", "0")
        subprocess.run([os.path.join(TOP, "build/bench/fill"), os.path.join(box.root, "var/lib/sett/live/db"), str(TENANTS)], check=True)
        box.run()
        load, readers = Load(box, box.login()), Readers(box)
        began, end = time.monotonic(), time.monotonic() + MINUTES * 60
        turn, next_kill, next_size, first = began + MINUTES * 40, began + 5, began, None
        while time.monotonic() < end:
            now = time.monotonic()
            readers.look()
            if now >= next_size:
                next_size = now + max(5, MINUTES)
                size, live = store_sizes(box)
                sizes.append((size, live))
                worst = max(worst, size / live)
            if now < turn and now >= next_kill:
                next_kill = now + own.uniform(1, 12)
                pid = programs(box).get(own.choice(PROGRAMS))
                if pid:
                    with contextlib.suppress(OSError):
                        os.kill(pid, own.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
                        kills += 1
            if now >= turn and first is None:
                wait_for(lambda: len(programs(box)) == len(PROGRAMS) and box.alive(), "all programs run", 60, 0.2)
                time.sleep(min(60, MINUTES * 2))  # not a wait for anything: caches and pools fill under the load
                load.quiet()
                first, at = settled(box), time.monotonic()
                load.pause.clear()
            time.sleep(1)
        load.quiet()
        last, hours = settled(box), (time.monotonic() - at) / 3600
        load.close()
        print(f"# {MINUTES:g} minutes, seed {SEED}: {load.asked:,} requests, {load.failed:,} of them while a program was away; {kills} programs and {load.killed} commands killed")
        print("# answers: " + ", ".join(f"{n:,} x {status}" for status, n in sorted(load.said.items())))
        print(f"# store {sizes[0][0] >> 10:,} -> {sizes[-1][0] >> 10:,} KiB, of which live {sizes[0][1] >> 10:,} -> {sizes[-1][1] >> 10:,} KiB; at most {readers.most} readers at once")
        tap.ok(load.said[200] + load.said[202] > 0.9 * sum(load.said.values()), "nine of ten requests are answered as wished, whatever is killed", load.said)
        tap.ok(worst <= 2, f"the store's file was at most {worst:.2f} times what lives in it (2)")
        tap.ok(readers.worst <= READER_S, f"the oldest reader was {readers.worst:.0f} s old ({READER_S})")
        for name in PROGRAMS:
            (pid, rss, fds), (pid2, rss2, fds2) = first[name], last[name]
            slope = (rss2 - rss) / 1024 / hours
            tap.equal(pid2, pid, f"{name} was not begun anew in the last part")
            # In minutes a heap that is still finding its size would be a slope; in hours it is none.
            tap.ok(slope < 1 if hours >= 4 else rss2 - rss < 4096, f"{name}: {rss:,} -> {rss2:,} KiB of its own, {slope:+.1f} MiB/h")
            tap.equal(fds2, fds, f"{name}: as many descriptors at rest as before")
        done = box.sett("fsck", ok=False)
        tap.ok(done[0] == 0, "and the store is whole", done)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
