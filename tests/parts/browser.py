"""The web admin in front of a test's box: nginx with the snippet that ships, the real pages, Chromium. A test
is a Node program under tests/browser that speaks TAP; it is given the facts of the box as JSON."""
import json
import os
import signal
import subprocess
import sys

from box import TOP, Box, wait_for
from web import Nginx

WEB = os.path.join(TOP, "web")


class Site:
    """A box with its three programs and its pages. `box`: one that was made before; else the arguments are the box's. It
    counts as set up unless it is `new`: a new one leads its admin to the setup."""

    def __init__(self, programs=Box.PROGRAMS, box=None, new=False, **more):
        self.box = box or Box(**more)
        if not new:
            self.box.sett("box", "finish")
        self.nginx = Nginx(self.box, web=WEB)
        for name in programs:
            self.box.start(name)
        wait_for(self.box.alive, "the box answers")
        self.password = self.box.password()
        self.base = f"http://localhost:{self.box.port}"

    def run(self, script, seconds=120, **facts):
        """tests/browser/SCRIPT.mjs; its TAP goes to our standard output. Return its exit code."""
        given = {"base": self.base, "password": self.password, "root": self.box.root, "top": TOP, **facts}
        done = subprocess.run(["node", os.path.join(TOP, "tests", "browser", script + ".mjs"), json.dumps(given)],
                              stdout=sys.stdout, timeout=seconds)
        return done.returncode

    def start(self, script, **facts):
        """The same, going on beside us: a process whose standard input and output are pipes of lines."""
        given = {"base": self.base, "password": self.password, "root": self.box.root, "top": TOP, **facts}
        return subprocess.Popen(["node", os.path.join(TOP, "tests", "browser", script + ".mjs"), json.dumps(given)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.nginx.close()
        self.box.close()


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(10)
