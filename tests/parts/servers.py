"""Debian's four web servers in front of one box, each with the configuration that `sett web-server show` writes and
nothing but a few lines around it."""
import os
import shutil
import socket
import ssl
import subprocess

from box import TOP, free_port, wait_for

NAME, NEIGHBOUR = "box.example", "other.example"
# Whoever it is: one's own certificate is not what is looked at here. One for all, since making it takes long.
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE


def certificate(folder, names):
    """A certificate of its own authority for these names."""
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                    "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(("IP:" if n[0].isdigit() else "DNS:") + n for n in names),
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem")],
                   check=True, capture_output=True)


class Server:
    """One of them: `http` and `https` are its ports, free ones or those given; tls=False: `http` alone."""

    def __init__(self, box, kind, web, tls=True, words=(), routes="", ports=None, connections=1024, beside=False):
        self.box, self.kind, self.tls, self.beside = box, kind, tls, beside
        self.http, self.https = ports or (free_port(), free_port())
        self.connections = connections  # that nginx, which has one worker here, may have at once
        self.folder = os.path.join(box.root, kind)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.conf = os.path.join(self.folder, "sett.conf")
        self.log = os.path.join(self.folder, "log")
        snippet = box.sett("web-server", "show", kind, "--listen", "127.0.0.1, ::1", "--http-port", str(self.http), "--https-port", str(self.https),
                           "--tls", "true" if tls else "false", "--default-server", "true", "--web", web, *words)
        # The box has one map, in the form of the web server that it has; here are four.
        self.write("sett.conf", snippet.replace(os.path.join(box.root, "var/lib/sett/web/tenants.map"), self.write("tenants.map", routes or "\n")))
        self.process = None
        self.start()

    # Somebody else's site at the same port, which says 410 to whatever is asked of it.
    def neighbour(self):
        at = f"127.0.0.1:{self.http}"
        return "" if not self.beside else {
            "nginx": f"server {{ listen {at}; server_name {NEIGHBOUR}; return 410; }}",
            "apache2": f"<VirtualHost {at}>\nServerName {NEIGHBOUR}\nRewriteEngine On\nRewriteRule ^ - [R=410,L]\n</VirtualHost>",
            "lighttpd": f'$HTTP["host"] =~ "^{NEIGHBOUR}" {{\nurl.redirect = ( "" => "/" )\nurl.redirect-code = 410\n}}',
            "caddy": f"http://{NEIGHBOUR}:{self.http} {{\n\tbind 127.0.0.1\n\trespond 410\n}}",
        }[self.kind]

    # What each needs around it.
    def nginx(self):
        temporary = "\n".join(f"    {n}_temp_path {self.folder}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = self.write("main.conf", f"""daemon off;
{"user root;" if os.geteuid() == 0 else ""}
pid {self.folder}/pid;
error_log {self.log} warn;
events {{ worker_connections {self.connections}; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
{temporary}
    include {self.conf};
    {self.neighbour()}
}}
""")
        return ["/usr/sbin/nginx", "-p", self.folder, "-e", "stderr", "-c", main]

    def apache2(self):
        modules = ("mpm_event authz_core env mime dir alias deflate filter headers http2 macro proxy proxy_fcgi proxy_http proxy_wstunnel remoteip reqtimeout "
                   "rewrite setenvif ssl socache_shmcb").split()
        loads = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules)
        main = self.write("main.conf", f"""{loads}
ServerRoot {self.folder}
ServerName localhost
PidFile {self.folder}/pid
ErrorLog {self.log}
LogLevel warn
DefaultRuntimeDir {self.folder}
Mutex file:{self.folder}
{"User www-data" if os.geteuid() == 0 else ""}
{"Group www-data" if os.geteuid() == 0 else ""}
TypesConfig /etc/mime.types
StartServers 1
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
Include {self.conf}
{self.neighbour()}
""")
        return ["/usr/sbin/apache2", "-DFOREGROUND", "-f", main]

    def lighttpd(self):
        main = self.write("main.conf", f"""server.modules = ( "mod_access" )
server.document-root = "{self.folder}"
server.upload-dirs = ( "{self.folder}" )
server.errorlog = "{self.log}"
server.pid-file = "{self.folder}/pid"
server.port = {free_port()}
server.bind = "127.0.0.1"
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
include "{self.conf}"
{self.neighbour()}
""")
        return ["/usr/sbin/lighttpd", "-D", "-f", main]

    def caddy(self):
        main = self.write("Caddyfile", f"import {self.conf}\n{self.neighbour()}\n")
        return ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", main]

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start(self):
        env = dict(os.environ, HOME=self.folder, XDG_DATA_HOME=self.folder, XDG_CONFIG_HOME=self.folder, LANG="C")
        with open(os.path.join(self.folder, "out"), "ab") as out:
            # SERVERS_FROM: the root of another Debian, whose servers are to be tried (tests/long/long_web_servers.py).
            apart = ["chroot", os.environ["SERVERS_FROM"]] if os.environ.get("SERVERS_FROM") else []
            self.process = subprocess.Popen(apart + getattr(self, self.kind)(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)
        wait_for(lambda: self.listens() or self.process.poll() is not None, f"{self.kind} listens")
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} ended:\n" + self.words())

    def words(self):
        text = ""
        for name in ("out", "log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    text += f.read()[-4000:]
        return text

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.https if self.tls else self.http), 1).close()
            return True
        except OSError:
            return False

    # Speaking to it.
    def connect(self, tls=None, name=NAME, address="127.0.0.1", source=None, timeout=30):
        tls = self.tls if tls is None else tls
        plain = socket.create_connection((address, self.https if tls else self.http), timeout, (source, 0) if source else None)
        if not tls:
            return plain
        return TRUSTING.wrap_socket(plain, server_hostname=name)

    def raw(self, data, **how):
        """Bytes as they are; all that comes back until it closes."""
        with self.connect(**how) as s:
            out = b""
            try:
                s.sendall(data)
            except OSError:
                pass  # it has answered already
            try:
                while part := s.recv(65536):
                    out += part
            except OSError:
                pass
            return out

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


class Reply:
    def __init__(self, data):
        head, _, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head, _, body = body.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
        self.headers = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        self.raw, self.body = data, body
        if self.get("transfer-encoding") == "chunked":
            self.body = b""
            while body:
                size, _, rest = body.partition(b"\r\n")
                n = int(size.split(b";")[0] or b"0", 16)
                if n == 0:
                    break
                self.body, body = self.body + rest[:n], rest[n + 2:]

    def get(self, name):
        """Its value; several joined by " | "."""
        return " | ".join(v for n, v in self.headers if n == name)


def stage(folder):
    """The pages as they are installed."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([os.path.join(TOP, "appliance", "web", "stage.sh"), os.path.join(TOP, "web"), folder], check=True)
    return folder
