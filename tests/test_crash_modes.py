#!/usr/bin/env python3
"""The crash matrix of shared tunnels and of what stands before a tenant's door: the worker dies at each point of these sagas
while the provider behaves in each of its ways. A tenant then goes by the shared tunnel or it does not, others are not touched;
who may come in is as it was wanted, once, and nothing is left when it is taken back. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap
from crash import FAST, Lane, matrix


class Common(Lane):
    def create(self, name):
        return self.box.json("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait")

    def again(self, job):
        """A stuck job is taken up by a person, once the provider is well."""
        if job["state"] != "stuck":
            return job
        self.box.sett("job", "retry", job["id"])
        self.worker()
        job = self.settle(job["id"])
        self.rest()
        return job

    def fsck(self):
        code, out, errors = self.box.sett("fsck", ok=False)
        return [] if code == 0 else [f"fsck: {out}{errors}"]


class Shared(Common):
    conf = FAST + "[ingress]\nmode = shared\n"

    def prepare(self):
        self.undisturbed("tenant", "create", "--name", "keeper", "--subdomain", "keeper", "--plan", "demo", "--no-wait")

    def world_is(self, *names):
        state, domain = self.world.call("state"), self.world.facts["domain"]
        tunnels = [t for t in state["tunnels"] if t["deleted_at"] is None]
        rules = sorted(r["hostname"] for t in tunnels for r in (t["config"] or {"ingress": []})["ingress"] if r.get("hostname"))
        wrong = []
        if len(tunnels) != 1 or [r["name"] for r in state["records"]] != [f"*.{domain}"]:
            wrong.append(f"{len(tunnels)} tunnels, records {[r['name'] for r in state['records']]}")
        if rules != sorted(f"{n}.{domain}" for n in names):
            wrong.append(f"rules {rules}, wanted {names}")
        left = [n for n in os.listdir(os.path.join(self.box.root, "var/lib/sett/live/tenants")) if not n.startswith(".")]
        if len(left) != len(names):
            wrong.append(f"folders left: {left}")
        return wrong

    def share_case(self, point, outcome):
        self.serial += 1
        name = f"l{self.number}t{self.serial}"
        out = self.create(name)
        self.faults(outcome, "PUT /*", "GET /accounts/*/configurations")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        state, wrong = job["state"], [] if job["state"] != "stuck" or job["cause"] else ["stuck without a cause"]
        job = self.again(job)
        wrong += self.world_is("keeper", name) if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]
        self.undisturbed("tenant", "delete", out["id"], "--action", "delete", f"--confirm={name}", "--no-wait")
        return died, state, wrong + self.world_is("keeper") + self.fsck()

    def unshare_case(self, point, outcome):
        self.serial += 1
        name = f"l{self.number}t{self.serial}"
        out, _ = self.undisturbed("tenant", "create", "--name", name, "--subdomain", name, "--plan", "demo", "--no-wait")
        gone = self.box.json("tenant", "delete", out["id"], "--action", "delete", f"--confirm={name}", "--no-wait")
        self.faults(outcome, "PUT /*", "GET /accounts/*/configurations")
        died, job = self.run_to_end(gone["job"], self.worker(point))
        self.faults("fine")
        state, job = job["state"], self.again(job)
        wrong = [] if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]
        return died, state, wrong + self.world_is("keeper") + self.fsck()


class Over(Common):
    """One tenant goes from a tunnel of its own to the shared one that another one goes by, and back."""

    def prepare(self):
        self.undisturbed("tenant", "create", "--name", "keeper", "--subdomain", "keeper", "--plan", "demo", "--ingress-mode", "shared", "--no-wait")
        self.undisturbed("tenant", "create", "--name", "rover", "--subdomain", "rover", "--plan", "demo", "--no-wait")

    def world_is(self, shared):
        """What there is outside when the rover goes by the shared tunnel, or by its own."""
        state, domain = self.world.call("state"), self.world.facts["domain"]
        tunnels = [[r["hostname"] for r in (t["config"] or {"ingress": []})["ingress"] if r.get("hostname")]
                   for t in state["tunnels"] if t["deleted_at"] is None]
        ways, records = ("keeper", "rover") if shared else ("keeper",), [f"*.{domain}"] + ([] if shared else [f"rover.{domain}"])
        wrong = []
        if sorted(map(sorted, tunnels)) != [[f"{n}.{domain}" for n in ways]] + ([] if shared else [[f"rover.{domain}"]]):
            wrong.append(f"rules {tunnels}")
        if sorted(r["name"] for r in state["records"]) != records:
            wrong.append(f"records {[r['name'] for r in state['records']]}")
        for name in ("keeper", "rover"):
            got = self.world.call("edge", {"host": f"{name}.{domain}"})["status"]
            if got != 200:
                wrong.append(f"{name} answers {got}")
        connectors = len([f for f in os.listdir(os.path.join(self.box.root, "var/lib/sett/live/hands/tunnels")) if f.endswith(".token")])
        if connectors != len(tunnels):
            wrong.append(f"{connectors} connectors of {len(tunnels)} tunnels")
        return wrong

    def over(self, mode, point, outcome):
        """One cell; then the rover is brought back to where the next one begins."""
        words, shared = ("tenant", "update", "rover", "--ingress-mode"), mode == "shared"
        if self.box.json("tenant", "show", "rover")["ingress_mode"] == mode:
            self.undisturbed(*words, "own" if shared else "shared", "--no-wait")
        if os.path.exists(self.log):
            os.unlink(self.log)
        out = self.box.json(*words, mode, "--no-wait")
        self.faults(outcome, "POST /*", "PUT /*", "DELETE /*", "GET /accounts/*/configurations")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        state, wrong = job["state"], [] if job["state"] != "stuck" or job["cause"] else ["stuck without a cause"]
        job = self.again(job)
        now = self.box.json("tenant", "show", "rover")["ingress_mode"]
        if job["state"] not in ("done", "undone") or (now == mode) != (job["state"] == "done"):
            wrong.append(f"ended {job['state']}, and goes by {now}: {job['cause']}")
        return died, state, wrong + self.world_is(now == "shared") + self.fsck()

    def over_case(self, point, outcome):
        return self.over("shared", point, outcome)

    def back_case(self, point, outcome):
        return self.over("own", point, outcome)


class Guard(Common):
    def prepare(self):
        self.undisturbed("tenant", "create", "--name", "keeper", "--subdomain", "keeper", "--plan", "demo", "--no-wait")
        self.world.call("cloudflare", {"plan": "business"})

    def guards(self):
        state = self.world.call("state")
        return [[p["name"][:5] for p in a["policies"]] for a in state["apps"]], [r["ratelimit"]["requests_per_period"] for r in state["limits"]]

    def set_case(self, words, fault, here, point, outcome):
        """Set what was not there, then take it back undisturbed."""
        out = self.box.json(words[0], "set", "1", *words[1:], "--no-wait")
        self.faults(outcome, fault)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        state, job, wrong = job["state"], self.again(job), []
        if job["state"] == "undone": # it says why, holds nothing up, and is set again
            shown = self.box.json(words[0], "show", "1")
            if shown["state"] != "failed" or not shown["state_reason"]:
                wrong.append(f"undone, and its record says {shown}")
            _, job = self.undisturbed(words[0], "set", "1", *words[1:], "--no-wait")
        if job["state"] != "done":
            wrong.append(f"ended {job['state']}: {job['cause']}")
        if self.guards() != here:
            wrong.append(f"there is {self.guards()}")
        self.undisturbed(words[0], "clear", "1", "--no-wait")
        return died, state, wrong + self.gone(words[0])

    def clear_case(self, words, fault, point, outcome):
        self.undisturbed(words[0], "set", "1", *words[1:], "--no-wait")
        out = self.box.json(words[0], "clear", "1", "--no-wait")
        self.faults(outcome, fault)
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        state, job = job["state"], self.again(job)
        return died, state, ([] if job["state"] == "done" else [f"ended {job['state']}: {job['cause']}"]) + self.gone(words[0])

    def gone(self, noun):
        wrong = [] if self.guards() == ([], []) else [f"left: {self.guards()}"]
        if self.box.sett(noun, "show", "1", ok=False)[0] != 3:
            wrong.append("the record is left")
        return wrong + self.fsck()

    ACCESS = ("access", "--emails", "ann@example.com", "--ips", "198.51.100.0/24")
    LIMIT = ("ratelimit", "--requests", "100", "--period", "1m")

    def access_case(self, point, outcome):
        return self.set_case(self.ACCESS, "POST /accounts/*", ([["sett ", "sett "]], []), point, outcome)

    def unaccess_case(self, point, outcome):
        return self.clear_case(self.ACCESS, "DELETE /accounts/*", point, outcome)

    def limit_case(self, point, outcome):
        return self.set_case(self.LIMIT, "POST /zones/*", ([], [100]), point, outcome)

    def unlimit_case(self, point, outcome):
        return self.clear_case(self.LIMIT, "DELETE /zones/*", point, outcome)


def main():
    tap = Tap()
    few = ("fine", "lose", "429", "garbage")
    matrix(tap, Shared, {"share": ("step.tenant.provision.carrier", "step.tenant.provision.share", "step.tunnel.configure."),
                         "unshare": ("step.tenant.delete.unshare", "step.tunnel.configure.")}, few, least=0.5)
    matrix(tap, Over, {"over": "step.tenant.share.", "back": "step.tenant.unshare."}, ("fine", "lose"))
    matrix(tap, Guard, {"access": "step.access.apply.", "unaccess": "step.access.remove.", "limit": "step.ratelimit.apply.",
                        "unlimit": "step.ratelimit.remove."}, few)
    tap.done()


if __name__ == "__main__":
    main()
