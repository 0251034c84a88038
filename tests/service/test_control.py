"""The control socket, on a real socket, against peers that mean no good."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mailwatch.service import control
from mailwatch.service.control import LONGEST_QUESTION, MOST_CLIENTS, ControlSocket
from mailwatch.service.queue_events import Asked

PATIENCE_S = 60.0
Connect = Callable[[], socket.socket]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of the socket."""
    return tmp_path / "control.sock"


@pytest.fixture
def asked() -> list[Asked]:
    """Give what reached the loop without being answered."""
    return []


@pytest.fixture
def connect(path: Path, asked: list[Asked]) -> Iterator[Connect]:
    """Give a way to a service that echoes each question but `wait`, which it keeps."""

    def put(event: Asked) -> None:
        asked.append(event)
        if event.verb != "wait":
            event.reply({"verb": event.verb})

    listening = ControlSocket(path, put)
    listening.open()
    opened: list[socket.socket] = []

    def once() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        opened.append(sock)
        # Blocking: with a timeout, a backlog that is full for a moment is an error (unix(7)).
        sock.connect(str(path))
        sock.settimeout(PATIENCE_S)
        return sock

    yield once
    for sock in opened:
        sock.close()
    listening.close()
    assert not path.exists(), "a service that has ended leaves no socket behind"


def hear(sock: socket.socket) -> Any:
    """Return the answer, None where the connection just ends."""
    data = b""
    with suppress(ConnectionResetError):  # closed with a question of ours unread
        while chunk := sock.recv(65536):
            data += chunk
    return json.loads(data) if data else None


def say(sock: socket.socket, data: bytes) -> Any:
    """Send `data`, and return the answer."""
    with suppress(BrokenPipeError):  # answered and closed before a word was said
        sock.sendall(data)
    return hear(sock)


def test_one_question_and_one_answer(connect: Connect, asked: list[Asked]) -> None:
    """Whole or in pieces, with or without an end of the asker's half; our own user id is told."""
    assert say(connect(), b'{"ask": "status"}\n') == {"verb": "status"}
    pieces = connect()
    for piece in (b'{"ask":', b' "pause"', b"}\n"):
        pieces.sendall(piece)
    pieces.shutdown(socket.SHUT_WR)
    assert hear(pieces) == {"verb": "pause"}
    assert {event.user for event in asked} == {os.getuid()}


def test_only_the_owner_and_the_group_may_ask(connect: Connect, path: Path) -> None:
    """The mode of the socket says so; the directory of the unit does it too."""
    connect()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_stranger_is_refused(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets at the socket all the same is known by the credentials of the peer."""
    monkeypatch.setattr(control, "_user", lambda _sock: None)
    assert "sudo" in say(connect(), b'{"ask": "status"}\n')["error"]


@pytest.mark.parametrize(
    "data", [b"\n", b"status\n", b"[]\n", b'{"ask": 1}\n', b"[" * 1000 + b"\n", b"\xff\xfe\n"]
)
def test_nonsense_is_refused_in_a_sentence(data: bytes, connect: Connect) -> None:
    """And never reaches the loop."""
    assert "does not understand" in say(connect(), data)["error"]


def test_a_question_without_an_end_is_refused(connect: Connect) -> None:
    """No peer can make the service keep more than one bounded line."""
    assert "does not understand" in say(connect(), b"x" * LONGEST_QUESTION)["error"]


def test_who_says_nothing_makes_room(connect: Connect, asked: list[Asked]) -> None:
    """With all places taken, the next takes that of the oldest that has not asked."""
    waiting = connect()
    waiting.sendall(b'{"ask": "wait"}\n')
    silent = [connect() for _ in range(MOST_CLIENTS)]
    assert say(connect(), b'{"ask": "status"}\n') == {"verb": "status"}
    assert [hear(sock) for sock in silent[:2]] == [None, None]
    asked[0].reply({"verb": "wait"})
    assert hear(waiting) == {"verb": "wait"}


def test_as_many_as_wait_for_an_answer_are_served(connect: Connect, asked: list[Asked]) -> None:
    """One more is told so, and nobody loses the answer that is to come."""
    waiting = [connect() for _ in range(MOST_CLIENTS)]
    for sock in waiting:
        sock.sendall(b'{"ask": "wait"}\n')
    patience = time.monotonic() + PATIENCE_S
    while len(asked) < MOST_CLIENTS and time.monotonic() < patience:
        time.sleep(0.01)
    assert "too much" in say(connect(), b'{"ask": "status"}\n')["error"]
    for event in asked:
        event.reply({"verb": "wait"})
    assert [hear(sock) for sock in waiting] == [{"verb": "wait"}] * MOST_CLIENTS


def test_who_says_nothing_is_let_go_of(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody needs the place, too."""
    monkeypatch.setattr(control, "PATIENCE_S", 0.1)
    assert hear(connect()) is None


def test_an_asker_that_is_gone_gets_no_answer(connect: Connect, asked: list[Asked]) -> None:
    """The answer that comes late goes nowhere, and the next asker gets its own."""
    gone = connect()
    gone.sendall(b'{"ask": "wait"}\n')
    patience = time.monotonic() + PATIENCE_S
    while not asked and time.monotonic() < patience:
        time.sleep(0.01)
    gone.close()
    asked[0].reply({"verb": "late"})
    assert say(connect(), b'{"ask": "status"}\n') == {"verb": "status"}


def test_answers_may_come_from_any_thread_and_in_any_order(
    connect: Connect, asked: list[Asked]
) -> None:
    """Each asker gets its own, long ones too."""
    askers = [connect() for _ in range(4)]
    for number, sock in enumerate(askers):
        sock.sendall(json.dumps({"ask": "wait", "number": number}).encode() + b"\n")
    patience = time.monotonic() + PATIENCE_S
    while len(asked) < 4 and time.monotonic() < patience:
        time.sleep(0.01)
    for event in reversed(asked):
        answer = {"number": event.question["number"], "long": "x" * 1_000_000}
        threading.Thread(target=event.reply, args=(answer,)).start()
    assert [hear(sock)["number"] for sock in askers] == [0, 1, 2, 3]


def test_a_socket_left_by_a_killed_service_is_replaced(path: Path) -> None:
    """A start never fails for what the last process left."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    listening = ControlSocket(path, lambda asked: asked.reply({}))
    listening.open()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        assert say(sock, b'{"ask": "status"}\n') == {}
    listening.close()
