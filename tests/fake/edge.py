"""What a connector does with a request that its rules lead to a service: TLS as the rule says, the Host that it
says, WebSockets passed through."""
import http.client
import select
import socket
import ssl
import urllib.parse


def trust(options):
    """The service's certificate is looked at, unless the rule says otherwise."""
    context = ssl.create_default_context()
    if options.get("noTLSVerify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def dial(service, options):
    where = urllib.parse.urlsplit(service)
    tls = where.scheme in ("https", "wss")
    s = socket.create_connection((where.hostname, where.port or (443 if tls else 80)), 10)
    return trust(options).wrap_socket(s, server_hostname=options.get("originServerName") or where.hostname) if tls else s


def ask(service, options, host, method, target, body):
    """(status, body, headers): the service's answer, or the edge's page in its place."""
    try:
        c = http.client.HTTPConnection("service", timeout=10)
        c.sock = dial(service, options)
        c.request(method, target, body=body or None, headers={"Host": options.get("httpHostHeader") or host})
        answer = c.getresponse()
        kept = {n: answer.getheader(n) for n in ("Location",) if answer.getheader(n)}
        return answer.status, answer.read(), {"Content-Type": answer.getheader("Content-Type", "text/plain"), **kept}
    except (OSError, http.client.HTTPException):
        return 502, b"error code: 502", {}


def relay(peer, service, options, host, target, headers):
    """A handshake and what follows, until either side ends. False if the service is not there."""
    try:
        s = dial(service, options)
    except OSError:
        return False
    head = f"GET {target} HTTP/1.1\r\nHost: {options.get('httpHostHeader') or host}\r\n"
    head += "".join(f"{n}: {v}\r\n" for n, v in headers.items() if n.lower() != "host")
    try:
        s.sendall(head.encode() + b"\r\n")
        while True:
            ready = [x for x in (s, peer) if getattr(x, "pending", lambda: 0)()] or select.select([s, peer], [], [], 20)[0]
            if not ready:
                break
            for one in ready:
                data = one.recv(65536)
                if not data:
                    return True
                (peer if one is s else s).sendall(data)
    except OSError:
        pass
    finally:
        s.close()
    return True
