#!/usr/bin/env python3
"""Run test programs and count what they say.

usage: run.py [--jobs N] [--apart] [--again] [--timeout S] PROGRAM...

--apart: each program in a network namespace of its own, with loopback alone, so that several at once never
want the same port. That needs root; without, they run one after the other.
--again: what fails runs once more at the end, by itself; it is named in any case, and its first output is shown. A
program that a sanitizer or a signal ended gets no second run.

A program speaks TAP ("ok 1 - name", "not ok 2 - name") or is a Python unittest; cmocka programs are
told to speak TAP. One that ends badly without naming a failure counts as a failure itself. The last
line is "N passed, N failed". Output of programs with a failure is shown whole.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

OK = re.compile(r"^\s*ok \d+", re.M)
NOT_OK = re.compile(r"^\s*not ok \d+.*", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_BAD = re.compile(r"^FAILED \((.*)\)", re.M)


NEVER_AGAIN = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: ")


def count(text, code):
    passed, failed = len(OK.findall(text)), len(NOT_OK.findall(text))
    ran = UNITTEST.search(text)
    if ran:
        bad = UNITTEST_BAD.search(text)
        wrong = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", bad.group(1))) if bad else 0
        failed += wrong
        passed += int(ran.group(1)) - wrong
    if code != 0 and failed == 0:
        failed = 1
    if passed + failed == 0:
        failed = 1  # a program that ran no test proves nothing
    return passed, failed


APART = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def can_part():
    """Whether network namespaces can be made here."""
    return os.geteuid() == 0 and subprocess.run([*APART, "true"], capture_output=True, check=False).returncode == 0


def run(program, timeout, apart):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    argv = [sys.executable, program] if program.endswith(".py") else [os.path.abspath(program)]
    if program.endswith(".sh"):
        argv = ["bash", program]
    if apart:
        argv = APART + argv
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=env, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=timeout)
        text = out.decode("utf-8", "replace")
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            out, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        text = out.decode("utf-8", "replace") + f"\nnot ok 1 - no end after {timeout} s\n"
        code = 1
    return program, text, code, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--apart", action="store_true", help="in network namespaces of their own; one at a time where that cannot be")
    parser.add_argument("--again", action="store_true", help="run once more what fails, by itself")
    parser.add_argument("--timeout", type=int, default=600)
    parser.add_argument("--add", default="", help="file that sums are added to, for a later total")
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    passed = failed = 0
    began = time.monotonic()
    apart = args.apart and can_part()
    once_more, second = [], []

    def tell(program, text, code, took):
        p, f = count(text, code)
        print(f"{'ok  ' if f == 0 else 'FAIL'} {os.path.relpath(program):44} {p:5} passed {f:3} failed {took:7.1f} s", flush=True)
        if f:
            lines = text.splitlines()
            early = [line for line in lines[:-400] if NOT_OK.match(line)]
            print("\n".join("    | " + line for line in early + lines[-400:]), flush=True)
        return p, f

    with concurrent.futures.ThreadPoolExecutor(args.jobs if apart or not args.apart else 1) as pool:
        for program, text, code, took in pool.map(lambda p: run(p, args.timeout, apart), args.programs):
            p, f = tell(program, text, code, took)
            if f and args.again and code >= 0 and not NEVER_AGAIN.search(text):
                once_more.append(program)
            else:
                passed, failed = passed + p, failed + f
    for program in once_more:
        p, f = tell(*run(program, args.timeout, apart))
        passed, failed = passed + p, failed + f
        if not f:
            second.append(os.path.relpath(program))
    if second:
        print(f"not at the first run, but at the second: {', '.join(second)}")
    print(f"{time.monotonic() - began:.0f} s{', ' + str(args.jobs) + ' programs at once' if apart and args.jobs > 1 else ''}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
