#!/usr/bin/env python3
"""The crash matrix of the hands with real lxc containers: the hands are killed at each of their points while a tenant
is made, changed, suspended, resumed and deleted, and others take their place. The worker lives through all of it.
Whatever happens the job ends done, one container answers with its own page, and of a deleted one nothing is left:
no process, no interface, no folder, no mount. Speaks TAP.

Runs in namespaces of network and mounts of its own, so that bridges, rules and mounts end with it."""
import http.client
import os
import shutil
import signal
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "parts")]
from box import Box, Tap, World, wait_for
from crash import CRASH, FAST
from machine import own_namespaces
from test_runtimes import BLUEPRINT, make_template

PREFIXES = ("connector.", "hands.", "lxc.", "process.")
END_S = 90


class Host:
    """A box whose hands die; one container after the other lives in it."""

    def __init__(self):
        self.world = World(tempfile.mkdtemp(prefix="sett-world-"))
        self.box = Box(build=CRASH, world=self.world, conf=FAST, ingress="cloudflare")
        self.log = os.path.join(self.box.root, "points")
        with open(os.path.join(self.box.root, "etc/sett/blueprints/lxc.conf"), "w", encoding="utf-8") as f:
            f.write(BLUEPRINT.format(runtime="lxc", image="busybox"))
        make_template(self.box)
        self.hands()
        self.box.start("worker")
        wait_for(lambda: os.path.exists(self.box.socket("ask")), "the worker listens")
        self.box.sett("plan", "create", "--name", "lxc", "--title", "lxc", "--blueprint", "lxc", "--currency", "eur", "--offered")
        self.serial = 0

    def hands(self, point=None):
        """Hands that die at a point, or note which they pass; the former ones end first."""
        if "hands" in self.box.processes:
            self.box.kill("hands", signal.SIGTERM)
        process = self.box.start("hands", env={"SETT_CRASH_LOG": self.log, "SETT_CRASH": point} if point else None)
        wait_for(lambda: os.path.exists(self.box.socket("hands")), "the hands listen", 20)
        return process

    def act(self, point, *words):
        """One command whose job's hands die at the point; (whether they did, the job's end)."""
        process = self.hands(point)
        out = self.box.json(*words, "--no-wait")
        until, job = time.monotonic() + END_S, None
        while time.monotonic() < until:
            if process is not None and process.poll() is not None:
                self.box.processes.pop("hands")
                died, process = True, None
                self.hands()
            job = self.box.json("job", "show", out["job"])
            if job["state"] in ("done", "undone", "stuck"):
                break
            time.sleep(0.05)
        return process is None, job

    def left(self):
        """What is there outside of any tenant: containers, interfaces, folders, processes, mounts."""
        root = self.box.root
        found = ["lxc/" + n for n in os.listdir(os.path.join(root, "var/lib/sett/lxc"))]
        found += [n for n in os.listdir("/sys/class/net") if n.startswith("settb")]
        found += ["tenants/" + n for n in os.listdir(os.path.join(root, "var/lib/sett/live/tenants")) if not n.startswith(".")]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if root in words and ("lxc-start" in words or "sett-forward" in words or "httpd" in words):
                found.append(words[:120])
        with open("/proc/self/mounts", encoding="utf-8") as f:
            found += [line.split()[1] for line in f if root in line]
        return found

    def page(self, tenant):
        try:
            c = http.client.HTTPConnection("127.0.0.1", tenant["port"], timeout=3)
            c.request("GET", "/")
            return c.getresponse().read().decode()
        except OSError:
            return None

    def answers(self, name):
        tenant = self.box.json("tenant", "show", name)
        wrong = [] if tenant["state"] == "active" else [f"the tenant is {tenant['state']}"]
        try:
            wait_for(lambda: self.page(tenant) == f"{name} on lxc\n", "it answers", 20, 0.1)
        except AssertionError:
            wrong.append(f"it says {self.page(tenant)!r}")
        units = [w for w in self.left() if "lxc-start" in w]
        return wrong + ([f"{len(units)} containers run: {units}"] if len(units) != 1 else [])

    def fresh(self):
        self.serial += 1
        return f"l{self.serial}"

    def gone(self, name):
        """Deleted by hands that live."""
        _, job = self.act(None, "tenant", "delete", name, "--action", "delete", f"--confirm={name}")
        return self.clean(job)

    def clean(self, job):
        wrong = [] if job["state"] == "done" else [f"the deletion ended {job['state']}: {job['cause']}"]
        try:
            wait_for(lambda: not self.left(), "nothing is left", 15, 0.2)
        except AssertionError:
            wrong.append(f"left: {self.left()}")
        code, out, errors = self.box.sett("fsck", ok=False)
        return wrong + ([f"fsck: {out}{errors}"] if code else [])

    # The cells: (died, what is wrong).
    def provision(self, point):
        name = self.fresh()
        died, job = self.act(point, "tenant", "create", name, "--plan", "lxc")
        wrong = self.answers(name) if job["state"] == "done" else [f"{job['state']}: {job['cause']}"]
        return died, wrong + self.gone(name)

    def life(self, point, *words):
        """On a tenant that is there and answers afterwards."""
        name = self.fresh()
        _, job = self.act(None, "tenant", "create", name, "--plan", "lxc")
        wrong = [] if job["state"] == "done" else [f"made: {job['cause']}"]
        died, job = self.act(point, "tenant", words[0], name, *words[1:])
        if job["state"] != "done":
            wrong.append(f"{words[0]} ended {job['state']}: {job['cause']}")
        return died, wrong + self.answers(name) + self.gone(name)

    def restart(self, point):
        return self.life(point, "restart")

    def update(self, point):
        return self.life(point, "update", "--memory-bytes", "134217728")

    def suspend(self, point):
        """Suspended while the hands die, resumed by sound ones."""
        name = self.fresh()
        self.act(None, "tenant", "create", name, "--plan", "lxc")
        died, job = self.act(point, "tenant", "suspend", name)
        wrong = [] if job["state"] == "done" and self.page(self.box.json("tenant", "show", name)) is None else [f"{job['state']}: {job['cause']}"]
        _, job = self.act(None, "tenant", "resume", name)
        if job["state"] != "done":
            wrong.append(f"resumed: {job['cause']}")
        return died, wrong + self.answers(name) + self.gone(name)

    def delete(self, point):
        name = self.fresh()
        self.act(None, "tenant", "create", name, "--plan", "lxc")
        died, job = self.act(point, "tenant", "delete", name, "--action", "delete", f"--confirm={name}")
        return died, self.clean(job)

    def points(self, kind):
        """Those that the hands pass in the act itself when nobody dies, each pass with its number."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        _, wrong = getattr(self, kind)("none")
        seen, out = {}, []
        with open(self.log, encoding="utf-8") as f:
            for line in f.read().split():
                seen[line] = seen.get(line, 0) + 1
                out.append(f"{line}:{seen[line]}")
        return [p for p in out if p.startswith(PREFIXES)], wrong


def main():
    own_namespaces()
    tap, host, died_at, total = Tap(), Host(), 0, 0
    began = time.monotonic()
    try:
        for kind in ("provision", "restart", "update", "suspend", "delete"):
            points, wrong = host.points(kind)
            tap.ok(points and not wrong, f"{kind}: an undisturbed run ends well, past {len(points)} points", wrong)
            for point in points:
                died, wrong = getattr(host, kind)(point)
                died_at, total = died_at + died, total + 1
                tap.ok(not wrong, f"{kind} {point}{': died' if died else ''}", "\n".join(wrong))
        tap.ok(died_at > 0.8 * total, f"the hands died at {died_at} of {total} points")
        print(f"# {time.monotonic() - began:.0f} s", flush=True)
        if tap.bad:
            for program in ("worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in host.box.log(program).splitlines()[-30:]))
    finally:
        host.box.close()
        host.world.close()
        shutil.rmtree(host.box.root, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
