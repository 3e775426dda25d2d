#!/usr/bin/python3
"""A D-Bus proxy that makes the keychain fail at the Nth call of a client.

    dbus-cut.py LISTEN BUS          sockets' paths; the proxy listens on the first
    dbus-cut.py --silent LISTEN     accepts and never answers

Calls of all clients are counted together, since the last `arm`. Commands come on standard input, one
per line, and each is answered with a line:

    arm N ACTION [PID]   at the Nth call, before it is passed on:
                           stop PID   SIGSTOP to the daemon
                           kill PID   SIGKILL to the daemon
                           cut        every connection ends, and no new one is accepted
                           mute       the call is passed on; no more answers come back
                           hold       that call and what follows it on its connection wait for `heal`,
                                      and are passed on then, whether or not the client is still there
    count                prints how many calls there were, and whether the action was taken: `7 yes`
    heal                 cut, mute and hold end; new connections are accepted again. What was held has been
                         answered by then
"""

import os
import selectors
import signal
import socket
import struct
import sys

# Message types: D-Bus specification, "Message Format".
CALL, ANSWERS = 1, (2, 3)


class Framer:
    """Splits a stream into the client's greeting and messages."""

    def __init__(self, greeted=False):
        self.buffer = b""
        self.greeted = greeted

    def feed(self, data):
        """Yields (type, bytes) of each complete message; the greeting has type 0."""
        self.buffer += data
        while True:
            if not self.greeted:
                end = self.buffer.find(b"BEGIN\r\n")
                if end < 0:
                    # The client may be waiting for an answer of the bus, so lines are passed on as they come.
                    end = self.buffer.rfind(b"\n") + 1
                    piece, self.buffer = self.buffer[:end], self.buffer[end:]
                    if piece:
                        yield 0, piece
                    return
                size = end + len(b"BEGIN\r\n")
                self.greeted = True
                kind = 0
            else:
                if len(self.buffer) < 16:
                    return
                order = "<" if self.buffer[:1] == b"l" else ">"
                body, _, fields = struct.unpack(order + "III", self.buffer[4:16])
                size = 16 + (fields + 7) // 8 * 8 + body
                if len(self.buffer) < size:
                    return
                kind = self.buffer[1]
            piece, self.buffer = self.buffer[:size], self.buffer[size:]
            yield kind, piece


class Proxy:
    def __init__(self, listen, bus):
        self.bus = bus
        self.ready = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(listen)
        self.listener.listen(64)
        self.ready.register(self.listener, selectors.EVENT_READ, self.accept)
        self.ready.register(sys.stdin.buffer, selectors.EVENT_READ, self.order)
        self.pairs = {}
        self.count, self.at, self.action, self.pid = 0, 0, "", 0
        self.taken = self.closed = self.muted = False
        self.held = {}  # by client: the destination of its calls, and the waiting calls
        print("ready", flush=True)

    def run(self):
        while True:
            for key, _ in self.ready.select():
                # An earlier event of this round may have closed it.
                if key.fileobj.fileno() >= 0 and key.fileobj in self.ready.get_map():
                    key.data(key.fileobj)

    def order(self, stdin):
        line = stdin.readline()
        if not line:
            sys.exit(0)
        words = line.decode().split()
        if words[0] == "arm":
            self.count, self.taken = 0, False
            self.at, self.action = int(words[1]), words[2]
            self.pid = int(words[3]) if len(words) > 3 else 0
            print("armed", flush=True)
        elif words[0] == "count":
            print(self.count, "yes" if self.taken else "no", flush=True)
        elif words[0] == "heal":
            self.closed = self.muted = False
            self.at = 0
            self.let_go()
            print("healed", flush=True)
        else:
            sys.exit(f"dbus-cut: unknown order {words[0]}")

    def accept(self, listener):
        client, _ = listener.accept()
        if self.closed:
            client.close()
            return
        upstream = socket.socket(socket.AF_UNIX)
        try:
            upstream.connect(self.bus)
        except OSError:
            client.close()
            return
        self.pairs[client], self.pairs[upstream] = upstream, client
        framer = Framer()
        self.ready.register(client, selectors.EVENT_READ, lambda sock: self.forth(sock, framer))
        self.ready.register(upstream, selectors.EVENT_READ, self.back)

    def end(self, sock):
        other = self.pairs.pop(sock, None)
        if other is not None:
            self.pairs.pop(other, None)
        for one in (sock, other):
            if one is not None and one not in [upstream for upstream, _ in self.held.values()]:
                self.ready.unregister(one)
                one.close()

    def forth(self, client, framer):
        data = self.receive(client)
        if not data:
            self.end(client)
            return
        for kind, piece in framer.feed(data):
            if kind == CALL:
                self.count += 1
                if self.count == self.at:
                    self.act(client)
            if client not in self.pairs:
                return
            if client in self.held:
                self.held[client][1].append(piece)
            else:
                self.send(self.pairs[client], piece)

    def let_go(self):
        for upstream, pieces in self.held.values():
            upstream.settimeout(20)
            for piece in pieces:
                upstream.sendall(piece)
            self.await_answers(upstream, len(pieces))
            upstream.close()
        self.held = {}

    def back(self, upstream):
        data = self.receive(upstream)
        if not data:
            self.end(upstream)
        elif not self.muted:
            self.send(self.pairs[upstream], data)

    def await_answers(self, upstream, missing):
        answers, greeting = Framer(greeted=True), b""
        while missing > 0:
            data = upstream.recv(65536)
            if not data:
                return
            # Lines of the greeting may be left: no message begins with such a letter.
            data, greeting = greeting + data, b""
            while answers.buffer == b"" and data[:1] in (b"O", b"A", b"D", b"E"):
                line, end, data = data.partition(b"\n")
                if not end:
                    greeting = line
            missing -= sum(1 for kind, _ in answers.feed(data) if kind in ANSWERS)

    def act(self, client):
        self.taken = True
        if self.action == "hold":
            upstream = self.pairs[client]
            # A separate connection from here on, because the client may go away.
            self.ready.unregister(upstream)
            self.held[client] = (upstream, [])
            return
        if self.action == "stop":
            os.kill(self.pid, signal.SIGSTOP)
        elif self.action == "kill":
            os.kill(self.pid, signal.SIGKILL)
        elif self.action == "mute":
            self.muted = True
        else:
            self.closed = True
            for sock in list(self.pairs):
                if sock in self.pairs:
                    self.end(sock)

    def receive(self, sock):
        try:
            return sock.recv(65536)
        except OSError:
            return b""

    def send(self, sock, data):
        try:
            sock.sendall(data)
        except OSError:
            self.end(sock)


def silent(listen):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen)
    listener.listen(64)
    print("ready", flush=True)
    held = []
    while True:
        held.append(listener.accept())


if sys.argv[1] == "--silent":
    silent(sys.argv[2])
else:
    Proxy(sys.argv[1], sys.argv[2]).run()
