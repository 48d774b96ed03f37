"""A mail server for tests: SMTP with STARTTLS or TLS from the start, AUTH PLAIN and LOGIN, and a plan of
what goes wrong. Every mail it took, and every connection's dialogue, is kept.

Plans, one for each coming mail (then "ok"): "ok", "4xx" and "5xx" (to the content), "rcpt4" and "rcpt5" (to the
recipient), "greet" (554 at once), "lost" (takes the mail and breaks off without an answer), "before" (breaks off
at DATA), ("slow", seconds)."""
import base64
import email
import email.policy
import os
import socket
import ssl
import subprocess
import threading
import time


def certificate(folder):
    """A self-signed certificate for localhost: its file is its own authority."""
    cert, key = os.path.join(folder, "sink.crt"), os.path.join(folder, "sink.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


class MailSink:
    def __init__(self, cert=None, key=None, implicit=False, starttls=True, user=None, password=None):
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key)
        self.implicit, self.starttls, self.user, self.password = implicit, starttls and cert is not None, user, password
        self.lock, self.mails, self.plan, self.talks = threading.Lock(), [], [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self):
        return f"{'smtps' if self.implicit else 'smtp'}://localhost:{self.port}"

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.guarded, args=(peer,), daemon=True).start()

    def guarded(self, peer):
        try:
            with peer:
                self.talk(peer)
        except (OSError, ssl.SSLError, EOFError):
            pass

    def next_plan(self):
        with self.lock:
            return self.plan.pop(0) if self.plan else "ok"

    def talk(self, peer):
        said, secure, who, rcpt = [], False, None, []
        with self.lock:
            self.talks.append(said)
        if self.implicit:
            peer, secure = self.context.wrap_socket(peer, server_side=True), True
        stream = peer.makefile("rwb", buffering=0)
        plan = self.next_plan()

        def say(line):
            stream.write(line.encode() + b"\r\n")

        def hear():
            line = stream.readline()
            if not line:
                raise EOFError
            said.append(line.decode("latin-1").rstrip("\r\n"))
            return said[-1]

        if plan == "greet":
            return say("554 no service here")
        say("220 sink ESMTP")
        while True:
            line = hear()
            verb = line.split(" ", 1)[0].upper()
            if verb == "EHLO":
                say("250-sink")
                if self.starttls and not secure:
                    say("250-STARTTLS")
                if self.user and (secure or not self.context):
                    say("250-AUTH PLAIN LOGIN")
                say("250 8BITMIME")
            elif verb == "HELO":
                say("250 sink")
            elif verb == "STARTTLS" and self.starttls:
                say("220 go ahead")
                peer, secure = self.context.wrap_socket(peer, server_side=True), True
                stream = peer.makefile("rwb", buffering=0)
            elif verb == "AUTH":
                who = self.auth(line, say, hear)
                say("235 welcome" if who else "535 5.7.8 no such user or password")
            elif verb == "MAIL":
                if self.user and not who:
                    say("530 5.7.0 authentication required")
                    continue
                sender = line
                say("250 ok")
            elif verb == "RCPT":
                if plan in ("rcpt4", "rcpt5"):
                    say("450 4.2.1 mailbox busy" if plan == "rcpt4" else "550 5.1.1 no such user here")
                    continue
                rcpt.append(line)
                say("250 ok")
            elif verb == "DATA":
                if plan == "before":
                    return None
                say("354 go on")
                data = self.content(stream)
                if isinstance(plan, tuple):
                    time.sleep(plan[1])
                if plan in ("4xx", "5xx"):
                    say("451 4.3.0 try later" if plan == "4xx" else "554 5.7.1 not wanted here")
                    continue
                with self.lock:
                    self.mails.append({"from": sender, "to": list(rcpt), "raw": data, "secure": secure, "user": who, "plan": plan,
                                       "mail": email.message_from_bytes(data, policy=email.policy.default)})
                if plan == "lost":
                    return None
                say(f"250 2.0.0 taken as {len(self.mails)}")
            elif verb == "QUIT":
                say("221 bye")
                return None
            else:
                say("250 ok" if verb in ("RSET", "NOOP") else "500 what?")

    def auth(self, line, say, hear):
        words = line.split()
        if words[1].upper() == "PLAIN":
            if len(words) < 3:
                say("334 ")
                words.append(hear())
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        else:
            say("334 VXNlcm5hbWU6")
            user = base64.b64decode(hear()).decode()
            say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(hear()).decode()
        return user if (user, password) == (self.user, self.password) else None

    @staticmethod
    def content(stream):
        lines = []
        while True:
            line = stream.readline()
            if not line:
                raise EOFError
            if not line.endswith(b"\r\n"):
                raise AssertionError(f"a line without CRLF: {line!r}")
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def close(self):
        self.socket.close()
