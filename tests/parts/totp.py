"""Codes of an authenticator app (RFC 6238), as a phone makes them."""
import base64
import hashlib
import hmac
import struct
import time


def code(secret, steps=0, at=None):
    """The code of this moment, some steps away."""
    counter = int((time.time() if at is None else at) // 30) + steps
    digest = hmac.new(base64.b32decode(secret), struct.pack("!Q", counter), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('!I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"
