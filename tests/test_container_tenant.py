#!/usr/bin/env python3
"""The main job with a container: a real engine, a real PostgreSQL, a real nginx. A tenant is provisioned from a
blueprint with a database and init commands, seen from inside and through the front door, suspended, resumed,
changed, deleted; nothing is left in the engine or in the database server. Speaks TAP.

Runs in a network namespace of its own, so that an engine's bridges and firewall rules end with it."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
from box import Box, Tap, free_port, wait_for
from restores import Keys, restore, shot, volume

BLUEPRINT = """[blueprint]
title = Shop
runtime = docker
image = docker.io/sett/busybox:latest
command = httpd -f -p 8080 -h /srv
inner_port = 8080
health_path = /index.html
health_timeout_s = 60
database = yes
read_only = yes

[limits]
memory = 64M
pids = 40
nofile = 512

[variables]
TENANT_NAME = A tenant

[volumes]
site = /srv

[init]
command = sh -c "echo name=$TENANT_NAME database=$DB_NAME user=$DB_USER > /srv/index.html"
command = sh -c "nc -w 5 $DB_HOST $DB_PORT < /dev/null && echo database-reached >> /srv/index.html"
command = sh -c "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null >> /srv/index.html; ulimit -n >> /srv/index.html; touch /root-is-writable 2>/dev/null && echo writable >> /srv/index.html; true"
"""


def own_network(program=os.path.abspath(__file__)):
    """Once more, in a network namespace with nothing but loopback."""
    if os.environ.get("SETT_OWN_NETWORK"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ["SETT_OWN_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, program])


class Engine:
    def __init__(self, path):
        self.path = path

    def ask(self, method, what):
        c = http.client.HTTPConnection("engine")
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(self.path)
        c.request(method, "/v1.41" + what)
        return c.getresponse().read()

    def get(self, what):
        return json.loads(self.ask("GET", what))

    def containers(self):
        return self.get("/containers/json?all=1")

    def networks(self):
        return [n["Name"] for n in self.get("/networks") if n["Name"].startswith("sett-")]


def sql(folder, port, text):
    with open(os.path.join(folder, "password"), encoding="utf-8") as f:
        env = dict(os.environ, PGPASSWORD=f.read().strip())
    return subprocess.run(["psql", "-h", folder, "-p", str(port), "-U", "postgres", "-d", "postgres", "-Atc", text], env=env,
                          capture_output=True, text=True, check=True).stdout.split()


def test_life(tap, box, engine, pg):
    box.sett("plan", "create", "--name", "shop", "--title", "Shop", "--blueprint", "shop", "--currency", "eur", "--offered")
    plan = box.sett("tenant", "create", "Acme", "--plan", "shop", "--dry-run")
    tap.ok("database" in plan and not engine.containers(), "a plan names its steps and makes nothing", plan)
    code, out, errors = box.sett("tenant", "create", "Acme", "--plan", "shop", "--wait", ok=False)
    tap.ok(code == 0, "a tenant in a container with a database", out + errors + box.log("hands")[-2000:])
    page = box.http("GET", "/", host="acme.localhost")
    text = page.body.decode()
    tap.ok(page.status == 200 and "name=Acme database=sett_t" in text, "its init commands ran, with its database's name", text)
    tap.ok("database-reached" in text, "the database server is reached from inside", text)
    tap.ok("67108864" in text and "512" in text and "writable" not in text, "its limits and its read-only root, seen from inside", text)
    name = next(w.split("=")[1] for w in text.split() if w.startswith("database="))
    tap.ok(name in sql(*pg, "select datname from pg_database"), "the database is there")
    tap.equal(sql(*pg, f"select rolname from pg_roles r join pg_database d on d.datdba = r.oid where datname = '{name}'"), [name],
              "and belongs to the tenant's own role")
    container = engine.containers()[0]
    tap.ok(container["Labels"].get("sett.number") == "1" and container["Ports"][0]["IP"] == "127.0.0.1",
           "the container carries our mark, its port is published on loopback only", container)
    stats = json.loads(box.sett("tenant", "stats", "1", "--json"))
    tap.ok(stats.get("memory_bytes", 0) > 0, "stats come from the engine", stats)
    code, out, errors = box.sett("tenant", "restore", "1", "--wait", ok=False)
    tap.ok(code != 0 and "no dump waits" in out + errors, "its files do not go back in time without its database", out + errors)
    box.sett("tenant", "suspend", "1", "--wait")
    tap.ok(engine.containers()[0]["State"] == "exited", "suspended: the container is stopped and kept", engine.containers())
    box.sett("tenant", "resume", "1", "--wait")
    tap.equal(box.http("GET", "/", host="acme.localhost").status, 200, "resumed: it answers again")
    box.sett("tenant", "update", "1", "--memory-bytes", "134217728", "--wait")
    inspected = engine.get("/containers/" + engine.containers()[0]["Id"] + "/json")
    tap.equal(inspected["HostConfig"]["Memory"], 134217728, "more memory: the container has it")
    tap.ok("name=Acme" in box.http("GET", "/", host="acme.localhost").body.decode(), "and kept its data")
    box.sett("tenant", "delete", "1", "--action", "delete", "--confirm=acme", "--wait")
    tap.equal(engine.containers(), [], "deleted: no container is left")
    tap.equal(engine.networks(), [], "no network")
    tap.equal([d for d in sql(*pg, "select datname from pg_database") if d.startswith("sett")], [], "no database")
    tap.equal([r for r in sql(*pg, "select rolname from pg_roles") if r.startswith("sett_")], [], "no role")


def test_failure(tap, box, engine):
    path = os.path.join(box.root, "etc/sett/blueprints/missing.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(BLUEPRINT.replace("sett/busybox:latest", "sett/nowhere:latest").replace("database = yes\n", ""))
    box.sett("plan", "create", "--name", "missing", "--title", "Missing", "--blueprint", "missing", "--currency", "eur", "--offered")
    code, out, errors = box.sett("tenant", "create", "Vanished", "--plan", "missing", "--wait", "--timeout", "60", ok=False)
    job = box.json("job", "list", "--limit", "1")["data"][0]
    tap.ok(code != 0 and job["step_name"] == "runtime" and "nowhere" in job["cause"] and job["remedy"],
           "a missing image: the job says which step, why, and what to do", (job["saga"], job["state"], job["cause"], job["remedy"], out, errors))
    tap.ok(job["state"] in ("stuck", "waiting", "running"), "and keeps what was made", job["state"])
    if job["state"] != "stuck":
        wait_for(lambda: box.json("job", "show", job["id"])["state"] == "stuck", "it gives up and waits for a person", 60)
    box.sett("job", "resolve", job["id"], "--how", "undo", "--wait")
    wait_for(lambda: box.json("job", "show", job["id"])["state"] == "undone", "it is undone", 20)
    tap.equal((engine.containers(), engine.networks()), ([], []), "undone: nothing is left")


def test_restore(tap, box, engine, folder):
    """The engine's containers outlive the hands, and hold the folders that they were started on: a restore stops them
    before it exchanges the trees, and brings them back on the new one, or, when it goes back, on the old one."""
    path = os.path.join(box.root, "etc/sett/blueprints/plain.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(BLUEPRINT[:BLUEPRINT.index("[init]")].replace("database = yes\n", "") + '[init]\ncommand = sh -c "echo as it was > /srv/index.html"\n')
    box.sett("plan", "create", "--name", "plain", "--title", "Plain", "--blueprint", "plain", "--currency", "eur", "--offered")
    box.sett("tenant", "create", "Keep", "--plan", "plain", "--wait")
    tenant = box.json("tenant", "show", "keep")

    def page():
        answer = box.http("GET", "/", host="keep.localhost")
        return answer.body.decode(errors="replace") if answer.status == 200 else ""

    def write(text):
        with open(volume(box, tenant, "index.html"), "w", encoding="utf-8") as f:
            f.write(text)

    keys, shot_path = Keys(folder, "kit"), os.path.join(folder, "one.sett")
    shot(box, shot_path, keys)
    write("changed since\n")
    ident = engine.containers()[0]["Id"]
    before = engine.get(f"/containers/{ident}/json")["State"]
    code, out, said = restore(box, shot_path, keys, "--confirm=sett", "--auto-resume")
    tap.ok(code == 0, "restored", out + said)
    wait_for(lambda: "as it was" in page(), "it answers with what the snapshot had", 60)
    states = [engine.get(f"/containers/{c['Id']}/json") for c in engine.containers()]
    tap.ok(len(states) == 1 and states[0]["State"]["Running"] and (states[0]["Id"] != ident or states[0]["State"]["FinishedAt"] > before["StartedAt"]),
           "its container was stopped, and started on the restored folder", states)
    tap.ok(any("as it was" in open(m["Source"] + "/index.html", encoding="utf-8").read() for m in states[0]["Mounts"] if m["Destination"] == "/srv"),
           "which is the live one")
    box.sett("restore", "rollback", "--confirm=rollback")
    wait_for(lambda: "changed since" in page(), "rolled back: it answers with what it had", 60)
    tap.ok(True, "rolled back: its container runs on the tree from before")
    box.sett("tenant", "delete", "keep", "--action", "delete", "--confirm=keep", "--wait")
    tap.equal(engine.containers(), [], "deleted: no container is left")


def main():
    own_network()
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-engine-")
    os.chmod(folder, 0o755)
    docker, postgres, port = os.path.join(folder, "docker"), os.path.join(folder, "pg"), free_port()
    box = None
    try:
        sock = subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "start", docker], check=True, capture_output=True,
                              text=True).stdout.strip()
        admin = subprocess.run([os.path.join(HERE, "parts/postgres.sh"), "start", postgres, str(port), "*"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.strip()
        box = Box(conf=f"\n[hands]\ndocker_socket = {sock}\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n")
        with open(os.path.join(box.root, "etc/sett/blueprints/shop.conf"), "w", encoding="utf-8") as f:
            f.write(BLUEPRINT)
        box.sett("setting", "set", "database.admin", admin)
        with open(os.path.join(postgres, "password"), encoding="utf-8") as f:
            box.secret("database.password", f.read().strip())
        box.run()
        with tap.part("life"):
            test_life(tap, box, Engine(sock), (postgres, port))
        with tap.part("restore"):
            test_restore(tap, box, Engine(sock), folder)
        with tap.part("failure"):
            test_failure(tap, box, Engine(sock))
        if tap.bad:
            for program in ("worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
    finally:
        if box:
            box.close()
        for script, where in (("dockerd.sh", docker), ("postgres.sh", postgres)):
            subprocess.run([os.path.join(HERE, "parts", script), "stop", where], check=False)
    tap.done()


if __name__ == "__main__":
    main()
