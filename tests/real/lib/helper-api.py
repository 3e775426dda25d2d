"""Two stand-ins on loopback for the scripts of the helpers' clients, `own` and `stranger`: each is a Messages API (Anthropic), a
Responses and a Chat Completions API (OpenAI), and an MCP server. The APIs want a made-up key, whichever it is. Each request is a
line of the log with all that it was given.

helper-api.py DIRECTORY: the log is DIRECTORY/log, the ports go to the FIFO DIRECTORY/ports.
"""

import http.server
import json
import os
import sys

from loopback import serve

directory = sys.argv[1]
log = open(os.path.join(directory, "log"), "a", buffering=1)
TEXT = "made-up answer"
REFUSED = b'{"type":"error","error":{"type":"authentication_error","message":"made-up refusal"}}'


def stream(events, named=True):
    """Returns server-sent events."""
    out = ""
    for name, data in events:
        out += f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" if named else f"data: {json.dumps(data)}\n\n"
    return out.encode()


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "made-up",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
MESSAGES = stream(
    [
        ("message_start", {"message": MESSAGE}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": TEXT}}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 1}}),
        ("message_stop", {}),
    ]
)
ITEM = {
    "type": "message",
    "id": "item_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
}
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
RESPONSES = stream(
    [
        ("response.created", {"response": {"id": "resp_1"}}),
        ("response.output_item.done", {"output_index": 0, "item": ITEM}),
        ("response.completed", {"response": {"id": "resp_1", "output": [ITEM], "usage": USAGE}}),
    ]
)
CHUNK = {"id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": "made-up"}
CHAT = (
    stream(
        [
            ("", {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": TEXT}, "finish_reason": None}]}),
            ("", {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        ],
        named=False,
    )
    + b"data: [DONE]\n\n"
)


def mcp(message):
    if message.get("method") == "initialize":
        version = message["params"]["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "made-up", "version": "1"}}
    return {"tools": []}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, _ = self.path.partition("?")
        given = json.dumps([self.path, self.headers.items(), body.decode(errors="replace")])
        log.write(f"{self.server.name} {self.command} {path} {given}\n")
        streams = {"/v1/messages": MESSAGES, "/v1/responses": RESPONSES, "/v1/chat/completions": CHAT}
        if self.command == "POST" and path in streams:
            if not self.has_key():
                return self.reply(401, REFUSED)
            return self.reply(200, streams[path], "text/event-stream")
        if path != "/mcp":
            return self.reply(200, b'{"object":"list","data":[],"models":[]}')
        if self.command != "POST":
            return self.reply(405)
        message = json.loads(body)
        if "id" not in message:
            return self.reply(202)
        self.reply(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": mcp(message)}).encode())

    def has_key(self):
        """Returns whether it was given any key; the scripts look which."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer").strip() or self.headers.get("x-api-key", "")
        return given.startswith("made-up")

    do_GET = do_HEAD = do_POST = do_DELETE = handle_one


serve(directory, Handler, ("own", "stranger"))
