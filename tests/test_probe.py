#!/usr/bin/env python3
"""A tunnel looked at: its status from all four sources, and what a probe finds. Real parts: worker, hands,
front and store; the edge is the fakes'. Speaks TAP.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, wait_for


def tunnel_of(box, tenant):
    return box.json("tunnel", "list", "--tenant-id", tenant)["data"][0]


def test_status(tap, box, world):
    made = box.json("tenant", "create", "acme", "--plan", "demo", "--no-wait")
    wait_for(lambda: box.json("tenant", "show", made["id"])["state"] == "active", "the tenant is active", 60, 0.1)
    tunnel = tunnel_of(box, made["id"])
    def status():
        return box.json("tunnel", "status", tunnel["id"])
    s = wait_for(lambda: (s := status())["health"] == "healthy" and s, "the tunnel is healthy", 30, 0.1)
    tap.ok(s["connector_running"] and s["connector_pid"] > 0 and s["connector_since"], "its unit: running, pid, since", s)
    tap.ok(s["ready"] and s["ready_connections"] == 4 and s["edge_locations"] == ["fra08", "fra10", "ams03", "ams12"],
           "its own word: ready, how many connections, where", s)
    tap.ok(s["provider_status"] == "healthy" and s["connectors"] == 1 and s["provider_connectors"][0]["colos"] == ["FRA01"]
           and s["provider_connectors"][0]["version"] == "2025.5.0", "Cloudflare's: connectors, versions, data centres", s)
    os.kill(s["connector_pid"], 9)
    s = wait_for(lambda: (s := status())["connector_restarts"] > 0 and s["health"] == "healthy" and s, "it is started again", 30, 0.1)
    tap.ok(s["connector_restarts"] > 0, "killed: started again, and counted")
    world.call("faults", [{"match": "GET /accounts/*/cfd_tunnel/*", "fault": "500", "times": 1000}])
    s = status()
    world.call("faults", [])
    tap.ok(s["health"] == "healthy" and s["provider_status"] is None and "500" in s["provider_error"],
           "Cloudflare's API is down: the rest is told all the same", s)
    world.call("forget", {"id": tunnel["cf_tunnel"]})
    s = wait_for(lambda: (s := status())["last_error"] and s["health"] == "gone" and s, "it is gone at Cloudflare", 30, 0.1)
    tap.ok(s["last_error"]["code"] == "tunnel_gone" and s["last_error"]["cause"] and "Tunnel not found" in s["last_error"]["line"]
           and not s["ready"] and "sett tunnel" in s["remedy"], "deleted over there: the error, its cause and what to do", s)
    code, out, _ = box.sett("tunnel", "status", tunnel["id"], ok=False)
    tap.ok(code == 0 and "gone" in out, "the same for people", out)


def main():
    tap = Tap()
    world = World(tempfile.mkdtemp(prefix="sett-world-"))
    box = Box(world=world, ingress="cloudflare")
    try:
        box.start_all()
        with tap.part("status"):
            test_status(tap, box, world)
        tap.equal(world.call("breaches"), [], "every exchange was as the providers describe it")
        if tap.bad:
            for program in ("front", "worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-30:]))
    finally:
        box.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
