#!/usr/bin/env python3
"""What the web admin says and weighs: the three languages hold the same texts, what is vendored is what the lock
says, all of it together is small. Speaks TAP."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP

bad = subprocess.run(["node", os.path.join(TOP, "tests", "browser", "texts.mjs"), json.dumps({"top": TOP})]).returncode
bad += subprocess.run([sys.executable, os.path.join(TOP, "tests", "vendor.py")]).returncode
sys.exit(bad != 0)
