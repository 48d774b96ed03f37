#!/usr/bin/env python3
"""The main job as a stranger sees it: `sett run --demo` on a fresh folder, a real nginx in front; a payment
becomes a site that answers, an unpaid one goes away and leaves nothing. Speaks TAP."""
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Box, Tap, free_port, wait_for

SAMPLES = os.path.join(TOP, "tests", "contracts", "events")


class Shop:
    """A box with its webhook secret, and what a provider of payments would send it."""

    def __init__(self, box):
        self.box = box
        with open(os.path.join(box.root, "stripe-webhook-secret"), encoding="utf-8") as f:
            self.secret = f.read().strip()

    def post(self, body, secret=None, at=None, header=None):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        at = at or int(time.time())
        mac = hmac.new((secret or self.secret).encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
        return self.box.http("POST", "/webhook/stripe", body, {"Content-Type": "application/json",
                             "Stripe-Signature": header or f"t={at},v1={mac}"})

    def event(self, kind, ident=None, at=None, **members):
        words = [kind]
        for name, value in members.items():
            words += [f"--{name}", value]
        if ident:
            words += ["--id", ident]
        if at:
            words += ["--at", str(at)]
        return self.box.sett("stripe", "send", *words, "--url", f"http://127.0.0.1:{self.box.port}/webhook/stripe")

    def tenant(self, subdomain):
        for t in self.box.json("tenant", "list", "--limit", "100", "--deleted")["data"]:
            if t["subdomain"] == subdomain:
                return t
        return None

    def reaches(self, subdomain, state, seconds=40):
        return wait_for(lambda: (t := self.tenant(subdomain)) and t["state"] == state and t, f"{subdomain} is {state}", seconds, 0.1)


def tenant_processes(box):
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            cwd = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
        if cwd.startswith(os.path.join(box.root, "var/lib/sett/live/tenants")):
            out.append(int(pid))
    return out


def kill(box, name):
    """Kill one of the box's programs and wait until it is there again. The pids that it had."""
    def pids():
        return subprocess.run(["pgrep", "-f", f"sett-{name} --root {box.root}$"], capture_output=True, text=True).stdout.split()
    before = pids()
    for pid in before:
        os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: (now := pids()) and now != before, f"{name} is started again", 10)
    wait_for(lambda: box.alive(), "the box answers", 10)
    return before


def http_status(port):
    """What a program answers at its own port."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        c.request("GET", "/")
        return c.getresponse().status
    finally:
        c.close()


def test_demo(tap, box, shop):
    log = wait_for(lambda: "password " in (text := box.log("run")) and text, "the demonstration ends", 60)
    for part in ("checkout.session.completed", "reserve", "runtime", "healthy", "ingress", "reachable", "active",
                 "http://acme.localhost", "Acme", box.password()):
        tap.ok(part in log, f"the demonstration shows {part}", log)
    page = box.http("GET", "/", host="acme.localhost")
    tap.ok(page.status == 200 and b"Acme" in page.body, "Acme's page comes through the front door", page.body[:500])
    tap.equal(box.http("GET", "/", host="nobody.localhost").status, 421, "a host name nobody has is refused")
    tap.equal(oct(os.stat(os.path.join(box.root, "admin-password")).st_mode & 0o777), "0o600", "the password file is private")
    shown = shop.tenant("acme")
    wanted = {"id", "name", "subdomain", "customer_id", "plan", "state", "url", "runtime", "container_id", "port", "tunnel_id",
              "limits", "health", "created_at", "updated_at"}
    tap.ok(wanted <= set(shown), "a tenant shows all its members", wanted - set(shown))


def test_api(tap, box, shop):
    auth = box.login()
    plan = box.http("POST", "/api/tenants?plan=1", {"name": "Globex", "subdomain": "globex", "plan": "demo"}, auth)
    tap.ok(plan.status == 200 and shop.tenant("globex") is None, "plan=1 shows steps and changes nothing", plan.body[:600])
    made = box.http("POST", "/api/tenants", {"name": "Globex", "subdomain": "globex", "plan": "demo"}, auth)
    tap.ok(made.status == 202 and made.json["job"].startswith("job_") and made.headers["Location"].endswith(made.json["job"]),
           "a tenant made by the API: 202 with its job", made.body[:600])
    tenant = shop.reaches("globex", "active")
    page = box.http("GET", "/", host="globex.localhost")
    tap.ok(page.status == 200 and b"Globex" in page.body, "it answers under its own host name", page.body[:300])
    taken = box.http("POST", "/api/tenants", {"name": "Other", "subdomain": "globex", "plan": "demo"}, auth)
    tap.ok(taken.status == 409 and tenant["id"] in taken.body.decode(), "a taken name: 409 naming its owner", taken.body)
    tap.equal(box.http("DELETE", f"/api/tenants/{tenant['id']}", headers=auth).status, 400, "DELETE without action: 400")
    ports = {p["port"]: p for p in box.http("GET", "/api/ports?limit=100", headers=auth).json["data"]}
    tap.ok(ports[tenant["port"]]["tenant_id"] == tenant["id"], "the port list names the owner", ports)
    logs = box.http("GET", f"/api/tenants/{tenant['id']}/logs?lines=10", headers=auth)
    stats = box.http("GET", f"/api/tenants/{tenant['id']}/stats", headers=auth)
    tap.ok(logs.status == 200 and stats.status == 200, "logs and stats are asked of the worker", (logs.body[:300], stats.body[:300]))
    form = box.http("POST", "/api/tunnels", f"container_id={tenant['number']}&local_port={tenant['port']}&hostname=second.localhost",
                    dict(auth, **{"Content-Type": "application/x-www-form-urlencoded"}))
    tap.equal(form.status, 202, "a tunnel from a form")
    wait_for(lambda: box.http("GET", "/", host="second.localhost").status == 200, "the second host name answers", 20)
    tap.ok(True, "the tunnel's host name answers")
    gone = box.http("DELETE", f"/api/tunnels/{form.json['id']}", headers=auth)
    tap.equal(gone.status, 202, "the tunnel is deleted")
    wait_for(lambda: box.http("GET", "/", host="second.localhost").status == 421, "the second host name is gone", 20)
    tap.equal(box.http("GET", "/", host="globex.localhost").status, 200, "the tenant stays reachable")
    key = {"Idempotency-Key": "abc-1"}
    first = box.http("POST", "/api/customers", {"name": "Twice", "email": "t@example.com"}, dict(auth, **key))
    again = box.http("POST", "/api/customers", {"name": "Twice", "email": "t@example.com"}, dict(auth, **key))
    other = box.http("POST", "/api/customers", {"name": "Thrice", "email": "t@example.com"}, dict(auth, **key))
    tap.ok(first.json["id"] == again.json["id"] and other.status == 422, "an idempotency key does a thing once",
           (first.body, again.body, other.status))


def test_maintenance(tap, box, shop):
    """On: every way in answers 503 and the program runs on, whatever is restarted; off: it is there again."""
    auth = box.login()
    tenant = shop.tenant("globex")
    path = f"/api/tenants/{tenant['id']}"
    more = box.http("POST", "/api/tunnels", {"container_id": str(tenant["number"]), "hostname": "shop.localhost"}, auth)
    tap.equal(more.status, 202, "one more way in")
    def answers(status, *hosts):
        wait_for(lambda: all(box.http("GET", "/any/page?x=1", host=f"{h}.localhost").status == status for h in hosts),
                 f"{hosts} answer {status}", 20)
        return True
    wait_for(lambda: box.http("GET", "/", host="shop.localhost").status == 200, "the further host name answers", 20)
    plan = box.http("PATCH", path + "?plan=1", {"maintenance": True}, auth)
    tap.ok(plan.status == 200 and "the page of maintenance" in plan.body.decode() and not shop.tenant("globex")["maintenance"],
           "plan=1 shows what maintenance would touch", plan.body[:600])
    on = box.http("PATCH", path, {"maintenance": True}, auth)
    tap.ok(on.status == 202 and on.json["maintenance"], "maintenance is a change with a job", on.body[:600])
    tap.ok(answers(503, "globex", "shop"), "both host names answer 503")
    for method in ("GET", "POST"):
        page = box.http(method, "/", host="globex.localhost", body="x=1" if method == "POST" else None)
        tap.ok(page.status == 503 and b"nder maintenance" in page.body and page.headers["Retry-After"] == "300"
               and page.headers["Content-Type"].startswith("text/html"),
               f"{method}: the page of maintenance, with Retry-After", (page.status, str(page.headers), page.body[:300]))
    tap.equal(box.http("GET", "/", host="acme.localhost").status, 200, "its neighbour answers as ever")
    tap.equal(http_status(tenant["port"]), 200, "the program itself runs on")
    same = box.http("PATCH", path, {"maintenance": True}, auth)
    tap.equal(same.status, 200, "on once more: nothing to do")
    for action, state in (("suspend", "suspended"), ("resume", "active")):
        box.http("POST", f"{path}/{action}", {}, auth)
        shop.reaches("globex", state)
    tap.ok(answers(503, "globex"), "suspended and resumed: still in maintenance")
    box.sett("tenant", "restart", str(tenant["number"]), "--wait")
    tap.equal(box.http("GET", "/", host="globex.localhost").status, 503, "restarted: still in maintenance")
    for name in ("worker", "hands"):
        kill(box, name)
    tap.equal(box.http("GET", "/", host="globex.localhost").status, 503, "worker and hands killed: still in maintenance")
    box.sett("tenant", "update", str(tenant["number"]), "--maintenance", "false")
    wait_for(lambda: box.http("GET", "/", host="shop.localhost").status == 200, "the further host name is back", 20)
    page = wait_for(lambda: (p := box.http("GET", "/", host="globex.localhost")).status == 200 and p, "it is back", 20)
    tap.ok(b"Globex" in page.body, "off: both host names lead to the program again", page.body[:300])
    wait_for(lambda: shop.tenant("globex")["health"] == "healthy", "it is healthy", 20, 0.1)


def test_life(tap, box, shop):
    auth = box.login()
    shop.event("checkout.session.completed", name="Initech", plan="demo", customer="cus_ini", subscription="sub_ini")
    tenant = shop.reaches("initech", "active")
    now = int(time.time())
    shop.event("customer.subscription.updated", status="past_due", customer="cus_ini", subscription="sub_ini", price="", at=now + 1)
    shop.reaches("initech", "past_due")
    tap.equal(box.http("GET", "/", host="initech.localhost").status, 200, "past due: still answering, in its days of grace")
    shop.event("customer.subscription.updated", status="unpaid", customer="cus_ini", subscription="sub_ini", price="", at=now + 2)
    shop.reaches("initech", "suspended")
    wait_for(lambda: box.http("GET", "/", host="initech.localhost").status in (421, 503), "a suspended site does not answer", 20)
    tap.ok(True, "unpaid: suspended, and does not answer")
    shop.event("customer.subscription.updated", status="active", subscription="sub_ini", at=now + 3)
    shop.reaches("initech", "active")
    flagged = [f["stripe_subscription"] for f in box.json("subscription", "list", "--flagged")["data"]]
    tap.ok("sub_ini" not in flagged, "a test event brings the price and the customer that the box knows", flagged)
    wait_for(lambda: box.http("GET", "/", host="initech.localhost").status == 200, "it answers again", 20)
    tap.ok(True, "paid again: resumed")
    shop.event("customer.subscription.updated", status="unpaid", customer="cus_ini", subscription="sub_ini", price="", at=now - 50)
    tap.equal(shop.tenant("initech")["state"], "active", "an older event undoes nothing")
    # The end: no days of grace, so that the whole way back is seen.
    box.sett("setting", "set", "stripe.delete_days", "0")
    shop.event("customer.subscription.deleted", customer="cus_ini", subscription="sub_ini", price="", at=now + 4)
    shop.reaches("initech", "deleted")
    wait_for(lambda: box.http("GET", "/", host="initech.localhost").status == 421, "its host name is gone", 20)
    folder = os.path.join(box.root, "var/lib/sett/live/tenants", str(tenant["number"]))
    ports = [p["tenant_id"] for p in box.json("port", "list", "--limit", "100")["data"]]
    tap.ok(not os.path.exists(folder) and tenant["id"] not in ports, "canceled: nothing is left, no folder and no port")
    rest = box.http("POST", "/api/tenants", {"name": "New", "subdomain": "initech", "plan": "demo"}, auth)
    tap.equal(rest.status, 409, "the name rests for a while")
    tap.equal(box.sett("audit", "verify", ok=False)[0], 0, "the audit chain verifies")
    tap.equal(box.sett("fsck", ok=False)[0], 0, "fsck is clean")


def test_webhook(tap, box, shop):
    event = {"id": "evt_once", "object": "event", "api_version": "2026-07-29.dahlia", "created": int(time.time()),
             "livemode": False, "type": "customer.updated",
             "data": {"object": {"id": "cus_x", "object": "customer", "name": "X", "email": "x@example.com"}}}
    tap.equal(shop.post(event).status, 200, "a signed event: 200")
    tap.equal(shop.post(event).status, 200, "the same again: 200")
    tap.equal(sum(e["id"] == "evt_once" for e in box.json("event", "list", "--limit", "100")["data"]), 1, "and it is there once")
    broken = dict(event, id="evt_broken", type="customer.subscription.updated",
                  data={"object": {"object": "subscription", "status": "active"}})
    tap.equal(shop.post(broken).status, 200, "a signed event that cannot be read: 200")
    ended = wait_for(lambda: (e := box.json("event", "show", "evt_broken"))["state"] != "stored" and e, "it is looked at", 20)
    job = wait_for(lambda: (j := box.json("job", "show", ended["job_id"]))["state"] in ("done", "stuck") and j, "its job ends", 20)
    tap.ok(ended["state"] == "failed" and "id" in ended["note"] and job["state"] == "done",
           "it has failed with a note, and nobody has to retry it", (ended, job))
    tap.equal(shop.post(event, secret="whsec_wrong").status, 400, "a forged one: 400")
    tap.equal(shop.post(event, at=int(time.time()) - 900).status, 400, "a stale one: 400")
    tap.equal(shop.post(event, at=int(time.time()) + 900).status, 400, "one from the future: 400")
    tap.equal(shop.post(b"{", header="nonsense").status, 400, "a header that is none: 400")
    for shape in ("acacia", "dahlia"):
        for name in sorted(os.listdir(os.path.join(SAMPLES, shape))):
            with open(os.path.join(SAMPLES, shape, name), encoding="utf-8") as f:
                sample = json.load(f)
            sample["id"] = f"evt_{shape}_{name}".replace(".", "_")
            answer = shop.post(sample)
            if answer.status != 200:
                tap.ok(False, f"{shape} {name} is taken", answer.body)
                break
        else:
            tap.ok(True, f"every sample event of {shape} is taken")
    wait_for(lambda: all(e["state"] != "stored" for e in box.json("event", "list", "--limit", "100")["data"]), "all are looked at", 60)
    tap.ok(True, "and every one is applied, ignored or failed with a cause")
    orders = [shop.event("checkout.session.completed", name="Umbrella", subdomain="umbrella", plan="demo",
                         customer=f"cus_u{n}", subscription=f"sub_u{n}") for n in (1, 2)]
    shop.reaches("umbrella", "active")
    flagged = wait_for(lambda: [s for s in box.json("subscription", "list", "--limit", "100")["data"] if s["flag"]], "one is flagged")
    tap.ok(orders and any("umbrella" in s["flag"] for s in flagged), "two orders for one name: one wins, the other is flagged", flagged)


def test_stop_and_start(tap, box):
    before = {t["subdomain"]: t["state"] for t in box.json("tenant", "list", "--limit", "100")["data"]}
    process = box.processes.pop("run")
    process.send_signal(signal.SIGINT)
    tap.equal(process.wait(60), 0, "Ctrl-C: ends with 0")
    tap.equal(tenant_processes(box), [], "and no tenant's process is left")
    box.port = free_port()
    box.run()
    wait_for(lambda: box.http("GET", "/", host="acme.localhost").status == 200, "Acme answers again", 30)
    after = {t["subdomain"]: t["state"] for t in box.json("tenant", "list", "--limit", "100")["data"]}
    tap.equal(after, before, "started again: where it was")
    live = [t["url"] for t in box.json("tenant", "list", "--limit", "100")["data"] if t["state"] != "deleted"]
    tap.ok(live and all(url.endswith(f":{box.port}/") for url in live), "on another port: the addresses moved with it", live)
    box.sett("tenant", "create", "hooli", "--plan", "demo", "--wait")
    tap.equal(box.http("GET", "/", host="hooli.localhost").status, 200, "and a new tenant answers there")
    suspended = [s for s, state in after.items() if state == "suspended"]
    tap.ok(all(box.http("GET", "/", host=f"{s}.localhost").status != 200 for s in suspended), "a suspended one stays so")
    box.sett("tenant", "suspend", "acme", "--wait")
    code, said = box.sett("demo", "--port", str(box.port), ok=False)[:2]
    tap.ok(code == 0 and "suspended" in said and box.password() in said, "a demonstration of a suspended site says so", said)


def test_kills(tap, box):
    """Each program is killed; the box is whole again within moments."""
    for name in ("front", "worker", "hands"):
        pids = kill(box, name)
        tap.ok(len(pids) == 1, f"one {name} runs", pids)
    wait_for(lambda: box.sett("doctor", ok=False)[0] == 0, "doctor finds nothing broken", 30, 0.2)
    tap.equal(box.http("GET", "/", host="acme.localhost").status, 200, "the tenants did not notice")
    def masters():
        found = subprocess.run(["pgrep", "-f", f"nginx: master .*{box.root}/"], capture_output=True, text=True).stdout.split()
        return found if len(found) == 1 else []
    first = masters()
    workers = subprocess.run(["pgrep", "-P", first[0]], capture_output=True, text=True).stdout.split()
    os.kill(int(first[0]), signal.SIGKILL)
    second = wait_for(lambda: (now := masters()) and now != first and now, "the web server is started again", 10)
    wait_for(lambda: box.alive(), "the box answers", 10)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "the killed one's workers are gone", 20)
    tap.ok(masters() == second, "and finds its port free", (second, masters()))


def main():
    tap = Tap()
    box = Box()
    try:
        box.run("--demo")
        shop = Shop(box)
        for name, test in (("demo", lambda: test_demo(tap, box, shop)), ("api", lambda: test_api(tap, box, shop)),
                           ("maintenance", lambda: test_maintenance(tap, box, shop)),
                           ("life", lambda: test_life(tap, box, shop)), ("webhook", lambda: test_webhook(tap, box, shop)),
                           ("kills", lambda: test_kills(tap, box)), ("stop", lambda: test_stop_and_start(tap, box))):
            with tap.part(name):
                test()
        if tap.bad:
            for program in ("run", "front", "worker", "hands"):
                print(f"# --- {program}.log\n" + "\n".join("# " + l for l in box.log(program).splitlines()[-40:]))
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
