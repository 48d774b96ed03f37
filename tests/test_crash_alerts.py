#!/usr/bin/env python3
"""A worker that dies at each point between an order to write and the note that it was written: nothing is lost,
and what may have been sent is sent again under the same id. Speaks TAP."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import TOP, Box, Tap, wait_for
from mail_sink import MailSink

# Where the worker dies, and how often the letter has then gone out.
POINTS = {"mailing.bite": 1, "post.claimed": 1, "post.sent": 2, "post.noted": 1}


def letters(box):
    return [m for m in box.json("mail", "log", "--limit", "100")["data"] if m["kind"] == "message"]


def die_at(tap, box, sink, point, times):
    before, known = len(sink.mails), {m["id"] for m in letters(box)}
    worker = box.start("worker", env={"SETT_CRASH": point})
    box.sett("mail", "send", "--subject", point, "--text", "A word")
    wait_for(lambda: worker.poll() is not None, f"the worker dies at {point}", 30)
    box.processes.pop("worker")
    box.start("worker")
    sent = wait_for(lambda: [m for m in letters(box) if m["id"] not in known and m["state"] == "sent"], "the letter is sent", 40, 0.1)
    went = [m["mail"]["Message-ID"] for m in sink.mails[before:]]
    tap.ok(len(sent) == 1 and went == [f"<{sent[0]['id']}@sett.example>"] * times,
           f"{point}: {'again, under the same id' if times == 2 else 'once'}", (sent, went))
    box.kill("worker")


def main():
    tap = Tap()
    sink = MailSink()
    box = Box(build=os.path.join(TOP, "build", "crash"),
              conf=f"\n[smtp]\nurl = {sink.url}\ntls = none\n[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n[engine]\nbackoff_min_ms = 3600000\n")
    try:
        made = json.loads(box.sett("customer", "create", "--name", "Anna", "--email", "anna@kunde.example", "--json"))
        box.sett("tenant", "create", "Anna", "demo", "--subdomain", "anna", "--customer-id", made["id"])
        for point, times in POINTS.items():
            with tap.part(point):
                die_at(tap, box, sink, point, times)
        tap.ok(not [m for m in letters(box) if m["state"] != "sent"] and len(letters(box)) == len(POINTS), "no letter was lost or written twice", letters(box))
    finally:
        box.close()
        sink.close()
    tap.done()


if __name__ == "__main__":
    main()
