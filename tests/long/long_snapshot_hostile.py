#!/usr/bin/env python3
"""Hostile archives, sealed and signed as they should be: none writes a byte outside its staging folder.

Each is unpacked, as root, where the whole machine is mounted read-only and only a small world is not;
what of that world lies outside the staging folder is compared, to the byte and the time of its change.
Speaks TAP.
"""
import hashlib
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(TOP, "build", "bench", "snapshot")
WORLD = "/mnt"
EMPTY = "-"
NEVER = ("name", "GNU long name", "prefix", "folder", "hard link to", "global pax path", "through a link", "hard link to a symbolic one",
         "twice", "order", "not listed", "not there", "another content", "another owner", "cut", "behind its end", "size", "bomb")  # accepted


def header(name, kind=b"0", size=0, link=b"", mode=0o644, prefix=b"", magic=b"ustar\x0000", raw_size=None, uid=0):
    h = bytearray(512)
    h[0:len(name[:100])] = name[:100]
    h[100:108] = b"%07o\0" % mode
    h[108:116] = h[116:124] = b"%07o\0" % uid
    h[124:136] = raw_size or b"%011o\0" % size
    h[136:148] = b"%011o\0" % 0
    h[156:157] = kind
    h[157:157 + len(link[:100])] = link[:100]
    h[257:257 + len(magic)] = magic
    h[345:345 + len(prefix[:155])] = prefix[:155]
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def padded(data):
    return data + bytes(-len(data) % 512)


def member(name, kind=b"0", data=b"", **more):
    return header(name, kind, len(data), **more) + padded(data)


def pax(fields, kind=b"x"):
    out = b""
    for key, value in fields:
        body = b" " + key + b"=" + value + b"\n"
        n = len(body) + 1
        while len(str(n)) + len(body) != n:
            n = len(str(n)) + len(body)
        out += str(n).encode() + body
    return member(b"PaxHeaders/x", kind, out)


def quoted(name):
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-+@="
    return b"".join(bytes([c]) if c in plain else b"%%%02X" % c for c in name)


def line(kind, name, mode=0o644, data=None, target=None, uid=0):
    digest = hashlib.sha256(data).hexdigest() if data is not None else EMPTY
    return b"%c %o %d %d 0.000000000 %d %s . %s%s\n" % (kind.encode(), mode, uid, uid, len(data or b""), digest.encode(), quoted(name),
                                                        b" " + quoted(target) if target else b"")


def archive(members, lines, end=bytes(1024)):
    """Whole, with a manifest that agrees as far as one can be written."""
    text = b"SETT-MANIFEST 1\n" + b"".join(lines) + b"END %d\n" % len(lines)
    return member(b"INDEX", data=b"", mode=0o600) + b"".join(members) + member(b"MANIFEST", data=text, mode=0o600) + end


def bad_names():
    up = [b"../" * n + b"escape" for n in range(1, 12)] + [b"tenants/1/" + b"../" * n + b"escape" for n in range(1, 12)]
    absolute = [b"/mnt/outside/escape", b"//mnt/outside/escape", b"/", b"/etc/passwd", b"/mnt/outside/canary"]
    dots = [b".", b"..", b"./a", b"a/.", b"a/..", b"a//b", b"a/./b", b"a/../b", b"tenants/1/..", b"", b"a/"]
    odd = [b"tenants/1/a%cb" % c for c in list(range(1, 32)) + [127]]
    long = [b"tenants/1/" + b"x" * 256, b"tenants/1/" + b"/".join([b"y" * 250] * 17), b"a/" * 2100 + b"b"]
    return up + absolute + dots + odd + long


def cases():
    body = b"hostile"
    # Names that lead out, in each way that a name can be told.
    for name in bad_names():
        listed = [line("f", name, data=body)]
        yield "name", archive([member(name, data=body)], listed)
        yield "pax path", archive([pax([(b"path", name)]), member(b"tenants/1/fine", data=body)], listed)
        yield "GNU long name", archive([member(b"././@LongLink", b"L", name + b"\0", magic=b"ustar  \0"),
                                        member(b"tenants/1/fine", data=body, magic=b"ustar  \0")], listed)
        if name:
            yield "prefix", archive([member(b"x", data=body, prefix=name)], [line("f", name + b"/x", data=body)])
            yield "folder", archive([member(name + b"/", b"5", mode=0o755)], [line("d", name, 0o755)])
            yield "hard link to", archive([member(b"tenants/1/h", b"1", link=name)], [line("h", b"tenants/1/h", target=name)])
            yield "pax linkpath", archive([pax([(b"linkpath", name)]), member(b"tenants/1/h", b"1", link=b"x")],
                                          [line("h", b"tenants/1/h", target=name)])
            yield "global pax path", archive([pax([(b"path", name)], b"g"), member(b"tenants/1/fine", data=body)], listed)
    # A link, and then a name through it.
    for target in (b"/mnt/outside", b"../../../outside", b".", b"..", b"/", b"/proc/self/cwd", b"/proc/self/root", b"/dev/shm", b"tenants"):
        for through in (b"", b"/canary", b"/new", b"/a/b/c"):
            for kind in (b"0", b"5", b"1", b"2"):
                name = b"tenants/1/l" + through
                second = member(name, kind, body if kind == b"0" else b"", link=b"tenants/1/l" if kind == b"1" else b"/mnt/outside")
                yield "through a link", archive([member(b"tenants/1/l", b"2", link=target), second],
                                                [line("l", b"tenants/1/l", target=target), line("f", name, data=body)])
        yield "hard link to a symbolic one", archive([member(b"tenants/1/l", b"2", link=target), member(b"tenants/1/m", b"1", link=b"tenants/1/l")],
                                                     [line("l", b"tenants/1/l", target=target), line("h", b"tenants/1/m", target=b"tenants/1/l")])
    # Kinds that are none of ours, and what only tar knows.
    for kind in b"3467ABCDEFGHIJKLMNOPQRSTUVWXYZ\x00\x01\xff":
        yield f"kind {kind}", archive([member(b"tenants/1/k", bytes([kind]), body if kind in b"7S" else b"")], [line("f", b"tenants/1/k", data=body)])
    for mode in (0o4755, 0o2755, 0o6755, 0o1777, 0o7777):
        yield f"mode {mode:o}", archive([member(b"tenants/1/s", data=body, mode=mode)], [line("f", b"tenants/1/s", mode, data=body)])
    for key, value in ((b"SCHILY.xattr.security.capability", b"\x01\0\0\2"), (b"LIBARCHIVE.xattr.user.x", b"eA=="), (b"SCHILY.acl.access", b"user::rwx"),
                       (b"SCHILY.fflags", b"nodump"), (b"GNU.sparse.major", b"1"), (b"GNU.sparse.map", b"0,7"), (b"GNU.sparse.name", b"../x"),
                       (b"size", b"99999999999999999999"), (b"size", b"-1"), (b"size", b"9223372036854775807"), (b"uid", b"-1"), (b"uid", b"4294967295"),
                       (b"mtime", b"nan"), (b"path", b"a\0b"), (b"path", b""), (b"hdrcharset", b"BINARY"), (b"linkpath", b"x")):
        yield f"pax {key.decode()}", archive([pax([(key, value)]), member(b"tenants/1/p", data=body)], [line("f", b"tenants/1/p", data=body)])
    for raw in (b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"zzzzzzzzzzzz", b"-0000000001\0"):
        yield "size", archive([header(b"tenants/1/z", raw_size=raw) + padded(body)], [line("f", b"tenants/1/z", data=body)])
    # One name twice, names out of order, what the manifest does not say.
    for first in (b"0", b"5", b"2"):
        for second in (b"0", b"5", b"2", b"1"):
            yield "twice", archive([member(b"tenants/1/t", first, link=b"/mnt/outside"), member(b"tenants/1/t", second, link=b"tenants/1/t")],
                                   [line("f", b"tenants/1/t", data=b"")])
    one, two = member(b"tenants/1/a", data=body), member(b"tenants/1/b", data=body)
    la, lb = line("f", b"tenants/1/a", data=body), line("f", b"tenants/1/b", data=body)
    yield "order", archive([two, one], [la, lb])
    yield "not listed", archive([one, two], [la])
    yield "not there", archive([one], [la, lb])
    yield "another content", archive([one], [line("f", b"tenants/1/a", data=b"another")])
    yield "another owner", archive([one], [line("f", b"tenants/1/a", data=body, uid=5)])
    whole = archive([one, two], [la, lb])
    for cut in range(0, len(whole) - 1024, 256):
        yield "cut", whole[:cut]
    for extra in (b"x", one, whole, bytes(2 << 20)):
        yield "behind its end", whole + extra
    for at in range(0, len(whole) - 1024, 97):
        yield "a bit", whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:]


    # More than the file's end says: of bytes, of room, of members, of lists. It stops there.
    huge, small = bytes(64 << 20), 1 << 20
    zeros = archive([member(b"tenants/1/zeros", data=huge)], [line("f", b"tenants/1/zeros", data=huge)])
    noise = b"0123456789abcdef" * (4 << 20)
    full = archive([member(b"tenants/1/noise", data=noise)], [line("f", b"tenants/1/noise", data=noise)])
    names = [b"tenants/1/%07d" % i for i in range(50000)]
    crowd = archive([member(n) for n in names], [line("f", n, data=b"") for n in names])
    long = archive([one], [la] + [line("s", b"tenants/1/b%06d" % i) for i in range(100000)])
    for what, data, sizes in (("bytes", zeros, (small, 1 << 40, 10, 1 << 40)), ("bytes and room", full, (small, small, 10, 1 << 40)),
                              ("room", full, (1 << 40, small, 10, 1 << 40)), ("members", crowd, (0, 0, 1000, 1 << 40)),
                              ("lists", long, (1 << 40, 1 << 40, 10, 10000)), ("less than it says", zeros, (65 << 20, 0, 1, 1 << 40))):
        print(f"# a bomb of {what}", flush=True)
        yield "bomb", data, sizes
    # What a file system that looks away from case or form would take for one name.
    for twins in ((b"tenants/1/NAME", b"tenants/1/name"), (b"tenants/1/e\xcc\x81", b"tenants/1/\xc3\xa9"), (b"tenants/1/ss", b"tenants/1/\xc3\x9f"),
                  (b"tenants/1/i\xcc\x87", b"tenants/1/\xc4\xb0")):
        a, b = sorted(twins)
        yield "twins", archive([member(a, data=b"first"), member(b, data=b"second")], [line("f", a, data=b"first"), line("f", b, data=b"second")])


def world():
    """Everything outside the staging folder: names, what they are, contents, when they changed."""
    out = {}
    for top in (os.path.join(WORLD, "outside"), "/tmp"):
        for folder, folders, files in os.walk(top):
            for name in ["", *folders, *files]:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                content = open(path, "rb").read() if os.path.isfile(path) and not os.path.islink(path) else b""
                when = 0 if top == "/tmp" and not name else st.st_ctime_ns  # /tmp is where unlinked files are
                out[path] = (st.st_mode, st.st_uid, st.st_nlink if not os.path.isdir(path) else 0, when, content)
    out["top"] = sorted(os.listdir(WORLD))
    return out


def inside():
    os.mkdir(os.path.join(WORLD, "outside"))
    with open(os.path.join(WORLD, "outside", "canary"), "w", encoding="ascii") as f:
        f.write("alive")
    os.mkdir(os.path.join(WORLD, "staging"))
    keys, tar, shot = (os.path.join(WORLD, "staging", n) for n in ("keys", "tar", "shot"))
    subprocess.run([TOOL, "keys", keys], check=True)
    into, count, refused, bad, kinds = os.path.join(WORLD, "staging", "into"), 0, 0, 0, {}
    before = world()
    for what, data, *sizes in cases():
        with open(tar, "wb") as f:
            f.write(data)
        subprocess.run([TOOL, "forge", keys, tar, shot, *(str(n) for s in sizes for n in s)], check=True)
        done = subprocess.run([TOOL, "restore", keys, into, shot], capture_output=True, text=True, errors="replace", timeout=60)
        count += 1
        refused += done.returncode == 1
        kinds.setdefault(what, [0, 0])[done.returncode == 0] += 1
        if done.returncode not in (0, 1) or (what in NEVER and done.returncode == 0) or world() != before:
            bad += 1
            print(f"# {what}: {done.returncode} {done.stderr[-300:]}")
            before = world()
        staged, there = 0, set()
        for folder, folders, files in os.walk(into):
            staged += sum(os.lstat(os.path.join(folder, name)).st_blocks * 512 + 4096 for name in files)
            there |= {open(os.path.join(folder, name), "rb").read() for name in files if what == "twins"}
            for name in folders + files:
                if os.lstat(os.path.join(folder, name)).st_mode & 0o6000:
                    bad += 1
                    print(f"# {what}: {name} has set-id bits")
        if what == "bomb" and staged > 6 << 20:
            bad += 1
            print(f"# {what}: {staged} bytes were staged")
        if what == "twins" and (done.returncode != 0 or there != {b"first", b"second"}):
            bad += 1
            print(f"# {what}: {done.stderr} {there}")
        subprocess.run(["rm", "-rf", into], check=True)
    print("# accepted: " + ", ".join(f"{what} {n[1]} of {sum(n)}" for what, n in kinds.items() if n[1]))
    print(f"{'ok' if bad == 0 and count >= 500 else 'not ok'} 1 - {count} hostile archives, {refused} refused, {bad} that reached outside or were believed")
    print("1..1")
    sys.exit(1 if bad else 0)


def main():
    if sys.argv[1:] == ["inside"]:
        return inside()
    subprocess.run(["make", "-s", "build/bench/snapshot"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    script = ("mount --make-rprivate / && mount -t tmpfs none /mnt && mount -t tmpfs none /tmp && "
              "mount -o remount,bind,ro / && exec python3 \"$0\" inside")
    sys.exit(subprocess.run(["unshare", "-m", "sh", "-c", script, os.path.abspath(__file__)]).returncode)


main()
