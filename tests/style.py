#!/usr/bin/env python3
"""House style where a machine can tell: lengths, comments, exported names, words that must not be.
Speaks TAP. usage: style.py"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(TOP)
SOURCES = sorted(subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"],
                                capture_output=True, text=True, check=True).stdout.split())
SOURCES = [f for f in SOURCES if os.path.exists(f)]
PRODUCT = [f for f in SOURCES if not f.startswith("tests/")]
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca|system|popen|fork|mktemp|tmpnam|mdb_env_close|"
                    r"cJSON_GetObjectItem|cJSON_Compare)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def functions():
    """(file, name, lines) of every function, by universal-ctags."""
    out = subprocess.run(["ctags", "-x", "--c-kinds=f", "--fields=+ne", "--_xformat=%F %N %n %e", *[f for f in PRODUCT if f.endswith(".c")]],
                         capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, name, first, last = line.split()
        yield path, name, int(last) - int(first) + 1


def long_files():
    return [f"{f}: {n} lines" for f in SOURCES if (n := text(f).count("\n")) > 600]


def long_functions():
    return [f"{f}: {name} is {n} lines" for f, name, n in functions() if n > 120]


def long_lines():
    return [f"{f}:{i}: {len(line)} columns" for f in PRODUCT for i, line in enumerate(text(f).splitlines(), 1)
            if len(line.expandtabs(4)) > 118]


def openings():
    """A .c file begins by saying what it is for."""
    return [f for f in PRODUCT if f.endswith(".c") and not text(f).startswith("/*")]


def banned():
    out = []
    for f in PRODUCT:
        for i, line in enumerate(re.sub(r'"(\\.|[^"\\])*"', '""', text(f)).splitlines(), 1):
            if not line.lstrip().startswith(("*", "/*", "//")) and BANNED.search(line):
                out.append(f"{f}:{i}: {line.strip()[:100]}")
    return out


def unfinished():
    return [f"{f}:{i}: {line.strip()[:100]}" for f in SOURCES for i, line in enumerate(text(f).splitlines(), 1)
            if UNFINISHED.search(line)]


def prototypes():
    """Every prototype in a header has words of its own just before it or beside it."""
    out = []
    for f in PRODUCT:
        if not f.endswith(".h"):
            continue
        lines, spoken = text(f).splitlines(), False
        for i, line in enumerate(lines):
            if "*/" in line:
                spoken = True
            elif line == "" or line.startswith("}"):
                spoken = False
            if re.match(r"^[a-z][\w \*]+\b\w+\([^;]*$|^[a-z][\w \*]+\b\w+\(.*\);", line) and not line.startswith(("typedef", "static", "return", "struct err e")):
                if not spoken:
                    out.append(f"{f}:{i + 1}: {line[:80]}")
    return out


def defined_twice():
    """A macro that two people gave the same name, and by chance the same value, warns nobody."""
    out = []
    for f in PRODUCT:
        whole = text(f)
        names = re.findall(r"^#\s*define (\w+)", whole, re.M)
        out += [f"{f}: {n}" for n in sorted(set(names)) if names.count(n) > 1 and not re.search(rf"^#\s*(undef {n}$|else)", whole, re.M)]
    return out


def shared_names():
    """Two headers with the same name, or two that give the same tag a meaning: which one is meant is the include path's to say."""
    seen, out = {}, []
    for f in PRODUCT:
        if f.endswith(".h"):
            for n in [f.rsplit("/", 1)[-1]] + re.findall(r"^(?:struct|enum|union) \w+(?= \{)", text(f), re.M):
                if seen.setdefault(n, f) != f:
                    out.append(f"{n}: {seen[n]} and {f}")
    return out


def main():
    checks = [("files have at most 600 lines", long_files), ("functions have at most 120 lines", long_functions),
              ("lines have at most 118 columns", long_lines), ("files open with what they are for", openings),
              ("no banned function", banned), ("nothing is marked unfinished", unfinished),
              ("prototypes are spoken for", prototypes), ("no macro is defined twice in a file", defined_twice),
              ("headers share no name and no tag", shared_names)]
    bad = 0
    for n, (name, check) in enumerate(checks, 1):
        found = check()
        bad += bool(found)
        print(f"{'not ok' if found else 'ok'} {n} - {name}")
        for line in found[:20]:
            print(f"# {line}")
    print(f"1..{len(checks)}")
    sys.exit(1 if bad else 0)


main()
