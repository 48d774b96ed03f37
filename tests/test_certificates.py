#!/usr/bin/env python3
"""The certificate of a box: its own, imported, and Let's Encrypt's by Debian's certbot from Debian's pebble, proven over
HTTP through nginx and by DNS at the fake Cloudflare, renewed and deployed; what is wrong with a pair is said. Speaks TAP."""
import contextlib
import glob
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import Box, Tap, World, free_port, wait_for
from servers import Server, stage

HOST = "box.sett.test"
def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


class Files:
    """What an authority and its customers leave lying about."""

    def __init__(self, folder):
        self.folder = folder
        self.authority("root", None)
        self.authority("middle", "root")
        self.leaf("good", f"DNS:{HOST},DNS:*.sett.test")
        self.leaf("other", "DNS:elsewhere.example")
        self.leaf("early", f"DNS:{HOST}", days=("20400101000000Z", "20410101000000Z"))
        self.leaf("late", f"DNS:{HOST}", days=("20200101000000Z", "20210101000000Z"))
        self.leaf("nameless", None)
        self.leaf("weak", f"DNS:{HOST}", key=("RSA", "rsa_keygen_bits:1024"))
        self.leaf("rsa", f"DNS:{HOST}", key=("RSA", "rsa_keygen_bits:2048"))
        self.join("chain", "good.pem", "middle.pem")
        self.join("wrong-order", "middle.pem", "good.pem")
        self.join("gap", "good.pem", "root.pem")
        self.join("both", "good.key", "good.pem", "middle.pem")
        openssl("pkey", "-in", "good.key", "-aes256", "-passout", "pass:x", "-out", "locked.key", folder=folder)
        openssl("ec", "-in", "good.key", "-aes256", "-passout", "pass:x", "-out", "locked-old.key", folder=folder)
        openssl("x509", "-in", "good.pem", "-outform", "der", "-out", "good.der", folder=folder)
        openssl("req", "-new", "-key", "good.key", "-subj", "/CN=x", "-out", "good.csr", folder=folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def join(self, name, *parts):
        with open(self.path(f"{name}.pem"), "w", encoding="ascii") as out:
            for part in parts:
                with open(self.path(part), encoding="ascii") as f:
                    out.write("A line that is no PEM\n" + f.read())

    def key(self, name, kind=("EC", "ec_paramgen_curve:P-256")):
        openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", f"{name}.key", folder=self.folder)

    def authority(self, name, issuer):
        self.key(name)
        os.makedirs(self.path("db"), exist_ok=True)
        self.sign(name, issuer, "basicConstraints=critical,CA:TRUE\n")

    def leaf(self, name, names, days=None, key=("EC", "ec_paramgen_curve:P-256")):
        self.key(name, key)
        self.sign(name, "middle", f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n", days)

    def sign(self, name, issuer, extensions, days=None):
        with open(self.path("ext"), "w", encoding="ascii") as f:
            f.write(extensions)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr", folder=self.folder)
        if days:  # only `openssl ca` takes dates
            with open(self.path("ca.cnf"), "w", encoding="ascii") as f:
                f.write("[ca]\ndefault_ca=c\n[c]\ndatabase=db/index\nnew_certs_dir=db\nrand_serial=yes\npolicy=p\ndefault_md=sha256\nunique_subject=no\n[p]\ncommonName=supplied\n")
            open(self.path("db/index"), "w", encoding="ascii").close()
            openssl("ca", "-batch", "-config", "ca.cnf", "-cert", f"{issuer}.pem", "-keyfile", f"{issuer}.key", "-in", f"{name}.csr", "-startdate", days[0],
                    "-enddate", days[1], "-extfile", "ext", "-notext", "-out", f"{name}.pem", folder=self.folder)
            return
        by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else ["-signkey", f"{name}.key"]
        openssl("x509", "-req", "-in", f"{name}.csr", *by, "-days", "90", "-extfile", "ext", "-out", f"{name}.pem", folder=self.folder)


class Front:
    """nginx as sett writes it, with the box's certificate; and how the box tests and reloads it."""

    def __init__(self, box, top):
        self.box, self.top, self.server, self.http, self.tls = box, top, None, free_port(), free_port()
        self.conf = os.path.join(box.root, "nginx/main.conf")
        self.test = f"/usr/sbin/nginx -t -q -p {box.root}/nginx -c {self.conf}"
        with open(os.path.join(box.root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
            f.write(f"\n[box]\nurl = https://{HOST}\ndomain = sett.test\n[web]\ntest = {self.test}\nreload = /usr/sbin/nginx -s reload -p {box.root}/nginx -c {self.conf}\n")

    def start(self):
        self.server = Server(self.box, "nginx", stage(os.path.join(self.top, "web")), ports=(self.http, self.tls))

    def shown(self, ca=None, name=HOST):
        """The certificate that is shown now: verified against ${ca}, or taken as it is. DER."""
        context = ssl.create_default_context(cafile=ca)
        if ca is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.tls), 10) as raw, context.wrap_socket(raw, server_hostname=name) as s:
            return s.getpeercert(True)

    def settle(self, path):
        """Until the certificate of this file is shown, and nothing else: old workers end when they like."""
        wait_for(lambda: all(self.shown() == der_of(path) for _ in range(4)), f"nginx shows {path}")

    def stop(self):
        if self.server:
            self.server.close()


def der_of(path):
    with open(path, encoding="ascii") as f:
        text = f.read()
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN"):text.index("-----END CERTIFICATE-----") + 25])


def doctor(box):
    return next(f for f in json.loads(box.sett("doctor", "--json", ok=False)[1])["checks"] if f["name"] == "certificate")


def handshake(server, *words):
    """What openssl says of a handshake with nginx."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.tls}", "-servername", HOST, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def settings(tap, server):
    """The TLS that is shipped for nginx; the other servers' and testssl's verdict are in tests/long/long_tls.py."""
    weak = ["-cipher", "ALL:@SECLEVEL=0"]
    old = {v: handshake(server, f"-{v}", *weak) for v in ("tls1", "tls1_1")}
    tap.ok(all("Cipher is (NONE)" in said for said in old.values()), "TLS 1.0 and 1.1 are refused", old)
    two, three = handshake(server, "-tls1_2"), handshake(server, "-tls1_3")
    tap.ok("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in two and "Cipher is TLS_AES" in three and "TLS session ticket:" not in two, "1.2 and 1.3 are spoken, with forward secrecy and no ticket", two + three)
    poor = {c: handshake(server, "-tls1_2", "-cipher", c + ":@SECLEVEL=0") for c in ("ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "3DES")}
    tap.ok(all("Cipher is (NONE)" in said or "no cipher match" in said for said in poor.values()), "nothing without authenticated encryption or without forward secrecy", poor)
    tap.ok("ChaCha20" in handshake(server, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256").replace("CHACHA20", "ChaCha20"), "who puts ChaCha20 first gets it")


def own(tap, box, server):
    folder = os.path.join(box.root, "etc/sett/tls")
    code, _, said = box.sett("certificate", "show", ok=False)
    tap.ok(code == 3 and "sett certificate self-signed" in said, "a box without a certificate says how to get one", (code, said))
    # nginx does not run yet and refuses its configuration for want of the files: the first certificate is made all the same.
    code, out, said = box.sett("certificate", "self-signed", ok=False)
    tap.ok(code == 0 and HOST in out and "*.sett.test" in out and "::1" in out, "a certificate of its own names host, tenants and addresses", (code, out, said))
    server.start()
    cert = os.path.join(folder, "cert.pem")
    tap.ok(server.shown(cert) == server.shown(cert, "any.sett.test") == server.shown(cert, "127.0.0.1") == der_of(cert),
           "a client that trusts it is content with it, for the box, a tenant and the address")
    modes = {name: stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in ("key.pem", "cert.pem", "now")}
    tap.ok(modes == {"key.pem": 0o600, "cert.pem": 0o644, "now": 0o755}, "the key is its owner's alone", modes)
    about = box.json("certificate", "show")
    tap.ok(about["kind"] == "self-signed" and about["self_signed"] and about["names_host"] and 820 < about["days"] <= 825 and about["key_state"] == "belongs to it",
           "show tells kind, names and days", about)
    tap.ok("Nothing to do" in box.sett("certificate", "renew") and box.sett("certificate", "self-signed", "--if-missing") == "", "nothing is made anew without need")
    box.sett("setting", "set", "box.url", "https://new.example.com")
    tap.ok("new.example.com" in box.sett("certificate", "renew") and box.json("certificate", "show")["names_host"], "another name of the box: another certificate")
    server.settle(cert)
    box.sett("setting", "set", "box.url", f"https://{HOST}")
    box.sett("certificate", "self-signed", "--days", "20")
    first = box.json("certificate", "show")
    box.sett("certificate", "self-signed", "--days", "5")
    soon = doctor(box)
    box.sett("certificate", "renew")
    server.settle(cert)
    tap.ok(first["days"] < 20 and box.json("certificate", "show")["days"] > 800, "one that ends soon is made anew by renew", first)
    good = doctor(box)
    os.chmod(folder + "/key.pem", 0o644)
    tap.ok(soon["finding"] == "warning" and "renew" in soon["fix"] and good["finding"] == "ok" and doctor(box)["finding"] == "broken",
           "the doctor sees what ends soon, and a key that others can read", (soon, good, doctor(box)))
    os.chmod(folder + "/key.pem", 0o600)
    code, _, said = box.sett("certificate", "self-signed", "--name", "a b", ok=False)
    tap.ok(code == 2 and "a b" in said, "what is no name is refused", (code, said))


BAD = [  # (certificate, key, what is said)
    ("chain.pem", "other.key", "is not the key of this certificate"),
    ("wrong-order.pem", "good.key", "was not issued by the one behind it"),
    ("gap.pem", "good.key", "was not issued by the one behind it"),
    ("late.pem", "late.key", "ended on 2021-01-01"),
    ("early.pem", "early.key", "begins only on 2040-01-01"),
    ("nameless.pem", "nameless.key", "names no host"),
    ("weak.pem", "weak.key", "too weak"),
    ("other.pem", "other.key", f"does not name {HOST}"),
    ("chain.pem", "locked.key", "passphrase"),
    ("chain.pem", "locked-old.key", "passphrase"),
    ("chain.pem", "chain.pem", "holds no private key"),
    ("chain.pem", None, "holds no private key"),
    ("good.key", "good.key", "It is the private key"),
    ("good.csr", "good.key", "It is a request"),
    ("good.der", "good.key", "It is binary"),
    ("absent.pem", "good.key", "does not exist"),
]


def imported(tap, box, server, files):
    folder = os.path.join(box.root, "etc/sett/tls")
    before = der_of(folder + "/cert.pem")
    wrong = []
    for cert, key, words in BAD:
        code, out, said = box.sett("certificate", "import", files.path(cert), *(["--key", files.path(key)] if key else []), ok=False)
        if code == 0 or words not in said or len(said.splitlines()) != (1 if cert == "absent.pem" else 2):
            wrong.append((cert, key, code, out, said))
    tap.ok(not wrong, f"{len(BAD)} bad pairs are refused, each with what is wrong and what to do", wrong)
    tap.ok(der_of(folder + "/cert.pem") == before == server.shown(), "and the old one stays")
    tap.ok("could be put" in box.sett("certificate", "import", files.path("chain.pem"), "--key", files.path("good.key"), "--dry-run")
           and der_of(folder + "/cert.pem") == before, "--dry-run only looks")
    with open(files.path("good.key"), encoding="ascii") as f:
        box.sett("certificate", "import", files.path("chain.pem"), "--key", "-", stdin=f.read())
    server.settle(files.path("good.pem"))
    tap.ok(server.shown(files.path("root.pem")) == server.shown(files.path("root.pem"), "a.sett.test"), "a chain is imported, its key from standard input, and shown whole")
    with open(folder + "/key.pem", encoding="ascii") as f, open(folder + "/cert.pem", encoding="ascii") as g:
        key, cert = f.read(), g.read()
    tap.ok("no PEM" not in key + cert and key.count("BEGIN") == 1 and cert.count("BEGIN") == 2, "what is no PEM stays out of the files", key.count("BEGIN"))
    with open(files.path("both.pem"), encoding="ascii") as f:
        tap.ok("already" in box.sett("certificate", "import", "-", stdin=f.read()), "one file may hold both")
    box.sett("certificate", "import", files.path("other.pem"), "--key", files.path("other.key"), "--any-name")
    tap.ok(not box.json("certificate", "show")["names_host"] and HOST in doctor(box)["what"], "one for another name is taken when that is said")
    # The server's own test has the last word.
    now = os.readlink(folder + "/now")
    test = os.path.join(server.top, "test.sh")
    with open(test, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\nopenssl x509 -in {folder}/cert.pem -noout -text | grep -q rsaEncryption || exit 0\necho no RSA here, thank you\nexit 1\n")
    os.chmod(test, 0o755)
    with open(os.path.join(box.root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[web]\ntest = {test}\n")
    code, _, said = box.sett("certificate", "import", files.path("rsa.pem"), "--key", files.path("rsa.key"), ok=False)
    tap.ok(code != 0 and "no RSA here" in said and "in place again" in said and os.readlink(folder + "/now") == now and len(glob.glob(folder + "/pair-*")) == 2,
           "what the web server's test refuses is taken back", (code, said, os.listdir(folder)))
    with open(os.path.join(box.root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[web]\ntest = {server.test}\n")
    # Files that somebody put there by hand.
    shutil.rmtree(folder)
    os.makedirs(folder)
    shutil.copy(files.path("chain.pem"), folder + "/cert.pem")
    shutil.copy(files.path("good.key"), folder + "/key.pem")
    tap.ok(box.json("certificate", "show")["kind"] == "imported", "files that were put there by hand are shown")
    box.sett("certificate", "self-signed")
    tap.ok(der_of(folder + "/before/cert.pem") == der_of(files.path("good.pem")) and os.path.islink(folder + "/cert.pem"), "and kept behind the next")


class Pebble:
    """Debian's pebble, which asks the world's name server, and comes to nginx for its challenges."""

    def __init__(self, top, world, http):
        self.folder = os.path.join(top, "pebble")
        os.makedirs(self.folder)
        self.port, self.management = free_port(), free_port()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "30", "-subj", "/CN=pebble",
                "-addext", "subjectAltName=IP:127.0.0.1", folder=self.folder)
        with open(os.path.join(self.folder, "conf.json"), "w", encoding="utf-8") as f:
            json.dump({"pebble": {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}", "certificate": self.folder + "/ca.pem",
                                  "privateKey": self.folder + "/key.pem", "httpPort": http, "tlsPort": 1, "ocspResponderURL": "", "externalAccountBindingRequired": False}}, f)
        # All who are in this test are trusted by one file: pebble's own door and the fake Cloudflare's.
        self.trust = os.path.join(self.folder, "trust.pem")
        with open(self.trust, "w", encoding="ascii") as out:
            for path in (self.folder + "/ca.pem", world.ca):
                with open(path, encoding="ascii") as f:
                    out.write(f.read())
        with open(self.folder + "/log", "wb") as log:
            self.process = subprocess.Popen(["pebble", "-config", self.folder + "/conf.json", "-dnsserver", world.facts["dns"]], stdout=log, stderr=log,
                                            env=dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="5"))
        self.url = f"https://127.0.0.1:{self.port}/dir"
        wait_for(lambda: self.root() is not None, "pebble answers", 20)

    def root(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"https://127.0.0.1:{self.management}/roots/0", timeout=5, context=ssl.create_default_context(cafile=self.folder + "/ca.pem")) as r:
                path = self.folder + "/root.pem"
                with open(path, "wb") as f:
                    f.write(r.read())
                return path
        return None

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def over_http(tap, box, server, pebble, world):
    folder, live = os.path.join(box.root, "etc/sett/tls"), os.path.join(box.root, "etc/letsencrypt/live/sett")
    code, _, said = box.sett("certificate", "letsencrypt", ok=False)
    tap.ok(code == 2 and "--agree-tos" in said, "the authority's terms are agreed to by a person", said)
    code, _, said = box.sett("certificate", "letsencrypt", "--agree-tos", ok=False)
    tap.ok(code == 2 and HOST in said and "box.url" in said, "a name that nobody out there knows is not even asked for", said)
    code, _, said = box.sett("certificate", "letsencrypt", "--agree-tos", "--server", pebble.url, ok=False)
    tap.ok(code != 0 and "certbot fetched nothing" in said and "letsencrypt.log" in said and box.json("certificate", "show")["kind"] == "self-signed",
           "a name that does not lead here: certbot's reason, and the old certificate", said)
    world.call("dns", [f"set {HOST} A 127.0.0.1"])
    out = box.sett("certificate", "letsencrypt", "--agree-tos", "--server", pebble.url, "--email", "admin@sett.test")
    server.settle(live + "/cert.pem")
    about = box.json("certificate", "show")
    tap.ok(server.shown(pebble.root()) and about["kind"] == "letsencrypt" and about["names"] == HOST and about["lineage"] == live and "--dns cloudflare" in out,
           "certbot proves the name through nginx over HTTP; what it fetched is shown, and trusted", (about, out))
    tap.ok(not glob.glob(box.root + "/var/lib/sett/acme/.well-known/*/*") and stat.S_IMODE(os.stat(folder + "/now/key.pem").st_mode) == 0o600, "no challenge is left behind; the key is private")
    # certbot's own timer renews; its hook deploys.
    first = server.shown()
    certbot = ["certbot", "renew", "--quiet", "--no-random-sleep-on-renew", *(w for n, d in (("config", "etc"), ("work", "var/lib"), ("logs", "var/log")) for w in (f"--{n}-dir", f"{box.root}/{d}/letsencrypt"))]
    subprocess.run(certbot, check=True, env=box.env, capture_output=True)
    tap.ok(server.shown() == first, "what is not due is not renewed")
    done = subprocess.run([*certbot, "--force-renewal"], check=False, env=box.env, capture_output=True, text=True)
    server.settle(live + "/cert.pem")
    tap.ok(done.returncode == 0 and server.shown(pebble.root()) == der_of(live + "/cert.pem") and der_of(folder + "/before/cert.pem") == first, "certbot renews by itself, and its hook puts it in place", done.stderr)
    second = server.shown()
    box.sett("certificate", "renew", "--force")
    server.settle(live + "/cert.pem")
    tap.ok(server.shown() != second, "sett certificate renew --force has certbot do it now")
    # A renewal whose hook did not run is made good by the daily timer.
    third = server.shown()
    subprocess.run([*certbot, "--force-renewal", "--no-directory-hooks"], check=True, env=box.env, capture_output=True)
    tap.ok(server.shown() == third != der_of(live + "/cert.pem"), "a renewal without its hook is not shown yet")
    box.sett("certificate", "renew")
    server.settle(live + "/cert.pem")
    tap.ok(True, "the timer's renew brings it in place")
    hook = os.path.join(box.root, "etc/letsencrypt/renewal-hooks/deploy/sett")
    os.rename(hook, server.top + "/hook")
    tap.ok(doctor(box)["finding"] == "warning" and "put it in place" in doctor(box)["what"], "the doctor misses the hook", doctor(box))
    os.rename(server.top + "/hook", hook)
    # Another certificate of the same machine is none of ours.
    done = subprocess.run([hook], env=dict(box.env, RENEWED_LINEAGE="/etc/letsencrypt/live/another"), check=False, capture_output=True, text=True)
    tap.ok(done.returncode == 0 and done.stdout == "", "the hook leaves others' renewals alone", done)


def by_dns(tap, box, server, pebble, world):
    live = os.path.join(box.root, "etc/letsencrypt/live/sett")
    stop, seen = threading.Event(), set()

    def publish():  # what stands in the zone is what the name server says
        while not stop.is_set():
            texts = {}
            for r in world.call("state")["records"]:
                if r["type"] == "TXT":
                    texts.setdefault(r["name"], []).append(r["content"].strip('"'))
            for name, values in texts.items():
                seen.add(name)
                world.call("dns", ["set " + " ".join([name, "TXT", *values])])
            time.sleep(0.1)
    code, _, said = box.sett("certificate", "letsencrypt", "--agree-tos", "--dns", "cloudflare", "--server", pebble.url, ok=False)
    tap.ok(code == 3 and "--token-file" in said, "without a token: how to give one", (code, said))
    box.secret("cloudflare.token", world.facts["cf_token"])
    thread = threading.Thread(target=publish)
    thread.start()
    try:
        box.sett("certificate", "letsencrypt", "--agree-tos", "--dns", "cloudflare", "--propagation", "2", "--server", pebble.url)
    finally:
        stop.set()
        thread.join()
    server.settle(live + "/cert.pem")
    about = box.json("certificate", "show")
    tap.ok(seen and server.shown(pebble.root(), "tenant.sett.test") and set(about["names"].split(", ")) == {HOST, "*.sett.test"}, "proven by the box's own Cloudflare token it names the tenants, too", about)
    ini = os.path.join(box.root, "etc/sett/tls/cloudflare.ini")
    left = [r for r in world.call("state")["records"] if r["type"] == "TXT"]
    tap.ok(stat.S_IMODE(os.stat(ini).st_mode) == 0o600 and not left, "the token's file is private, and no record is left", left)
    with open(os.path.join(box.root, "etc/letsencrypt/renewal/sett.conf"), encoding="utf-8") as f:
        tap.ok(ini in f.read(), "a renewal finds the token where it is")


def main():
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-tls-")
    world = World(os.path.join(top, "world"))
    trust = os.path.join(top, "pebble/trust.pem")
    box = Box(env={"REQUESTS_CA_BUNDLE": trust, "CLOUDFLARE_API_URL": world.url + "/client/v4", "HOME": top})
    server = Front(box, top)
    pebble = None
    try:
        own(tap, box, server)
        settings(tap, server)
        os.makedirs(os.path.join(top, "files"))
        imported(tap, box, server, Files(os.path.join(top, "files")))
        pebble = Pebble(top, world, server.http)
        over_http(tap, box, server, pebble, world)
        by_dns(tap, box, server, pebble, world)
    finally:
        server.stop()
        if pebble:
            pebble.close()
        box.close()
        world.close()
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
