"""What is proved on an installed box, whatever it was installed by: somebody sets it up from outside, over its own web
server and TLS; sells; keeps a snapshot in a vault that is elsewhere; loses the box; starts it again; upgrades it; is
rid of it. Each function says to a Tap what it has seen."""
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

from box import TOP, Answer, wait_for
from machine import put

DOMAIN, WEBHOOK_SECRET, PASSWORD = "box.test", "whsec_of_this_test_alone_0123456789", "a long enough one 7"
UNITS = ("sett-hands", "sett-worker", "sett-front", "nginx")


class Visitor:
    """Somebody outside, who believes the box's own certificate and nothing else."""

    def __init__(self, machine):
        self.machine, self.headers = machine, {}
        self.ca = os.path.join(machine.top, "certificate")
        put(self.ca, machine.must("cat", "/etc/sett/tls/cert.pem"))

    def ask(self, method, path, body=None, host=None, headers=None):
        context = ssl.create_default_context(cafile=self.ca)
        c = http.client.HTTPSConnection(self.machine.address, 443, timeout=30, context=context)
        head = dict(self.headers if host is None else {}, **({"Host": host} if host else {}), **(headers or {}))
        if isinstance(body, dict):
            body, head["Content-Type"] = json.dumps(body), "application/json"
        try:
            c.request(method, path, body=body, headers=head)
            response = c.getresponse()
            return Answer(response, response.read())
        finally:
            c.close()

    def must(self, method, path, body=None, status=(200, 201, 202)):
        answer = self.ask(method, path, body)
        if answer.status not in status:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body[:600]}")
        return answer.json if answer.body else None

    def sign_in(self, password):
        self.headers = {}
        answer = self.must("POST", "/api/auth/login", {"username": "admin", "password": password})
        self.headers = {"Authorization": "Bearer " + answer["access_token"]}

    def page(self, name):
        """What a tenant answers with; "" when it does not."""
        try:
            answer = self.ask("GET", "/", host=f"{name}.{DOMAIN}")
        except (OSError, http.client.HTTPException):
            return ""
        return answer.body.decode(errors="replace") if answer.status == 200 else ""

    def alive(self):
        try:
            return self.ask("GET", "/health").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def event(self, kind, obj, secret=WEBHOOK_SECRET):
        """What Stripe sends, signed."""
        at = int(time.time())
        body = json.dumps({"id": "evt_" + hashlib.sha256(json.dumps([kind, obj]).encode()).hexdigest()[:24], "object": "event", "api_version": "2026-07-29.dahlia",
                           "created": at, "livemode": False, "type": kind, "data": {"object": obj}})
        mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return self.ask("POST", "/webhook/stripe", body, headers={"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={mac}"})


class Bucket:
    """A vault that is elsewhere: an S3 server at the test's end of a machine's cable."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sett-s3-")
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests/fake/s3.py"), self.folder, "0.0.0.0"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def address(self, machine):
        return f"http://{machine.address[:-1]}1:{self.port}/snaps/box"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        shutil.rmtree(self.folder)


def first_boot(tap, one):
    """The password that the console shows."""
    greeting = rf"https://{re.escape(one.address)}/admin\s.*first password\s+([0-9a-z]{{4}}(-[0-9a-z]{{4}})+)"
    wait_for(lambda: re.search(greeting, one.console(), re.S) and "login:" in one.console(), "the console greets", 60, 0.3)
    tap.ok(True, "the console greets with the address and a password for the first time")
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "its units run", 60, 0.3)
    failed = [line for line in one.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")[1].splitlines() if not line.startswith(("sys-kernel-", "systemd-modules-load"))]  # the kernel's, of this test's container
    tap.equal(failed, [], "the first boot is complete: no unit has failed")
    return re.search(greeting, one.console(), re.S)[1]


def doors(tap, one):
    """What is to be seen from outside."""
    rules = one.must("nft", "list", "table", "inet", "sett")
    tap.ok("policy drop" in rules and "{ 22, 80, 443 }" in rules, "ssh, http and https come in, and nothing else", rules)
    c = http.client.HTTPConnection(one.address, 80, timeout=10)
    c.request("GET", "/admin?a=b")
    answer = c.getresponse()
    tap.ok(answer.status in (301, 308) and answer.headers["Location"] == f"https://{one.address}/admin?a=b", "http leads to https", (answer.status, dict(answer.headers)))
    c.close()


def set_up(tap, one, password, bucket):
    """As the setup page does it."""
    who = Visitor(one)
    wait_for(who.alive, "the box answers over TLS", 60, 0.3)
    page = who.ask("GET", "/admin/setup")
    tap.ok(page.status == 200 and b"<script" in page.body and "default-src" in page.headers["Content-Security-Policy"], "the setup page comes over TLS",
           (page.status, str(page.headers), page.body[:300]))
    who.sign_in(password)
    tap.equal(who.ask("GET", "/api/tenants").status, 403, "the first password is good for nothing but another")
    who.must("POST", "/api/users/me/password", {"current_password": password, "new_password": PASSWORD}, (200, 204))
    who.sign_in(PASSWORD)
    for name, value in (("box.name", "shop"), ("box.url", f"https://{one.address}"), ("box.domain", DOMAIN), ("tenants.scheme", "https"), ("tenants.port", "443")):
        who.must("PUT", f"/api/settings/{name}", {"value": value})
    wait_for(lambda: who.ask("GET", "/api/auth/me").status == 401, "tokens were good for the former address alone", 10, 0.1)
    who.sign_in(PASSWORD)
    wait_for(lambda: DOMAIN in open(one.path("etc/nginx/sites-available/sett.conf"), encoding="utf-8").read(), "the web server follows", 60, 0.3)
    wait_for(lambda: "web_server" in one.run("sett", "doctor")[1], "the doctor speaks of it", 30, 0.3)
    said = one.run("sett", "doctor")[1]
    tap.ok("sett web-server enable nginx" not in said, "the web server goes by the names that were set, by itself", said)
    wait_for(who.alive, "the box answers", 30, 0.3)
    who.must("PUT", "/api/secrets/stripe.webhook_secret", {"value": WEBHOOK_SECRET}, (200, 204))
    made = who.must("POST", "/api/recovery/generate", {})
    who.must("POST", "/api/recovery/keys", {"name": "sheet", "key": made["key"]})
    who.must("POST", "/api/recovery/prove", {"recovery": made["secret"]})
    who.must("POST", "/api/vaults", {"name": "far", "kind": "s3", "address": bucket.address(one), "region": "eu-test-1", "access_key": "AKTEST",
                                     "secret": "secret/of+the=test"})
    who.must("POST", "/api/vaults/far/test", {})
    who.must("POST", "/api/setup/finish", {}, (200, 204))
    steps = who.must("GET", "/api/setup/steps")
    tap.ok(all(steps[name] for name in ("password", "address", "recovery", "vault")), "set up over the API: address, recovery key, a vault elsewhere", steps)
    return who, made["secret"]


def sell(tap, one, who):
    who.must("POST", "/api/plans", {"name": "small", "title": "Small", "blueprint": "site", "amount": 900, "currency": "eur", "offered": True})
    checkout = {"id": "cs_test_1", "object": "checkout.session", "mode": "subscription", "status": "complete", "payment_status": "paid", "customer": "cus_1",
                "subscription": "sub_1", "client_reference_id": None, "customer_details": {"name": "Acme", "email": "acme@example.com"},
                "metadata": {"tenant": "acme", "plan": "small"}}
    tap.equal(who.event("checkout.session.completed", checkout, "whsec_of_somebody_else").status, 400, "an event that Stripe did not sign is refused")
    answer = who.event("checkout.session.completed", checkout)
    tap.equal(answer.status, 200, "a signed event of Stripe is taken")
    wait_for(lambda: (t := who.must("GET", "/api/tenants")["data"]) and t[0]["state"] == "active", "the tenant is active", 90, 0.3)
    tap.ok("Acme" in who.page("acme"), "and the tenant that was paid for answers over TLS")
    return tenant_pid(one)


def tenant_pid(machine):
    """The program of the only tenant, as a process inside."""
    pids = machine.run("pgrep", "-f", "busybox httpd")[1].split()
    return pids[0] if pids else None


def keep(tap, who):
    who.must("POST", "/api/snapshots", {})
    wait_for(lambda: any(s["state"] == "done" for s in who.must("GET", "/api/snapshots")["data"]), "the snapshot is done", 90, 0.3)
    lines = who.must("GET", "/api/vaults/far/contents")["data"]
    tap.ok(len(lines) >= 1, "a snapshot lies in the vault elsewhere", lines)


def restart(tap, one, who, name="acme"):
    """Down by its own init, and on again."""
    before = one.must("cat", "/proc/sys/kernel/random/boot_id") and one.must("cat", "/etc/machine-id")
    one.halt(gently=True)
    one.boot()
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS), "all units run again", 60, 0.3)
    wait_for(lambda: "Acme" in who.page(name), "the tenant answers again", 60, 0.3)
    tap.ok(one.must("cat", "/etc/machine-id") == before and "first password" not in one.must("sett", "greeting"), "after a reboot everything comes back by itself, and it is the same box")
    tap.ok('"broken"' not in one.sett("doctor", "--json"), "sett doctor finds nothing broken", one.run("sett", "doctor")[1])


def second(tap, boot, bucket, secret, who):
    """Another machine of the same image that becomes the box that was lost, at its first boot, out of the vault elsewhere."""
    signer = who.must("GET", "/api/recovery/kit")["signer"]
    who.machine.halt()

    def answers(machine):
        machine.put("etc/sett/preseed.d/kit", secret + "\n", 0o600)
        machine.put("etc/sett/preseed.d/key", "secret/of+the=test\n", 0o600)
        machine.put("etc/sett/preseed.conf", "[box]\nmode = restore\n\n[restore]\n"
                    f"vault = {bucket.address(machine)}\naccess_key = AKTEST\nregion = eu-test-1\nsecret_file = /etc/sett/preseed.d/key\n"
                    f"recovery_file = /etc/sett/preseed.d/kit\nsigner = {signer}\nconfirm = shop\n", 0o600)
    two = boot(answers)
    wait_for(lambda: all(two.active(u) == "active" for u in UNITS), "its units run", 120, 0.3)
    wait_for(lambda: two.run("sett", "restore", "resume")[0] == 0, "what is outside was looked at", 90, 0.5)
    there = Visitor(two)
    wait_for(lambda: "Acme" in there.page("acme"), "its tenant answers there", 90, 0.3)
    tap.ok(True, "a second machine of the image, restored from the vault at its first boot, and the tenant answers there")
    # The box that was lost was reached by an address, not by a name that follows it.
    two.sett("setting", "set", "box.url", f"https://{two.address}")
    wait_for(there.alive, "it answers by its own address", 30, 0.3)
    there.sign_in(PASSWORD)
    left = [p for p in ("preseed.conf", "preseed.d/kit", "preseed.d/key") if os.path.exists(two.path("etc/sett", p))]
    tap.ok(there.must("GET", "/api/tenants")["data"][0]["state"] == "active" and not left, "its people sign in as before, and the answers are wiped", left)
    return two, there


def upgrade(tap, one, who, package):
    """To the next version: the tenant's program is the same process all the time."""
    shutil.copy(package, one.path("root/next.deb"))
    os.chown(one.path("root/next.deb"), one.first, one.first)
    was, pid = one.must("dpkg-query", "-W", "-f", "${Version}", "sett"), tenant_pid(one)
    code, out, said = one.run("sett", "upgrade", "--check", "--package", "/root/next.deb")
    tap.ok(code == 0 and was in out, "what the next version would change is said before", (code, out, said))
    code, out, said = one.run("update", "/root/next.deb", "--yes", "--watch", "5", timeout=300)
    now = one.must("dpkg-query", "-W", "-f", "${Version}", "sett")
    tap.ok(code == 0 and now != was, f"from {was} to {now}", (code, out, said))
    wait_for(lambda: all(one.active(u) == "active" for u in UNITS) and "Acme" in who.page("acme"), "all of it runs", 60, 0.3)
    tap.ok(pid and tenant_pid(one) == pid, "the tenant's program ran all the time", (pid, tenant_pid(one)))


def files(machine):
    """All that is there, but for what comes and goes with a running Debian."""
    found = set()
    passing = re.compile(r"^(dev|proc|sys|run|tmp|var/tmp|var/log|var/cache|var/lib/(apt|dpkg|systemd|dhcp|logrotate|private|ucf)|root)(/|$)")
    for top, folders, names in os.walk(machine.root):
        here = os.path.relpath(top, machine.root)
        folders[:] = [f for f in folders if not passing.match(os.path.normpath(os.path.join(here, f)))]
        found.update(os.path.normpath(os.path.join(here, n)) for n in [*folders, *names])
    return found


def purge(tap, one, listed):
    """What a purge leaves: the box's own data where nobody said otherwise, then nothing. listed: what was there before sett."""
    one.must("apt-get", "purge", "-q", "-y", "sett")
    state = one.must("sh", "-c", "ls /var/lib/sett/live /var/backups/sett -d")
    tap.ok("/var/lib/sett/live" in state, "a purge leaves the box's data, and says so", state)
    # A first boot of Debian, its web server and Proxmox VE make these, sett or no sett.
    theirs = re.compile(r"^((etc|var)/\.updated|etc/(\.pwd\.lock|machine-id|resolv\.conf|ssh/ssh_host_.*|systemd/system-preset/00-pve\.preset|dhcpcd\..*)|var/lib/(dbus/machine-id|nginx/.*|dhcpcd.*))$")
    left = sorted(p for p in files(one) - listed if not p.startswith(("var/lib/sett", "var/backups/sett")) and not theirs.match(p))
    tap.equal(left, [], "and of everything else nothing")
    tap.equal(one.run("sh", "-c", "systemctl list-unit-files 'sett*' --no-legend; pgrep -a sett; ss -Hltnp | grep -i sett")[1].strip(), "", "no unit, no process, no port")
