#!/usr/bin/env python3
"""The crash matrix: the worker dies at each of its crash points, while a provider behaves in each of
its ways, and is started again. Whatever happens, a provision ends complete, wholly undone, or
stuck with a cause; then the tenant is deleted and nothing with our mark is left outside.

Real parts: worker, hands, store, a process per tenant. The providers are the fakes, which are never
killed and whose ledger is the oracle. Speaks TAP.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap
from crash import Lane, matrix


class Tenants(Lane):
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
        self.faults(outcome, "POST /*", "PUT /*")
        died, job = self.run_to_end(ident, self.worker(point))
        self.faults("fine")
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
        self.rest()
        self.faults(outcome, "DELETE /*")
        died, job = self.delete(tenant, name, point)
        self.faults("fine")
        if job["state"] == "stuck":
            self.box.sett("job", "retry", job["id"])
            self.worker()
            job = self.settle(job["id"])
            self.rest()
        return died, job["state"], ([] if job["state"] == "done" else [f"delete ended {job['state']}: {job['cause']}"]) + self.audit_clean(name)


    def undo_case(self, point, outcome):
        """A provision that cannot go on (its token may not write DNS) and is turned round by a person."""
        tenant, ident, name = self.create()
        self.world.call("faults", [{"match": "POST /zones/*", "fault": "auth", "times": 1000}])
        self.worker()
        stuck = self.settle(ident)
        self.rest()
        self.faults(outcome, "DELETE /*")
        if stuck["state"] != "stuck":
            return False, stuck["state"], ["the provision was to be stuck"]
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.box.sett("job", "resolve", ident, "--how", "undo")
        died, job = self.run_to_end(ident, self.worker(point))
        self.faults("fine")
        return died, job["state"], ([] if job["state"] == "undone" else [f"ended {job['state']}: {job['cause']}"]) + self.audit_clean(name)


def main():
    tap = Tap()
    # Of which points each kind of run is about.
    matrix(tap, Tenants, {"provision": "step.tenant.provision.", "undo": "step.tenant.provision.", "delete": "step.tenant.delete."})
    tap.done()


if __name__ == "__main__":
    main()
