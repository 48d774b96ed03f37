#!/usr/bin/env python3
"""The main job on runtimes that outgrow the container: an lxc container, and a service of a real swarm. A box
with a real nginx sells one of each, the hands end and come back, both are suspended, resumed, changed, deleted,
and nothing is left of them; `sett doctor` says what is missing before it is there. Speaks TAP.

Runs in namespaces of network and mounts of its own, so that bridges, rules and mounts end with it."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
from box import Box, Tap, wait_for
from machine import own_namespaces
from test_container_tenant import Engine
from test_move import digest, fill

BLUEPRINT = """[blueprint]
title = {runtime}
runtime = {runtime}
image = {image}
command = sh -c "trap 'exit 0' TERM; httpd -f -p 8080 -h /srv & wait"
inner_port = 8080
health_path = /index.html
health_timeout_s = 60

[limits]
memory = 64M
pids = 40
nofile = 512

[variables]
TENANT_NAME = A tenant

[volumes]
site = /srv

[init]
command = sh -c "echo $TENANT_NAME on {runtime} > /srv/index.html"
"""


def make_template(box):
    root = os.path.join(box.root, "var/lib/sett/images/busybox")
    for folder in ("bin", "etc", "srv"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
    for name in subprocess.run([os.path.join(root, "bin/busybox"), "--list"], check=True, capture_output=True,
                               text=True).stdout.split():
        if name != "busybox":
            os.symlink("busybox", os.path.join(root, "bin", name))
    with open(os.path.join(root, "etc/passwd"), "w", encoding="utf-8") as f:
        f.write("root:x:0:0::/:/bin/sh\n")


def doctor(box):
    _, out, _ = box.sett("doctor", ok=False)
    lines = out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[1:2] == ["runtimes"])
    return " ".join(lines[at:at + 2])


def says(box, name):
    return box.http("GET", "/", host=f"{name}.localhost").body.decode()


def pid_of(box, program):
    """The process of a program that `sett run` watches over; 0 for none."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(program.encode()) and box.root.encode() in words:
            return int(pid)
    return 0


class Swarm(Engine):
    def post(self, what, said):
        c = http.client.HTTPConnection("engine")
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(self.path)
        c.request("POST", "/v1.41" + what, body=json.dumps(said), headers={"Content-Type": "application/json"})
        return json.loads(c.getresponse().read())


def test_life(tap, box, runtime, left):
    name = runtime + "er"
    box.sett("tenant", "create", name, "--plan", runtime, "--wait")
    tap.equal(says(box, name), f"{name} on {runtime}\n", f"{runtime}: sold, and answers through the front door")
    hands = pid_of(box, "sett-hands")
    os.kill(hands, signal.SIGKILL)
    tap.equal(says(box, name), f"{name} on {runtime}\n", f"{runtime}: the hands are killed, and it answers on")
    wait_for(lambda: pid_of(box, "sett-hands") not in (0, hands), "the hands are back", 20)
    box.sett("tenant", "restart", name, "--wait")
    tap.equal(says(box, name), f"{name} on {runtime}\n", f"{runtime}: new hands know it and start it again")
    box.sett("tenant", "suspend", name, "--wait")
    tap.ok(box.http("GET", "/", host=f"{name}.localhost").status != 200, f"{runtime}: suspended, it does not answer")
    box.sett("tenant", "resume", name, "--wait")
    tap.equal(says(box, name), f"{name} on {runtime}\n", f"{runtime}: resumed, it does")
    box.sett("tenant", "update", name, "--memory-bytes", "134217728", "--wait")
    tap.equal(says(box, name), f"{name} on {runtime}\n", f"{runtime}: with more memory it has its data")
    number = box.json("tenant", "show", name)["number"]
    box.sett("tenant", "delete", name, "--action", "delete", f"--confirm={name}", "--wait")
    tap.equal(left(number), [], f"{runtime}: deleted, nothing is left")


def test_move(tap, box, left):
    """From an lxc container to a service of the swarm, and back: the data byte for byte, nothing left of the old."""
    box.sett("tenant", "create", "mover", "--plan", "lxc", "--wait")
    tenant = box.json("tenant", "show", "mover")
    site = os.path.join(box.root, "var/lib/sett/live/tenants", str(tenant["number"]), "site")
    fill(site)
    before = digest(site)
    for runtime, old in (("swarm", "lxc"), ("lxc", "swarm")):
        code, out, errors = box.sett("tenant", "move", "mover", "--blueprint", runtime, "--wait", ok=False)
        tenant = box.json("tenant", "show", "mover")
        tap.ok(code == 0 and tenant["runtime"] == runtime and tenant["state"] == "active", f"moved from {old} to {runtime}", out + errors)
        tap.equal(says(box, "mover"), "mover on lxc\n", f"{runtime}: it answers at the front door with its own page")
        tap.equal(digest(site), before, f"{runtime}: its data is the same, byte for byte")
        tap.equal(left(old), [], f"{runtime}: nothing is left of the old one")
        if runtime == "swarm":
            with open(os.path.join(site, "written-there"), "w", encoding="utf-8") as f:
                f.write("kept")
            before = digest(site)
    with open(os.path.join(box.root, "etc/sett/blueprints/far.conf"), "w", encoding="utf-8") as f:
        f.write("[blueprint]\ntitle = Far\nruntime = proxmox\nimage = local:vztmpl/x.tar.zst\ninner_port = 80\nhealth_path = /\n"
                "[limits]\nstorage = 1G\n")
    code, _, errors = box.sett("tenant", "move", "mover", "--blueprint", "far", ok=False)
    tap.ok(code != 0 and "from runtime lxc to proxmox" in errors, "to another machine its data is not carried: refused with that", errors)
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck finds nothing")
    box.sett("tenant", "delete", "mover", "--action", "delete", "--confirm=mover", "--wait")


def main():
    own_namespaces()
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-runtimes-")
    os.chmod(folder, 0o755)
    docker = os.path.join(folder, "docker")
    sock = os.path.join(docker, "engine.sock")
    box = None
    try:
        box = Box(conf=f"\n[hands]\ndocker_socket = {sock}\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n")
        for runtime, image in (("lxc", "busybox"), ("swarm", "docker.io/sett/busybox:latest")):
            with open(os.path.join(box.root, f"etc/sett/blueprints/{runtime}.conf"), "w", encoding="utf-8") as f:
                f.write(BLUEPRINT.format(runtime=runtime, image=image))
        box.run()

        def offer(runtime):
            box.sett("plan", "create", "--name", runtime, "--title", runtime, "--blueprint", runtime, "--currency",
                     "eur", "--offered")

        with tap.part("doctor"):
            offer("lxc")
            found = doctor(box)
            tap.ok("broken" in found and "images/busybox" in found and "mmdebstrap" in found,
                   "doctor: a template that is missing, and how to make one", found)
            make_template(box)
            tap.ok("broken" not in doctor(box), "doctor: it is there", doctor(box))
            offer("swarm")
            found = doctor(box)
            tap.ok("broken" in found and sock in found and "docker.io" in found,
                   "doctor: an engine that does not answer, and what to start", found)
            subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "start", docker], check=True, capture_output=True)
            found = doctor(box)
            tap.ok("broken" in found and "docker swarm init" in found, "doctor: no swarm, and how to make one", found)
            engine = Swarm(sock)
            engine.post("/swarm/init", {"ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1:2377"})
            found = doctor(box)
            tap.ok(" ok " in " " + found and ("ip_vs" in found) == (not os.path.exists("/proc/net/ip_vs")),
                   "doctor: all can run; what this kernel has of the routing mesh is said", found)
        with tap.part("lxc"):
            test_life(tap, box, "lxc", lambda n: [x for x in os.listdir(os.path.join(box.root, "var/lib/sett/lxc"))]
                      + [x for x in os.listdir("/sys/class/net") if x.startswith("settb")]
                      + [x for x in os.listdir(os.path.join(box.root, "var/lib/sett/live/tenants")) if x == str(n)])
        with tap.part("swarm"):
            test_life(tap, box, "swarm", lambda n: engine.get("/services")
                      + engine.networks()
                      + [x for x in os.listdir(os.path.join(box.root, "var/lib/sett/live/tenants")) if x == str(n)])
        with tap.part("move"):
            test_move(tap, box, lambda runtime: engine.get("/services") if runtime == "swarm" else os.listdir(os.path.join(box.root, "var/lib/sett/lxc")))
        if tap.bad:
            for program in ("worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
    finally:
        if box:
            box.close()
        subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "stop", docker], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
