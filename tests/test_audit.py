#!/usr/bin/env python3
"""The audit over HTTP and on the command line: found by who, what, when and how it ended; taken away as lines and
checked there by somebody who has no box, by the words of store/FORMAT alone. Speaks TAP."""
import csv
import hashlib
import io
import json
import os
import struct
import sys
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap
from restores import Api

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
FIELDS = ("number", "at", "actor", "actor_kind", "address", "request_id", "job_id", "action", "object_id", "result", "reason", "before", "after", "hash")


def id_bytes(text):
    if not text:
        return b"\0"
    n = 0
    for c in text.split("_")[1]:
        n = n * 32 + CROCKFORD.index(c)
    return b"\1" + n.to_bytes(16, "big")


def payload(e):
    """An entry as the store has it, its own hash being zero."""
    at = datetime.fromisoformat(e["at"].replace("Z", "+00:00"))
    out = struct.pack(">Qq", int(e["number"]), int(at.timestamp()) * 1000 + at.microsecond // 1000)
    for name in FIELDS[2:11]:
        if name == "job_id":
            out += id_bytes(e[name])
        else:
            text = (e[name] or "").encode()
            out += struct.pack(">I", len(text)) + text
    return out + bytes.fromhex(e["before"]) + bytes.fromhex(e["after"]) + bytes(32)


def chain(entries):
    """The number of the first that is wrong, or None."""
    before = None
    for e in entries:
        sealed = hashlib.blake2b(bytes.fromhex(e["previous"]) + payload(e), digest_size=32).hexdigest()
        if sealed != e["hash"] or (before and e["previous"] != before):
            return int(e["number"])
        before = e["hash"]
    return None


def test_list(tap, api):
    every = api.must("GET", "/api/audit?limit=100")["data"]
    made = api.must("GET", "/api/audit?action=tenant.*&result=ok")["data"]
    tap.ok(made and all(e["action"].startswith("tenant.") and e["result"] == "ok" for e in made), "by what was done", made)
    failed = api.must("GET", "/api/audit?result=failed")["data"]
    tap.ok(failed and all(e["result"] != "ok" for e in failed), "by how it ended", failed)
    who = made[0]["actor"]
    tap.ok(all(e["actor"] == who for e in api.must("GET", f"/api/audit?actor={who}")["data"]), "by who it was")
    at = every[len(every) // 2]["at"]
    older, newer = (api.must("GET", f"/api/audit?limit=100&{end}={at}")["data"] for end in ("until", "from"))
    tap.ok(all(e["at"] <= at for e in older) and all(e["at"] >= at for e in newer) and {e["number"] for e in older + newer} >= {e["number"] for e in every},
           "by when: two halves are all of it")
    word = made[0]["request_id"]
    tap.ok(made[0]["number"] in [e["number"] for e in api.must("GET", f"/api/audit?text={word}")["data"]], "by any word of it")
    one = api.must("GET", f"/api/audit/{made[0]['number']}")
    before = api.must("GET", f"/api/audit/{made[0]['number'] - 1}")
    tap.ok(one["intact"] and one["previous"] == before["hash"] and one["before"] != one["after"], "an entry, and what it is sealed to", one)
    tap.equal(api.ask("GET", "/api/audit/999999").status, 404, "one that is not there")


def test_export(tap, box, api):
    answer = api.ask("GET", "/api/audit/export")
    entries = [json.loads(line) for line in answer.body.splitlines()]
    tap.ok(answer.headers["Content-Type"] == "application/x-ndjson" and ".ndjson" in answer.headers["Content-Disposition"], "lines to be kept", answer.headers)
    tap.ok(entries[0]["number"] == 1 and entries[0]["previous"] == "00" * 32 and [e["number"] for e in entries] == list(range(1, len(entries) + 1)), "all of them, from the first on")
    tap.equal(chain(entries), None, "their chain holds, by the format's words alone")
    entries[4]["actor"] = "somebody else"
    tap.equal(chain(entries), entries[4]["number"], "and a changed entry shows")
    rows = list(csv.DictReader(io.StringIO(api.ask("GET", f"/api/audit/export?format=csv&from={entries[5]['at']}").body.decode(), newline="")))
    tap.ok(int(rows[0]["number"]) <= 6 and set(FIELDS) < set(rows[0]) and chain(rows) is None, "a span of it as CSV, whose chain holds too", rows[:2])
    tap.ok(api.must("GET", "/api/audit?action=audit.export")["data"], "who took it away is in it")
    part = api.ask("GET", "/api/audit/export", None, Range="bytes=100-")
    tap.ok(part.status == 206 and part.body[:200] == answer.body[100:300], "it goes on from where it broke off", part.status)
    path = os.path.join(box.root, "audit.ndjson")
    with open(path, "w", encoding="utf-8") as f:
        f.write(box.sett("audit", "export"))
    said = box.json("audit", "check", path)
    tap.ok(said["intact"] and said["first"] == 1 and said["hash"] == api.must("GET", f"/api/audit/{said['last']}")["hash"], "and the same on the command line, checked without a box", said)
    with open(path, encoding="utf-8") as f:
        lines = f.readlines()
    for name, wrong in (("taken out", lines[:3] + lines[4:]), ("edited", [line.replace('"action":"', '"action":"x', 1) if i == 3 else line for i, line in enumerate(lines)])):
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(wrong)
        code, _, words = box.sett("audit", "check", path, ok=False)
        tap.ok(code == 1 and ("entry 4" in words or "entry 5" in words), f"an entry that was {name} is named", words)


def main():
    tap, box = Tap(), Box()
    try:
        box.run()
        api = Api(box, box.login())
        api.done(api.must("POST", "/api/tenants", {"name": "alpha", "subdomain": "alpha", "plan": "demo"}, 202))
        api.must("PATCH", "/api/tenants/alpha", {"name": 'A "name", with = all'})
        box.http("POST", "/api/auth/login", {"username": "admin", "password": "a wrong password"})
        with tap.part("the list"):
            test_list(tap, api)
        with tap.part("lines"):
            test_export(tap, box, api)
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
