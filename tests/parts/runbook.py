"""A runbook as a test reads it: its sections, and the command blocks of each, which are executed as they stand."""
import os
import re
import subprocess

from box import TOP

FOLDER = os.path.join(TOP, "appliance", "runbooks")
SECTIONS = ("Symptom", "Check", "Fix", "Verify", "Prevent")


class Runbook:
    """name: "webhook-down". blocks: section -> its ```sh blocks, in their order."""

    def __init__(self, name):
        self.name = name
        with open(os.path.join(FOLDER, name + ".md"), encoding="utf-8") as f:
            self.text = f.read()
        parts = re.split(r"^## (.+)\n", self.text, flags=re.M)
        self.sections = parts[1::2]
        self.blocks = {title: [re.sub(r"(?m)^ +", "", b) for b in re.findall(r"```sh\n(.*?)```", body, re.S)] for title, body in zip(parts[1::2], parts[2::2])}

    def run(self, tap, box, section, number=None, timeout=180, **env):
        """The blocks of a section, or one of them (from 1), in a shell that ends with the first command that fails. What they said."""
        said = ""
        for i, block in enumerate(self.blocks[section], 1):
            if number not in (None, i):
                continue
            done = subprocess.run(["sh", "-euc", block], env=dict(box.env, PATH=f"{box.build}:{os.environ['PATH']}", SETT_ROOT=box.root, **env),
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
            tap.ok(done.returncode == 0, f"{self.name}, {section}, block {i}", block + done.stdout + done.stderr)
            said += done.stdout + done.stderr
        return said

    def names(self):
        """The variables that its blocks want."""
        return {n for blocks in self.blocks.values() for b in blocks for n in re.findall(r"\$\{?([A-Z_]+)", b)}
