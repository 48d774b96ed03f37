#!/usr/bin/env python3
"""Files as tenants' programs keep them, the same ones every time: snapshot_data.py FOLDER [FILES [MIB]].

Of each ten bytes about three are text, two logs, two programs and data, three what does not compress;
of each ten files seven are small. What does not compress is noise, as photos are.
"""
import os
import random
import sys

WORDS = None


def words(r):
    letters = "eeeeetttaaooiinnsshhrrddllcumwfgypbvk"
    return ["".join(r.choice(letters) for _ in range(r.randint(2, 11))) for _ in range(6000)]


def text(r, size):
    out = " ".join(WORDS[min(5999, int(r.paretovariate(0.7)))] for _ in range(size // 6 + 1))
    return out.encode()[:size].ljust(size, b".")


def log(r, size):
    at, lines, have = 1764200000 + r.randint(0, 9999), [], 0
    while have < size:
        at += r.randint(0, 3)
        line = (f"{at} 10.{r.randint(0, 9)}.{r.randint(0, 255)}.{r.randint(0, 255)} \"GET /{WORDS[r.randint(0, 300)]}/{r.randint(1, 99999)} "
                f"HTTP/1.1\" {r.choice((200, 200, 200, 304, 404))} {r.randint(100, 90000)} {r.randint(0, 2000) / 1000}\n")
        lines.append(line)
        have += len(line)
    return "".join(lines).encode()[:size]


def binary(r, size):
    """Records of a fixed form: some fields repeat, some count, some are noise."""
    rows, out = size // 64 + 1, bytearray()
    noise = r.randbytes(rows * 20)
    for n in range(rows):
        out += n.to_bytes(8, "little") + b"\0\0\0\1\0\0\0\2row " + noise[20 * n:20 * n + 20] + bytes(16) + (n * 40503 & 0xffff).to_bytes(8, "big")
    return bytes(out[:size])


def noise(r, size):
    return r.randbytes(size)


def main():
    global WORDS
    folder, count, mib = sys.argv[1], int((sys.argv + ["", "20000"])[2] or 20000), int((sys.argv[3:] + ["1024"])[0])
    r = random.Random(4)
    WORDS = words(r)
    # Long texts are pieces of one in other letters: making them anew would take minutes, and nothing
    # may be found twice by those who look for that.
    pools = [(make, b"".join(make(r, 1 << 16) for _ in range(64)), share) for make, share in ((text, 3), (log, 2), (binary, 2), (noise, 3))]
    small = count * 7 // 10
    left = (mib << 20) - small * 4600
    large = left // (count - small)
    for n in range(count):
        make, pool, _ = r.choices(pools, [p[2] for p in pools])[0]
        size = int(r.expovariate(1 / 4600)) if n % 10 < 7 else max(1, int(r.lognormvariate(0, 1) * large * 0.6065))
        where = os.path.join(folder, f"{n % 23:02d}", f"{n % 7}-{make.__name__}")
        os.makedirs(where, exist_ok=True)
        letters = bytes(r.sample(range(256), 256))
        with open(os.path.join(where, f"{n}"), "wb") as f:
            while size > 0:
                part = min(size, 1 << 17)
                at = r.randrange(0, len(pool) - part)
                f.write(r.randbytes(part) if make is noise else pool[at:at + part].translate(letters))
                size -= part


main()
