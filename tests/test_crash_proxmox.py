#!/usr/bin/env python3
"""The crash matrix of tenants on other machines: containers of a cluster that are made, deleted, and carried from node to
node, while the worker dies at each point and the cluster's API behaves in each of its ways. Whatever happens there is
one container with its own disk or none, and never a second one or somebody else's. Speaks TAP."""
import os
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
import pve
from box import Tap, wait_for
from crash import Lane, matrix

CHANGES = ("POST /nodes/*", "PUT /nodes/*", "DELETE /nodes/*")


class Cluster(Lane):
    def prepare(self):
        pve.setup(self.box, self.world, addresses=f"127.{20 + self.number}.0.10-127.{20 + self.number}.0.250/8")
        self.carried = None

    def create(self):
        self.serial += 1
        name = f"l{self.number}t{self.serial}"
        out = self.box.json("tenant", "create", "--name", name, "--subdomain", name, "--plan", "pve", "--no-wait")
        return out["id"], out["job"], name

    def delete(self, tenant, name, point=None):
        out = self.box.json("tenant", "delete", tenant, "--action", "delete", f"--confirm={name}", "--no-wait")
        return self.run_to_end(out["job"], self.worker(point))

    def ours(self):
        return {v: g for v, g in pve.ours(self.world).items() if self.carried is None or v != self.carried["vmid"]}

    def fsck(self):
        code, out, errors = self.box.sett("fsck", ok=False)
        return [f"fsck: {out}{errors}"] if code != 0 else []

    def clean(self):
        wrong = [f"containers left: {[(v, g['node'], g['lock']) for v, g in self.ours().items()]}"] if self.ours() else []
        return wrong + self.fsck()

    def provision_case(self, point, outcome):
        # The lowest number is somebody else's, which the box finds out by itself.
        there = self.world.call("pve")
        theirs = next(n for n in range(5000, 6000) if str(n) not in there)
        self.world.call("pve-foreign", {"vmid": theirs})
        tenant, ident, name = self.create()
        self.faults(outcome, *CHANGES)
        died, job = self.run_to_end(ident, self.worker(point))
        self.faults("fine")
        wrong = []
        if job["state"] == "done":
            found = self.ours()
            shown = self.box.json("tenant", "show", tenant)
            if len(found) != 1 or shown["state"] != "active" or shown["node"] not in [g["node"] for g in found.values()]:
                wrong.append(f"complete, with {len(found)} containers, {shown['state']} on {shown['node']}")
        elif not job["cause"]:
            wrong.append(f"{job['state']} without a cause")
        if job["state"] != "undone":
            _, end = self.delete(tenant, name)
            if end["state"] != "done":
                wrong.append(f"and its deletion ended {end['state']}: {end['cause']}")
        if self.world.call("pve")[str(theirs)]["config"].get("hostname") != "theirs":
            wrong.append("somebody else's was touched")
        return died, job["state"], wrong + self.clean()

    def delete_case(self, point, outcome):
        tenant, ident, name = self.create()
        self.worker()
        self.settle(ident)
        self.rest()
        self.faults(outcome, *CHANGES)
        died, job = self.delete(tenant, name, point)
        self.faults("fine")
        if job["state"] == "stuck":
            self.box.sett("job", "retry", job["id"])
            self.worker()
            job = self.settle(job["id"])
            self.rest()
        return died, job["state"], ([] if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]) + self.clean()

    def says(self, address):
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
                return dict(w.split("=", 1) for w in answer.read().decode().split(" ") if "=" in w)
        except OSError:
            return None

    def move_case(self, point, outcome):
        """One tenant, to the other node each time, with its disk."""
        if self.carried is None:
            tenant, ident, _ = self.create()
            self.worker()
            self.settle(ident)
            self.rest()
            vmid, g = next(iter(self.ours().items()))
            self.carried = {"id": tenant, "vmid": vmid, "disk": g["disk"]}
        c = self.carried
        before = self.box.json("tenant", "show", c["id"])
        out = self.box.json("tenant", "move", c["id"], "--node", {"pve1": "pve2", "pve2": "pve1"}[before["node"]], "--no-wait")
        self.faults(outcome, *CHANGES)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        wrong = []
        if job["state"] == "stuck":
            if not job["cause"]:
                wrong.append("stuck without a cause")
            self.box.sett("job", "retry", job["id"])
            self.worker()
            job = self.settle(job["id"])
            self.rest()
        after = self.box.json("tenant", "show", c["id"])
        g = self.world.call("pve")[str(c["vmid"])]
        if job["state"] not in ("done", "undone") or (after["node"] != before["node"]) != (job["state"] == "done"):
            wrong.append(f"{job['state']}: from {before['node']} to {after['node']}: {job['cause']}")
        if g["node"] != after["node"] or g["disk"] != c["disk"] or len(self.ours()) != 0:
            wrong.append(f"the container is on {g['node']}, the tenant on {after['node']}; {len(self.ours())} more")
        said = wait_for(lambda: self.says(after["address"]), f"{after['address']} answers", 5)
        if said["disk"] != c["disk"] or said["node"] != after["node"]:
            wrong.append(f"it says {said}")
        return died, job["state"], wrong + self.fsck()


def main():
    tap = Tap()
    matrix(tap, Cluster, {"provision": ("step.tenant.provision.place", "step.tenant.provision.runtime"), "delete": "step.tenant.delete.remove"})
    matrix(tap, Cluster, {"move": "step.tenant.move."}, outcomes=("fine", "lose", "500"))
    tap.done()


if __name__ == "__main__":
    main()
