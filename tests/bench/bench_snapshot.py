"""Snapshots beside those who do the like: the same files, the same caches (cold), in turns."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
FILES = int(os.environ.get("BENCH_FILES", "20000"))
SIZE = int(os.environ.get("BENCH_MIB", "1024"))


def cold():
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
        return True
    except OSError:
        return False  # warm for all, then


class Peak:
    """Memory of a process that is its own: mapped files, the store's among them, are the page cache's."""

    def __init__(self, pid):
        self.pid, self.kib, self.stop = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.stop.wait(0.01):
            try:
                with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
                    for line in f:
                        if line.startswith("RssAnon"):
                            self.kib = max(self.kib, int(line.split()[1]))
            except OSError:
                return

    def close(self):
        self.stop.set()
        self.thread.join()
        return self.kib / 1024


class Shots:
    def __init__(self, build, store, row):
        self.row, self.tool = row, os.path.join(build, "bench", "snapshot")
        self.root = tempfile.mkdtemp(prefix="sett-bench-", dir="/var/tmp")
        at = lambda name: os.path.join(self.root, name)
        self.keys, self.data, self.store = at("keys"), at("data"), at("store")
        os.mkdir(self.data)
        shutil.copytree(store, self.store)
        subprocess.run([sys.executable, os.path.join(HERE, "snapshot_data.py"), self.data, str(FILES), str(SIZE)], check=True)
        subprocess.run([self.tool, "keys", self.keys], check=True)
        subprocess.run(["age-keygen", "-o", at("age.key")], check=True, stderr=subprocess.DEVNULL)
        self.public = subprocess.run(["age-keygen", "-y", at("age.key")], check=True, capture_output=True, text=True).stdout.strip()
        self.env = dict(os.environ, RESTIC_PASSWORD="x", RESTIC_CACHE_DIR=at("cache"), BORG_PASSPHRASE="x", BORG_BASE_DIR=at("borg-base"),
                        BORG_RELOCATED_REPO_ACCESS_IS_OK="yes", R=self.root, PUBLIC=self.public)
        self.peak = 0

    def act(self, script):
        """One timed act, whatever it wrote on the disk when it ends."""
        cold()
        began = time.monotonic()
        done = subprocess.run(["bash", "-c", "set -o pipefail; cd $R; " + script], env=self.env, capture_output=True, text=True)
        took = time.monotonic() - began
        if done.returncode != 0:
            raise SystemExit(f"{script}\n{done.stdout[-500:]}\n{done.stderr[-500:]}")
        return took

    def ours(self, *words):
        cold()
        began = time.monotonic()
        p = subprocess.Popen([self.tool, *words], stdout=subprocess.DEVNULL)
        peak = Peak(p.pid)
        code = p.wait()
        took = time.monotonic() - began
        self.peak = max(self.peak, peak.close())
        if code != 0:
            raise SystemExit(f"snapshot {words}: {code}")
        return took

    def create(self, out="o.sett", catalog="catalog", base=()):
        at = lambda name: os.path.join(self.root, name)
        return self.ours("create", self.keys, self.store, self.data, at(out), at(catalog), *map(at, base))

    def restore(self):
        into = os.path.join(self.root, "out")
        shutil.rmtree(into, ignore_errors=True)
        return self.ours("restore", self.keys, into, os.path.join(self.root, "o.sett"))

    def size(self, name):
        path = os.path.join(self.root, name)
        if os.path.isfile(path):
            return os.path.getsize(path)
        return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files)

    def empty(self, *names):
        for name in names:
            shutil.rmtree(os.path.join(self.root, name), ignore_errors=True)

    def others(self):
        """name, how to begin, create, restore, what was made."""
        tar = "tar -cf - data store/data.mdb | zstd -q -3 -T0 | age -r $PUBLIC -o o.age && sync o.age"
        untar = "mkdir -p out && age -d -i age.key o.age | zstd -dq | tar -C out -xf - && sync -f out"
        return [("tar | zstd -3 -T0 | age", "rm -f o.age", tar, untar, "o.age"),
                ("restic", "rm -rf restic cache; restic -q -r restic init", "restic -q -r restic backup data store/data.mdb && sync -f restic",
                 "restic -q -r restic restore latest --target out && sync -f out", "restic"),
                ("borg", "rm -rf borg borg-base; borg init -e repokey-blake2 borg",
                 "borg create -C zstd,3 borg::one data store/data.mdb && sync -f borg",
                 "mkdir -p out && cd out && borg extract $R/borg::one && sync -f .", "borg")]

    def bench(self, rounds):
        others = self.others()
        mine, made = {"create": [], "restore": []}, {n: {"create": [], "restore": []} for n, *_ in others}
        for _ in range(rounds):
            mine["create"].append(self.create())
            mine["restore"].append(self.restore())
            for name, begin, create, restore, _what in others:
                subprocess.run(["bash", "-c", "cd $R; " + begin], env=self.env, check=True, capture_output=True)
                made[name]["create"].append(self.act(create))
                self.empty("out")
                made[name]["restore"].append(self.act(restore))
        median = statistics.median
        for act in ("create", "restore"):
            for name, *_rest, what in others:
                a, b = median(mine[act]), median(made[name][act])
                self.row(f"snapshot of {SIZE} MiB in {FILES:,} files, {act}", f"{a:.2f} s, {self.size('o.sett') / MIB:.0f} MiB",
                         f"{name} {b:.2f} s, {self.size(what) / MIB:.0f} MiB", b / a, "≥ 1.0")
        self.row("  memory of its own at most, both ways", f"{self.peak:.1f} MiB", "aim 64 MiB", self.peak / 64, "≤ 1")
        return median(mine["create"])

    def changes(self, full):
        """One file of a hundred is another one now."""
        names = sorted(os.path.join(d, f) for d, _, files in os.walk(self.data) for f in files)
        for path in names[::100]:
            with open(path, "r+b") as f:
                f.write(os.urandom(64))
        took = self.create("i.sett", "catalog-next", ("catalog",))
        self.row("  the next one, 1 % of the files changed", f"{took:.2f} s, {self.size('i.sett') / MIB:.0f} MiB",
                 f"whole {full:.2f} s, {self.size('o.sett') / MIB:.0f} MiB", full / took)

    def writers(self, measure):
        """p99 of those who write while snapshots are made one after the other, against without."""
        stop, made = threading.Event(), [0]

        def again():
            while not stop.is_set():
                self.create("w.sett", "catalog-w")
                made[0] += 1
        still = measure()
        thread = threading.Thread(target=again)
        thread.start()
        try:
            moving = measure()
        finally:
            stop.set()
            thread.join()
        self.row("writers' p99 while a snapshot is made", f"{moving[1]:.1f} ms ({moving[0]:,.0f}/s)",
                 f"without {still[1]:.1f} ms ({still[0]:,.0f}/s)", moving[1] / still[1], "≤ 2")

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)
