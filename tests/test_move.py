#!/usr/bin/env python3
"""Tenants that are moved from one runtime of the box to another, with a real container engine and a real nginx: the
data is the same byte for byte, the front door answers, nothing is left of the old; a move that cannot be is refused
with its cause, and one that fails leaves the old one answering as before. Speaks TAP.

Runs in a network namespace of its own, so that an engine's bridges and firewall rules end with it."""
import hashlib
import os
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
from box import Box, Tap, wait_for
from test_container_tenant import Engine, own_network

CONTAINER = """[blueprint]
title = A site in a container
runtime = docker
image = docker.io/sett/busybox:latest
command = {command}
user = 1234:1234
inner_port = 8080
health_path = /health
health_timeout_s = {health_s}

[volumes]
{volumes}
"""
SERVE = 'sh -c "trap exit TERM; httpd -f -p 8080 -h /site & wait"'


def blueprint(box, name, command=SERVE, volumes="site = /site", health_s=30):
    with open(os.path.join(box.root, f"etc/sett/blueprints/{name}.conf"), "w", encoding="utf-8") as f:
        f.write(CONTAINER.format(command=command, volumes=volumes, health_s=health_s))


def folder(box):
    return os.path.join(box.root, "var/lib/sett/live/tenants/1/site")


def fill(path):
    """Files as a tenant has them: nested, large and small, links, odd names."""
    for i in range(60):
        where = os.path.join(path, f"d{i % 7}", f"e{i % 3}")
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, f"file {i} ä.bin"), "wb") as f:
            f.write(os.urandom(1 + i * 997))
    os.symlink("d0/e0", os.path.join(path, "short"))
    os.symlink("/etc/passwd", os.path.join(path, "outward"))


def digest(path):
    h = hashlib.sha256()
    for at, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files + [d for d in folders if os.path.islink(os.path.join(at, d))]):
            whole = os.path.join(at, name)
            h.update(os.path.relpath(whole, path).encode())
            if os.path.islink(whole):
                h.update(os.readlink(whole).encode())
            else:
                with open(whole, "rb") as f:
                    h.update(f.read())
    return h.hexdigest()


def owners(path):
    return {os.lstat(os.path.join(at, n)).st_uid for at, folders, files in os.walk(path) for n in folders + files}


def page(box):
    answer = box.http("GET", "/health", host="acme.localhost")
    return answer.status


def test_refusals(tap, box, engine):
    blueprint(box, "site-docker")
    blueprint(box, "blind", volumes="other = /other")
    plan = box.sett("tenant", "move", "1", "--runtime", "docker", "--dry-run")
    tap.ok("from process (blueprint site) to docker (blueprint site-docker)" in plan and "Remove the old one" in plan
           and not engine.containers(), "a plan says from where to where, and makes nothing", plan)
    for words, why in ((("--runtime", "lxd"), "no runtime lxd: it is one of process"), (("--runtime", "swarm"), "no blueprint"), (("--runtime", "process"), "process already"),
                       (("--blueprint", "blind"), 'no volume "site"'), (("--blueprint", "nowhere"), "nowhere"),
                       (("--runtime", "docker", "--node", "pve2"), "no machines"), ((), "where to")):
        code, out, errors = box.sett("tenant", "move", "1", *words, ok=False)
        tap.ok(code not in (0, 1) or why in errors, f"refused: {' '.join(words) or 'nowhere'}", (code, out, errors))
        tap.ok(why in errors, f"because: {why}", errors)
    os.mkdir(os.path.join(os.path.dirname(folder(box)), "more"))
    code, out, errors = box.sett("tenant", "move", "1", "--runtime", "docker", ok=False)
    tap.ok(code != 0 and '"more"' in errors, "refused: a folder that would not be seen any more", errors)
    os.rmdir(os.path.join(os.path.dirname(folder(box)), "more"))
    tap.equal([j for j in box.json("job", "list")["data"] if j["saga"] == "tenant.move"], [], "no job was started")


def test_there_and_back(tap, box, engine):
    fill(folder(box))
    box.sett("tunnel", "create", "--container-id", "1", "--hostname", "more.localhost", "--ingress", "local", "--wait")
    before, port, owner = digest(folder(box)), box.json("tenant", "show", "1")["port"], owners(folder(box))
    code, out, errors = box.sett("tenant", "move", "1", "--runtime", "docker", "--reason", "room", "--wait", ok=False)
    tap.ok(code == 0, "from a process to a container", out + errors + box.log("worker")[-1500:])
    tenant = box.json("tenant", "show", "1")
    tap.equal((tenant["runtime"], tenant["blueprint"], tenant["state"], page(box)), ("docker", "site-docker", "active", 200),
              "it answers at the front door, from there")
    wait_for(lambda: box.http("GET", "/health", host="more.localhost").status == 200, "its further way in leads there, too", 10)
    tap.ok(tenant["port"] != port, "at another port", (port, tenant["port"]))
    tap.equal(digest(folder(box)), before, "its data is the same, byte for byte")
    tap.equal(owners(folder(box)), {1234}, "and belongs to the container's user")
    tap.equal(len(engine.containers()), 1, "one container")
    with socket.socket() as s:
        tap.ok(s.connect_ex(("127.0.0.1", port)) != 0, "the process is gone: nobody listens at its port")
    tap.equal([p["port"] for p in box.json("port", "list")["data"] if p.get("tenant_id")], [tenant["port"]], "the old port is free")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck finds nothing")
    box.sett("tenant", "update", "1", "--cpu-millis", "500", "--wait")
    code, out, errors = box.sett("tenant", "move", "1", "--runtime", "process", ok=False)
    tap.ok(code != 0 and "processor time" in errors, "refused: a process cannot hold its limit of processor time", errors)
    box.sett("tenant", "update", "1", "--cpu-millis", "0", "--wait")
    box.sett("plan", "create", "--name", "larger", "--title", "Larger", "--blueprint", "site", "--currency", "eur", "--memory-bytes", str(128 << 20))
    box.sett("tenant", "update", "1", "--plan", "larger", "--wait")
    tap.equal((box.json("tenant", "show", "1")["runtime"], engine.get("/containers/" + engine.containers()[0]["Id"] + "/json")["HostConfig"]["Memory"],
               page(box)), ("docker", 128 << 20, 200), "another plan of its family holds where it is now")
    with open(os.path.join(folder(box), "written-there"), "w", encoding="utf-8") as f:
        f.write("kept")
    before = digest(folder(box))
    box.sett("tenant", "move", "1", "--runtime", "process", "--wait")
    tenant = box.json("tenant", "show", "1")
    tap.equal((tenant["runtime"], tenant["blueprint"], page(box)), ("process", "site", 200), "and back: it answers")
    tap.equal((digest(folder(box)), engine.containers(), engine.networks()), (before, [], []), "with all its data; no container, no network is left")
    tap.ok(1234 not in owners(folder(box)) - owner, "which is its own user's again", (owners(folder(box)), owner))
    audit = [a for a in box.json("audit", "list")["data"] if a["action"] == "tenant.move"]
    tap.ok(any(a.get("reason") == "room" for a in audit), "with who did it and why in the audit", audit)


def test_failure(tap, box, engine):
    blueprint(box, "dead", command='sh -c "trap exit TERM; sleep 1000 & wait"', health_s=2)
    before, tenant = digest(folder(box)), box.json("tenant", "show", "1")
    code, out, errors = box.sett("tenant", "move", "1", "--blueprint", "dead", "--wait", ok=False)
    job = next(j for j in box.json("job", "list")["data"] if j["saga"] == "tenant.move")
    tap.ok(code != 0 and job["state"] == "undone" and job["cause"], "one that never answers is taken back", (job["state"], job["cause"], out, errors))
    after = box.json("tenant", "show", "1")
    tap.equal({k: after[k] for k in ("runtime", "blueprint", "port", "state")}, {k: tenant[k] for k in ("runtime", "blueprint", "port", "state")},
              "the tenant is where it was")
    tap.ok(job["cause"][:30] in (after["state_reason"] or ""), "and says why it is still there", after["state_reason"])
    tap.equal((page(box), digest(folder(box)), engine.containers()), (200, before, []), "the old one answers, its data whole, and nothing of the new is left")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck finds nothing")


def main():
    own_network(os.path.abspath(__file__))
    tap = Tap()
    place = tempfile.mkdtemp(prefix="sett-engine-")
    os.chmod(place, 0o755)
    box = None
    try:
        sock = subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "start", place], check=True, capture_output=True,
                              text=True).stdout.strip()
        box = Box(conf=f"\n[hands]\ndocker_socket = {sock}\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n")
        box.run()
        box.sett("tenant", "create", "Acme", "--plan", "demo", "--wait")
        engine = Engine(sock)
        for name, part in (("refusals", test_refusals), ("there and back", test_there_and_back), ("failure", test_failure)):
            with tap.part(name):
                part(tap, box, engine)
        if tap.bad:
            for program in ("worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
    finally:
        if box:
            box.close()
        subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "stop", place], check=False)
    tap.done()


if __name__ == "__main__":
    main()
