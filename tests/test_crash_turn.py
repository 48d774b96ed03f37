#!/usr/bin/env python3
"""The crash matrix of TURN keys and of probes. Keys are shown once: whatever happens between their making and their sealing,
in the end there is one key over there and it is the one that we can use, or none. A probe ends with a verdict.
Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from crash import Lane, matrix
from origins import Origin


class Keys(Lane):
    def keys(self):
        return self.world.call("turn", {})["keys"]

    def usable(self):
        """That credentials can be made of what is kept: the key that is there is ours."""
        self.worker()
        code, out, errors = wait_for(lambda: (r := self.box.sett("turn", "credentials", "--json", ok=False)) and
                                     "nobody_listens" not in r[2] and r, "the worker can be asked")
        self.rest()
        return [] if code == 0 and "iceServers" in out else [errors]

    def create(self):
        return self.box.json("turn", "create", "--no-wait")

    def delete(self, ident, point=None):
        out = self.box.json("turn", "delete", ident, f"--confirm={ident}", "--no-wait")
        return self.run_to_end(out["job"], self.worker(point))

    def clean(self):
        wrong = [f"keys left: {k}" for k in self.keys()]
        wrong += [f"secret left: {s['name']}" for s in self.box.json("secret", "list")["data"] if s["name"].startswith("turn:")]
        code, out, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"fsck: {out}{errors}"] if code != 0 else [])

    def create_case(self, point, outcome):
        out = self.create()
        self.faults(outcome, "POST /*")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        wrong = []
        if job["state"] == "done":
            if len(self.keys()) != 1:
                wrong.append(f"complete, with {len(self.keys())} keys")
            wrong += self.usable()
        elif not job["cause"]:
            wrong.append(f"{job['state']} without a cause")
        if job["state"] == "stuck":
            self.box.sett("job", "resolve", job["id"], "--how", "undo")
            self.worker()
            self.settle(job["id"])
            self.rest()
        elif job["state"] == "done":
            self.delete(out["id"])
        return died, job["state"], wrong + self.clean()

    def delete_case(self, point, outcome):
        out = self.create()
        self.worker()
        self.settle(out["job"])
        self.rest()
        self.faults(outcome, "DELETE /*")
        died, job = self.delete(out["id"], point)
        self.faults("fine")
        return died, job["state"], ([] if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]) + self.clean()

    def probe_case(self, point, outcome):
        """Of a service that behaves in the outcome's way."""
        kinds = {"lose": "closed", "garbage": "ssh"}
        origin = Origin(kinds.get(outcome, "http"), status={"429": 429, "500": 500}.get(outcome, 404), pages=("/",) if outcome == "fine" else ())
        if outcome == "drop":
            origin.close()
        out = self.box.json("probe", "start", f"http://127.0.0.1:{origin.port}/", "--no-wait")
        died, job = self.run_to_end(out["job"], self.worker(point))
        origin.close()
        wrong = [] if job["state"] == "done" and job["facts"].get("verdict") else [f"{job['state']}, {job['facts']}"]
        return died, job["state"], wrong


def main():
    tap = Tap()
    matrix(tap, Keys, {"create": "step.turn.create.", "delete": "step.turn.delete.", "probe": "step.tunnel.probe."})
    tap.done()


if __name__ == "__main__":
    main()
