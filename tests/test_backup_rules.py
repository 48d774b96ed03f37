#!/usr/bin/env python3
"""What a blueprint says under [backup], with a real box: its commands before and after, the pause, what is left out;
what fails is told and harms nobody, or fails the snapshot where that is wanted; whoever is killed in between, the
tenant goes on. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, wait_for

CRASH = os.path.join(TOP, "build", "crash")
POINTS = ("marked", "before", "pause", "held", "resume", "after")
# Two files that a program counts in, one a moment behind the other: only of a program that stands still do they end
# alike in a snapshot for sure. "said" is what the commands leave.
BLUEPRINT = """[blueprint]
title = One that is written to
runtime = process
command = /bin/sh -c "busybox httpd -f -p 127.0.0.1:${{PORT}} -h site & cd data; n=0; while :; do n=$((n+1)); echo $n >> a; echo $n >> b; done"
health_path = /
health_timeout_s = 20
[volumes]
site = /site
data = /data
[init]
command = /bin/sh -c "mkdir -p site data/cache; echo hello > site/index.html; echo x > data/cache/x; echo x > data/x.tmp"
[backup]
{rules}
"""
USUAL = """before = /bin/sh -c "[ ! -e data/refuse ] && echo before >> data/said"
pause = yes
after = /bin/sh -c "echo after >> data/said"
exclude = data/cache
exclude = *.tmp
"""


def blueprint(box, rules):
    with open(os.path.join(box.root, "etc/sett/blueprints/busy.conf"), "w", encoding="utf-8") as f:
        f.write(BLUEPRINT.format(rules=rules))


def data(box, name):
    return os.path.join(box.root, "var/lib/sett/live/tenants/1/data", name)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def said(box):
    words = read(data(box, "said")).split() if os.path.exists(data(box, "said")) else []
    if words:
        os.unlink(data(box, "said"))
    return words


def goes_on(box):
    def moved(before=os.path.getsize(data(box, "a"))):
        return os.path.getsize(data(box, "a")) > before
    return wait_for(moved, "the tenant goes on", 20)


def unmarked(box):
    return not os.listdir(os.path.join(box.root, "var/lib/sett/live/hands/quiet"))


def alerts(box):
    return [a for a in box.json("alert", "list", "--state", "open")["data"] if a["kind"] == "backup.quiet"]


def newest(box):
    return box.json("snapshot", "list")["data"][0]


def test_usual(tap, box, secret):
    for n in range(3):
        box.sett("snapshot", "create", "--wait")
        made = newest(box)
        tap.equal(said(box), ["before", "after"], "what is to be run before and after is")
        out = os.path.join(box.root, f"out{n}")
        box.sett("snapshot", "extract", str(made["number"]), "tenants/1", "--recovery-file", secret, "--out", out)
        inside = os.path.join(out, "tenants/1/data")
        a, b = (int(read(f"{inside}/{name}").split()[-1]) for name in "ab")
        tap.ok(a - b in (0, 1), "files of one moment", (a, b))
        tap.equal(read(inside + "/said"), "before\n", "which is between them")
    tap.ok(sorted(os.listdir(inside)) == ["a", "b", "cache", "said"] and not os.listdir(inside + "/cache"),
           "what matches is left out, and a folder stays, empty", os.listdir(inside))
    tap.ok(goes_on(box) and unmarked(box) and made["troubled"] == 0, "it goes on", made)


def test_fails(tap, box):
    with open(data(box, "refuse"), "w", encoding="utf-8"):
        pass
    box.sett("snapshot", "create", "--wait")
    made = newest(box)
    tap.ok(made["state"] == "done" and made["troubled"] == 1 and "tenant 1" in made["state_reason"],
           "what fails before is told with the snapshot", made)
    tap.equal(said(box), ["after"], "what is to come after has come")
    tap.ok(goes_on(box) and wait_for(lambda: alerts(box), "an alert", 30), "it goes on, and an alert is open")
    blueprint(box, USUAL + "if_fails = fail\n")
    code, _out, words = box.sett("snapshot", "create", "--wait", ok=False)
    failed = newest(box)
    tap.ok(code != 0 and failed["state"] == "failed" and "tenant 1" in failed["state_reason"], "where it is wanted the snapshot fails", (words, failed))
    tap.ok(said(box) == ["after"] and goes_on(box) and unmarked(box), "and the tenant goes on")
    os.unlink(data(box, "refuse"))
    box.sett("snapshot", "create", "--wait")
    tap.equal(newest(box)["troubled"], 0, "the next one is well")
    wait_for(lambda: not alerts(box), "the alert ends", 30)
    tap.ok(True, "and the alert ends")
    blueprint(box, USUAL)
    said(box)


def test_kills(tap, box):
    """At each point the hands die, once; then the worker."""
    for point in POINTS:
        box.kill("hands")
        box.start("hands", build=CRASH, env={"SETT_CRASH": f"hands.quiet.{point}"})
        wait_for(lambda: box.sett("tenant", "logs", "acme", ok=False)[0] == 0, "the hands listen")
        job = box.json("snapshot", "create", "--no-wait")["job"]
        process = box.processes["hands"]
        wait_for(lambda p=process: p.poll() is not None, f"they die at {point}")
        box.processes.pop("hands")
        box.start("hands", build=CRASH)
        end = wait_for(lambda j=job: (r := box.json("job", "show", j))["state"] in ("done", "undone", "stuck") and r, "the snapshot ends", 60)
        wait_for(lambda: unmarked(box), "nothing is left quiet", 30)
        words = said(box)
        tap.ok(end["state"] == "done" and goes_on(box) and words[-1:] == ["after"], f"hands that die at {point}: the tenant goes on, and the snapshot is made",
               (end["state"], end["cause"], words))
    for point in ("snapshot.quiet:1", "snapshot.block:1"):
        box.kill("worker")
        process = box.start("worker", build=CRASH, env={"SETT_CRASH": point})
        job = box.json("snapshot", "create", "--no-wait")["job"]
        wait_for(lambda p=process: p.poll() is not None, f"the worker dies at {point}")
        box.processes.pop("worker")
        wait_for(lambda: unmarked(box), "nothing is left quiet", 30)
        tap.ok(goes_on(box), f"a worker that dies at {point}: the tenant goes on without it")
        box.start("worker", build=CRASH)
        end = wait_for(lambda j=job: (r := box.json("job", "show", j))["state"] in ("done", "undone", "stuck") and r, "the snapshot ends", 60)
        tap.ok(end["state"] == "done" and said(box)[-1:] == ["after"], "and the next worker makes it", end)


def test_times(tap, box):
    """A plan's and a tenant's own times, by a worker whose clock is ahead."""
    code, _out, words = box.sett("plan", "update", "busy", "--backup-at", "6:00", ok=False)
    tap.ok(code == 2 or "03:00,15:30" in words, "what is no time of the day is refused", (code, words))
    box.sett("setting", "set", "snapshot.at", "off")
    box.sett("plan", "update", "busy", "--backup-at", "00:00,06:00,12:00,18:00")
    tap.equal(box.json("plan", "show", "busy")["backup_at"], "00:00,06:00,12:00,18:00", "a plan has times")
    before = newest(box)["number"]
    box.kill("worker")
    box.start("worker", build=CRASH, env={"SETT_CLOCK_OFFSET_S": str(31 * 3600)})
    made = wait_for(lambda: (s := newest(box))["number"] > before and s["state"] == "done" and s, "a snapshot by the clock", 60)
    tap.ok(made["tenant_id"] and made["tenants"] == 1, "its tenant is snapshot by itself", made)
    box.sett("tenant", "update", "acme", "--backup-at", "off")
    box.kill("worker")
    box.start("worker", build=CRASH, env={"SETT_CLOCK_OFFSET_S": str(55 * 3600)})
    box.sett("setting", "set", "snapshot.at", "03:00")
    wait_for(lambda: (s := newest(box))["number"] > made["number"] and not s["tenant_id"] and s["state"] == "done", "the box's own", 60)
    box.sett("tenant", "update", "acme", "--backup-at", "")
    wait_for(lambda: (s := newest(box))["tenant_id"] and s["number"] > made["number"] + 1 and s["state"] == "done", "its plan's again", 60)
    numbers = [s["number"] for s in box.json("snapshot", "list")["data"] if s["number"] > before]
    tap.equal(numbers, [made["number"] + 2, made["number"] + 1, made["number"]], "off is none, times that were missed are made up for once")
    box.kill("worker")
    box.sett("plan", "update", "busy", "--backup-at", "")
    box.sett("setting", "set", "snapshot.at", "off")
    box.start("worker")


def main():
    tap = Tap()
    box = Box(conf="\n[engine]\nbackoff_min_ms = 20\nbackoff_max_ms = 200\n")
    try:
        blueprint(box, USUAL)
        box.run()
        secret = os.path.join(box.root, "secret")
        os.mkdir(os.path.join(box.root, "vault"), 0o700)
        box.sett("recovery", "init", "--secret-file", secret)
        box.sett("vault", "add", "local", "folder", os.path.join(box.root, "vault"))
        box.sett("plan", "create", "--name", "busy", "--title", "Busy", "--blueprint", "busy")
        box.sett("tenant", "create", "Acme", "busy", "--subdomain", "acme", "--wait")
        box.stop()  # from here on without the web server, and program by program
        box.start_all()
        with tap.part("usual"):
            test_usual(tap, box, secret)
        with tap.part("fails"):
            test_fails(tap, box)
        if os.path.exists(os.path.join(CRASH, "sett-hands")):
            with tap.part("times"):
                test_times(tap, box)
            with tap.part("kills"):
                test_kills(tap, box)
    finally:
        box.close()
    tap.done()


main()
