#!/usr/bin/env python3
"""Signing in through the front: two steps with an app, with recovery codes, replays and pairs at the same moment,
tries that run out; a second factor that a role must have; the password again for dangerous acts; sessions ended
elsewhere; the way out on the command line. Speaks TAP."""
import concurrent.futures
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from test_keys import Terminal, decoded
from test_roles import PASSWORD, Front, concrete, routes, user
from totp import code

ME = "/api/users/me/second-factor"


class Person:
    """Somebody at a browser: a cookie and its X-CSRF."""

    def __init__(self, front, name, password=PASSWORD):
        self.front, self.name, self.password = front, name, password
        self.headers, self.secret, self.codes, self.said = {}, None, [], {}

    def ask(self, method, path, body=None):
        status, headers, out = self.front.ask(method, path, self.headers, body)
        said = json.loads(out) if out else {}
        if status == 200 and "csrf_token" in said and "Set-Cookie" in headers:
            self.headers = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-CSRF": said["csrf_token"], "Sec-Fetch-Site": "same-origin"}
        return status, said

    def first(self):
        """Name and password; what comes of it."""
        self.headers = {}
        status, self.said = self.ask("POST", "/api/auth/login", {"username": self.name, "password": self.password})
        return status

    def second(self, given):
        return self.ask("POST", "/api/auth/second", {"step_token": self.said["step_token"], "code": given})

    def enrol(self, steps=0):
        status, said = self.ask("POST", ME)
        if status != 200:
            raise AssertionError(f"begin: {status} {said}")
        self.secret = said["secret"]
        status, self.said = self.ask("POST", ME + "/confirm", {"code": code(self.secret, steps)})
        if status != 200:
            raise AssertionError(f"confirm: {status} {self.said}")
        self.codes = self.said["codes"]


def early_in_step():
    """A step has 30 s: not at its end, so that what follows is of the same one."""
    wait_for(lambda: time.time() % 30 < 24, "a step begins", 10, 0.2)


def two_steps(t, front):
    early_in_step()
    ann = Person(front, "ann@example.com")
    t.equal((ann.first(), ann.said["second_factor"]), (200, "none"), "without a second factor one step is enough")
    before = dict(ann.headers)
    status, said = ann.ask("POST", ME)
    t.ok(status == 200 and said["uri"].startswith("otpauth://totp/") and said["qr"].startswith("<svg "), "an app is begun: secret, address, picture", said)
    t.equal(ann.ask("POST", ME + "/confirm", {"code": "000000"})[0], 422, "a wrong code confirms nothing")
    ann.enrol(-1)
    t.ok(len(set(ann.codes)) == 10 and all(len(c) == 19 for c in ann.codes), "ten recovery codes", ann.codes)
    t.ok(ann.headers != before and front.ask("GET", "/api/auth/me", before)[0] == 401, "the session has another cookie, the old one is dead")
    t.equal(ann.ask("GET", "/api/auth/me")[1]["second_factor"], "on", "it is on")
    here = ann.headers
    t.equal((ann.first(), ann.said["second_factor"], ann.headers), (200, "needed", {}), "now the password gives no session and no cookie")
    token = ann.said["step_token"]
    for name, headers in (("a bearer token", {"Authorization": "Bearer " + token}), ("a cookie", {"Cookie": "sett=" + token})):
        t.equal([front.ask(m, p, headers)[0] for m, p in (("GET", "/api/auth/me"), ("GET", "/api/tenants"), ("GET", ME))], [401] * 3, f"what it gives is no good as {name}")
    t.equal(ann.second(code(ann.secret, -1))[0], 401, "nor the code that confirmed the app")
    t.equal(ann.second(code(ann.secret, 1))[0], 401, "nor one of the future")
    given = code(ann.secret)
    status, said = ann.second(given)
    t.ok(status == 200 and said["second_factor"] == "given" and "Cookie" in ann.headers, "the present one is", said)
    t.equal(ann.ask("GET", "/api/tenants")[0], 200, "and opens a session")
    t.equal(ann.second(given)[0], 401, "the step is over")
    again = Person(front, ann.name)
    again.first()
    t.equal(again.second(given)[1].get("code"), "code_wrong", "and the code is spent in any step")
    ann.headers = here
    return ann


def pairs(t, ann, rounds):
    """Two at once with the same recovery code: never both."""
    ended = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            for one in ann.codes:
                both = [Person(ann.front, ann.name) for _ in range(2)]
                for p in both:
                    p.first()
                ended.append(sorted(s for s, _ in pool.map(lambda p: p.second(one), both)))
            status, said = ann.ask("POST", ME + "/codes")
            if status != 200:
                raise AssertionError(f"codes: {status} {said}")
            ann.codes = said["codes"]
    t.ok(all(e == [200, 401] for e in ended), f"{len(ended)} pairs with one recovery code each: one of two gets in", [e for e in ended if e != [200, 401]])


def tries(t, front, ann):
    ann2 = Person(front, ann.name)
    ann2.first()
    ann2.second(ann.codes[1])  # what was wrong before is forgotten
    got = []
    for i in range(5):
        ann2.first()
        got.append(ann2.second("000000" if i % 2 else "aaaa-bbbb-cccc-dddd")[0])
    status, headers, out = front.ask("POST", "/api/auth/second", {}, {"step_token": ann2.said["step_token"], "code": ann.codes[0]})
    t.equal((got, status, json.loads(out)["code"]), ([401] * 5, 429, "too_many_tries"), "five tries, whatever the step")
    t.ok(800 < int(headers["Retry-After"]) <= 900, "then it says when", headers)
    t.equal(ann.ask("GET", "/api/auth/me")[0], 200, "who is in stays in")


def way_out(t, box, ann):
    status = json.loads(box.sett("second-factor", "show", ann.name, "--json"))
    t.equal((status["state"], status["name"]), ("on", ann.name), "the command line shows it")
    code_, _, said = box.sett("second-factor", "remove", ann.name, ok=False)
    t.ok(code_ != 0 and "--confirm" in said, "and takes it away only when its name is given", said)
    box.sett("second-factor", "remove", ann.name, f"--confirm={ann.name}")
    entry = box.json("audit", "list", "--limit", "1")["data"][0]
    t.equal((entry["action"], entry["actor_kind"], entry["result"]), ("second-factor.remove", "cli", "ok"), "which is on record")
    t.equal(ann.ask("GET", "/api/auth/me")[0], 401, "its sessions ended")
    t.equal((ann.first(), ann.said["second_factor"]), (200, "none"), "and the password is enough again")
    offer = box.sett("second-factor", "begin", "--user", ann.name)
    t.ok("otpauth://totp/" in offer and "<svg" not in offer, "one can be begun there, too", offer)
    terminal = Terminal(box, "second-factor", "begin", "--user", ann.name)
    terminal.end()
    read = decoded(terminal.seen, box.root)
    t.ok(read.startswith("otpauth://totp/") and read.split("secret=")[1][:32] in terminal.seen, "with a picture that a telephone reads from the terminal", (read, terminal.seen))


def anew(box, front, env=None):
    """Another front in the place of the one that runs."""
    box.kill("front", 15)
    for name in ("front", "events"):
        if os.path.exists(box.socket(name)):
            os.unlink(box.socket(name))
    box.start("front", env=env)
    wait_for(lambda: all(os.path.exists(box.socket(n)) for n in ("front", "events")) and front.ask("GET", "/health")[0] == 200, "the front is back", 10)


def required(t, box, front):
    early_in_step()
    ops = Person(front, "ops")
    ops.first()
    box.sett("setting", "set", "auth.second_factor", "operator")
    wait_for(lambda: ops.ask("GET", "/api/tenants")[0] == 403, "the setting is seen", 5)
    anew(box, front)  # none of its threads goes by what it read before
    status, said = ops.ask("GET", "/api/tenants")
    t.equal((status, said["code"]), (403, "second_factor_needed"), "who must have one and has none is stopped in the midst of a session")
    t.equal(front.ask("GET", "/api/events/stream", {k: v for k, v in ops.headers.items() if k == "Cookie"}, None, "events")[0], 403, "for streams as well")
    t.equal((ops.first(), ops.said["second_factor"]), (200, "enrol"), "signing in leads there")
    t.equal([ops.ask(m, p)[0] for m, p in (("GET", "/api/tenants"), ("GET", "/api/sessions"), ("GET", "/api/keys"))], [403] * 3, "and to nothing else")
    t.equal([ops.ask("GET", p)[0] for p in ("/api/auth/me", ME)], [200] * 2, "but to who one is")
    said = {(m, p): ops.ask(m.upper(), concrete(p), None if m == "get" else {})[1].get("code") for m, p, role in routes(front) if role not in ("public", "admin") and p != "/api/auth/logout"}
    free = sorted(r for r, c in said.items() if c != "second_factor_needed")
    t.equal(free, sorted([("get", "/api/auth/me"), ("post", "/api/auth/confirm"), ("post", "/api/users/me/password"), ("get", ME), ("post", ME),
                          ("post", ME + "/confirm"), ("get", "/api/users/{id}/second-factor")]), f"of {len(said)} routes these are open to who has to set one up")
    t.equal(ops.ask("POST", "/api/auth/logout")[0], 200, "and signing out")
    ops.first()
    ops.enrol()
    t.equal(ops.ask("GET", "/api/tenants")[0], 200, "then all is open")
    status, said = ops.ask("DELETE", ME)
    t.equal((status, said["code"]), (409, "second_factor_required"), "it cannot be switched off")
    vic = Person(front, "vic")
    t.equal((vic.first(), vic.said["second_factor"]), (200, "none"), "a viewer is not asked for one")
    box.sett("setting", "set", "auth.second_factor", "none")
    return ops


def sessions(t, front):
    vic, elsewhere, third = (Person(front, "vic") for _ in range(3))
    for p in (vic, elsewhere, third):
        p.first()
    listed = vic.ask("GET", "/api/sessions")[1]["data"]
    mine = [s for s in listed if s["current"]]
    t.ok(len(listed) >= 3 and len(mine) == 1 and all(s["address"] and s["created_at"] and s["seen_at"] for s in listed), "sessions: where, when, and which is this one", listed)
    other = front.must("GET", "/api/auth/me", {"Cookie": elsewhere.headers["Cookie"]}, None, 200)["session_id"]
    t.equal((vic.ask("DELETE", f"/api/sessions/{other}")[0], elsewhere.ask("GET", "/api/auth/me")[0], third.ask("GET", "/api/auth/me")[0]), (200, 401, 200), "one is ended from another")
    status, said = vic.ask("DELETE", "/api/sessions")
    t.ok(status == 200 and said["ended"] >= 1 and third.ask("GET", "/api/auth/me")[0] == 401 and vic.ask("GET", "/api/auth/me")[0] == 200, "all others at once", said)


def fresh(t, box, front, ops):
    """Sixteen minutes later."""
    root = Person(front, "admin", box.password())
    root.first()
    wait_for(lambda: root.ask("GET", "/api/tenants")[0] == 200, "the setting is seen", 5)
    new = {"name": "late", "role": "viewer"}
    t.equal(root.ask("POST", "/api/keys", new)[0], 201, "just signed in, a key is made")
    anew(box, front, {"SETT_CLOCK_OFFSET_S": "960"})
    if not t.equal(root.ask("GET", "/api/auth/me")[1].get("fresh_until"), None, "the password is no longer fresh"):
        return
    status, said = root.ask("POST", "/api/keys", new)
    t.ok(status == 403 and said["code"] == "password_needed" and "/api/auth/confirm" in said["hint"], "then an act that needs it says what to do", said)
    status, said = root.ask("POST", "/api/auth/confirm", {"password": "wrong one 1"})
    t.equal((status, said["errors"][0]["pointer"]), (422, "/password"), "a wrong password is none")
    status, said = root.ask("POST", "/api/auth/confirm", {"password": root.password})
    t.ok(status == 200 and said["fresh_until"], "the right one makes it fresh", said)
    t.equal(root.ask("POST", "/api/keys", new)[0], 201, "and the act is done")
    at = time.time() + 960
    status, said = ops.ask("POST", "/api/auth/confirm", {"password": PASSWORD})
    t.equal((status, said["errors"][0]["pointer"]), (422, "/code"), "with a second factor that is asked for, too")
    status, said = ops.ask("POST", "/api/auth/confirm", {"password": PASSWORD, "code": code(ops.secret, at=at)})
    t.equal(status, 200, "and taken")
    t.equal([ops.ask("POST", "/api/auth/confirm", {"password": "x"})[0] for _ in range(60)][-1], 429, "guessing within a session runs dry as signing in does")


def renamed(t, box, front):
    """A new box is reached by https before it knows its address; learning it ends nobody's session."""
    root = Person(front, "admin", box.password())
    root.first()
    jar = {"sett": root.headers["Cookie"]}
    for url, cookie in (("https://localhost", "__Host-sett="), ("https://localhost/box", "__Secure-sett="), (None, "sett=")):
        status, headers, _ = front.ask("PUT", "/api/settings/box.url", root.headers, {"value": url} if url else {})
        given = headers.get("Set-Cookie", "")
        jar[given.split("=")[0]] = given.split(";")[0]  # as a browser, which keeps the others
        root.headers["Cookie"] = "; ".join(jar.values())
        t.ok(status == 200 and given.startswith(cookie) and (url is None or "; Secure" in given) and root.ask("GET", "/api/auth/me")[0] == 200,
             f"box.url = {url}: the session goes on under the cookie's new name", (status, given))
    status, headers, _ = front.ask("PUT", "/api/settings/box.name", root.headers, {"value": "Harbour"})
    t.ok(status == 200 and "Set-Cookie" not in headers, "other settings leave it alone", headers)


def main():
    t = Tap()
    limits = ("\n[limits]\nlogin_per_minute = 40\nanonymous_per_minute = 1000000\nauthenticated_per_minute = 1000000\n"
              "[auth]\nargon2_memory_mib = 8\nargon2_passes = 1\n")
    box = Box(conf=limits, env={"SETT_TESTS": "1"})
    box.sett("setting", "set", "limits.login_per_minute", "10000")
    try:
        box.start("front")
        wait_for(lambda: os.path.exists(box.socket("events")), "the front listens")
        front = Front(box)
        admin, _, _ = front.login("admin", box.password())
        for name, role in (("ann@example.com", "admin"), ("ops", "operator"), ("vic", "viewer")):
            user(front, admin, name, role)
        with t.part("renamed"):
            renamed(t, box, front)
        with t.part("two steps"):
            ann = two_steps(t, front)
            pairs(t, ann, 2)
            tries(t, front, ann)
            way_out(t, box, ann)
        with t.part("required"):
            ops = required(t, box, front)
            sessions(t, front)
            box.sett("setting", "set", "limits.login_per_minute", "40")
            fresh(t, box, front, ops)
    finally:
        box.close()
    t.done()


if __name__ == "__main__":
    main()
