#!/usr/bin/env python3
"""Pages of the manual that are true elsewhere already: the formats (store/FORMAT, backup/FORMAT) and the errors, which are read
out of the sources. Those written by hand get their date.  usage: pages.py FOLDER DATE VERSION"""
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOORS = ("store", "core", "fcgi", "backup", "appliance")
FORMATS = (
    ("sett-store", "store/FORMAT", "the store of a sett box, as it lies on the disk", "sett\\-db (1), sett\\-fsck (1), sett\\-snapshot (5)"),
    ("sett-snapshot", "backup/FORMAT", "a snapshot of a sett box, as it lies on the disk", "sett\\-snapshot (1), sett\\-restore (1), sett\\-recovery (1), sett\\-store (5)"),
)
# What each kind means; its numbers are in store/base/err.c.
KINDS = (
    ("MALFORMED", "It could not be parsed at all"),
    ("INVALID", "It was parsed, and is not acceptable; field names the place"),
    ("UNAUTHENTICATED", "Nobody is signed in, or the credentials are wrong or over"),
    ("FORBIDDEN", "Whoever asks may not"),
    ("NOT_FOUND", "What was named is not there"),
    ("CONFLICT", "It would collide with what is there"),
    ("PRECONDITION", "What it builds on is otherwise"),
    ("TOO_LARGE", "It is larger than is taken"),
    ("RATE", "Too often; Retry-After says when it can be tried again"),
    ("QUOTA", "A limit of the box or of a provider is reached"),
    ("NETWORK", "The other side cannot be reached, or broke off"),
    ("UNAVAILABLE", "A part of the box is down or busy"),
    ("TIMEOUT", "No answer in time; the effect is unknown"),
    ("FULL", "The disk or the store is full"),
    ("CORRUPT", "A stored value failed its check"),
    ("INTERNAL", "A bug, or a refusal of the system without a better name"),
)


def numbers():
    """kind -> its name, HTTP status and exit code."""
    with open(os.path.join(TOP, "store/base/err.c"), encoding="utf-8") as f:
        return {kind: rest for kind, *rest in re.findall(r'\[ERR_([A-Z_]+)\] = \{"([a-z-]+)", (\d+), (\d+)\}', f.read())}


def text(line):
    """A line that roff shows as it is."""
    line = line.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga")
    line = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in line)
    return "\\&" + line if line[:1] in ".'" else line


def head(name, section, about, date, version):
    return [f'.TH "{text(name.upper())}" {section} "{date}" "sett {version}" "sett"', ".SH NAME", f"{text(name)} \\- {text(about)}"]


def format_page(name, path, about, see, date, version):
    """A text whose title is underlined with =, its headings with -, and what is laid out is indented by four."""
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        lines = f.read().splitlines()
    out = head(name, 5, about, date, version) + [".SH DESCRIPTION"]
    out.append(text(lines[0]) + ".")
    out.append(".PP")
    at, laid, begun = 2, False, True
    while at < len(lines):
        line = lines[at]
        under = lines[at + 1] if at + 1 < len(lines) else ""
        if line.strip() and set(under) == {"-"} and len(under) == len(line):
            out += [".fi", ".RE"] if laid else []
            out += [f'.SH "{text(line.upper())}"']
            laid, begun, at = False, True, at + 2
            continue
        indented = line.startswith("    ")
        if laid and line.strip() and not indented:
            out += [".fi", ".RE"]
            laid, begun = False, False
        if not line.strip():
            following = next((after for after in lines[at:] if after.strip()), "")
            if laid and following.startswith("    "):
                out.append("\\&")
            begun = begun and out[-1].startswith((".SH", ".PP"))
        elif indented:
            if not laid:
                out += ([] if out[-1].startswith(".SH") else [".PP"]) + [".RS 4", ".nf"]
            laid = True
            out.append(text(line[4:]))
        else:
            out += [] if begun else [".PP"]
            out.append(text(line))
            begun = True
        at += 1
    out += [".fi", ".RE"] if laid else []
    return out + [".SH \"SEE ALSO\""] + [f".BR {ref}," for ref in see.split(", ")[:-1]] + [f".BR {see.split(', ')[-1]}"]


CALL = re.compile(r'\berr_(?:set\(\s*[^,;]+,\s*ERR_(?P<kind>[A-Z_]+),\s*"(?P<code>[a-z0-9_]+)"|field\(\s*[^,;]+,\s*[^,;]+,\s*"(?P<field>[a-z0-9_]+)")'
                  r'\s*,\s*(?P<text>(?:"(?:[^"\\]|\\.)*"\s*|PRI[a-zA-Z0-9]+\s*)+)', re.S)
HINT = re.compile(r'[^;{}]*;\s*(?:return\s+)?err_hint\(\s*[^,;]+,\s*(?P<text>(?:"(?:[^"\\]|\\.)*"\s*)+)', re.S)
SYSTEM = re.compile(r'\berr_sys\(\s*[^,;]+,\s*"(?P<code>[a-z0-9_]+)"')


def sentence(literal):
    """What a person reads: string literals put together, with an ellipsis for what is put in."""
    said = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
    said = re.sub(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[a-zA-Z]", "…", said).replace("%%", "%")
    return said.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ").replace("\\t", " ").strip()


def errors():
    """kind -> code -> texts, each with its remedy."""
    found = {kind: {} for kind, _ in KINDS}
    for floor in FLOORS:
        for path in sorted(glob.glob(os.path.join(TOP, floor, "**/*.c"), recursive=True)):
            with open(path, encoding="utf-8") as f:
                source = f.read()
            for call in CALL.finditer(source):
                kind = "INVALID" if call["field"] else call["kind"]
                hint = HINT.match(source, call.end())
                entry = found[kind].setdefault(call["field"] or call["code"], {})
                entry.setdefault(sentence(call["text"]), sentence(hint["text"]) if hint else "")
            for call in SYSTEM.finditer(source):
                found["INTERNAL"].setdefault(call["code"], {}).setdefault("A call to the system failed; the text names it and says why", "")
    return found


def errors_page(date, version):
    found = errors()
    out = head("sett-errors", 7, "what sett says when something cannot be done", date, version)
    out += [".SH DESCRIPTION", "An error has a code, which stays the same from version to version and is for programs; a text for people; where one is known, a remedy.",
            "Over the API it is an object of the type application/problem+json (RFC 9457) with the members code, detail, hint, field, status and request_id;",
            "on the command line the text is one line of standard error and the remedy the next, or with \\-\\-json an object likewise.",
            "HTTP status and exit code follow from the kind of the error. In the texts below … stands for what the case at hand puts in."]
    for kind, about in KINDS:
        if not found[kind]:
            continue
        name, status, exit_code = numbers()[kind]
        out += [f'.SH "{text(name.upper())}"', f"{text(about)}. HTTP {status}, exit code {exit_code}."]
        for code in sorted(found[kind]):
            out += [".TP", f".B {text(code)}"]
            for number, (said, remedy) in enumerate(found[kind][code].items()):
                out += [".br"] if number else []
                out += [text(said[:1].upper() + said[1:]).rstrip(".") + "."]
                out += [f"Remedy: {text(remedy).rstrip('.')}."] if remedy else []
    return out + [".SH \"SEE ALSO\"", ".BR sett (1),", ".BR sett\\-doctor (1)"]


def written(folder, date):
    """Pages by hand: mdoc wants its date in words."""
    months = "January February March April May June July August September October November December".split()
    year, month, day = date.split("-")
    for path in sorted(glob.glob(os.path.join(TOP, "appliance/man/*.[0-9]"))):
        with open(path, encoding="utf-8") as f:
            page = f.read().replace("@DATE@", f"{months[int(month) - 1]} {int(day)}, {year}")
        yield os.path.join(folder, os.path.basename(path)), page


def main():
    folder, date, version = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    pages = [(os.path.join(folder, f"{name}.5"), format_page(name, path, about, see, date, version)) for name, path, about, see in FORMATS]
    pages.append((os.path.join(folder, "sett-errors.7"), errors_page(date, version)))
    pages = [(path, "\n".join(lines).replace("…", "\\[u2026]") + "\n") for path, lines in pages]
    for path, page in [*pages, *written(folder, date)]:
        with open(path, "w", encoding="utf-8") as f:
            f.write(page)


if __name__ == "__main__":
    main()
