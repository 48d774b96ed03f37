#!/usr/bin/env python3
"""The shipped units on a running systemd: a Debian with sett in it, in a container. Whoever hangs is ended and back, whoever
is killed is back, requests wait meanwhile; tenants stand outside of the hands' walls, in units of their own, and outlive
them; the journal is told in fields and explains; and a container without nesting is done without. Needs root, lxc and
mmdebstrap. Speaks TAP; times are printed, not judged."""
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from box import TOP, Tap, wait_for
from long_restore_installed import PACKAGES, Installed, install
from machine import make_root, own_namespaces, put

UNITS = ("sett-hands", "sett-worker", "sett-front")
# Without limits: a container in a container may have no control group in which they could be set.
TINY = """[blueprint]
title = A small site in a container
runtime = lxc
image = tiny
command = /bin/busybox httpd -f -p 8080 -h /srv
inner_port = 8080
health_path = /index.html
health_timeout_s = 30

[variables]
TENANT_NAME = A tenant

[volumes]
site = /srv

[init]
command = /bin/busybox sh -c "echo made by a command of its blueprint > /srv/index.html"
"""
SEIZE, INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000


def furnish(root):
    """What the package brings that install() of the restores' test does not need, and an image for lxc tenants."""
    shutil.copy(os.path.join(TOP, "appliance/systemd/sett.catalog"), os.path.join(root, "usr/lib/systemd/catalog"))
    os.makedirs(os.path.join(root, "usr/share/sett/systemd"))
    for name in os.listdir(os.path.join(TOP, "appliance/systemd")):
        if name.startswith("no-nesting"):
            shutil.copy(os.path.join(TOP, "appliance/systemd", name), os.path.join(root, "usr/share/sett/systemd"))
    subprocess.run(["chroot", root, "journalctl", "--update-catalog"], check=True)
    put(os.path.join(root, "etc/sett/blueprints/tiny.conf"), TINY)
    with open(os.path.join(root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
        f.write("\n[hands]\nlxc_idmap = no\n")  # something lies over this machine's /proc: no namespace of users may mount one
    tiny = os.path.join(root, "var/lib/sett/images/tiny/bin")
    os.makedirs(tiny)
    shutil.copy(os.path.join(root, "bin/busybox"), tiny)
    os.symlink("busybox", os.path.join(tiny, "sh"))
    os.makedirs(os.path.join(root, "etc/systemd/journald.conf.d"), exist_ok=True)
    put(os.path.join(root, "etc/systemd/journald.conf.d/all.conf"), "[Journal]\nRateLimitBurst=0\n")


def shown(one, unit, *names):
    out = one.must("systemctl", "show", *(f"--property={n}" for n in names), unit)
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def pid_outside(one, unit):
    """The process of a unit as this machine numbers it."""
    inner = shown(one, unit, "MainPID")["MainPID"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                numbers = re.search(r"^NSpid:\s*(.*)$", f.read(), re.M)[1].split()
            if numbers[-1] == inner and len(numbers) > 1 and os.readlink(f"/proc/{pid}/root") == os.readlink(f"/proc/{one.init}/root") \
                    and os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{one.init}/ns/pid"):
                return int(pid)
        except (OSError, TypeError):
            pass
    raise AssertionError(f"{unit}: no process {inner}")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict((line.split(":", 1)[0], line.split(":", 1)[1].strip()) for line in f if ":" in line)


def again(one, unit, was, seconds, meanwhile=lambda: None):
    """Until another process is the unit's and says that it is ready; how long that took."""
    began = time.monotonic()

    def back():
        meanwhile()
        now = shown(one, unit, "MainPID", "ActiveState")
        return now["ActiveState"] == "active" and now["MainPID"] not in ("0", was)
    wait_for(back, f"{unit} is back", seconds, 0.02)
    return time.monotonic() - began


def begin(tap, one):
    one.sett("setup")
    tap.ok(one.run("systemctl", "start", "sett-front.socket")[0] == 0 and one.run("systemctl", "is-active", "sett-worker")[1].strip() == "inactive", "a box is set up")
    one.must("systemctl", "enable", "--now", "nginx", *(f"{u}.service" for u in UNITS))
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "its units run", 60, 0.1)
    one.init = int(subprocess.run(["lxc-info", "-P", one.top, "-n", one.name, "-p", "-H"], capture_output=True, text=True, check=True).stdout)
    tap.ok(True, "its units run: " + one.must("systemctl", "--version").splitlines()[0])
    who = one.must("stat", "-c", "%U:%G %a", "/run/sett/front.sock", "/run/sett/events.sock").split("\n")[:2]
    tap.equal(who, ["root:www-data 660"] * 2, "the front's sockets are systemd's, for the web server's group alone")
    one.sett("plan", "create", "--name", "demo", "--title", "Demo", "--blueprint", "site", "--currency", "eur", "--offered")
    one.sett("plan", "create", "--name", "tiny", "--title", "Tiny", "--blueprint", "tiny", "--currency", "eur", "--offered")


def walls_part(tap, one):
    """What stands around whom, as the kernel says."""
    hands, front, worker = (status_of(pid_outside(one, u)) for u in UNITS)
    tap.ok(all(s["Seccomp"] == "2" and s["NoNewPrivs"] == "1" for s in (hands, front, worker)), "front, worker and hands are behind filters, without new privileges")
    tap.equal((int(front["CapBnd"], 16), int(worker["CapBnd"], 16), bin(int(hands["CapBnd"], 16)).count("1")), (0, 0, 8), "front and worker can have no capability, the hands eight")
    alone = os.readlink(f"/proc/{pid_outside(one, 'sett-front')}/ns/net") != os.readlink(f"/proc/{one.init}/ns/net")
    tap.ok(alone, "the front's network is its own, and empty")


def tenant_part(tap, one):
    one.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers", 30, 0.2)
    unit = shown(one, "sett-process-1.service", "Slice", "MemoryMax", "TasksMax", "MainPID", "ActiveState")
    tap.equal((unit["Slice"], unit["MemoryMax"], unit["TasksMax"], unit["ActiveState"]), ("sett-tenants.slice", str(64 << 20), "64", "active"),
              "a tenant of the process runtime is a unit of its own, with its limits")
    status = status_of(pid_outside(one, "sett-process-1"))
    tap.ok(status["Seccomp"] == "0" and int(status["CapBnd"], 16) == 0 and status["Uid"].split()[0] == "200001", "outside of the hands' walls, as a user of its own, without capabilities", status)
    whole = one.must("systemctl", "show", "sett-process-1.service") + one.must("cat", "/run/systemd/transient/sett-process-1.service")
    tap.ok("TENANT_NAME" not in whole and "httpd" not in one.must("cat", "/run/systemd/transient/sett-process-1.service"), "neither its environment nor its command stands in the unit", whole)
    tap.equal(one.must("ls", "-A", "/run/sett-hands").split(), [], "and nothing of its commands is left over")
    before = unit["MainPID"]
    one.must("systemctl", "restart", "sett-hands")
    wait_for(lambda: one.active("sett-hands") == "active", "the hands are back", 30, 0.1)
    tap.equal(shown(one, "sett-process-1", "MainPID")["MainPID"], before, "it outlives the hands")
    one.sett("tenant", "restart", "alpha", "--wait")
    tap.ok(shown(one, "sett-process-1", "MainPID")["MainPID"] not in ("0", before), "who find it again, and can end and start it")
    before = shown(one, "sett-process-1", "MainPID")["MainPID"]
    one.must("kill", "-9", before)
    again(one, "sett-process-1", before, 30)
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers again", 30, 0.2)
    tap.ok("code 137" in one.must("journalctl", "-u", "sett-hands", "-o", "cat"), "killed, it is started again, and the hands know how it ended")


def container_part(tap, one):
    one.sett("tenant", "create", "bravo", "--plan", "tiny", "--wait")
    wait_for(lambda: "made by a command" in one.page("bravo"), "bravo answers", 60, 0.2)
    tap.ok(True, "a container of the lxc runtime, its image, its command, its network and its port: all by hands behind walls")
    units = [line.split()[0] for line in one.must("systemctl", "list-units", "--plain", "--no-legend", "sett-lxc-*").splitlines()]
    tap.ok(len(units) == 2 and all(shown(one, u, "Slice")["Slice"] == "sett-tenants.slice" for u in units), "container and port are units of the tenants' slice", units)
    one.sett("tenant", "restart", "bravo", "--wait")
    wait_for(lambda: "made by a command" in one.page("bravo"), "bravo answers", 60, 0.2)
    one.sett("tenant", "delete", "bravo", "--action", "delete", "--wait", "--confirm=bravo")
    left = one.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "sett-lxc-*")[1]
    tap.equal(left, "", "removed, nothing of it is left, not even that it failed")


def hung_part(tap, one):
    """The loops that do the work are watched, not only the processes: of the worker only the scheduler's thread is stopped,
    while the one that feeds the watchdog runs on."""
    for unit in UNITS:
        was, pid = shown(one, unit, "MainPID")["MainPID"], pid_outside(one, unit)
        os.kill(pid, 19)
        took = again(one, unit, was, 60)
        tap.ok(shown(one, unit, "NRestarts")["NRestarts"] != "0" and f"{unit}.service: Watchdog timeout" in one.must("journalctl", "-u", unit, "-o", "cat"),
               f"{unit}: hung, it is ended by the watchdog and back after {took:.1f} s")
    def reap():
        """A thread that is traced is not gone before its tracer knows."""
        try:
            while os.waitpid(-1, os.WNOHANG | WALL)[0] != 0:
                pass
        except ChildProcessError:
            pass
    was, pid = shown(one, "sett-worker", "MainPID")["MainPID"], pid_outside(one, "sett-worker")
    libc, stopped = ctypes.CDLL(None, use_errno=True), []
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    for thread in sorted(int(t) for t in os.listdir(f"/proc/{pid}/task")):
        if thread != pid:
            if libc.ptrace(SEIZE, thread, None, None) == 0 and libc.ptrace(INTERRUPT, thread, None, None) == 0:
                stopped.append(thread)
    took = again(one, "sett-worker", was, 90, reap)
    tap.ok(stopped and one.must("journalctl", "-u", "sett-worker", "-o", "cat").count("Watchdog timeout") == 2,
           f"sett-worker: with its work loops hung and the watchdog's own thread alive it is ended, too, and back after {took:.1f} s")


def killed_part(tap, one):
    """While a visitor asks and asks."""
    stop, answers = threading.Event(), []

    def ask():
        while not stop.is_set():
            code, out, said = one.run("busybox", "wget", "-q", "-O", "-", "http://localhost:4443/health")
            answers.append((code, out[:60], said[:200]))
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            was = shown(one, "sett-front", "MainPID")["MainPID"]
            one.must("systemctl", "restart", "sett-front")
            again(one, "sett-front", was, 30)
            wait_for(lambda n=len(answers): len(answers) > n + 2, "the visitor asks on", 30, 0.05)
    finally:
        stop.set()
        asking.join()
    bad = [a for a in answers if a[0] != 0]
    tap.equal(bad, [], f"the front begun anew three times under {len(answers)} requests: each is answered")
    for unit in UNITS:
        was = shown(one, unit, "MainPID")["MainPID"]
        os.kill(pid_outside(one, unit), 9)
        took = again(one, unit, was, 30)
        tap.ok(True, f"{unit}: killed, it is back after {took * 1000:.0f} ms")


def journal_part(tap, one):
    entries = [json.loads(line) for line in one.must("journalctl", "SETT_TENANT=alpha", "-o", "json").splitlines()]
    jobs = {e["SETT_JOB"] for e in entries}
    tenant = json.loads(one.sett("tenant", "show", "alpha", "--json"))
    tap.ok(len(jobs) >= 2 and all(e["SYSLOG_IDENTIFIER"] == "sett-worker" and e["PRIORITY"] == "6" and tenant["id"] in e["SETT_TENANT"] for e in entries),
           f"journalctl SETT_TENANT=alpha: {len(entries)} entries of {len(jobs)} jobs", entries[:2])
    by_id = one.must("journalctl", f"SETT_TENANT={tenant['id']}", "-o", "json").splitlines()
    who = {json.loads(line)["SYSLOG_IDENTIFIER"] for line in by_id}
    tap.equal(who, {"sett-worker", "sett-hands"}, "and by its id: what worker and hands say of it")
    said = one.must("journalctl", "-x", "-u", "sett-worker", "-n", "400")
    tap.ok(f"sett job show {sorted(jobs)[0]}" in said or any(f"sett job show {j}" in said for j in jobs), "journalctl -x explains, with the command to type", said[-2000:])
    ready = one.must("journalctl", "MESSAGE_ID=d13c513a42f84da197b1165f0971b7c4", "-o", "cat").splitlines()
    tap.ok(len(ready) >= 3, "what happened is found by its MESSAGE_ID", ready)
    lines = json.loads(one.sett("log", "list", "--limit", "500", "--json"))["data"]
    tap.ok({"front", "worker", "hands"} <= {line["source"] for line in lines} and any(line["source"] == "worker" and line["text"] == "ready" for line in lines),
           "and the log pages of the box show it as ever", lines[:5])


def reboot_part(tap, one):
    one.halt(gently=True)
    one.boot()
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "its units run", 60, 0.1)
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers", 60, 0.2)
    tap.ok(shown(one, "sett-process-1", "ActiveState")["ActiveState"] == "active", "after a boot all of it is back, tenants too")
    since = one.must("journalctl", "-b", "-u", "sett-*", "-p", "err", "-o", "cat")
    tap.ok("sett-hands" not in one.must("systemctl", "--failed", "--plain", "--no-legend"), "and nothing has failed", since)


def nesting_part(tap, two):
    """Such a container cannot run all of Debian's own units either: what makes folders at boot is one of them."""
    two.must("systemd-tmpfiles", "--create", "sett.conf")
    two.sett("setup")
    two.run("systemctl", "start", "nginx", *(f"{u}.service" for u in UNITS))
    wait_for(lambda: "226" in shown(two, "sett-hands", "ExecMainStatus")["ExecMainStatus"], "the hands cannot begin", 30, 0.1)
    tap.ok(True, "without nesting units end with 226/NAMESPACE")
    two.sett("nesting", "without")
    wait_for(lambda: all(two.active(u) == "active" for u in UNITS), "its units run", 60, 0.1)
    tap.ok(two.run("sett", "nesting", "show")[0] == 1, "after `sett nesting without` they run")
    two.sett("plan", "create", "--name", "demo", "--title", "Demo", "--blueprint", "site", "--currency", "eur", "--offered")
    two.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
    wait_for(lambda: "alpha" in two.page("alpha"), "alpha answers", 30, 0.2)
    tap.ok(True, "and so do tenants")
    put(two.path("var/lib/sett/live/hands/tunnels/12.token"), "token-xyz\n", 0o600)
    put(two.path("var/lib/sett/live/hands/tunnels/12.env"), "METRICS_PORT=20241\n", 0o600)
    two.must("systemctl", "start", "sett-tunnel@12")
    tap.ok(shown(two, "sett-tunnel@12", "User", "ActiveState") == {"User": "sett-tunnel", "ActiveState": "active"}, "and connectors, as a user that is there")
    code, _, said = two.run("sett", "nesting", "with")
    tap.ok(code != 0 and "nesting without" in said, "all walls again: that fails here, and says what helps", said)


def main():
    own_namespaces()
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-units-")
    os.chmod(top, 0o755)
    subprocess.run(["make", "-s", "all", "systemd"], cwd=TOP, check=True)
    roots = [os.path.join(top, "root1"), os.path.join(top, "root2")]
    given = os.environ.get("SETT_LONG_ROOT")  # a root that was made before: for those who work on this
    machines = []
    try:
        if given:
            subprocess.run(["cp", "-a", given, roots[0]], check=True)
        else:
            make_root(roots[0], (*PACKAGES, "lxc", "nftables"))
        install(roots[0])
        furnish(roots[0])
        subprocess.run(["cp", "-a", *roots], check=True)
        names = "alpha.localhost bravo.localhost"
        one, two = machines = [Installed(top, roots[0], "sett1", hosts=names), Installed(top, roots[1], "sett2", nesting=False, hosts=names)]
        one.boot()
        with tap.part("begin"):
            begin(tap, one)
            for part in (walls_part, tenant_part, container_part, killed_part, hung_part, journal_part, reboot_part):
                with tap.part(part.__name__):
                    part(tap, one)
        if tap.bad:
            print("\n".join("# " + line for line in one.journal().splitlines()))
        one.halt()
        two.boot()
        with tap.part("nesting"):
            nesting_part(tap, two)
    finally:
        for m in machines:
            m.halt()
        if not any(f" {top}" in line for line in open("/proc/self/mountinfo", encoding="utf-8")):
            shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
