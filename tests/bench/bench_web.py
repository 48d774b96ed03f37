"""The web admin's first pages with many tenants beside the same with few: what the browser and our programs work
until a page can be used."""
import json
import os
import subprocess

from box import TOP, Box

PATHS = ("/admin", "/admin/tenants", "/admin/tenants?sort=name&state=active")


def loads(box, rounds, pids, data):
    """{path: (ms until usable, ms of the browser's own work, ms of our programs')}."""
    out = {}
    for path in PATHS:
        facts = {"base": f"http://localhost:{box.port}", "password": box.password(), "paths": [path], "rounds": rounds, "data": data, "pids": pids}
        done = subprocess.run(["node", os.path.join(TOP, "tests", "browser", "time.mjs"), json.dumps(facts)], capture_output=True, text=True, check=True)
        said = json.loads(done.stdout.splitlines()[-1])
        out[path] = said["usable"], said["own"], said["box"]
    return out


def bench_web(row, loose, fill, programs, tenants, rounds=10):
    few, many = Box(), Box()
    try:
        for box, count in ((few, 50), (many, tenants)):
            loose(box)
            subprocess.run([fill, os.path.join(box.root, "var/lib/sett/live/db"), str(count)], check=True)
        results = []
        for box in (few, many):
            box.run()
            results.append(loads(box, rounds, [pid for pid, _ in programs(box)], True))
            box.stop()
        for path in PATHS:
            (usable, own, ours), (usable0, own0, ours0) = results[1][path], results[0][path]
            row(f"{path}: work until it can be used, {tenants:,} tenants", f"{own + ours:.0f} ms (box {ours:.0f})",
                f"50 tenants {own0 + ours0:.0f} ms", (own + ours) / max(1, own0 + ours0), "≤ 100 ms")
            row("  by the clock, in the browser", f"{usable:.0f} ms", f"50 tenants {usable0:.0f} ms", usable / usable0)
    finally:
        few.close()
        many.close()
