#!/usr/bin/env python3
"""How long it takes until a worker is ready with 10,000 tenants and 100 open jobs, and until the store can be written again after
whoever held its lock was killed, or hung. Times are printed, with the same of an empty box beside them; what is judged is that
all of it comes to its end. Speaks TAP."""
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parts"))
from box import TOP, Box, Tap, wait_for

TENANTS = int(os.environ.get("STARTS_TENANTS", "10000"))
OPEN = int(os.environ.get("STARTS_OPEN", "100"))
ROUNDS = 5
BUILD = os.path.join(TOP, "build")
LONG = os.path.join(BUILD, "long")
CONF = "\n[ports]\nranges = 20000-24999\n[engine]\nbackoff_min_ms = 50\nbackoff_max_ms = 1000\n[limits]\nauthenticated_per_minute = 10000000\n"


def store(box):
    return os.path.join(box.root, "var/lib/sett/live/db")


def ready_ms(box, name="worker"):
    """From its start to READY=1, as systemd would hear it."""
    path = os.path.join(box.root, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(120)
        began = time.monotonic()
        box.start(name, env={"NOTIFY_SOCKET": path})
        while b"READY=1" not in s.recv(4096):
            pass
        took = (time.monotonic() - began) * 1000
    os.unlink(path)
    return took


def starts_part(tap, box, empty):
    subprocess.run([os.path.join(BUILD, "bench", "fill"), store(box), str(TENANTS)], check=True)
    box.sett("plan", "list")
    box.start("worker")
    wait_for(lambda: os.path.exists(box.socket("ask")), "the worker listens")
    # Nobody is there to do the first outside step: the hands do not run yet.
    for n in range(OPEN):
        box.sett("tenant", "create", f"opened{n}", "--plan", "demo", "--no-wait")

    def live():
        return sum(1 for j in jobs(box) if j["state"] in ("queued", "running", "waiting"))
    wait_for(lambda: live() >= OPEN, f"{OPEN} jobs are open", 60, 0.5)
    full, none = [], []
    for _ in range(ROUNDS):
        box.kill("worker")
        full.append(ready_ms(box))
        none.append(ready_ms(empty))
        empty.kill("worker")
    many, few = statistics.median(full), statistics.median(none)
    tap.ok(True, f"ready with {TENANTS:,} tenants and {OPEN} open jobs after {many:.0f} ms (aim 2,000), an empty box after {few:.0f} ms: ratio {many / few:.2f}")
    box.start("hands")
    wait_for(lambda: live() == 0, "the open jobs are through", 300, 0.5)
    made = [t["state"] for n in range(OPEN) for t in box.json("tenant", "list", "--q", f"opened{n}", "--limit", "100")["data"] if t["subdomain"] == f"opened{n}"]
    tap.equal(made, ["active"] * OPEN, "and all of them end as they should, once there are hands")


def jobs(box):
    out, after = [], []
    while True:
        page = box.json("job", "list", "--limit", "100", *after)
        out += page["data"]
        if not page["has_more"]:
            return out
        after = ["--starting-after", page["data"][-1]["id"]]


def death_part(tap, box):
    """By two programs that do nothing else, so that only the lock is measured."""
    times = []
    for _ in range(ROUNDS):
        holder = subprocess.Popen([os.path.join(LONG, "hold"), store(box)], stdout=subprocess.PIPE, text=True)
        taker = subprocess.Popen([os.path.join(LONG, "hold"), store(box), "take"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if holder.stdout.readline() != "held\n" or taker.stdout.readline() != "ready\n":
            raise AssertionError("the lock was not taken")
        taker.stdin.write("go\n")
        taker.stdin.flush()
        # Once it waits for the lock it waits: its writer stands in futex_wait.
        wait_for(lambda p=taker.pid: any("futex" in open(f"/proc/{p}/task/{t}/wchan", encoding="utf-8").read() for t in os.listdir(f"/proc/{p}/task")), "it waits", 20)
        at = time.monotonic()
        holder.kill()
        taker.stdout.readline()
        times.append((time.monotonic() - at) * 1000)
        holder.wait()
        taker.wait(30)
    tap.ok(True, f"the holder of the lock killed: the next one writes after {statistics.median(times):.1f} ms (aim 100)")


def hang_part(tap, box, file):
    """The worker hangs in the middle of a commit. Who looks after it has to find out, and end it."""
    box.run()
    wait_for(box.alive, "the box answers", 30)
    pid = box.worker()
    with open(file, "w", encoding="utf-8"):
        pass
    stop = threading.Event()

    def stir():  # changes that the worker makes
        n = 0
        while not stop.is_set() and os.path.exists(file):
            n += 1
            box.sett("tenant", "create", f"stirred{n}", "--plan", "demo", "--no-wait", ok=False)
            time.sleep(0.2)
    stirring = threading.Thread(target=stir)
    stirring.start()
    wait_for(lambda: not os.path.exists(file), "the worker hangs", 60, 0.01)
    at = time.monotonic()
    stop.set()
    taker = subprocess.Popen([os.path.join(LONG, "hold"), store(box), "take"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    taker.communicate("go\n", 100)
    took = time.monotonic() - at
    wait_for(lambda: box.worker() not in (None, pid), "another worker runs", 30)
    tap.ok(taker.returncode == 0, f"the holder of the lock hung: ended by the watchdog, the next one writes after {took:.1f} s (aim 15)")
    stirring.join()
    box.sett("tenant", "create", "after", "--plan", "demo", "--wait")
    tap.ok(True, "and the box goes on")


def main():
    tap = Tap()
    subprocess.run(["make", "-s", "all", "build/bench/fill", "build/long/hold", "build/long/hang.so"], cwd=TOP, check=True)
    box, empty = Box(build=BUILD, conf=CONF), Box(build=BUILD)
    try:
        with tap.part("starts"):
            starts_part(tap, box, empty)
        with tap.part("death"):
            death_part(tap, box)
    finally:
        box.close()
        empty.close()
    folder = tempfile.mkdtemp(prefix="sett-hang-")
    file = os.path.join(folder, "hang")
    box = Box(build=BUILD, env={"LD_PRELOAD": os.path.join(LONG, "hang.so"), "HANG_FILE": file})
    try:
        with tap.part("hang"):
            hang_part(tap, box, file)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
