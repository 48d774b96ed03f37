#!/usr/bin/env python3
"""All places of the crash matrix of databases in a restore (tests/test_crash_database.py has each kind once). Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import test_crash_database

if __name__ == "__main__":
    test_crash_database.main(everything=True)
