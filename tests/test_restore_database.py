#!/usr/bin/env python3
"""Tenants' databases in snapshots and restores, with a real PostgreSQL: each one's dump is in the snapshot, and a
dump that fails fails it; one tenant, a new tenant, a customer's tenants and the whole box go back with files and
database of one moment; the way back, and the end of it. Speaks TAP."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, Box, Tap, wait_for
from databases import Postgres, prepare
from restores import live, page

FAST = "\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n"


class World:
    """A box with its server, its vault and its recovery secret."""

    def __init__(self):
        self.pg = Postgres()
        self.box = Box(conf=FAST)
        prepare(self.box, self.pg)
        self.vault, self.secret = os.path.join(self.box.root, "vault"), os.path.join(self.box.root, "secret")
        os.makedirs(self.vault)
        self.box.run()
        self.box.sett("recovery", "init", "--secret-file", self.secret)
        self.box.sett("vault", "add", "near", "folder", self.vault)

    def close(self):
        self.box.close()
        self.pg.close()

    def create(self, name, *words):
        self.box.sett("tenant", "create", name, "--plan", "shop", "--wait", *words)
        return self.tenant(name)

    def tenant(self, name):
        return next(t for t in self.box.json("tenant", "list", "--limit", "100")["data"] if t["subdomain"] == name)

    def database(self, name):
        t = self.tenant(name)
        return f"sett_t{t['number']:06}" + (f"_g{t['database']}" if t["database"] > 1 else "")

    def file(self, name, what):
        """A file of the tenant's."""
        return os.path.join(live(self.box), "tenants", str(self.tenant(name)["number"]), "files", what)

    def write(self, name, n, what):
        """A row and a file."""
        self.pg.sell(self.database(name), n, what)
        with open(self.file(name, what), "w", encoding="utf-8") as f:
            f.write(what)

    def snapshot(self, *words):
        self.box.sett("snapshot", "create", "--wait", *words)
        return os.path.join(self.vault, self.box.json("snapshot", "list", "--limit", "1")["data"][0]["file"])

    def restore(self, path, *words):
        done = subprocess.run([os.path.join(self.box.build, "sett-restore"), "--root", self.box.root, "--json", "restore", path,
                               "--recovery-file", self.secret, *words], env=self.box.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180)
        return done.returncode, done.stdout, done.stderr

    def shows(self, name, rows, files=None):
        """Until its program answers with these."""
        want = (f"rows {rows}\n", f"files {' '.join(sorted(rows.split()[1:])) if files is None else files}\n")
        wait_for(lambda: all(w in page(self.box, name) for w in want), f"{name} shows {want}: {page(self.box, name)}", 60)
        return True


def dumps(tap, w):
    w.create("alpha")
    w.create("bravo")
    w.write("alpha", 1, "tea")
    w.write("bravo", 1, "milk")
    seen = os.path.join(w.box.root, "seen")
    stop = subprocess.Popen([sys.executable, "-c", WATCH, seen, w.box.password()], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(seen), "it is watched")
        path = w.snapshot()
    finally:
        stop.kill()
        stop.wait()
    out = tempfile.mkdtemp(prefix="sett-extract-")
    for name, word in (("alpha", "tea"), ("bravo", "milk")):
        unit = f"databases/{w.tenant(name)['number']}"
        w.box.sett("snapshot", "extract", path, unit, "--recovery-file", w.secret, "--out", os.path.join(out, name))
        text = subprocess.run(["pg_restore", "-a", "-t", "sale", "-f", "-", os.path.join(out, name, unit)], capture_output=True, text=True, check=True).stdout
        tap.ok(word in text and "made" in text, f"the snapshot has {name}'s dump, which pg_restore reads", text)
    shutil.rmtree(out)
    with open(seen, encoding="utf-8", errors="replace") as f:
        lines = f.read()
    tap.ok("pg_dump" in lines, "pg_dump was seen at work", lines[-500:])
    tap.ok("PGPASSWORD" not in lines and "PGPASSFILE=/proc/self/fd/3" in lines, "its password is in no argument and no environment", lines[-2000:])

    database = w.database("alpha")
    w.pg.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    code, said, errors = w.box.sett("snapshot", "create", "--wait", "--timeout", "6", ok=False)
    tap.ok(code != 0, "a database that cannot be dumped fails the snapshot", said + errors)
    job = next(j for j in w.box.json("job", "list", "--limit", "5")["data"] if j["saga"] == "snapshot.create")
    tap.ok(database in job["cause"], "and the job says which one", job["cause"])
    wait_for(lambda: w.box.json("snapshot", "list", "--limit", "1")["data"][0]["state"] == "failed", "it gives up", 60)
    failed = w.box.json("snapshot", "list", "--limit", "1")["data"][0]
    tap.ok(database in failed["state_reason"], "in the end it has failed, and says why", failed)
    tap.equal(len(glob.glob(os.path.join(w.vault, "*"))), 1, "nothing of it is in the vault")
    w.pg.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    return path


# What each pg_dump and pg_restore was started with, for as long as the test runs.
WATCH = """
import glob, os, sys, time
out, parent = open(sys.argv[1], "w"), os.getppid()
while os.getppid() == parent:
    for p in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = open(p, "rb").read()
            if b"pg_dump" in line or b"pg_restore" in line:
                out.write(repr(line) + repr(open(p[:-7] + "environ", "rb").read()) + "\\n")
                out.flush()
        except OSError:
            pass
    time.sleep(0.002)
"""


def one(tap, w, path):
    w.write("alpha", 2, "later")
    before = w.database("alpha")
    code, out, said = w.restore(path, "--tenant", "alpha")
    tap.ok(code == 0, "one tenant is restored", out + said)
    tap.ok(w.shows("alpha", "made tea"), "its program shows rows and files of the snapshot, and none of later")
    after = w.database("alpha")
    tap.ok(after != before and before in w.pg.names() and "later" in w.pg.rows(before), "in a new database; the old one is kept as it was", w.pg.names())
    tap.ok(w.shows("bravo", "made milk"), "nobody else notices")
    code, out, said = w.restore(path, "--tenant", "alpha")
    tap.ok(code != 0 and "commit" in said, "not a second time before that is decided upon", out + said)
    tap.equal(w.box.sett("restore", "rollback", "--tenant", "alpha", ok=False)[0], 0, "taken back")
    tap.ok(w.shows("alpha", "made tea later"), "its program shows again what it had")
    tap.equal((w.database("alpha"), after in w.pg.names()), (before, False), "from the database of before; the other one is gone")
    tap.equal(w.restore(path, "--tenant", "alpha")[0], 0, "restored once more")
    w.write("alpha", 3, "new")
    tap.ok(w.shows("alpha", "made tea new"), "it goes on from there")
    code, out, said = w.box.sett("restore", "commit", "--tenant", "alpha", ok=False)
    tap.equal(code, 0, "committed" + out + said)
    tap.ok(before not in w.pg.names() and w.tenant("alpha")["database_kept"] == 0, "the database of before is gone", w.pg.names())
    tap.ok(w.shows("alpha", "made tea new"), "its program does not notice")
    folder = os.path.join(live(w.box), "databases")
    tap.equal(os.listdir(folder), [], "no dump is left")


def unwell(tap, w):
    """A snapshot in which the program does not start: all goes back by itself, its database too."""
    with open(w.file("bravo", "refuse"), "w", encoding="utf-8"):
        pass
    path = w.snapshot("--tenant", w.tenant("bravo")["id"])
    os.unlink(w.file("bravo", "refuse"))
    names, used = w.pg.names(), w.database("bravo")
    code, out, said = w.restore(path, "--tenant", "bravo")
    tap.ok(code != 0, "what does not come up is not kept", out + said)
    tap.ok(w.shows("bravo", "made milk"), "the tenant has what it had")
    tap.equal((w.pg.names(), w.database("bravo")), (names, used), "and the server what it had")


def others(tap, w, path):
    code, out, said = w.restore(path, "--tenant", "alpha", "--as", "twin")
    tap.ok(code == 0, "a new tenant gets files and database", out + said)
    tap.ok(w.shows("twin", "made tea") and w.shows("alpha", "made tea new"), "each has its own")
    w.write("twin", 2, "apart")
    tap.ok(w.shows("twin", "made tea apart") and "apart" not in w.pg.rows(w.database("alpha")), "and goes its own way")
    tap.equal(w.box.sett("restore", "commit", "--tenant", "twin", ok=False)[0], 0, "committed")
    tap.equal(len([n for n in w.pg.names() if n.startswith(f"sett_t{w.tenant('twin')['number']:06}")]), 1, "it has one database")
    w.box.sett("tenant", "delete", str(w.tenant("twin")["number"]), "--action", "delete", "--confirm=twin", "--wait")

    customer = w.box.json("customer", "create", "--name", "Both")["id"]
    for name in ("charlie", "delta"):
        w.create(name, "--customer-id", customer)
        w.write(name, 1, "sugar")
    both = w.snapshot()
    for name in ("charlie", "delta"):
        w.write(name, 2, "salt")
    code, out, said = w.restore(both, "--customer", "Both")
    tap.ok(code == 0, "a customer's tenants are restored", out + said)
    tap.ok(w.shows("charlie", "made sugar") and w.shows("delta", "made sugar") and w.shows("alpha", "made tea new"), "both of them, and nobody else")
    for name in ("charlie", "delta"):
        tap.equal(w.box.sett("restore", "commit", "--tenant", name, ok=False)[0], 0, f"{name}: committed")
        number = str(w.tenant(name)["number"])
        w.box.sett("tenant", "delete", number, "--action", "delete", f"--confirm={name}", "--wait")
    tap.equal(len(w.pg.names()), 2, "who is deleted leaves no database of any generation")


def whole(tap, w):
    """All of it back: databases before programs, the way back, and the end of it."""
    box = w.box
    path = w.snapshot()
    names = w.pg.names()
    used = {n: w.database(n) for n in ("alpha", "bravo")}
    before = {n: w.pg.rows(used[n]) for n in used}
    w.write("alpha", 7, "later")
    w.create("echo")
    w.write("echo", 1, "gone")
    echo = w.database("echo")
    code, out, said = w.restore(path, "--dry-run")
    tap.ok(code == 0 and json.loads(out)["databases"] == 2 and w.pg.names() == sorted([*names, echo]), "the plan counts the databases and makes none", out + said)

    code, out, said = w.restore(path, "--confirm=sett")
    tap.ok(code == 0, "restored", out + said)
    record = box.json("restore", "list", "--state", "reconciling")["data"][0]
    wait_for(lambda: sorted(w.tenant(n)["database_kept"] for n in used) != [0, 0] and all(w.tenant(n)["database_kept"] for n in used), "both databases are back", 60)
    now = {n: w.database(n) for n in used}
    tap.equal({n: w.pg.rows(now[n]) for n in used}, before, "every row of the snapshot is there, and none of later, before anything runs")
    tap.ok("later" in w.pg.rows(used["alpha"]) and "gone" in w.pg.rows(echo), "what was written since is where it was")
    tap.ok(not page(box, "alpha"), "no program runs meanwhile")
    wait_for(lambda: box.sett("restore", "resume", ok=False)[0] == 0, "resumed", 60)
    tap.ok(w.shows("alpha", " ".join(before["alpha"])) and w.shows("bravo", " ".join(before["bravo"])), "their programs show it")
    tap.equal(box.json("restore", "show", record["id"])["problem"], "", "nothing is left to decide")

    tap.equal(box.sett("restore", "rollback", "--confirm=rollback", ok=False)[0], 0, "taken back")
    tap.ok(w.shows("alpha", " ".join([*before["alpha"], "later"])) and w.shows("echo", "made gone"), "all is as it was before the restore")
    wait_for(lambda: w.pg.names() == sorted([*names, echo]), f"the databases that the restore made are gone: {w.pg.names()}", 60)
    tap.equal({n: w.database(n) for n in used}, used, "each uses again what it used")

    tap.equal(w.restore(path, "--confirm=sett", "--auto-resume")[0], 0, "restored once more")
    wait_for(lambda: box.json("restore", "list", "--state", "reconciling")["data"] == [], "it goes on by itself", 60)
    tap.ok(w.shows("alpha", " ".join(before["alpha"])), "with its databases")
    tap.equal(box.sett("restore", "commit", "--confirm=commit", ok=False)[0], 0, "committed")
    wait_for(lambda: all(w.tenant(n)["database_kept"] == 0 for n in used) and not set(w.pg.names()) & set(used.values()), "the databases of before are gone", 60)
    tap.ok(w.shows("bravo", " ".join(before["bravo"])), "and nobody notices")


def drill(tap, w):
    """A drill starts the smallest tenant on what it restored, and asks it; nothing of that stays."""
    box = w.box
    names, folders = w.pg.names(), sorted(os.listdir(os.path.join(live(box), "tenants")))

    def drilled():
        before = len(box.json("drill", "list", "--limit", "100")["data"])
        box.sett("snapshot", "drill")
        wait_for(lambda: len(box.json("drill", "list", "--limit", "100")["data"]) > before, "a drill ends", 90, 0.2)
        return box.json("drill", "list", "--limit", "1")["data"][0]

    d = drilled()
    tap.ok(d["passed"] and d["program"] == "answered" and d["program_ms"] > 0, "a tenant's program was started on it and answered", d)
    tap.ok(d["program_tenant_id"] in (w.tenant("alpha")["id"], w.tenant("bravo")["id"]), "the record says whose", d)
    tap.equal((w.pg.names(), sorted(os.listdir(os.path.join(live(box), "tenants")))), (names, folders), "nothing of it is left, in the server or beside the tenants")
    tap.ok(not [i for i in box.json("drift", "list")["data"] if "999999999" in i["thing"]], "and no drift is seen")
    wrote = [w.file(n, "refuse") for n in ("alpha", "bravo")]
    for path in wrote:
        open(path, "w", encoding="utf-8").close()
    w.snapshot()
    for path in wrote:
        os.unlink(path)
    d = drilled()
    tap.ok(not d["passed"] and d["program"] == "silent" and "does not answer" in d["problem"], "one that does not come up is no restore", d)
    wait_for(lambda: any(n["kind"] == "backup.drill" for n in box.json("alert", "list")["data"]), "and an alert says so", 20)
    tap.equal((w.pg.names(), sorted(os.listdir(os.path.join(live(box), "tenants")))), (names, folders), "nothing of that is left either")
    metrics = box.http("GET", "/metrics").body.decode()
    tap.ok("sett_backup_drill_program_answered 0" in metrics, "the figures say it", metrics[-800:])


def main():
    tap = Tap()
    w = World()
    try:
        with tap.part("dumps"):
            path = dumps(tap, w)
        with tap.part("one tenant"):
            one(tap, w, path)
        with tap.part("unwell"):
            unwell(tap, w)
        with tap.part("others"):
            others(tap, w, path)
        with tap.part("whole box"):
            whole(tap, w)
        with tap.part("drill"):
            drill(tap, w)
        tap.equal(w.box.sett("fsck", ok=False)[0], 0, "the store is sound")
        if tap.bad:
            for program in ("worker", "hands"):
                print("\n".join("# " + line for line in w.box.log(program).splitlines()[-30:]))
    finally:
        w.close()
    tap.done()


if __name__ == "__main__":
    main()
