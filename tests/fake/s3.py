"""An S3-compatible server in memory that believes nothing: every signature (AWS Signature Version 4) is made
anew from the request as it came and compared, with the SHA-256 of the body. Path-style and, for hosts of the
form BUCKET.localhost, virtual-host addresses. What goes wrong is said by the file `faults` in its folder, a
line each: METHOD PART-OF-THE-URL WHAT TIMES, with WHAT one of cut (after half of the body), lose (done, and the
connection broken before the answer), hang, flip (store a byte changed), wrong-sum, or a status.
The file `terms` has words: no-sums (it knows no checksums), no-uploads (it lists none), no-if (501 for
If-None-Match), locked (nothing is deleted), versions, full.

usage: s3.py FOLDER [ADDRESS]; says its port; ends with its standard input."""
import base64
import hashlib
import hmac
import http.server
import os
import re
import sys
import threading
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape

KEY, SECRET, REGION, BUCKET = "AKTEST", "secret/of+the=test", "eu-test-1", "snaps"
FOLDER = sys.argv[1]
LOCK = threading.Lock()
OBJECTS, UPLOADS, SPENT = {}, {}, {}


def words(name):
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def signature(secret, day, region, service, text):
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def log_request(self, code="-", size="-"):
        with open(os.path.join(FOLDER, "log"), "a", encoding="utf-8") as f:
            f.write(f"{self.command} {self.path} {int(code)}\n")

    def fault(self):
        for i, line in enumerate(words("faults").splitlines()):
            method, part, what, times = line.split()
            if method == self.command and part in self.path:
                with LOCK:
                    key = (i, line)
                    if SPENT.get(key, 0) < int(times):
                        SPENT[key] = SPENT.get(key, 0) + 1
                        return what
        return None

    def check_signature(self, body):
        given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
                             r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", self.headers.get("Authorization", ""))
        if not given:
            raise Refused(403, "AccessDenied", "no signature")
        key, day, region, signed, value = given.groups()
        if key != KEY:
            raise Refused(403, "InvalidAccessKeyId")
        if region != REGION:
            raise Refused(400, "AuthorizationHeaderMalformed", f"expecting '{REGION}'")
        names = signed.split(";")
        wanted = {"host", "x-amz-date", "x-amz-content-sha256"} | {h.lower() for h in self.headers if h.lower().startswith("x-amz-")}
        if names != sorted(names) or not wanted <= set(names):
            raise Refused(403, "AccessDenied", "a header is not signed")
        date = self.headers["x-amz-date"]
        if abs(time.time() - time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) + time.timezone) > 900:
            raise Refused(403, "RequestTimeTooSkewed")
        path, _, query = self.path.partition("?")
        pairs = sorted((quote(n), quote(v)) for n, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
        canonical = "\n".join([
            self.command, quote(urllib.parse.unquote(path), safe="-_.~/"), "&".join(f"{n}={v}" for n, v in pairs),
            "".join(f"{n}:{' '.join(self.headers[n].split())}\n" for n in names), signed, self.headers["x-amz-content-sha256"]])
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/s3/aws4_request",
                          hashlib.sha256(canonical.encode()).hexdigest()])
        if not hmac.compare_digest(value, signature(SECRET, day, region, "s3", text)):
            raise Refused(403, "SignatureDoesNotMatch")
        if hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            raise Refused(400, "XAmzContentSHA256Mismatch")

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(n == "Content-Length" for n, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def xml(self, text):
        self.answer(200, ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode(), [("Content-Type", "application/xml")])

    def whole(self):
        length = int(self.headers.get("Content-Length") or 0)
        what = self.fault()
        if what == "cut":
            self.rfile.read(length // 2)
            raise ConnectionAbortedError
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError
        if what == "hang":
            time.sleep(30)
            raise ConnectionAbortedError
        return body, what

    def handle_any(self):
        try:
            body, what = self.whole()
            try:
                if what and what.isdigit():
                    raise Refused(int(what), "SlowDown" if what == "503" else "InternalError")
                self.check_signature(body)
                host, path = self.headers["Host"].split(":")[0], urllib.parse.unquote(self.path.partition("?")[0])[1:]
                if not host.startswith(BUCKET + "."):
                    bucket, _, path = path.partition("/")
                    if bucket != BUCKET:
                        raise Refused(404, "NoSuchBucket")
                query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
                if what == "lose":
                    self.answer = lambda *a, **k: None
                if what == "flip":
                    body = bytes([body[0] ^ 1]) + body[1:]
                self.terms = words("terms").split()
                self.what = what
                with LOCK:
                    getattr(self, "do_" + ("object" if path else "bucket"))(path, query, body)
                if what == "lose":
                    raise ConnectionAbortedError
            except Refused as r:
                text = f"<Error><Code>{r.code}</Code><Message>{escape(r.message)}</Message></Error>"
                self.answer(r.status, text.encode(), [("Content-Type", "application/xml")])
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True
            self.connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def sums(self, body):
        if "no-sums" in self.terms:
            return []
        value = base64.b64encode(hashlib.sha256(body + (b"x" if self.what == "wrong-sum" else b"")).digest()).decode()
        if self.headers.get("x-amz-checksum-sha256") not in (None, value) and self.what is None:
            raise Refused(400, "BadDigest")
        return [("x-amz-checksum-sha256", value)]

    def do_bucket(self, _, query, body):
        del body
        prefix = query.get("prefix", "")
        if "uploads" in query:
            if "no-uploads" in self.terms:
                raise Refused(501, "NotImplemented")
            # One a page, to be asked for again with both marks.
            rows = sorted((u["key"], i) for i, u in UPLOADS.items() if u["key"].startswith(prefix))
            rows = [r for r in rows if r > (query.get("key-marker", ""), query.get("upload-id-marker", ""))]
            more = len(rows) > 1
            text = "".join(f"<Upload><Key>{escape(k)}</Key><UploadId>{escape(i)}</UploadId><Initiated>{UPLOADS[i]['at']}</Initiated></Upload>"
                           for k, i in rows[:1])
            mark = f"<NextKeyMarker>{escape(rows[0][0])}</NextKeyMarker><NextUploadIdMarker>{escape(rows[0][1])}</NextUploadIdMarker>" if more else ""
            return self.xml(f"<ListMultipartUploadsResult><IsTruncated>{str(more).lower()}</IsTruncated>{mark}{text}</ListMultipartUploadsResult>")
        keys = sorted(k for k in OBJECTS if k.startswith(prefix) and k > query.get("continuation-token", ""))
        text = "".join(f"<Contents><Key>{escape(k)}</Key><LastModified>{OBJECTS[k][1]}</LastModified><ETag>&quot;x&quot;</ETag>"
                       f"<Size>{len(OBJECTS[k][0])}</Size></Contents>" for k in keys[:2])
        more = len(keys) > 2
        mark = f"<NextContinuationToken>{escape(keys[1])}</NextContinuationToken>" if more else ""
        return self.xml(f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>{str(more).lower()}</IsTruncated>'
                        f"{mark}{text}</ListBucketResult>")

    def upload_of(self, query, key):
        upload = UPLOADS.get(query["uploadId"])
        if not upload or upload["key"] != key:
            raise Refused(404, "NoSuchUpload")
        return upload

    def free_name(self, key):
        if self.headers.get("If-None-Match") and "no-if" in self.terms:
            raise Refused(501, "NotImplemented")
        if self.headers.get("If-None-Match") == "*" and key in OBJECTS:
            raise Refused(412, "PreconditionFailed")
        if "full" in self.terms:
            raise Refused(507, "StorageFull")

    def do_object(self, key, query, body):
        if "uploadId" in query or "uploads" in query:
            return self.do_upload(key, query, body)
        if self.command == "PUT":
            self.free_name(key)
            sums = self.sums(body)
            OBJECTS[key] = (body, stamp())
            return self.answer(200, b"", [("ETag", f'"{hashlib.md5(body).hexdigest()}"')] + sums)
        if self.command == "DELETE":
            if "locked" in self.terms:
                raise Refused(403, "AccessDenied", "object is WORM protected")
            OBJECTS.pop(key, None)
            return self.answer(204, b"", [("x-amz-delete-marker", "true")] if "versions" in self.terms else [])
        if key not in OBJECTS:
            raise Refused(404, "NoSuchKey")
        data = OBJECTS[key][0]
        if self.command == "HEAD":
            return self.answer(200, b"", [("Content-Length", str(len(data)))])
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if self.what == "cut-answer":
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            self.wfile.write(data[begin:begin + (len(data) - begin) // 2])
            self.wfile.flush()
            raise ConnectionAbortedError
        return self.answer(206 if begin else 200, data[begin:])

    def do_upload(self, key, query, body):
        if self.command == "POST" and "uploads" in query:
            name = uuid.uuid4().hex + "/+="
            UPLOADS[name] = {"key": key, "parts": {}, "at": stamp()}
            return self.xml(f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><UploadId>{name}</UploadId></InitiateMultipartUploadResult>")
        upload = self.upload_of(query, key)
        if self.command == "PUT":
            if "full" in self.terms:
                raise Refused(507, "StorageFull")
            sums = self.sums(body)
            etag = f'"{hashlib.md5(body).hexdigest()}"'
            upload["parts"][int(query["partNumber"])] = (body, etag, sums)
            return self.answer(200, b"", [("ETag", etag)] + sums)
        if self.command == "GET":
            rows = sorted(upload["parts"].items())
            rows = [r for r in rows if r[0] > int(query.get("part-number-marker", 0))]
            text = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{escape(e)}</ETag><Size>{len(b)}</Size>" +
                           (f"<ChecksumSHA256>{s[0][1]}</ChecksumSHA256>" if s else "") + "</Part>" for n, (b, e, s) in rows[:2])
            more = len(rows) > 2
            mark = f"<NextPartNumberMarker>{rows[1][0]}</NextPartNumberMarker>" if more else ""
            return self.xml(f"<ListPartsResult><IsTruncated>{str(more).lower()}</IsTruncated>{mark}{text}</ListPartsResult>")
        if self.command == "DELETE":
            del UPLOADS[query["uploadId"]]
            return self.answer(204)
        self.free_name(key)
        rows = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>([^<]*)</ETag>", body.decode())
        parts = [upload["parts"].get(int(n)) for n, _ in rows]
        if [int(n) for n, _ in rows] != list(range(1, len(rows) + 1)) or any(
                p is None or p[1] != e.replace("&quot;", '"') for p, (_, e) in zip(parts, rows)):
            raise Refused(400, "InvalidPart")
        OBJECTS[key] = (b"".join(p[0] for p in parts), stamp())
        del UPLOADS[query["uploadId"]]
        return self.xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    server = Server((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
