#!/usr/bin/env python3
"""The runbooks for the nights: each has what a person looks for at such an hour, and its command blocks are executed on a
box to which that has happened (tests/runbooks/NAME.py: scenario(tap, book)). Speaks TAP."""
import importlib.util
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "parts")]
from box import TOP, Tap
from runbook import FOLDER, SECTIONS, Runbook

ELSEWHERE = {"box-lost": "test_restore.py", "box-move": "test_box_move.py"}


def load(name):
    path = os.path.join(HERE, "runbooks", name.replace("-", "_") + ".py")
    if not os.path.exists(path):
        return None
    spec = importlib.util.spec_from_file_location("runbook_" + name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.scenario


def links(book):
    """Files that it points to, and that are not there."""
    return [to for to in re.findall(r"\]\(([^)#:]+)\)", book.text) if not os.path.exists(os.path.join(FOLDER, to))]


def main():
    tap = Tap()
    wanted = sys.argv[1:]
    for name in sorted(n[:-3] for n in os.listdir(FOLDER) if n.endswith(".md")):
        book = Runbook(name)
        if wanted and name not in wanted:
            continue
        tap.equal(links(book), [], f"{name}: its links lead somewhere")
        if name in ELSEWHERE:
            with open(os.path.join(TOP, "tests", ELSEWHERE[name]), encoding="utf-8") as f:
                tap.ok(name in f.read(), f"{name}: {ELSEWHERE[name]} executes it")
            continue
        tap.equal(tuple(book.sections[:5]), SECTIONS, f"{name}: symptom, check, fix, verify, prevent")
        scenario = load(name)
        if scenario is None:
            tap.ok(False, f"{name}: somebody executes it", "tests/runbooks/ has no scenario")
            continue
        with tap.part(name):
            scenario(tap, book)
    tap.done()


if __name__ == "__main__":
    main()
