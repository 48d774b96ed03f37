#!/usr/bin/env python3
"""What a buyer sees: offers with Stripe's own prices, an order that is followed by its secret alone from the payment to
the address and the first credentials, one that is given up; a way in by mail; Stripe's customer portal; and a customer
who sees nothing of another. Every exchange with the fake is judged by Stripe's own API description. Speaks TAP."""
import base64
import http.client
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake"))
from box import TOP, Box, Tap, World, wait_for
from mail_sink import MailSink, certificate
from test_main_job import Shop
from test_stripe_key import FAST, Till
from totp import code

PASSWORD = "a long enough password 7"
BELT = {"Authorization": "Bearer none"}  # a public operation looks at none; nginx's belt is for those who bring nothing
PANEL = "\n[generated]\nADMIN_PASSWORD = 20\n\n[credentials]\nuser = admin\npassword = ${ADMIN_PASSWORD}\n"


def secret():
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def panel(box):
    """A blueprint with first credentials."""
    folder = os.path.join(box.root, "etc", "sett", "blueprints")
    with open(os.path.join(folder, "site.conf"), encoding="utf-8") as f:
        site = f.read()
    with open(os.path.join(folder, "panel.conf"), "w", encoding="utf-8") as f:
        f.write(site + PANEL)
    shutil.copytree(os.path.join(TOP, "appliance", "blueprints", "site"), os.path.join(folder, "panel"))


class Buyer:
    """Somebody at the order page: has a secret of their own and no account."""

    def __init__(self, box, till, name, plan="small"):
        self.box, self.till, self.name, self.secret = box, till, name, secret()
        self.made = box.http("POST", "/api/checkout", {"name": name.title(), "email": f"owner@{name}.example", "subdomain": name,
                                                       "plan": plan, "secret": self.secret}, BELT)

    def say(self, verb, given=None):
        return self.box.http("POST", f"/api/orders/{verb}", {"secret": given or self.secret}, BELT)

    def session(self):
        return next(s for s in self.box.world.call("state")["stripe"]["checkout.session"].values()
                    if s["client_reference_id"] == self.made.json["order"])

    def pay(self):
        name, till, session = self.name, self.till, self.session()
        customer = till.put("customer", id=f"cus_{name}", name=name.title(), email=f"owner@{name}.example")
        till.subscription(f"sub_{name}", "active", f"cus_{name}", "price_small", sett_order=session["client_reference_id"], tenant=name)
        paid = till.put("checkout.session", id=session["id"], status="complete", payment_status="paid", customer=f"cus_{name}",
                        subscription=f"sub_{name}", customer_details={"name": name.title(), "email": f"owner@{name}.example"})
        till.tell("customer.created", customer)
        till.tell("checkout.session.completed", paid)

    def stream(self):
        """Every event of the order's stream until it ends by itself."""
        c = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=60)
        c.request("GET", "/api/orders/stream", headers={"Host": f"localhost:{self.box.port}", "X-Order-Secret": self.secret})
        response = c.getresponse()
        out = []
        for line in response.read().decode().split("\n\n"):
            parts = dict(p.split(": ", 1) for p in line.split("\n") if ": " in p and not p.startswith(":"))
            if "event" in parts:
                out.append((parts["event"], json.loads(parts["data"])))
        return response.status, out


def test_offers(tap, box):
    empty = box.http("GET", "/api/offers", headers=BELT).json
    tap.ok(empty["data"] == [] and empty["payable"] is True, "nothing is for sale at first", empty)
    box.sett("plan", "create", "--name", "big", "--title", "Big", "--blueprint", "site", "--stripe-price", "price_big", "--offered", "true",
             "--position", "2", "--description", "For many", "--features", "Own domains\nDaily backups", "--memory-bytes", "1073741824")
    box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "panel", "--stripe-price", "price_small",
             "--offered", "true", "--position", "1", "--snapshots", "list")
    box.sett("plan", "create", "--name", "old", "--title", "Old", "--blueprint", "site", "--stripe-price", "price_old", "--offered", "true")
    box.sett("plan", "create", "--name", "wrong", "--title", "Wrong", "--blueprint", "site", "--stripe-price", "price_wrong", "--offered", "true")
    box.sett("plan", "create", "--name", "own", "--title", "Own", "--blueprint", "site", "--offered", "true")
    box.sett("plan", "create", "--name", "inside", "--title", "Inside", "--blueprint", "site", "--stripe-price", "price_in", "--offered", "false")
    wait_for(lambda: box.json("plan", "show", "wrong")["price_fault"], "the prices are read")
    said = wait_for(lambda: (o := box.http("GET", "/api/offers", headers=BELT).json)["data"] and o["data"][0]["amount"] and o, "prices are on the page")
    tap.equal([o["plan"] for o in said["data"]], ["small", "big"], "what is offered, in its order; not what Stripe has archived or does not know")
    small, big = said["data"]
    tap.equal((small["amount"], small["currency"], small["interval"], small["interval_count"]), (900, "eur", "month", 1), "the price is Stripe's")
    tap.equal((big["amount"], big["interval"]), (9900, "year"), "a yearly one, too")
    tap.ok(big["features"] == ["Own domains", "Daily backups"] and big["limits"]["memory_bytes"] == 1 << 30 and big["description"] == "For many",
           "with what it comes with", big)
    tap.ok("blueprint" not in json.dumps(said) and "price_" not in json.dumps(said), "and nothing that is for operators", said)
    tap.ok("No such price" in box.json("plan", "show", "wrong")["price_fault"], "a price that is not there is said in the plan")
    told = {a["text"].split(":")[0] for a in box.json("alert", "list")["data"] if a["kind"] == "plan.price"}
    tap.equal(told, {"the plan old cannot be bought", "the plan wrong cannot be bought"}, "the operator is told of both")
    refused = box.http("POST", "/api/checkout", {"name": "A", "email": "a@example.com", "subdomain": "aaa", "plan": "old"})
    tap.ok(refused.status == 422 and refused.json["code"] == "plan_not_for_sale", "nor can it be bought past the page", refused.body)
    box.world.call("stripe", {"kind": "price", "members": {"id": "price_big2", "unit_amount": 4200, "currency": "usd"}})
    box.sett("plan", "update", "big", "--stripe-price", "price_big2")
    wait_for(lambda: box.http("GET", "/api/offers", headers=BELT).json["data"][1]["amount"] == 4200, "another price is read at once")
    tap.ok(True, "another price is read at once")


def test_followed(tap, box, till):
    buyer = Buyer(box, till, "hooli")
    tap.ok(buyer.made.status == 201 and buyer.secret not in buyer.made.body.decode(), "an order, by the secret of the buyer's page", buyer.made.body)
    session = buyer.session()
    tap.equal(session["success_url"], f"http://localhost:{box.port}/order/{buyer.made.json['order']}#{buyer.secret}", "Stripe leads back to its page")
    tap.equal(session["cancel_url"], f"http://localhost:{box.port}/?plan=small&name=hooli#{buyer.secret}", "or to the choice that was made")
    at = buyer.say("follow")
    tap.ok(at.status == 200 and at.json["phase"] == "unpaid" and [s["state"] for s in at.json["stages"]] == ["running"] + ["waiting"] * 4,
           "it waits for the payment", at.body)
    stranger = buyer.say("follow", secret())
    tap.ok(stranger.status == 404 and stranger.json["code"] == "order_unknown", "another secret shows nothing", stranger.body)
    tap.equal(buyer.say("credentials").json["code"], "order_not_ready", "there are no credentials yet")
    buyer.pay()
    status, events = buyer.stream()
    phases = [e["phase"] for kind, e in events if kind == "order"]
    tap.ok(status == 200 and phases[-1] == "ready" and events[-1][0] == "end", "its stream ends when it is ready", (status, phases))
    last = buyer.say("follow").json
    tap.ok(last["phase"] == "ready" and all(s["state"] == "done" for s in last["stages"]) and last["credentials"] == "there", "all stages are done", last)
    tap.ok(all(s["started_at"] and s["ended_at"] for s in last["stages"][1:]), "with their times", last["stages"])
    tap.ok(last["address"].startswith("http://hooli.") and box.http("GET", "/", host="hooli.localhost").status == 200, "it answers at its address", last)
    wrong = buyer.say("cancel")
    tap.ok(wrong.status == 409 and wrong.json["code"] == "order_paid", "what is paid cannot be given up", wrong.body)
    shown = buyer.say("credentials")
    tap.ok(shown.status == 200 and shown.json["credentials"]["user"] == "admin" and len(shown.json["credentials"]["password"]) == 20,
           "the first credentials are shown", shown.body)
    again = buyer.say("credentials")
    tap.ok(again.status == 409 and again.json["code"] == "credentials_shown" and buyer.say("follow").json["credentials"] == "shown", "once", again.body)
    with open(os.path.join(box.root, "var/lib/sett/live/db/data.mdb"), "rb") as f:
        store = f.read()
    logs = box.log("worker") + box.log("front") + box.log("nginx-access")
    tap.ok(buyer.secret.encode() not in store, "the secret stands nowhere in the store, though Stripe's event has told it")
    tap.ok(buyer.secret not in logs, "nor in a log")


def test_given_up(tap, box, till):
    first = Buyer(box, till, "pied")
    tap.equal(Buyer(box, till, "pied").made.status, 409, "a name is held while its order is open")
    done = first.say("cancel")
    tap.ok(done.status == 200 and done.json["phase"] == "expired", "an order that is not paid can be given up", done.body)
    tap.equal(first.session()["status"], "expired", "its page at Stripe is closed")
    tap.equal(first.say("cancel").status, 200, "twice is once")
    second = Buyer(box, till, "pied")
    tap.equal(second.made.status, 201, "and the name is free again")
    box.sett("setting", "set", "box.name", "Box")
    tap.equal(first.say("follow").json["phase"], "expired", "the one that was given up stays so")
    s = second.session()
    till.put("customer", id="cus_pied", name="Pied", email="owner@pied.example")
    till.subscription("sub_pied", "incomplete", "cus_pied", "price_small", sett_order=s["client_reference_id"])
    till.tell("checkout.session.async_payment_failed", till.put("checkout.session", id=s["id"], status="complete", payment_status="unpaid",
                                                               customer="cus_pied", subscription="sub_pied"))
    wait_for(lambda: second.say("follow").json["phase"] == "declined", "the payment that failed is told")
    tap.ok(Buyer(box, till, "pied").say("cancel").status == 200, "a payment that fails after all is told as that, and gives the name back")


def test_own_pages(tap, box, till):
    """Somebody has an order page of their own."""
    box.sett("setting", "set", "stripe.success_url", "https://shop.example/thanks?o={ORDER}&s={CHECKOUT_SESSION_ID}#{SECRET}")
    box.sett("setting", "set", "stripe.cancel_url", "https://shop.example/{PLAN}/{NAME}")
    buyer = wait_for(lambda: (b := Buyer(box, till, "pied")).say("cancel") and all(b.session()[u].startswith("https://shop.example") for u in ("success_url", "cancel_url")) and b, "the settings hold")
    session, order = buyer.session(), buyer.made.json["order"]
    tap.equal((session["success_url"], session["cancel_url"]),
              (f"https://shop.example/thanks?o={order}&s={{CHECKOUT_SESSION_ID}}#{buyer.secret}", "https://shop.example/small/pied"), "a checkout can lead to other pages")
    box.sett("setting", "set", "stripe.success_url", "")
    box.sett("setting", "set", "stripe.cancel_url", "")


def test_way_in(tap, box, till, sink):
    def letters(start):
        return [m["mail"] for m in sink.mails if m["mail"]["Subject"].startswith(start)]

    def enter(mail):
        token = re.search(r"/portal/enter#([A-Za-z0-9_-]{43})", mail.get_body(("plain",)).get_content()).group(1)
        return token, box.http("POST", "/api/portal/enter", {"token": token}, BELT)
    known = box.http("POST", "/api/portal/link", {"email": "Owner@hooli.example"}, BELT)
    unknown = box.http("POST", "/api/portal/link", {"email": "nobody@hooli.example"}, BELT)
    tap.ok(known.status == unknown.status == 200 and known.json == unknown.json, "a link is promised in the same words to whoever asks", (known.body, unknown.body))
    wait_for(lambda: letters("Your link"), "the letter")
    again = box.http("POST", "/api/portal/link", {"email": "owner@hooli.example"}, BELT)
    token, entered = enter(letters("Your link")[0])
    tap.ok(entered.status == 200 and entered.json["user"]["role"] == "customer" and entered.json["user"]["name"] == "owner@hooli.example",
           "it signs in, with an account that nobody had to make", entered.body)
    tap.ok(again.status == 200 and len(letters("Your link")) == 1 and letters("Your link")[0]["To"] == "owner@hooli.example", "one link a minute, to who has paid")
    tap.equal(enter(letters("Your link")[0])[1].json["code"], "link_gone", "once")
    cookie = {"Cookie": entered.headers["Set-Cookie"].split(";")[0], "X-CSRF": entered.json["csrf_token"], "Sec-Fetch-Site": "same-origin"}
    seen = box.http("GET", "/api/tenants", headers=cookie).json["data"]
    tap.equal([s["subdomain"] for s in seen], ["hooli"], "and shows what is theirs")
    chosen = box.http("POST", "/api/portal/password", {"password": PASSWORD}, cookie)
    tap.equal((chosen.status, box.http("POST", "/api/portal/password", {"password": PASSWORD}, cookie).json["code"]), (200, "password_there"),
              "a password can be chosen, once")
    tap.ok(box.login("owner@hooli.example", PASSWORD) and token not in box.log("worker") + box.log("front"), "and is good from then on")
    user = box.json("user", "show", "owner@hooli.example")
    box.sett("user", "update", user["id"], "--disabled", "true")
    wait_for(lambda: box.json("user", "show", user["id"])["disabled"], "disabled")
    box.http("POST", "/api/portal/link", {"email": "owner@hooli.example"}, BELT)
    box.sett("user", "update", user["id"], "--disabled", "false")


def with_app(tap, box, sink):
    """A link stands for a password, not for the second factor."""
    said = box.http("POST", "/api/auth/login", {"username": "owner@nucleus.example", "password": PASSWORD})
    cookie = {"Cookie": said.headers["Set-Cookie"].split(";")[0], "X-CSRF": said.json["csrf_token"], "Sec-Fetch-Site": "same-origin"}
    begun = box.http("POST", "/api/users/me/second-factor", {}, cookie).json
    codes = box.http("POST", "/api/users/me/second-factor/confirm", {"code": code(begun["secret"])}, cookie).json["codes"]
    box.http("POST", "/api/portal/link", {"email": "owner@nucleus.example"}, BELT)
    mail = wait_for(lambda: [m["mail"] for m in sink.mails if m["mail"]["Subject"].startswith("Your link") and "nucleus" in m["mail"]["To"]], "the letter")[0]
    token = re.search(r"/portal/enter#([A-Za-z0-9_-]{43})", mail.get_body(("plain",)).get_content()).group(1)
    entered = box.http("POST", "/api/portal/enter", {"token": token}, BELT)
    tap.ok(entered.status == 200 and "Set-Cookie" not in entered.headers and entered.json["second_factor"] == "needed", "who has an app is asked for its code", entered.body)
    second = box.http("POST", "/api/auth/second", {"step_token": entered.json["step_token"], "code": codes[0]}, BELT)
    tap.ok(second.status == 200 and "Set-Cookie" in second.headers, "and is in with it", second.body)


def test_customers(tap, box, till, sink):
    buyer = Buyer(box, till, "nucleus")
    buyer.pay()
    wait_for(lambda: buyer.say("follow").json["phase"] == "ready", "the second one is ready", 40)
    admin = box.login()
    who = {}
    for name in ("hooli", "nucleus"):
        customer = next(c for c in box.json("customer", "list")["data"] if c["email"] == f"owner@{name}.example")
        name == "hooli" or box.http("POST", "/api/users", {"name": f"owner@{name}.example", "role": "customer", "password": PASSWORD, "customer_id": customer["id"]}, admin)
        who[name] = (box.login(f"owner@{name}.example", PASSWORD), customer, box.json("tenant", "show", name))
    mine, customer, tenant = who["hooli"]
    _, other, foreign = who["nucleus"]
    link = box.http("POST", "/api/billing-portal", {}, mine)
    made = list(box.world.call("state")["stripe"]["billing_portal.session"].values())
    tap.ok(link.status == 200 and link.json["url"].startswith("https://billing.stripe.com/"), "a customer is led to Stripe's portal", link.body)
    tap.ok(made[-1]["customer"] == "cus_hooli" and made[-1]["return_url"] == f"http://localhost:{box.port}/portal", "to their own, and back to ours", made)
    tap.ok(box.http("POST", "/api/billing-portal", {"customer_id": other["id"]}, mine).status == 422, "not to another's")
    tap.equal(box.http("POST", "/api/billing-portal", {"customer_id": other["id"]}, admin).status, 200, "an operator to anybody's")
    tap.equal(box.http("POST", "/api/billing-portal", {}).status, 401, "and nobody to any")
    for method, path in (("GET", ""), ("GET", "/health"), ("GET", "/stats"), ("GET", "/logs"), ("GET", "/snapshots")):
        own = box.http(method, f"/api/tenants/{tenant['id']}{path}", headers=mine)
        not_own = box.http(method, f"/api/tenants/{foreign['id']}{path}", headers=mine)
        tap.ok(own.status in (200, 202) and not_own.status == 404, f"{method} {path or '/'}: one's own, and no other's", (own.body, not_own.body))
    job = box.http("POST", f"/api/tenants/{tenant['id']}/restart", {}, mine).json["job"]
    work = wait_for(lambda: not (w := box.http("GET", f"/api/portal/jobs/{job}", headers=mine).json)["live"] and w, "the restart is over")
    tap.ok(work["state"] == "done" and "port" not in json.dumps(work), "work on it can be followed, without its journal", work)
    stranger = box.http("GET", f"/api/portal/jobs/{job}", headers=who["nucleus"][0])
    tap.ok(stranger.status == 404, "by its customer alone", stranger.body)
    may = box.http("GET", f"/api/portal/services/{tenant['id']}", headers=mine)
    tap.ok(may.json["snapshots"] == "list" and may.json["plan_title"] == "Small" and may.json["billing"] and not may.json["undecided"], "what its plan allows is told", may.body)
    tap.equal(box.http("GET", f"/api/portal/services/{foreign['id']}", headers=mine).status, 404, "of one's own")
    told = box.http("GET", "/api/domains", headers=mine)
    tap.equal(told.status, 200, "a customer sees own domains")
    for path in ("/api/orders", "/api/customers", "/api/plans", "/api/subscriptions"):
        tap.equal(box.http("GET", path, headers=mine).status, 403, f"{path} is not for customers")
    with_app(tap, box, sink)


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-world-")
    world = World(folder)
    limits = "\n[limits]\nanonymous_per_minute = 100000\nlogin_per_minute = 1000\n"
    sink = MailSink(*certificate(folder))
    with open(world.ca, encoding="utf-8") as one, open(f"{folder}/sink.crt", encoding="utf-8") as two, open(f"{folder}/both.crt", "w", encoding="utf-8") as f:
        f.write(one.read() + two.read())
    world.facts["ca"] = world.ca = f"{folder}/both.crt"
    mail = f"\n[smtp]\nurl = {sink.url}\n[mail]\nfrom = box@sett.example\n[outbox]\nretry_s = 1\n"
    box = Box(world=world, conf=FAST + limits + mail)
    try:
        panel(box)
        for ident, more in (("price_small", {}), ("price_big", {"unit_amount": 9900, "recurring": {"interval": "year"}}), ("price_old", {"active": False})):
            world.call("stripe", {"kind": "price", "members": dict(more, id=ident)})
        box.secret("stripe.secret_key", world.facts["stripe_key"])
        box.run()
        till = Till(world, Shop(box))
        for name, part in (("offers", lambda: test_offers(tap, box)), ("followed", lambda: test_followed(tap, box, till)),
                           ("given up", lambda: test_given_up(tap, box, till)), ("own pages", lambda: test_own_pages(tap, box, till)), ("way in", lambda: test_way_in(tap, box, till, sink)), ("customers", lambda: test_customers(tap, box, till, sink))):
            with tap.part(name):
                part()
        tap.equal(world.call("breaches"), [], "every exchange was as Stripe describes it")
    finally:
        box.close()
        sink.close()
        world.close()
    tap.done()


if __name__ == "__main__":
    main()
