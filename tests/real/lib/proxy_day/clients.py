"""Clients of the proxy: each has a connection and a token, and asks again and again."""

import asyncio
import json
import random
import time
from dataclasses import dataclass

from wire import message, with_length

# How long a client waits before its next request, in seconds.
PAUSE = (0.2, 0.8)
# How long an answer may take, in seconds.
PATIENCE = 30


@dataclass
class Answer:
    """What became of a request."""

    request: str
    begun: float
    ended: float
    status: int
    body: str


class Clients:
    def __init__(self, port, tokens):
        self.port, self.tokens = port, tokens
        self.answers, self.lost = [], []
        self.is_over = False
        self.running = []

    def start(self, count):
        self.running = [asyncio.create_task(self.client(number)) for number in range(count)]

    async def end(self):
        """Ends after the requests that run."""
        self.is_over = True
        await asyncio.gather(*self.running)

    async def client(self, number):
        chance = random.Random(number)
        token = self.tokens[number % len(self.tokens)]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        asked = 0
        await asyncio.sleep(chance.uniform(0, PAUSE[1]))
        while not self.is_over:
            asked += 1
            request = f"{number}-{asked}"
            body = {"model": "claude-made-up", "request": request, "stream": chance.random() < 0.3}
            headers = [("Host", f"127.0.0.1:{self.port}"), ("x-api-key", token), ("Content-Type", "application/json")]
            begun = time.time()
            try:
                writer.write(with_length("POST /anthropic/v1/messages HTTP/1.1", headers, json.dumps(body).encode()))
                first, _, answer = await asyncio.wait_for(message(reader), PATIENCE)
                status = int(first.split()[1])
                self.answers.append(Answer(request, begun, time.time(), status, answer.decode()))
            except (OSError, EOFError, TimeoutError, asyncio.TimeoutError, ValueError) as error:
                self.lost.append((request, repr(error)))
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.sleep(chance.uniform(*PAUSE))
        writer.close()
