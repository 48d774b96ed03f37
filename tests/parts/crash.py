"""The machinery of crash matrices: a worker that dies at a named point while a provider behaves in one of
its ways, and is started again. What the cells are, and what must hold after each, is said by each test.

    class Mine(Lane):
        def add_case(self, point, outcome):    # one cell: (died, state, what is wrong)
    matrix(tap, Mine, {"add": "step.domain.add."})
"""
import json
import os
import queue
import signal
import tempfile
import threading
import time

from box import TOP, Box, World, wait_for

CRASH = os.path.join(TOP, "build", "crash")
LANES = int(os.environ.get("SETT_CRASH_LANES", "4"))
END_S = 60
# What the provider does on the call it is asked for while the point is passed: nothing wrong; not reached;
# effect and then no answer; too many requests; an error of its own; an answer that is not its own.
OUTCOMES = ("fine", "drop", "lose", "429", "500", "garbage")
FAST = "\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n"
METRICS = 22000  # each lane's connectors have ports of their own for their figures, or one lane would take another's
TENANTS = 3100  # and its tenants, where lanes that begin at once would choose alike


class Lane:
    """A box and a world of its own; many objects live and die in it, one after the other."""
    conf, ingress, programs = FAST, "cloudflare", ("hands",)

    def __init__(self, number):
        self.folder = tempfile.mkdtemp(prefix="sett-world-")
        self.world = World(self.folder)
        first = TENANTS + 200 * number
        ports = f"\n[hands]\nmetrics_port = {METRICS + 1000 * number}\n[ports]\nranges = {first}-{first + 199}\n"
        self.box = Box(build=CRASH, world=self.world, conf=self.conf + ports, ingress=self.ingress)
        for name in self.programs:
            self.box.start(name)
            wait_for(lambda n=name: os.path.exists(self.box.socket(n)), f"{name} listens")
        self.number, self.serial, self.log = number, 0, os.path.join(self.folder, "points")
        self.prepare()

    def prepare(self):
        """What a lane needs before its first cell."""

    def close(self):
        self.box.close()
        self.world.close()

    def worker(self, point=None):
        env = {"SETT_CRASH_LOG": self.log}
        if point:
            env["SETT_CRASH"] = point
        return self.box.start("worker", env=env)

    def rest(self):
        """The worker ends; nothing is under way."""
        if "worker" in self.box.processes:
            self.box.kill("worker", signal.SIGTERM)

    def faults(self, outcome, *matches):
        """From now on calls that match meet this outcome."""
        self.world.call("faults", [] if outcome == "fine" else [{"match": m, "fault": outcome} for m in matches])

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

    def undisturbed(self, *words):
        """A command that starts a job, and the job's end with a sound worker: (object, job)."""
        out = self.box.json(*words)
        self.worker()
        job = self.settle(out["job"])
        self.rest()
        return out, job

    def points_of(self, act):
        """The crash points that an undisturbed run passes, each pass with its number: (points, state, wrong)."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        _, state, wrong = act(None, "fine")
        with open(self.log, encoding="utf-8") as f:
            seen, out = {}, []
            for line in f.read().split():
                seen[line] = seen.get(line, 0) + 1
                out.append(f"{line}:{seen[line]}")
        return out, state, wrong


def matrix(tap, lane_class, kinds, outcomes=OUTCOMES, lanes=LANES, ends=("done", "undone"), least=0.8):
    """Every point of every kind times every outcome. ${kinds}: name of the method NAME_case → the prefix of
    its points (or a tuple of prefixes)."""
    rows = [lane_class(n) for n in range(lanes)]
    try:
        cells, total = queue.Queue(), {}
        for kind, prefix in kinds.items():
            points, state, wrong = rows[0].points_of(getattr(rows[0], f"{kind}_case"))
            steps = [p for p in points if p.startswith(prefix)]
            total[kind] = len(steps)
            tap.ok(steps and state in ends and not wrong, f"{kind}: an undisturbed run ends well, past {len(steps)} points", (state, wrong))
            for point in steps:
                for outcome in outcomes:
                    cells.put((kind, point, outcome))
        lock, died_at, began = threading.Lock(), set(), time.monotonic()

        def work(lane):
            while True:
                try:
                    kind, point, outcome = cells.get_nowait()
                except queue.Empty:
                    return
                try:
                    died, state, wrong = getattr(lane, f"{kind}_case")(point, outcome)
                except Exception as e:  # noqa: BLE001 - a cell that breaks is a failure with its name
                    died, state, wrong = False, "broken", [repr(e), lane.box.log("worker")[-2000:]]
                    lane.rest()
                with lock:
                    if died:
                        died_at.add((kind, point))
                    tap.ok(not wrong, f"{kind} {point} {outcome}: {'died, ' if died else ''}{state}", "\n".join(wrong))
        threads = [threading.Thread(target=work, args=(lane,)) for lane in rows]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        breaches = [b if isinstance(b, str) else json.dumps(b) for lane in rows for b in lane.world.call("breaches")]
        tap.ok(not breaches, "every exchange was as the providers describe it", "\n".join(sorted(set(breaches))[:20]))
        hit = len(died_at) / max(1, sum(total.values()))
        tap.ok(hit > least, f"the worker died at {len(died_at)} of {sum(total.values())} points", total)
        print(f"# {time.monotonic() - began:.0f} s, {len(outcomes)} outcomes, {lanes} lanes", flush=True)
    finally:
        for lane in rows:
            lane.close()
