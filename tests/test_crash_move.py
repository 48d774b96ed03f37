#!/usr/bin/env python3
"""The worker dies at the points of a move between runtimes of the box, there, back, and on the way back from one that
never answers, with a real container engine.
Whatever happens, the tenant ends in one runtime alone, answers there, and its files are the same byte for byte.
Speaks TAP. Runs in a network namespace of its own, so that an engine's bridges and firewall rules end with it."""
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "parts"))
sys.path.insert(0, HERE)
import test_move
from box import Tap, wait_for
from crash import FAST, Lane
from test_container_tenant import Engine, own_network

# The steps where two of something are there, or none is.
POINTS = tuple(f"step.tenant.move.{step}.{what}:1" for step in ("create", "stop", "start", "moved", "clear") for what in ("called", "result"))
BACK = tuple(f"step.tenant.move.{step}.{what}:1" for step in ("start", "stop", "create") for what in ("undo_called", "undone"))
SERVE = 'sh -c "trap exit TERM; httpd -f -p 8080 -h /site & wait"'


class Moving(Lane):
    ingress = "cloudflare"

    def __init__(self, sock):
        self.conf = FAST + f"\n[hands]\ndocker_socket = {sock}\n"
        self.engine = Engine(sock)
        super().__init__(0)

    def prepare(self):
        test_move.blueprint(self.box, "site-docker", command=SERVE)
        test_move.blueprint(self.box, "dead", command='sh -c "trap exit TERM; sleep 1000 & wait"', health_s=1)
        out, job = self.undisturbed("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "demo", "--no-wait")
        assert job["state"] == "done", job["cause"]
        self.tenant = out["id"]
        test_move.fill(test_move.folder(self.box))
        self.digest = test_move.digest(test_move.folder(self.box))

    def answers(self, port):
        import http.client
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            c.request("GET", "/health")
            return c.getresponse().status == 200
        except OSError:
            return False

    def move(self, point=None, blueprint=None):
        """To the other runtime, or to a blueprint that cannot live; (died, state, wrong)."""
        before = self.box.json("tenant", "show", self.tenant)
        to = "docker" if before["runtime"] == "process" else "process"
        blueprint = blueprint or ("site-docker" if to == "docker" else "site")
        out = self.box.json("tenant", "move", self.tenant, "--runtime", to, "--blueprint", blueprint, "--no-wait")
        died, job = self.run_to_end(out["job"], self.worker(point))
        after = self.box.json("tenant", "show", self.tenant)
        wrong = []
        if (job["state"], after["runtime"]) not in (("done", to), ("undone", before["runtime"])):
            wrong.append(f"{job['state']}: from {before['runtime']} to {after['runtime']}: {job['cause']}")
        if test_move.digest(test_move.folder(self.box)) != self.digest:
            wrong.append("its files are not the same")
        wait_for(lambda: self.answers(after["port"]), "it answers where its record says", 10)
        if after["port"] != before["port"] and self.answers(before["port"]):
            wrong.append("the old one answers as well")
        if len(self.engine.containers()) != (after["runtime"] == "docker"):
            wrong.append(f"{len(self.engine.containers())} containers, and it is in {after['runtime']}")
        held = [p["port"] for p in self.box.json("port", "list")["data"] if p.get("tenant_id")]
        if held != [after["port"]]:
            wrong.append(f"it holds {held} and is at {after['port']}")
        code, said, errors = self.box.sett("fsck", ok=False)
        return died, job["state"], wrong + ([f"fsck: {said}{errors}"] if code != 0 else [])


def main():
    own_network(os.path.abspath(__file__))
    tap, place, lane, died_at = Tap(), tempfile.mkdtemp(prefix="sett-engine-"), None, 0
    os.chmod(place, 0o755)
    try:
        sock = subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "start", place], check=True, capture_output=True,
                              text=True).stdout.strip()
        lane = Moving(sock)
        began, points = time.monotonic(), []
        for way in ("there", "back"):
            seen, state, wrong = lane.points_of(lambda point, _outcome: lane.move(point))
            tap.ok(state == "done" and not wrong, f"{way}: an undisturbed move ends well", (state, wrong))
            points.append([(p, None) for p in seen if p in POINTS])
        seen, state, wrong = lane.points_of(lambda point, _outcome: lane.move(point, "dead"))
        tap.ok(state == "undone" and not wrong, "one that never answers is taken back", (state, wrong))
        undone = [(p, "dead") for p in seen if p in BACK]
        # By turns, as each that ends well leaves it at the other place.
        cells = [p for pair in zip(*points) for p in pair] + max(points, key=len)[min(len(p) for p in points):]
        for point, blueprint in undone + cells:
            try:
                died, state, wrong = lane.move(point, blueprint)
            except Exception as e:  # noqa: BLE001 - a cell that breaks is a failure with its name
                died, state, wrong = False, "broken", [repr(e), lane.box.log("worker")[-2000:]]
                lane.rest()
            died_at += died
            tap.ok(not wrong, f"{point}: {'died, ' if died else ''}{state}", "\n".join(wrong))
        tap.ok(died_at > 0.7 * len(cells + undone), f"the worker died in {died_at} of {len(cells + undone)} moves")
        print(f"# {time.monotonic() - began:.0f} s", flush=True)
    finally:
        if lane:
            lane.close()
        subprocess.run([os.path.join(HERE, "parts/dockerd.sh"), "stop", place], check=False)
    tap.done()


if __name__ == "__main__":
    main()
