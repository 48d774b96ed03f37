"""A strange hand at the provider: the rules of a tenant's tunnel lead elsewhere, and its record is gone."""
import os
import tempfile

from box import Box, World, wait_for
from test_stripe_key import FAST


def scenario(tap, book):
    folder = tempfile.mkdtemp(prefix="sett-tunnel-down-")
    world = World(os.path.join(folder, "world"))
    box = Box(world=world, ingress="cloudflare", conf=FAST)
    host = f"acme.{world.facts['domain']}"

    def tunnel():
        return next(t for t in world.call("state")["tunnels"] if t["deleted_at"] is None)

    def records():
        return [r for r in world.call("state")["records"] if r["name"] == host]

    def answers():
        return world.call("edge", {"host": host})["status"]
    try:
        box.run()
        box.sett("tenant", "create", "Acme", "demo", "--subdomain", "acme", "--wait")
        wait_for(lambda: answers() == 200, "it answers", 30)
        at = f"/accounts/{world.facts['account']}/cfd_tunnel/{tunnel()['id']}/configurations"
        world.call("provider", {"method": "PUT", "path": at, "body": {"config": {"ingress": [{"service": "http_status:404"}]}}})
        world.call("provider", {"method": "DELETE", "path": f"/zones/{world.facts['zone']}/dns_records/{records()[0]['id']}"})
        tap.ok(answers() != 200 and not records(), "a strange hand led it away", answers())
        said = book.run(tap, box, "Check", TUNNEL="acme")
        tap.ok("acme" in said, "the check looks at all of the way", said)
        before = tunnel()["connections"]
        book.run(tap, box, "Fix", TUNNEL="acme")
        wait_for(lambda: tunnel()["connections"] not in ([], before), "its connector is connected anew", 30)
        tap.equal([r["hostname"] for r in tunnel()["config"]["ingress"] if r.get("hostname")], [host], "its rules are ours again")
        for found in box.json("drift", "list")["data"]:
            box.sett("drift", "revert", found["id"], "--wait")
        wait_for(lambda: records() and answers() == 200, "its record is back", 30)
        book.run(tap, box, "Verify", TUNNEL="acme")
    finally:
        box.close()
        world.close()
