"""The control socket: takes one question a connection, and gives back the loop's one answer.

A connection carries one line of JSON each way: `{"ask": "status"}`, and an object back. A question
that cannot be answered gets `{"error": SENTENCE}`. Access is by file mode (root and the service's
group) and, once more, by the peer's credentials (SO_PEERCRED and SO_PEERGROUPS, socket(7)).
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailwatch.core.say import line
from mailwatch.host import threads
from mailwatch.service.queue_events import Asked

Answer = Mapping[str, Any]

NAME = "control.sock"
"""What the socket is called in the RuntimeDirectory= of the service."""

LONGEST_QUESTION = 1024
"""Bytes of a question, its line break included."""

MOST_CLIENTS = 16
"""Connections at one time; a further one takes the place of the oldest that has not asked."""

PATIENCE_S = 2.0
"""How long a peer may take to ask, and to take its answer."""

ANSWER_S = 30.0
"""How long the loop may take: a reload reads the configuration and every secret anew."""

_CREDENTIALS = struct.Struct("3i")
_SO_PEERGROUPS = 59
_GROUPS_BYTES = 1024
"""What getsockopt() of Python reads at most: 256 groups; a member of more has to be root."""


@dataclass(eq=False, slots=True)
class _Client:
    """One connection: whose it is, what it has said and has still to be sent, and until when."""

    sock: socket.socket
    user: int | None
    until: float
    heard: bytearray = field(default_factory=bytearray)
    left: bytes = b""
    asked: bool = False


class ControlSocket:
    """Listens at `path` on a thread of its own, and hands each question to `put` as Asked.

    The thread never waits for one peer: one that asks slowly, or not at all, or that does not
    take its answer, is let go of after PATIENCE_S, or once another needs its place.
    """

    def __init__(self, path: Path, put: Callable[[Asked], None]) -> None:
        self._path = path
        self._put = put
        self._clients: dict[socket.socket, _Client] = {}
        self._answers: deque[tuple[_Client, bytes]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._selector = selectors.DefaultSelector()

    def open(self) -> None:
        """Begin to listen, in the place of a socket that a process before left behind.

        Raises OSError, and RuntimeError where there is no thread to be had.
        """
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(os.fspath(self._path))
            self._path.chmod(0o660)
            listener.listen(MOST_CLIENTS)
            self._selector.register(listener, selectors.EVENT_READ)
            self._selector.register(self._ours, selectors.EVENT_READ)
            self._listener = listener
            self._thread = threads.start(self._serve, "control")
        except BaseException:
            listener.close()
            raise

    def close(self) -> None:
        """Stop listening; who still waits for an answer sees the connection end."""
        self._theirs.close()
        self._thread.join(PATIENCE_S)
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        try:
            while True:
                for key, _ in self._selector.select(self._pause_s()):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._ours:
                        if not self._woken():
                            return
                    elif client := self._clients.get(key.fileobj):  # type: ignore[call-overload]
                        self._attend(client)  # not ended meanwhile, to make room
                self._send_answers()
                self._let_go()
        finally:
            for client in list(self._clients.values()):
                self._end(client)
            self._selector.close()
            self._listener.close()
            self._ours.close()

    def _pause_s(self) -> float | None:
        if not self._clients:
            return None
        until = min(client.until for client in self._clients.values())
        return max(0.0, until - time.monotonic())

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # EMFILE and kin: it stays in the backlog, so do not spin
            time.sleep(0.1)
            return
        sock.setblocking(False)
        client = _Client(sock, _user(sock), time.monotonic() + PATIENCE_S)
        crowded = len(self._clients) >= MOST_CLIENTS and not self._make_room()
        self._clients[sock] = client
        self._selector.register(sock, selectors.EVENT_READ)
        if client.user is None:
            self._answer(client, {"error": line("control-forbidden")})
        elif crowded:
            self._answer(client, {"error": line("control-crowded")})

    def _make_room(self) -> bool:
        """End the oldest connection that has not asked; return whether there was one."""
        oldest = next((one for one in self._clients.values() if not one.asked), None)
        if oldest is not None:
            self._end(oldest)
        return oldest is not None

    def _attend(self, client: _Client) -> None:
        """Read what has come, or go on with the answer."""
        if client.left:
            self._send(client)
            return
        try:
            data = client.sock.recv(LONGEST_QUESTION)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(client)
            return
        client.heard += data
        end = client.heard.find(b"\n")
        if end >= 0:
            self._hand_over(client, bytes(client.heard[:end]))
        elif len(client.heard) >= LONGEST_QUESTION:
            self._answer(client, {"error": line("control-nonsense")})

    def _hand_over(self, client: _Client, said: bytes) -> None:
        # One question a connection: what follows it, its end too, is nothing to us.
        self._selector.unregister(client.sock)
        client.asked, client.until = True, time.monotonic() + ANSWER_S
        try:
            question = json.loads(said)
        except (ValueError, RecursionError):
            question = None
        verb = question.get("ask") if isinstance(question, dict) else None
        if not isinstance(verb, str):
            self._answer(client, {"error": line("control-nonsense")})
            return

        def reply(answer: Answer) -> None:
            self._answers.append((client, _line(answer)))
            with suppress(OSError):  # full: it is awake anyway; closed: nobody waits any more
                self._theirs.send(b"\0")

        self._put(Asked(verb, question, client.user or 0, reply))

    def _woken(self) -> bool:
        """Empty the wake-up socket; False where close() has been called."""
        try:
            while data := self._ours.recv(64):
                if len(data) < 64:
                    return True
        except BlockingIOError:
            return True
        return False

    def _send_answers(self) -> None:
        while self._answers:
            client, data = self._answers.popleft()
            if client.sock in self._clients and not client.left:
                self._begin_sending(client, data)

    def _answer(self, client: _Client, answer: Answer) -> None:
        self._begin_sending(client, _line(answer))

    def _begin_sending(self, client: _Client, data: bytes) -> None:
        client.left = data
        client.until = time.monotonic() + PATIENCE_S
        if client.sock in self._selector.get_map():
            self._selector.unregister(client.sock)
        self._selector.register(client.sock, selectors.EVENT_WRITE)
        self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            sent = client.sock.send(client.left)
        except BlockingIOError:
            return
        except OSError:
            self._end(client)
            return
        client.left = client.left[sent:]
        if not client.left:
            self._end(client)

    def _let_go(self) -> None:
        now = time.monotonic()
        for client in [one for one in self._clients.values() if one.until <= now]:
            self._end(client)

    def _end(self, client: _Client) -> None:
        del self._clients[client.sock]
        if client.sock in self._selector.get_map():
            self._selector.unregister(client.sock)
        client.sock.close()


def _line(answer: Answer) -> bytes:
    return json.dumps(answer).encode("ascii") + b"\n"


def _user(sock: socket.socket) -> int | None:
    """Return the peer's user id: root, our own user or a member of our group; else None."""
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, group = _CREDENTIALS.unpack(data)
        own = os.getegid()
        if user in (0, os.geteuid()) or group == own:
            return int(user)
        groups = array("I", sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES))
    except OSError:
        return None
    return int(user) if own in groups else None
