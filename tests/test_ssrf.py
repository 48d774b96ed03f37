#!/usr/bin/env python3
"""Whatever address a customer names, the worker connects to no forbidden one: some hundred spellings, names,
names that change their mind, redirects. What it connects to is seen in connect() itself, by a preloaded hook,
and judged by Python's own tables. Speaks TAP.
"""
import http.server
import ipaddress
import os
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP, Tap

STAND_IN = "93.184.216.34"  # public, and led to the server below
PUBLIC = [STAND_IN, "1.1.1.1", "8.8.4.4", "203.0.114.7", "172.32.0.1", "100.128.0.1", "198.20.0.1", "192.0.3.1", "223.255.255.254"]
FORBIDDEN4 = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.0.0.53",
              "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.254", "192.0.0.1", "192.0.0.192",
              "192.0.2.1", "192.168.0.1", "192.168.255.254", "198.18.0.1", "198.19.255.254", "198.51.100.7", "203.0.113.9",
              "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"]
FORBIDDEN6 = ["::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1",
              "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::",
              "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"]


def forbidden(address):
    a = ipaddress.ip_address(address)
    if a.version == 6 and (a.ipv4_mapped or a.sixtofour or a.teredo or a in ipaddress.ip_network("64:ff9b::/96") or a in ipaddress.ip_network("::/96")):
        return True
    if a in ipaddress.ip_network("192.0.0.0/24") or a.version == 6 and a.is_site_local:
        return True
    return not a.is_global or a.is_multicast or a.is_reserved or a.is_private or a.is_link_local


def spellings(address):
    """What other programs take for the same IPv4 address."""
    a, b, c, d = (int(n) for n in address.split("."))
    n = (a << 24) | (b << 16) | (c << 8) | d
    yield from (address, str(n), hex(n), f"0{n:o}", f"{a}.{(b << 16) | (c << 8) | d}", f"{a}.{b}.{(c << 8) | d}",
                f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", address + ".", address + ":8080")


def cases():
    """(name, address, what its names resolve to)"""
    names = {}
    def named(label, first, then=None):
        names[label + ".case"] = ",".join(first) + (";" + ",".join(then) if then else "")
        return label + ".case"
    out = []
    for i, address in enumerate(FORBIDDEN4):
        forms = list(spellings(address)) if address in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1", "0.0.0.0") else [address]
        out += [f"http://{form}/" for form in forms]
        out.append(f"https://{named(f'a{i}', [address])}/")
        out.append(f"http://{named(f'both{i}', [STAND_IN, address])}/")
        out.append(f"http://{named(f'back{i}', [address, STAND_IN])}/")
        out.append(f"http://{named(f'turn{i}', [STAND_IN], [address])}/")
        out.append(f"http://{STAND_IN}/redirect?" + urllib.parse.quote(f"http://{address}/", safe=""))
    for i, address in enumerate(FORBIDDEN6):
        out += [f"http://[{address}]/", f"https://[{address}]:8443/x"]
        out.append(f"http://{named(f'six{i}', [address])}/")
        out.append(f"http://{named(f'sixturn{i}', [STAND_IN], [address])}/")
        out.append(f"http://{STAND_IN}/redirect?" + urllib.parse.quote(f"http://[{address}]/", safe=""))
    loop = named("loop", ["127.0.0.1"])
    out += [f"{scheme}://{loop}/x" for scheme in ("file", "ftp", "gopher", "dict", "ldap", "smb", "tftp", "telnet", "imap", "pop3", "rtsp", "scp",
                                                  "ws", "wss", "tcp", "ssh", "HTTP", "hTTp")]
    out += ["file:///etc/passwd", "unix:/run/docker.sock", "unix:/run/sett/hands.sock", "unix+tls:/run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/",
            "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://localhost.localdomain/", "http://ip6-localhost/", "http:///", "http://",
            f"http://{STAND_IN}@127.0.0.1/", f"http://{STAND_IN}:80@127.0.0.1/", f"http://127.0.0.1#@{STAND_IN}/", f"http://127.0.0.1\\@{STAND_IN}/",
            f"http://{STAND_IN}\\@127.0.0.1/", f"http://127.0.0.1%2f@{STAND_IN}/", "http://127.0.0.1%00.example.com/", "http://127.0.0.1;.example.com/",
            "http://[::ffff:127.0.0.1%25lo]/", "http://[fe80::1%25lo]/", "http://[fe80::1%lo]/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
            "http://127.0.0.1.nip.case/", "http://0/", "http://00/", "http://127.1/", "http://0x7f.1/", "http://017700000001/", "http://4294967295/",
            "http://4294967296/", "http://127.0.0.1:80:80/", "http://[127.0.0.1]/", "http://[::]:80/", "http://::1/", "//127.0.0.1/", "127.0.0.1", ""]
    out += [f"http://{STAND_IN}/redirect?" + urllib.parse.quote(u, safe="") for u in
            ("file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "//127.0.0.1/", "http://2130706433/", "http://" + loop + "/", "/redirect?/")]
    return out, names


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.send_response(302 if path == "/redirect" else 200)
        if path == "/redirect":
            self.send_header("Location", urllib.parse.unquote(query))
        self.send_header("Content-Length", "0")
        self.end_headers()


def own_address():
    """A public address that is this machine's own, where one may be given; None where not."""
    done = subprocess.run(["ip", "addr", "add", "93.184.217.77/32", "dev", "lo"], capture_output=True)
    return "93.184.217.77" if done.returncode == 0 else None


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="sett-ssrf-")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log, names_file = os.path.join(folder, "log"), os.path.join(folder, "names")
    urls, names = cases()
    names["good.case"], names["good2.case"] = STAND_IN, "1.1.1.1," + STAND_IN
    with open(names_file, "w", encoding="utf-8") as f:
        f.writelines(f"{name} {rest}\n" for name, rest in names.items())
    env = dict(os.environ, LD_PRELOAD=os.path.join(TOP, "build", "ssrf", "hook.so"), HOOK_LOG=log, HOOK_NAMES=names_file,
               HOOK_SERVER=str(server.server_address[1]), HOOK_STAND_IN=STAND_IN)

    def ask(urls):
        """(lines of what came of each, where it connected to)"""
        if os.path.exists(log):
            os.unlink(log)
        done = subprocess.run([os.path.join(TOP, "build", "ssrf", "ask")], input="".join(u + "\n" for u in urls), env=env,
                              capture_output=True, text=True, timeout=300, check=True)
        seen = []
        if os.path.exists(log):
            with open(log, encoding="utf-8") as f:
                seen = f.read().split("\n")[:-1]
        return [l.split("\t") for l in done.stdout.split("\n")[:-1]], seen

    def bad(seen):
        return sorted({s for s in seen if s.startswith("unix") or forbidden(s.split()[1])})
    # The hook sees what there is to see: public addresses are connected to, and the judge knows them.
    results, seen = ask([f"http://{a}/" for a in PUBLIC] + ["http://good.case/", "http://good2.case:8080/x"])
    tap.ok(all(f"ip {a}" in seen for a in PUBLIC) and not bad(seen), "public addresses are connected to", (results, seen))
    tap.ok(results[0][1:] == ["open", "200"] and results[-2][1:] == ["open", "200"], "and answer", results)
    results, seen = ask([urls[0]])
    tap.ok(all(forbidden(a) for a in FORBIDDEN4 + FORBIDDEN6) and not any(forbidden(a) for a in PUBLIC), "the judge knows the ranges")
    results, seen = ask(urls)
    tap.ok(len(urls) >= 300 and len(results) == len(urls), f"{len(urls)} addresses that lead inside were asked", (len(urls), len(results)))
    tap.equal(bad(seen), [], "none of them was connected to")
    redirects = [r for r in results if "/redirect?" in r[0]]
    tap.ok(len(redirects) > 40 and all(r[1:] == ["open", "302"] for r in redirects), "redirects are told, and not followed", redirects[:5])
    turned = [r for r in results if "turn" in r[0]]
    tap.ok(all(r[1] == "open" for r in turned), "a name that changes its mind is asked where it was first", turned[:5])
    mixed = [r for r in results if "both" in r[0] or "back" in r[0]]
    tap.ok(mixed and all(r[1] == "forbidden" for r in mixed), "a name that leads inside as well is refused as a whole", mixed[:5])
    own = own_address()
    if own:
        results, seen = ask([f"http://{own}/"])
        tap.ok(not seen and results[0][1] == "forbidden", "an address of this machine's own is refused, public or not", (results, seen))
        subprocess.run(["ip", "addr", "del", own + "/32", "dev", "lo"], check=True)
    tap.done()


if __name__ == "__main__":
    main()
