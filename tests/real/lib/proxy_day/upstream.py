"""Stands in for a provider over TLS: its keys run out, are refused, have no credit, and come back."""

import asyncio
import json
import math
import random
import ssl
import time
from dataclasses import dataclass

from wire import chunk, message, with_length

# How long an answer takes, in seconds.
TAKES = (0.02, 0.12)
ERRORS = {401: "authentication_error", 402: "billing_error", 429: "rate_limit_error", 529: "overloaded_error"}


@dataclass
class Hit:
    """A request as it came to the provider."""

    request: str
    profile: str
    status: int
    at: float
    # Whether the whole answer was sent.
    answered: bool = False


@dataclass
class Trouble:
    """What a key gets instead of an answer."""

    status: int
    until: float = float("inf")
    # Whether it says how long it lasts.
    is_told: bool = False


class Upstream:
    def __init__(self):
        # The profile of each key that was ever valid.
        self.profiles = {}
        self.troubles = {}
        self.hits = []
        self.connections = set()
        self.chance = random.Random(19)

    async def start(self, directory):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context, backlog=512)
        return self.server.sockets[0].getsockname()[1]

    def end(self):
        self.server.close()
        for writer in self.connections:
            writer.close()

    def new_key(self, profile):
        """Makes a key that is valid from now on."""
        number = 1 + sum(there == profile for there in self.profiles.values())
        key = f"sk-ant-made-up-{profile.replace(':', '-')}-{number}-0123456789"
        self.profiles[key] = profile
        return key

    def key_of(self, profile):
        """Returns the newest key of a profile."""
        return [key for key, there in self.profiles.items() if there == profile][-1]

    def trouble(self, profile, status, lasts=float("inf"), is_told=False):
        """From now on the newest key of a profile gets this status, for a time in seconds."""
        self.troubles[self.key_of(profile)] = Trouble(status, time.time() + lasts, is_told)

    def revoke(self, key):
        self.troubles[key] = Trouble(401)

    async def serve(self, reader, writer):
        self.connections.add(writer)
        try:
            while True:
                _, headers, body = await message(reader)
                await self.answer(headers, json.loads(body), writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def answer(self, headers, asked, writer):
        now, key = time.time(), headers.get("x-api-key", "")
        trouble = self.troubles.get(key)
        if key not in self.profiles:
            trouble = Trouble(401)
        status = trouble.status if trouble and trouble.until > now else 200
        hit = Hit(asked["request"], self.profiles.get(key, "no profile's"), status, now)
        self.hits.append(hit)
        await asyncio.sleep(self.chance.uniform(*TAKES))
        told = {"request": hit.request, "profile": hit.profile}
        if status == 200 and asked.get("stream"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(3):
                writer.write(chunk(f"event: ping\ndata: {json.dumps(told)}\n\n".encode()))
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.write(chunk(b"event: message_stop\ndata: {}\n\n") + chunk(b""))
        else:
            sent = [("Content-Type", "application/json")]
            if status != 200:
                told = {"type": "error", "error": {"type": ERRORS[status], "message": "made up"}, **told}
                if trouble.is_told:
                    sent.append(("Retry-After", math.ceil(trouble.until - now)))
            writer.write(with_length(f"HTTP/1.1 {status} Made Up", sent, json.dumps(told).encode()))
        await writer.drain()
        hit.answered = True
