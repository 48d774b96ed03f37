#!/usr/bin/env python3
"""The package of this machine's build: what is in it, what lintian and mandoc say, and three real shells that complete with what it
installs. How it is installed, upgraded, removed and purged is long_deb.py's. Speaks TAP."""
import glob
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Tap

HERE = os.path.join(TOP, "build/deb/here")
UNIT_FOLDERS = ("lib/systemd/system", "usr/lib/systemd/system")


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **more)


def package():
    found = glob.glob(os.path.join(HERE, "sett_*.deb"))
    if not found:
        subprocess.run(["make", "-s", "deb-here"], cwd=TOP, check=True)
        found = glob.glob(os.path.join(HERE, "sett_*.deb"))
    return found[0]


def files(root):
    return {os.path.relpath(os.path.join(top, name), root) for top, _, names in os.walk(root) for name in names}


def contents(tap, deb, root):
    there = files(root)
    with open(os.path.join(TOP, "appliance/VERSION"), encoding="utf-8") as f:
        version = f.read().strip()
    tap.equal(run("dpkg-deb", "-f", deb, "Package", "Version", "Architecture").stdout.split(), ["Package:", "sett", "Version:", version, "Architecture:", "amd64"], "what it is")
    programs = {"usr/bin/sett"} | {f"usr/libexec/sett/sett-{name}" for name in ("front", "worker", "hands", "send", "restore", "forward")}
    tap.ok(programs <= there, "the programs", programs - there)
    units = {os.path.basename(f) for f in there if os.path.dirname(f) in UNIT_FOLDERS}
    wanted = {os.path.basename(f) for kind in ("service", "socket", "path", "timer") for f in glob.glob(os.path.join(TOP, f"appliance/systemd/*.{kind}"))}
    tap.ok(wanted <= units, "the units", wanted - units)
    tap.ok({"usr/lib/sysusers.d/sett.conf", "usr/lib/tmpfiles.d/sett.conf"} <= there, "users and folders")
    conffiles = run("dpkg-deb", "--ctrl-tarfile", deb)
    conffiles = subprocess.run(f"dpkg-deb --ctrl-tarfile '{deb}' | tar -xO ./conffiles", shell=True, capture_output=True, text=True, check=True).stdout.split()
    tap.equal(sorted(conffiles), sorted("/" + f for f in there if f.startswith("etc/")), "what lies in /etc is a conffile")
    tap.ok("/etc/sett/sett.conf" in conffiles, "sett.conf among them")
    scripts = [f for f in there if f.startswith("usr/libexec/") and open(os.path.join(root, f), "rb").read(2) == b"#!"]
    bad = [f for f in [*programs, *scripts] if not os.stat(os.path.join(root, f)).st_mode & 0o111]
    tap.equal(bad, [], "programs can be executed")
    secret = [f for f in there if re.search(r"\.(key|pem)$", f)]
    tap.equal(secret, [], "no key is inside")
    said = run("lintian", "--allow-root", "--fail-on", "error,warning", *glob.glob(os.path.join(HERE, "sett_*.changes")))
    tap.ok(said.returncode == 0 and not said.stdout.strip(), "lintian has nothing to say", said.stdout + said.stderr)


def manual(tap, root):
    folder = os.path.join(root, "usr/share/man")
    pages = {os.path.basename(f)[:-len(".gz")]: f for f in glob.glob(os.path.join(folder, "man*/*.gz"))}
    helped = run(os.path.join(root, "usr/bin/sett"), "--help").stdout
    nouns = {line.split()[0] for line in helped.splitlines() if re.match(r"  [a-z]", line) and not line.startswith("  --timeout")} - {"2"}
    nouns = {n for n in nouns if re.fullmatch(r"[a-z-]+", n)}
    missing = [n for n in nouns if f"sett-{n}.1" not in pages]
    tap.ok(len(nouns) > 40 and not missing, f"a page for each of {len(nouns)} nouns", missing)
    programs = [os.path.basename(f) for f in glob.glob(os.path.join(root, "usr/libexec/sett/sett-*")) if open(f, "rb").read(4) == b"\x7fELF"]
    missing = [p for p in programs if f"{p}.8" not in pages]
    tap.equal(missing, [], "for each program")
    for page in ("sett.1", "sett.conf.5", "sett-blueprint.5", "sett-preseed.conf.5", "sett-mail.5", "sett-rules.5", "sett-snapshot.5", "sett-store.5", "sett-errors.7"):
        tap.ok(page in pages, f"and {page}")
    plain = tempfile.mkdtemp(prefix="sett-man-")
    for name, path in pages.items():
        with open(os.path.join(plain, name), "wb") as f:
            f.write(subprocess.run(["gzip", "-dc", path], capture_output=True, check=True).stdout)
    said = run("mandoc", "-T", "lint", "-W", "error", *sorted(glob.glob(plain + "/*")))
    tap.ok(said.returncode == 0, f"mandoc finds no error in {len(pages)} pages", said.stdout[:2000])
    dangling = set()
    for path in glob.glob(plain + "/*"):
        with open(path, encoding="utf-8") as f:
            for name, section in re.findall(r"^\.(?:BR|Xr) (sett[^ ]*) \(?(\d)", f.read(), re.M):
                if name.replace("\\-", "-").strip('"') + "." + section not in pages:
                    dangling.add((os.path.basename(path), name, section))
    tap.equal(dangling, set(), "no page leads to one that is not there")
    silent = set()
    for path in glob.glob(plain + "/*.1"):
        with open(path, encoding="utf-8") as f:
            page = f.read().replace("\\-", "-")
        told = set(re.findall(r'^\.BI "(--[a-z-]+)', page, re.M))
        silent |= {(os.path.basename(path), o) for o in re.findall(r"--[a-z][a-z-]+", page.partition(".SH SYNOPSIS")[2].partition(".SH ")[0]) if o not in told and ".SH OPTIONS" not in page}
    tap.equal(silent, set(), "each option of a synopsis is explained")
    shutil.rmtree(plain)


class Terminal:
    """An interactive shell at a terminal."""

    def __init__(self, argv, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        self.seen = ""

    def wait(self, pattern, seconds=15):
        """Until the pattern shows: what came up to then."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            if time.monotonic() > deadline:
                return None
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", os.read(self.fd, 65536).decode(errors="replace"))
                except OSError:
                    return None
        seen, self.seen = self.seen, ""
        return seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def shells(tap, root):
    top = tempfile.mkdtemp(prefix="sett-shells-")
    # A box that does not run: the store is enough. The program is the package's own, its files are where a package puts them.
    build = os.path.join(TOP, "build/sett")
    os.makedirs(os.path.join(top, "bin"))
    os.symlink(build, os.path.join(top, "bin/sett"))
    env = {"PATH": os.path.join(top, "bin") + ":/usr/bin:/bin", "HOME": top, "TERM": "dumb", "LC_ALL": "C.UTF-8", "SETT_ROOT": os.path.join(top, "box"), "COLUMNS": "200"}
    subprocess.run([build, "setup"], env=env, capture_output=True, check=True)
    for name in ("acme", "globex"):
        subprocess.run([build, "tenant", "create", name, "--plan", "demo", "--no-wait"], env=env, capture_output=True, check=True)
    share = os.path.join(root, "usr/share")
    asked = (("sett ten", "tenant"), ("sett tenant sus", "suspend"), ("sett tenant show ac", "acme"), ("sett tenant create Foo de", "demo"),
             ("sett tenant create Foo --ingress-m", "--ingress-mode"), ("sett tenant create Foo --ingress-mode sh", "shared"), ("sett completion z", "zsh"))
    try:
        lines = "".join(f"complete -C '{line}' | string replace -r '\\t.*' '' | string join ,\n" for line, _ in asked)
        said = run("fish", "--no-config", "-c", f"source {share}/fish/vendor_completions.d/sett.fish\n{lines}", env=env)
        tap.ok(said.stderr == "" and [w for _, w in asked] == said.stdout.split(), "fish completes nouns, verbs, names, options and words", (said.stdout, said.stderr))
        for name, argv, begin in (
                ("bash", ["bash", "--norc", "--noprofile", "-i"], f"source {share}/bash-completion/completions/sett; bind 'set bell-style none'"),
                ("zsh", ["zsh", "-f", "-i"], f"fpath=({share}/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -d {top}/zcompdump")):
            wrong = []
            for line, word in asked:
                shell = Terminal(argv, env)
                shell.type(begin + "; PS1='rea''dy> '\n")
                if shell.wait("ready> $") is None or shell.type(line + "\t") or shell.wait(re.escape(line[:line.rindex(" ") + 1] + word)) is None:
                    wrong.append((line, shell.seen))
                shell.close()
            tap.equal(wrong, [], f"{name} completes them at a terminal")
        said = run(build, "completion", "names", "tenant", "gl", env=env)
        tap.equal(said.stdout, "globex\tpending\n", "names come with what they are")
        said = run(build, "completion", "names", "tenant", env={**env, "SETT_ROOT": top + "/nowhere"})
        tap.equal(said.stdout, "", "and none from a box that is not there")
    finally:
        shutil.rmtree(top)


def main():
    tap = Tap()
    root = tempfile.mkdtemp(prefix="sett-deb-")
    try:
        deb = package()
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        with tap.part("contents"):
            contents(tap, deb, root)
        with tap.part("manual"):
            manual(tap, root)
        with tap.part("shells"):
            shells(tap, root)
    finally:
        shutil.rmtree(root)
    tap.done()


if __name__ == "__main__":
    main()
