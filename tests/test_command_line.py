#!/usr/bin/env python3
"""What the command line says to somebody who mistypes: on a box that was set up and does not run. Speaks TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import BUILD, Tap

SETT = os.path.join(BUILD, "sett")


def sett(root, *words, stdout=subprocess.PIPE, given=""):
    env = {k: v for k, v in os.environ.items() if k != "SETT_ROOT"}
    if root:
        env["SETT_ROOT"] = root
    done = subprocess.run([SETT, *words], input=given, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env,
                          timeout=60)
    return done.returncode, done.stdout or "", done.stderr


def test_words(tap, root):
    code, _, said = sett(root, "tenant")
    tap.ok(code == 2 and "tenant create" in said and "there is no command" not in said, "a noun alone shows its verbs", said)
    code, shown, _ = sett(root, "help", "tenant", "list")
    tap.ok(code == 0 and "--state" in shown, "help NOUN VERB is NOUN VERB --help", shown)
    code, shown, _ = sett(root, "help")
    tap.ok(code == 0 and "NOUN VERB" in shown, "help alone lists the commands", shown)
    nouns = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and not line.startswith("  -")]
    nouns = nouns[:nouns.index("2,")] if "2," in nouns else nouns
    blocks = [n for i, n in enumerate(nouns) if i == 0 or nouns[i - 1] != n]
    tap.equal(len(blocks), len(set(blocks)), "and those of a noun stand together")
    for words in (("tenant", "show"), ("tenant", "list", "--bogus"), ("tenant", "list", "extra"), ("plan", "create")):
        code, _, said = sett(root, *words)
        hint = f"sett {words[0]} {words[1]} --help"
        tap.ok(code == 2 and hint in said, f"sett {' '.join(words)}: 2, and where its help is", said)
        tap.equal(sett(root, *hint.split()[1:])[0], 0, f"and the hint holds: {hint}")
    code, shown, said = sett(root, "drift", "list")
    tap.ok(code == 0 and "verdict" in shown and "none" in said, "an empty list says that there is none", (shown, said))
    code, shown, _ = sett(root, "alert", "rules")
    tap.ok(code == 0 and "threshold" in shown.splitlines()[0] and "box.disk" in shown, "what is watched over is a table", shown)
    tap.ok("box.disk" in sett(root, "alert", "rules", "--quiet")[1].splitlines(), "--quiet names each")
    tap.ok("ready_plain" in sett(root, "mail", "kinds", "--quiet")[1].splitlines(), "and each kind of letter")
    code, shown, _ = sett(root, "key", "box")
    tap.ok(code == 0 and "what_for" in shown.splitlines()[0] and "signs" in shown, "the box's own keys are told", shown)
    code, shown, said = sett(root, "restore", "list")
    tap.ok(code == 0 and "scope" in shown and "none" in said, "and restores are a table", (shown, said))
    code, shown, _ = sett(root, "restore", "create", "--help")
    tap.ok(code == 0 and "--customer" in shown and "sett restore --help" in shown, "a verb of restore has help of its own", shown)
    code, shown, _ = sett(root, "restore", "--help")
    tap.ok(code == 0 and "--onto-empty" in shown, "and so has a restore by a file", shown)
    for words in (("recovery", "init"), ("restore", "rollback"), ("unstick",)):
        code, _, said = sett(root, *words, "--dry-run")
        tap.ok(code == 2 and "no plan" in said, f"sett {' '.join(words)} does nothing in spite of --dry-run", said)
    code, _, said = sett(root, "tenant", "show", "nobody")
    tap.ok(code == 3 and "nobody" in said, "what is not there: 3", said)


def test_values(tap, root):
    made = sett(root, "plan", "create", "small", "site", "--json")
    tap.equal(made[0], 0, "a plan is made")
    tap.equal(json.loads(made[1])["past_due_days"], None, "days that were not said are null")
    for words, wanted in ((("--offered", "false"), False), (("--offered",), True), (("--offered=false",), False)):
        code, shown, said = sett(root, "plan", "update", "small", *words, "--json")
        tap.ok(code == 0 and json.loads(shown)["offered"] is wanted, f"a yes or no: {' '.join(words)}", said)
    code, shown, said = sett(root, "fsck", "--json")
    tap.ok(code == 0 and json.loads(shown)["clean"] is True, "fsck speaks JSON when asked to", (shown, said))
    code, _, said = sett(root, "setting", "set", "box.id", "x")
    tap.ok(code == 2 and "box.id" in said, "the box keeps its id", said)
    secret = os.path.join(root, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write("sk_test_1\n")
    tap.equal(sett(root, "secret", "set", "stripe.secret_key", "--value-file", secret)[0], 0, "a secret is set from a file")
    code, _, said = sett(root, "secret", "set", "stripe.secret_key")
    tap.ok(code == 2 and "--confirm=stripe.secret_key" in said, "a forgotten --value-file removes nothing", said)
    code, shown, _ = sett(root, "secret", "set", "stripe.secret_key", "--confirm=stripe.secret_key", "--json")
    tap.ok(code == 0 and json.loads(shown)["set"] is False, "confirmed, the secret is removed", shown)
    with open("/dev/full", "w", encoding="utf-8") as full:
        code, _, said = sett(root, "plan", "list", stdout=full)
    tap.ok(code == 1 and "No space left" in said, "an answer that cannot be written is a failure", (code, said))


def test_dump(tap, root):
    other = root + "/other"
    code, dump, said = sett(root, "db", "dump")
    tap.ok(code == 0 and dump, "the store is dumped", said)
    code, _, said = sett(other, "db", "load", given=dump)
    tap.ok(code == 0 and "setup" in said, "and loaded where there is no box yet, with what comes next", said)
    tap.equal(sett(other, "setup")[0], 0, "which makes a box of it")
    tap.equal(sett(other, "fsck")[0], 0, "that is clean")
    tap.equal(sett(other, "db", "dump")[1], dump, "and has the same dump")
    code, _, said = sett(other, "db", "load", given=dump)
    tap.ok(code == 5 and "mv " in said, "over a store nothing is loaded, and there is a way", said)


def test_run(tap, root):
    for words, wanted in ((("--port", "0"), "1 to 65535"), (("--port", "x"), "1 to 65535"), (("--bogus",), "usage")):
        code, _, said = sett(root, "run", *words)
        tap.ok(code == 2 and wanted in said, f"run {' '.join(words)} is refused", said)
    code, _, said = sett(root + "/with blank", "run")
    tap.ok(code == 2 and "blank" in said and not os.path.exists(root + "/with blank"), "a folder that nginx would misread is refused",
           said)


def main():
    tap = Tap()
    root = tempfile.mkdtemp(prefix="sett-")
    try:
        tap.equal(sett(root, "setup")[0], 0, "a box is set up")
        with tap.part("words"):
            test_words(tap, root)
        with tap.part("values"):
            test_values(tap, root)
        with tap.part("dump"):
            test_dump(tap, root)
        with tap.part("run"):
            test_run(tap, root)
    finally:
        shutil.rmtree(root)
    tap.done()


if __name__ == "__main__":
    main()
