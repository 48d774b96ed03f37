#!/usr/bin/env python3
"""People: invited by a letter in their language or by a link that is shown, with a password of their own; a
password that was forgotten; and that no link and no password stands anywhere. Speaks TAP."""
import concurrent.futures
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import Box, Tap, wait_for
from mail_sink import MailSink, certificate
from totp import code

PASSWORD = "a long enough password 7"


class Scene:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-people-")
        self.sink = MailSink(*certificate(self.folder))
        self.box = Box(conf=f"\n[outside]\nca_file = {self.folder}/sink.crt\n[smtp]\nurl = {self.sink.url}\ntimeout_s = 4\n"
                            "[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n[limits]\nlogin_per_minute = 1000\nanonymous_per_minute = 100000\n")
        self.box.run()
        self.taken = 0

    def mail(self, what):
        wait_for(lambda: len(self.sink.mails) > self.taken, f"a mail: {what}", 30, 0.05)
        self.taken += 1
        mail = self.sink.mails[self.taken - 1]["mail"]
        return mail, mail.get_body(("plain",)).get_content()

    def login(self, name, password):
        return self.box.http("POST", "/api/auth/login", {"username": name, "password": password})

    def close(self):
        self.box.close()
        self.sink.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def token_of(text):
    return re.search(r"http://localhost:\d+/\S+#([A-Za-z0-9_-]{43})", text).group(1)


def test_invitation(t, s):
    words = {"en": ("Your access to", "invites you"), "es": ("Su acceso a", "le invita"), "de": ("Ihr Zugang zu", "lädt Sie zu")}
    for language, (subject, phrase) in words.items():
        name = f"ann-{language}@example.com"
        made = s.box.json("invitation", "create", name, "operator", "--language", language)
        t.ok(made["mailed"] and made["link"] is None and made["state"] == "open", f"invited in {language}: the link goes by mail alone", made)
        mail, text = s.mail("invitation")
        t.ok(mail["To"] == name and subject in mail["Subject"] and phrase in text and name in text, f"the letter is in {language}", text)
    token = token_of(text)
    seen = s.box.http("POST", "/api/invitations/look", {"token": token})
    t.ok(seen.status == 200 and seen.json["role"] == "operator" and seen.json["name"] == name, "whoever holds the link is told what it is for", seen.body)
    weak = s.box.http("POST", "/api/invitations/accept", {"token": token, "password": "password"})
    t.equal(weak.status, 422, "a common password is refused, and the link still good")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        all_at_once = list(pool.map(lambda _: s.box.http("POST", "/api/invitations/accept", {"token": token, "password": PASSWORD}), range(20)))
    done = next((a for a in all_at_once if a.status == 200), all_at_once[0])
    t.ok(sorted({a.status for a in all_at_once} - {503}) == [200, 404] and [a.status for a in all_at_once].count(200) == 1, "of twenty at once one is taken", [a.status for a in all_at_once])
    cookie = done.headers.get("Set-Cookie", "")
    t.ok(done.status == 200 and done.json["user"]["name"] == name and "HttpOnly" in cookie, "accepted: the user is there and signed in", done.body)
    me = s.box.http("GET", "/api/auth/me", headers={"Cookie": cookie.split(";")[0]})
    t.ok(me.status == 200 and me.json["role"] == "operator", "by the cookie that came", me.body)
    t.equal(s.box.http("POST", "/api/invitations/accept", {"token": token, "password": PASSWORD}).status, 404, "the link is good once")
    t.equal(s.login(name, PASSWORD).status, 200, "and the password for ever")
    trail = s.box.json("audit", "list", "--limit", "5")["data"]
    t.ok(any(a["action"] == "invitation.accept" and a["object_id"] == s.box.json("user", "show", name)["id"] for a in trail), "it is in the audit", trail)
    cross = s.box.http("POST", "/api/invitations/accept", {"token": token, "password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"})
    t.equal(cross.status, 403, "no foreign page can accept for somebody")
    return [token]


def test_shown(t, s):
    made = s.box.json("invitation", "create", "bob", "viewer")
    t.ok(not made["mailed"] and made["link"], "without an address the link is shown", made)
    first = token_of(made["link"])
    t.ok(first not in s.box.sett("invitation", "list", "--json"), "once")
    again = s.box.json("invitation", "resend", made["id"])
    t.equal(s.box.http("POST", "/api/invitations/look", {"token": first}).status, 404, "a new one ends the one before")
    second = token_of(again["link"])
    s.box.sett("invitation", "revoke", made["id"])
    t.equal(s.box.http("POST", "/api/invitations/look", {"token": second}).status, 404, "and none is left when it is taken back")
    return [first, second]


def test_forgotten(t, s):
    name = "ann-es@example.com"
    s.box.sett("user", "create", "kim@example.com", "viewer", "--language", "es", "--password-file", "-", stdin=PASSWORD)
    answers = [s.box.http("POST", "/api/auth/forgotten", {"username": n}) for n in ("nobody@example.com", name, "kim@example.com")]
    t.ok(len({(a.status, a.body) for a in answers}) == 1 and answers[0].status == 200, "the same is said whoever is named", [a.body for a in answers])
    mail, text = s.mail("reset")
    t.ok(mail["To"] == "kim@example.com" and "nueva contraseña" in text, "only who is there is written to, in the language of the user", text)
    token, signed_in = token_of(text), s.login("kim@example.com", PASSWORD)
    bearer = {"Authorization": "Bearer " + signed_in.json["access_token"]}
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        all_at_once = list(pool.map(lambda _: s.box.http("POST", "/api/auth/reset", {"token": token, "password": PASSWORD + "8"}), range(20)))
    done = next((a for a in all_at_once if a.status == 200), all_at_once[0])
    t.equal([a.status for a in all_at_once].count(200), 1, "of twenty at once one is taken")
    t.ok(done.status == 200 and "Set-Cookie" not in done.headers and "access_token" not in done.json, "a reset sets the password and signs nobody in", done.body)
    t.equal(s.box.http("GET", "/api/auth/me", headers=bearer).status, 401, "sessions of before are over")
    t.equal((s.login("kim@example.com", PASSWORD).status, s.login("kim@example.com", PASSWORD + "8").status), (401, 200), "the new password holds")
    t.equal(s.box.http("POST", "/api/auth/reset", {"token": token, "password": PASSWORD}).status, 404, "the link is good once")
    mail, text = s.mail("the password was changed")
    t.ok(mail["To"] == "kim@example.com" and "Se ha cambiado la contraseña" in text, "its owner is told that it was changed", text)
    offer = s.box.json("second-factor", "begin", "--user", "kim@example.com")
    s.box.sett("second-factor", "confirm", code(offer["secret"]), "--user", "kim@example.com")
    mail, text = s.mail("a second factor")
    t.ok("segundo factor" in text, "and of a second factor", text)
    token = token_of(s.box.json("user", "reset", "kim@example.com")["link"])
    t.equal(s.box.http("POST", "/api/auth/reset", {"token": token, "password": PASSWORD}).status, 200, "with it a password may be forgotten, too")
    s.mail("the password was changed again")
    t.equal(s.login("kim@example.com", PASSWORD).json.get("second_factor"), "needed", "but the new one alone lets nobody in")
    made = s.box.json("user", "reset", "admin")
    second = token_of(made["link"])
    t.equal(s.box.http("POST", "/api/auth/reset", {"token": second, "password": PASSWORD}).status, 200, "an admin who is locked out makes a link on the box")
    t.equal(s.login("admin", PASSWORD).status, 200, "and is in again")
    return [token, second]


def main():
    t = Tap()
    s = Scene()
    try:
        tokens = []
        for part in (test_invitation, test_shown, test_forgotten):
            with t.part(part.__name__[5:]):
                tokens += part(t, s)
        with open(os.path.join(s.box.root, "var/lib/sett/live/db/data.mdb"), "rb") as f:
            store = f.read()
        logs = "".join(s.box.log(n) for n in ("run", "worker", "front", "hands") if os.path.exists(os.path.join(s.box.root, f"{n}.log")))
        for folder, _, files in os.walk(os.path.join(s.box.root, "log")):
            for n in files:
                with open(os.path.join(folder, n), encoding="utf-8", errors="replace") as f:
                    logs += f.read()
        t.ok(not any(x.encode() in store or x in logs for x in tokens + [PASSWORD]), "neither links nor passwords stand in the store or a log")
    finally:
        s.close()
    t.done()


if __name__ == "__main__":
    main()
