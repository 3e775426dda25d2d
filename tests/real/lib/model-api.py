"""Stands in for model providers on loopback, over TLS: `anthropic` with the Messages API, `openai` with the Responses, Chat
Completions and Embeddings APIs, `google` with the Gemini API; each has a list of models and counts tokens.

model-api.py DIRECTORY
    cert.pem, key.pem   of the servers
    ports               a FIFO that gets the three ports
    keys                the keys that are valid, a line each: the provider, and the key; any other is refused with a 401
    next/KEY            what the next requests with a key get, a line each; `always X` stays. Written while none runs
    go                  once it is there, what holds goes on
    log                 a line of JSON for each request, and for what became of it

What a line of next/KEY can be, after `turn` if it is for requests that offer tools alone: 401, 403, 404, 429, 500, 529, billing; 429 30 (with that Retry-After); `event` (a 200 whose
first event is an error), `echo` (the answer has the key), `hold` (a stream stops after its first piece), `silent` (no head yet).
"""

import base64
import hashlib
import http.server
import json
import os
import select
import sys
import threading
import time

from loopback import serve
from model_errors import error
from model_errors import event as error_event
from model_forms import MODEL, Answer, Chat, Gemini, Messages, Responses, call_for, encoded, halves

directory = sys.argv[1]
lock = threading.Lock()
log = open(os.path.join(directory, "log"), "a", buffering=1)
FORMS = {"/v1/messages": Messages, "/v1/responses": Responses, "/v1/chat/completions": Chat}
VECTOR = [0.5, -0.25]
# How often what holds looks whether it may go on, and whether the client is still there, in seconds.
LOOK = 0.005
# Bodies up to this many bytes are in the log.
LOGGED = 1 << 20


class Gone(Exception):
    """The client went away."""


def note(number, **more):
    with lock:
        log.write(json.dumps({"request": number, "at": time.time(), **more}) + "\n")


counted = 0


def count():
    global counted
    with lock:
        counted += 1
        return counted


def take(key, has_tools):
    """Returns what the next request with a key gets, and crosses it off."""
    path = os.path.join(directory, "next", key)
    with lock:
        try:
            with open(path) as lines:
                first, *others = lines.read().splitlines()
        except (FileNotFoundError, ValueError):
            return ""
        if first.startswith("turn "):
            if not has_tools:
                return ""
            first = first.removeprefix("turn ")
        if first.startswith("always "):
            return first.removeprefix("always ")
        with open(path, "w") as out:
            out.write("".join(f"{line}\n" for line in others))
        return first


def decoded(image):
    """Returns what is in base64 of either alphabet, with or without its end: google-genai has the one of URLs."""
    image = image.rstrip("=")
    return base64.b64decode(image + "=" * (-len(image) % 4), altchars="-_" if "-" in image or "_" in image else None)


def models(provider):
    if provider == "google":
        return {"models": [{"name": f"models/{MODEL}", "displayName": "Made up"}]}
    if provider == "anthropic":
        one = {"type": "model", "id": MODEL, "display_name": "Made up", "created_at": "2026-01-01T00:00:00Z"}
        return {"data": [one], "has_more": False, "first_id": MODEL, "last_id": MODEL}
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "made-up"}]}


def embeddings(body):
    vector = VECTOR
    if body.get("encoding_format") == "base64":
        # Little-endian floats of four bytes: 0.5 and -0.25.
        vector = base64.b64encode(bytes.fromhex("0000003f000080be")).decode()
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return {"object": "list", "data": data, "model": MODEL, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Events are not to wait for one another.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one(self):
        body = self.body()
        self.number = count()
        path, _, query = self.path.partition("?")
        asked = json.loads(body) if body else {}
        note(
            self.number,
            provider=self.server.name,
            method=self.command,
            path=path,
            query=query,
            headers=self.headers.items(),
            key=self.key(),
            bytes=len(body),
            tools="tools" in asked,
            body=body.decode(errors="replace") if len(body) <= LOGGED else "",
        )
        try:
            self.answer(path, asked)
            note(self.number, ended="answered")
        except (Gone, ConnectionError, OSError):
            note(self.number, ended="gone")
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_DELETE = handle_one

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def key(self):
        """Returns the key where this provider reads it."""
        if self.server.name == "google":
            return self.headers.get("x-goog-api-key", "")
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key", bearer) if self.server.name == "anthropic" else bearer

    def answer(self, path, asked):
        provider = self.server.name
        if path == "/api/hello":
            return self.reply(200, {})
        with open(os.path.join(directory, "keys")) as keys:
            is_valid = f"{provider} {self.key()}\n" in keys.readlines()
        told, _, wait = (take(self.key(), "tools" in asked) if is_valid else "401").partition(" ")
        if told[:1].isdigit() or told == "billing":
            status, refusal = error(provider, told)
            return self.reply(status, refusal, [("Retry-After", wait)] if wait else [])
        if self.command != "POST":
            return self.reply(200, models(provider))
        if path.endswith(("/count_tokens", ":countTokens")):
            return self.reply(200, {"input_tokens": 7, "totalTokens": 7})
        if path == "/v1/embeddings":
            return self.reply(200, embeddings(asked))
        if path.endswith(":batchEmbedContents"):
            return self.reply(200, {"embeddings": [{"values": VECTOR}]})
        form = FORMS.get(path) or (Gemini if provider == "google" else None)
        if not form:
            return self.reply(*error(provider, "404"))
        self.say(form, path, asked, told)

    def say(self, form, path, body, told):
        """Answers what a model would answer."""
        question = form.question(body)
        call = call_for(question)
        text = "made-up answer"
        if question.result is not None:
            text = f"the tool said {question.result}"
        if question.images:
            images = b"".join(decoded(image) for image in question.images)
            text = f"{len(question.images)} images of {len(images)} bytes, {hashlib.sha256(images).hexdigest()}"
        answer = Answer(halves(text), call)
        if told == "echo":
            answer = Answer(["the key is ", self.key(), ", it says"])
        if told == "silent":
            self.hold()
        if not form.streams(body, path):
            return self.reply(200, form.whole(body, answer))
        self.begin(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        if told == "event":
            self.chunk(encoded(*error_event(path, self.server.name)))
        else:
            self.stream([encoded(*event) for event in form.events(body, answer)], answer, told)
        self.wfile.write(b"0\r\n\r\n")

    def stream(self, events, answer, told):
        """Sends events one after the other. What holds does so after the first piece of the text."""
        for event in events:
            key = self.key().encode()
            if told == "echo" and key in event:
                at = event.index(key) + len(key) // 2
                self.chunk(event[:at])
                self.chunk(event[at:])
            else:
                self.chunk(event)
            if told == "hold" and not answer.call and json.dumps(answer.pieces[0]).encode() in event:
                self.hold()
                told = ""

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def hold(self):
        """Waits until it may go on, or the client has gone."""
        note(self.number, holds=True)
        while not os.path.exists(os.path.join(directory, "go")):
            # A client says nothing more before the answer, unless that it goes.
            if select.select([self.connection], [], [], LOOK)[0] and not self.connection.recv(1):
                raise Gone

    def begin(self, status, more):
        self.send_response(status)
        for name, value in [("request-id", "req_made_up"), ("x-request-id", "req_made_up"), *more]:
            self.send_header(name, value)
        self.end_headers()

    def reply(self, status, value, more=()):
        body = json.dumps(value).encode()
        self.begin(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more])
        if self.command != "HEAD":
            self.wfile.write(body)


serve(directory, Handler, ("anthropic", "openai", "google"), tls=True)
