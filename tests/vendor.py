#!/usr/bin/env python3
"""What the web admin takes from others: web/vendor and web/icons.svg, as web/vendor/VENDOR.lock says.
Speaks TAP. usage: vendor.py [update]; update fetches the packages by npm and writes files and lock anew."""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WEB = os.path.join(TOP, "web")
LOCK = os.path.join(WEB, "vendor", "VENDOR.lock")

# A module names others by path, since an import map would have to stand inline.
BESIDE = [('"preact/hooks"', '"./hooks.js"'), ('"@preact/signals-core"', '"./signals-core.js"'), ('"preact"', '"./preact.js"')]


def module(text):
    for name, path in BESIDE:
        text = text.replace(f"from{name}", f"from{path}")
    return re.sub(r"\n?//# sourceMappingURL=.*\n?", "\n", text)


def icons(folder, names):
    """A sprite of the icons named: <symbol id=NAME>."""
    out = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name in names:
        with open(os.path.join(folder, "package", "icons", f"{name}.svg"), encoding="utf-8") as f:
            drawing = re.search(r"<svg[^>]*>(.*)</svg>", f.read(), re.S).group(1)
        out.append(f'<symbol id="{name}" viewBox="0 0 24 24">{re.sub(chr(10) + " *", "", drawing).replace(" />", "/>")}</symbol>')
    return "\n".join(out + ["</svg>", ""])


def fetch(package, folder):
    """The package of the lock, by npm; its checksum is compared with the lock's."""
    spec = f"{package['name']}@{package['version']}"
    done = subprocess.run(["npm", "pack", "--silent", spec], cwd=folder, capture_output=True, text=True, check=True)
    path = os.path.join(folder, done.stdout.strip().splitlines()[-1])
    with open(path, "rb") as f:
        got = "sha512-" + base64.b64encode(hashlib.sha512(f.read()).digest()).decode()
    if package.get("integrity", got) != got:
        raise SystemExit(f"{spec}: its checksum is {got}, not {package['integrity']}")
    package["integrity"] = got
    to = os.path.join(folder, package["name"].replace("/", "+"))
    with tarfile.open(path) as tar:
        tar.extractall(to, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(to)
    return to


def write(target, text, entry):
    with open(os.path.join(WEB, target), "w", encoding="utf-8") as f:
        f.write(text)
    entry["sha256"] = hashlib.sha256(text.encode()).hexdigest()


def update():
    with open(LOCK, encoding="utf-8") as f:
        lock = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        for package in lock["packages"]:
            at = fetch(package, folder)
            for entry in package["files"]:
                if "icons" in entry:
                    entry["icons"] = sorted(set(entry["icons"]))
                    write(entry["to"], icons(at, entry["icons"]), entry)
                    continue
                with open(os.path.join(at, "package", entry["from"]), encoding="utf-8") as f:
                    text = f.read()
                text = module(text) if entry["to"].endswith(".js") else text
                write(entry["to"], text + entry.get("append", ""), entry)
    with open(LOCK, "w", encoding="utf-8") as f:
        json.dump(lock, f, indent=1)
        f.write("\n")


def check():
    with open(LOCK, encoding="utf-8") as f:
        lock = json.load(f)
    entries = [(p, e) for p in lock["packages"] for e in p["files"]]
    bad = 0
    print(f"1..{len(entries) + 1}")
    for i, (package, entry) in enumerate(entries, 1):
        with open(os.path.join(WEB, entry["to"]), "rb") as f:
            fine = hashlib.sha256(f.read()).hexdigest() == entry["sha256"] and package["licence"] and package["integrity"]
        bad += not fine
        print(f"{'ok' if fine else 'not ok'} {i} - {entry['to']} is {package['name']} {package['version']} as locked")
    known = {e["to"] for _, e in entries} | {"vendor/VENDOR.lock"}
    strange = [f for f in os.listdir(os.path.join(WEB, "vendor")) if f"vendor/{f}" not in known]
    bad += bool(strange)
    print(f"{'not ok' if strange else 'ok'} {len(entries) + 1} - nothing else is in web/vendor {strange or ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(update() if sys.argv[1:] == ["update"] else check())
