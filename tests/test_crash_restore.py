#!/usr/bin/env python3
"""The crash matrix of one tenant's restore over the API: a worker that is killed at every point of it, and hands that are
killed at every point of theirs, with a vault that is there, one that is away, and a new version of the program that does
not start. In the end the tenant has what it had in the snapshot or what it had before, whole, and the record says which;
nothing half done is beside it. Speaks TAP."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from crash import CRASH, Lane, matrix
from restores import live, volume

FILES = {"health": "ok\n", "index.html": "in the snapshot\n", "more/a.txt": "a\n" * 5000, "more/b.txt": "b\n" * 5000}


class Restores(Lane):
    def prepare(self):
        self.vault = os.path.join(self.box.root, "vault")
        os.mkdir(self.vault, 0o700)
        self.box.sett("recovery", "init", "--secret-file", os.path.join(self.box.root, "secret"))
        self.box.sett("vault", "add", "near", "folder", self.vault)
        self.undisturbed("tenant", "create", "acme", "--plan", "demo", "--no-wait")
        self.tenant = self.box.json("tenant", "show", "acme")
        self.top = os.path.dirname(volume(self.box, self.tenant, "index.html"))
        os.makedirs(os.path.join(self.top, "more"))
        self.write(FILES)
        _, job = self.undisturbed("snapshot", "create", "--no-wait")
        assert job["state"] == "done", job

    def write(self, files):
        for name, text in files.items():
            with open(os.path.join(self.top, name), "w", encoding="utf-8") as f:
                f.write(text)

    def read(self):
        out = {}
        for folder, _dirs, names in os.walk(self.top):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    out[os.path.relpath(path, self.top)] = f.read()
        return out

    def begin(self, outcome):
        self.serial += 1
        self.now = dict(FILES, **{"index.html": f"changed {self.serial}\n"})
        self.write(self.now)
        if outcome == "away":
            shutil.move(self.vault, self.vault + "-moved")
        return self.box.json("restore", "create", "1", "--tenant", "acme", "--confirm=acme", "--no-wait")

    def finish(self, out, job, outcome):
        """What is wrong; and the way back, so that the next cell begins alike."""
        if outcome == "away":
            shutil.move(self.vault + "-moved", self.vault)
        record = self.box.json("restore", "show", out["id"])
        wrong, beside = [], self.beside()
        if (job["state"], record["state"]) not in (("done", "restored"), ("undone", "failed")):
            wrong.append(f"the job is {job['state']} ({job['cause']}), and the record {record['state']}")
        if self.read() != (FILES if job["state"] == "done" else self.now):
            wrong.append(f"{job['state']}, and its files are of neither time: { {k: v[:20] for k, v in self.read().items()} }")
        if beside != ([f".before-{self.tenant['number']}"] if job["state"] == "done" else []):
            wrong.append(f"beside it: {beside}")
        here = os.path.join(self.box.root, "var/lib/sett/snapshots")
        if os.path.isdir(here) and os.listdir(here):
            wrong.append(f"left where it was fetched: {os.listdir(here)}")
        if job["state"] == "done":
            log, self.log = self.log, os.devnull  # its points are not of this cell
            _, back = self.undisturbed("restore", "rollback", out["id"], "--no-wait")
            self.log = log
            if back["state"] != "done" or self.read() != self.now or self.beside():
                wrong.append(f"the way back: {back['state']} {back['cause']} {self.beside()}")
        code, said, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"fsck: {said}{errors}"] if code != 0 else [])

    def beside(self):
        return sorted(n for n in os.listdir(os.path.join(live(self.box), "tenants")) if n.startswith("."))

    def restore_case(self, point, outcome):
        out = self.begin(outcome)
        died, job = self.run_to_end(out["job"], self.worker(point))
        return died, job["state"], self.finish(out, job, outcome)

    def hands_case(self, point, outcome):
        """The hands die instead, and are started again by whoever supervises them."""
        self.box.kill("hands")
        process = self.box.start("hands", build=CRASH, env=dict({"SETT_CRASH_LOG": self.log}, **({"SETT_CRASH": point} if point else {})))
        wait_for(lambda: os.path.exists(self.box.socket("hands")), "hands listen")
        out = self.begin(outcome)
        self.worker()

        def moved():
            return process.poll() is not None or self.job(out["job"])["state"] in ("done", "undone", "stuck")
        wait_for(moved, "the crash or the end", 60)
        died = process.poll() is not None
        if died:
            self.box.processes.pop("hands")
            self.box.start("hands")
        job = self.settle(out["job"])
        self.rest()
        if not died:  # the way back is not a part of this
            self.box.kill("hands")
            self.box.start("hands")
        return died, job["state"], self.finish(out, job, outcome)


def main():
    tap = Tap()
    matrix(tap, Restores, {"restore": ("step.tenant.restore.", "fetch.", "restore.entry:2", "restore.entry:9")}, outcomes=("fine",), lanes=2, least=0.5)
    matrix(tap, Restores, {"hands": ("hands.receive.", "hands.exchange.")}, outcomes=("fine",), lanes=2, least=0.6)
    matrix(tap, Restores, {"restore": ("step.tenant.restore.fetch",)}, outcomes=("away",), lanes=1, least=0.0)
    tap.done()


if __name__ == "__main__":
    main()
