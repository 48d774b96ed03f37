"""What a box costs before anybody asks anything, beside what Debian serves a page of PHP with: memory at rest, and the time from
starting all of it to the first answer."""
import glob
import http.client
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from box import Box, free_port, wait_for

POOL = """[global]
error_log = {folder}/fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = {folder}/fpm.sock
listen.mode = 0666
pm = dynamic
pm.max_children = 5
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
"""  # the pool that Debian's package comes with
NGINX = """daemon off; worker_processes 2; pid {folder}/pid; error_log stderr crit;
{user}events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}/b; fastcgi_temp_path {folder}/f; proxy_temp_path {folder}/p;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port}; root {folder};
location / {{ include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {folder}/index.php; fastcgi_pass unix:{folder}/fpm.sock; }} }} }}
"""


def answers(port, path):
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", path, headers={"Host": f"localhost:{port}"})
        return c.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def pss_of(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1])
    return total / 1024


class Php:
    """nginx and PHP-FPM with a page that says ok."""

    def __init__(self):
        self.fpm = sorted(glob.glob("/usr/sbin/php-fpm*"))[-1]
        self.folder, self.port, self.processes = tempfile.mkdtemp(prefix="sett-php-"), free_port(), []
        os.chmod(self.folder, 0o755)
        user = "user root;\n" if os.geteuid() == 0 else ""
        for name, text in (("fpm.conf", POOL.format(folder=self.folder)), ("nginx.conf", NGINX.format(folder=self.folder, port=self.port, user=user)),
                           ("index.php", "<?php echo json_encode(['status' => 'ok']);\n")):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
                f.write(text)

    def start(self):
        self.processes = [subprocess.Popen(argv, stderr=subprocess.DEVNULL) for argv in
                          ([self.fpm, "-y", f"{self.folder}/fpm.conf"], ["/usr/sbin/nginx", "-e", "stderr", "-c", f"{self.folder}/nginx.conf"])]

    def pss(self):
        master = self.processes[0].pid
        with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as f:
            return pss_of([master, *map(int, f.read().split())])

    def stop(self):
        for p in self.processes:
            p.terminate()
            p.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def took_ms(start, port, path):
    began = time.monotonic()
    start()
    wait_for(lambda: answers(port, path), "it answers", 60, 0.002)
    return (time.monotonic() - began) * 1000


def bench_start(row, loose, pss, rounds):
    """In turns; a box that is made already, as after a boot."""
    box, php, ours, theirs = Box(), Php(), [], []
    try:
        loose(box)

        def run():
            log = open(os.path.join(box.root, "run.log"), "ab")
            box.processes["run"] = subprocess.Popen([os.path.join(box.build, "sett"), "--root", box.root, "run", "--port", str(box.port)],
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=box.env, start_new_session=True)
        for n in range(rounds):
            ours.append(took_ms(run, box.port, "/health"))
            theirs.append(took_ms(php.start, php.port, "/"))
            if n < rounds - 1:
                box.stop()
                php.stop()
        time.sleep(2)  # what has just started is not idle yet
        mine, his = pss(box)[0], php.pss()
        a, b = statistics.median(ours), statistics.median(theirs)
        row("from starting all programs and nginx to the first answer", f"{a:.0f} ms", f"nginx + PHP-FPM, one page {b:.0f} ms", a / b, "≤ 2,000 ms")
        row("memory at rest, without the web server", f"{mine:.1f} MiB", f"PHP-FPM, Debian's pool {his:.1f} MiB", mine / his, "≤ 25 MiB")
    finally:
        box.close()
        php.close()
