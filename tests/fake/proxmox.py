"""A stateful Proxmox VE cluster: nodes, storages, templates, containers whose programs really answer on addresses of
this machine's loopback, and tasks that take a while. Whatever changes something answers at once with a task's name;
what came of it only the task says. The words of an error stand in the status line."""
import http.server
import json
import os
import threading
import time
import urllib.parse

from contract import Contract

GIB = 1 << 30
TEMPLATE, CLONE = "local:vztmpl/site_1_amd64.tar.zst", 9000
PORT = 8080
TASK_S = 0.12
TOKEN_ID, TOKEN = "sett@pve!box", "01234567-89ab-cdef-0123-456789abcdef"


class FormContract(Contract):
    """Forms here are flat, so each value is judged by its own schema."""

    def form(self, where, schema, text):
        properties = schema.get("properties", {})
        given = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        for pair in text.split("&"):
            if pair and (pair.count("=") != 1 or ";" in pair):
                self.breach(where, f"{pair}: the server splits at every = and ;")
        for name, value in given.items():
            if name not in properties:
                self.breach(where, f"unknown parameter {name}")
                continue
            described = self.deref(properties[name])
            kinds = {described.get("type")} | {d.get("type") for d in described.get("anyOf", [])}
            try:
                typed = int(value) if kinds & {"integer", "boolean"} else float(value) if "number" in kinds else value
            except ValueError:
                typed = value
            self.judge(f"{where} {name}", described, typed)
        for name in schema.get("required", []):
            if name not in given:
                self.breach(where, f"parameter {name} is missing")


class Refusal(Exception):
    def __init__(self, status, words, errors=None):
        super().__init__(words)
        self.status, self.words, self.errors = status, words, errors


class Program(http.server.ThreadingHTTPServer):
    """What runs in a container: it says where it is and what its disk holds."""
    daemon_threads = True

    def __init__(self, guest, address):
        class Page(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                raw = f"vmid={guest['vmid']} node={guest['node']} disk={guest['disk']} env={guest['config'].get('env', '')}".encode()
                self.send_response(200 if guest["answers"] else 503)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
        super().__init__((address, PORT), Page)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class Proxmox:
    def __init__(self, ledger, version="9.1.3"):
        self.ledger, self.version = ledger, version
        self.nodes = {"pve1": {"maxmem": 8 * GIB, "mem": 2 * GIB, "maxcpu": 4, "cpu": 0.05, "status": "online"},
                      "pve2": {"maxmem": 16 * GIB, "mem": 4 * GIB, "maxcpu": 8, "cpu": 0.1, "status": "online"},
                      "pve3": {"maxmem": 64 * GIB, "mem": GIB, "maxcpu": 32, "cpu": 0, "status": "offline"}}
        self.templates = {"pve1": [TEMPLATE], "pve2": [TEMPLATE], "pve3": []}
        self.guests, self.tasks, self.leases, self.serial = {}, {}, 0, 0
        self.plan = {}  # test's wishes: "dead": programs that never answer; "fail": {task type: words}
        self.guests[CLONE] = self.guest(CLONE, "pve1", {"hostname": "golden", "rootfs": f"local-lvm:vm-{CLONE}-disk-0,size=2G",
                                                        "memory": 512, "template": 1})

    @staticmethod
    def guest(vmid, node, config, lock=None):
        return {"vmid": vmid, "node": node, "config": config, "lock": lock, "status": "stopped", "disk": os.urandom(8).hex(),
                "program": None, "address": None, "started": 0.0, "answers": True}

    # Tasks: they end by themselves, whether or not anybody asks.
    def task(self, node, kind, vmid, effect, seconds=TASK_S):
        self.serial += 1
        upid = f"UPID:{node}:{self.serial:08X}:{0x1000000 + self.serial:08X}:{int(time.time()):08X}:{kind}:{vmid}:{TOKEN_ID}:"
        self.tasks[upid] = {"upid": upid, "node": node, "type": kind, "id": str(vmid), "ends": time.monotonic() + seconds,
                            "effect": effect, "exit": None, "start": int(time.time()), "serial": self.serial}
        return upid

    def advance(self):
        for t in list(self.tasks.values()):
            if t["exit"] is None and time.monotonic() >= t["ends"]:
                words = self.plan.get("fail", {}).pop(t["type"], None)
                t["exit"] = words or t["effect"](words) or "OK"
                if words:
                    t["effect"](words)
                self.ledger.effect("task", t["upid"], kind=t["type"], vmid=t["id"], exit=t["exit"])

    # Requests.
    def handle(self, method, path, query, body, headers):
        said = headers.get("Authorization") or ""
        self.advance()
        if said != f"PVEAPIToken={TOKEN_ID}={TOKEN}":
            return 401, "invalid token value!" if TOKEN_ID in said else "No ticket", None
        try:
            given = {k: v[-1] for k, v in urllib.parse.parse_qs((body or b"").decode(), keep_blank_values=True).items()}
            given.update({k: v[-1] for k, v in query.items()} if method in ("GET", "DELETE") else {})
            return 200, "OK", {"data": self.route(method, [urllib.parse.unquote(p) for p in path.strip("/").split("/")], given)}
        except Refusal as r:
            payload = {"data": None, "message": r.words + "\n"}
            if r.errors:
                payload["errors"] = r.errors
            return r.status, r.words, payload

    # Rights: with a plan "acl", [[path, [privilege, ...]], ...], what the token holds; without one, all. Where each is
    # asked for is as the API's description says (contracts/proxmox.json, "permissions").
    def holds(self, privilege, *places):
        """At one of the places, or passed on from above it; a guest is in its pool, too."""
        acl = self.plan.get("acl")
        if acl is None:
            return True
        above = {"/"}
        for place in places:
            parts = place.strip("/").split("/")
            above |= {"/" + "/".join(parts[:i + 1]) for i in range(len(parts))}
        return any(path in above and privilege in held for path, held in acl)

    def need(self, privileges, *places):
        for p in privileges:
            if not self.holds(p, *places):
                raise Refusal(403, f"Permission check failed ({places[0]}, {p})")

    def of_guest(self, vmid, pool=None):
        pool = pool or self.guests.get(vmid, {}).get("pool")
        return (f"/vms/{vmid}", f"/pool/{pool}") if pool else (f"/vms/{vmid}",)

    def need_config(self, given, *places):
        """Which right each option wants (PVE::LXC::check_ct_modify_config_perm)."""
        for name in given:
            if name.startswith(("rootfs", "mp")):
                self.need(["VM.Config.Disk"], *places)
            elif name in ("cores", "cpulimit", "cpuunits"):
                self.need(["VM.Config.CPU"], *places)
            elif name in ("memory", "swap"):
                self.need(["VM.Config.Memory"], *places)
            elif name.startswith("net") or name in ("nameserver", "searchdomain", "hostname"):
                self.need(["VM.Config.Network"], *places)
                if name.startswith("net"):
                    bridge = dict(p.split("=", 1) for p in given[name].split(",")).get("bridge")
                    self.need(["SDN.Use"], f"/sdn/zones/localnetwork/{bridge}")
            elif name in ("vmid", "ostemplate", "pool", "unprivileged", "start"):
                pass
            else:
                self.need(["VM.Config.Options"], *places)

    def allowed(self, method, parts, given):
        """403, as the server says it, for what the token may not."""
        if parts[0] != "nodes" or len(parts) < 3:
            return
        if parts[2] == "storage" and len(parts) > 4 and not (self.holds("Datastore.Audit", f"/storage/{parts[3]}") or
                                                            self.holds("Datastore.AllocateSpace", f"/storage/{parts[3]}")):
            raise Refusal(403, f"Permission check failed (/storage/{parts[3]}, Datastore.Audit|Datastore.AllocateSpace)")
        if parts[2] != "lxc":
            return
        if len(parts) == 3:
            places = self.of_guest(int(given["vmid"]), given.get("pool"))
            self.need(["VM.Allocate"], *places)
            self.need(["Datastore.AllocateSpace"], "/storage/" + given.get("rootfs", "local:4").partition(":")[0])
            self.need(["Datastore.Audit"], "/storage/" + given["ostemplate"].partition(":")[0])
            self.need_config(given, *places)
            return
        places, rest = self.of_guest(int(parts[3])), "/".join(parts[4:])
        if method == "GET":
            self.need(["VM.Audit"], *places)
        elif rest == "":
            self.need(["VM.Allocate"], *places)
        elif rest == "config":
            self.need_config(given, *places)
        elif rest.startswith("status/"):
            self.need(["VM.PowerMgmt"], *places)
        elif rest == "resize":
            self.need(["VM.Config.Disk"], *places)
            self.need(["Datastore.AllocateSpace"], "/storage/local-lvm")
        elif rest == "migrate":
            self.need(["VM.Migrate"], *places)
        elif rest == "clone":
            self.need(["VM.Clone"], *places)
            self.need(["VM.Allocate"], *self.of_guest(int(given["newid"]), given.get("pool")))
            self.need(["Datastore.AllocateSpace"], "/storage/local-lvm")

    def permissions(self):
        """What the token says that it holds."""
        out = {}
        for path, held in self.plan["acl"]:
            out.setdefault(path, {}).update(dict.fromkeys(held, 1))
        return out

    def route(self, method, parts, given):
        self.allowed(method, parts, given)
        if parts == ["version"]:
            return {"version": self.version, "release": self.version.rpartition(".")[0], "repoid": "0123abcd"}
        if parts == ["access", "permissions"] and self.plan.get("acl") is not None:
            return self.permissions()
        if parts == ["access", "permissions"]:
            return {"/vms": dict.fromkeys(self.plan.get("privileges", ["VM.Allocate", "VM.Audit", "VM.Clone", "VM.PowerMgmt", "VM.Migrate",
                    "VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options"]), 1),
                    "/storage": {"Datastore.AllocateSpace": 1, "Datastore.Audit": 1}, "/nodes": {"Sys.Audit": 1}, "/sdn": {"SDN.Use": 1}}
        if parts == ["cluster", "nextid"]:
            return next(i for i in range(100, 10**6) if i not in self.guests)
        if parts == ["cluster", "resources"]:
            return self.resources()
        if parts[0] == "nodes" and len(parts) > 2:
            node = self.nodes.get(parts[1])
            if node is None or node["status"] != "online":
                raise Refusal(595, f"hostname lookup '{parts[1]}' failed" if node is None else "No route to host")
            if parts[2] == "lxc":
                return self.create(parts[1], given) if len(parts) == 3 else self.container(method, parts[1], int(parts[3]), parts[4:], given)
            if parts[2] == "tasks":
                return self.about_tasks(parts[1], parts[3:], given)
            if parts[2] == "storage":
                return [{"volid": v, "content": "vztmpl", "format": "tzst", "size": 1000} for v in self.templates[parts[1]]] \
                    if len(parts) == 5 else self.storages(parts[1])
        raise Refusal(404, "Not Found")

    def storages(self, node):
        return [{"storage": "local", "type": "dir", "content": "vztmpl,iso", "active": 1, "enabled": 1, "shared": 0, "total": 100 * GIB,
                 "used": GIB, "avail": 99 * GIB},
                {"storage": "local-lvm", "type": "lvmthin", "content": "rootdir,images", "active": 1, "enabled": 1, "shared": 0,
                 "total": 200 * GIB, "used": 10 * GIB, "avail": 190 * GIB}]

    def resources(self):
        out = []
        for name, n in self.nodes.items():
            known = self.holds("Sys.Audit", f"/nodes/{name}")
            out.append({"id": f"node/{name}", "type": "node", "node": name, **(n if known else {"status": n["status"]})})
            if self.holds("Datastore.Audit", "/storage/local-lvm"):
                out.append({"id": f"storage/{name}/local-lvm", "type": "storage", "node": name, "storage": "local-lvm", "status": "available",
                            "content": "rootdir,images", "shared": 0, "maxdisk": 200 * GIB, "disk": 10 * GIB})
        for g in self.guests.values():
            if not self.holds("VM.Audit", *self.of_guest(g["vmid"])):
                continue
            out.append({"id": f"lxc/{g['vmid']}", "type": "lxc", "vmid": g["vmid"], "node": g["node"], "status": g["status"],
                        "name": g["config"].get("hostname", f"CT{g['vmid']}"), "template": g["config"].get("template", 0),
                        "maxmem": int(g["config"].get("memory", 512)) << 20, "tags": g["config"].get("tags", "")})
        return out

    def about_tasks(self, node, rest, given):
        if not rest:
            found = [t for t in self.tasks.values() if t["node"] == node and t["id"] == given.get("vmid", t["id"])]
            return [{"upid": t["upid"], "node": node, "pid": t["serial"], "pstart": t["serial"], "starttime": t["start"], "type": t["type"],
                     "id": t["id"], "user": TOKEN_ID, **({"status": t["exit"], "endtime": t["start"] + 1} if t["exit"] else {})}
                    for t in reversed(found)][:int(given.get("limit", 50))]
        t = self.tasks.get(rest[0])
        if t is None:
            raise Refusal(500, f"no such task '{rest[0]}'")
        if rest[1] == "log":
            return [{"n": 1, "t": f"{t['type']} of {t['id']}"}, {"n": 2, "t": f"TASK {t['exit']}"}]
        out = {"upid": t["upid"], "node": node, "pid": t["serial"], "pstart": t["serial"], "starttime": t["start"], "type": t["type"],
               "id": t["id"], "user": "sett@pve", "tokenid": "box", "status": "running" if t["exit"] is None else "stopped"}
        if t["exit"] is not None:
            out["exitstatus"] = t["exit"]
        return out

    # Containers.
    def place(self, vmid, node):
        g = self.guests.get(vmid)
        if g is None or g["node"] != node:
            raise Refusal(500, f"Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist")
        return g

    def create(self, node, given):
        vmid = int(given["vmid"])
        if vmid in self.guests:
            raise Refusal(500, f"unable to create CT {vmid} - CT {vmid} already exists on node '{self.guests[vmid]['node']}'")
        storage, _, gib = given.get("rootfs", "local:4").partition(":")
        if storage != "local-lvm":
            raise Refusal(400, "Parameter verification failed.", {"rootfs": f"storage '{storage}' does not exist"})
        # While it is made, its configuration says nothing but that.
        g = self.guests[vmid] = self.guest(vmid, node, {}, "create")
        config = {k: v for k, v in given.items() if k not in ("vmid", "ostemplate", "pool", "start")}
        config["rootfs"] = f"local-lvm:vm-{vmid}-disk-0,size={gib}G"

        def made(words):
            if words or given["ostemplate"] not in self.templates[node]:
                self.guests.pop(vmid, None)
                return None if words else f"unable to create CT {vmid} - volume '{given['ostemplate']}' does not exist"
            g["config"], g["lock"], g["pool"] = config, None, given.get("pool")  # it enters its pool at the end
            self.ledger.effect("made", str(vmid), node=node)
            return "WARNINGS: 1" if self.plan.get("warn") else "OK"
        return self.task(node, "vzcreate", vmid, made)

    def container(self, method, node, vmid, rest, given):
        g = self.place(vmid, node)
        what = (method, "/".join(rest))
        if what == ("GET", "config"):
            # The order of lines of a description is kept, and a line break added.
            out = dict(g["config"], digest="0" * 40, **({"lock": g["lock"]} if g["lock"] else {}))
            if "description" in out:
                out["description"] += "\n"
            return {k: int(v) if k in ("memory", "cores", "onboot", "unprivileged", "template") else float(v) if k == "cpulimit" else v
                    for k, v in out.items()}
        if what == ("GET", "status/current"):
            return {"vmid": vmid, "status": g["status"], "ha": {"managed": 0}, "name": g["config"].get("hostname", f"CT{vmid}"),
                    "uptime": int(time.monotonic() - g["started"]) if g["status"] == "running" else 0, "cpu": 0.01, "cpus": 1,
                    "mem": 30 << 20 if g["status"] == "running" else 0, "maxmem": int(g["config"].get("memory", 512)) << 20, "disk": 300 << 20, "netin": 1000, "netout": 2000,
                    **({"lock": g["lock"]} if g["lock"] else {})}
        if what == ("GET", "interfaces"):
            card = {"name": "eth0", "hwaddr": "bc:24:11:00:00:01", "hardware-address": "bc:24:11:00:00:01", "ip-addresses": []}
            if g["address"]:
                card.update(inet=g["address"] + "/8", **{"ip-addresses": [{"ip-address": g["address"], "ip-address-type": "inet", "prefix": 8}]})
            return [{"name": "lo", "hwaddr": "00:00:00:00:00:00", "hardware-address": "00:00:00:00:00:00", "inet": "127.0.0.1/8",
                     "ip-addresses": []}, card]
        if g["lock"]:
            raise Refusal(500, f"CT is locked ({g['lock']})")
        if what == ("PUT", "config"):
            g["config"].update(given)
            return None
        if what == ("PUT", "resize"):
            gib = int(given["size"].rstrip("G"))
            return self.locked(g, "resize", "disk", lambda: g["config"].update(rootfs=f"local-lvm:vm-{vmid}-disk-0,size={gib}G"))
        if what == ("POST", "status/start"):
            if g["status"] == "running":
                raise Refusal(500, f"CT {vmid} already running")
            return self.locked(g, "vzstart", None, lambda: self.up(g))
        if what in (("POST", "status/shutdown"), ("POST", "status/stop")):
            if g["status"] != "running":
                raise Refusal(500, f"CT {vmid} not running")
            return self.locked(g, "vzshutdown", None, lambda: self.down(g))
        if what == ("POST", "status/reboot"):
            return self.locked(g, "vzreboot", None, lambda: (self.down(g), self.up(g)))
        if what == ("POST", "clone"):
            return self.clone(g, given)
        if what == ("POST", "migrate"):
            return self.migrate(g, given)
        if what == ("DELETE", ""):
            if g["status"] == "running":
                raise Refusal(500, f"unable to destroy CT {vmid} - container is running")

            def gone():
                self.guests.pop(vmid)
                self.ledger.effect("destroyed", str(vmid))
            return self.locked(g, "vzdestroy", "destroyed", gone)
        raise Refusal(501, f"Method '{method} /{'/'.join(rest)}' not implemented")

    def locked(self, g, kind, lock, effect):
        g["lock"] = lock

        def end(words):
            g["lock"] = None
            if not words:
                effect()
        return self.task(g["node"], kind, g["vmid"], end)

    def clone(self, source, given):
        vmid, node = int(given["newid"]), given.get("target", source["node"])
        if vmid in self.guests:
            raise Refusal(500, f"unable to create CT {vmid} - CT {vmid} already exists on node '{self.guests[vmid]['node']}'")
        config = dict(source["config"], hostname=given["hostname"], description=given["description"],
                      rootfs=f"local-lvm:vm-{vmid}-disk-0,size=2G")
        config.pop("template", None)
        g = self.guests[vmid] = self.guest(vmid, node, config, "create")
        g["pool"] = given.get("pool")

        def made(words):
            if words:
                self.guests.pop(vmid)
            g["lock"] = None
            self.ledger.effect("made", str(vmid), node=node)
        return self.task(source["node"], "vzclone", vmid, made)

    def migrate(self, g, given):
        target = self.nodes.get(given["target"])
        if target is None:
            raise Refusal(400, "Parameter verification failed.", {"target": "no such cluster node"})
        if given["target"] == g["node"]:
            raise Refusal(400, "Parameter verification failed.", {"target": "target is local node."})
        if g["status"] == "running" and not given.get("restart"):
            raise Refusal(500, "can't migrate running container without --online or --restart")

        def moved(words):
            g["lock"] = None
            ran = g["status"] == "running"
            if ran:
                self.down(g)
            if words:  # it stays where it was, and down
                return None
            if target["status"] != "online":
                return "migration aborted"
            g["node"] = given["target"]
            self.ledger.effect("migrated", str(g["vmid"]), node=g["node"])
            if ran:
                self.up(g)
            return None
        g["lock"] = "migrate"
        return self.task(g["node"], "vzmigrate", g["vmid"], moved)

    def up(self, g):
        net = dict(p.split("=", 1) for p in g["config"].get("net0", "").split(","))
        if net.get("ip") == "dhcp":
            self.leases += 1
            g["address"] = f"127.7.{self.leases // 200}.{1 + self.leases % 200}"
        else:
            g["address"] = net["ip"].split("/")[0]
        g["status"], g["started"] = "running", time.monotonic()
        g["answers"] = not self.plan.get("dead")
        g["program"] = Program(g, g["address"])

    def down(self, g):
        g["status"] = "stopped"
        if g["program"]:
            g["program"].shutdown()
            g["program"].server_close()
        g["program"] = None

    def state(self):
        self.advance()
        return {str(v): {k: g[k] for k in ("vmid", "node", "config", "lock", "status", "disk", "address")} for v, g in self.guests.items()}

    def foreign(self, vmid, node="pve1"):
        """Somebody else's container."""
        self.guests[vmid] = self.guest(vmid, node, {"hostname": "theirs", "memory": 512})
        return {}

    def exchange(self, contract, method, target, headers, body, lost):
        """One exchange, under the contract and the fault plan: (status, body, headers with "_reason")."""
        path, _, query = target.partition("?")
        short = path[len("/api2/json"):]
        found = contract.request(method, target, headers.get("Content-Type", ""), body)
        fault = self.ledger.fault_for(method, short)
        if fault in ("refuse", "drop"):
            return lost
        planned = {"500": (500, "a planned fault"), "429": (500, "can't lock file '/run/lock/lxc/pve-config-1.lock' - got timeout"),
                   "409": (595, "Connection refused"), "auth": (401, "invalid token value!")}.get(fault)
        if planned:
            return planned[0], b"" if planned[0] in (401, 595) else json.dumps({"data": None}).encode(), {"_reason": planned[1]}
        with self.ledger.lock:
            status, words, payload = self.handle(method, short, urllib.parse.parse_qs(query), body, headers)
        if payload is not None:
            contract.answer(found, status, payload)
        raw = b"" if payload is None else json.dumps(payload).encode()
        if fault == "lose":
            return lost
        if fault == "garbage":
            raw = b"<html><body>bad gateway</body></html>"
        elif fault == "truncate":
            raw = raw[: len(raw) // 2]
        return status, raw, {"_reason": words}
