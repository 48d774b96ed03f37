#!/usr/bin/env python3
"""A reader of snapshots that knows nothing of sett but backup/FORMAT: checks a file or a chain of files with the
recovery secret, its shares or a passphrase, and unpacks it into a folder. usage: snapshot_read.py SECRET_FILE FOLDER
NEWEST [OLDER...]; SIGNER=HEX in the environment: a key of the box that must have signed it, or lead to the one that did"""
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


def bech32(text, wanted, size):
    """BIP 173; the checksum is compared with one made anew."""
    text = "".join(text.split()).lower()
    prefix, data = text[:text.index("1")], [CHARACTERS.index(c) for c in text[text.index("1") + 1:]]
    assert prefix == wanted
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + data:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= g if top >> i & 1 else 0
    assert check == 1, "the secret was copied wrongly"
    bits = "".join(f"{v:05b}" for v in data[:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, 8 * size, 8))


def times(a, b):
    """In GF(256) with x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        product, a, b = product ^ (a if b & 1 else 0), a << 1 ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


def joined(shares):
    """Shamir: the polynomials' values at 0."""
    assert len({s[:5] for s in shares}) == 1 and len({s[5] for s in shares}) == len(shares) >= shares[0][4]
    secret = bytes(32)
    for one in shares[:shares[0][4]]:
        weight = 1
        for other in shares[:shares[0][4]]:
            if other is not one:
                inverse = next(i for i in range(1, 256) if times(i, other[5] ^ one[5]) == 1)
                weight = times(weight, times(other[5], inverse))
        secret = bytes(s ^ times(weight, y) for s, y in zip(secret, one[6:]))
    return secret


def secrets_of(text):
    """What stands in the file: a secret, shares, else a passphrase. A function from a recipient to its secret key."""
    lines = text.splitlines()
    shares = [bech32(line, "sett-share-", 38) for line in lines if line.lower().startswith("sett-share-1")]
    whole = [bech32(line, "sett-recovery-", 32) for line in lines if line.lower().startswith("sett-recovery-1")]
    if whole or shares:
        return lambda recipient: whole[0] if whole else joined(shares)

    def stretched(recipient):
        if recipient[0] != 2:
            return None
        passes, memory = int.from_bytes(recipient[17:21], "big"), int.from_bytes(recipient[21:25], "big")
        assert 1 <= passes <= 16 and 8 <= memory <= 1 << 20
        return sodium.crypto_pwhash_alg(32, lines[0].encode(), recipient[1:17], passes, memory * 1024, sodium.crypto_pwhash_ALG_ARGON2ID13)
    return stretched


class Snapshot:
    def __init__(self, path, secrets):
        with open(path, "rb") as f:
            self.data = f.read()
        d, length = self.data, int.from_bytes(self.data[8:12], "big")
        assert d[:8] == b"SETTBK1\n" and length <= 65536
        mac, signature, self.at = d[12 + length:44 + length], d[44 + length:108 + length], 108 + length
        self.hash = H(d[:44 + length])
        self.fields, self.recipients, self.line, at = {}, [], [], 12
        while at < 12 + length:
            kind, size = int.from_bytes(d[at:at + 2], "big"), int.from_bytes(d[at + 2:at + 6], "big")
            value, at = d[at + 6:at + 6 + size], at + 6 + size
            assert kind >= 0x8000 or 1 <= kind <= 14, f"critical field {kind}"
            if kind == 11:
                self.recipients.append(value)
            elif kind == 0x8001:
                self.line.append(value)
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
        key = self.file_key(secrets)
        assert mac == H(d[:12 + length], H(b"sett mac 1" + self.id, key)), "the header's MAC"
        self.sections = [self.section(n, H(f"sett {name} 1".encode() + self.id, key))
                         for n, name in ((1, "control"), (2, "tenants"))]
        assert self.at == len(d) - 192
        sizes = nacl.secret.SecretBox(H(b"sett sizes 1" + self.id, key)).decrypt(trailer[80:128], trailer[16:40])
        self.sizes = [int.from_bytes(sizes[i:i + 8], "big") for i in range(0, 32, 8)]

    def file_key(self, secrets):
        for recipient in self.recipients:
            at = {1: 1, 2: 25}[recipient[0]]
            secret = secrets(recipient)
            mine = secret and nacl.public.PrivateKey(secret)
            if mine and recipient[at:at + 32] == bytes(mine.public_key):
                return nacl.public.SealedBox(mine).decrypt(recipient[at + 32:])
        raise AssertionError("it is sealed to others")

    def signed_by(self, key):
        """Whether the key signed it, or vouched for the one that did."""
        for link in self.line:
            if link[8:40] == key:
                nacl.signing.VerifyKey(key).verify(b"sett signer 1" + link[:72], link[72:])
                key = link[40:72]
        return key == self.fields[10]

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
    with open(secret_file, encoding="utf-8") as f:
        secrets = secrets_of(f.read())
    chain = [Snapshot(p, secrets) for p in paths]
    if "SIGNER" in os.environ:
        assert chain[0].signed_by(bytes.fromhex(os.environ["SIGNER"])), "somebody else signed it"
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
