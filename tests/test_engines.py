#!/usr/bin/env python3
"""Engines on other machines, for real: a machine beside this one (a network namespace) with a dockerd that listens on TLS,
and with an sshd. Tenants live there, are reached from here, and go; what is wrong is said with its remedy; a host whose key
has changed is not spoken to; a link that breaks is made again. Speaks TAP."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
from box import Box, Tap, wait_for
from far import FAR, Far
from test_container_tenant import Engine, own_network

BLUEPRINT = """[blueprint]
title = Site
runtime = docker
image = docker.io/sett/busybox:latest
command = sh -c "trap 'exit 0' TERM; httpd -f -p 8080 -h /srv & wait"
inner_port = 8080
health_path = /index.html
health_timeout_s = 60
user = web
read_only = yes
ENGINE
[limits]
memory = 32M
pids = 40

[volumes]
site = /srv

[init]
command = sh -c "echo made by $(id -u) >> /srv/index.html"
"""


def blueprint(box, name, engine=""):
    with open(os.path.join(box.root, f"etc/sett/blueprints/{name}.conf"), "w", encoding="utf-8") as f:
        f.write(BLUEPRINT.replace("ENGINE", f"engine = {engine}\n" if engine else ""))


def pem(far, name):
    cert, key = far.sign(name, f"DNS:{name}")
    return ["--ca-file", far.folder + "/ca.pem", "--cert-file", cert, "--key-file", key]


def page(box, name):
    answer = box.http("GET", "/", host=f"{name}.localhost")
    return answer.body.decode(errors="replace") if answer.status == 200 else f"{answer.status}"


def volumes(engine):
    return sorted(v["Name"] for v in engine.get("/volumes")["Volumes"] or [])


def nothing(engine):
    return engine.containers(), engine.networks(), volumes(engine)


def test_tls(tap, box, far, engine):
    url = f"tcp://{FAR}:2376"
    code, _, said = box.sett("engine", "add", "far", url, "--publish", FAR, ok=False)
    tap.ok(code != 0 and "certificate" in said, "without certificates an engine over tcp is not taken", said)
    code, _, said = box.sett("engine", "add", "far", url, *pem(far, "box"), ok=False)
    tap.ok(code != 0 and "--publish" in said and "ssh" in said, "nor without an address for what it publishes; ssh is named", said)
    stranger = Far.sign(far, "stranger", "DNS:stranger")
    box.sett("engine", "add", "far", url, "--publish", FAR, "--ca-file", stranger[0], "--cert-file", stranger[0], "--key-file", stranger[1])
    said = box.json("engine", "test", "far")
    tap.ok(not said["ok"] and said["problems"][0]["what"], "an engine that another authority signed is not believed", said)
    box.sett("engine", "update", "far", *pem(far, "box"))
    said = box.json("engine", "test", "far")
    tap.ok(said["ok"] and said["version"].startswith("Docker ") and said["cpus"] > 0, "with the right ones it says who it is and what it can", said)
    shown = box.sett("engine", "show", "far", "--json")
    tap.ok("PRIVATE" not in shown and "BEGIN" not in shown, "no key is shown", shown)
    blueprint(box, "site")
    code, _, said = box.sett("plan", "create", "--name", "far", "--blueprint", "site", "--engine", "nowhere", ok=False)
    tap.ok(code != 0 and "nowhere" in said, "a plan names an engine that there is", said)
    box.sett("plan", "create", "--name", "far", "--title", "Far", "--blueprint", "site", "--engine", "far", "--offered")
    plan = box.sett("tenant", "create", "Acme", "--plan", "far", "--dry-run")
    tap.ok("on far" in plan and "in no snapshot of this box" in plan, "the plan of a tenant says where it will be, and what that means", plan)
    code, out, said = box.sett("tenant", "create", "Acme", "--plan", "far", "--wait", ok=False)
    tap.ok(code == 0, "a tenant on an engine over TLS", out + said + box.log("worker")[-1500:])
    tap.equal(page(box, "acme"), "made by 1033\n", "it answers at the box's front door, its volume is its user's, its init command ran once")
    tenant = box.json("tenant", "show", "acme")
    port = engine.containers()[0]["Ports"][0]
    tap.ok(tenant["node"] == "far" and tenant["address"] == f"{FAR}:{tenant['port']}" and port["IP"] == FAR and port["PublicPort"] == tenant["port"],
           "its record says where, and its port is bound to that address alone", (tenant["node"], tenant["address"], port))
    tap.equal(volumes(engine), ["sett-t000001-init.0", "sett-t000001-site"], "what it keeps are volumes with our mark")
    stats = json.loads(box.sett("tenant", "stats", "1", "--json"))
    tap.ok(stats.get("memory_bytes", 0) > 0 and "storage_bytes" in stats, "stats come from there", stats)
    code, _, said = box.sett("engine", "remove", "far", "--confirm=far", ok=False)
    tap.ok(code != 0 and "1 tenant lives" in said, "an engine on which somebody lives is not removed", said)
    code, _, said = box.sett("tenant", "move", "1", "--runtime", "process", "--wait", ok=False)
    tap.ok(code != 0, "and nobody is carried off it", said)
    code, _, said = box.sett("tenant", "restore", "1", "--wait", ok=False)
    tap.ok(code != 0 and "no snapshot" in said, "nor restored here: its files are there", said)
    box.sett("tenant", "suspend", "1", "--wait")
    tap.equal(engine.containers()[0]["State"], "exited", "suspended: stopped there")
    box.sett("tenant", "resume", "1", "--wait")
    box.sett("tenant", "update", "1", "--memory-bytes", "67108864", "--wait")
    memory = engine.get("/containers/" + engine.containers()[0]["Id"] + "/json")["HostConfig"]["Memory"]
    tap.ok(memory == 67108864 and page(box, "acme") == "made by 1033\n", "resumed and given more: with its data, initiated no second time",
           (memory, page(box, "acme")))
    drift(tap, box, engine)
    box.sett("tenant", "delete", "1", "--action", "delete", "--confirm=acme", "--wait")
    tap.equal(nothing(engine), ([], [], []), "deleted: nothing is left there")
    code, _, said = box.sett("engine", "remove", "far", "--confirm=far", ok=False)
    tap.ok(code != 0 and "plan far" in said, "nor while a plan sells there", said)
    box.sett("plan", "update", "far", "--engine", "")
    box.sett("engine", "remove", "far", "--confirm=far")
    tap.equal(box.json("engine", "list")["data"], [], "then it is removed")


def scan(box):
    """Look for drift now: what was found."""
    before = box.json("drift", "status")["ended_at"]
    box.sett("drift", "scan")
    wait_for(lambda: box.json("drift", "status")["ended_at"] not in (None, before), "a look for drift", 20)
    return [d["thing"] for d in box.json("drift", "list")["data"] if d["state"] == "open"]


def drift(tap, box, engine):
    """What is there and wanted is no drift; what went missing is."""
    tap.equal(scan(box), [], "what lives there is what the records say")
    engine.ask("DELETE", f"/containers/{engine.containers()[0]['Id']}?force=1")
    tap.equal(scan(box), ["docker@far 1"], "what is missing there is found")
    box.sett("tenant", "suspend", "1", "--wait")
    box.sett("tenant", "resume", "1", "--wait")
    tap.equal(page(box, "acme"), "made by 1033\n", "and made again, its volume still there")


def test_ssh(tap, box, far, engine):
    print_of = far.host_key()
    far.start_sshd()
    added = box.json("engine", "add", "deep", f"ssh://root@{FAR}:2222{far.sock}")
    tap.ok(added["public_key"].startswith("ssh-ed25519 AAAA") and added["public_key"].endswith("sett-deep"), "adding one by ssh shows a key to let in", added)
    said = box.json("engine", "test", "deep")
    tap.ok(not said["ok"] and print_of in said["problems"][0]["what"] and f"--host-key {print_of}" in said["problems"][0]["remedy"],
           "its machine is not spoken to before somebody says that the key is its own; it is shown", said)
    box.sett("engine", "update", "deep", "--host-key", print_of)
    said = box.json("engine", "test", "deep")
    tap.ok(not said["ok"] and "does not let us in" in said["problems"][0]["what"] and "authorized_keys" in said["problems"][0]["remedy"],
           "a key that is not let in, and where to put it", said)
    far.let_in(added["public_key"])
    wait_for(lambda: box.json("engine", "test", "deep")["ok"], "let in, the link comes up", 20)
    tap.ok(box.json("engine", "show", "deep")["state"] == "ready", "let in, restricted to forwarding, it is ready")
    blueprint(box, "deep", "deep")
    box.sett("plan", "create", "--name", "deep", "--title", "Deep", "--blueprint", "deep", "--offered")
    taken_port = 3100  # the first of ports.ranges
    taken = far.occupy(taken_port)
    code, out, said = box.sett("tenant", "create", "Beta", "--plan", "deep", "--wait", ok=False)
    taken.kill()
    taken.wait(5)
    tenant = box.json("tenant", "show", "beta")
    tap.ok(code == 0 and page(box, "beta") == "made by 1033\n", "a tenant of a blueprint that names an engine by ssh, reached through the link",
           (out, said, box.log("worker")[-1500:]))
    tap.ok(tenant["port"] != taken_port and not tenant["address"], "on a port that is free on both sides", tenant)
    tap.ok(engine.containers()[0]["Ports"][0]["IP"] == "127.0.0.1", "there it is bound to loopback")
    far.stop_sshd()
    wait_for(lambda: page(box, "beta") != "made by 1033\n", "cut off", 10)
    far.start_sshd()
    wait_for(lambda: page(box, "beta") == "made by 1033\n", "the link comes back by itself, with its ports", 30)
    tap.ok(True, "a link that broke is made again, with its ports")
    changed(tap, box, far, print_of)
    box.sett("tenant", "delete", "beta", "--action", "delete", "--confirm=beta", "--wait")
    tap.equal(nothing(engine), ([], [], []), "deleted: nothing is left there")
    box.sett("engine", "remove", "deep", "--confirm=deep")
    links = os.path.join(box.root, "var/lib/sett/live/hands/links")
    wait_for(lambda: not os.listdir(links), "its key goes with it", 10)
    tap.ok(True, "removed: link and key are gone")


def changed(tap, box, far, print_of):
    far.stop_sshd()
    other = far.host_key("other")
    far.start_sshd("other")
    wait_for(lambda: "another key" in (box.json("engine", "test", "deep")["problems"] or [{"what": ""}])[0]["what"] or
             "not the one" in (box.json("engine", "test", "deep")["problems"] or [{"what": ""}])[0]["what"], "another key is noticed", 30)
    shown = box.json("engine", "show", "deep")
    tap.ok(shown["state"] == "away" and shown["remedy"] and other != print_of, "a machine that shows another key is not spoken to", shown)
    wait_for(lambda: any(a["kind"] == "engine.away" for a in box.json("alert", "list")["data"]), "it is told", 10)
    tap.ok(True, "and that is told")
    far.stop_sshd()
    far.start_sshd()
    wait_for(lambda: box.json("engine", "test", "deep")["ok"], "with its own key it is back", 30)
    tap.ok(not any(a["kind"] == "engine.away" and not a["cleared_at"] for a in box.json("alert", "list")["data"]), "with its own key it is back")


def test_local(tap, box):
    said = box.json("engine", "local")
    tap.ok(said["object"] == "engine_local" and not said["answers"] and "docker.io" in " ".join(p["fix"] for p in said["problems"]),
           "what this box's own engine is, or which package makes it one", said)


def test_connector(tap, box):
    """cloudflared: none, too old, new enough."""
    path, conf = os.path.join(box.root, "cloudflared"), os.path.join(box.root, "etc/sett/sett.conf")
    with open(conf, encoding="utf-8") as f:
        before = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(before.replace("[hands]\n", f"[ingress]\ndefault = cloudflare\n[hands]\ncloudflared = {path}\n", 1))
    for version, words in ((None, "is missing"), ("2024.1.0", "--token-file"), ("2025.4.0", "cloudflared 2025.4.0")):
        if version:
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\necho 'cloudflared version {version} (built 2025-01-01)'\n")
            os.chmod(path, 0o755)
        line = next(l for l in box.sett("doctor", ok=False)[1].splitlines() if " ingress " in l)
        tap.ok(words in line and line.startswith("ok" if version == "2025.4.0" else "broken"), f"doctor about cloudflared {version}", line)
    with open(conf, "w", encoding="utf-8") as f:
        f.write(before)


def main():
    own_network(os.path.abspath(__file__))
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-far-")
    os.chmod(folder, 0o755)
    far, box = Far(folder), None
    try:
        far.start_engine()
        engine = Engine(far.sock)
        box = Box(conf="\n[hands]\ndocker_socket = /nowhere/docker.sock\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 500\n")
        with tap.part("connector"):
            test_connector(tap, box)
        box.run()
        with tap.part("local"):
            test_local(tap, box)
        with tap.part("tls"):
            test_tls(tap, box, far, engine)
        with tap.part("ssh"):
            test_ssh(tap, box, far, engine)
        if tap.bad:
            logs = os.path.join(box.root, "var/lib/sett/live/hands/logs")
            for name in [os.path.join(folder, "sshd.log")] + [os.path.join(logs, n) for n in os.listdir(logs)]:
                with open(name, encoding="utf-8") as f:
                    print("# " + f.read().replace("\n", "\n# "))
            for program in ("worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
            print("# " + box.sett("job", "list").replace("\n", "\n# "))
    finally:
        if box:
            box.close()
        far.close()
    tap.done()


if __name__ == "__main__":
    main()
