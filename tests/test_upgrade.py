#!/usr/bin/env python3
"""`sett upgrade` on a box below a folder whose package manager and service manager are the test's: an upgrade that goes
well, with a tenant that answers and nothing changed while the new store is on trial; versions that are not well, from
which it goes back by itself without losing what was acknowledged; the leader killed, and the machine gone down, at each
of its steps: the old version or the new one, never between; the way back, and what an older program says. Speaks TAP."""
import json
import os
import queue
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from fastcgi import request
from upgrades import CRASH, NEXT, Upgraded

LANES = 6


def customers(u):
    return sorted(c["name"] for c in u.json("customer", "list")["data"])


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as r:
            return r.status == 200
    except OSError:
        return False


def login(u):
    try:
        return request(u.box.socket("front"), "POST", "/api/auth/login", json.dumps({"username": "admin", "password": u.box.password()}).encode(),
                       {"Content-Type": "application/json"})
    except OSError:  # it is not there yet
        return None


def test_good(tap, u):
    u.sett("customer", "create", "--name", "Before", "--email", "before@example.com")
    u.sett("tenant", "create", "alpha", "--plan", "demo", "--no-wait")  # there is no web server through which its job could end
    port = wait_for(lambda: (t := u.json("tenant", "list")["data"][0]["port"]) and answers(t) and t, "a tenant answers")
    code, out, _ = u.sett("upgrade", "--check", ok=False)
    tap.ok(code == 3 and "nothing newer" in out, "nothing is offered: that is said", out)
    code, out, said = u.sett("upgrade", "--check", "--package", u.packages["0.2"], "--json", ok=False)
    check = json.loads(out)
    tap.ok(code == 0 and check["possible"] and check["store_changes"] and (check["schema_from"], check["schema_to"]) == (2, 3) and check["store_bytes"] > 0,
           "a package is rehearsed: its own program migrates a copy and finds it sound", out + said)
    tap.equal(u.versions(), ("0.1", 2), "and nothing was changed")
    seen = {"refused": None, "read": None, "silent": 0, "post": None}
    over = threading.Event()

    def look():
        while not over.is_set():
            if not answers(port):
                seen["silent"] += 1
            if os.path.exists(os.path.join(u.box.root, "var/lib/sett/live/db/trial")):
                code, _, said = u.sett("customer", "create", "--name", "Meanwhile", "--email", "m@example.com", ok=False)
                if "on trial" in said:
                    seen["refused"] = code
                    seen["read"] = customers(u)
                    seen["post"] = seen["post"] or login(u)
            time.sleep(0.1)
    thread = threading.Thread(target=look)
    thread.start()
    code, out, said = u.upgrade(u.packages["0.2"])
    over.set()
    thread.join()
    tap.ok(code == 0 and "sett 0.2 is in place" in said and "watched" in said, "the upgrade", out + said)
    tap.equal(u.versions(), ("0.2", 3), "package and store are of the next version")
    tap.ok("of the next version" in u.sett("setting", "list", "--json"), "its migration has run")
    tap.equal(seen["silent"], 0, "the tenant answered all the time")
    tap.ok(seen["refused"] == 1 and seen["read"] == ["Before"], "on trial reads are answered, and changes refused", seen)
    tap.ok(seen["post"] and seen["post"][0] == 503 and b"store_on_trial" in seen["post"][1], "by the API with 503", seen["post"])
    wait_for(u.well, "the worker works again")
    u.sett("customer", "create", "--name", "After", "--email", "after@example.com")
    copies = [json.loads(line) for line in u.sett("db", "copies", "--json").splitlines()]
    tap.ok([(c["program"], c["schema"]) for c in copies] == [("0.1", 2)], "the store from before is kept beside", copies)
    return port


def test_down(tap, u, port):
    done = subprocess.run([os.path.join(CRASH, "sett"), "--root", u.box.root, "fsck"], capture_output=True, text=True)
    tap.ok(done.returncode == 5 and "version 3" in done.stderr and "sett db back" in done.stderr, "an older program refuses the store, and says how back", done.stderr)
    code, out, said = u.sett("upgrade", "--package", u.packages["0.1"], ok=False)
    tap.ok(code == 5 and "sett downgrade" in said, "an upgrade does not go down", said)
    code, out, said = u.sett("downgrade", "--dry-run", ok=False)
    tap.ok(code == 0 and "db.before-" in out and "not in it" in out, "the plan of a downgrade says what is lost", out + said)
    code, out, said = u.sett("downgrade", "--no-input", ok=False)
    tap.ok(code == 2 and "--confirm=0.1" in said and u.versions() == ("0.2", 3), "it asks", said)
    code, out, said = u.sett("downgrade", "--watch", "1", "--confirm=0.1", ok=False)
    tap.ok(code == 0, "the downgrade", out + said)
    tap.equal(u.versions(), ("0.1", 2), "package and store are those from before")
    tap.equal(customers(u), ["Before"], "without what was done since, as was said")
    tap.ok(answers(port), "the tenant answers")


def test_bad(tap, u):
    """Versions that are not well."""
    u.sett("customer", "create", "--name", "Before", "--email", "before@example.com")
    code, out, said = u.upgrade(u.odd("0.2", NEXT, "exit 1\n"))
    tap.ok(code == 1 and "goes back to sett 0.1" in said and "in place again" in said, "a worker that does not come up: it goes back by itself", out + said)
    tap.equal(u.versions(), ("0.1", 2), "to the package and the store from before")
    tap.ok(customers(u) == ["Before"] and not u.manager.masked and u.well(), "which work as before")
    tap.ok("worker" in u.sett("upgrade", "--status"), "and it is said why", u.sett("upgrade", "--status"))
    # No change to the store: everything works while it is watched, and stays.
    bad = u.odd("0.1.5", CRASH, 'WORKER "$@" & pid=$!; sleep 2; kill -9 $pid\n')
    done = []
    thread = threading.Thread(target=lambda: done.append(u.sett("upgrade", "--package", bad, "--watch", "60", "--yes", ok=False)))
    thread.start()
    wait_for(lambda: "watched for" in (open(u.path("log"), encoding="utf-8").read() if os.path.exists(u.path("log")) else ""), "it is watched", 30)
    u.sett("customer", "create", "--name", "Meanwhile", "--email", "m@example.com")
    thread.join()
    code, out, said = done[0]
    tap.ok(code == 1 and "in place again" in said, "a worker that ends again and again: it goes back, too", out + said)
    tap.equal((u.versions(), customers(u)), (("0.1", 2), ["Before", "Meanwhile"]), "and what was acknowledged meanwhile is there")
    code, out, said = u.upgrade(u.package("0.2", NEXT, refuses=True))
    tap.ok(code == 1 and "could not be installed" in said and u.versions() == ("0.1", 2), "a package that cannot be installed", out + said)
    wait_for(u.well, "the box is well")


POINTS = [*(f"upgrade.phase:{n}" for n in range(1, 7)), "upgrade.child:17", "upgrade.child:26", "stage.commit", "upgrade.committed"]
BACK = ["stage.back", "stage.discard", "upgrade.back", "upgrade.result"]


def killed(point, bad):
    """The leader dies there, the machine goes down, and boots. What is wrong, and which version it is."""
    u = Upgraded()
    try:
        u.sett("customer", "create", "--name", "Before", "--email", "before@example.com")
        package = u.odd("0.2", NEXT, "exit 1\n") if bad else u.packages["0.2"]
        env = dict(u.box.env, SETT_CRASH=point)
        follower = subprocess.Popen([os.path.join(CRASH, "sett"), "--root", u.box.root, "upgrade", "--package", package, "--watch", "1", "--yes"],
                                    env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if point == "upgrade.phase:1":  # it dies itself, where it writes down what is wanted
            follower.wait(60)
        else:
            wait_for(lambda: dead(u) or follower.poll() is not None, f"the leader dies at {point}", 60)
        died = follower.poll() is None or follower.returncode < 0
        follower.kill()
        follower.communicate()
        u.manager.down()
        u.boot()
        wrong = []
        version = u.versions()
        if version not in (("0.1", 2), ("0.2", 3)):
            wrong.append(f"between: {version}")
        if u.sett("fsck", ok=False)[0] != 0 or customers(u) != ["Before"]:
            wrong.append("the store")
        if os.path.exists(u.path("state")) or os.path.exists(os.path.join(u.box.root, "var/lib/sett/live/db/trial")):
            wrong.append("it is not finished")
        u.sett("customer", "create", "--name", "After", "--email", "after@example.com")
        return died, version[0], wrong
    finally:
        u.close()


def dead(u):
    """Somebody led, and nobody does."""
    if not os.path.exists(u.path("lock")):
        return False
    done = subprocess.run(["flock", "--nonblock", "--shared", u.path("lock"), "true"])
    return done.returncode == 0 and os.path.exists(u.path("log"))


def kill_all():
    cells, ends, lock = queue.Queue(), {}, threading.Lock()
    for point in POINTS:
        cells.put((point, False))
    for point in BACK:
        cells.put((point, True))

    def work():
        while True:
            try:
                point, bad = cells.get_nowait()
            except queue.Empty:
                return
            try:
                end = killed(point, bad)
            except Exception as e:  # said below
                end = (False, None, [repr(e)])
            with lock:
                ends[(point, bad)] = end
    threads = [threading.Thread(target=work) for _ in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_killed(tap, ends):
    wrong = {k: v for k, v in ends.items() if v[2]}
    tap.ok(not wrong, f"killed at {len(ends)} points and booted again: the old version or the new one, never between", wrong)
    survived = sorted(k for k, v in ends.items() if not v[0])
    tap.ok(not survived, "each of them was reached", survived)
    tap.ok({"0.1", "0.2"} == {v[1] for v in ends.values()}, "both ends were seen", ends)
    tap.ok(all(v[1] == "0.1" for k, v in ends.items() if k[1]), "a version that is not well never stays", ends)


def main():
    tap, ends = Tap(), {}
    killing = threading.Thread(target=lambda: ends.update(kill_all()))
    killing.start()
    good, bad = Upgraded(), Upgraded()
    try:
        with tap.part("an upgrade and the way back"):
            port = test_good(tap, good)
            test_down(tap, good, port)
        with tap.part("versions that are not well"):
            test_bad(tap, bad)
    finally:
        good.close()
        bad.close()
    with tap.part("killed"):
        killing.join()
        test_killed(tap, ends)
    tap.done()


if __name__ == "__main__":
    main()
