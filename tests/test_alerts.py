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
                "timeout_s = 5\n[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n[alerts]\nprivate_targets = true\nround_s = 1\n")
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

    def fail_event(self, name):
        """Something that needs a person: a subscription at a price of no plan."""
        self.box.sett("stripe", "send", "customer.subscription.updated", "--subscription", f"sub_{name}", "--customer", f"cus_{name}",
                      "--price", "price_none", "--status", "active", "--url", f"http://127.0.0.1:{self.box.port}/webhook/stripe")

    def raised(self, kind):
        return wait_for(lambda: self.box.json("alert", "list", "--kind", kind)["data"], f"an alert {kind}", 20, 0.1)[0]


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
    box.sett("channel", "create", "wordy", "webhook", "--target", hooks.url + "/wordy")
    tap.ok(box.json("channel", "test", "wordy")["answer"].startswith("HTTP 200 "), "one that takes it with a long page has taken it")
    box.sett("channel", "delete", "wordy", "--confirm=wordy")
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


def test_alert(tap, scene):
    box, sink, hooks = scene.box, scene.mail, scene.hooks
    rules = {r["kind"]: r for r in box.json("alert", "rules")["data"]}
    tap.ok(rules["box.disk"]["threshold"] == 85 and rules["box.disk"]["unit"] == "%" and rules["job.stuck"]["threshold"] is None,
           "what is watched over is a list with thresholds", rules)
    tap.ok(box.json("alert", "set", "box.disk", "--threshold", "91", "--hold-s", "30")["threshold"] == 91
           and box.json("alert", "set", "box.disk", "--reset")["threshold"] == 85, "that can be set, and taken back")
    secret = box.json("channel", "create", "hook", "webhook", "--target", hooks.url + "/flaky", "--kinds", "subscription.*, event.*, job.*")["secret"]
    box.sett("channel", "create", "gone", "webhook", "--target", hooks.url + "/gone")
    box.sett("channel", "create", "stall", "webhook", "--target", hooks.url + "/stall")
    before = len(sink.mails)
    box.sett("alert", "set", "event.failed", "--off", "true")
    scene.fail_event("one")
    alert = scene.raised("subscription.flagged")
    wait_for(lambda: len(sink.mails) > before, "the mail to operators", 20)
    mail = sink.mails[-1]["mail"]
    tap.ok("WARNING" in mail["Subject"] and "price_none" in mail["Subject"] and f"sett alert ack {alert['id']}" in mail.get_body(("plain",)).get_content(),
           "an alert comes by mail, with what to do", mail["Subject"])
    seen = wait_for(lambda: (s := hooks.at("/flaky")) and len(s) >= 3 and s, "the webhook is tried until it takes it", 60, 0.1)
    ids = {s["headers"]["webhook-id"] for s in seen}
    told = json.loads(seen[-1]["body"])
    tap.ok(len(ids) == 1 and len({s["body"] for s in seen}) == 1 and all(genuine(secret, s["headers"], s["body"]) for s in seen)
           and told["type"] == "alert.raised" and told["data"]["kind"] == "subscription.flagged" and told["data"]["id"] == alert["id"],
           "a webhook that says 500 twice gets the same again under the same id", [s["headers"] for s in seen])
    sent = scene.ended(kind="subscription.flagged", channel_id=box.json("channel", "show", "hook")["id"])[0]
    tap.ok(sent["attempts"] == 3 and sent["answer"].startswith("HTTP 200"), "the log says how often and what was answered", sent)
    gone = wait_for(lambda: not (c := box.json("channel", "show", "gone"))["enabled"] and c, "410 ends a channel", 20, 0.1)
    tap.ok("410" in gone["disabled_reason"], "a receiver that is gone is not asked again", gone)
    failing = scene.raised("channel.failing")
    tap.ok(failing["subject_id"] == "gone", "and that is an alert of its own", failing)
    box.sett("channel", "delete", "gone", "--confirm=gone")
    box.sett("channel", "delete", "stall", "--confirm=stall")
    silenced = box.json("alert", "silence", alert["id"], "--minutes", "60")
    tap.ok(silenced["silenced_until"] and box.json("alert", "silence", alert["id"], "--minutes", "0")["silenced_until"] is None,
           "silence for a while, and its end")
    acked = box.json("alert", "ack", alert["id"], "--note", "price is being made")
    tap.ok(acked["state"] == "acknowledged" and acked["note"] == "price is being made", "somebody answers for it")
    before = len(sink.mails)
    box.sett("plan", "create", "--name", "late", "--title", "Late", "--blueprint", "site", "--stripe-price", "price_none")
    box.sett("event", "replay", box.json("event", "list")["data"][0]["id"])
    over = wait_for(lambda: [m for m in sink.mails[before:] if "OVER" in m["mail"]["Subject"] and "price_none" in m["mail"]["Subject"]], "its end", 30, 0.1)
    tap.ok(box.json("alert", "show", alert["id"])["state"] == "cleared" and len(over) == 1, "its end is told, once", over)


def main():
    tap = Tap()
    scene = Scene()
    try:
        scene.box.run()
        for name, test in (("mail channel", test_mail_channel), ("hook channels", test_hook_channels), ("alert", test_alert)):
            with tap.part(name):
                test(tap, scene)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in scene.box.log("worker").splitlines()[-30:]))
    finally:
        scene.close()
    tap.done()


main()
