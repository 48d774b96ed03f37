#!/usr/bin/env python3
"""Upgrades of an installed box: a Debian with systemd in a container without a network, real packages, dpkg and apt; the
next version, with a schema of its own, beside a tenant that answers; one that is not well; power cut while dpkg works and
while the new version is watched; a plain dpkg, and the way back from it. Needs root, lxc and mmdebstrap. Speaks TAP."""
import glob
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
from box import TOP, Tap, wait_for
from machine import Machine, make_root, own_namespaces

EXTRA = ("systemd", "systemd-sysv", "dbus", "apt", "nginx-light", "busybox-static", "procps", "openssl", "iproute2")
UNITS = ("sett-hands", "sett-worker", "sett-front")


def packages(folder):
    """0.1.0 of this build; 0.2.0 with the tables of the version after it; 0.3.0 whose worker does not come up."""
    subprocess.run(["make", "-s", "-j2", f"CC={os.environ.get('CC', 'gcc')}", "all", "next"], cwd=TOP, check=True)
    subprocess.run(["appliance/packaging/here.sh", "build", os.path.join(folder, "deb"), "0.1.0"], cwd=TOP, check=True, capture_output=True)
    made = {"0.1.0": glob.glob(os.path.join(folder, "deb", "sett_*_amd64.deb"))[0]}
    for version in ("0.2.0", "0.3.0"):
        tree, made[version] = os.path.join(folder, "tree"), os.path.join(folder, f"{version}.deb")
        subprocess.run(["dpkg-deb", "-R", made["0.1.0"], tree], check=True)
        for name in ("sett", "sett-front", "sett-worker"):
            to = os.path.join(tree, "usr/bin" if name == "sett" else "usr/libexec/sett", name)
            shutil.copy(os.path.join(TOP, "build/next", name), to)
            if version == "0.3.0" and name == "sett-worker":
                with open(to, "w", encoding="ascii") as f:
                    f.write("#!/bin/sh\nexit 1\n")
        with open(os.path.join(tree, "DEBIAN/control"), encoding="utf-8") as f:
            control = f.read()
        with open(os.path.join(tree, "DEBIAN/control"), "w", encoding="utf-8") as f:
            f.write(control.replace("Version: 0.1.0", f"Version: {version}"))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, made[version]], check=True, capture_output=True)
        shutil.rmtree(tree)
    return made


class Installed(Machine):
    def version(self):
        schema = json.loads(self.sett("--json", "db", "migrate", "--dry-run"))["from"]
        return self.must("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "sett"), schema

    def well(self):
        said = self.run("sett", "doctor", "--json")[1]
        checks = {c["name"]: c["finding"] for c in json.loads(said)["checks"]} if said.startswith("{") else {}
        return all(checks.get(n) in ("ok", "skipped", "warning") for n in ("store", "worker", "keys")) and all(self.active(u) == "active" for u in UNITS)

    def answers(self):
        return self.run("busybox", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{self.port}/")[0] == 0

    def upgrade(self, version, *words, watch="3"):
        return self.run("sett", "upgrade", "--package", f"/root/{version}.deb", "--watch", watch, "--yes", *words)

    def log(self):
        return self.run("cat", "/var/lib/sett/upgrade/log")[1]

    def state(self):
        return self.run("cat", "/var/lib/sett/upgrade/state")[1]


def begin(tap, one):
    one.must("dpkg", "--install", "/root/0.1.0.deb")
    one.must("sett", "init")
    wait_for(one.well, "the box runs", 60, 0.5)
    one.sett("plan", "create", "--name", "upgraded", "--title", "Demo", "--blueprint", "site", "--currency", "eur", "--offered")
    one.sett("tenant", "create", "alpha", "--plan", "upgraded", "--no-wait")
    one.port = wait_for(lambda: json.loads(one.sett("tenant", "list", "--json"))["data"][0]["port"], "a port", 30, 0.3)
    wait_for(one.answers, "the tenant answers", 60, 0.3)
    one.sett("customer", "create", "--name", "Before", "--email", "before@example.com")
    first = one.version()
    tap.equal(first[0], "0.1.0 installed", "a box of an installed package")
    return first[1]


def good(tap, one, schema):
    silent, over = [], threading.Event()

    def look():
        while not over.is_set():
            if not one.answers():
                silent.append(time.monotonic())
    thread = threading.Thread(target=look)
    thread.start()
    code, out, said = one.upgrade("0.2.0")
    over.set()
    thread.join()
    tap.ok(code == 0, "sett upgrade, by apt and systemd", out + said + one.journal("-u", "sett-upgrade"))
    tap.equal(one.version(), ("0.2.0 installed", schema + 1), "the package and the store are the next ones")
    tap.equal(len(silent), 0, "the tenant answered all the time")
    wait_for(one.well, "it is well", 30, 0.5)
    kept = one.must("ls", "/var/lib/sett/upgrade/packages").split()
    tap.ok(any("0.1.0" in name for name in kept), "the package from before is kept", kept)
    tap.ok(one.active("sett-upgrade") != "active" and one.run("systemctl", "is-enabled", "sett-upgrade")[1].strip() == "disabled", "nothing is left to be led")
    code, _, said = one.run("dpkg", "--install", "/root/0.1.0.deb")
    tap.ok(code != 0 and "sett downgrade" in said and one.version()[0] == "0.2.0 installed", "an older package is refused, with the command that goes back", said)
    wait_for(one.well, "it is well", 30, 0.5)
    code, out, said = one.run("sett", "downgrade", "--watch", "3", "--confirm=0.1.0")
    tap.ok(code == 0, "sett downgrade, with the package that was kept", out + said + one.journal("-u", "sett-upgrade"))
    tap.equal(one.version(), ("0.1.0 installed", schema), "back to both from before")
    tap.ok(one.answers() and "Before" in one.sett("customer", "list"), "with the tenant and the records")


def bad(tap, one, schema):
    code, out, said = one.upgrade("0.3.0")
    tap.ok(code == 1 and "in place again" in said, "a version whose worker does not come up: back by itself", out + said + one.journal("-u", "sett-upgrade"))
    tap.equal(one.version(), ("0.1.0 installed", schema), "to package and store from before")
    wait_for(one.well, "the box is well", 30, 0.5)
    tap.ok(one.answers(), "the tenant answers")


def cut(tap, one, schema, when, watch, wanted):
    """The power goes when the log says so."""
    thread = threading.Thread(target=lambda: one.upgrade("0.2.0", watch=watch))
    thread.start()
    wait_for(lambda: when(one), "the moment", 120, 0.05)
    one.halt()
    thread.join()
    one.boot()
    wait_for(lambda: one.run("test", "-e", "/var/lib/sett/upgrade/state")[0] != 0, "the upgrade has ended", 180, 0.5)
    wait_for(one.well, "the box is well", 60, 0.5)
    got = one.version()
    tap.ok(got == wanted, f"power cut: {got}", one.log() + one.journal("-u", "sett-upgrade"))
    wait_for(one.answers, "the tenant answers again", 60, 0.5)
    tap.ok("Before" in one.sett("customer", "list"), "and nothing is lost")


def plain(tap, one, schema):
    code, out, said = one.run("dpkg", "--install", "/root/0.2.0.deb")
    tap.ok(code == 0 and one.version() == ("0.2.0 installed", schema + 1), "a plain dpkg migrates on a copy, too", out + said)
    wait_for(one.well, "the box is well", 60, 0.5)
    tap.ok(one.answers() and "db.before-" in one.sett("db", "copies"), "with the store from before beside")
    code, out, said = one.run("sett", "downgrade", "--watch", "3", "--confirm=0.1.0")
    tap.ok(code == 0 and one.version() == ("0.1.0 installed", schema), "and the way back with what was kept", out + said)


def main():
    own_namespaces()
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-upgrade-")
    one = None
    try:
        made = packages(top)
        depends = subprocess.run(["dpkg-deb", "-f", made["0.1.0"], "Depends"], capture_output=True, text=True, check=True).stdout
        names = [re.split(r"[ (:|]", d.strip())[0] for d in depends.split(",")]
        root = os.path.join(top, "root")
        make_root(root, sorted({*EXTRA, *filter(None, names)}))
        for version, path in made.items():
            shutil.copy(path, os.path.join(root, "root", f"{version}.deb"))
        one = Installed(top, root, "one", hosts="alpha.localhost")
        one.boot()
        with tap.part("begin"):
            schema = begin(tap, one)
            with tap.part("good"):
                good(tap, one, schema)
            with tap.part("bad"):
                bad(tap, one, schema)
            with tap.part("cut while dpkg works"):
                cut(tap, one, schema, lambda m: "Unpacking sett" in m.log(), "3", ("0.1.0 installed", schema))
            with tap.part("plain"):
                plain(tap, one, schema)
            with tap.part("cut while it is watched"):
                cut(tap, one, schema, lambda m: "phase watching" in m.state(), "20", ("0.2.0 installed", schema + 1))
    finally:
        if one:
            if tap.bad:
                print(one.journal())
            one.halt()
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
