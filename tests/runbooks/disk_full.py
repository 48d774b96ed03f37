"""A box on a small file system, which fills up to the last byte: what exists is read and deleted, the ballast goes overboard, and is made
anew when there is room again."""
import os
import subprocess
import tempfile

from box import Box, wait_for

MIB = 1 << 20


def fill(path):
    with open(path, "wb") as f:
        try:
            while True:
                f.write(b"x" * MIB)
                f.flush()
        except OSError:
            pass


def scenario(tap, book):
    disk = tempfile.mkdtemp(prefix="sett-disk-full-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=420m", "tmpfs", disk], capture_output=True, check=False).returncode != 0:
        tap.ok(True, "disk-full # SKIP no file system of its own can be mounted")
        return
    box = Box(root=os.path.join(disk, "box"))
    try:
        box.sett("setting", "set", "store.ballast_mib", "8")
        box.run()
        ballast = os.path.join(box.root, "var/lib/sett/ballast")
        wait_for(lambda: os.path.exists(ballast) and os.path.getsize(ballast) == 8 * MIB, "the ballast", 90, 0.2)
        box.sett("customer", "create", "--name", "Before", "--email", "before@example.com")
        os.makedirs(os.path.join(box.root, "var/backups/sett"), exist_ok=True)
        full = os.path.join(disk, "full")
        fill(full)
        code, _, said = box.sett("customer", "create", "--name", "Meanwhile", "--email", "m@example.com", ok=False)
        tap.ok(code != 0 and "disk" in said, "nothing new begins on a full disk", said)
        tap.ok("Before" in box.sett("customer", "list"), "what exists is read")
        places = {"STATE": os.path.join(box.root, "var/lib/sett"), "BACKUPS": os.path.join(box.root, "var/backups/sett")}
        said = book.run(tap, box, "Check", **places)
        tap.ok("broken" in said and "sett unstick" in said, "doctor says so, and what to do", said)
        book.run(tap, box, "Fix", 1, **places)
        tap.ok(not os.path.exists(ballast), "the ballast is overboard")
        book.run(tap, box, "Fix", 2, **places)
        os.unlink(full)
        book.run(tap, box, "Fix", 3, **places)
        wait_for(box.alive, "the programs go on with the smaller store", 30)
        wait_for(lambda: os.path.exists(ballast), "the ballast is made anew by itself", 90, 0.3)
        said = book.run(tap, box, "Verify", **places)
        tap.ok('"ok": true' in said or '"ok":true' in said, "and the look at the end says so", said)
        box.sett("customer", "create", "--name", "After", "--email", "after@example.com")
        tap.ok(box.sett("fsck", ok=False)[0] == 0, "nothing is damaged")
    finally:
        box.close()
        subprocess.run(["umount", "--lazy", disk], check=False)
        os.rmdir(disk)
