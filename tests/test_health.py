#!/usr/bin/env python3
"""Health with real programs: what is noted, restarted, given up, left alone, remembered. Speaks TAP."""
import contextlib
import os
import signal
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
from box import Box, Tap, World, wait_for

BLUEPRINT = f"""[blueprint]
title = A patient
runtime = process
command = {sys.executable} {HERE}/fake/patient.py ${{PORT}}
health_path = /health
health_timeout_s = 1
[limits]
memory = 256M
storage = 1M
"""
SETTINGS = {"health.interval_s": 1, "health.again_s": 1, "health.timeout_ms": 500, "health.outside_s": 0,
            "health.restart_wait_s": 1, "health.stats_s": 1, "health.common_least": 4,
            "health.window": 3, "health.degraded_after": 1, "health.bad_after": 2, "health.restarts": 2}


def make_box(**options):
    box = Box(**options)
    path = os.path.join(box.root, "etc", "sett", "blueprints", "patient.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(BLUEPRINT)
    for name, value in SETTINGS.items():
        box.sett("setting", "set", name, str(value))
    box.sett("plan", "create", "--name", "patient", "--title", "Patient", "--blueprint", "patient")
    box.run()
    return box


def make_tenant(box, name):
    made = box.json("tenant", "create", name, "--plan", "patient", "--no-wait")
    wait_for(lambda: box.json("tenant", "show", made["id"])["state"] == "active", f"{name} is active", 60, 0.1)
    return made


def set_mode(box, tenant, mode):
    folder = os.path.join(box.root, "var", "lib", "sett", "live", "tenants", str(tenant["number"]))
    with open(os.path.join(folder, "mode.new"), "w", encoding="utf-8") as f:
        f.write(mode)
    os.rename(os.path.join(folder, "mode.new"), os.path.join(folder, "mode"))


def health(box, tenant):
    return box.json("tenant", "health", tenant["id"])


def wait_health(box, tenant, *states, seconds=30):
    return wait_for(lambda: (h := health(box, tenant))["health"] in states and h, f"{tenant['name']} is {states}", seconds, 0.05)


def restarts(box, tenant):
    return [j for j in box.json("job", "list", "--limit", "100")["data"]
            if j["saga"] == "tenant.restart" and j["actor"] == "health" and j["args"]["tenant_id"] == tenant["id"]]


def alerts(box, tenant=None):
    """Kinds of the notices that are not over, as the store's dump has them."""
    found, inside = [], False
    for line in box.sett("db", "dump").splitlines():
        if line.startswith("table "):
            inside = line == "table notices"
        elif inside and (row := dict(f.split("=", 1) for f in line.split("\t"))) and row["live"]:
            if tenant is None or row["subject_id"] == tenant["id"]:
                found.append(row["kind"])
    return found


def program(box, name):
    """The process id of one of the box's programs under `sett run`."""
    run = box.processes["run"].pid
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            stat = f.read()
            if f"({'sett-' + name})"[:17] in stat and int(stat.rsplit(")", 1)[1].split()[1]) == run:
                return int(pid)
    return 0


def test_noted_and_remembered(tap, box, one):
    h = wait_for(lambda: (h := health(box, one))["since"] and h, "it is noted", 30, 0.05)
    tap.ok(h["health"] == "healthy" and h["parts"]["program"] == "healthy" and h["reason"] == "" and h["since"], "a program that answers is healthy", h)
    h = wait_for(lambda: (h := health(box, one))["last"] and h["last"]["memory_bytes"] and h, "a first minute", 30, 0.1)
    tap.ok(h["last"]["healthy"] == 1 and h["last"]["latency_ms"] >= 1 and h["last"]["storage_bytes"] > 0,
           "the history has its state, latency, memory and storage", h["last"])
    h = box.json("tenant", "health", one["id"], "--range", "2h")
    tap.ok(h["points"] and len(h["points"][0]) == len(h["columns"]) and h["step_s"] == 60 and h["days"][-1]["up_millis"] == 1000,
           "a range has points and days", h["days"])
    s = box.json("system", "stats", "--range", "2d")
    tap.ok(s["last"]["cores"] >= 1 and s["last"]["checks"] > 0 and s["points"], "so has the box", s["last"])
    r = box.json("system", "resources")
    tap.ok(r["memory_bytes"]["promised"] == 256 << 20 and r["hands"] == "up" and r["disk_bytes"]["total"] > 0,
           "resources: what was promised against what is there", r)
    m = box.http("GET", "/metrics").body.decode()
    tap.ok("\nsett_tenants_watched 1\n" in m and "sett_health_checks_minute" in m and "sett_box_load1 " in m, "and Prometheus gets them", m[-900:])
    d = box.json("system", "database")
    tap.ok(d["tables"]["tenants"] == 1 and d["readers"] and d["history"]["used_bytes"] > 0, "both environments tell their figures", d)
    text = box.sett("tenant", "health", one["id"], "--range", "2h")
    tap.ok("latency_ms" in text and "healthy" in text, "and people can read it, too", text)


def test_dies(tap, box, one):
    """A program that ends is started again by its supervisor; the rounds have nothing to do."""
    def pids():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
                if any(w.endswith(b"fake/patient.py") for w in words) and str(one["port"]).encode() in words:
                    found.append(int(pid))
        return found
    one = box.json("tenant", "show", one["id"])
    before = wait_for(pids, "its process", 10, 0.1)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: (now := pids()) and now != before, "its supervisor starts it again", 20, 0.05)
    def answers():
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{one['port']}/", timeout=2) as r:
            return r.status == 200
    wait_for(answers, "it answers again", 20, 0.05)
    wait_health(box, one, "healthy")
    tap.ok(restarts(box, one) == [], "a program that dies is its supervisor's to start, not the rounds'")


def test_restart_cures(tap, box, one):
    set_mode(box, one, "500 once")
    h = wait_health(box, one, "unhealthy", "degraded")
    h = wait_for(lambda: (h := health(box, one))["health"] == "healthy" and restarts(box, one) and h, "it is restarted and well", 40, 0.1)
    jobs = restarts(box, one)
    tap.ok(len(jobs) == 1 and h["restarts"] == 1, "what answers 500 is restarted, once, and is well", (jobs, h))
    log = box.json("audit", "list", "--limit", "100")["data"]
    tap.ok(any(a["action"] == "tenant.restart" and a["actor"] == "health" for a in log), "the audit names who did it")


def test_given_up(tap, box, one):
    set_mode(box, one, "silent")
    h = wait_for(lambda: (h := health(box, one))["given_up_at"] and h, "it is given up", 90, 0.2)
    tap.ok(h["health"] in ("unreachable", "unhealthy") and "program at" in h["reason"], "silence is told with its reason", h)
    jobs = restarts(box, one)
    tap.ok(len(jobs) == 2, "two restarts within the hour, then no more", [j["state"] for j in jobs])
    tap.ok("tenant.restarts" in alerts(box, one), "and an alert says so", alerts(box))
    worker = program(box, "worker")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: program(box, "worker") not in (0, worker), "the worker is back", 20, 0.1)
    set_mode(box, one, "ok")
    h = wait_health(box, one, "healthy")
    tap.ok(not h["given_up_at"] and len(restarts(box, one)) == 2, "after a killed worker: back by itself, without a third", h)
    tap.ok("tenant.restarts" not in alerts(box, one), "and the alert is over")


def test_left_alone(tap, box, one):
    wait_for(lambda: all(j["state"] in ("done", "undone") for j in restarts(box, one)), "the restart that did not help has ended", 20, 0.1)
    box.sett("tenant", "update", one["id"], "--maintenance", "true", "--wait")
    set_mode(box, one, "500")
    before = len(restarts(box, one))
    two = make_tenant(box, "two")
    wait_health(box, two, "healthy")
    set_mode(box, two, "500 once")
    wait_for(lambda: restarts(box, two), "the other one is restarted", 40, 0.1)
    tap.ok(len(restarts(box, one)) == before and health(box, one)["health"] != "unhealthy", "in maintenance nothing is asked or restarted")
    set_mode(box, one, "ok")
    box.sett("tenant", "update", one["id"], "--maintenance", "false", "--wait")
    return two


def test_common_cause(tap, box, some):
    some = some + [make_tenant(box, f"many{i}") for i in range(3)]
    for t in some:
        wait_health(box, t, "healthy")
    before = sum(len(restarts(box, t)) for t in some)
    for t in some:
        set_mode(box, t, "500")
    for t in some:
        wait_health(box, t, "unhealthy", seconds=40)
    wait_for(lambda: "health.common" in alerts(box), "a cause in common is told", 40, 0.1)
    after = sum(len(restarts(box, t)) for t in some)
    tap.ok(after - before <= 2, "many at once: not all are restarted", after - before)
    for t in some:
        set_mode(box, t, "ok")
    for t in some:
        wait_health(box, t, "healthy", seconds=60)
    wait_for(lambda: "health.common" not in alerts(box), "it is over", 40, 0.1)
    tap.ok(True, "and when they are back, it is over")
    return some


def test_status_page(tap, box, one):
    def page(name="one"):
        return box.http("GET", f"/status/{name}/")
    tap.ok(page().status == 404, "no status page that nobody switched on")
    box.sett("tenant", "update", one["id"], "--status-page", "true")
    wait_for(lambda: page().status == 200, "the page is there", 20, 0.1)
    p = wait_for(lambda: (p := page()) and b"Works<" in p.body and p, "it says that it works", 30, 0.1)
    tap.ok(p.headers["Content-Type"].startswith("text/html") and "default-src 'none'" in p.headers["Content-Security-Policy"]
           and p.body.count(b"<li class=") == 60, "a page without script, with its days", p.body[-600:])
    j = box.http("GET", "/status/one/status.json").json
    tap.ok(j["state"] == "up" and j["days"][-1]["down_minutes"] >= 0, "the same for programs", j)
    tap.ok(health(box, one)["status_page"].endswith("/status/one/"), "and its health names it")
    box.sett("tenant", "update", one["id"], "--maintenance", "true", "--wait")
    wait_for(lambda: b"Under maintenance" in page().body, "it tells of maintenance", 20, 0.1)
    box.sett("tenant", "update", one["id"], "--maintenance", "false", "--wait")
    box.sett("setting", "set", "status.box", "true")
    wait_for(lambda: box.http("GET", "/status/").status == 200, "the box's own page", 90, 0.2)
    tap.ok(b"sett" in box.http("GET", "/status/").body, "a page of the whole box, if wanted")
    box.sett("tenant", "update", one["id"], "--status-page", "false")
    wait_for(lambda: page().status == 404, "it goes when it is switched off", 20, 0.1)
    tap.ok(True, "switched off, it is gone")


def test_connector(tap):
    """A connector without its edge: restarted, given up; the program behind it is left alone."""
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = make_box(world=world, ingress="cloudflare")
    try:
        one = make_tenant(box, "tunnelled")
        h = wait_for(lambda: (h := health(box, one))["parts"]["connector"] == "healthy" and h, "its connector is looked at", 30, 0.1)
        tap.ok(h["health"] == "healthy", "a tenant behind a connector that is connected is healthy", h)
        tunnel = box.json("tunnel", "list", "--tenant-id", one["id"])["data"][0]
        world.call("forget", {"id": tunnel["cf_tunnel"]})
        h = wait_health(box, one, "unreachable")
        tap.ok(h["parts"]["program"] == "healthy" and "connector" in h["reason"], "without its edge the tenant is unreachable, its program is not", h)

        def done():
            return [j for j in box.json("job", "list", "--limit", "100")["data"] if j["saga"] == "tunnel.restart" and j["actor"] == "health"]
        wait_for(lambda: len(done()) >= 2, "the connector is restarted", 60, 0.2)
        wait_for(lambda: "tunnel.down" in alerts(box), "and told", 20, 0.1)
        h = wait_for(lambda: (h := box.json("tunnel", "health", tunnel["id"]))["given_up_at"] and h, "it is given up", 30, 0.2)
        tap.ok(h["health"] == "unhealthy" and h["restarts"] == 2 and "edge" in h["reason"], "the tunnel's own health tells it", h)
        tap.ok(restarts(box, one) == [], "the connector is restarted, never the program behind it", done())
    finally:
        box.close()
        world.close()


def test_hands_down(tap, box, one):
    hands = program(box, "hands")
    os.kill(hands, signal.SIGSTOP)
    before = len(restarts(box, one))
    set_mode(box, one, "500")
    wait_health(box, one, "unhealthy")
    wait_for(lambda: "health.common" in alerts(box), "that the hands are down is told", 40, 0.1)
    tap.ok(len(restarts(box, one)) == before, "without hands nothing is restarted")
    set_mode(box, one, "ok")
    wait_health(box, one, "healthy")
    with contextlib.suppress(ProcessLookupError):  # its watchdog may have bitten
        os.kill(hands, signal.SIGCONT)


def main():
    tap = Tap()
    box = make_box()
    try:
        one = make_tenant(box, "one")
        test_noted_and_remembered(tap, box, one)
        test_dies(tap, box, one)
        test_restart_cures(tap, box, one)
        test_given_up(tap, box, one)
        test_status_page(tap, box, one)
        two = test_left_alone(tap, box, one)
        some = test_common_cause(tap, box, [one, two])
        test_hands_down(tap, box, some[-1])
    finally:
        box.close()
    test_connector(tap)
    tap.done()


if __name__ == "__main__":
    main()
