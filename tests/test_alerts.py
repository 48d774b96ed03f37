#!/usr/bin/env python3
"""Alerts and mails on their way out of a real box: a mail server with TLS and passwords that says no in every
way it can, receivers of webhooks that check the signatures themselves, and a worker that is killed at each
point of sending. Speaks TAP."""
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import Box, Tap, wait_for
from hook_sink import HookSink, genuine
from mail_sink import MailSink, certificate


class Scene:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-sinks-")
        self.cert, self.key = certificate(self.folder)
        self.mail = MailSink(self.cert, self.key, user="box", password="s3cret: p\u00e4ss")
        self.hooks = HookSink()
        conf = (f"\n[outside]\nca_file = {self.cert}\n[smtp]\nurl = {self.mail.url}\nuser = box\n"
                "timeout_s = 5\n[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n[alerts]\nprivate_targets = true\n")
        self.box = Box(conf=conf)
        self.box.secret("smtp.password", "s3cret: p\u00e4ss")

    def close(self):
        self.box.close()
        self.mail.close()
        self.hooks.close()

    def messages(self, noun="notice", **want):
        return [m for m in self.box.json(noun, "log", "--limit", "100")["data"] if all(m[k] == v for k, v in want.items())]

    def ended(self, noun="notice", state="sent", count=1, **want):
        return wait_for(lambda: (lambda found: found if len(found) >= count else None)(self.messages(noun, state=state, **want)),
                        f"{count} {noun} {state} {want}", 40, 0.1)

    def stick(self, name):
        """An alert: an event about a price of no plan is one that needs a person."""
        event = {"id": f"evt_{name}", "object": "event", "type": "customer.subscription.created", "api_version": "2026-10-29.dahlia",
                 "created": int(time.time()), "livemode": False, "data": {"object": {
                     "id": f"sub_{name}", "object": "subscription", "status": "active", "customer": f"cus_{name}", "metadata": {},
                     "items": {"object": "list", "data": [{"id": f"si_{name}", "price": {"id": "price_none"}}]}}}}
        return event


def test_mail_channel(tap, scene):
    box, sink = scene.box, scene.mail
    box.sett("channel", "create", "ops", "email", "--target", "ops@sett.example")
    said = box.json("channel", "test", "ops")
    tap.ok(said["answer"].startswith("250 2.0.0 taken"), "a test by mail says what the server said", said)
    taken = sink.mails[-1]
    tap.ok(taken["secure"] and taken["user"] == "box", "it went over TLS, with user and password", taken)
    mail = taken["mail"]
    tap.ok(mail["From"].addresses[0].addr_spec == "box@sett.example" and mail["To"].addresses[0].addr_spec == "ops@sett.example"
           and "TEST" in mail["Subject"] and mail["Auto-Submitted"] == "auto-generated" and mail["Date"].datetime is not None
           and mail["Message-ID"] == f"<{said['message']}@sett.example>", "with the headers of a mail", taken["raw"].decode())
    kinds = [p.get_content_type() for p in mail.walk()]
    tap.equal(kinds, ["multipart/alternative", "text/plain", "text/html"], "as text and as HTML")
    box.secret("smtp.password", "wrong")
    code, _, errors = box.sett("channel", "test", "ops", ok=False)
    tap.ok(code == 1 and "smtp.password" in errors and "535" in errors, "a wrong password: what the server said, and what to do", errors)
    box.secret("smtp.password", "s3cret: p\u00e4ss")
    for url, what in (("smtp", "a server without TLS"),):
        bare = MailSink(user="box", password="s3cret: p\u00e4ss")
        box.sett("setting", "set", "smtp.url", "--value", bare.url)
        code, _, errors = box.sett("channel", "test", "ops", ok=False)
        tap.ok(code == 1 and "TLS" in errors and not bare.mails and not any("AUTH" in l for t in bare.talks for l in t),
               f"{what} gets neither mail nor password", (errors, bare.talks))
        bare.close()
    implicit = MailSink(scene.cert, scene.key, implicit=True, user="box", password="s3cret: p\u00e4ss")
    box.sett("setting", "set", "smtp.url", "--value", implicit.url)
    box.sett("channel", "test", "ops")
    tap.ok(len(implicit.mails) == 1 and implicit.mails[0]["secure"], "smtps: TLS from the start")
    implicit.close()
    stranger = MailSink(*certificate(tempfile.mkdtemp(prefix="sett-sinks-")), user="box", password="x")
    box.sett("setting", "set", "smtp.url", "--value", stranger.url)
    code, _, errors = box.sett("channel", "test", "ops", ok=False)
    tap.ok(code == 1 and not stranger.mails, "a certificate that nobody vouches for: nothing is sent", errors)
    stranger.close()
    box.sett("setting", "set", "smtp.url", "--value", scene.mail.url)


def test_hook_channels(tap, scene):
    box, hooks = scene.box, scene.hooks
    made = box.json("channel", "create", "hook", "webhook", "--target", hooks.url + "/ok")
    secret = made["secret"]
    tap.ok(secret.startswith("whsec_") and "secret" not in box.json("channel", "show", "hook"), "a webhook's secret is shown once")
    said = box.json("channel", "test", "hook")
    seen = hooks.at("/ok")[-1]
    tap.ok(said["answer"].startswith("HTTP 204") and genuine(secret, seen["headers"], seen["body"]),
           "a webhook is signed as Standard Webhooks wants it", seen)
    tap.ok(seen["headers"]["webhook-id"] == said["message"] and json.loads(seen["body"])["type"] == "test", "under the message's id")
    rotated = box.json("channel", "rotate", "hook")["secret"]
    box.sett("channel", "test", "hook")
    seen = hooks.at("/ok")[-1]
    tap.ok(rotated != secret and genuine(secret, seen["headers"], seen["body"]) and genuine(rotated, seen["headers"], seen["body"])
           and not genuine(secret, seen["headers"], seen["body"] + b" "), "after a rotation both secrets sign", seen)
    for path, words in (("/away", "HTTP 302"), ("/gone", "HTTP 410"), ("/down", "HTTP 503")):
        box.sett("channel", "update", "hook", "--target", hooks.url + path)
        code, _, errors = box.sett("channel", "test", "hook", ok=False)
        tap.ok(code == 1 and words in errors, f"{words} is no success", errors)
    tap.equal(len(hooks.at("/ok")), 2, "a redirect is not followed")
    box.sett("setting", "set", "alerts.private_targets", "--value", "false")
    box.sett("channel", "create", "inside", "webhook", "--target", "https://127.0.0.1:1/ok")
    code, _, errors = box.sett("channel", "test", "inside", ok=False)
    tap.ok(code == 1 and "not public" in errors, "an address that is not public is refused", errors)
    code, _, errors = box.sett("channel", "create", "plain", "webhook", "--target", hooks.url, ok=False)
    tap.ok(code == 2 or code == 1, "and so is http://", errors)
    box.sett("setting", "set", "alerts.private_targets", "--value", "true")
    box.sett("channel", "delete", "inside", "--confirm=inside")
    box.sett("channel", "delete", "hook", "--confirm=hook")
    made = box.sett("channel", "create", "chat", "slack", "--slack-url-file", "-", "--json", stdin=hooks.url + "/slack")
    tap.ok("/slack" not in made.replace("slack_url", ""), "Slack's address is sealed and not shown", made)
    said = box.json("channel", "test", "chat")
    body = json.loads(hooks.at("/slack")[-1]["body"])
    tap.ok(said["answer"] == "HTTP 200 ok" and "TEST" in body["text"], "Slack is told in its own words", body)
    box.sett("channel", "delete", "chat", "--confirm=chat")
    code, _, errors = box.sett("channel", "create", "bad", "email", "--target", "x@y.example", "--kinds", "nonsense.*", ok=False)
    tap.ok(code != 0 and "nonsense" in errors, "a kind of alert that is none is refused", errors)


def main():
    tap = Tap()
    scene = Scene()
    try:
        scene.box.start_all()
        for name, test in (("mail channel", test_mail_channel), ("hook channels", test_hook_channels)):
            with tap.part(name):
                test(tap, scene)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in scene.box.log("worker").splitlines()[-30:]))
    finally:
        scene.close()
    tap.done()


main()
