#!/usr/bin/env python3
"""testssl.sh on the four web servers, each with the configuration that sett writes for it and a certificate of the box's own:
nothing vulnerable and no finding, but what such a certificate must give. Speaks TAP."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parts"))
from box import Box, TOP, Tap
from servers import NAME, Reply, Server

# Nobody vouches for it and nobody could revoke it; there is no DNS here; what testssl lacks itself, or
# cannot ask where no ticket is given; and pages that are the
# same for everybody are compressed, in which BREACH finds no secret: nothing else is, see below.
EXPECTED = {"cert_chain_of_trust", "cert_revocation", "DNS_CAArecord", "engine_problem", "BREACH", "sessionresumption_ticket"}
# Caddy changes the key of its tickets twice a day and cannot be told to give none.
OF_KIND = {"caddy": {"TLS_session_ticket"}}
FINE = {"OK", "INFO", "DEBUG"}


def testssl(server):
    path = os.path.join(server.folder, "testssl.json")
    done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--jsonfile", path, f"{NAME}:{server.https}"],
                          capture_output=True, text=True, check=False, timeout=600)
    with open(path, encoding="utf-8") as f:
        return json.load(f), done.stdout + done.stderr


def main():
    tap = Tap()
    os.umask(0o022)  # Apache's processes are not root's
    box = Box(conf=f"\n[box]\nurl = https://{NAME}\n")
    try:
        box.sett("certificate", "self-signed")
        box.start_all()
        for place in ("run", "run/sett"):
            os.chmod(os.path.join(box.root, place), 0o755)
        for kind in ("nginx", "apache2", "lighttpd", "caddy"):
            with tap.part(kind):
                server = Server(box, kind, os.path.join(TOP, "web"))
                api = Reply(server.raw(f"GET /api/openapi.json HTTP/1.1\r\nHost: {NAME}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: close\r\n\r\n".encode()))
                tap.ok(api.status == 200 and not api.get("content-encoding"), f"{kind}: what the API says is not compressed", (api.status, api.headers))
                found, text = testssl(server)
                server.close()
                bad = [f"{f['severity']} {f['id']}: {f['finding']}" for f in found if f["severity"] not in FINE and f["id"] not in EXPECTED | OF_KIND.get(kind, set())]
                spoken = {f["id"]: f["finding"] for f in found if f["id"] in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3")}
                tap.ok(len(found) > 80 and not bad, f"{kind}: {len(found)} findings of testssl, none of them bad", "\n".join(bad) or text[-2000:])
                tap.ok(all("not offered" in spoken[v] for v in ("SSLv2", "SSLv3", "TLS1", "TLS1_1")) and all(spoken[v].startswith("offered") for v in ("TLS1_2", "TLS1_3")), f"{kind}: TLS 1.2 and 1.3", spoken)
                tap.ok(any(f["id"] == "HSTS_time" and f["severity"] == "OK" for f in found) and any(f["id"] in ("FS", "PFS") and f["severity"] == "OK" for f in found), f"{kind}: forward secrecy and HSTS",
                       [f for f in found if f["id"].startswith(("HSTS", "FS", "PFS"))])
    finally:
        box.close()
    tap.done()


if __name__ == "__main__":
    main()
