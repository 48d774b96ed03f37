#!/usr/bin/env python3
"""What no memory may grow with: a folder of a million names, and more hard links than are remembered. Both are packed and
unpacked within 64 MiB, and come out as they went in. Speaks TAP."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(TOP, "build", "bench", "snapshot")
NAMES = int(os.environ.get("NAMES", "1000000"))
LINKED = int(os.environ.get("LINKED", "230000"))  # files of two names each; 196,608 are remembered
MOST = 64 << 20

count, failed = 0, 0


def ok(good, what, why=""):
    global count, failed
    count, failed = count + 1, failed + (not good)
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    if not good:
        print(f"# {why}")


def run(*words):
    """Peak memory of one act."""
    process, peak = subprocess.Popen([TOOL, *words], stdout=subprocess.DEVNULL), 0
    while process.poll() is None:  # wait4() would tell of the memory of whoever started it, too
        try:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
                peak = max([peak, *(int(line.split()[1]) for line in f if line.startswith("VmHWM"))])
        except OSError:
            pass
        time.sleep(0.02)
    ok(process.returncode == 0, f"{words[0]} ends well", process.returncode)
    return peak * 1024


def there_and_back(folder, what, check):
    shot, into = os.path.join(folder, "shot"), os.path.join(folder, "into")
    keys, source = (os.path.join(folder, n) for n in ("keys", "source"))
    memory = run("create", keys, "-", source, shot, os.path.join(folder, "catalog"))
    ok(memory <= MOST, f"{what}: packed in {memory >> 20} MiB", memory)
    memory = run("restore", keys, into, shot)
    ok(memory <= MOST, f"{what}: unpacked in {memory >> 20} MiB", memory)
    check(source, next(f for f, _, names in os.walk(into) if "0000000" in names or "a-0000000" in names))
    shutil.rmtree(into)
    shutil.rmtree(source)


def many(folder):
    source = os.path.join(folder, "source")
    os.mkdir(source)
    for i in range(NAMES):
        os.close(os.open(os.path.join(source, f"{i * 7919 % NAMES:07}"), os.O_CREAT | os.O_WRONLY, 0o600))

    def check(_, restored):
        ok(len(os.listdir(restored)) == NAMES, f"all {NAMES} names are there")
    there_and_back(folder, f"{NAMES} names in a folder", check)


def linked(folder):
    source = os.path.join(folder, "source")
    os.mkdir(source)
    for i in range(LINKED):
        with open(os.path.join(source, f"a-{i:07}"), "w", encoding="ascii") as f:
            f.write(str(i))
        os.link(os.path.join(source, f"a-{i:07}"), os.path.join(source, f"b-{i:07}"))

    def check(_, restored):
        wrong = pairs = 0
        for i in range(LINKED):
            a, b = (os.path.join(restored, f"{n}-{i:07}") for n in "ab")
            with open(a, encoding="ascii") as f, open(b, encoding="ascii") as g:
                wrong += f.read() != str(i) or g.read() != str(i)
            pairs += os.path.samefile(a, b)
        ok(wrong == 0, "no name has another content", wrong)
        ok(pairs == min(LINKED, 196608), f"{pairs} pairs are still one file, the others are copies", pairs)
    there_and_back(folder, f"{LINKED} hard links", check)


def main():
    subprocess.run(["make", "-s", "build/bench/snapshot"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    folder = tempfile.mkdtemp(prefix="sett-many-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        run("keys", os.path.join(folder, "keys"))
        many(folder)
        linked(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


main()
