"""What tests of restoring share: recovery keys, snapshots made by tests/restore/shot, the command itself."""
import glob
import os
import subprocess

from box import BUILD, wait_for


class Keys:
    """A recovery identity; its kit is a file."""

    def __init__(self, folder, name):
        out = subprocess.run([os.path.join(BUILD, "restore", "shot"), "identity"], capture_output=True, text=True, check=True).stdout.split()
        self.secret, self.public = out
        self.kit = os.path.join(folder, name)
        with open(self.kit, "w", encoding="utf-8") as f:
            f.write(f"Recovery kit\n\n  {self.secret}\n")
        os.chmod(self.kit, 0o600)

    @staticmethod
    def signer(box):
        with open(os.path.join(live(box), "keys", "sign.pub"), encoding="utf-8") as f:
            return f.read().strip()


def live(box):
    return os.path.join(box.root, "var/lib/sett/live")


def shot(box, path, keys, *catalogs, schema=None):
    subprocess.run([os.path.join(BUILD, "restore", "shot"), box.root, path, keys.public, *catalogs],
                   env=box.env if schema is None else dict(box.env, SHOT_SCHEMA=str(schema)), check=True, timeout=120)


def restore(box, path, keys, *words, build=None, env=None):
    """Exit code, output, errors."""
    done = subprocess.run([os.path.join(build or box.build, "sett-restore"), "--root", box.root, "--json", "restore", path,
                           "--recovery-file", keys.kit, *words], env=env or box.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    return done.returncode, done.stdout, done.stderr


def volume(box, tenant, name):
    """The path of a file of its volumes."""
    return glob.glob(os.path.join(live(box), "tenants", str(tenant["number"]), "**", name), recursive=True)[0]


def page(box, name):
    """What a tenant answers with; "" when it does not."""
    try:
        answer = box.http("GET", "/", host=f"{name}.localhost")
    except OSError:
        return ""
    return answer.body.decode(errors="replace") if answer.status == 200 else ""


class Api:
    """A box's API as one person."""

    def __init__(self, box, headers):
        self.box, self.headers = box, headers

    def ask(self, method, path, body=None, **headers):
        return self.box.http(method, path, body, headers=dict(self.headers, **headers))

    def must(self, method, path, body=None, status=200):
        answer = self.ask(method, path, body)
        if answer.status != status:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body[:600]}")
        return answer.json

    def job(self, ident, seconds=60):
        return wait_for(lambda: (j := self.must("GET", f"/api/jobs/{ident}"))["state"] in ("done", "undone", "stuck") and j, f"{ident} ends", seconds)

    def done(self, answer):
        job = self.job(answer["job"])
        if job["state"] != "done":
            raise AssertionError(f"{job['saga']} is {job['state']}: {job['cause']}")
        return answer

    def refused(self, body, status, code, path="/api/restores"):
        answer = self.ask("POST", path, body)
        said = answer.json
        fine = answer.status == status and said.get("code") == code and answer.headers.get("Content-Type") == "application/problem+json"
        return fine, (answer.status, said)
