#!/usr/bin/env python3
"""The crash matrix of snapshots: a worker that is killed at every point of one, and in the middle of its file, with
a vault that is there and one that is away. In the end it is done, and every copy that the records speak of is whole; or
it has failed, and nothing of it is anywhere. Speaks TAP."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap
from crash import Lane, matrix


class Snapshots(Lane):
    ingress = "local"

    def prepare(self):
        self.secret = os.path.join(self.box.root, "secret")
        self.vaults = {name: os.path.join(self.box.root, name) for name in ("near", "far")}
        self.box.sett("recovery", "init", "--secret-file", self.secret)
        for name, folder in self.vaults.items():
            os.makedirs(folder)
            self.box.sett("vault", "add", name, "folder", folder)

    def files(self):
        return {name: sorted(os.listdir(folder)) if os.path.isdir(folder) else None for name, folder in self.vaults.items()}

    def clean(self):
        """What the records say against what is there."""
        wrong, known = [], {name: set() for name in self.vaults}
        ids = {v["id"]: v["name"] for v in self.box.json("vault", "list")["data"]}
        for s in self.box.json("snapshot", "list", "--limit", "100")["data"]:
            for copy in s["copies"]:
                known[ids[copy["vault_id"]]].add(s["file"])
            if s["state"] not in ("done", "failed") or (s["state"] == "done") != bool(s["copies"]):
                wrong.append(f"{s['number']} is {s['state']} with {len(s['copies'])} copies")
        for name, there in self.files().items():
            if there is not None and set(there) != known[name]:
                wrong.append(f"{name} has {set(there) ^ known[name]} besides or less")
        here = os.path.join(self.box.root, "var/lib/sett/snapshots")
        if os.path.isdir(here) and os.listdir(here):
            wrong.append(f"left where it was written: {os.listdir(here)}")
        code, out, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"fsck: {out}{errors}"] if code != 0 else [])

    def create_case(self, point, outcome):
        far = self.vaults["far"]
        if outcome == "away":
            shutil.move(far, far + "-moved")
        out = self.box.json("snapshot", "create", "--no-wait", *(["--full"] if outcome == "full" else []))
        died, job = self.run_to_end(out["job"], self.worker(point))
        if outcome == "away":
            shutil.move(far + "-moved", far)
        wrong = [] if job["state"] == "done" else [f"{job['state']}: {job['cause']}"]
        path = os.path.join(self.vaults["near"], out["file"])
        code, _said, errors = self.box.sett("snapshot", "verify", path, "--recovery-file", self.secret, ok=False)
        if code != 0:
            wrong.append(errors)
        return died, job["state"], wrong + self.clean()


def main():
    tap = Tap()
    matrix(tap, Snapshots, {"create": ("step.snapshot.create.", "snapshot.")}, outcomes=("fine", "away", "full"), lanes=2, least=0.6)
    tap.done()


if __name__ == "__main__":
    main()
