#!/usr/bin/env python3
"""Health when the cause lies elsewhere: the engine or the database server is down, the way from outside is broken while
the program answers, a tenant's storage is full. Real engine, real PostgreSQL, real processes; the front door is the fake's.
Runs in a network namespace of its own. Speaks TAP."""
import glob
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "parts")]
import test_container_tenant as container
from box import Box, Tap, World, free_port, wait_for
from test_health import BLUEPRINT, SETTINGS, alerts, health, make_box, make_tenant, restarts, wait_health

SHOP = container.BLUEPRINT.replace("health_timeout_s = 60", "health_timeout_s = 30")


class Server:
    """A program that is killed and started again as it was started first."""

    def __init__(self, pid_file, folder, *before):
        self.pid_file, self.folder, self.before = pid_file, folder, before
        with open(f"/proc/{self.pid()}/cmdline", "rb") as f:
            self.words = [w.decode() for w in f.read().split(b"\0")[:-1]]

    def pid(self):
        with open(self.pid_file, encoding="utf-8") as f:
            return int(f.readline())

    def kill(self, number):
        pid = self.pid()
        os.kill(pid, number)

        def gone():
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    return f.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                return True
        wait_for(gone, f"{self.words[0]} has ended", 20)

    def start(self):
        with open(os.path.join(self.folder, "again.log"), "ab") as log:
            p = subprocess.Popen([*self.before, *self.words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if self.pid_file.endswith("engine.pid"):  # PostgreSQL writes its own
            with open(self.pid_file, "w", encoding="utf-8") as f:
                f.write(f"{p.pid}\n")


def told(box, words):
    """Whether the notice of a cause in common that is not over says this."""
    return "health.common" in alerts(box) and any(words in line for line in box.sett("db", "dump").splitlines() if "kind=health.common" in line)


def test_database_down(tap, box, shop, page, pg):
    before = len(restarts(box, shop))
    pg.kill(signal.SIGINT)
    os.rename(page, page + ".away")
    wait_health(box, shop, "unhealthy")
    wait_for(lambda: told(box, "database server"), "that the database server is down is told", 20, 0.1)
    tap.equal(len(restarts(box, shop)), before, "the database server is down: a tenant with a database is not restarted")
    os.rename(page + ".away", page)
    pg.start()
    wait_health(box, shop, "healthy")
    wait_for(lambda: "health.common" not in alerts(box), "it is over", 20, 0.1)
    tap.equal(len(restarts(box, shop)), before, "and when it is back nothing was restarted")


def test_engine_down(tap, box, shop, page, engine):
    engine.kill(signal.SIGKILL)
    os.rename(page, page + ".away")
    wait_health(box, shop, "unhealthy", "unreachable")
    wait_for(lambda: told(box, "container engine"), "that the engine is down is told", 20, 0.1)
    tap.ok(not restarts(box, shop), "the engine is down: a tenant in it is not restarted", restarts(box, shop))
    engine.start()
    wait_for(lambda: restarts(box, shop), "with the engine back, it is: it still answers nothing good", 40, 0.1)
    tap.ok("health.common" not in alerts(box) or not told(box, "container engine"), "the engine is back: no cause elsewhere is seen any more")
    os.rename(page + ".away", page)
    wait_health(box, shop, "healthy", seconds=40)
    tap.ok(True, "and the tenant is healthy again")


def test_storage_full(tap, box, full):
    """Told first; suspended only where the operator wants that."""
    wait_for(lambda: "tenant.storage" in alerts(box, full), "that the storage is full is told", 70, 0.2)
    tap.equal(box.json("tenant", "show", full["id"])["state"], "active", "storage full: told, and left running")
    box.sett("setting", "set", "storage.suspend_percent", "100")
    t = wait_for(lambda: (t := box.json("tenant", "show", full["id"]))["state"] == "suspended" and t, "it is suspended", 30, 0.1)
    tap.ok("storage is full" in t["state_reason"], "suspended where the operator wants that, with the reason", t)


def with_engine(tap):
    folder = tempfile.mkdtemp(prefix="sett-engine-")
    os.chmod(folder, 0o755)
    docker, postgres, port = os.path.join(folder, "docker"), os.path.join(folder, "pg"), free_port()
    box = None

    def start(script, *words):
        return subprocess.run([os.path.join(HERE, "parts", script), "start", *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    try:
        sock, admin = start("dockerd.sh", docker), start("postgres.sh", postgres, str(port), "*")
        box = Box(conf=f"\n[hands]\ndocker_socket = {sock}\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n")
        for name, text, more in (("shop", SHOP, ()), ("patient", BLUEPRINT, ("--storage-bytes", str(1 << 20)))):
            with open(os.path.join(box.root, "etc/sett/blueprints", name + ".conf"), "w", encoding="utf-8") as f:
                f.write(text)
            box.sett("plan", "create", "--name", name, "--title", name, "--blueprint", name, *more)
        for name, value in {**SETTINGS, "alerts.round_s": 1, "database.admin": admin}.items():
            box.sett("setting", "set", name, str(value))
        with open(os.path.join(postgres, "password"), encoding="utf-8") as f:
            box.secret("database.password", f.read().strip())
        box.sett("alert", "set", "tenant.storage", "--hold-s", "0")
        box.run()
        full = make_tenant(box, "full")
        with open(os.path.join(box.root, "var/lib/sett/live/tenants", str(full["number"]), "much"), "wb") as f:
            f.write(bytes(2 << 20))
        box.sett("tenant", "create", "shop", "--plan", "shop", "--wait")
        shop = box.json("tenant", "show", "shop")
        wait_health(box, shop, "healthy")
        page = glob.glob(os.path.join(box.root, f"var/lib/sett/live/tenants/{shop['number']}/**/index.html"), recursive=True)[0]
        with tap.part("engine"):
            test_engine_down(tap, box, shop, page, Server(os.path.join(docker, "engine.pid"), docker))
        with tap.part("database"):
            test_database_down(tap, box, shop, page, Server(os.path.join(postgres, "data/postmaster.pid"), postgres, "setpriv", "--reuid", "postgres",
                                                             "--regid", "postgres", "--clear-groups", "--reset-env"))
        with tap.part("storage"):
            test_storage_full(tap, box, full)
        if tap.bad:
            print("# --- worker\n" + "\n".join("# " + l for l in box.log("worker").splitlines()[-30:]))
        box.sett("tenant", "delete", "shop", "--action", "delete", "--confirm=shop", "--wait")
    finally:
        if box:
            box.close()
        for script, where in (("dockerd.sh", docker), ("postgres.sh", postgres)):
            subprocess.run([os.path.join(HERE, "parts", script), "stop", where], check=False)


def test_outside(tap):
    """Visitors find nothing while program and connector are well: told as such, and nothing is restarted."""
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = make_box(world=world, ingress="cloudflare")
    try:
        box.sett("setting", "set", "health.outside_s", "1")
        one = make_tenant(box, "seen")
        wait_for(lambda: health(box, one)["parts"]["outside"] == "healthy", "the way from outside is looked at", 30, 0.1)
        state = world.call("state")
        gone = next(r for r in state["records"] if r["name"] == f"seen.{world.facts['domain']}")
        world.call("provider", {"method": "DELETE", "path": f"zones/{world.facts['zone']}/dns_records/{gone['id']}"})
        h = wait_health(box, one, "unhealthy", "unreachable", "degraded")
        h = wait_for(lambda: (h := health(box, one))["parts"]["outside"] in ("unhealthy", "unreachable") and h, "the way from outside is bad", 20, 0.1)
        tap.ok(h["parts"]["program"] == "healthy" and h["parts"]["connector"] == "healthy" and h["reason"],
               "the front door fails while the program answers: that is what is said", h)
        before = box.json("system", "stats")["last"]
        wait_for(lambda: box.json("system", "stats")["last"] != before, "some rounds more", 70, 0.2)
        tap.ok(not restarts(box, one), "and nothing is restarted", restarts(box, one))
    finally:
        box.close()
        world.close()


def main():
    container.own_network(os.path.abspath(__file__))
    tap = Tap()
    with_engine(tap)
    with tap.part("outside"):
        test_outside(tap)
    tap.done()


if __name__ == "__main__":
    main()
