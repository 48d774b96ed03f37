"""A box for tests: made below a temporary folder, its programs started and stopped one by one or all
together by `sett run`, spoken to through the command line and the API."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TOP, os.environ.get("SETT_BUILD", "build"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=30.0, every=0.02):
    """Until condition() is true: its value; AssertionError naming `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what}")
        time.sleep(every)


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)


class World:
    """The fake providers, in a process of their own."""

    def __init__(self, folder):
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "fake", "world.py"), folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())
        self.port, self.ca = self.facts["port"], self.facts["ca"]
        self.url = f"https://127.0.0.1:{self.port}"

    def call(self, path, said=None):
        context = ssl.create_default_context(cafile=self.ca)
        c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        c.request("GET" if said is None else "POST", "/_world/" + path, body=None if said is None else json.dumps(said))
        return json.loads(c.getresponse().read())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


class Box:
    PROGRAMS = ("hands", "worker", "front")

    def __init__(self, build=None, world=None, root=None, env=None, conf="", ingress="local"):
        self.build = build or BUILD
        self.own = root is None
        self.root = root or tempfile.mkdtemp(prefix="sett-")
        os.makedirs(self.root, exist_ok=True)
        os.chmod(self.root, 0o755)
        self.port = free_port()
        self.world = world
        # What a sanitizer has to say of any program of this box is kept, and makes close() fail.
        self.reports = os.path.join(self.root, "sanitizer")
        self.env = dict(os.environ, ASAN_OPTIONS=f"detect_leaks=0:log_path={self.reports}",
                        UBSAN_OPTIONS=f"print_stacktrace=1:log_path={self.reports}",
                        TSAN_OPTIONS=f"log_path={self.reports}", **(env or {}))
        if world:
            self.env.update(WORLD_PORT=str(world.port), WORLD_CA=world.ca)
        self.processes = {}
        self.sett("setup", "--port", str(self.port))
        if conf or world:
            self.conf_add(conf, ingress)

    def conf_add(self, extra, ingress):
        lines = extra
        if self.world:
            w = self.world.facts
            lines += (f"\n[outside]\nca_file = {self.world.ca}\nfront_door = 127.0.0.1\n"
                      f"[cloudflare]\napi = {self.world.url}/client/v4\naccount = {w['account']}\nzone = {w['zone']}\n"
                      f"[stripe]\napi = {self.world.url}\n[turn]\napi = {self.world.url}\n")
            if ingress == "cloudflare":
                lines += f"[ingress]\ndefault = cloudflare\n[box]\ndomain = {w['domain']}\n[tenants]\nscheme = https\nport = {self.world.port}\n"
            lines += f"[hands]\ncloudflared = {os.path.join(TOP, 'tests', 'fake', 'cloudflared')}\n"
        with open(os.path.join(self.root, "etc", "sett", "sett.conf"), "a", encoding="utf-8") as f:
            f.write(lines)
        if self.world and ingress == "cloudflare":
            self.secret("cloudflare.token", self.world.facts["cf_token"])

    def secret(self, name, value):
        self.sett("secret", "set", name, "--value-file", "-", stdin=value)

    def sett(self, *words, ok=True, stdin=None):
        """The command line; its standard output. With ok=False: (exit code, output, errors)."""
        done = subprocess.run([os.path.join(self.build, "sett"), "--root", self.root, *words], env=self.env,
                              input=stdin, capture_output=True, text=True, timeout=120)
        if not ok:
            return done.returncode, done.stdout, done.stderr
        if done.returncode != 0:
            raise AssertionError(f"sett {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.sett(*words, "--json"))

    # Programs, one by one.
    def start(self, name, build=None, env=None):
        log = open(os.path.join(self.root, f"{name}.log"), "ab")
        self.processes[name] = subprocess.Popen([os.path.join(build or self.build, f"sett-{name}"), "--root", self.root],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=dict(self.env, **(env or {})), start_new_session=True)
        return self.processes[name]

    def start_all(self):
        for name in self.PROGRAMS:
            self.start(name)
        wait_for(lambda: all(os.path.exists(self.socket(n)) for n in ("hands", "front", "ask")), "programs listen")

    def socket(self, name):
        return os.path.join(self.root, "run", "sett", f"{name}.sock")

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(30)
        return process.returncode

    def run(self, *words):
        """`sett run`: all programs and the web server, until close()."""
        log = open(os.path.join(self.root, "run.log"), "ab")
        self.processes["run"] = subprocess.Popen(
            [os.path.join(self.build, "sett"), "--root", self.root, "run", "--port", str(self.port), *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True)
        wait_for(lambda: self.alive() or self.processes["run"].poll() is not None, "the box answers", 60)
        if self.processes["run"].poll() is not None:
            raise AssertionError("sett run ended:\n" + self.log("run"))

    def worker(self):
        """The worker's process id; None when none runs."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
                if words[0].endswith(b"sett-worker") and self.root.encode() in words:
                    return int(pid)
        return None

    def stop(self):
        """End what run() has started, tenants too."""
        self.kill("run", signal.SIGINT)

    def alive(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.http("GET", "/health").status == 200
        return False

    def log(self, name):
        for place in (f"{name}.log", f"log/{name}.log"):
            path = os.path.join(self.root, place)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    return f.read()
        return ""

    # The API, through the web server.
    def http(self, method, path, body=None, headers=None, host="localhost"):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = dict({"Host": f"{host}:{self.port}"}, **(headers or {}))
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers.setdefault("Content-Type", "application/json")
            c.request(method, path, body=body, headers=headers)
            response = c.getresponse()
            return Answer(response, response.read())
        finally:
            c.close()

    def password(self):
        with open(os.path.join(self.root, "admin-password"), encoding="utf-8") as f:
            return f.read().strip()

    def login(self, user="admin", password=None):
        answer = self.http("POST", "/api/auth/login", {"username": user, "password": password or self.password()})
        if answer.status != 200:
            raise AssertionError(f"login: {answer.status} {answer.body[:300]}")
        return {"Authorization": "Bearer " + answer.json["access_token"]}

    # Reports that a test asks for, as by sending libfcgi what makes it abort: any of these words.
    forgive = ()

    def close(self):
        for name in ("run", "front", "worker", "hands"):
            if name in self.processes:
                process = self.processes.pop(name)
                process.send_signal(signal.SIGINT if name in ("run", "hands") else signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(10)
        said = ""
        for name in sorted(n for n in os.listdir(self.root) if n.startswith("sanitizer.")):
            with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as f:
                report = f.read()
            if not any(word in report for word in self.forgive):
                said += report
        if self.own:
            shutil.rmtree(self.root, ignore_errors=True)
        if said:
            raise AssertionError("a sanitizer has something to say:\n" + said[:6000])


class Tap:
    """Counts in TAP; a failed check is shown and the rest goes on."""

    def __init__(self):
        self.n = self.bad = 0

    def ok(self, condition, name, detail=""):
        self.n += 1
        if not condition:
            self.bad += 1
        print(f"{'ok' if condition else 'not ok'} {self.n} - {name}", flush=True)
        if not condition and detail:
            print("\n".join("# " + line for line in str(detail).splitlines()[-60:]), flush=True)
        return bool(condition)

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name, f"got    {got!r}\nwanted {wanted!r}")

    @contextlib.contextmanager
    def part(self, name):
        """An exception inside is a failure of its own, with its text."""
        try:
            yield
        except Exception as e:  # noqa: BLE001 - whatever it is, it is a failure to be shown
            import traceback
            self.ok(False, f"{name}: {type(e).__name__}", traceback.format_exc())

    def done(self):
        print(f"1..{self.n}")
        sys.exit(1 if self.bad else 0)
