#!/usr/bin/env python3
"""The crash matrix of a tenant's restore with a real PostgreSQL: a worker that is killed at every point of it, over the
API, and of the way back. In the end the tenant has files and database of the snapshot, or files and database of before;
what it had before is kept until somebody decides; no other database, role or dump is left. Speaks TAP."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from crash import Lane, matrix
from databases import Postgres, prepare
from restores import live


class Databases(Lane):
    def prepare(self):
        self.pg = Postgres()
        prepare(self.box, self.pg)
        vault = os.path.join(self.box.root, "vault")
        os.mkdir(vault, 0o700)
        self.box.sett("recovery", "init", "--secret-file", os.path.join(self.box.root, "secret"))
        self.box.sett("vault", "add", "near", "folder", vault)
        _, job = self.undisturbed("tenant", "create", "acme", "--plan", "shop", "--no-wait")
        assert job["state"] == "done", job
        self.number = self.box.json("tenant", "show", "acme")["number"]
        self.folder_of = os.path.join(live(self.box), "tenants", str(self.number), "files")
        self.pg.sell(self.database(), 1, "tea")
        self.put("tea")
        _, job = self.undisturbed("snapshot", "create", "--no-wait")
        assert job["state"] == "done", job
        self.then = (["made", "tea"], ["tea"])

    def close(self):
        super().close()
        self.pg.close()

    def tenant(self):
        return self.box.json("tenant", "show", "acme")

    def database(self):
        t = self.tenant()
        return f"sett_t{t['number']:06}" + (f"_g{t['database']}" if t["database"] > 1 else "")

    def put(self, name):
        with open(os.path.join(self.folder_of, name), "w", encoding="utf-8") as f:
            f.write(name)

    def has(self):
        return self.pg.rows(self.database()), sorted(os.listdir(self.folder_of))

    def wrong(self, want, kept, what):
        """What is not as it should be: content, databases (one, or with the one that is kept), what lies about."""
        wrong, names, t = [], self.pg.names(), self.tenant()
        if self.has() != want:
            wrong.append(f"{what}: it has {self.has()}, not {want}")
        if self.database() not in names or len(names) != 1 + kept or bool(t["database_kept"]) != kept:
            wrong.append(f"{what}: databases {names}, it uses {t['database']} and keeps {t['database_kept']}")
        for folder, fine in (("tenants", [f".before-{self.number}"] if kept else []), ("databases", [])):
            path = os.path.join(live(self.box), folder)
            beside = sorted(n for n in os.listdir(path) if n.startswith(".")) if os.path.isdir(path) else []
            if beside != fine:
                wrong.append(f"{what}: beside {folder}: {beside}")
        code, said, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"{what}: fsck: {said}{errors}"] if code != 0 else [])

    def begin(self):
        self.serial += 1
        self.pg.sell(self.database(), 100 + self.serial, f"s{self.serial}")
        self.put(f"s{self.serial}")
        self.now = self.has()
        return self.box.json("restore", "create", "1", "--tenant", "acme", "--confirm=acme", "--no-wait")

    def back(self, out, point=None):
        """The way back, so that the next cell begins alike."""
        job = self.box.json("restore", "rollback", out["id"], "--no-wait")["job"]
        return self.run_to_end(job, self.worker(point))

    def quiet(self, act):
        log, self.log = self.log, os.devnull
        try:
            return act()
        finally:
            self.log = log

    def restore_case(self, point, _outcome):
        out = self.begin()
        died, job = self.run_to_end(out["job"], self.worker(point))
        done = job["state"] == "done"
        wrong = [] if job["state"] in ("done", "undone") else [f"{job['state']}: {job['cause']}"]
        wrong += self.wrong(self.then if done else self.now, done, job["state"])
        if done:
            _, job = self.quiet(lambda: self.back(out))
            wrong += self.wrong(self.now, False, f"back, {job['state']} {job['cause']}")
        return died, "done" if done else job["state"], wrong

    def back_case(self, point, _outcome):
        out = self.begin()
        _, job = self.quiet(lambda: self.run_to_end(out["job"], self.worker()))
        if job["state"] != "done":
            return False, job["state"], [job["cause"]]
        died, job = self.back(out, point)
        done = job["state"] == "done"
        wrong = self.wrong(self.now if done else self.then, not done, job["state"])
        if not done:
            self.quiet(lambda: self.back(out))
        return died, job["state"], wrong


def drills(tap):
    """A worker that is killed while a drill's program is being made, and started again."""
    lane = Databases(0)
    try:
        def there():
            return lane.pg.names(), sorted(os.listdir(os.path.join(live(lane.box), "tenants")))
        before, note = there(), os.path.join(lane.box.root, "var/lib/sett/snapshots", "drill.program")
        for n, point in enumerate(("drill.files", "drill.database", "drill.started")):
            process = lane.worker(point)
            lane.box.sett("snapshot", "drill")
            wait_for(lambda p=process: p.poll() is not None, f"it dies at {point}", 60)
            lane.box.processes.pop("worker")
            left = os.path.exists(note) and there() != before
            lane.worker()
            wait_for(lambda want=n + 1: len(lane.box.json("drill", "list")["data"]) == want, "the drill is made once more", 60)
            wait_for(lambda: not os.path.exists(note), "what was left is gone", 30)
            drill = lane.box.json("drill", "list", "--limit", "1")["data"][0]
            tap.ok(left and there() == before and drill["program"] == "answered", f"killed at {point}: swept, and drilled again", (left, there(), before, drill))
            lane.rest()
    finally:
        lane.close()


BOX = ("step.database.restore.choose.result", "database.made", "database.loaded", "step.database.restore.fill.result",
       "step.database.restore.swap.result", "step.database.restore.tidy.called")


def whole_box(tap, points):
    """A worker that is killed while a restored box's databases are put back; and the way back from each."""
    lane = Databases(0)
    try:
        def alone(*words):
            """With no program of the box alive, so that none is waited for."""
            lane.box.kill("hands", signal.SIGTERM)
            lane.box.sett("restore", *words)
            lane.box.start("hands")
            wait_for(lambda: os.path.exists(lane.box.socket("hands")), "hands listen")

        def jobs(saga):
            return [j["state"] for j in lane.box.json("job", "list", "--limit", "50")["data"] if j["saga"] == saga]
        vault = os.path.join(lane.box.root, "vault")
        path = os.path.join(vault, os.listdir(vault)[0])
        for point in points:
            lane.serial += 1
            lane.pg.sell(lane.database(), 100 + lane.serial, f"s{lane.serial}")
            now, names = lane.has(), lane.pg.names()
            alone(path, "--recovery-file", os.path.join(lane.box.root, "secret"), "--confirm=sett")
            process = lane.worker(point)
            wait_for(lambda p=process: p.poll() is not None, f"it dies at {point}", 60)
            lane.box.processes.pop("worker")
            lane.worker()
            wait_for(lambda: jobs("database.restore") == ["done"], "the database is back", 60)
            used = lane.database()
            fine = lane.pg.rows(used) == lane.then[0] and lane.pg.names() == sorted([*names, used]) and lane.tenant()["database_kept"] == 1
            lane.rest()
            alone("rollback", "--confirm=rollback")
            lane.worker()
            wait_for(lambda want=names: lane.pg.names() == want, "what it made is gone", 60)
            tap.ok(fine and lane.has() == now, f"killed at {point}: put back all the same, and taken back", (used, lane.pg.names(), lane.has()))
            lane.rest()
    finally:
        lane.close()


FETCH_AND_FILL = ("step.tenant.restore.fetch", "step.tenant.restore.choose", "step.tenant.restore.fill", "database.")
CHANGE = ("step.tenant.restore.exchange", "step.tenant.restore.swap", "step.tenant.restore.start", "step.tenant.restore.tidy")
BACK = ("step.tenant.restore.swap", "step.tenant.restore.start", "step.tenant.restore.unkeep", "step.tenant.restore.sweep")


def main(everything=False):
    """Here, each kind of place once; all of them in tests/long."""
    tap = Tap()
    restore = FETCH_AND_FILL + CHANGE if everything else ("step.tenant.restore.fill.result", "database.", "step.tenant.restore.swap", "step.tenant.restore.start.called")
    back = BACK if everything else ("step.tenant.restore.swap", "step.tenant.restore.sweep.called")
    matrix(tap, Databases, {"restore": restore, "back": back}, outcomes=("fine",), lanes=2, least=0.6)
    whole_box(tap, BOX if everything else BOX[2:5:2])
    drills(tap)
    tap.done()


if __name__ == "__main__":
    main()
