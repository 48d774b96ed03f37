#!/usr/bin/env python3
"""A minute of fuzzing for each target, from the corpus kept beside it. Speaks TAP."""
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = os.environ.get("FUZZ_SECONDS", "60")


def main():
    subprocess.run(["make", "-s", "fuzz"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    folder, bad = os.path.join(TOP, "build", "fuzz"), 0
    targets = sorted(f for f in os.listdir(folder) if f.startswith("fuzz_") and os.access(os.path.join(folder, f), os.X_OK)
                     and not os.path.isdir(os.path.join(folder, f)) and "." not in f)
    for n, target in enumerate(targets, 1):
        with tempfile.TemporaryDirectory() as scratch:
            corpus = os.path.join(TOP, "tests", "fuzz", "corpus", target)
            argv = [os.path.join(folder, target), f"-max_total_time={SECONDS}", "-rss_limit_mb=2048", "-timeout=1",
                    "-max_len=70000", "-print_final_stats=1", f"-artifact_prefix={scratch}/", scratch]
            done = subprocess.run(argv + ([corpus] if os.path.isdir(corpus) else []), capture_output=True, text=True,
                                  errors="replace")
        ran = next((l.split()[-1] for l in done.stderr.splitlines() if "number_of_executed_units" in l), "0")
        ok = done.returncode == 0
        bad += not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {target}: {ran} inputs in {SECONDS} s", flush=True)
        if not ok:
            print("\n".join("# " + l for l in done.stderr.splitlines()[-30:]))
    print(f"1..{len(targets)}")
    sys.exit(1 if bad else 0)


main()
