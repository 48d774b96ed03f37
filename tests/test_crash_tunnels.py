#!/usr/bin/env python3
"""The crash matrix of tunnels that stand alone, of their rules and of adoption: the worker dies at each
point while the provider behaves in each of its ways. Whatever happens, what is in force is what the
records say is in force; what was made is there once or not at all; what somebody else made is as it was.
Speaks TAP.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from crash import OUTCOMES, Lane, matrix


def bare(rules, options):
    """Rules without what says nothing; without their options where the connector does not tell them."""
    return [{k: v for k, v in r.items() if k != "originRequest" or (options and v)} for r in rules]


class Tunnels(Lane):
    def at_provider(self, name):
        return [t for t in self.world.call("state")["tunnels"] if t["name"] == name and t["deleted_at"] is None]

    def words(self, name, *more):
        host = f"{name}.{self.world.facts['domain']}"
        return ("tunnel", "create", "--name", name, "--hostname", host, "--service", "https://localhost:8089", "--no-tls-verify", *more, "--no-wait")

    def name(self):
        self.serial += 1
        return f"t{self.number}x{self.serial}"

    def clean(self, name):
        """Nothing of it outside, nothing left inside."""
        state, wrong = self.world.call("state"), []
        if [t for t in state["tunnels"] if t["name"] == name and t["deleted_at"] is None]:
            wrong.append("the tunnel is left")
        if [r for r in state["records"] if r["name"].startswith(name + ".")]:
            wrong.append("its record is left")
        left = [f for f in os.listdir(os.path.join(self.box.root, "var/lib/sett/live/hands/tunnels"))]
        if left:
            wrong.append(f"files of its connector are left: {left}")
        code, out, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"fsck: {out}{errors}"] if code else [])

    def remove(self, name, *more, point=None):
        out = self.box.json("tunnel", "delete", name, *more, f"--confirm={self.called(name)}", "--no-wait")
        return self.run_to_end(out["job"], self.worker(point))

    def called(self, name):
        shown = self.box.json("tunnel", "show", name)
        return shown["hostname"] or shown["name"]

    def in_force(self, name):
        """That the provider, or the file, has what the record says that it has."""
        config, there = self.box.json("tunnel", "config", name), self.at_provider(name)
        shown = self.box.json("tunnel", "show", name)
        wrong = [] if len(there) == 1 else [f"{len(there)} tunnels"]
        said = config["in_force"]["ingress"]
        got = there[0]["config"]["ingress"] if there and there[0]["config"] else []
        options = shown["config"] == "remote"
        if bare(got, options) != bare(said, options):
            wrong.append(f"in force: {got}, the record says {said}")
        if shown["rules_state"] == "in_force" and not config["same"]:
            wrong.append("called in force, and is not what is wanted")
        if shown["rules_state"] == "refused" and not shown["rules_reason"]:
            wrong.append("refused without a reason")
        if shown["rules_state"] == "pending":
            wrong.append("still pending")
        return wrong

    def create_case(self, point, outcome):
        name = self.name()
        out = self.box.json(*self.words(name))
        self.faults(outcome, "POST /*", "PUT /*")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        wrong = self.in_force(name) if job["state"] == "done" else [] if job["cause"] else ["no cause"]
        if job["state"] != "undone":
            self.remove(name)
        return died, job["state"], wrong + self.clean(name)

    def carrier_case(self, point, outcome):
        """A tunnel that tenants are to share, with the record that answers for all their names."""
        name = self.name()
        out = self.box.json("tunnel", "create", "--shared", "true", "--name", name, "--no-wait")
        self.faults(outcome, "POST /*", "PUT /*")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        records = [r["name"] for r in self.world.call("state")["records"]]
        wrong = self.in_force(name) if job["state"] == "done" else [] if job["cause"] else ["no cause"]
        if job["state"] == "done" and records != [f"*.{self.world.facts['domain']}"]:
            wrong.append(f"complete, with the records {records}")
        if job["state"] != "undone":
            self.remove(name)
        left = [r["name"] for r in self.world.call("state")["records"]]
        return died, job["state"], wrong + self.clean(name) + ([f"records are left: {left}"] if left else [])

    def delete_case(self, point, outcome):
        name = self.name()
        self.undisturbed(*self.words(name))
        self.faults(outcome, "DELETE /*")
        died, job = self.remove(name, point=point)
        self.faults("fine")
        return died, job["state"], ([] if job["state"] == "done" else [f"{job['state']}: {job['cause']}"]) + self.clean(name)

    def change(self, name, point, outcome):
        """A rule more, and whether it is what is then in force."""
        out = self.box.json("rule", "create", name, "--hostname", f"more-{name}.example", "--service", "ssh://localhost:22", "--no-wait")
        self.faults(outcome, "PUT /*", "GET /accounts/*/configurations")
        died, job = self.run_to_end(out["job"], self.worker(point))
        self.faults("fine")
        wrong = self.in_force(name)
        refused = self.box.json("tunnel", "show", name)["rules_state"] == "refused"
        if refused == (job["state"] == "done"):
            wrong.append(f"the job is {job['state']}, refused: {refused}")
        return died, job, wrong

    def configure_case(self, point, outcome):
        name = self.name()
        self.undisturbed(*self.words(name))
        died, job, wrong = self.change(name, point, outcome)
        self.remove(name)
        return died, job["state"], wrong + self.clean(name)

    def files_case(self, point, outcome):
        name = self.name()
        self.undisturbed(*self.words(name, "--config", "local"))
        died, job, _ = self.change(name, point, outcome)
        wrong = []
        try:  # the connector has been started anew and says what it goes by
            wait_for(lambda: not self.in_force(name), "the connector goes by the files", 10)
        except AssertionError:
            wrong = self.in_force(name)
        self.remove(name)
        return died, job["state"], wrong + self.clean(name)

    def adopt_case(self, point, outcome):
        name = self.name()
        config = {"ingress": [{"hostname": "x.example", "service": "http://localhost:1", "originRequest": {"caPool": "/x"}}, {"service": "http_status:404"}]}
        made = self.world.call("tunnel", {"name": name, "config": config})
        process = self.worker(point)
        out = wait_for(lambda: (r := self.box.sett("tunnel", "adopt", made["id"], "--connect", "--no-wait", "--json", ok=False))[0] == 0 and r[1], "it is asked for")
        self.faults(outcome, "GET /*")
        died, job = self.run_to_end(json.loads(out)["job"], process)
        self.faults("fine")
        there, wrong = self.at_provider(name), []
        if len(there) != 1 or there[0]["config"] != config or there[0]["version"] != 7:
            wrong.append(f"it was touched: {there}")
        if job["state"] == "done":
            wrong += self.in_force(name)
            self.remove(name, "--action", "release")
        elif self.box.json("tunnel", "list", "--state", "active")["data"]:
            wrong.append("undone, and there is a tunnel")
        if len(self.at_provider(name)) != 1:
            wrong.append("let go, and it is gone")
        self.world.call("forget", {"id": made["id"]})
        return died, job["state"], wrong + [w for w in self.clean(name) if "tunnel is left" not in w]


KINDS = {"create": "step.tunnel.create.",
         # of a shared one what is not like any other's: its configuration and its record
         "carrier": ("step.tunnel.create.ingress", "step.tunnel.create.dns", "step.tunnel.create.active"),
         "delete": "step.tunnel.delete.", "adopt": "step.tunnel.adopt.", "files": "step.tunnel.configure."}


def main():
    tap = Tap()
    matrix(tap, Tunnels, {"configure": "step.tunnel.configure."}, outcomes=OUTCOMES + ("400",))
    # Refusals before and rates after the effect are the same calls as tenants' (test_crash.py).
    matrix(tap, Tunnels, KINDS, outcomes=("fine", "lose", "garbage"))
    tap.done()


if __name__ == "__main__":
    main()
