#!/usr/bin/env python3
"""What customers are written: from the payment to the deletion, in their language, with a link that shows the first
credentials once; a mail server that says no, breaks off or is slow; a worker killed at each point of sending;
and an operator who writes to many. Speaks TAP."""
import concurrent.futures
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import TOP, Box, Tap, wait_for
from mail_sink import MailSink, certificate
from test_main_job import Shop

PANEL = """[generated]
ADMIN_PASSWORD = 20

[credentials]
user = admin
password = ${ADMIN_PASSWORD}
address = ${TENANT_URL}

[init]
command = /bin/sh -c "echo $ADMIN_PASSWORD > site/password"
"""


class Scene:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-sinks-")
        self.sink = MailSink(*certificate(self.folder))
        self.box = Box(conf=f"\n[outside]\nca_file = {self.folder}/sink.crt\n[smtp]\nurl = {self.sink.url}\ntimeout_s = 4\n"
                            "[mail]\nfrom = box@sett.example\nfrom_name = Zw\u00f6lf Bl\u00e4tter\n[outbox]\nretry_s = 1\n[box]\ntime_zone = Europe/Berlin\n[limits]\nanonymous_per_minute = 100000\n")
        conf = os.path.join(self.box.root, "etc", "sett", "blueprints")
        with open(os.path.join(conf, "site.conf"), encoding="utf-8") as f:
            site = f.read()
        with open(os.path.join(conf, "panel.conf"), "w", encoding="utf-8") as f:
            f.write(site.replace("[init]\n", PANEL.rsplit("[init]\n", 1)[0] + "[init]\n") + PANEL.rsplit("[init]\n", 1)[1])
        shutil.copytree(os.path.join(TOP, "appliance", "blueprints", "site"), os.path.join(conf, "panel"))
        for name, blueprint in (("panel", "panel"), ("plain", "site")):
            self.box.sett("plan", "create", "--name", name, "--title", name, "--blueprint", blueprint, "--offered")
        self.taken = 0

    def mail(self, what, seconds=30):
        """The next mail that the server takes."""
        wait_for(lambda: len(self.sink.mails) > self.taken, f"a mail: {what}", seconds, 0.05)
        self.taken += 1
        return self.sink.mails[self.taken - 1]["mail"]

    def log(self, **want):
        return [m for m in self.box.json("mail", "log", "--limit", "100")["data"] if all(m[k] == v for k, v in want.items())]

    def write(self, ident):
        """A letter of an operator's own: its message, once it is in the outbox."""
        before = {m["id"] for m in self.log()}
        self.box.sett("mail", "send", "--customer", ident, "--subject", "Hello", "--text", "A word")
        return wait_for(lambda: next((m["id"] for m in self.log() if m["id"] not in before), None), "the letter is queued", 10, 0.05)

    def ends(self, ident, state, seconds=30):
        return wait_for(lambda: (m := self.box.json("mail", "show", ident))["state"] == state and m, f"{ident} is {state}", seconds, 0.1)

    def close(self):
        self.box.close()
        self.sink.close()


def text(mail):
    return mail.get_body(("plain",)).get_content()


def html(mail):
    return mail.get_body(("html",)).get_content()


def token_of(mail):
    return re.search(r"reveal\.html#([A-Za-z0-9_-]{43})", text(mail)).group(1)


def test_ready(tap, scene, shop):
    box = scene.box
    shop.event("checkout.session.completed", name='M\u00fcller & "S\u00f6hne" <b>', email="mueller@kunde.example", plan="panel", subdomain="mueller",
               customer="cus_m", subscription="sub_m")
    tenant = shop.reaches("mueller", "active")
    mail = scene.mail("ready")
    tap.ok(mail["To"] == "mueller@kunde.example" and "box@sett.example" in mail["From"] and "Zw\u00f6lf Bl\u00e4tter" in mail["From"],
           "the customer is written to when the tenant answers", str(mail))
    tap.ok(tenant["url"] in text(mail) and "is ready" in mail["Subject"], "with the address", text(mail))
    tap.ok("<b>" not in html(mail) and "&lt;b&gt;" in html(mail), "a name is no HTML", html(mail))
    token = token_of(mail)
    page = box.http("GET", "/reveal.html")
    tap.ok(page.status == 200 and b"shop.js" in page.body and "script-src" in page.headers.get("Content-Security-Policy", ""),
           "the link leads to a page that by itself shows nothing", page.body)
    for _ in range(3):
        tap.ok(box.http("GET", f"/api/reveal?token={token}").status in (404, 405), "looking at it uses nothing up") if _ == 0 else box.http("GET", "/reveal.html")
    said = box.http("POST", "/api/reveal", {"token": token})
    with open(os.path.join(box.root, f"var/lib/sett/live/tenants/{tenant['number']}/site/password"), encoding="utf-8") as f:
        password = f.read().strip()
    tap.ok(said.status == 200 and said.json["credentials"] == {"user": "admin", "password": password, "address": tenant["url"]}
           and len(password) == 20, "it shows the password that the program was given", (said.body, password))
    again = box.http("POST", "/api/reveal", {"token": token})
    tap.ok(again.status == 404 and password not in again.body.decode(), "once", again.body)
    trail = box.json("audit", "list", "--limit", "20")["data"]
    tap.ok(any(a["action"] == "reveal.show" and a["object_id"] == tenant["id"] for a in trail), "and that is in the audit", trail)
    everything = b"".join(open(os.path.join(box.root, "var/lib/sett/live/db", n), "rb").read() for n in ("data.mdb",))
    tap.ok(password.encode() not in everything and token.encode() not in everything, "neither password nor link stands in the store")
    tap.ok(password not in box.log("worker") + box.log("front") + box.log("hands"), "nor in a log")


def test_once(tap, scene, shop):
    box = scene.box
    ident = str(shop.tenant("mueller")["number"])
    box.sett("tenant", "credentials", ident)
    first = token_of(scene.mail("new link"))
    box.sett("tenant", "credentials", ident)
    token = token_of(scene.mail("newer link"))
    tap.equal(box.http("POST", "/api/reveal", {"token": first}).status, 404, "a newer link ends the one before")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(lambda _: box.http("POST", "/api/reveal", {"token": token}).status, range(100)))
    tap.ok(codes.count(200) == 1 and codes.count(404) == 99, "of a hundred at once one is shown it", codes)
    tap.equal([box.http("POST", "/api/reveal", {"token": t}).status for t in ("", "x", "A" * 43, "\u00e4" * 43, "A" * 500)].count(200), 0,
              "nonsense is nothing")


def test_life(tap, scene, shop):
    box = scene.box
    number = str(box.json("customer", "list")["data"][0]["id"])
    box.sett("customer", "update", number, "--locale", "de-AT")
    shop.event("customer.subscription.updated", subscription="sub_m", customer="cus_m", status="past_due")
    shop.reaches("mueller", "past_due")
    mail = scene.mail("payment failed")
    tap.ok("fehlgeschlagen" in mail["Subject"] and re.search(r"am \d+\. [A-Z\u00e4-\u00fc][a-z\u00e4-\u00fc]+ 20\d\d", text(mail)) and "Guten Tag" in text(mail),
           "a payment that failed, in the customer's language, with a date", text(mail))
    box.sett("customer", "update", number, "--locale", "es")
    shop.event("customer.subscription.updated", subscription="sub_m", customer="cus_m", status="unpaid")
    shop.reaches("mueller", "suspended")
    mail = scene.mail("suspended")
    tap.ok("suspendido" in mail["Subject"] and mail["Content-Language"] == "es" and "Estimado" in text(mail), "suspended", text(mail))
    shop.event("customer.subscription.updated", subscription="sub_m", customer="cus_m", status="active")
    shop.reaches("mueller", "active")
    tap.ok("vuelve a funcionar" in scene.mail("resumed")["Subject"], "resumed")
    box.sett("customer", "update", number, "--locale", "en")
    shop.event("customer.subscription.deleted", subscription="sub_m", customer="cus_m", status="canceled")
    shop.reaches("mueller", "suspended")
    mail = scene.mail("deletion")
    tap.ok("will be deleted on" in mail["Subject"] and re.search(r"In 1[34] days", text(mail)), "the end is announced", text(mail))
    box.sett("setting", "set", "stripe.delete_days", "--value", "0")
    shop.event("customer.subscription.updated", subscription="sub_m", customer="cus_m", status="canceled")
    shop.reaches("mueller", "deleted")
    tap.ok("has been deleted" in scene.mail("deleted")["Subject"], "and told")
    tap.equal(len(scene.sink.mails), scene.taken, "nothing was written twice")
    code, _, errors = box.sett("tenant", "credentials", "1", ok=False)
    tap.ok(code == 5, "no credentials are left of a tenant that is deleted", errors)


def test_trouble(tap, scene, shop):
    box, sink = scene.box, scene.sink
    made = json.loads(box.sett("customer", "create", "--name", "Berta", "--email", "berta@kunde.example", "--json"))
    box.sett("tenant", "create", "Berta", "plain", "--subdomain", "berta", "--customer-id", made["id"], "--wait")
    tap.ok("is ready" in scene.mail("ready without credentials")["Subject"], "a tenant without credentials is ready too")
    for plan, what in (("4xx", "a 4xx to the content"), ("rcpt4", "a 4xx to the recipient"), ("greet", "a 554 as greeting"), ("before", "a connection lost at DATA"),
                       (("slow", 6), "an answer that does not come")):
        sink.plan.append(plan)
        before = len(sink.mails)
        sent = scene.ends(scene.write(made["id"]), "sent", 40)
        tap.ok(sent["attempts"] == 2, f"{what}: sent at the second attempt", sent)
        ids = {m["mail"]["Message-ID"] for m in sink.mails[before:]}
        tap.equal(ids, {f"<{sent['id']}@sett.example>"}, "under one Message-ID")
        scene.taken = len(sink.mails)
    sink.plan.append("lost")
    sent = scene.ends(scene.write(made["id"]), "sent")
    same = [m["mail"]["Message-ID"] for m in sink.mails[scene.taken:]]
    tap.ok(len(same) == 2 and same[0] == same[1] and sent["attempts"] == 2, "lost behind DATA: sent again under the same Message-ID", same)
    scene.taken = len(sink.mails)
    for plan in ("5xx", "rcpt5"):
        sink.plan.append(plan)
        failed = scene.ends(scene.write(made["id"]), "failed")
        tap.ok(failed["attempts"] == 1 and ("554" in failed["cause"] or "550" in failed["cause"]), f"{plan}: given up at once, with the cause", failed)
    alerts = box.json("alert", "list", "--kind", "mail.failed")["data"]
    tap.ok(len(alerts) == 2 and "berta@kunde.example" in alerts[0]["text"], "and an operator is told", alerts)
    box.sett("mail", "resend", failed["id"])
    scene.mail("sent once more")
    tap.equal(len(box.json("alert", "list", "--kind", "mail.failed")["data"]), 1, "sent once more, the alert is over")


def test_many(tap, scene, shop):
    box = scene.box
    for i in range(3):
        made = json.loads(box.sett("customer", "create", "--name", f"Customer {i}", "--email", f"c{i}@kunde.example" if i else "", "--json"))
        for k in range(2):
            box.sett("tenant", "create", f"T{i}{k}", "plain", "--subdomain", f"t{i}-{k}", "--customer-id", made["id"], "--wait")
            if i:
                scene.mail("ready")
    path = os.path.join(scene.folder, "letter.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write("Dear {{customer}},\n\nthere is a new version. <i>\n")
    plan = box.json("mail", "send", "--state", "active", "--subject", "News", "--text-file", path, "--dry-run")
    tap.ok(plan["letters"] == 3 and plan["without_address"] == 1 and "c1@kunde.example" in plan["recipients"], "a plan says how many and who", plan)
    tap.ok(not scene.log(subject="News"), "and sends nothing")
    box.sett("mail", "send", "--state", "active", "--subject", "News", "--text-file", path)
    got = {(m := scene.mail("news"))["To"]: text(m) for _ in range(3)}
    tap.ok(set(got) == {"berta@kunde.example", "c1@kunde.example", "c2@kunde.example"} and "Dear Customer 1," in got["c1@kunde.example"],
           "one letter for each customer", got)
    plan = box.json("mail", "send", "--state", "active", "--subject", "About {{address}}", "--text", "News.", "--dry-run")
    tap.equal(plan["letters"], 5, "a subject that speaks of the tenant: one for each of them")
    box.sett("mail", "send", "--plan", "plain", "--kind", "maintenance", "--from", "2026-12-24T20:00:00Z", "--until", "2026-12-24T22:00:00Z",
             "--reason", "new disks")
    got = [text(scene.mail("maintenance")) for _ in range(5)]
    tap.ok(all("24 December 2026, 21:00 (Europe/Berlin)" in t and "new disks" in t for t in got), "maintenance: one for each tenant, in local time", got[0])
    code, _, errors = box.sett("mail", "send", "--subject", "x", "--text", "{{nobody}}", ok=False)
    tap.ok(code in (1, 2) and "nobody" in errors, "a text that speaks of what is not there is refused", errors)
    tap.ok(any(a["action"] == "mail.send" for a in box.json("audit", "list", "--limit", "50")["data"]), "writing to many is in the audit")
    folder = os.path.join(box.root, "etc", "sett", "mail")
    os.makedirs(folder)
    with open(os.path.join(folder, "credentials.de.txt"), "w", encoding="utf-8") as f:
        f.write("Subject: Neu\n\n{{unknown}}\n")
    code, _, errors = box.sett("mail", "check", ok=False)
    tap.ok(code in (1, 2) and "credentials.de.txt" in errors and "unknown" in errors, "root's own texts are checked", errors)


def main():
    tap = Tap()
    scene = Scene()
    try:
        scene.box.run()
        shop = Shop(scene.box)
        for name, test in (("ready", test_ready), ("once", test_once), ("life", test_life), ("trouble", test_trouble), ("many", test_many)):
            with tap.part(name):
                test(tap, scene, shop)
        if tap.bad:
            print("# --- worker.log\n" + "\n".join("# " + l for l in scene.box.log("worker").splitlines()[-30:]))
            print("# " + scene.box.sett("mail", "log").replace("\n", "\n# "))
    finally:
        scene.close()
    tap.done()


if __name__ == "__main__":
    main()
