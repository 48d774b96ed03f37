#!/usr/bin/env python3
"""The suite of the web servers (tests/test_web_servers.py) with those of both of Debian's releases, each in a root of its
own. Speaks TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVERS = "nginx-light,apache2,lighttpd,lighttpd-mod-openssl,lighttpd-mod-deflate,caddy"

folder = tempfile.mkdtemp(prefix="sett-servers-")
bad = 0
try:
    for n, suite in enumerate(("bookworm", "trixie"), 1):
        root = os.path.join(folder, suite)
        subprocess.run(["mmdebstrap", "--variant=minbase", "--quiet", f"--include={SERVERS}", suite, root, "http://deb.debian.org/debian"], check=True)
        with open(os.path.join(root, "etc", "hosts"), "w", encoding="utf-8") as f:
            f.write("127.0.0.1 localhost\n")
        # The box is made below /tmp; what ships lies here. Both are seen from in there.
        script = (f"mount --bind /tmp {root}/tmp && mkdir -p {root}{TOP} && mount --bind {TOP} {root}{TOP} && "
                  f"ip link set lo up && exec {sys.executable} {TOP}/tests/test_web_servers.py")
        done = subprocess.run(["unshare", "-mn", "sh", "-c", script], env=dict(os.environ, SERVERS_FROM=root), capture_output=True, text=True)
        bad += done.returncode != 0
        print(f"{'ok' if done.returncode == 0 else 'not ok'} {n} - the web servers of {suite}")
        print("".join("# " + line + "\n" for line in done.stdout.splitlines() + done.stderr.splitlines() if done.returncode and not line.startswith("ok ")), end="", flush=True)
finally:
    shutil.rmtree(folder, ignore_errors=True)
print("1..2")
sys.exit(1 if bad else 0)
