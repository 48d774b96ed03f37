#!/usr/bin/env python3
"""The first boot of an appliance and what may come afterwards, on machines of the image: answers given beforehand, with a
slip first; a first password that is good for one thing; a clone that stands still. Speaks TAP."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Tap, wait_for
from machine import booted_image, own_namespaces

PRESEED = """[box]
name = Harbour
domain = example.org
time_zone = Europe/Madrid
{slip}
[admin]
password_file = /etc/sett/preseed.d/password
[recovery]
key = settrec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq
"""


def ask(one, method, path, body=None, token=None):
    """Status and answer, through its own web server and certificate."""
    argv = ["curl", "-sk", "-m", "20", "-X", method, "-w", "\n%{http_code}", f"https://{one.address}{path}", "-H", "Content-Type: application/json"]
    if body is not None:
        argv += ["-d", json.dumps(body)]
    if token:
        argv += ["-H", f"Authorization: Bearer {token}"]
    text, _, status = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.rpartition("\n")
    return int(status or 0), json.loads(text) if text.startswith("{") else text


def sign_in(one, password):
    return wait_for(lambda: (a := ask(one, "POST", "/api/auth/login", {"username": "admin", "password": password}))[0] in (200, 401) and a, "it answers", 60, 0.2)


def state(one, unit):
    return one.active(unit)


def answers(tap, top, machines):
    key = recovery_key()

    def before(machine):
        os.makedirs(machine.path("etc/sett/preseed.d"))
        os.chown(machine.path("etc/sett/preseed.d"), machine.first, machine.first)
        machine.put("etc/sett/preseed.conf", PRESEED.format(slip="colour = red").replace("settrec1" + "q" * 56, key), 0o600)
        machine.put("etc/sett/preseed.d/password", "correct horse battery\n", 0o600)
    one = booted_image(top, "harbour", 2, before=before)
    machines.append(one)
    wait_for(lambda: state(one, "sett-firstboot") == "failed", "the first boot ends", 60, 0.2)
    said = one.journal("-u", "sett-firstboot")
    tap.ok("line 5: [box] has no key colour" in said and not os.path.exists(one.path("var/lib/sett/live/db/data.mdb")), "a slip in the answers is named, and nothing was done", said)
    tap.ok("sett init" in one.must("sett", "greeting"), "the greeting says what to do")
    one.put("etc/sett/preseed.conf", PRESEED.format(slip="language = es").replace("settrec1" + "q" * 56, key), 0o600)
    one.must("systemctl", "start", "sett-firstboot")
    status, said = sign_in(one, "correct horse battery")
    tap.ok(status == 200 and not said["user"]["password_once"], "begun again it goes on: the admin signs in with the password that was chosen", said)
    tap.ok(not os.path.exists(one.path("etc/sett/preseed.conf")) and not os.path.exists(one.path("etc/sett/preseed.d")) and not os.path.exists(one.path("var/lib/sett/admin-password")),
           "the answers are gone")
    settings = {s["name"]: s["value"] for s in json.loads(one.sett("setting", "list", "--json"))["data"]}
    tap.equal((settings["box.name"], settings["box.time_zone"], settings["mail.language"], settings["tenants.scheme"]), ("Harbour", "Europe/Madrid", "es", "https"), "and what they said holds")
    tap.ok(os.readlink(one.path("etc/localtime")).endswith("Europe/Madrid") and key in one.sett("recovery", "list", "--json"), "the machine is in that zone, the recovery key is entered")
    findings = {c["name"]: c for c in json.loads(one.run("sett", "doctor", "--json")[1])["checks"]}
    tap.equal([findings[n]["finding"] for n in ("place", "units", "users", "time_zone", "logs", "store", "keys", "hands")], ["ok"] * 8, "the doctor finds the machine as it should be")
    one.must("chmod", "0777", "/var/lib/sett/live")
    one.must("systemctl", "stop", "sett-hands")
    said = one.run("sett", "doctor")[1]
    tap.ok("systemd-tmpfiles --create sett.conf" in said and "systemctl start sett-hands.service" in said, "what is put out of order it names, with the fix", said)
    one.halt()


def recovery_key():
    """The public half of one, as somebody has it from another machine."""
    with tempfile.TemporaryDirectory() as folder:
        sett = os.path.join(os.environ.get("SETT_BUILD", "build"), "sett")
        env = dict(os.environ, SETT_ROOT=os.path.join(folder, "box"), ASAN_OPTIONS="detect_leaks=0")
        for words in (("setup",), ("recovery", "init", "--secret-file", os.path.join(folder, "kit"))):
            subprocess.run([sett, *words], env=env, check=True, capture_output=True)
        return json.loads(subprocess.run([sett, "recovery", "list", "--json"], env=env, check=True, capture_output=True, text=True).stdout)["data"][0]["key"]


def first_password(tap, top, machines):
    one = booted_image(top, "fresh", 3)
    machines.append(one)
    password = wait_for(lambda: re.search(r"first password\s+([0-9a-z-]{19})", one.console()), "the console shows the first password", 60, 0.2)[1]
    tap.ok(password not in one.run("journalctl", "-b", "--no-pager")[1], "the console shows the first password, the journal does not")
    tap.ok(password in one.must("sett", "greeting") and os.path.islink(one.path("etc/profile.d/sett.sh")), "so does the greeting of root's shells")
    status, said = sign_in(one, password)
    token = said["access_token"]
    tap.ok(status == 200 and said["user"]["password_once"], "it is let in", said)
    refused = [ask(one, *call, token=token) for call in (("GET", "/api/tenants"), ("POST", "/api/keys", {"name": "k", "user": "admin", "role": "admin"}), ("POST", "/api/setup/finish", {}))]
    tap.ok(all(s == 403 and a["code"] == "password_once" for s, a in refused), "and may do nothing", refused)
    again = {"current_password": password, "new_password": password}
    tap.equal(ask(one, "POST", "/api/users/me/password", again, token)[1].get("code"), "password_same", "nor keep it")
    status, said = ask(one, "POST", "/api/users/me/password", dict(again, new_password="quite another one"), token)
    tap.ok(status == 200 and ask(one, "GET", "/api/tenants", token=said["access_token"])[0] == 200, "but choose another, and go on", said)
    wait_for(lambda: not os.path.exists(one.path("var/lib/sett/admin-password")), "its file goes", 20, 0.1)
    wait_for(lambda: password not in open(one.path("etc/issue.d/sett.issue"), encoding="utf-8").read(), "the console's greeting follows", 20, 0.1)
    tap.ok(password not in one.must("sett", "greeting"), "then its file is gone, and the greetings do not show it")
    pid = one.must("systemctl", "show", "-P", "MainPID", "sett-worker")
    said = json.loads(one.must("sett", "init", "--json"))
    tap.ok(said["password"] is None and one.must("systemctl", "show", "-P", "MainPID", "sett-worker") == pid, "sett init once more changes nothing", said)
    return one


def clone(tap, one):
    """As `pct clone` leaves it: everything the same, but no machine-id."""
    was = one.must("cat", "/etc/sett/tls/cert.pem"), one.must("cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    one.halt(gently=True)
    one.put("etc/machine-id", "")
    one.boot()
    wait_for(lambda: json.loads(one.run("sett", "box", "show", "--json")[1] or "{}").get("place") == "copied", "it sees that it is a copy", 60, 0.2)
    wait_for(lambda: "THIS MACHINE IS A COPY" in open(one.path("etc/issue.d/sett.issue"), encoding="utf-8").read(), "the console asks", 20, 0.1)
    tap.ok(not os.path.exists(one.path("run/sett/hands.sock")) and state(one, "sett-hands") == "active", "a clone stands still: the hands wait, and the console asks")
    code, said, _ = one.run("sett", "doctor")
    tap.ok(code == 1 and "sett box identify" in said, "the doctor, too", said)
    code, out, said = one.run("sett", "--confirm=sett", "box", "identify", "second")
    tap.ok(code == 0 and "first password" not in out and re.search(r"password: [0-9a-z-]{19}", out), "a second box: it begins anew, with a first password of its own", out + said)
    now = one.must("cat", "/etc/sett/tls/cert.pem"), one.must("cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    tap.ok(was[0] != now[0] and was[1] != now[1], "with certificate and host keys of its own")
    status, _ = sign_in(one, re.search(r"password: ([0-9a-z-]{19})", out)[1])
    tap.equal((status, sign_in(one, "quite another one")[0]), (200, 401), "and knows nobody of the first")
    one.halt(gently=True)
    one.put("etc/machine-id", "")
    one.boot()
    wait_for(lambda: json.loads(one.run("sett", "box", "show", "--json")[1] or "{}").get("place") == "copied", "it asks again", 60, 0.2)
    one.must("sett", "box", "identify", "moved")
    wait_for(lambda: one.run("test", "-S", "/run/sett/hands.sock")[0] == 0 and "COPY" not in one.must("sett", "greeting"), "it goes on", 60, 0.2)
    tap.ok(json.loads(one.must("sett", "box", "show", "--json"))["place"] == "here", "one that moved goes on")


def main():
    own_namespaces()
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-init-")
    os.chmod(top, 0o755)
    machines = []
    try:
        with tap.part("answers"):
            answers(tap, top, machines)
        with tap.part("first password"):
            one = first_password(tap, top, machines)
            with tap.part("clone"):
                clone(tap, one)
    finally:
        for m in machines:
            m.halt()
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
