#!/usr/bin/env python3
"""Snapshots and restores of an installed box: a Debian with systemd, the shipped units and users, nginx before the front,
in a container without a network; a second one, empty, that becomes the box. Needs root, lxc and mmdebstrap. Speaks TAP."""
import glob
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import TOP, Tap, wait_for
from machine import Machine, make_root, own_namespaces, put

PACKAGES = ("systemd", "systemd-sysv", "dbus", "libfcgi0ldbl", "liblmdb0", "libcurl4", "libcjson1", "libsodium23", "libinih1", "libpq5", "libidn2-0", "libpsl5",
            "libunistring2", "libyaml-0-2", "libarchive13", "libzstd1", "libexpat1", "libqrencode4", "liboath0", "libfido2-1", "libssl3", "nginx-light",
            "busybox-static", "util-linux", "passwd", "procps")
CONF = """[box]
domain = localhost
url = http://localhost:4443

[tenants]
scheme = http
port = 4443

[web]
pid = /run/nginx.pid
test = /usr/sbin/nginx -t -q
"""


def snippet():
    """nginx's configuration of a box below a folder, with the paths of one that is installed."""
    with tempfile.TemporaryDirectory(prefix="sett-snippet-") as root:
        sett = [os.path.join(TOP, "build", "sett"), "--root", root]
        subprocess.run([*sett, "setup", "--port", "4443"], check=True, capture_output=True)
        return subprocess.run([*sett, "web-server", "show", "nginx", "--listen", "127.0.0.1", "--http-port", "4443", "--tls", "false", "--default-server", "true",
                               "--web", "/usr/share/sett/web"], check=True, capture_output=True, text=True).stdout.replace(root, "")


def install(root, others=()):
    """What a package would: programs, blueprints, units, users, folders, the web server's part. ${others}: users who
    were there before, so that those of sett get other numbers."""
    for name in others:
        subprocess.run(["chroot", root, "useradd", "--system", name], check=True)
    build, share = os.path.join(TOP, "build"), os.path.join(root, "usr/share/sett")
    os.makedirs(os.path.join(root, "usr/libexec/sett"), exist_ok=True)
    shutil.copy(os.path.join(build, "sett"), os.path.join(root, "usr/bin/sett"))
    for name in ("front", "worker", "hands", "send", "restore", "forward"):
        shutil.copy(os.path.join(build, f"sett-{name}"), os.path.join(root, "usr/libexec/sett"))
    shutil.copy(os.path.join(build, "systemd/cloudflared"), os.path.join(root, "usr/bin/cloudflared"))
    for folder in ("blueprints", "nginx"):
        shutil.copytree(os.path.join(TOP, "appliance", folder), os.path.join(share, folder), dirs_exist_ok=True)
    shutil.copytree(os.path.join(TOP, "web"), os.path.join(share, "web"), dirs_exist_ok=True)
    shutil.copytree(os.path.join(TOP, "appliance/blueprints"), os.path.join(root, "etc/sett/blueprints"), dirs_exist_ok=True)
    put(os.path.join(root, "etc/sett/sett.conf"), CONF)
    for unit in (u for kind in ("service", "socket", "slice", "path") for u in glob.glob(os.path.join(TOP, f"appliance/systemd/*.{kind}"))):
        shutil.copy(unit, os.path.join(root, "usr/lib/systemd/system"))
    shutil.copy(os.path.join(TOP, "appliance/systemd/sett.sysusers"), os.path.join(root, "usr/lib/sysusers.d/sett.conf"))
    shutil.copy(os.path.join(TOP, "appliance/systemd/sett.tmpfiles"), os.path.join(root, "usr/lib/tmpfiles.d/sett.conf"))
    put(os.path.join(root, "etc/nginx/conf.d/sett.conf"), snippet())
    for site in glob.glob(os.path.join(root, "etc/nginx/sites-enabled/*")):
        os.unlink(site)
    put(os.path.join(root, "var/lib/sett/web/tenants.map"), "")
    subprocess.run(["chroot", root, "systemd-sysusers", "sett.conf"], check=True, capture_output=True)  # the folders are made at boot


class Installed(Machine):
    def page(self, name):
        return self.run("busybox", "wget", "-q", "-O", "-", f"http://{name}.localhost:4443/")[1]


# What comes and goes with running programs, and what a restore leaves on purpose.
PASSING = re.compile(r"(^|/)(lock\.mdb|[^/]*\.pid|restored|etc|etc/.*|logs|logs/.*|databases)$|^hands/(process|units)/")


def names_of(machine, which):
    with open(machine.path("etc", which), encoding="utf-8") as f:
        return {int(line.split(":")[2]): line.split(":")[0] for line in f}


def owners(machine):
    """Path below live/ -> mode, owner, group; by name where they have one."""
    live, found = machine.path("var/lib/sett/live"), {}
    users, groups = names_of(machine, "passwd"), names_of(machine, "group")
    for top, folders, files in os.walk(live):
        for name in [*folders, *files, "."] if top == live else [*folders, *files]:
            path = os.path.normpath(os.path.join(top, name))
            key = os.path.relpath(path, live)
            if PASSING.search(key):
                continue
            st = os.lstat(path)
            found[key] = (oct(stat.S_IMODE(st.st_mode)), users.get(st.st_uid, st.st_uid), groups.get(st.st_gid, st.st_gid))
    return found


def differences(a, b):
    return {k: (a.get(k), b.get(k)) for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)}


def settle(machine):
    wait_for(lambda: machine.run("sett", "restore", "resume")[0] == 0, "what is outside was looked at", 90, 0.5)


UNITS = ("sett-hands", "sett-worker", "sett-front", "sett-tunnel@12")


def first_box(tap, one):
    one.sett("setup")
    for unit in ("nginx", *UNITS[:3]):
        one.must("systemctl", "enable", "--now", unit)
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS[:3]), "its units run", 60, 0.3)
    tap.ok(True, "an installed box runs by the shipped units: " + one.must("systemctl", "--version").splitlines()[0])
    one.sett("plan", "create", "--name", "demo", "--title", "Demo", "--blueprint", "site", "--currency", "eur", "--offered")
    one.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers", 30, 0.3)
    tap.ok(True, "a tenant answers through nginx")
    # A connector, as the hands find it when they start.
    tunnels = one.path("var/lib/sett/live/hands/tunnels")
    put(os.path.join(tunnels, "12.token"), "token-xyz\n", 0o600)
    put(os.path.join(tunnels, "12.env"), "METRICS_PORT=20241\n", 0o600)
    one.must("systemctl", "restart", "sett-hands")
    wait_for(lambda: one.active("sett-tunnel@12") == "active", "its connector runs", 60, 0.3)
    for unit in UNITS[:3]:
        one.must("systemctl", "is-enabled", unit)
    said = one.sett("doctor", "--json")
    tap.ok('"broken"' not in said, "sett doctor finds nothing broken", said)
    said = json.loads(one.sett("log", "list", "--limit", "500", "--json"))["data"]
    tap.ok({"front", "worker", "hands", "tunnel:12"} <= {line["source"] for line in said} and any(line["source"] == "worker" and line["text"] == "ready" for line in said),
           "the journal's lines of all units in one order", said[:5])
    said = json.loads(one.sett("system", "programs", "--json"))
    tap.ok(all(p["running"] and p["pss_bytes"] for p in said["programs"]) and {p["name"] for p in said["programs"]} == {"front", "worker", "hands", "web"}
           and all(p["beat_at"] and p["restarts"] is not None for p in said["programs"] if p["name"] != "web") and [c["name"] for c in said["connectors"]] == ["12"],
           "what runs, as systemd and the kernel say", said)
    # Files of a tenant's program with owners of their own.
    data = glob.glob(one.path("var/lib/sett/live/tenants/*/*"))[0]
    for name, uid, mode in (("theirs", 4242, 0o640), ("secret", 0, 0o600)):
        put(os.path.join(data, name), name + "\n", mode)
        os.chown(os.path.join(data, name), uid, uid)
    secret = one.must("sett", "recovery", "init", "--no-quiz")  # the sheet that is printed is the kit
    put(one.path("root/kit"), secret, 0o600)
    one.sett("vault", "add", "local", "folder", "/var/backups/sett")
    one.sett("snapshot", "create", "--wait")
    path = glob.glob(one.path("var/backups/sett/*.sett"))
    tap.ok(len(path) == 1 and os.stat(path[0]).st_mode & 0o077 == 0, "a snapshot lies in its vault, private", path)
    return secret, "/" + os.path.relpath(path[0], one.root), os.path.relpath(data, one.root)


def same_box(tap, one, path, data):
    was = owners(one)
    with open(one.path(data, "theirs"), "w", encoding="utf-8") as f:
        f.write("changed since\n")
    one.sett("tenant", "create", "bravo", "--plan", "demo", "--wait")
    before = {u: one.must("systemctl", "show", "-P", "MainPID", u).strip() for u in UNITS}
    code, out, said = one.run("sett", "restore", path, "--recovery-file", "/root/kit")
    tap.ok(code == 2 and "--confirm=sett" in said, "unattended it wants the box's name", (code, said))
    code, out, said = one.run("sett", "restore", path, "--recovery-file", "/root/kit", "--confirm=sett", "--auto-resume")
    tap.ok(code == 0 and "bravo" in said, "restored, while systemd starts whatever ends", out + said + one.journal())
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "all units run again", 60, 0.3)
    after = {u: one.must("systemctl", "show", "-P", "MainPID", u).strip() for u in UNITS}
    tap.ok(all(after[u] not in ("0", before[u]) for u in UNITS), "front, worker, hands and connector were ended and begun anew", (before, after))
    if '"reconciling"' in one.sett("restore", "status", "--json"):
        wait_for(lambda: '"resumed"' in one.sett("restore", "status", "--json") or one.run("sett", "restore", "resume")[0] == 0, "it goes on", 90, 0.5)
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers", 60, 0.3)
    tap.ok("bravo" not in one.sett("tenant", "list"), "the tenant from after the snapshot is not there")
    with open(one.path(data, "theirs"), encoding="utf-8") as f:
        tap.equal(f.read(), "theirs\n", "files are those of the snapshot")
    now = owners(one)
    tap.equal(differences(was, now), {}, "owners, groups and modes of all of live/ are exact")
    tap.ok('"broken"' not in one.sett("doctor", "--json"), "sett doctor finds nothing broken", one.sett("doctor", "--json"))
    one.must("sett", "snapshot", "create", "--wait")
    tap.ok(True, "the restored box makes snapshots")
    code, out, said = one.run("sett", "restore", "rollback", "--confirm=rollback")
    tap.ok(code == 0, "rolled back", out + said)
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "all units run again", 60, 0.3)
    wait_for(lambda: "bravo" in one.page("bravo") and "alpha" in one.page("alpha"), "both tenants answer again", 60, 0.3)
    tap.ok(True, "and both tenants answer again")


def asked_for(tap, one, path, data):
    """As a browser asks: the worker fetches and leaves a request, and a path unit starts what may restore."""
    was = owners(one)
    one.must("systemctl", "enable", "--now", "sett-restore.path")
    with open(one.path(data, "theirs"), "w", encoding="utf-8") as f:
        f.write("changed since\n")
    one.sett("box", "bring", "local", os.path.basename(path), "--wait")
    with open(one.path("root/kit"), encoding="utf-8") as f:
        kit = f.read()

    def ask(*words, ends):
        code, out, said = one.run("sett", "box", "restore", "--recovery-file", "-", "--json", *words, stdin=kit)
        if code != 0:
            raise AssertionError(f"{out}{said}{one.journal()}")
        name = os.path.basename(json.loads(out)["progress"])

        def look():
            with open(one.path("var/lib/sett/status", name), encoding="utf-8") as f:
                told = json.load(f)
            return told["state"] in ends and told
        return wait_for(look, f"the restore is {ends}", 180, 0.2)
    plan = ask("--check", "true", ends=("checked", "failed"))
    tap.ok(plan["state"] == "checked" and plan["plan"]["lost_tenants"] == 1, "asked for over the API, it says what would be lost", plan)
    done = ask("--confirm", "sett", ends=("restored", "failed"))
    tap.ok(done["state"] == "restored", "and is done by a unit of its own", (done, one.run("journalctl", "-u", "sett-restore", "-n", "30", "--no-pager")[1]))
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "all units run again", 60, 0.3)
    wait_for(lambda: "alpha" in one.page("alpha"), "alpha answers", 60, 0.3)
    with open(one.path(data, "theirs"), encoding="utf-8") as f:
        tap.equal(f.read(), "theirs\n", "files are those of the snapshot")
    tap.equal({k: v for k, v in differences(was, owners(one)).items() if not re.match(r"(tenants|hands/init)/2\b", k)}, {}, "owners, groups and modes are exact but for bravo's")
    code, out, said = one.run("sett", "restore", "rollback", "--confirm=rollback")
    tap.ok(code == 0, "rolled back", out + said)
    wait_for(lambda: "bravo" in one.page("bravo") and "alpha" in one.page("alpha"), "both tenants answer again", 60, 0.3)


def back_by_itself(tap, one):
    """A snapshot of a box that cannot start again: the hands want a folder where there is a file."""
    folder = one.path("var/lib/sett/live/hands/init")
    os.rename(folder, folder + ".aside")
    put(folder, "not a folder\n", 0o600)
    one.sett("snapshot", "create", "--full", "--wait")
    os.unlink(folder)
    os.rename(folder + ".aside", folder)
    newest = "/" + os.path.relpath(sorted(glob.glob(one.path("var/backups/sett/*.sett")))[-1], one.root)
    inode = os.stat(one.path("var/lib/sett/live")).st_ino
    code, out, said = one.run("sett", "restore", newest, "--recovery-file", "/root/kit", "--confirm=sett", "--timeout", "15")
    tap.ok(code != 0 and "going back" in said and "as it was before" in said, "a box that does not come up goes back by itself", (code, out + said))
    tap.equal(os.stat(one.path("var/lib/sett/live")).st_ino, inode, "the tree from before is live")
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "all units run again", 60, 0.3)
    wait_for(lambda: "bravo" in one.page("bravo") and "alpha" in one.page("alpha"), "its tenants answer", 60, 0.3)
    tap.ok(True, "and its tenants answer")


def empty_box(tap, one, two, secret, path, was):
    signer = re.search(r'"signer":\s*"([0-9a-f]{64})"', one.sett("recovery", "kit", "--json"))[1]
    os.makedirs(two.path("root"), exist_ok=True)
    shutil.copy(one.path(path.lstrip("/")), two.path("root/snapshot.sett"))
    put(two.path("root/kit"), secret, 0o600)
    one.halt()
    two.boot()
    for unit in ("nginx", *UNITS[:3]):
        two.must("systemctl", "enable", unit)
    words = ("sett", "restore", "/root/snapshot.sett", "--onto-empty", "--recovery-file", "/root/kit", "--signer", signer)
    code, out, said = two.run(*words, "--dry-run")
    tap.ok(code == 0 and "must be off" in said, "an empty second box: what it would become", (code, out + said))
    code, out, said = two.run(*words, "--confirm=sett")
    tap.ok(code == 0 and "systemctl start" in out, "it becomes the box, and says how to start it", (code, out + said))
    two.must("systemctl", "start", "nginx", *UNITS[:3])
    wait_for(lambda: all(two.active(u) == "active" for u in UNITS[:3]), "its units run", 60, 0.3)
    settle(two)
    wait_for(lambda: "alpha" in two.page("alpha"), "its tenant answers there", 60, 0.3)
    tap.ok(True, "its tenant answers there")
    tap.equal(differences(was, owners(two)), {}, "owners, groups and modes are those of the first box")
    tap.ok('"broken"' not in two.sett("doctor", "--json"), "sett doctor finds nothing broken", two.sett("doctor", "--json"))
    two.must("systemctl", "restart", *UNITS[:3])
    wait_for(lambda: "alpha" in two.page("alpha"), "it answers after all of it was started again", 60, 0.3)
    tap.ok(True, "and after its programs were started again")


def main():
    own_namespaces()
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-installed-")
    os.chmod(top, 0o755)
    subprocess.run(["make", "-s", "all", "systemd"], cwd=TOP, check=True)
    roots = [os.path.join(top, "root1"), os.path.join(top, "root2")]
    given = os.environ.get("SETT_LONG_ROOT")  # a root that was made before: for those who work on this
    machines = []
    try:
        if given:
            subprocess.run(["cp", "-a", given, roots[0]], check=True)
        else:
            make_root(roots[0], PACKAGES)
        subprocess.run(["cp", "-a", *roots], check=True)
        install(roots[0])
        install(roots[1], ("backup-agent", "monitoring"))
        one, two = machines = [Installed(top, root, f"sett{i + 1}", hosts="alpha.localhost bravo.localhost") for i, root in enumerate(roots)]
        one.boot()
        with tap.part("first box"):
            secret, path, data = first_box(tap, one)
            was = owners(one)
            with tap.part("the same box"):
                same_box(tap, one, path, data)
            with tap.part("asked for"):
                asked_for(tap, one, path, data)
            with tap.part("back by itself"):
                back_by_itself(tap, one)
            with tap.part("an empty box"):
                empty_box(tap, one, two, secret, path, was)
        if tap.bad:
            print("\n".join("# " + line for m in machines if m.up for line in m.journal().splitlines()))
    finally:
        for m in machines:
            m.halt()
        if not any(f" {top}" in line for line in open("/proc/self/mountinfo", encoding="utf-8")):
            shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
