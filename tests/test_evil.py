#!/usr/bin/env python3
"""Somebody has taken over the front, or the worker, and speaks to the hands as it. Whatever he says: they execute what is in
tests/evil/golden.txt and nothing else, never open the store or a key, follow no link that a tenant or he has laid, and are
alive afterwards. tests/long/long_evil.py says ten million things. Speaks TAP."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Tap
from evil import Hands, own_view

COUNT = int(os.environ.get("EVIL_COUNT", "8000"))
SEED = int(os.environ.get("EVIL_SEED", "1"))


def figures(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    links = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass  # closed meanwhile
    watched = sum("[pidfd]" in link for link in links)  # one for each program that runs, and whatever number it was given stays
    return len(links) - watched, watched, rss


def attack_part(t, hands, count, seed, shaped):
    code, said = hands.attack(count, seed, shaped=shaped)
    t.ok(code == 0 and hands.process.poll() is None, f"{count:,} requests: {said}; the hands live", said)
    ran, strange, missing = hands.executed()
    t.equal(strange, [], f"of {ran} programs that were executed none is strange")
    t.equal(hands.opened.seen(), set(), "nobody has opened the store, a key, or what links lead to")
    t.equal(hands.sanitizer(), [], "and no memory was misused")
    return missing


def main(count=COUNT, seed=SEED, shaped=2500, whole=False):
    own_view(sys.argv[0])
    t = Tap()
    subprocess.run(["make", "-s", "evil"], cwd=TOP, check=True)
    hands = Hands()
    try:
        hands.start()
        # The front is not even heard, though the socket should be open to it.
        os.chmod("/run/sett/hands.sock", 0o666)
        before = hands.executed()[0]
        _, said = hands.attack(min(count, 20000), seed + 1, "sett-front")
        t.ok(said.startswith("0 answered") and hands.executed()[0] == before, f"as the front: {said}")
        with t.part("attack"):
            missing = attack_part(t, hands, count, seed, shaped)
            first = figures(hands.pid())
            for turn in range(9 if whole else 0):
                missing = attack_part(t, hands, count, seed + 10 + turn, shaped)
            if whole:
                t.equal(missing, [], "and each line of the golden list was seen")
                fds, watched, rss = figures(hands.pid())
                print(f"# descriptors {first[0]} -> {fds}, programs {first[1]} -> {watched}, resident {first[2]} -> {rss} KiB; begun {hands.begun} times, for requests may end them")
                t.ok(fds <= first[0] + 10, "they hold no more descriptors than after the first million, but for programs that run", (first, fds))
        with open("/opt/sett-evil/canary/file", encoding="utf-8") as f:
            t.equal(f.read(), "nobody reads or writes this\n", "the file that links lead to is as it was")
        t.ok(any(s.startswith("/opt/sett-evil/canary/file ") for s in hands.opened.seen()), "(had anybody opened it, that would have been seen)")
        t.equal(hands.stop(), 0, "the hands end when they are told to")
    finally:
        hands.stop()
        shutil.rmtree(hands.top, ignore_errors=True)
    t.done()


if __name__ == "__main__":
    main()
