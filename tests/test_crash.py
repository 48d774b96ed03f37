#!/usr/bin/env python3
"""The crash matrix: the worker dies at each of its crash points, while a provider behaves in each of
its ways, and is started again. Whatever happens, a provision ends complete, wholly undone, or
stuck with a cause; then the tenant is deleted and nothing with our mark is left outside.

Real parts: worker, hands, store, a process per tenant. The providers are the fakes, which are never
killed and whose ledger is the oracle. Speaks TAP.
"""
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, World, wait_for

CRASH = os.path.join(TOP, "build", "crash")
LANES = int(os.environ.get("SETT_CRASH_LANES", "4"))
END_S = 60
# What the provider does on the call it is asked for while the point is passed: nothing wrong; not reached;
# effect and then no answer; too many requests; an error of its own; an answer that is not its own.
OUTCOMES = ("fine", "drop", "lose", "429", "500", "garbage")
FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"


class Lane:
    """A box and a world of its own; many tenants live and die in it, one after the other."""

    def __init__(self, number):
        self.folder = tempfile.mkdtemp(prefix="sett-world-")
        self.world = World(self.folder)
        self.box = Box(build=CRASH, world=self.world, conf=FAST, ingress="cloudflare")
        self.box.start("hands")
        wait_for(lambda: os.path.exists(self.box.socket("hands")), "the hands listen")
        self.number, self.serial, self.log = number, 0, os.path.join(self.folder, "points")

    def close(self):
        self.box.close()
        self.world.close()

    def worker(self, point=None):
        env = {"SETT_CRASH_LOG": self.log}
        if point:
            env["SETT_CRASH"] = point
        return self.box.start("worker", env=env)

    def job(self, ident):
        return self.box.json("job", "show", ident)

    def settle(self, ident):
        """Until the job has ended or is stuck."""
        return wait_for(lambda: (j := self.job(ident))["state"] in ("done", "undone", "stuck") and j, f"{ident} ends", END_S, 0.03)

    def run_to_end(self, ident, process):
        """Let a worker that is to die do so, or finish the job without; then a sound one goes on."""
        def moved():
            return process.poll() is not None or self.job(ident)["state"] in ("done", "undone", "stuck")
        wait_for(moved, "the crash or the end", END_S, 0.02)
        died = process.poll() is not None
        if died:
            self.box.processes.pop("worker", None)
        else:
            self.box.kill("worker", signal.SIGTERM)
        self.worker()
        job = self.settle(ident)
        self.box.kill("worker", signal.SIGTERM)
        return died, job

    def create(self):
        self.serial += 1
        name = f"l{self.number}t{self.serial}"
        out = self.box.json("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait")
        return out["id"], out["job"], name

    def outside(self, name):
        """What is there of this tenant outside: (tunnels, records, processes)."""
        state = self.world.call("state")
        host = f"{name}.{self.world.facts['domain']}"
        records = [r for r in state["records"] if r["name"] == host]
        tunnels = [t for t in state["tunnels"] if t["deleted_at"] is None]
        return tunnels, records

    def delete(self, tenant, name, point=None):
        out = self.box.json("tenant", "delete", tenant, "--action", "delete", f"--confirm={name}", "--no-wait")
        process = self.worker(point)
        return self.run_to_end(out["job"], process)

    def audit_clean(self, name):
        """Nothing outside, nothing inside: the end of every run."""
        tunnels, records = self.outside(name)
        ports = self.box.json("port", "list")["data"]
        wrong = []
        if tunnels:
            wrong.append(f"tunnels left: {[t['name'] for t in tunnels]}")
        if records:
            wrong.append(f"records left: {[r['name'] for r in records]}")
        if any(p.get("tenant_id") for p in ports):
            wrong.append(f"ports left: {ports}")
        left = [n for n in os.listdir(os.path.join(self.box.root, "var/lib/sett/live/tenants")) if not n.startswith(".")]
        if left:
            wrong.append(f"folders left: {left}")
        code, out, errors = self.box.sett("fsck", ok=False)
        if code != 0:
            wrong.append(f"fsck: {out}{errors}")
        return wrong

    def provision_case(self, point, outcome):
        """One cell of the matrix. Returns what is wrong, a list of words."""
        tenant, ident, name = self.create()
        if outcome != "fine":
            self.world.call("faults", [{"match": "POST /*", "fault": outcome}, {"match": "PUT /*", "fault": outcome}])
        died, job = self.run_to_end(ident, self.worker(point))
        self.world.call("faults", [])
        wrong = []
        if job["state"] == "done":
            tunnels, records = self.outside(name)
            if len(tunnels) != 1 or len(records) != 1:
                wrong.append(f"complete, with {len(tunnels)} tunnels and {len(records)} records")
            if self.box.json("tenant", "show", tenant)["state"] != "active":
                wrong.append("complete, and the tenant is not active")
        elif job["state"] == "stuck" and not job["cause"]:
            wrong.append("stuck without a cause")
        if job["state"] != "undone":
            self.delete(tenant, name)
        return died, job["state"], wrong + self.audit_clean(name)

    def delete_case(self, point, outcome):
        tenant, ident, name = self.create()
        self.worker()
        self.settle(ident)
        self.box.kill("worker", signal.SIGTERM)
        if outcome != "fine":
            self.world.call("faults", [{"match": "DELETE /*", "fault": outcome}])
        died, job = self.delete(tenant, name, point)
        self.world.call("faults", [])
        if job["state"] == "stuck":
            self.box.sett("job", "retry", job["id"])
            self.worker()
            job = self.settle(job["id"])
            self.box.kill("worker", signal.SIGTERM)
        return died, job["state"], ([] if job["state"] == "done" else [f"delete ended {job['state']}: {job['cause']}"]) + self.audit_clean(name)


    def undo_case(self, point, outcome):
        """A provision that cannot go on (its token may not write DNS) and is turned round by a person."""
        tenant, ident, name = self.create()
        self.world.call("faults", [{"match": "POST /zones/*", "fault": "auth", "times": 1000}])
        self.worker()
        stuck = self.settle(ident)
        self.box.kill("worker", signal.SIGTERM)
        self.world.call("faults", [{"match": "DELETE /*", "fault": outcome}] if outcome != "fine" else [])
        if stuck["state"] != "stuck":
            return False, stuck["state"], ["the provision was to be stuck"]
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.box.sett("job", "resolve", ident, "--how", "undo")
        died, job = self.run_to_end(ident, self.worker(point))
        self.world.call("faults", [])
        return died, job["state"], ([] if job["state"] == "undone" else [f"ended {job['state']}: {job['cause']}"]) + self.audit_clean(name)


# Of which points each kind of run is about.
KINDS = {"provision": "step.tenant.provision.", "undo": "step.tenant.provision.", "delete": "step.tenant.delete."}


def points_of(lane, act):
    """The crash points that an undisturbed run passes, each pass with its number."""
    if os.path.exists(lane.log):
        os.unlink(lane.log)
    died, state, wrong = act(None, "fine")
    with open(lane.log, encoding="utf-8") as f:
        seen, out = {}, []
        for line in f.read().split():
            seen[line] = seen.get(line, 0) + 1
            out.append(f"{line}:{seen[line]}")
    return out, state, wrong


def main():
    tap = Tap()
    lanes = [Lane(n) for n in range(LANES)]
    try:
        cells = queue.Queue()
        total = {}
        for kind, prefix in KINDS.items():
            points, state, wrong = points_of(lanes[0], getattr(lanes[0], f"{kind}_case"))
            steps = [p for p in points if p.startswith(prefix)]
            total[kind] = len(steps)
            tap.ok(steps and state in ("done", "undone") and not wrong, f"{kind}: an undisturbed run ends well, past {len(steps)} points", wrong)
            for point in steps:
                for outcome in OUTCOMES:
                    cells.put((kind, point, outcome))
        lock, died_at, began = threading.Lock(), set(), time.monotonic()

        def work(lane):
            while True:
                try:
                    kind, point, outcome = cells.get_nowait()
                except queue.Empty:
                    return
                name = f"{kind} {point} {outcome}"
                try:
                    died, state, wrong = getattr(lane, f"{kind}_case")(point, outcome)
                except Exception as e:  # noqa: BLE001 - a cell that breaks is a failure with its name
                    died, state, wrong = False, "broken", [repr(e), lane.box.log("worker")[-2000:]]
                with lock:
                    if died:
                        died_at.add((kind, point))
                    tap.ok(not wrong, f"{name}: {'died, ' if died else ''}{state}", "\n".join(wrong))
        threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        breaches = [b for lane in lanes for b in lane.world.call("breaches")]
        tap.ok(not breaches, "every exchange was as the providers describe it", "\n".join(sorted(set(breaches))[:20]))
        hit = len(died_at) / max(1, sum(total.values()))
        tap.ok(hit > 0.8, f"the worker died at {len(died_at)} of {sum(total.values())} points", total)
        print(f"# {time.monotonic() - began:.0f} s, {len(OUTCOMES)} outcomes, {LANES} lanes", flush=True)
    finally:
        for lane in lanes:
            lane.close()
    tap.done()


if __name__ == "__main__":
    main()
