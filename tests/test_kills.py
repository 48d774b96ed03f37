#!/usr/bin/env python3
"""A sample of tests/long/long_snapshot_kill.py: workers and restores killed at a few random moments. Speaks TAP."""
import os
import runpy

os.environ.setdefault("KILLS", "14")
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "long", "long_snapshot_kill.py"), run_name="__main__")
