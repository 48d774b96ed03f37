"""Every key of a box changed while it runs, by the commands of the book."""
import os

from box import Box


def scenario(tap, book):
    box = Box()
    try:
        box.run()
        box.sett("setting", "set", "keys.rest_s", "1")
        secret = os.path.join(box.root, "secret")
        box.sett("recovery", "init", "--secret-file", secret)
        os.makedirs(os.path.join(box.root, "vault"))
        box.sett("vault", "add", "local", "folder", os.path.join(box.root, "vault"))
        key = box.json("key", "create", "--name", "ci", "--user", "admin")["id"]
        channel = box.json("channel", "create", "hook", "webhook", "--target", "https://hooks.example.com/sett")["id"]
        before = {r["what"]: r["since"] for r in box.json("key", "status")["data"]}
        with open(os.open(os.path.join(box.root, "whsec"), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
            f.write("whsec_made-anew-at-stripe\n")
        said = book.run(tap, box, "Check")
        tap.ok("sett key rotate web" in said and "sett secret set stripe.webhook_secret" in said, "the check lists every key with its command", said)
        book.run(tap, box, "Fix", SECRET_FILE=os.path.join(box.root, "whsec"), KEY_ID=key, CHANNEL_ID=channel)
        after = {r["what"]: r["since"] for r in box.json("key", "status")["data"]}
        tap.ok(all(after[w] != before[w] for w in ("signing", "vault", "web", "stripe.webhook_secret")), "the keys are new ones", (before, after))
        said = book.run(tap, box, "Verify")
        tap.ok("clean" in said, "and the look at the end says so", said)
    finally:
        box.close()
