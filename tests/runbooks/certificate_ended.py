"""A certificate that somebody put in place by hand, and that has ended."""
import os
import subprocess
import tempfile

from box import Box, wait_for
from servers import NAME, Server, certificate, stage


def scenario(tap, book):
    with tempfile.TemporaryDirectory(prefix="sett-ended-") as top:
        box, server = Box(conf=f"\n[box]\nurl = https://{NAME}\n"), None
        os.chmod(top, 0o755)
        folder = os.path.join(box.root, "etc/sett/tls")

        def shown():
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            return done.stdout[done.stdout.find("-----BEGIN"):done.stdout.find("-----END")]

        def in_place():
            with open(folder + "/cert.pem", encoding="ascii") as f:
                text = f.read()
            return text[text.find("-----BEGIN"):text.find("-----END")]

        def served():
            """By all of nginx: for a moment its old workers accept connections, too."""
            return all(shown() == in_place() for _ in range(20))
        try:
            certificate(folder, [NAME])
            subprocess.run(["openssl", "x509", "-in", "cert.pem", "-signkey", "key.pem", "-days", "-1", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
            server = Server(box, "nginx", stage(os.path.join(top, "web")))
            with open(os.path.join(box.root, "etc/sett/sett.conf"), "a", encoding="utf-8") as f:
                f.write(f"\n[web]\ntest = /usr/sbin/nginx -t -q -p {server.folder} -c {server.folder}/main.conf\nreload = /usr/sbin/nginx -s reload -p {server.folder} -c {server.folder}/main.conf\n")
            where = {"HOST": f"127.0.0.1:{server.https}"}
            said = book.run(tap, box, "Check", **where)
            tap.ok("broken" in said and "the certificate ended on" in said and "imported" in said, "the check says what has ended", said)
            certificate(os.path.join(top, "new"), [NAME])
            book.run(tap, box, "Fix", CERTIFICATE=os.path.join(top, "new/cert.pem"), KEY=os.path.join(top, "new/key.pem"), number=1)
            wait_for(served, "nginx shows the new one")
            book.run(tap, box, "Verify", **where)
            book.run(tap, box, "Fix", number=2)
            wait_for(served, "nginx shows one of the box's own")
            said = book.run(tap, box, "Verify", **where)
            tap.ok("self-signed" in said, "at an hour when nothing else can be had", said)
        finally:
            if server:
                server.close()
            box.close()
