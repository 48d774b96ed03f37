"""A stateful Stripe: customers, subscriptions, checkout sessions, events, idempotency keys. Objects
start as the provider's own samples and keep their shape."""
import copy
import json
import os
import time
import urllib.parse
import uuid


PRICE = {"object": "price", "active": True, "billing_scheme": "per_unit", "created": 1782900000, "currency": "eur",
         "custom_unit_amount": None, "livemode": False, "lookup_key": None, "metadata": {}, "nickname": None,
         "product": "prod_1", "recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed",
                                            "trial_period_days": None},
         "tax_behavior": "unspecified", "tiers_mode": None, "transform_quantity": None, "type": "recurring",
         "unit_amount": 900, "unit_amount_decimal": "900"}


def sample(folder, event):
    with open(os.path.join(folder, event + ".json"), encoding="utf-8") as f:
        return json.load(f)["data"]["object"]


class Stripe:
    def __init__(self, ledger, key, samples):
        self.ledger, self.key, self.samples = ledger, key, samples
        self.objects = {"customer": {}, "subscription": {}, "checkout.session": {}, "invoice": {},
                        "charge": {}, "event": {}, "invoice_payment": {}, "price": {}, "billing_portal.session": {}}
        self.keys = {}
        for name in ("price_small", "price_big"):  # what plans of most tests are sold at
            self.objects["price"][name] = dict(copy.deepcopy(PRICE), id=name)
        self.endpoints = []  # webhook endpoints, as a test sets them

    @staticmethod
    def error(status, kind, code, message):
        return status, {"error": {"type": kind, "code": code, "message": message,
                                  "doc_url": f"https://stripe.com/docs/error-codes/{code}"}}

    def missing(self, what, ident):
        return self.error(404, "invalid_request_error", "resource_missing", f"No such {what}: '{ident}'")

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != f"Bearer {self.key}":
            return self.error(401, "invalid_request_error", "api_key_invalid", "Invalid API Key provided")
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        idempotency = headers.get("Idempotency-Key")
        if method == "POST" and idempotency:
            with self.ledger.lock:
                if idempotency in self.keys:
                    seen, answer = self.keys[idempotency]
                    if seen != (path, form):
                        return self.error(400, "idempotency_error", "idempotency_key_in_use",
                                          "Keys for idempotent requests can only be used with the same parameters")
                    return answer
                answer = self.route(method, path, query, form)
                self.keys[idempotency] = ((path, dict(form)), answer)
                return answer
        return self.route(method, path, query, form)

    ROUTES = {"customers": "customer", "subscriptions": "subscription", "checkout": "checkout.session",
              "invoices": "invoice", "charges": "charge", "events": "event", "invoice_payments": "invoice_payment", "prices": "price",
              "billing_portal": "billing_portal.session"}

    def route(self, method, path, query, form):
        parts = path.strip("/").split("/")[1:]
        kind = self.ROUTES.get(parts[0])
        if path == "/v1/account":
            return 200, {"object": "account", "id": "acct_1FakeOfTheTests", "charges_enabled": True, "email": "shop@example.com",
                         "settings": {"dashboard": {"display_name": "Fake Shop"}}}
        if path in ("/v1/webhook_endpoints", "/v1/prices"):
            return 200, {"object": "list", "data": self.endpoints if "webhook" in path else [], "has_more": False, "url": path}
        if kind is None:
            return self.error(404, "invalid_request_error", "url_invalid", f"Unrecognized request URL ({method}: {path})")
        if parts[0] in ("checkout", "billing_portal"):
            parts = parts[1:]
        store = self.objects[kind]
        if len(parts) == 1:
            if method == "GET" and kind == "event":
                return 200, self.event_list(store, query, path)
            if method == "GET":
                return 200, {"object": "list", "data": list(store.values()), "has_more": False, "url": path}
            if kind == "checkout.session":
                return 200, self.session_create(form)
            if kind == "billing_portal.session":
                return self.portal_create(form)
            if kind == "customer":
                return 200, self.put("customer", dict(name=form.get("name"), email=form.get("email")))
        else:
            found = store.get(parts[1])
            if found is None:
                return self.missing(kind, parts[1])
            if method == "DELETE" and kind == "subscription":
                found.update(status="canceled", canceled_at=int(time.time()), ended_at=int(time.time()))
                self.ledger.effect("subscription-canceled", found["id"])
            if method == "POST" and len(parts) > 2 and parts[2] == "expire":
                found.update(status="expired", url=None)
            return 200, found
        return self.error(405, "invalid_request_error", "method", "not here")

    @staticmethod
    def event_list(store, query, path):
        """Newest first, in pages, from a time on; of the last thirty days."""
        limit, since = int(query.get("limit", ["10"])[0]), int(query.get("created[gte]", ["0"])[0])
        after = query.get("starting_after", [None])[0]
        oldest = max(since, time.time() - 30 * 86400)
        found = sorted((e for e in store.values() if e["created"] >= oldest), key=lambda e: (e["created"], e["id"]), reverse=True)
        if after is not None:
            found = found[[e["id"] for e in found].index(after) + 1:]
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": path}

    def put(self, kind, members, event=None):
        """Make or change an object, starting from the provider's sample of it."""
        starts = {"customer": ("customer.created", "cus_"), "subscription": ("customer.subscription.created", "sub_"),
                  "checkout.session": ("checkout.session.completed", "cs_test_"), "invoice": ("invoice.paid", "in_"),
                  "charge": ("charge.succeeded", "ch_"), "price": (PRICE, "price_")}
        with self.ledger.lock:
            ident = members.get("id")
            found = self.objects[kind].get(ident)
            if found is None:
                start, prefix = starts[kind]
                found = copy.deepcopy(start if isinstance(start, dict) else sample(self.samples, start))
                found["id"] = ident or prefix + uuid.uuid4().hex[:20]
                self.objects[kind][found["id"]] = found
                self.ledger.effect(f"{kind}-created", found["id"])
            merge(found, members)
            return found

    def session_create(self, form):
        s = self.put("checkout.session", {
            "client_reference_id": form.get("client_reference_id"), "mode": form.get("mode", "subscription"),
            "status": "open", "payment_status": "unpaid", "customer": None, "subscription": None,
            "success_url": form.get("success_url"), "cancel_url": form.get("cancel_url"),
            "metadata": {k[9:-1]: v for k, v in form.items() if k.startswith("metadata[")}})
        s["url"] = f"https://checkout.stripe.com/c/pay/{s['id']}"
        return s

    def portal_create(self, form):
        """A session of the customer portal; it opens for a customer that is there, and for a while."""
        if form.get("customer") not in self.objects["customer"]:
            return self.error(400, "invalid_request_error", "resource_missing", f"No such customer: '{form.get('customer')}'")
        ident = "bps_" + uuid.uuid4().hex[:24]
        s = {"id": ident, "object": "billing_portal.session", "configuration": "bpc_1", "created": int(time.time()),
             "customer": form["customer"], "customer_account": None, "flow": None, "livemode": False,
             "locale": form.get("locale"), "on_behalf_of": None, "return_url": form.get("return_url"),
             "url": f"https://billing.stripe.com/p/session/test_{ident}"}
        self.objects["billing_portal.session"][ident] = s
        return 200, s

    def event(self, kind, obj, created=None):
        """An event of the present API shape around an object; kept, so that it can be fetched."""
        e = {"id": "evt_" + uuid.uuid4().hex[:24], "object": "event", "api_version": "2026-07-29.dahlia",
             "created": created or int(time.time()), "data": {"object": copy.deepcopy(obj)}, "livemode": False,
             "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind}
        self.objects["event"][e["id"]] = e
        return e


def merge(to, members):
    for key, value in members.items():
        if isinstance(value, dict) and isinstance(to.get(key), dict) and key != "metadata":
            merge(to[key], value)
        else:
            to[key] = value
