#!/usr/bin/env python3
"""The crash matrix of what brings drift back: the worker dies at each point of a revert, while the provider
behaves in each of its ways. Whatever happens, the record is there once, the orphan is gone, the tenant's
program runs, and what is foreign is as it was. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from crash import Lane, matrix
from provider import Provider


class Drifted(Lane):
    """One tenant for the whole lane; each cell breaks something of it behind its back."""

    def prepare(self):
        self.provider = Provider(self.world)
        self.name = f"l{self.number}"
        out, job = self.undisturbed("tenant", "create", self.name, "--plan", "demo", "--no-wait")
        assert job["state"] == "done", job
        self.tenant = out["id"]
        self.box_id = next(s["value"] for s in self.box.json("setting", "list")["data"] if s["name"] == "box.id")
        self.foreign = self.provider.record("POST", body={"type": "CNAME", "name": "mail.sett.test", "content": "else.where",
                                                          "proxied": False, "comment": "by hand"})

    def tunnel(self):
        return next(t for t in self.box.json("tunnel", "list")["data"] if t["tenant_id"] == self.tenant)

    def find(self, kind, verdict):
        """What a scan of a sound worker finds, and nothing besides."""
        self.faults("fine")
        self.worker()
        number = self.box.json("drift", "scan")["number"]
        wait_for(lambda: (s := self.box.json("drift", "status"))["state"] == "idle" and s["number"] > number, "the scan ends", 60)
        self.rest()
        found = self.box.json("drift", "list")["data"]
        assert [(d["kind"], d["verdict"]) for d in found] == [(kind, verdict)], found
        return found[0]

    def revert(self, finding, point, outcome, *matches):
        if os.path.exists(self.log):
            os.unlink(self.log)
        out = self.box.json("drift", "revert", finding["id"])
        self.faults(outcome, *matches)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        if job["state"] == "stuck":
            self.box.sett("job", "retry", job["id"])
            self.worker()
            job = self.settle(job["id"])
            self.rest()
        wrong = [] if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]
        state = self.world.call("state")
        mine = [r for r in state["records"] if r["name"] == f"{self.name}.sett.test"]
        if len(mine) != 1 or mine[0]["id"] != self.tunnel()["cf_record"] or not mine[0]["content"].startswith(self.tunnel()["cf_tunnel"]):
            wrong.append(f"records: {mine}, recorded {self.tunnel()['cf_record']}")
        live = [t for t in state["tunnels"] if t["deleted_at"] is None]
        if [t["id"] for t in live] != [self.tunnel()["cf_tunnel"]]:
            wrong.append(f"tunnels: {live}")
        if not any(r["id"] == self.foreign["id"] and r["content"] == "else.where" for r in state["records"]):
            wrong.append("the foreign record was touched")
        if any(r["name"] == "ghost.sett.test" for r in state["records"]):
            wrong.append("the orphan is there")
        if self.box.json("drift", "show", finding["id"])["state"] != "gone":
            wrong.append("the finding is not gone")
        code, out, errors = self.box.sett("fsck", ok=False)
        return died, job["state"], wrong + ([f"fsck: {out}{errors}"] if code else [])

    def lead_case(self, point, outcome):
        """The record is deleted in the dashboard."""
        self.provider.record("DELETE", self.tunnel()["cf_record"])
        return self.revert(self.find("dns", "missing"), point, outcome, "POST /*", "PUT /*")

    def remove_case(self, point, outcome):
        """A record of ours that nobody wants."""
        self.provider.record("POST", body={"type": "CNAME", "name": "ghost.sett.test", "content": "gone.cfargotunnel.com", "proxied": True,
                                           "comment": f"sett {self.box_id} tun_00000000000000000000000001 job_1"})
        return self.revert(self.find("dns", "orphan"), point, outcome, "DELETE /*")

    def mend_case(self, point, outcome):
        """The program is taken away by hand."""
        hands = os.path.join(self.box.root, "var/lib/sett/live/hands/process")
        self.box.kill("hands", 2)
        for name in os.listdir(hands):
            if not name.endswith(".log"):
                os.unlink(os.path.join(hands, name))
        self.box.start("hands")
        wait_for(lambda: os.path.exists(self.box.socket("hands")), "the hands listen")
        died, state, wrong = self.revert(self.find("runtime", "missing"), point, outcome, "GET /*")
        if self.box.json("tenant", "show", self.tenant)["state"] != "active":
            wrong.append("the tenant is not active")
        return died, state, wrong


def main():
    tap = Tap()
    matrix(tap, Drifted, {"lead": "step.drift.lead.", "remove": "step.drift.remove."})
    matrix(tap, Drifted, {"mend": "step.drift.mend."}, outcomes=("fine",))
    tap.done()


if __name__ == "__main__":
    main()
