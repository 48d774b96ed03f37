#!/usr/bin/env python3
"""Power cuts, replayed. A writer's file operations are written down; then, for many moments, disks are made
as a cut at that moment could have left them: everything synced is there, of the rest any part, torn at
512 bytes, and names that were not synced are there or are not. Each must open clean and have every
acknowledged record. The same with syncs that are ignored must fail, or this test proves nothing. Speaks TAP.

CUT_STATES (100,000) states, CUT_WRITES (300) records.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build", "power")
STATES = int(os.environ.get("CUT_STATES", "100000"))
WRITES = int(os.environ.get("CUT_WRITES", "300"))
SECTOR = 512


def parse(path):
    """The journal: (kind, path, …) in order."""
    out = []
    with open(path, "rb") as f:
        while line := f.readline():
            kind, _, rest = line[:-1].partition(b" ")
            if kind == b"W":
                dsync, at, length, name = rest.split(b" ", 3)
                out.append(("W", name.decode(), int(at), f.read(int(length)), dsync == b"1"))
            elif kind == b"A":
                out.append(("A", f.read(int(rest)).decode()))
            elif kind == b"T":
                size, name = rest.split(b" ", 1)
                out.append(("T", name.decode(), int(size)))
            elif kind == b"R":
                out.append(("R", *rest.decode().split("\t")))
            else:
                out.append((kind.decode(), rest.decode()))
    return out


class Disk:
    """What is surely on the disk, and what may be. Files are known by their number, names point to them."""

    def __init__(self, sync):
        self.sync = sync
        self.sure_names, self.maybe_names = {}, []  # path -> number; (undo-able) later operations on names
        self.names = {}
        self.sure, self.pending, self.serial = {}, {}, 0
        self.folders = []
        self.acked = set()

    def number(self, path):
        if path not in self.names:
            self.serial += 1
            self.names[path] = self.serial
            self.sure[self.serial], self.pending[self.serial] = bytearray(), []
            self.maybe_names.append(("C", path, self.serial))
        return self.names[path]

    def apply(self, op):
        kind = op[0]
        if kind == "W":
            n = self.number(op[1])
            if op[4] and self.sync:
                put(self.sure[n], op[2], op[3])
            else:
                self.pending[n].append((op[2], op[3]))
        elif kind == "C":
            self.number(op[1])
        elif kind == "T":
            n = self.number(op[1])
            self.pending[n].append((op[2], None))
        elif kind == "S" and self.sync:
            if op[1] in self.names:
                n = self.names[op[1]]
                for at, data in self.pending[n]:
                    put(self.sure[n], at, data)
                self.pending[n] = []
            else:
                self.sync_folder(op[1])
        elif kind == "R":
            self.move(op[1], op[2])
        elif kind == "U":
            self.names.pop(op[1], None)
            self.maybe_names.append(("U", op[1]))
        elif kind == "D":
            self.maybe_names.append(("D", op[1]))
        elif kind == "A":
            self.acked |= {int(n) for n in op[1].split()}

    def move(self, a, b):
        for path in [p for p in self.names if p == a or p.startswith(a + "/")]:
            self.names[b + path[len(a):]] = self.names.pop(path)
        self.maybe_names.append(("R", a, b))

    def sync_folder(self, folder):
        """Names inside that folder last: operations on them, in order, become sure."""
        left = []
        for op in self.maybe_names:
            inside = os.path.dirname(op[1]) == folder or (op[0] == "R" and os.path.dirname(op[2]) == folder)
            if inside:
                name(self.sure_names, op)
            else:
                left.append(op)
        self.maybe_names = left

    def state(self, rng):
        """One disk after a cut now: {path: bytes}."""
        names = dict(self.sure_names)
        # Names that were not synced: a journalling file system keeps their order, so a prefix survives.
        for op in self.maybe_names[:rng.randint(0, len(self.maybe_names))]:
            name(names, op)
        out = {}
        for path, n in names.items():
            if n is None:
                continue
            content = bytearray(self.sure[n])
            for at, data in self.pending[n]:
                how = rng.random()
                if how < 0.35:
                    continue
                if data is None or how < 0.7:
                    put(content, at, data)
                    continue
                for begin in range(0, len(data), SECTOR):
                    if rng.random() < 0.5:
                        put(content, at + begin, data[begin:begin + SECTOR])
            out[path] = content
        return out


def put(content, at, data):
    if data is None:  # a truncation
        if at < len(content):
            del content[at:]
        else:
            content.extend(b"\0" * (at - len(content)))
        return
    if len(content) < at:
        content.extend(b"\0" * (at - len(content)))
    content[at:at + len(data)] = data


def name(names, op):
    if op[0] == "C":
        names[op[1]] = op[2]
    elif op[0] == "U":
        names.pop(op[1], None)
    elif op[0] == "R":
        for path in [p for p in names if p == op[1] or p.startswith(op[1] + "/")]:
            names[op[2] + path[len(op[1]):]] = names.pop(path)


def replay(ops, top, scratch, states, sync, seed, stop_at_first=False):
    """Make ${states} crash states spread over the journal. Returns (made, [what was bad])."""
    rng = random.Random(seed)
    checker = subprocess.Popen([os.path.join(BUILD, "cut_check")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    disk, bad, made = Disk(sync), [], 0
    per = -(-states // len(ops))  # rounded up
    target = os.path.join(scratch, "cut")
    for index, op in enumerate(ops):
        disk.apply(op)
        for _ in range(per):
            shutil.rmtree(target, ignore_errors=True)
            os.mkdir(target)
            for path, content in disk.state(rng).items():
                place = target + path[len(top):]
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "wb") as f:
                    f.write(content)
            checker.stdin.write(target + "\n")
            checker.stdin.flush()
            answer = checker.stdout.readline().strip()
            made += 1
            wrong = None
            if answer.startswith("bad"):
                wrong = answer
            elif answer == "absent":
                wrong = "acknowledged, and the store is gone" if disk.acked else None
            else:
                there = {int(n) for n in answer.split()[1:]}
                if disk.acked - there:
                    wrong = f"lost {sorted(disk.acked - there)[:5]}"
            if wrong:
                bad.append(f"operation {index} of {len(ops)} ({op[0]}): {wrong}")
                if stop_at_first:
                    checker.stdin.close()
                    checker.wait()
                    return made, bad
    checker.stdin.close()
    checker.wait()
    return made, bad


def main():
    subprocess.run(["make", "-s", "power"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    scratch = tempfile.mkdtemp(prefix="sett-cut-", dir="/dev/shm")
    work = os.path.join(scratch, "work")
    os.mkdir(work)
    journal = os.path.join(scratch, "journal")
    try:
        env = dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "journal.so"), CUT_FOLDER=work, CUT_JOURNAL=journal)
        subprocess.run([os.path.join(BUILD, "cut_write"), work, str(WRITES)], env=env, check=True)
        ops = parse(journal)
        kinds = {k: sum(op[0] == k for op in ops) for k in "WSCRA"}
        ok = kinds["W"] > WRITES / 4 and kinds["S"] > 10 and kinds["R"] >= 1 and kinds["A"] == WRITES
        print(f"{'ok' if ok else 'not ok'} 1 - the journal has {len(ops)} operations: {kinds}", flush=True)
        began = time.monotonic()
        made, bad = replay(ops, work, scratch, STATES, True, 1)
        print(f"{'not ok' if bad else 'ok'} 2 - {made} crash states, {len(bad)} bad, {made / (time.monotonic() - began):.0f} a second", flush=True)
        for line in bad[:20]:
            print("# " + line)
        made, lies = replay(ops, work, scratch, 20000, False, 2, stop_at_first=True)
        print(f"{'ok' if lies else 'not ok'} 3 - negative control: with syncs ignored a bad state is found (after {made})", flush=True)
        torn = [op for op in ops if not (op[0] == "W" and op[4])]
        made, lies = replay(torn, work, scratch, 20000, True, 3, stop_at_first=True)
        print(f"{'ok' if lies else 'not ok'} 4 - negative control: without the synchronous writes a bad state is found (after {made})")
        print("1..4")
        sys.exit(0 if ok and not bad and lies else 1)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


main()
