"""A store that has grown: its commands on a box, and a file that is small again afterwards."""
import os
import tempfile

from box import Box, wait_for


def scenario(tap, book):
    box = Box()
    try:
        box.run()
        data = os.path.join(box.root, "var/lib/sett/live/db/data.mdb")
        for i in range(12):  # pages that come and go
            box.sett("setting", "set", "brand.name", "x" * 40 + str(i))
        places = {"STATE": os.path.join(box.root, "var/lib/sett"), "EXPORT": os.path.join(tempfile.gettempdir(), f"audit-{os.getpid()}.ndjson")}
        said = book.run(tap, box, "Check", **places)
        tap.ok("used_bytes" in said and "map_bytes" in said, "the check shows how full it is", said)
        before = os.path.getsize(data)
        said = book.run(tap, box, "Fix", **places)
        tap.ok(os.path.getsize(data) <= before and "is kept as db.before-" in said, "the store is small again, the larger one kept", said)
        wait_for(box.alive, "the programs go on with it", 30)
        box.sett("setting", "set", "brand.name", "after")
        said = book.run(tap, box, "Verify", **places)
        tap.ok("clean" in said, "and the look at the end says so", said)
        os.unlink(places["EXPORT"])
    finally:
        box.close()
