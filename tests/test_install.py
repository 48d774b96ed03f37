#!/usr/bin/env python3
"""appliance/proxmox/install.sh on a node of Proxmox VE that judges what its commands are called with: by default, by
variables, by questions, with nothing changed; an image that is not what the sums say; what it refuses. Speaks TAP."""
import hashlib
import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(TESTS, "parts"), os.path.join(TESTS, "fake")]
from box import TOP, Tap
from debian import with_module
with_module("jsonschema")
from pve_shell import Node
from machine import own_namespaces

SCRIPT = os.path.join(TOP, "appliance/proxmox/install.sh")
with open(os.path.join(TOP, "appliance/VERSION"), encoding="utf-8") as version_file:
    VERSION = version_file.read().strip()
NAME = f"debian-13-sett_{VERSION}_amd64.tar.zst"


class Case:
    """A node, and a folder with an image that only its sums know."""

    def __init__(self, top, name, **node):
        self.folder = os.path.join(top, name)
        self.share = os.path.join(self.folder, "share")
        os.makedirs(self.share)
        self.node = Node(self.folder, **node)
        self.write(NAME, b"an image\n")
        self.write("SHA256SUMS", f"{hashlib.sha256(b'an image' + bytes([10])).hexdigest()}  {NAME}\n".encode())

    def write(self, name, text):
        with open(os.path.join(self.share, name), "wb") as f:
            f.write(text)

    def run(self, *words, terminal=False, **env):
        """Exit code, all that it said."""
        env = dict(os.environ, PATH=self.node.bin + ":" + os.environ["PATH"], **({"SETT_IMAGE": os.path.join(self.share, NAME)} | env))
        argv = ["bash", SCRIPT, *words]
        if terminal:
            argv = ["script", "--quiet", "--return", "--command", " ".join(argv), "/dev/null"]
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def made(self):
        return next(iter(self.node.containers.values()), None)

    def there(self):
        return os.path.exists(os.path.join(self.node.images, NAME))


def by_default(tap, top):
    case = Case(top, "default")
    code, out = case.run("--default", "--dry-run")
    tap.ok(code == 0 and "pct create 100 local:vztmpl/" in out and "nesting=1" in out and not case.node.changed() and not case.there(),
           "a dry run shows the commands and changes nothing", (code, out, case.node.changed()))
    code, out = case.run()
    box = case.made()
    tap.ok(code == 0 and box and case.there(), "without questions: fetched, verified, made and started", (code, out, case.node.breaches))
    tap.equal({k: box[k] for k in ("hostname", "unprivileged", "features", "cores", "memory", "rootfs", "net0", "onboot", "tags", "state", "ostype")},
              {"hostname": "sett", "unprivileged": 1, "features": "nesting=1", "cores": 2, "memory": 1024, "rootfs": "local-lvm:8",
               "net0": "name=eth0,bridge=vmbr0,ip=dhcp", "onboot": 1, "tags": "sett", "state": "running", "ostype": "debian"}, "as it should be")
    tap.ok("https://192.0.2.77/admin" in out and "abcd-efgh-2345-6789" in out and "pct destroy 100 --purge" in out,
           "the end says address, first password, and how to be rid of it", out)
    code, out = case.run()
    tap.ok(code == 0 and "is there already" in out and sorted(case.node.containers) == [100, 101], "the next one takes the image that is there", out)


def by_wish(tap, top):
    case = Case(top, "wish")
    keys, answers = os.path.join(case.folder, "keys"), os.path.join(case.folder, "preseed")
    for path, text in ((keys, "ssh-ed25519 AAAA me\n"), (answers, "[box]\nmode = new\n")):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    code, out = case.run("--default", var_ctid="150", var_hostname="shop", var_cpu="4", var_ram="2048", var_disk="20", var_net="192.0.2.9/24", var_gateway="192.0.2.1",
                         var_ipv6="auto", var_vlan="30", var_brg="vmbr1", var_docker="1", var_tags="sett;shop", var_ssh_key=keys, var_preseed=answers,
                         var_timezone="Europe/Berlin", var_ns="192.0.2.53", var_onboot="0", var_mac="BC:24:11:00:00:01")
    box = case.node.containers.get(150)
    tap.ok(code == 0 and box and box["net0"] == "name=eth0,bridge=vmbr1,ip=192.0.2.9/24,gw=192.0.2.1,ip6=auto,tag=30,hwaddr=BC:24:11:00:00:01"
           and box["features"] == "nesting=1,keyctl=1" and (box["cores"], box["memory"], box["size"], box["onboot"]) == (4, 2048, 20, 0)
           and box["ssh-public-keys"] == keys and box["nameserver"] == "192.0.2.53", "by variables", (code, out, box, case.node.breaches))
    with open("/var/lib/lxc/150/rootfs/etc/sett/preseed.conf", encoding="utf-8") as f:
        st = os.fstat(f.fileno())
        tap.ok(f.read() == "[box]\nmode = new\n" and (st.st_uid, st.st_gid, st.st_mode & 0o777) == (100000, 100000, 0o600),
               "answers for the first boot lie in it before it is started, as its root's own", st)
    tap.equal([w[1] for w in case.node.changed()], ["create", "mount", "unmount", "start"], "in this order")
    case.node.answers = {"sett": "advanced", "Host name": "asked", "Docker": "1", "Disk": "12"}
    code, out = case.run(terminal=True)
    box = case.node.containers.get(100)
    tap.ok(code == 0 and box and box["hostname"] == "asked" and box["rootfs"] == "local-lvm:12" and "keyctl=1" in box["features"] and len(case.node.asked) > 15,
           "by questions", (code, out, case.node.asked))
    case.node.answers = {}
    code, out = case.run(terminal=True)
    tap.ok(code != 0 and "nothing was done" in out and len(case.node.containers) == 2, "who cancels has nothing done", (code, out))


def refusals(tap, top):
    for name, env, said, node in (
            ("old", {}, "too old", {"version": "8.3.5"}), ("bridge", {"var_brg": "vmbr7"}, "no bridge vmbr7", {}), ("number", {"var_ram": "lots"}, "var_ram", {}),
            ("room", {"var_disk": "400"}, "has 400 GiB", {}), ("inactive", {"var_container_storage": "nas"}, "storage nas", {}),
            ("nowhere", {"SETT_IMAGE": "", "SETT_URL": ""}, "where is the image", {}), ("plain", {"SETT_IMAGE": "", "SETT_URL": "http://example.org"}, "https", {}),
            ("address", {"var_net": "192.0.2.1"}, "var_net", {}), ("key", {"var_ssh_key": "/nowhere"}, "var_ssh_key", {})):
        case = Case(top, f"refused-{name}", **node)
        code, out = case.run("--default", **env)
        tap.ok(code != 0 and said in out and not case.node.changed() and not case.there(), f"refused before anything is done: {name}", (code, out))
    case = Case(top, "sums")
    case.write(NAME, b"another image\n")
    code, out = case.run("--default")
    tap.ok(code != 0 and "thrown away" in out and not case.there() and not case.node.changed(), "an image that is not what the sums say is thrown away", (code, out))
    case.write("SHA256SUMS", b"")
    code, out = case.run("--default")
    tap.ok(code != 0 and "does not name" in out and not case.there(), "nor is one taken that they do not name", (code, out))


def signed(tap, top):
    case, home = Case(top, "signed"), os.path.join(top, "keys")
    os.makedirs(home, mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key", "releases <releases@example.org>", "ed25519", "sign"], check=True, capture_output=True)
    ring = os.path.join(top, "ring.gpg")
    subprocess.run([*gpg, "--output", ring, "--export", "releases@example.org"], check=True)
    sums = os.path.join(case.share, "SHA256SUMS")
    subprocess.run([*gpg, "--armor", "--detach-sign", sums], check=True)
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    code, out = case.run("--default", SETT_KEYRING=ring)
    tap.ok(code == 0 and case.made(), "sums signed by a key of the keyring are believed", (code, out))
    other = Case(top, "forged")
    shutil.copy(sums + ".asc", other.share)
    other.write("SHA256SUMS", b"0" * 64 + b"  " + NAME.encode() + b"\n")
    code, out = other.run("--default", SETT_KEYRING=ring)
    tap.ok(code != 0 and "not signed" in out and not other.made(), "others are not", (code, out))


def from_afar(tap, top):
    """Over TLS alone, from a server that somebody vouches for."""
    case = Case(top, "afar")
    key, cert = os.path.join(top, "key.pem"), os.path.join(top, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=case.share)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://localhost:{server.server_address[1]}"
    code, out = case.run("--default", SETT_IMAGE="", SETT_URL=url)
    tap.ok(code != 0 and not case.made(), "a server that nobody vouches for is not believed", (code, out))
    code, out = case.run("--default", SETT_IMAGE="", SETT_URL=url + "/", CURL_CA_BUNDLE=cert)
    tap.ok(code == 0 and case.made(), "from a server, over TLS", (code, out))
    server.shutdown()


def main():
    own_namespaces()
    os.makedirs("/var/lib/lxc", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/lxc"], check=True)  # in this mount namespace alone
    tap = Tap()
    top = tempfile.mkdtemp(prefix="sett-install-")
    try:
        with open(SCRIPT, encoding="utf-8") as f:
            tap.equal(re.search(r"^VERSION=(.*)$", f.read(), re.M)[1], VERSION, "the script is of this version")
        for name, part in (("default", by_default), ("wish", by_wish), ("refusals", refusals), ("signed", signed), ("from afar", from_afar)):
            with tap.part(name):
                part(tap, top)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
