#!/usr/bin/env python3
"""dpkg, apt and systemctl of a box below a folder: packages.py FOLDER TOOL WORDS... A package is a file of JSON that names
a version and a folder of programs; installed is what `current` points to; units are asked of the test, at a socket."""
import json
import os
import shutil
import socket
import sys

FOLDER, TOOL, WORDS = sys.argv[1], os.path.basename(sys.argv[2]), sys.argv[3:]
PACKAGES = os.path.join(os.path.dirname(FOLDER), "var/lib/sett/upgrade/packages")


def installed():
    with open(os.path.join(FOLDER, "installed"), encoding="utf-8") as f:
        return json.load(f)


def package(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def install(path):
    new = package(path)
    link = os.path.join(FOLDER, "current")
    if new.get("refuses"):
        print("E: the package's postinst ended with 1")
        return 1
    for name, text in (("installed", json.dumps(new)),):
        with open(os.path.join(FOLDER, name + ".new"), "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(os.path.join(FOLDER, name + ".new"), os.path.join(FOLDER, name))
    os.symlink(new["programs"], link + ".new")
    os.rename(link + ".new", link)
    print("Setting up sett (" + new["version"] + ") ...")
    return 0


def number(version):
    return [int(n) for n in version.split(".")]


def systemctl():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(FOLDER, "systemctl"))
        s.sendall(json.dumps(WORDS).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
    sys.stdout.write(answer["out"])
    return answer["code"]


def main():
    if TOOL == "systemctl":
        return systemctl()
    if TOOL == "dpkg-query":
        print(installed()["version"] + (" installed" if "Status" in " ".join(WORDS) else ""), end="")
    elif TOOL == "dpkg-deb" and WORDS[0] == "-f":
        print({"Package": "sett", "Version": package(WORDS[1])["version"]}[WORDS[2]])
    elif TOOL == "dpkg-deb":
        os.makedirs(os.path.join(WORDS[2], "usr/bin"))
        os.symlink(os.path.join(package(WORDS[1])["programs"], "sett"), os.path.join(WORDS[2], "usr/bin/sett"))
    elif TOOL == "dpkg" and WORDS[0] == "--compare-versions":
        a, b = number(WORDS[1]), number(WORDS[3])
        return 0 if {"lt": a < b, "gt": a > b}[WORDS[2]] else 1
    elif TOOL == "dpkg" and "--install" in WORDS or TOOL == "apt-get" and "--simulate" not in WORDS:
        return install(WORDS[-1])
    elif TOOL == "apt-cache":
        print("  Candidate: (none)")
    elif TOOL == "sett-package":
        os.makedirs(PACKAGES, exist_ok=True)
        path = os.path.join(PACKAGES, f"sett_{installed()['version']}.deb")
        shutil.copy(os.path.join(FOLDER, "installed"), path)
        print(path)
    return 0


sys.exit(main())
