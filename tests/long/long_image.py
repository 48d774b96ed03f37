#!/usr/bin/env python3
"""The image of Debian 13 as `make image` makes it: package built in a clean root, cloudflared given, the same file when made
again; and all that test_image.py proves of a box, with addresses by DHCP. Needs root and the network. Speaks TAP."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "parts"), os.path.join(TESTS, "fake")]
from debian import with_module
with_module("jsonschema")
from box import TOP, Tap
from machine import outside, own_namespaces, put
from test_image import prove

CONTROL = """Package: cloudflared
Version: 2026.8.2
Architecture: amd64
Maintainer: nobody <nobody@example.org>
Description: a connector that only says its version
"""


def connector(top):
    """A package as the vendor's: one program."""
    root, path = os.path.join(top, "cloudflared"), os.path.join(top, "cloudflared.deb")
    put(os.path.join(root, "DEBIAN/control"), CONTROL)
    put(os.path.join(root, "usr/bin/cloudflared"), "#!/bin/sh\necho 'cloudflared version 2026.8.2 (built 2026-08-20)'\n", 0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=subprocess.DEVNULL)
    return path


def sums(folder):
    with open(os.path.join(folder, "SHA256SUMS"), encoding="utf-8") as f:
        return f.read()


def main():
    own_namespaces()
    tap, top = Tap(), tempfile.mkdtemp(prefix="sett-image-")
    os.chmod(top, 0o755)
    env = dict(os.environ, CLOUDFLARED_DEB=connector(top), SETT_ZSTD=os.environ.get("SETT_ZSTD", "-3"))
    try:
        made = subprocess.run([*outside(), "make", "-s", "image", "SUITE=trixie", "SETT_URL=https://example.org/sett"], cwd=TOP, env=env,
                              capture_output=True, text=True, check=False)
        image, package = (glob.glob(os.path.join(TOP, p)) for p in ("build/image/debian-13-sett_*.tar.zst", "build/deb/trixie/sett_*_amd64.deb"))
        tap.ok(made.returncode == 0 and len(image) == 1 and len(package) == 1, "make image SUITE=trixie", made.stdout + made.stderr)
        with open(os.path.join(TOP, "build/image/install.sh"), encoding="utf-8") as f:
            tap.ok("https://example.org/sett" in f.read(), "install.sh beside it knows where it will lie")
        again = os.path.join(top, "again")
        subprocess.run([*outside(), os.path.join(TOP, "appliance/image/image.sh"), "trixie", package[0], again], cwd=TOP, env=env, check=True)
        tap.equal(sums(again), sums(os.path.join(TOP, "build/image")), "made again, it is the same file")
        shutil.rmtree(again)
        prove(tap, image[0], package[0], dhcp=True, connector="2026.8.2")
    finally:
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
