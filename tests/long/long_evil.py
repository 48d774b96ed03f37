#!/usr/bin/env python3
"""tests/test_evil.py with ten million requests (EVIL_COUNT), most of them cut off, and some hundred thousand that are requests by
their shape. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import test_evil

if __name__ == "__main__":
    test_evil.main(count=int(os.environ.get("EVIL_COUNT", "10000000")) // 10, seed=int(os.environ.get("EVIL_SEED", "7")), shaped=100, whole=True)
