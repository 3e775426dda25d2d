"""Two stand-ins for AWS' STS on loopback, for helper-aws.sh: one checks signatures (version 4) with botocore's own signer, and one of
a stranger, which says yes to everything. Each request is a line of the log with all that was given.

helper-aws.py DIRECTORY, run with awscli's Python: DIRECTORY/secrets has `ID SECRET` lines, the log is DIRECTORY/log, the ports go
to the FIFO DIRECTORY/ports.
"""

import http.server
import json
import os
import sys

import awscli  # noqa: F401: it has botocore.
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from loopback import serve

directory = sys.argv[1]
log = open(os.path.join(directory, "log"), "a", buffering=1)
IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::000000000000:user/made-up</Arn><UserId>{id}</UserId><Account>000000000000</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
REFUSED = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>made-up</Message></Error></ErrorResponse>"


def secret_of(identity):
    with open(os.path.join(directory, "secrets")) as lines:
        return dict(line.rstrip("\n").split(" ", 1) for line in lines).get(identity)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        identity, verdict = self.check(body)
        if self.server.name == "stranger":
            verdict = "right"
        given = [self.path, self.headers.items(), body.decode()]
        log.write(f"{self.server.name} {verdict} {identity} {json.dumps(given)}\n")
        answer = IDENTITY.format(id=identity) if verdict == "right" else REFUSED
        self.send_response(200 if verdict == "right" else 403)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def check(self, body):
        """Returns the id of the access key, and whether the signature is that of its secret."""
        kind, _, rest = self.headers.get("Authorization", "").partition(" ")
        if kind != "AWS4-HMAC-SHA256":
            return "-", "unsigned"
        fields = dict(field.strip().split("=", 1) for field in rest.split(","))
        identity, _, region, service, _ = fields["Credential"].split("/")
        secret = secret_of(identity)
        if not secret:
            return identity, "unknown"
        signer = SigV4Auth(Credentials(identity, secret), service, region)
        signed = {name: self.headers[name] for name in fields["SignedHeaders"].split(";")}
        url = f"http://{self.headers['Host']}{self.path}"
        request = AWSRequest(method=self.command, url=url, data=body, headers=signed)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return identity, "right" if signer.signature(text, request) == fields["Signature"] else "wrong"


serve(directory, Handler, ("own", "stranger"))
