#!/usr/bin/env python3
"""A reader of snapshots that knows nothing of sett but backup/FORMAT: checks a file or a chain of files with the
recovery secret and unpacks it into a folder. usage: snapshot_read.py SECRET_FILE FOLDER NEWEST [OLDER...]"""
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import urllib.parse

import nacl.bindings as sodium
import nacl.public
import nacl.secret
import nacl.signing

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def H(data, key=b"", size=32):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def secret_of(text):
    """BIP 173; the checksum is compared with one made anew."""
    text = "".join(text.split()).lower()
    prefix, data = text[:text.index("1")], [CHARACTERS.index(c) for c in text[text.index("1") + 1:]]
    assert prefix == "sett-recovery-"
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + data:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= g if top >> i & 1 else 0
    assert check == 1, "the secret was copied wrongly"
    bits = "".join(f"{v:05b}" for v in data[:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, 256, 8))


class Snapshot:
    def __init__(self, path, secret):
        with open(path, "rb") as f:
            self.data = f.read()
        d, length = self.data, int.from_bytes(self.data[8:12], "big")
        assert d[:8] == b"SETTBK1\n" and length <= 65536
        mac, signature, self.at = d[12 + length:44 + length], d[44 + length:108 + length], 108 + length
        self.hash = H(d[:44 + length])
        self.fields, self.recipients, at = {}, [], 12
        while at < 12 + length:
            kind, size = int.from_bytes(d[at:at + 2], "big"), int.from_bytes(d[at + 2:at + 6], "big")
            value, at = d[at + 6:at + 6 + size], at + 6 + size
            assert kind >= 0x8000 or 1 <= kind <= 14, f"critical field {kind}"
            if kind == 11:
                self.recipients.append(value)
            else:
                assert kind not in self.fields
                self.fields[kind] = value
        assert self.fields[1] == b"\0\1" and self.fields[14] == b"\0\1"
        self.id, self.chunk = self.fields[2], int.from_bytes(self.fields[9], "big")
        signer = nacl.signing.VerifyKey(self.fields[10])
        signer.verify(b"sett snapshot header 1" + self.hash, signature)
        trailer = d[-192:]
        assert trailer[:8] == b"SETTEND1" and int.from_bytes(trailer[8:16], "big") == len(d) - 192
        assert trailer[16:80] == H(d[:-192], size=64)
        signer.verify(b"sett snapshot trailer 1" + self.hash + trailer[8:128], trailer[128:])
        mine = nacl.public.PrivateKey(secret)
        sealed = [r[33:] for r in self.recipients if r[0] == 1 and r[1:33] == bytes(mine.public_key)]
        key = nacl.public.SealedBox(mine).decrypt(sealed[0])
        assert mac == H(d[:12 + length], H(b"sett mac 1" + self.id, key)), "the header's MAC"
        self.sections = [self.section(n, H(f"sett {name} 1".encode() + self.id, key))
                         for n, name in ((1, "control"), (2, "tenants"))]
        assert self.at == len(d) - 192
        sizes = nacl.secret.SecretBox(H(b"sett sizes 1" + self.id, key)).decrypt(trailer[80:128], trailer[16:40])
        self.sizes = [int.from_bytes(sizes[i:i + 8], "big") for i in range(0, 32, 8)]

    def section(self, section, key):
        state, plain, number = sodium.crypto_secretstream_xchacha20poly1305_state(), [], 0
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, self.data[self.at:self.at + 24], key)
        self.at += 24
        while True:
            size = self.data[self.at:self.at + 4]
            n = int.from_bytes(size, "big")
            message, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(
                state, self.data[self.at + 4:self.at + 4 + n], self.hash + bytes([section]) + number.to_bytes(8, "big") + size)
            self.at, number = self.at + 4 + n, number + 1
            plain.append(message)
            assert tag in (0, 3) and (tag == 3 or len(message) == self.chunk) and (tag == 0 or len(message) < self.chunk)
            if tag == 3:
                break
        return subprocess.run(["zstd", "-dcq"], input=b"".join(plain), stdout=subprocess.PIPE, check=True).stdout


def members(archive):
    """Name -> (tar member, content) and the lines of the manifest."""
    found, tar = {}, tarfile.open(fileobj=io.BytesIO(archive))
    for m in tar:
        found[m.name.rstrip("/")] = (m, tar.extractfile(m).read() if m.isreg() else b"")
    del found["INDEX"]
    lines = found.pop("MANIFEST")[1].decode().splitlines()
    assert lines[0] == "SETT-MANIFEST 1" and lines[-1] == f"END {len(lines) - 2}"
    return found, [line.split(" ") for line in lines[1:-1]]


def main(secret_file, folder, *paths):
    with open(secret_file, encoding="ascii") as f:
        secret = secret_of(f.read())
    chain = [Snapshot(p, secret) for p in paths]
    for newer, older in zip(chain, chain[1:]):
        assert newer.fields[8] == older.id + older.hash, "another file of the chain is missing"
    assert 8 not in chain[-1].fields, "the chain's oldest file is missing"
    later = []
    for section in (0, 1):
        contents = {s.id.hex(): members(s.sections[section]) for s in chain[:1 + (len(chain) - 1) * section]}
        here, lines = contents[chain[0].id.hex()]
        for kind, mode, _uid, _gid, mtime, size, hash_, source, name, *target in lines:
            plain = urllib.parse.unquote_to_bytes(name)
            assert not plain.startswith(b"/") and b".." not in plain.split(b"/")
            path = os.path.join(os.fsencode(folder), plain)
            member = os.fsdecode(plain)
            if kind == "d":
                os.makedirs(path, exist_ok=True)
            elif kind in "fF":
                content = contents[chain[0].id.hex() if source == "." else source][0][member][1]
                assert len(content) == int(size) and hashlib.sha256(content).hexdigest() == hash_, name
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "xb") as f:
                    f.write(content)
                os.chmod(path, int(mode, 8))
                os.utime(path, ns=(int(mtime.replace(".", "")),) * 2)
            elif kind in "lh":
                later.append((kind, path, urllib.parse.unquote_to_bytes(target[0])))
        assert len(here) == sum(l[0] != "s" and not (l[0] in "fF" and l[7] != ".") for l in lines), "members that no line names"
    for kind, path, target in later:
        (os.symlink if kind == "l" else os.link)(target if kind == "l" else os.path.join(os.fsencode(folder), target), path)
    print(f"{len(chain)} file(s), snapshot {int.from_bytes(chain[0].fields[4], 'big')} of {chain[0].fields[3].decode()}: whole")


if __name__ == "__main__":
    main(*sys.argv[1:])
