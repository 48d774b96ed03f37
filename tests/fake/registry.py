"""An image registry of one image, for pulls that succeed and pulls that are refused.

registry.py PORT TAR: serves TAR (a root file system) as repository sett/pulled, tag 1, over plain HTTP on
127.0.0.1:PORT (Docker and Podman take a loopback registry without TLS). Everything else is the
registry's own "manifest unknown". Source: the OCI distribution specification.
"""
import gzip
import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
NAME = "/v2/sett/pulled/"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image(tar):
    """Paths and what they hold: manifest (by tag and digest), config and layer blobs."""
    layer = gzip.compress(tar, mtime=0)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "600"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
    }).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                   "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(layer), "digest": digest(layer)}],
    }).encode()
    blob = "application/octet-stream"
    return {
        "/v2/": ("application/json", b"{}"),
        NAME + "manifests/1": (MANIFEST, manifest),
        NAME + "manifests/" + digest(manifest): (MANIFEST, manifest),
        NAME + "blobs/" + digest(config): (blob, config),
        NAME + "blobs/" + digest(layer): (blob, layer),
    }


class Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    paths = {}

    def do_GET(self):
        kind, data = self.paths.get(self.path, (None, None))
        status = 200
        if data is None:
            status, kind = 404, "application/json"
            data = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Content-Digest", digest(data))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


def main():
    with open(sys.argv[2], "rb") as f:
        Registry.paths = image(f.read())
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Registry).serve_forever()


main()
