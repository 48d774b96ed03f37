#!/usr/bin/env python3
"""A restore killed at 2,000 moments, spread over all that it does: each time the box that is there is wholly the old
one or wholly the new one, and sound. RESTORE_KILLS: how many. Speaks TAP."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import Box, Tap
from restores import Keys, live, restore, shot

KILLS = int(os.environ.get("RESTORE_KILLS", "2000"))


def main():
    tap, rng = Tap(), random.Random(9)
    folder = tempfile.mkdtemp(prefix="sett-restore-")
    keys, box = Keys(folder, "kit"), Box()
    subprocess.run(["make", "-s", "shot"], cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), check=True)
    try:
        one = os.path.join(folder, "one.sett")
        box.start("hands")
        box.start("worker")
        box.sett("customer", "create", "old")
        while not os.path.exists(box.socket("hands")):
            time.sleep(0.01)
        shot(box, one, keys)
        box.kill("worker", signal.SIGTERM)
        box.kill("hands", signal.SIGINT)
        box.sett("customer", "create", "newer")
        old, new = box.json("customer", "list")["data"], None
        began = time.monotonic()
        assert restore(box, one, keys, "--confirm=sett")[0] == 0
        took = time.monotonic() - began
        new = box.json("customer", "list")["data"]
        box.sett("restore", "rollback", "--confirm=rollback")
        outcomes, bad = {"old": 0, "new": 0}, []
        for i in range(KILLS):
            process = subprocess.Popen([os.path.join(box.build, "sett-restore"), "--root", box.root, "--json", "restore", one, "--recovery-file",
                                        keys.kit, "--confirm=sett"], env=box.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(rng.random() * took * 1.1)
            process.kill()
            process.wait()
            have = box.json("customer", "list")["data"]
            which = "old" if have == old else "new" if have == new else None
            status = json.loads(box.sett("restore", "status", "--json"))
            code, _, said = box.sett("fsck", ok=False)
            if which is None or code != 0:
                bad.append((i, have, said))
            else:
                outcomes[which] += 1
            if which == "new":
                if not status["before"]:
                    restore(box, one, keys, "--dry-run")  # gives the tree from before its name
                box.sett("restore", "rollback", "--confirm=rollback")
        tap.ok(not bad, f"killed {KILLS} times: {outcomes}", bad[:5])
        tap.ok(outcomes["old"] > 0 and outcomes["new"] > 0, "on both sides of the exchange", outcomes)
        restore(box, one, keys, "--dry-run")
        left = [p for p in glob.glob(live(box) + ".*") if not p.endswith((".lock", ".wish"))]
        tap.ok(not left, "nothing is left lying about", left)
    finally:
        box.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
