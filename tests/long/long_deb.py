#!/usr/bin/env python3
"""The packages for Debian 12 and 13: built in a clean root of each and once more elsewhere, byte for byte the same; what the release's own
lintian says; and a machine's life with one: installed, made a box, upgraded under tenants' feet, refused when older, booted, removed, installed
again, purged. Needs root, lxc and mmdebstrap. Speaks TAP.   long_deb.py [SUITE]..."""
import glob
import hashlib
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
from machine import Machine, make_root, mirror, outside, own_namespaces, put

OLD = "0.0.9"
UNITS = ("sett-hands", "sett-worker", "sett-front")
BESIDES = ["systemd", "systemd-sysv", "dbus", "apt", "nginx-light", "busybox-static", "curl", "procps", "openssl", "passwd", "init-system-helpers"]
# What a purge may leave: Debian's users stay, and logs and states of others are theirs.
MAY_STAY = re.compile(r"^(etc/(passwd|group|g?shadow|subuid|subgid)-?|etc/\.pwd\.lock|etc/\.updated|etc/(machine-id|hosts|hostname|resolv\.conf|mtab|adjtime)|var/\.updated"
                      r"|(var/(log|cache|tmp|lib/(dpkg|apt|systemd|nginx|private|dbus|pam|misc))|tmp|run|dev|proc|sys|root)(/.*)?)$")


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def copy(folder, fresh):
    """The sources as they stand, apart from what is done to them meanwhile; ${fresh}: with new times of files."""
    subprocess.run(f"mkdir '{folder}' && git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e \"$f\" ] || printf \"%s\\0\" \"$f\"; done' sh "
                   f"| tar --null -T - -cf - | tar -x{'m' if fresh else ''}f - -C '{folder}'", shell=True, cwd=TOP, check=True)


def build(tap, suite, top):
    """Twice, of the same sources: in other folders, outside and inside of the root, by another mask, of files with other times, later."""
    places = [(os.path.join(top, "sources"), [], "0022"), (os.path.join(top, "a copy of them"), ["/srv/elsewhere/a/longer/name"], "0077")]
    for number, (place, _, _) in enumerate(places):
        copy(place, number == 1)
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    with open(os.path.join(TOP, "appliance/VERSION"), encoding="utf-8") as f:
        version = f.read().strip()
    debs = []
    for place, folder, mask in places:
        out = os.path.join(place, "build/deb", suite)
        os.makedirs(out)
        for root in glob.glob(os.path.join(TOP, "build/deb", suite, "root-*.tar")) if not debs else glob.glob(os.path.join(os.path.dirname(debs[0]), "root-*.tar")):
            os.symlink(root, os.path.join(out, os.path.basename(root)))
        subprocess.run([*outside(), "sh", "-c", f'umask {mask}; exec appliance/packaging/clean.sh "$@"', "sh", suite, out, version, *folder], cwd=place, check=True,
                       env={**os.environ, "SOURCE_DATE_EPOCH": epoch, "SETT_MIRROR": mirror(), "TZ": "Pacific/Auckland" if folder else "UTC"})
        debs += glob.glob(os.path.join(out, "sett_*.deb"))
    tap.ok(True, f"built in a clean root: {os.path.basename(debs[0])}, {os.path.getsize(debs[0])} bytes")
    tap.equal(digest(debs[1]), digest(debs[0]), "built once more elsewhere it is the same, byte for byte")
    return debs[0]


def lint(tap, suite, deb, top):
    """The release's own lintian, whose rules differ."""
    root = os.path.join(top, "lint")
    make_root(root, ["lintian"], suite=suite)
    changes = glob.glob(os.path.join(os.path.dirname(deb), "*.changes"))[0]
    os.makedirs(os.path.join(root, "srv/deb"))
    for path in [changes, *glob.glob(os.path.join(os.path.dirname(deb), "sett*.deb")), *glob.glob(os.path.join(os.path.dirname(deb), "*.buildinfo"))]:
        shutil.copy(path, os.path.join(root, "srv/deb"))
    said = subprocess.run(["chroot", root, "lintian", "--allow-root", "--fail-on", "error,warning", "/srv/deb/" + os.path.basename(changes)],
                          capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
    tap.ok(said.returncode == 0 and not said.stdout.strip(), f"{suite}'s own lintian has nothing to say", said.stdout + said.stderr)
    shutil.rmtree(root)


def depends(deb):
    """The packages that it wants, without versions and alternatives."""
    text = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], capture_output=True, text=True, check=True).stdout
    return [re.split(r"[ (|]", part.strip())[0] for part in text.split(",")]


def older(deb, top):
    """The same package as one of a version before."""
    tree, out = os.path.join(top, "older"), os.path.join(top, f"sett_{OLD}_amd64.deb")
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control, encoding="utf-8") as f:
        text = re.sub(r"^Version: .*$", f"Version: {OLD}", f.read(), flags=re.M)
    put(control, text)
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, out], check=True, capture_output=True)
    shutil.rmtree(tree)
    return out


def paths(root):
    found = set()
    for top, folders, files in os.walk(root):
        here = os.path.relpath(top, root)
        folders[:] = [f for f in folders if not os.path.ismount(os.path.join(top, f))]
        found |= {os.path.normpath(os.path.join(here, name)) for name in [*folders, *files]}
    return {path for path in found if not MAY_STAY.match(path)}


def install(one, name, *more):
    return one.must("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", *more, f"/srv/{name}", timeout=600)


class Asker:
    """Asks a tenant over and over, from outside of the machine's control groups: what did not answer is kept."""

    def __init__(self, one, port):
        self.one, self.port, self.asked, self.failed, self.stop = one, port, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stop.is_set():
            code, out, said = self.one.run("curl", "-sf", "-m", "5", f"http://127.0.0.1:{self.port}/", timeout=30)
            self.asked += 1
            if code != 0 or "alpha" not in out:
                self.failed.append((time.monotonic(), code, said))

    def end(self):
        self.stop.set()
        self.thread.join()


def main_pid(one, unit):
    return one.must("systemctl", "show", "-P", "MainPID", unit).strip()


def answers(one, port):
    return "alpha" in one.run("curl", "-sf", f"http://127.0.0.1:{port}/")[1]


def health(one):
    return one.run("curl", "-skf", "https://localhost/health")[1]


def failed(one):
    return one.run("systemctl", "--failed", "--no-legend", "--plain", "list-units", "sett*", "nginx*")[1].strip()


def first_install(tap, one):
    install(one, os.path.basename(one.old))
    tap.ok(True, "installed from the file, with apt")
    states = {unit: (one.run("systemctl", "is-enabled", unit)[1].strip(), one.active(unit)) for unit in UNITS}
    tap.equal(states, {unit: ("enabled", "inactive") for unit in UNITS}, "the services are enabled, and wait for a box")
    tap.equal(failed(one), "", "none of it has failed")
    tap.ok(one.run("sett", "tenant", "list")[0] == 3, "without a box a command says so")
    one.must("sett", "init", "--web-server", "nginx", timeout=300)
    wait_for(lambda: all(one.active(unit) == "active" for unit in UNITS), "its units run", 60, 0.3)
    tap.ok(True, "sett init makes the box")
    one.sett("plan", "create", "--name", "demo", "--title", "Demo", "--blueprint", "site", "--currency", "eur", "--offered")
    one.sett("tenant", "create", "alpha", "--plan", "demo", "--wait")
    one.port = json.loads(one.sett("tenant", "show", "alpha", "--json"))["port"]
    wait_for(lambda: answers(one, one.port), "alpha answers", 30, 0.3)
    tunnels = "var/lib/sett/live/hands/tunnels"
    put(one.path(tunnels, "12.token"), "token-xyz\n", 0o600)
    put(one.path(tunnels, "12.env"), "METRICS_PORT=20241\n", 0o600)
    one.must("systemctl", "restart", "sett-hands")
    wait_for(lambda: one.active("sett-tunnel@12") == "active", "its connector runs", 60, 0.3)
    wait_for(lambda: health(one), "the box answers through its web server", 30, 0.3)
    tap.ok(True, "a tenant, a connector and the box answer")


def upgrade(tap, one):
    conf = one.path("etc/sett/sett.conf")
    with open(conf, "a", encoding="utf-8") as f:
        f.write("\n# ours\n")
    tenant = one.must("pgrep", "-f", f"httpd.*127.0.0.1:{one.port}").split()
    before = {unit: main_pid(one, unit) for unit in (*UNITS, "sett-tunnel@12")}
    asker = Asker(one, one.port)
    try:
        wait_for(lambda: asker.asked > 3, "it is asked", 30)
        install(one, os.path.basename(one.new))
        wait_for(lambda: all(one.active(unit) == "active" for unit in UNITS), "its units run", 60, 0.3)
        wait_for(lambda: health(one), "the box answers", 30, 0.3)
        count = asker.asked
        wait_for(lambda: asker.asked > count + 3, "and is asked on", 30)
    finally:
        asker.end()
    after = {unit: main_pid(one, unit) for unit in (*UNITS, "sett-tunnel@12")}
    tap.ok(one.new_version == one.must("dpkg-query", "-W", "-f", "${Version}", "sett"), f"upgraded from {OLD} with a live store")
    tap.ok(all(after[unit] not in ("0", before[unit]) for unit in UNITS), "front, worker and hands are the new ones", (before, after))
    tap.ok(after["sett-tunnel@12"] == before["sett-tunnel@12"] and one.must("pgrep", "-f", f"httpd.*127.0.0.1:{one.port}").split() == tenant,
           "connector and tenant are the same processes as before", (before, after))
    tap.ok(asker.asked > 6 and not asker.failed, f"the tenant answered each of {asker.asked} requests meanwhile", asker.failed[:5])
    with open(conf, encoding="utf-8") as f:
        tap.ok("# ours" in f.read(), "the operator's sett.conf is as it was")
    tap.equal(one.run("sett", "fsck")[0], 0, "the store is in order")
    tap.ok("alpha" in one.sett("tenant", "list"), "the tenant is known")
    kept = glob.glob(one.path("var/lib/sett/upgrade/packages/*.deb"))
    tap.equal([os.path.basename(f) for f in kept], [f"sett_{OLD}_amd64.deb"], "the package of before is kept")


def downgrade(tap, one):
    code, out, said = one.run("dpkg", "-i", f"/srv/{os.path.basename(one.old)}")
    tap.ok(code != 0 and "sett downgrade" in out + said, "an older package is refused, with the way to go", out + said)
    tap.equal(one.must("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "sett"), one.new_version + " installed", "and the installed one is whole")
    tap.ok(all(one.active(unit) == "active" for unit in UNITS) and answers(one, one.port), "and runs")


def boot_again(tap, one):
    one.halt(gently=True)
    one.boot()
    wait_for(lambda: all(one.active(unit) == "active" for unit in (*UNITS, "sett-tunnel@12")), "all units run again", 90, 0.3)
    wait_for(lambda: answers(one, one.port) and health(one), "tenant and box answer", 90, 0.3)
    tap.ok(True, "after a boot all of it comes back")


def remove(tap, one):
    data = sorted(p for p in paths(one.root) if p.startswith("var/lib/sett/live/tenants"))
    said = one.must("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "remove", "-y", "-q", "sett", timeout=300)
    left = one.run("ps", "-e", "-o", "user,args", "--no-headers")[1]
    left = [line for line in left.splitlines() if re.search(r"sett|httpd|cloudflared", line)]
    tap.equal(left, [], "removed, nothing of it runs, tenants' processes and connectors included")
    tap.equal(failed(one), "", "none of it has failed")
    tap.ok(one.run("nginx", "-t")[0] == 0, "the web server's configuration is in order", one.run("nginx", "-t"))
    tap.equal(sorted(p for p in paths(one.root) if p.startswith("var/lib/sett/live/tenants")), data, "the data are there")
    tap.ok(os.path.exists(one.path("etc/sett/sett.conf")) and os.path.exists(one.path("var/lib/sett/live/db/data.mdb")), "and configuration and store", said)
    install(one, os.path.basename(one.new))
    wait_for(lambda: all(one.active(unit) == "active" for unit in UNITS), "its units run", 60, 0.3)
    wait_for(lambda: answers(one, one.port), "alpha answers", 60, 0.3)
    wait_for(lambda: health(one), "the box answers through its web server", 30, 0.3)
    tap.ok("alpha" in one.sett("tenant", "list"), "installed again the box goes on where it was, its tenant and its web server too")


def purge(tap, one, before):
    code, out, said = one.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "purge", "-y", "-q", "sett", timeout=300)
    tap.ok(code == 0 and "the box stays" in out + said, "purged, it says that the box stays", out + said)
    tap.ok(not os.path.exists(one.path("etc/sett")) and os.path.exists(one.path("var/lib/sett/live/db/data.mdb")), "configuration is gone, data are not")
    tap.equal(sorted(p for p in paths(one.root) - before if not p.startswith("var/lib/sett")), ["var/backups/sett"], "and nothing else is left")
    install(one, os.path.basename(one.new))
    wait_for(lambda: all(one.active(unit) == "active" for unit in UNITS), "its units run", 60, 0.3)
    wait_for(lambda: answers(one, one.port), "alpha answers", 60, 0.3)
    tap.ok(True, "even then, installed again, the box goes on")
    one.must("touch", "/var/lib/sett/purge-data")
    one.must("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "purge", "-y", "-q", "sett", timeout=300)
    tap.equal(sorted(paths(one.root) - before), [], "purged with its data, only what Debian lets stay is left")
    users = {line.split(":")[0] for line in open(one.path("etc/passwd"), encoding="utf-8")}
    tap.ok({"sett", "sett-front", "sett-restore"} <= users, "the users stay")


def life(tap, suite, deb, top):
    root = os.path.join(top, "root")
    make_root(root, [*BESIDES, *depends(deb)], suite=suite)
    subprocess.run(["make", "-s", "systemd"], cwd=TOP, check=True)
    shutil.copy(os.path.join(TOP, "build/systemd/cloudflared"), os.path.join(root, "usr/bin/cloudflared"))
    one = Machine(top, root, f"deb-{suite}", hosts="alpha.localhost")
    one.old, one.new = older(deb, top), deb
    one.new_version = subprocess.run(["dpkg-deb", "-f", deb, "Version"], capture_output=True, text=True, check=True).stdout.strip()
    for path in (one.old, one.new):
        shutil.copy(path, one.path("srv"))
    try:
        one.boot()
        before = paths(root)
        for part in (first_install, upgrade, downgrade, boot_again, remove):
            with tap.part(part.__name__.replace("_", " ")):
                part(tap, one)
        with tap.part("purge"):
            purge(tap, one, before)
        if tap.bad:
            print("\n".join("# " + line for line in one.journal().splitlines()))
    finally:
        one.halt()


def main():
    own_namespaces()
    tap = Tap()
    for suite in sys.argv[1:] or ("bookworm", "trixie"):
        top = tempfile.mkdtemp(prefix="sett-deb-")
        os.chmod(top, 0o755)
        given = os.environ.get("SETT_DEB")  # one that is built: for those who work on this
        try:
            with tap.part(suite):
                deb = given or build(tap, suite, top)
                if not given:
                    lint(tap, suite, deb, top)
                life(tap, suite, deb, top)
        finally:
            if not any(f" {top}" in line for line in open("/proc/self/mountinfo", encoding="utf-8")):
                shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
