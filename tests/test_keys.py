#!/usr/bin/env python3
"""The box's keys and the recovery secrets: rotated while they are in use, read again with what was kept from before; a
recovery key that follows from a passphrase; the dialogue that shows a secret, as a person sees it, its picture read by
another program. Speaks TAP."""
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, wait_for
from databases import Postgres, prepare
from debian import PYTHON
from totp import code

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = "var/lib/sett/live/keys"
PASSPHRASE = "correct horse battery staple"


def made(box, *words):
    box.sett("snapshot", "create", "--wait", *words)
    return box.json("snapshot", "list")["data"][0]


def path_of(box, record):
    return os.path.join(box.root, "vault", record["file"])


def reader(secret, paths, signer=None):
    out = os.path.join(os.path.dirname(secret), f"read-{time.monotonic_ns()}")
    env = dict(os.environ, **({"SIGNER": signer} if signer else {}))
    done = subprocess.run([PYTHON, os.path.join(HERE, "snapshot_read.py"), secret, out, *paths], capture_output=True, text=True, env=env)
    return done.returncode == 0 and "whole" in done.stdout, done.stderr[-400:]


def dry(box, path, *words):
    code, out, said = box.sett("restore", path, "--dry-run", *words, ok=False)
    return code == 0, out + said


def kit(box, name, secret):
    """Paper: the secret and what `recovery kit` says."""
    path = os.path.join(box.root, name)
    with open(secret, encoding="ascii") as f, open(path, "w", encoding="ascii") as out:
        out.write(f.read() + box.sett("recovery", "kit", "--json"))
    os.chmod(path, 0o600)
    return path


def test_signing(tap, box, secret):
    old_kit, first = kit(box, "kit-old", secret), made(box)
    before = box.json("recovery", "kit")["signer"]
    code, _out, said = box.sett("key", "rotate", "signing", "--wait", ok=False)
    after = box.json("recovery", "kit")
    tap.ok(code == 0 and after["signer"] != before and after["former_signers"] == [before], "a new signing key; the kit names both", (said, after))
    keys = {k["which"]: k for k in box.json("key", "box")["data"]}
    tap.ok(keys["signing"]["former"][0]["vouched"] and keys["signing"]["key"] == after["signer"], "so does the list of the box's keys", keys)
    tap.ok(not os.path.exists(os.path.join(box.root, KEYS, "sign.next")), "nothing is left of the exchange")
    second = made(box)
    tap.equal((second["chain"], second["base_id"]), (2, first["id"]), "the next one builds on what the former key signed")
    for number in ("1", "2"):
        tap.equal(box.json("snapshot", "verify", number, "--recovery-file", secret)["signed_by"], "this box", f"snapshot {number} is this box's")
    new_kit = kit(box, "kit-new", secret)
    for name, path in (("the box itself", secret), ("the kit of before", old_kit), ("the kit of now", new_kit)):
        for record in (first, second):
            there, said = dry(box, path_of(box, record), "--recovery-file", path)
            tap.ok(there, f"{name} is enough to restore snapshot {record['number']}", said)
    tap.ok(*both(reader(secret, [path_of(box, second), path_of(box, first)], before), "a reader that is not sett's goes by the former key, too"))
    tap.ok(*both(reader(secret, [path_of(box, first)], before), "which signed the first"))
    there, _said = reader(secret, [path_of(box, first)], after["signer"])
    tap.ok(not there, "and the new key does not speak for the old one's files")
    return first, second, before


def both(result, name):
    return result[0], name, result[1]


def test_elsewhere(tap, box, old_kit, second):
    """A bare machine, and the paper of before the rotation."""
    root = os.path.join(box.root, "elsewhere")
    there = subprocess.run([os.path.join(box.build, "sett"), "--root", root, "restore", path_of(box, second), "--onto-empty", "--dry-run",
                            "--recovery-file", old_kit], capture_output=True, text=True, env=box.env)
    tap.ok(there.returncode == 0, "on a bare machine the kit of before is enough, too", there.stderr)


def test_lost(tap, box, secret, first, before):
    """The key may be in other hands: what it says of its successor is worth nothing."""
    old_kit = kit(box, "kit-lost", secret)
    box.sett("key", "rotate", "signing", "--lost", "--wait")
    third = made(box)
    tap.equal(box.json("recovery", "kit")["former_signers"], [], "the kit names a lost key no more")
    there, said = dry(box, path_of(box, third), "--recovery-file", secret)
    tap.ok(there, "the box knows its new key", said)
    root = os.path.join(box.root, "elsewhere-lost")
    done = subprocess.run([os.path.join(box.build, "sett"), "--root", root, "restore", path_of(box, third), "--onto-empty", "--dry-run", "--recovery-file",
                           old_kit], capture_output=True, text=True, env=box.env)
    tap.ok(done.returncode != 0 and "signed by" in done.stderr, "paper of before does not lead to it", done.stderr)
    there, said = dry(box, path_of(box, first), "--recovery-file", secret)
    tap.ok(not there and "--signer" in said, "and what the lost key signed is nobody's word", said)
    there, said = dry(box, path_of(box, first), "--recovery-file", secret, "--signer", before[:16])
    tap.ok(there, "unless somebody vouches for it by hand", said)


def test_vault(tap, box):
    """Every secret opens before, during and after; the old key is gone."""
    for i in range(40):
        box.sett("vault", "add", f"v{i}", "s3", f"https://vault.example/b{i}", "--access-key", "a", "--secret-file", "-", "--enabled", "false", stdin=f"secret {i}\n")
    folder = os.path.join(box.root, KEYS)
    with open(os.path.join(folder, "vault.key"), encoding="ascii") as f:
        old = f.read()
    box.sett("setting", "set", "keys.rest_s", "2")
    job = box.json("key", "rotate", "vault", "--no-wait")["job"]
    wait_for(lambda: os.path.exists(os.path.join(folder, "vault.former")), "the former key beside the new one")
    box.secret("cloudflare.token", "set meanwhile")
    wait_for(lambda: box.json("job", "show", job)["state"] == "done", "the rotation's end", 30)
    with open(os.path.join(folder, "vault.key"), encoding="ascii") as f:
        tap.ok(f.read() != old and not os.path.exists(os.path.join(folder, "vault.former")), "a new key, the former one is gone")
    facts = box.json("job", "show", job)
    tap.ok(int(facts.get("facts", {}).get("resealed", 0)) >= 40, "secrets were sealed anew", facts.get("facts"))
    record = made(box)
    tap.equal(record["state"], "done", "the box works on: its secrets open")
    code, out, said = box.sett("vault", "test", "v7", ok=False)
    tap.ok("seal" not in out + said, "a credential of before opens", out + said)
    code, out, said = box.sett("fsck", ok=False)
    tap.ok(code == 0, "the store is whole", out + said)
    events = [e["action"] for e in box.json("audit", "list", "--limit", "100")["data"]]
    tap.ok(events.count("key.rotate") == 3, "each rotation is in the audit", events)


ME = "/api/users/me/second-factor"


def test_web(tap, box):
    """Who is signed in stays so, an authenticator app and the webhook's secret work on; with --lost the old key is worth nothing."""
    def sign_in(*codes):
        answer = box.http("POST", "/api/auth/login", {"username": "admin", "password": box.password()})
        if answer.json.get("second_factor") == "needed":
            answer = box.http("POST", "/api/auth/second", {"step_token": answer.json["step_token"], "code": codes[0]})
        return answer

    def web_key(name="web.key"):
        path = os.path.join(box.root, KEYS, name)
        return open(path, encoding="ascii").read() if os.path.exists(path) else None

    box.sett("setting", "set", "keys.rest_s", "1")
    answer = sign_in()
    cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "X-CSRF": answer.json["csrf_token"], "Sec-Fetch-Site": "same-origin"}
    app = box.http("POST", ME, headers=cookie).json["secret"]
    wait_for(lambda: time.time() % 30 < 20, "a step begins", 15, 0.2)
    answer = box.http("POST", ME + "/confirm", {"code": code(app, -1)}, headers=cookie)
    recovery = answer.json["codes"]
    cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "X-CSRF": answer.json["csrf_token"], "Sec-Fetch-Site": "same-origin"}
    bearer, refresh = {"Authorization": "Bearer " + answer.json["access_token"]}, answer.json["refresh_token"]
    before = web_key()
    box.sett("key", "rotate", "web", "--wait")
    tap.ok(web_key() not in (None, before) and web_key("web.former") == before and web_key("web.next") is None, "a new web.key; the former one is still there")
    wait_for(box.alive, "the front has begun anew")
    tap.equal([box.http("GET", "/api/auth/me", headers=h).status for h in (cookie, bearer)], [200, 200], "who was signed in still is, by cookie and by token")
    marks = [cookie, dict(cookie, **{"X-CSRF": "A" * 43})]
    tap.equal([box.http("POST", "/api/auth/confirm", {"password": "not it"}, headers=h).status == 403 for h in marks], [False, True],
              "with the mark against forged requests from before")
    answer = box.http("POST", "/api/auth/refresh", {"refresh_token": refresh})
    tap.equal(answer.status, 200, "a refresh token of before is good for new ones")
    bearer = {"Authorization": "Bearer " + answer.json["access_token"]}
    answer = sign_in(code(app))
    tap.equal((answer.status, answer.json.get("second_factor")), (200, "given"), "the authenticator app signs in")
    tap.equal(box.sett("stripe", "send", "checkout.session.completed", "--name", "Acme", "--plan", "demo", ok=False)[0], 0, "a webhook signed with the secret of before is accepted")
    box.sett("key", "rotate", "web", "--lost", "--wait")
    tap.ok(web_key("web.former") is None, "a lost one goes at once")
    wait_for(lambda: box.alive() and box.http("GET", "/api/auth/me", headers=bearer).status == 401, "what it has signed is worth nothing", 20, 0.2)
    answer = sign_in(recovery[0])
    tap.equal((answer.status, answer.json.get("second_factor")), (200, "given"), "but second factors are not lost")
    rows = {r["what"]: r for r in box.json("key", "status")["data"]}
    tap.ok({"signing", "vault", "web", "recovery", "sessions", "stripe.webhook_secret", "vaults"} <= set(rows) and all(r["command"].startswith(("sett ", "rm ")) for r in rows.values()),
           "every key is listed with its command", rows)
    tap.ok(rows["vaults"]["count"] >= 40 and rows["web"]["since"] and "web, former" not in rows, "with how many and how old", rows)


def variables(box):
    """What the tenant's program was started with."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                env = dict(v.split("=", 1) for v in f.read().decode("utf-8", "replace").split("\0") if "=" in v)
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read()
        except OSError:
            continue
        if "DB_PASSWORD" in env and b"shop.py" in line and box.root.encode() in line:
            return env
    return {}


def test_database(tap):
    """A tenant's password at the database: the program goes on with a new one, the old one opens nothing."""
    pg = Postgres()
    box = Box(conf="\n[engine]\nbackoff_min_ms = 50\n")
    try:
        prepare(box, pg)
        box.run()
        box.sett("tenant", "create", "acme", "--plan", "shop", "--wait")
        before = variables(box)
        box.sett("tenant", "rekey", "acme", "--wait")
        after = variables(box)
        tap.ok(before["DB_PASSWORD"] != after["DB_PASSWORD"], "a tenant's database has a new password")
        tap.ok(b"rows made" in box.http("GET", "/", host="acme.localhost").body, "its program answers with what was in it")
        done = [subprocess.run(["psql", "-h", env["DB_HOST"], "-p", env["DB_PORT"], "-U", env["DB_USER"], "-d", env["DB_NAME"], "-Atc", "SELECT 1"],
                               env=dict(os.environ, PGPASSWORD=env["DB_PASSWORD"], PGCONNECT_TIMEOUT="5"), capture_output=True, text=True).returncode
                for env in (before, after)]
        tap.ok(done[0] != 0 and done[1] == 0, "the old one opens nothing", done)
    finally:
        box.close()
        pg.close()


def test_passphrase(tap, box, secret):
    path = os.path.join(box.root, "passphrase")
    with open(path, "w", encoding="utf-8") as f:
        f.write("short\n")
    os.chmod(path, 0o600)
    code, _out, said = box.sett("recovery", "init", "--name", "phrase", "--passphrase-file", path, ok=False)
    tap.ok(code != 0 and "characters" in said, "a short passphrase is refused", said)
    with open(path, "w", encoding="utf-8") as f:
        f.write(PASSPHRASE + "\n")
    box.sett("recovery", "init", "--name", "phrase", "--passphrase-file", path)
    row = [r for r in box.json("recovery", "list")["data"] if r["name"] == "phrase"][0]
    tap.ok(row["proven"] and row["memory_kib"] == 262144 and row["passes"] == 3, "a recovery key from a passphrase", row)
    record = made(box)
    tap.equal(record["chain"], 1, "the first that is sealed to it restores by itself")
    there, said = dry(box, path_of(box, record), "--passphrase-file", path)
    tap.ok(there, "restored with the passphrase", said)
    there, said = dry(box, path_of(box, record), "--recovery-file", secret)
    tap.ok(there, "and with the other secret", said)
    tap.ok(*both(reader(path, [path_of(box, record)]), "another reader opens it with the passphrase"))
    tap.ok("everything" in box.json("snapshot", "verify", path_of(box, record), "--passphrase-file", path)["checked"], "verified with it")
    wrong = os.path.join(box.root, "wrong")
    with open(wrong, "w", encoding="utf-8") as f:
        f.write(PASSPHRASE + "r\n")
    os.chmod(wrong, 0o600)
    there, said = dry(box, path_of(box, record), "--passphrase-file", wrong)
    tap.ok(not there and "does not open" in said and PASSPHRASE not in said, "another passphrase does not", said)
    found = subprocess.run(["grep", "-rlF", PASSPHRASE, os.path.join(box.root, "var"), os.path.join(box.root, "etc")], capture_output=True, text=True)
    tap.equal(found.stdout, "", "the box keeps it nowhere")


def test_import(tap, box, secret):
    """What another box wrote, and what of one's own was lost."""
    fixtures = os.path.join(HERE, "fixtures", "snapshots", "format-1")
    with open(os.path.join(fixtures, "made.json"), encoding="utf-8") as f:
        signer = json.load(f)["box"]["signer"]
    theirs = [os.path.join(fixtures, name + ".sett") for name in ("box", "increment")]
    code, _out, said = box.sett("snapshot", "import", theirs[0], "--to", "local", ok=False)
    tap.ok(code == 4 and "--signer" in said, "a stranger's snapshot is not imported", said)
    code, _out, said = box.sett("snapshot", "import", theirs[1], "--to", "local", "--signer", signer, ok=False)
    tap.ok(code != 0 and "import that one first" in said, "nor one whose base is not known", said)
    bad = os.path.join(box.root, "bad.sett")
    with open(theirs[0], "rb") as f, open(bad, "wb") as out:
        data = bytearray(f.read())
        data[len(data) // 2] ^= 1
        out.write(data)
    code, _out, said = box.sett("snapshot", "import", bad, "--to", "local", "--signer", signer, ok=False)
    tap.ok(code != 0, "nor a damaged one", said)
    before = {s["id"] for s in box.json("snapshot", "list")["data"]}
    for path in theirs:
        box.sett("snapshot", "import", path, "--to", "local", "--signer", signer)
    new = [s for s in box.json("snapshot", "list")["data"] if s["id"] not in before]
    tap.ok(len(new) == 2 and {s["state"] for s in new} == {"imported"} and {s["chain"] for s in new} == {1, 2}, "vouched for by hand, it is", new)
    out = os.path.join(box.root, "exported")
    newest = max(new, key=lambda s: s["number"])
    box.sett("snapshot", "export", str(newest["number"]), out)
    tap.equal(len(os.listdir(out)), 2, "it is exported again, with what it builds on")
    own = made(box)
    tap.ok(own["state"] == "done" and own["base_id"] not in [s["id"] for s in new], "and nothing of the box's own builds on it", own)
    taken = os.path.join(box.root, "taken.sett")
    os.rename(path_of(box, own), taken)
    box.sett("snapshot", "import", taken, "--to", "local")
    tap.ok(os.path.exists(path_of(box, own)), "one's own that a vault has lost comes back under its name")
    tap.equal(box.json("snapshot", "show", str(own["number"]))["state"], "done", "and is what it was")
    code, _out, said = box.sett("snapshot", "forget", str(own["number"]), "--confirm=" + str(own["number"]), ok=False)
    tap.ok(code == 5, "it is not removed by hand", said)
    box.sett("snapshot", "forget", str(newest["number"]), "--wait", "--confirm=" + str(newest["number"]))
    tap.equal(box.json("snapshot", "show", str(newest["number"]))["state"], "gone", "an imported one is")
    tap.ok(not os.path.exists(os.path.join(box.root, "vault", newest["file"])), "with its file")


# ---- as a person sees it ----

class Terminal:
    """A program on a terminal of its own; what it shows is kept."""

    def __init__(self, box, *words):
        self.seen, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(box.env)
            os.execv(os.path.join(box.build, "sett"), ["sett", "--root", box.root, *words])

    def until(self, pattern, seconds=30):
        """Everything since the last time, up to the pattern's end, or to the program's."""
        deadline, start = time.monotonic() + seconds, self.at
        while not (match := re.compile(pattern).search(self.seen, start)):
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"not seen: {pattern}\n{self.seen[-500:]}")
            try:
                self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:
                break
        self.at = match.end() if match else len(self.seen)
        return self.seen[start:self.at]

    def say(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def end(self):
        self.until(r"(?!)")
        _pid, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def decoded(shown, folder):
    """The picture in the half blocks of a dark terminal, read by zbarimg."""
    rows = re.findall("\x1b\\[30;107m([ ▄▀█]+)\x1b\\[0m", shown)
    pixels = []
    for row in rows:
        pixels += [[c in "▀█" for c in row], [c in "▄█" for c in row]]
    scale, width = 4, len(rows[0]) + 4
    lines = [[True] * width] * 2 + [[True] * 2 + line + [True] * 2 for line in pixels] + [[True] * width] * 2
    path = os.path.join(folder, "qr.pgm")
    with open(path, "wb") as f:
        f.write(f"P5 {width * scale} {len(lines) * scale} 255\n".encode())
        for line in lines:
            f.write(bytes(0 if dark else 255 for dark in line for _ in range(scale)) * scale)
    return subprocess.run(["zbarimg", "-q", "--raw", path], capture_output=True, text=True).stdout.strip()


def answer(terminal, groups, wrong=0):
    """Both questions, the first one wrong so many times."""
    for question in range(2):
        for _ in range(wrong if question == 0 else 0):
            terminal.until(r"Group \d+ of what you wrote down: ")
            terminal.say("qqqqqq")
        asked = re.search(r"Group (\d+) of what you wrote down: $", terminal.until(r"Group \d+ of what you wrote down: "))
        terminal.say(groups[int(asked.group(1)) - 1].lower())


def shown_secret(terminal):
    text = terminal.until(r"Write it down now.*\n")
    line = re.search(r"SETT-RECOVERY-1((?: [A-Z0-9]+)+)", text)
    return text, "SETT-RECOVERY-1" + line.group(1).replace(" ", ""), line.group(1).split()


def test_dialogue(tap, box):
    before = box.json("recovery", "list")["data"]
    t = Terminal(box, "recovery", "init", "--name", "paper")
    text, secret, groups = shown_secret(t)
    tap.equal(decoded(text, box.root), secret, "the picture on the terminal says what the text says")
    answer(t, groups, wrong=1)
    tap.equal(t.end(), 0, "a wrong answer is asked again, a right one is enough")
    row = [r for r in box.json("recovery", "list")["data"] if r["name"] == "paper"]
    tap.ok(row and row[0]["proven"], "and the key is there, proven", row)
    t = Terminal(box, "recovery", "init", "--name", "careless")
    _text, lost, _groups = shown_secret(t)
    for _ in range(3):
        t.until(r"Group \d+ of what you wrote down: ")
        t.say("nothing")
    tap.ok(t.end() != 0 and "begin anew" in t.seen, "three wrong answers end it", t.seen[-300:])
    t = Terminal(box, "recovery", "init", "--name", "gone")
    shown_secret(t)
    os.write(t.fd, b"\x04")
    tap.ok(t.end() != 0, "so does whoever leaves")
    now = box.json("recovery", "list")["data"]
    tap.equal({r["name"] for r in now}, {r["name"] for r in before} | {"paper"}, "and nothing half-made is there")
    t = Terminal(box, "recovery", "prove")
    t.until("The recovery secret: ")
    t.say(secret)
    tap.ok(t.end() == 0 and secret not in t.seen, "typed in again, it is not shown", t.seen)
    found = subprocess.run(["grep", "-rliE", f"{secret[15:40]}|{lost[15:40]}", box.root], capture_output=True, text=True)
    tap.equal(found.stdout, "", "neither secret is in any file of the box, logs included")
    return secret


def test_recovery_rotate(tap, box, paper):
    old = os.path.join(box.root, "paper-old")
    with open(old, "w", encoding="ascii") as f:
        f.write(paper + "\n")
    os.chmod(old, 0o600)
    first = made(box)
    code, _out, said = box.sett("recovery", "rotate", "--name", "nobody", "--secret-file", os.path.join(box.root, "x"), ok=False)
    tap.ok(code == 3, "there must be one to be replaced", said)
    key = [r["key"] for r in box.json("recovery", "list")["data"] if r["name"] == "paper"]
    t = Terminal(box, "recovery", "rotate", "--name", "paper")
    shown_secret(t)
    for _ in range(3):
        t.until(r"Group \d+ of what you wrote down: ")
        t.say("nothing")
    tap.ok(t.end() != 0 and [r["key"] for r in box.json("recovery", "list")["data"] if r["name"] == "paper"] == key, "unproven, the former one stays")
    t = Terminal(box, "recovery", "rotate", "--name", "paper")
    _text, secret, groups = shown_secret(t)
    answer(t, groups)
    tap.equal(t.end(), 0, "proven, it takes its place")
    rows = [r for r in box.json("recovery", "list")["data"] if r["name"] == "paper"]
    tap.ok(len(rows) == 1 and [rows[0]["key"]] != key and rows[0]["proven"], "under the same name", rows)
    new = os.path.join(box.root, "paper-new")
    with open(new, "w", encoding="ascii") as f:
        f.write(secret + "\n")
    os.chmod(new, 0o600)
    second = made(box)
    tap.equal(second["chain"], 1, "the next snapshot needs nothing that the new secret does not open")
    results = [dry(box, path_of(box, record), "--recovery-file", path)[0] for record in (first, second) for path in (old, new)]
    tap.equal(results, [True, False, False, True], "each secret opens what was made in its time")
    box.sett("recovery", "remove", "paper", "--confirm=paper")
    tap.ok("paper" not in [r["name"] for r in box.json("recovery", "list")["data"]], "one that was lost is taken out")


def main():
    tap = Tap()
    box = Box()
    try:
        box.run()
        secret = os.path.join(box.root, "secret")
        box.sett("recovery", "init", "--secret-file", secret)
        os.makedirs(os.path.join(box.root, "vault"))
        box.sett("vault", "add", "local", "folder", os.path.join(box.root, "vault"))
        with tap.part("signing"):
            first, second, before = test_signing(tap, box, secret)
            test_elsewhere(tap, box, os.path.join(box.root, "kit-old"), second)
            test_lost(tap, box, secret, first, before)
        with tap.part("vault"):
            test_vault(tap, box)
        with tap.part("web"):
            test_web(tap, box)
        with tap.part("passphrase"):
            test_passphrase(tap, box, secret)
        with tap.part("import"):
            test_import(tap, box, secret)
        with tap.part("dialogue"):
            paper = test_dialogue(tap, box)
            test_recovery_rotate(tap, box, paper)
    finally:
        box.close()
    with tap.part("database"):
        test_database(tap)
    tap.done()


if __name__ == "__main__":
    main()
