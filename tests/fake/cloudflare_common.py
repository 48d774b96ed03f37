"""What all parts of the fake Cloudflare share: the time as it writes it, and a refusal."""
import time

STAMP = "%Y-%m-%dT%H:%M:%S.000000Z"


def now():
    return time.strftime(STAMP, time.gmtime())


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
