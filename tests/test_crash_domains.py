#!/usr/bin/env python3
"""The crash matrix of customers' domains: the worker dies at each crash point of adding, leading and removing one,
by both ways, while the provider behaves in each of its ways. Whatever happens, the job ends complete, undone or
stuck with a cause; then the domain is removed, and neither zone nor custom hostname, record or rule is left.
Speaks TAP."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "parts"), os.path.join(HERE, "fake")]
from box import Tap, wait_for
from crash import FAST, LANES, Lane, matrix
from nameserver import NameServer

class Domains(Lane):
    conf = FAST + "\n[domains]\ncheck_minutes = 1\n"
    tenants = ("acme",)

    def prepare(self):
        for name in self.tenants:
            self.undisturbed("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait")
        self.before = self.outside()

    def outside(self):
        """All that is there outside, but for the fallback origin, which stays for the next."""
        state = self.world.call("state")
        rules = [r.get("hostname") for t in state["tunnels"] if t["deleted_at"] is None for r in t["config"]["ingress"]]
        records = sorted(r["name"] for r in state["records"] if not r["name"].startswith("customers."))
        return {"zones": [z["name"] for z in state["zones"]], "hostnames": [h["hostname"] for h in state["hostnames"]],
                "records": records, "rules": rules}

    def add(self, way, active):
        """A domain whose zone or custom hostname is so as soon as it is made."""
        self.serial += 1
        name = f"l{self.number}d{self.serial}.co.uk"
        self.world.call("cloudflare", {"zones_begin": "active" if active else "pending"})
        out = self.box.json("domain", "add", name, "acme", "--via", way, "--no-wait")
        return out["id"], out["job"], name

    def show(self, ident):
        return self.box.json("domain", "show", ident)

    def remove(self, ident, name):
        """To its end, whatever it takes; what is left then."""
        if self.show(ident)["state"] != "removed":
            self.box.json("domain", "remove", ident, f"--confirm={name}", "--no-wait")
            self.worker()
            wait_for(lambda: self.show(ident)["state"] == "removed" or self.stuck(ident), f"{name} is removed", 60, 0.05)
            job = self.stuck(ident)
            if job:
                self.box.sett("job", "retry", job)
                wait_for(lambda: self.show(ident)["state"] == "removed", f"{name} is removed at last", 60, 0.05)
            # A change of the tunnel's rules may still be on its way.
            wait_for(lambda: self.outside()["rules"] == self.before["rules"], f"the rules of {name} are gone", 20, 0.05)
            self.rest()
        wrong = []
        now = self.outside()
        if now != self.before:
            wrong.append(f"left: {now} before: {self.before}")
        code, out, errors = self.box.sett("fsck", ok=False)
        if code != 0:
            wrong.append(f"fsck: {out}{errors}")
        return wrong

    def stuck(self, ident):
        job = self.job(self.show(ident)["job_id"])
        return job["id"] if job["state"] == "stuck" else None

    def add_by(self, way, point, outcome):
        ident, job_id, name = self.add(way, False)
        self.faults(outcome, "POST /zones*", "PUT /zones*")
        died, job = self.run_to_end(job_id, self.worker(point))
        self.faults("fine")
        wrong = []
        if job["state"] == "done":
            d, now = self.show(ident), self.outside()
            if len(now["zones"]) + len(now["hostnames"]) != 1 or not d["cf_id"] or not d["cf_made"]:
                wrong.append(f"complete, with {now}")
            if way == "zone" and not d["name_servers"]:
                wrong.append("complete, and the name servers are not known")
        elif job["state"] == "stuck" and not job["cause"]:
            wrong.append("stuck without a cause")
        return died, job["state"], wrong + self.remove(ident, name)

    def add_zone_case(self, point, outcome):
        return self.add_by("zone", point, outcome)

    def add_hostname_case(self, point, outcome):
        return self.add_by("hostname", point, outcome)

    def route_case(self, point, outcome):
        """From being added to being led: the zone is active at once, so the rounds begin it by themselves."""
        ident, _, name = self.add("zone", True)
        if outcome != "fine":
            self.world.call("faults", [{"match": "POST /zones/*/dns_records", "from": 2, "fault": outcome},
                                       {"match": "PUT /accounts/*", "fault": outcome}])
        process = self.worker(point)
        settled = ("active", "verifying", "failed", "removed")
        wait_for(lambda: process.poll() is not None or self.show(ident)["state"] in settled, "the crash or the end", 60, 0.03)
        died = process.poll() is not None
        if died:
            self.box.processes.pop("worker")
            self.worker()
            wait_for(lambda: self.show(ident)["state"] in settled, f"{name} is led", 60, 0.03)
        self.rest()
        self.faults("fine")
        d, wrong = self.show(ident), []
        if d["state"] == "active":
            zone = next(z for z in self.world.call("state")["zones"] if z["name"] == name)
            if sorted(r["type"] for r in zone["records"]) != ["CNAME", "CNAME", "TXT"]:
                wrong.append(f"active, with the records {[(r['type'], r['name']) for r in zone['records']]}")
            if not {name, "www." + name} <= set(self.outside()["rules"]):
                wrong.append(f"active, with the rules {self.outside()['rules']}")
        elif d["state"] == "failed" and not d["state_reason"]:
            wrong.append("failed without a reason")
        elif d["state"] != "failed":
            wrong.append(f"ended {d['state']}: {d['state_reason']}")
        return died, {"active": "done"}.get(d["state"], d["state"]), wrong + self.remove(ident, name)

    def remove_by(self, way, point, outcome):
        ident, job_id, name = self.add(way, way == "zone")
        self.worker()
        wait_for(lambda: self.show(ident)["state"] == ("active" if way == "zone" else "pending"), f"{name} is there", 60, 0.03)
        self.rest()
        self.faults(outcome, "DELETE /*", "PUT /accounts/*")
        out = self.box.json("domain", "remove", ident, f"--confirm={name}", "--no-wait")
        if os.path.exists(self.log) and point is None:
            os.unlink(self.log)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        return died, job["state"], ([] if job["state"] in ("done", "stuck") else [f"ended {job['state']}"]) + self.remove(ident, name)

    def claim_case(self, point, outcome):
        """Another tenant proves that the domain is its own: it has it then, or everything is as it was."""
        ident, _, name = self.add("zone", True)
        self.worker()
        wait_for(lambda: self.show(ident)["state"] == "active", f"{name} is there", 60, 0.03)
        self.rest()
        record = self.box.json("domain", "claim", name, "other")["record"]
        self.dns.set(record["name"], "TXT", record["value"])
        owner, claimant = (self.box.json("tenant", "show", n)["id"] for n in ("acme", "other"))
        self.faults(outcome, "DELETE /*", "PUT /accounts/*", "POST /zones*")
        out = self.box.json("domain", "claim", name, "other", "--prove", "true", "--no-wait")
        if os.path.exists(self.log) and point is None:
            os.unlink(self.log)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        d, wrong = self.show(ident), []
        if job["state"] not in ("done", "undone") or d["tenant_id"] != (claimant if job["state"] == "done" else owner):
            wrong.append(f"{job['state']}, and it is {d['tenant_id']}'s: {job['cause']}")
        self.worker()
        wait_for(lambda: (self.show(ident)["state"] == "active" and not self.stuck(ident)) or self.stuck(ident), f"{name} is led again", 60, 0.05)
        if self.stuck(ident):
            self.box.sett("job", "retry", self.stuck(ident))
            wait_for(lambda: self.show(ident)["state"] == "active", f"{name} is led at last", 60, 0.05)
        self.rest()
        return died, job["state"], wrong + self.remove(ident, name)

    def remove_zone_case(self, point, outcome):
        return self.remove_by("zone", point, outcome)

    def remove_hostname_case(self, point, outcome):
        return self.remove_by("hostname", point, outcome)


class Claimed(Domains):
    tenants = ("acme", "other")

    def prepare(self):
        self.dns = NameServer()
        self.box.sett("setting", "set", "dns.server", f"127.0.0.1:{self.dns.port}")
        super().prepare()


# A call that is dropped ends like one that is answered 500, and costs a cell of each point.
OUTCOMES = ("fine", "lose", "429", "500", "garbage")


def main():
    tap = Tap()
    matrix(tap, Domains, {"add_zone": "step.domain.add.", "add_hostname": "step.domain.add.", "route": "step.domain.route.",
                          "remove_zone": "step.domain.remove.", "remove_hostname": "step.domain.remove."},
           outcomes=OUTCOMES, lanes=2 * LANES)  # much of it is waiting for lists that lag
    matrix(tap, Claimed, {"claim": "step.domain.claim."}, outcomes=("fine", "lose", "500"))
    tap.done()


if __name__ == "__main__":
    main()
