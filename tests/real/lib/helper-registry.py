"""Four stand-ins for an OCI registry on loopback, for the scripts of the helpers' clients: `own` wants a user name and a password,
`bearer` a token that `own` gives for them, `stranger` is someone else's and so is `thief`, which names the tokens of `own` as its
own. Each request is a line of the log: which registry, its path, and what it was given, decoded.

helper-registry.py DIRECTORY SECRET: DIRECTORY has cert.pem and key.pem; the log is DIRECTORY/log, the ports go to the FIFO
DIRECTORY/ports.
"""

import base64
import hashlib
import http.server
import json
import os
import sys

from loopback import serve

directory, secret = sys.argv[1:]
log = open(os.path.join(directory, "log"), "a", buffering=1)
basic = "Basic " + base64.b64encode(f"me:{secret}".encode()).decode()
TOKEN = "made-up-registry-token"
NAMES = ("own", "bearer", "stranger", "thief")


def digest(blob):
    return "sha256:" + hashlib.sha256(blob).hexdigest()


LAYER = b""
CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]}}
).encode()
KIND = "application/vnd.docker.distribution.manifest.v2+json"


def described(kind, blob):
    return {"mediaType": f"application/vnd.docker.{kind}", "size": len(blob), "digest": digest(blob)}


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": KIND,
        "config": described("container.image.v1+json", CONFIG),
        "layers": [described("image.rootfs.diff.tar", LAYER)],
    }
).encode()
BLOBS = {digest(CONFIG): CONFIG, digest(LAYER): LAYER}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json", **more):
        self.send_response(status)
        for name, value in {"Content_Type": kind, "Content_Length": len(body), **more}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        given = self.headers.get("Authorization", "-")
        kind, _, value = given.partition(" ")
        shown = f"Basic {base64.b64decode(value)}" if kind == "Basic" else given
        name = self.server.name
        log.write(f"{name} {self.command} {self.path} {body[:2000]} {dict(self.headers)} {shown}\n")
        if self.path.startswith("/token"):
            if name != "own" or given != basic:
                return self.reply(401)
            return self.reply(200, json.dumps({"token": TOKEN, "access_token": TOKEN, "expires_in": 300}).encode())
        own = f"https://localhost:{self.server.servers[0].server_port}"
        challenge = 'Basic realm="made-up"'
        if name in ("bearer", "thief"):
            challenge = f'Bearer realm="{own}/token",service="made-up",scope="repository:a:pull,push"'
        right = {"own": basic, "bearer": f"Bearer {TOKEN}"}.get(name)
        if given != right:
            return self.reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', WWW_Authenticate=challenge)
        self.serve()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_one

    def serve(self):
        path, _, _ = self.path.partition("?")
        if "/uploads" in path:
            if self.command == "PUT":
                return self.reply(201, Location="/v2/a/blobs/x")
            return self.reply(202, Location="/v2/a/blobs/uploads/1", Range="0-0")
        if "/manifests/" in path:
            if self.command == "PUT":
                return self.reply(201)
            return self.reply(200, MANIFEST, KIND, Docker_Content_Digest=digest(MANIFEST))
        if "/blobs/" in path:
            name = path.rsplit("/", 1)[1]
            return self.reply(200, BLOBS[name], "application/octet-stream") if name in BLOBS else self.reply(404)
        self.reply(200, b"{}", Docker_Distribution_Api_Version="registry/2.0")


serve(directory, Handler, NAMES, tls=True)
