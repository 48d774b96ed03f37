"""Debian's own Python, for what only its packages bring."""
import os
import sys

PYTHON = "/usr/bin/python3"


def with_module(name):
    """Go on as Debian's Python where the present one has no such module."""
    try:
        __import__(name)
    except ImportError:
        if os.path.realpath(sys.executable) == os.path.realpath(PYTHON):
            raise
        os.execv(PYTHON, [PYTHON, *sys.argv])
