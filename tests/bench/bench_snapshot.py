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


class Cost:
    """What one act took: seconds, processor seconds, and the memory of the largest process of it."""

    def __init__(self, seconds, usage, own=0.0):
        self.seconds, self.cpu, self.whole, self.own = seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, own

    @staticmethod
    def median(costs):
        return statistics.median(c.seconds for c in costs), statistics.median(c.cpu for c in costs)


def own_memory(pid):
    """MiB that are the process's own: mapped files, the store's among them, are the page cache's."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return next(int(l.split()[1]) for l in f if l.startswith("RssAnon")) / 1024
    except (OSError, StopIteration):
        return 0.0


def timed(argv, **more):
    """Run to its end, from cold. What is still on its way to the disk then is the next one's gain, so each
    act syncs what it wrote."""
    cold()
    began = time.monotonic()
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, **more)
    own, ended = 0.0, 0
    while not ended:
        own = max(own, own_memory(p.pid))
        ended, status, usage = os.wait4(p.pid, os.WNOHANG)
        if not ended:
            time.sleep(0.005)
    took = time.monotonic() - began
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise SystemExit(f"{argv}: {p.returncode}")
    return Cost(took, usage, own)


def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path) / MIB
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files) / MIB


class Other:
    """One that does the like: how it begins, writes all, writes it again, and restores."""

    def __init__(self, name, made, begin, create, again, restore):
        self.name, self.made, self.begin, self.create, self.again, self.restore = name, made, begin, create, again, restore


OTHERS = [
    Other("tar | zstd -3 -T0 | age", "o.age", "rm -f o.age", "tar -cf - data store/data.mdb | zstd -q -3 -T0 | age -r $PUBLIC -o o.age && sync o.age", None,
          "mkdir -p out && age -d -i age.key o.age | zstd -dq | tar -C out -xf - && sync -f out"),
    Other("restic", "restic", "rm -rf restic cache; restic -q -r restic init", *["restic -q -r restic backup data store/data.mdb && sync -f restic"] * 2,
          "restic -q -r restic restore latest --target out && sync -f out"),
    Other("borg", "borg", "rm -rf borg borg-base; borg init -e repokey-blake2 borg",
          *["borg create -C zstd,3 borg::$(date +%s%N) data store/data.mdb && sync -f borg"] * 2,
          "mkdir -p out && cd out && borg extract $R/borg::$(borg list --last 1 --short $R/borg) && sync -f ."),
]


class Shots:
    def __init__(self, build, store, row):
        self.row, self.tool = row, os.path.join(build, "bench", "snapshot")
        self.root = tempfile.mkdtemp(prefix="sett-bench-", dir="/var/tmp")
        self.keys, self.data, self.store = self.at("keys"), self.at("data"), self.at("store")
        os.mkdir(self.data)
        shutil.copytree(store, self.store)
        subprocess.run([sys.executable, os.path.join(HERE, "snapshot_data.py"), self.data, str(FILES), str(SIZE)], check=True)
        subprocess.run([self.tool, "keys", self.keys], check=True)
        subprocess.run(["age-keygen", "-o", self.at("age.key")], check=True, stderr=subprocess.DEVNULL)
        public = subprocess.run(["age-keygen", "-y", self.at("age.key")], check=True, capture_output=True, text=True).stdout.strip()
        self.env = dict(os.environ, RESTIC_PASSWORD="x", RESTIC_CACHE_DIR=self.at("cache"), BORG_PASSPHRASE="x", BORG_BASE_DIR=self.at("borg-base"),
                        BORG_RELOCATED_REPO_ACCESS_IS_OK="yes", R=self.root, PUBLIC=public)
        self.own = self.whole = 0.0

    def at(self, name):
        return os.path.join(self.root, name)

    def act(self, script):
        return timed(["bash", "-c", "set -o pipefail; cd $R; " + script], env=self.env)

    def ours(self, *words):
        cost = timed([self.tool, *words])
        self.own, self.whole = max(self.own, cost.own), max(self.whole, cost.whole)
        return cost

    def create(self, out="o.sett", catalog="catalog", base=()):
        return self.ours("create", self.keys, self.store, self.data, *map(self.at, (out, catalog, *base)))

    def restore(self):
        shutil.rmtree(self.at("out"), ignore_errors=True)
        return self.ours("restore", self.keys, self.at("out"), self.at("o.sett"))

    def theirs(self, script):
        shutil.rmtree(self.at("out"), ignore_errors=True)
        return self.act(script)

    def show(self, what, mine, against, theirs, aim=""):
        """Both: [costs], what it weighs."""
        (a, a_cpu), (b, b_cpu) = Cost.median(mine[0]), Cost.median(theirs[0])
        self.row(what, f"{a:.2f} s, {mine[1]:.0f} MiB", f"{against} {b:.2f} s, {theirs[1]:.0f} MiB", b / a, aim)
        self.row("  its processor time", f"{a_cpu:.2f} s", f"{b_cpu:.2f} s", b_cpu / a_cpu)

    def bench(self, rounds):
        kinds = ("create", "restore")
        mine = {k: [] for k in kinds}
        made = {(o.name, k): [] for o in OTHERS for k in kinds}
        check = []
        for _ in range(rounds):
            mine["create"].append(self.create())
            mine["restore"].append(self.restore())
            check.append(self.ours("check", self.keys, self.at("o.sett")))
            for o in OTHERS:
                subprocess.run(["bash", "-c", "cd $R; " + o.begin], env=self.env, check=True, capture_output=True)
                made[o.name, "create"].append(self.theirs(o.create))
                made[o.name, "restore"].append(self.theirs(o.restore))
        shutil.rmtree(self.at("out"), ignore_errors=True)
        for k in kinds:
            for o in OTHERS:
                self.show(f"snapshot of {SIZE} MiB in {FILES:,} files, {k}", (mine[k], size(self.at("o.sett"))), o.name,
                          (made[o.name, k], size(self.at(o.made))), "≥ 1.0")
        self.show("  read back and compared, into nothing", (check, 0), "written in", (mine["create"], 0))
        self.row("  memory of its own at most, all of these", f"{self.own:.1f} MiB", "aim 64 MiB", self.own / 64, "≤ 1")
        self.row("  the same with what it maps of the store", f"{self.whole:.1f} MiB", f"store {size(self.at('store/data.mdb')):.0f} MiB")

    def again(self, what, name):
        """One more of each, of what changed since the last."""
        mine = self.create(f"{name}.sett", f"catalog-{name}", ("catalog",))
        for o in OTHERS[1:]:
            before = size(self.at(o.made))
            cost = self.theirs(o.again)
            self.show(what, ([mine], size(self.at(f"{name}.sett"))), o.name, ([cost], size(self.at(o.made)) - before))

    def changes(self):
        self.again("the next one, nothing changed", "same")
        for path in sorted(os.path.join(d, f) for d, _, files in os.walk(self.data) for f in files)[::100]:
            with open(path, "r+b") as f:
                f.write(os.urandom(64))
        self.again("the next one, 1 % of the files changed", "next")

    def whole_job(self, box, rounds):
        """As an operator has it: the volumes from the hands, read back, into a vault; whole, and with nothing changed."""
        for folder in ("store", "out", "restic", "borg"):
            shutil.rmtree(self.at(folder), ignore_errors=True)
        os.makedirs(self.at("vault"))
        os.makedirs(os.path.join(box.root, "var/lib/sett/live/tenants/1"), exist_ok=True)
        shutil.move(self.data, os.path.join(box.root, "var/lib/sett/live/tenants/1/data"))
        box.sett("recovery", "init", "--secret-file", self.at("secret"))
        box.sett("vault", "add", "bench", "folder", self.at("vault"))
        took = {"--full": [], "": []}
        for _ in range(rounds):
            for how, times in took.items():
                cold()
                began = time.monotonic()
                box.sett("snapshot", "create", "--wait", *how.split())
                times.append(time.monotonic() - began)
        full, again = (statistics.median(took[how]) for how in ("--full", ""))
        self.row("the whole job: hands, read back, into a vault", f"{full:.2f} s", f"nothing changed {again:.2f} s", full / again)

    def writers(self, box, measure, rounds):
        """p99 of those who write while snapshots are made one after the other, against without."""
        still, moving, made = [], [], 0
        for _ in range(rounds):
            still.append(measure())
            stop, thread_made = threading.Event(), [0]

            def again(stop=stop, count=thread_made):
                while not stop.is_set():
                    box.sett("snapshot", "create", "--full", "--wait")
                    count[0] += 1
            thread = threading.Thread(target=again)
            thread.start()
            try:
                moving.append(measure())
            finally:
                stop.set()
                thread.join()
            made += thread_made[0]
        rate = lambda results: (statistics.median(r[0] for r in results), statistics.median(r[1] for r in results))
        (a, a_p99), (b, b_p99) = rate(moving), rate(still)
        self.row(f"writers' p99 while {made} snapshots are made", f"{a_p99:.1f} ms ({a:,.0f}/s)", f"without {b_p99:.1f} ms ({b:,.0f}/s)", a_p99 / b_p99, "≤ 2")

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)
