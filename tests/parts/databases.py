"""Tenants with a real PostgreSQL database: the server, a blueprint of the process runtime whose program shows what
is in its database and in its files, and the eyes of the server's superuser."""
import os
import subprocess
import tempfile

from box import HERE, free_port

BLUEPRINT = """[blueprint]
title = Shop
runtime = process
command = /usr/bin/python3 ${BLUEPRINT_FOLDER}/shop.py
health_path = /
health_timeout_s = 60
database = yes

[volumes]
files = /files
"""

# One row is written when it starts on an empty database, so that a restored one is told from a new one.
PROGRAM = '''import http.server, os, subprocess, sys
env = dict(os.environ, PGPASSWORD=os.environ["DB_PASSWORD"], PGCONNECT_TIMEOUT="5", PATH="/usr/bin:/bin")
def sql(text):
    return subprocess.run(["psql", "-h", os.environ["DB_HOST"], "-p", os.environ["DB_PORT"], "-U", os.environ["DB_USER"],
        "-d", os.environ["DB_NAME"], "-Atq", "-v", "ON_ERROR_STOP=1", "-c", text], env=env, capture_output=True, text=True, check=True).stdout
if "refuse" in os.listdir("files") if os.path.isdir("files") else False:
    sys.exit("this one does not start")
sql("CREATE TABLE IF NOT EXISTS sale (n int PRIMARY KEY, what text); INSERT INTO sale SELECT 0, 'made' WHERE NOT EXISTS (SELECT FROM sale)")
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = "name " + os.environ["DB_NAME"] + "\\nrows " + sql("SELECT string_agg(what, ' ' ORDER BY n) FROM sale").strip() + "\\nfiles "
        text += " ".join(sorted(os.listdir("files"))) + "\\n"
        self.send_response(200); self.end_headers(); self.wfile.write(text.encode())
    def log_message(self, *a):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
'''


class Postgres:
    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="sett-pg-")
        os.chmod(self.top, 0o755)
        self.folder, self.port = os.path.join(self.top, "pg"), free_port()
        self.admin = subprocess.run([os.path.join(HERE, "postgres.sh"), "start", self.folder, str(self.port)], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout.strip()
        with open(os.path.join(self.folder, "password"), encoding="utf-8") as f:
            self.password = f.read().strip()

    def close(self):
        subprocess.run([os.path.join(HERE, "postgres.sh"), "stop", self.folder], check=False)
        os.rmdir(self.top)

    def sql(self, text, database="postgres"):
        """As the superuser; the answer's words."""
        done = subprocess.run(["psql", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", database, "-Atc", text],
                              env=dict(os.environ, PGPASSWORD=self.password), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{text}: {done.stderr}")
        return done.stdout.split()

    def names(self):
        """Databases and roles of tenants, which are always alike."""
        databases = sorted(self.sql("SELECT datname FROM pg_database WHERE datname LIKE 'sett\\_t%'"))
        roles = sorted(self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'sett\\_t%'"))
        return databases if databases == roles else ["unlike", *databases, *roles]

    def sell(self, database, n, what):
        self.sql(f"SET ROLE {database}; INSERT INTO sale VALUES ({n}, '{what}')", database)

    def rows(self, database):
        return self.sql("SELECT what FROM sale ORDER BY n", database)


def prepare(box, pg):
    """The plan "shop", and the server in the box's settings."""
    folder = os.path.join(box.root, "etc/sett/blueprints")
    with open(os.path.join(folder, "shop.conf"), "w", encoding="utf-8") as f:
        f.write(BLUEPRINT)
    os.makedirs(os.path.join(folder, "shop"), exist_ok=True)
    with open(os.path.join(folder, "shop", "shop.py"), "w", encoding="utf-8") as f:
        f.write(PROGRAM)
    box.sett("setting", "set", "database.admin", pg.admin)
    box.secret("database.password", pg.password)
    box.sett("plan", "create", "--name", "shop", "--title", "Shop", "--blueprint", "shop", "--currency", "eur", "--offered")
