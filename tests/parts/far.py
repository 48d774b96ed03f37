"""A machine beside this one: a network namespace with an address of its own, in which a container engine listens on TLS
and an sshd lets in whom its authorized_keys name. For tests of engines on other machines."""
import os
import shutil
import signal
import socket
import subprocess
import time

from box import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
NEAR, FAR = "10.99.0.1", "10.99.0.2"


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more)


class Far:
    """Must be made in a network namespace of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        self.docker = os.path.join(folder, "docker")
        self.sock = os.path.join(self.docker, "engine.sock")
        self.sshd = None
        os.makedirs(folder, exist_ok=True)
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, "a namespace", 10)
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(self.holder.pid))
        run("ip", "address", "add", NEAR + "/24", "dev", "near")
        run("ip", "link", "set", "near", "up")
        for words in (("address", "add", FAR + "/24", "dev", "far"), ("link", "set", "far", "up"), ("link", "set", "lo", "up")):
            run(*self.inside("ip", *words))

    def inside(self, *words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words]

    # ---- TLS ----
    def sign(self, name, san):
        """A certificate of the test's own authority: its path and its key's."""
        ca, key, cert = (os.path.join(self.folder, n) for n in ("ca", name + ".key", name + ".pem"))
        if not os.path.exists(ca + ".pem"):
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test authority",
                "-days", "30", "-keyout", ca + ".key", "-out", ca + ".pem")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
            "-out", cert + ".csr")
        with open(cert + ".ext", "w", encoding="utf-8") as f:
            f.write(f"subjectAltName={san}\nextendedKeyUsage=serverAuth,clientAuth\n")
        run("openssl", "x509", "-req", "-in", cert + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "30",
            "-extfile", cert + ".ext", "-out", cert)
        return cert, key

    def start_engine(self):
        cert, key = self.sign("engine", f"IP:{FAR}")
        options = f"-H tcp://{FAR}:2376 --tlsverify --tlscacert {self.folder}/ca.pem --tlscert {cert} --tlskey {key}"
        run(*self.inside(os.path.join(HERE, "dockerd.sh"), "start", self.docker), env=dict(os.environ, SETT_TEST_ENGINE_OPTIONS=options))

    def stop_engine(self):
        subprocess.run(self.inside(os.path.join(HERE, "dockerd.sh"), "stop", self.docker), check=False)

    def pause_engine(self, pause):
        with open(os.path.join(self.docker, "engine.pid"), encoding="utf-8") as f:
            os.kill(int(f.read()), signal.SIGSTOP if pause else signal.SIGCONT)

    # ---- SSH ----
    def host_key(self, name="host"):
        """A new key for its sshd: its fingerprint."""
        path = os.path.join(self.folder, name)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        return run("ssh-keygen", "-lf", path + ".pub").stdout.split()[1]

    def start_sshd(self, name="host", port=2222):
        conf, self.authorized = os.path.join(self.folder, "sshd.conf"), os.path.join(self.folder, "authorized_keys")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"ListenAddress {FAR}:{port}\nHostKey {self.folder}/{name}\nAuthorizedKeysFile {self.authorized}\nStrictModes no\n"
                    f"UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\nLogLevel ERROR\n")
        open(self.authorized, "a", encoding="utf-8").close()
        self.sshd = subprocess.Popen(self.inside("/usr/sbin/sshd", "-D", "-e", "-f", conf),
                                     stderr=open(os.path.join(self.folder, "sshd.log"), "ab"))
        wait_for(lambda: self.listens(port), "sshd listens", 10)

    @staticmethod
    def listens(port):
        try:
            socket.create_connection((FAR, port), 1).close()
            return True
        except OSError:
            return False

    def stop_sshd(self):
        """It, and the connections that it has."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read()
                if words.startswith(b"sshd:") and os.readlink(f"/proc/{pid}/ns/net") == os.readlink(f"/proc/{self.holder.pid}/ns/net"):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
        if self.sshd:
            self.sshd.terminate()
            self.sshd.wait(10)
            self.sshd = None

    def let_in(self, line):
        with open(self.authorized, "w", encoding="utf-8") as f:
            f.write("restrict,port-forwarding " + line + "\n")

    def occupy(self, port):
        """Something there listens on its loopback."""
        return subprocess.Popen(self.inside("busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}"))

    def close(self):
        self.stop_sshd()
        self.stop_engine()
        self.holder.kill()
        self.holder.wait(10)
        for _ in range(20):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not os.path.exists(self.folder):
                return
            time.sleep(0.1)
