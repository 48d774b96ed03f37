"""The shell of a node of Proxmox VE: pct, pvesh, pvesm, pveversion, whiptail and ip as far as appliance/proxmox/install.sh
calls them, in one state. What they are called with is judged: `pct create` by Proxmox's own description of its API
(tests/contracts), whose parameters are its options; anything else by what is listed here. A breach is kept and
makes the command fail, as it would there.

The commands are small programs in a folder for PATH; they ask the node, which lives in the test, over a socket."""
import json
import os
import re
import socket
import sys
import threading

import jsonschema

CONTRACT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "contracts", "proxmox.openapi.json")
COMMANDS = ("pct", "pvesh", "pvesm", "pveversion", "whiptail", "ip")
CLIENT = """#!{python}
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect({path!r})
s.sendall(json.dumps([{name!r}, *sys.argv[1:]]).encode() + b"\\n")
answer = json.loads(s.makefile().readline())
(sys.stderr if {name!r} == "whiptail" else sys.stdout).write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""
# The parts of options that are lists (pve-docs, pct.conf(5)).
PARTS = {"net0": {"name", "bridge", "firewall", "gw", "gw6", "host-managed", "hwaddr", "ip", "ip6", "link_down", "mtu", "rate", "tag", "trunks", "type"},
         "features": {"force_rw_sys", "fuse", "keyctl", "mknod", "mount", "nesting"}}


class Refused(Exception):
    pass


class Node:
    def __init__(self, folder, version="9.1.4"):
        self.bin, self.images = os.path.join(folder, "bin"), os.path.join(folder, "images")
        self.version, self.answers, self.asked = version, {}, []
        # name: content, free KiB, active
        self.storages = {"local": ("vztmpl,backup", 50 << 20, True), "local-lvm": ("rootdir,images", 100 << 20, True),
                         "nas": ("vztmpl,rootdir", 900 << 20, False)}
        self.containers, self.breaches, self.said = {}, [], []
        os.makedirs(self.bin)
        os.makedirs(self.images)
        path = os.path.join(folder, "node.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        for name in COMMANDS:
            with open(os.path.join(self.bin, name), "w", encoding="utf-8") as f:
                f.write(CLIENT.format(python=sys.executable, path=path, name=name))
            os.chmod(f.name, 0o755)
        with open(CONTRACT, encoding="utf-8") as f:
            doc = json.load(f)
        self.schema = doc["paths"]["/api2/json/nodes/{node}/lxc"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection, connection.makefile("rw") as f:
            words = json.loads(f.readline())
            self.said.append(words)
            try:
                answer = {"code": 0, "err": "", "out": getattr(self, words[0])(*words[1:]) or ""}
            except Refused as e:
                answer = {"code": 255, "err": f"{e}\n", "out": ""}
            except Exception as e:  # noqa: BLE001 - a call that nobody foresaw
                self.breaches.append(f"{' '.join(words)}: {e!r}")
                answer = {"code": 255, "err": f"{e!r}\n", "out": ""}
            f.write(json.dumps(answer) + "\n")

    def changed(self):
        """The commands that were to change something."""
        return [w for w in self.said if w[0] == "pct" and w[1] not in ("exec", "status", "config", "list")]

    # The commands.
    def pveversion(self):
        return f"pve-manager/{self.version}/1234567890abcdef (running kernel: 6.17.2-1-pve)\n"

    def pvesh(self, verb, path, *options):
        assert (verb, path) == ("get", "/cluster/nextid") and options[:1] in ((), ("--vmid",)), "not asked for before"
        if not options:
            return f"{next(n for n in range(100, 200) if n not in self.containers)}\n"
        if int(options[1]) in self.containers:
            raise Refused(f"400 Parameter verification failed.\nvmid: VM {options[1]} already exists")
        return options[1] + "\n"

    def pvesm(self, verb, *words):
        if verb == "path":
            storage, volume = words[0].split(":")
            if storage not in self.storages:
                raise Refused(f"storage '{storage}' does not exist")
            return os.path.join(self.images, volume.removeprefix("vztmpl/")) + "\n"
        assert verb == "status" and words[0] == "--content" and words[1] in ("vztmpl", "rootdir"), "not asked for before"
        lines = ["Name             Type     Status           Total            Used       Available        %"]
        for name, (content, free, active) in self.storages.items():
            if words[1] in content.split(","):
                lines.append(f"{name:16} dir      {'active' if active else 'inactive':10} {2 * free:16} {free:16} {free if active else 0:16}   50.00%")
        return "\n".join(lines) + "\n"

    def whiptail(self, *words):
        title = words[words.index("--title") + 1]
        self.asked.append(title)
        answer = next((a for t, a in self.answers.items() if title.startswith(t)), None)
        if answer is None and "--inputbox" in words:
            answer = words[words.index("--inputbox") + 4]  # as it is
        if answer is None:
            raise Refused("")
        return answer

    def ip(self, *words):
        assert words == ("link", "show", words[2]), "not asked for before"
        if words[2] not in ("vmbr0", "vmbr1"):
            raise Refused(f'Device "{words[2]}" does not exist.')

    def pct(self, verb, number, *words):
        return getattr(self, f"pct_{verb}")(int(number), *words)

    def options(self, words):
        """--name value …, as the API has them."""
        given = {}
        for name, value in zip(words[::2], words[1::2], strict=True):
            assert name.startswith("--") and name[2:] not in given, name
            name = name[2:]
            rule = self.schema["properties"].get(name)
            if rule is None:
                raise Refused(f"Unknown option: {name}\n400 unable to parse option")
            whole = {r.get("type") for r in rule.get("anyOf", [rule])} & {"integer", "number", "boolean"}
            value = int(value) if whole else value
            jsonschema.Draft4Validator(rule).validate(value)
            given[name] = value
        for name, parts in PARTS.items():
            known = dict(part.split("=", 1) for part in given.get(name, "").split(",") if part)
            assert set(known) <= parts, (name, known)
        return given

    def pct_create(self, number, template, *words):
        given = self.options(words)
        jsonschema.Draft4Validator(self.schema).validate(dict(given, vmid=number, ostemplate=template))
        storage, size = given["rootfs"].split(":")
        if number in self.containers or not re.fullmatch(r"[\w-]+:vztmpl/[^/]+\.tar\.zst", template) or "rootdir" not in self.storages[storage][0]:
            raise Refused("CT already exists, or no such template or storage")
        path = os.path.join(self.images, template.split("/")[1])
        if not os.path.exists(path):
            raise Refused(f"volume '{template}' does not exist")
        self.containers[number] = dict(given, template=path, size=int(size), state="stopped", looks=0)
        self.made(number, path)

    def pct_start(self, number):
        self.containers[number]["state"] = "running"
        self.started(number)

    def pct_mount(self, number):
        assert self.containers[number]["state"] == "stopped", "it runs"

    def pct_unmount(self, number):
        pass

    def pct_exec(self, number, dashes, *argv):
        assert dashes == "--", "its own options would be taken for pct's"
        if self.containers[number]["state"] != "running":
            raise Refused(f"CT {number} not running")
        return self.inside(number, argv)

    # What happens in there: as a test wants it.
    def made(self, number, template):
        pass

    def started(self, number):
        pass

    def inside(self, number, argv):
        """An address at the second look, a box at the fourth."""
        here = self.containers[number]
        here["looks"] += 1
        if argv[0] == "ip":
            return "2: eth0    inet 192.0.2.77/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever\n" if here["looks"] > 1 else ""
        if argv[:2] == ("test", "-e"):
            if here["looks"] < 4:
                raise Refused("")
            return ""
        assert argv == ("sett", "greeting"), argv
        return "Sign in as  admin  with the first password  abcd-efgh-2345-6789\n"
