#!/usr/bin/env python3
"""The units that the package brings: how much of the machine each can reach, as `systemd-analyze security` counts it, that
systemd takes all of their words, and what they must say whatever else they say. How they behave on a running systemd is
tests/long/long_units.py. Speaks TAP."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, TOP, Tap

UNITS = os.path.join(TOP, "appliance", "systemd")
# Tenths of the exposure that systemd-analyze counts: bare units have 96.
EXPOSURE = {"sett-front.service": 10, "sett-worker.service": 15, "sett-hands.service": 30, "sett-tunnel@.service": 15,
            "sett-tunnel-local@.service": 15, "sett-engine@.service": 15, "sett-restore.service": 35}
DAEMONS = ("sett-front.service", "sett-worker.service", "sett-hands.service")
# What each must say. A value that is None: whatever it is.
EVERY_DAEMON = {"Type": "notify", "Restart": "always", "RestartSec": "500ms", "StartLimitIntervalSec": "0", "WatchdogSec": "10s", "LimitCORE": "0",
                "NoNewPrivileges": "yes", "ProtectSystem": "strict", "RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes", "MemoryMax": None,
                "TasksMax": None, "ConditionPathExists": "/var/lib/sett/live/db/data.mdb"}
MUST = {
    "sett-front.service": {"User": "sett-front", "PrivateNetwork": "yes", "RestrictAddressFamilies": "AF_UNIX", "CapabilityBoundingSet": "", "IPAddressDeny": "any",
                           "Requires": "sett-front.socket sett-events.socket", "SupplementaryGroups": False},
    "sett-worker.service": {"User": "sett", "CapabilityBoundingSet": "", "RestrictSUIDSGID": False},
    "sett-hands.service": {"IPAddressDeny": "any", "IPAddressAllow": False, "RestrictSUIDSGID": False, "KillMode": "process", "RuntimeDirectoryMode": "0700"},
    "sett-front.socket": {"ListenStream": "/run/sett/front.sock", "FileDescriptorName": "requests", "SocketGroup": "www-data", "SocketMode": "0660",
                          "Service": "sett-front.service"},
    "sett-events.socket": {"ListenStream": "/run/sett/events.sock", "FileDescriptorName": "events", "SocketGroup": "www-data", "SocketMode": "0660",
                           "Service": "sett-front.service"},
}
NEVER_OF_THE_HANDS = {"CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_MKNOD", "CAP_SYS_CHROOT"}


def read(name):
    """Directive -> its values in order."""
    said = {}
    with open(os.path.join(UNITS, name), encoding="utf-8") as f:
        for line in f:
            if "=" in line and not line.startswith("#"):
                key, value = line.rstrip("\n").split("=", 1)
                said.setdefault(key, []).append(value)
    return said


def exposure_part(t):
    for name, most in EXPOSURE.items():
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most}", os.path.join(UNITS, name)],
                              capture_output=True, text=True, check=False)
        level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        t.ok(done.returncode == 0 and level, f"{name}: exposure {level[1] if level else '?'}, {most / 10} at most", done.stdout[-3000:] + done.stderr)


def words_part(t):
    """As if installed: every word is known to systemd, and every unit that another names is there."""
    root = tempfile.mkdtemp(prefix="sett-units-")
    try:
        system = os.path.join(root, "usr/lib/systemd/system")
        os.makedirs(system)
        for path in glob.glob(os.path.join(UNITS, "sett-*.*")):
            shutil.copy(path, system)
        for path in glob.glob("/lib/systemd/system/*.target") + glob.glob("/lib/systemd/system/*.slice") + glob.glob("/lib/systemd/system/*.mount"):
            if not os.path.islink(path):
                shutil.copy(path, system)
        for program in re.findall(r"^Exec\w+=[-+!@:]*(/\S+)", "".join(open(p, encoding="utf-8").read() for p in glob.glob(system + "/sett-*.service")), re.M):
            os.makedirs(os.path.dirname(root + program), exist_ok=True)
            with open(root + program, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\n")
            os.chmod(root + program, 0o755)
        for name in sorted(os.path.basename(p) for p in glob.glob(os.path.join(UNITS, "sett-*.*")) if p.rsplit(".", 1)[1] in ("service", "socket", "path", "slice", "timer")):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", name.replace("@.", "@12.")], capture_output=True, text=True, check=False)
            said = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if re.match(r"(\S*/)?sett-", line))
            t.ok(done.returncode == 0 and not said, f"{name}: systemd understands all of it", done.stdout + done.stderr)
    finally:
        shutil.rmtree(root)


def must_part(t):
    for name, wanted in [*((d, EVERY_DAEMON) for d in DAEMONS), *MUST.items()]:
        said = read(name)
        wrong = {k: said.get(k) for k, v in wanted.items() if (k in said if v is False else k not in said if v is None else v not in said.get(k, []))}
        t.equal(wrong, {}, f"{name} says what it must ({len(wanted)} words)")
    has = set(" ".join(read("sett-hands.service")["CapabilityBoundingSet"]).split())
    t.ok(has and not has & NEVER_OF_THE_HANDS, f"the hands have {len(has)} capabilities, and none that makes another user or a namespace of them", has & NEVER_OF_THE_HANDS)
    with open(os.path.join(UNITS, "sett-hands.service"), encoding="utf-8") as f:
        comments = " ".join(line[1:].strip() for line in f if line.startswith("#"))
    t.equal([c for c in sorted(has) if c[4:] not in comments], [], "and each is given a reason")


def catalogue_part(t):
    """An entry for each event, systemd takes all of them, and the commands that they name are there."""
    with open(os.path.join(TOP, "store/base/log.c"), encoding="utf-8") as f:
        events = dict(re.findall(r"\[(LOG_\w+)\] = \"([0-9a-f]{32})\"", f.read()))
    with open(os.path.join(UNITS, "sett.catalog"), encoding="utf-8") as f:
        text = f.read()
    t.equal(sorted(re.findall(r"^-- ([0-9a-f]{32})$", text, re.M)), sorted(events.values()), f"the catalogue has each of {len(events)} events once")
    root = tempfile.mkdtemp(prefix="sett-catalogue-")
    try:
        for folder in ("usr/lib/systemd/catalog", "var/lib/systemd/catalog"):
            os.makedirs(os.path.join(root, folder))
        shutil.copy(os.path.join(UNITS, "sett.catalog"), os.path.join(root, "usr/lib/systemd/catalog"))
        done = subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], capture_output=True, text=True, check=False)
        t.ok(done.returncode == 0 and not done.stderr and os.path.getsize(os.path.join(root, "var/lib/systemd/catalog/database")) > len(text) / 2,
             "systemd makes a database of it", done.stdout + done.stderr)
    finally:
        shutil.rmtree(root)
    known = subprocess.run([os.path.join(BUILD, "sett"), "help"], capture_output=True, text=True, check=True).stdout
    named = {m for m in re.findall(r"\bsett ([a-z]+(?: [a-z]+)?)(?= @|$|;| --|,)", text, re.M)}
    t.equal([n for n in sorted(named) if not re.search(rf"^  {n} ", known, re.M)], [], f"the {len(named)} commands that it names are there")


def main():
    t = Tap()
    catalogue_part(t)
    exposure_part(t)
    words_part(t)
    must_part(t)
    t.done()


main()
