"""Two HTTPS servers on loopback, for helper-clients.sh: a git server, a cargo registry and a Kubernetes API that want a
credential, and one of a stranger. Each request is a line of the log: which server, its path, and what it was given.

helper-server.py DIRECTORY SECRET: DIRECTORY has cert.pem, key.pem and repositories/; the ports go to the FIFO DIRECTORY/ports.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile

from loopback import serve

directory, secret = sys.argv[1:]
log = open(os.path.join(directory, "log"), "a", buffering=1)
basic = "Basic " + base64.b64encode(f"me:{secret}".encode()).decode()


def crate():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in [
            ("Cargo.toml", '[package]\nname = "made-up"\nversion = "0.1.0"\nedition = "2021"\n'),
            ("src/lib.rs", ""),
        ]:
            entry = tarfile.TarInfo(f"made-up-0.1.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


CRATE = crate()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="text/plain", more=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *more):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, value):
        self.reply(200, json.dumps(value).encode(), "application/json")

    def handle_one(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        given = self.headers.get("Authorization", "-")
        log.write(f"{self.server.name} {self.headers.get('Host')} {self.command} {self.path} {given}\n")
        origin = f"https://localhost:{self.server.server_port}"
        if self.path.startswith("/api"):
            if given != f"Bearer {secret}":
                return self.reply(401, b"Unauthorized")
            return self.json({"kind": "APIVersions", "versions": ["v1"]})
        if self.path.startswith("/index/"):
            if given != secret:
                return self.reply(401, more=[("WWW-Authenticate", "Cargo")])
            if self.path == "/index/config.json":
                return self.json({"dl": f"{origin}/index/dl", "api": origin, "auth-required": True})
            if self.path.startswith("/index/dl/"):
                return self.reply(200, CRATE, "application/gzip")
            digest = hashlib.sha256(CRATE).hexdigest()
            line = {"name": "made-up", "vers": "0.1.0", "deps": [], "cksum": digest, "features": {}, "yanked": False}
            return self.json(line)
        if self.server.name != "own" or given != basic:
            return self.reply(401, more=[("WWW-Authenticate", 'Basic realm="made-up"')])
        self.git(body)

    do_GET = do_POST = handle_one

    def git(self, body):
        path, _, query = self.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": os.path.join(directory, "repositories"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "me",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        for name in ("Content-Encoding", "Git-Protocol"):
            if name in self.headers:
                variables["HTTP_" + name.upper().replace("-", "_")] = self.headers[name]
        out = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=False).stdout
        head, _, answer = out.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(fields.pop("Status", "200").split()[0])
        self.reply(status, answer, fields.get("Content-Type", "text/plain"))


serve(directory, Handler, ("own", "stranger"), tls=True)
