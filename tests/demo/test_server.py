"""The demo's server as a process: hung, restarted, refused, and always gone in the end."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailwatch.cli.main import main
from mailwatch.core.catalogue import Row
from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition, Fault, TargetState, Verdict
from mailwatch.core.say import say
from mailwatch.demo import server_process, story
from mailwatch.demo.moments import Moments, NoStory, Turn
from mailwatch.demo.screen import Screen
from mailwatch.demo.server_process import Server, make_certificate
from mailwatch.probes.catalogue import build
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters import RestartError
from mailwatch.restarters import catalogue as restarters
from mailwatch.restarters.catalogue import RESTARTERS, Chosen

RUNNING = TargetState(Condition.RUNNING)

Offers = Mapping[socket.socket, ServiceSettings]


@pytest.fixture
def offers() -> Iterator[Offers]:
    """All kinds of services, on ports that stay ours."""
    with ExitStack() as stack:
        names = ("SMTP", "IMAP", "HTTP", "SMTPS", "IMAPS", "HTTPS")
        yield dict(story.offer(name, stack) for name in names)


@pytest.fixture
def said() -> io.StringIO:
    """What was shown of the server."""
    return io.StringIO()


@pytest.fixture
def moments() -> Moments:
    """What was noted of the server."""
    return Moments()


@pytest.fixture
def server(offers: Offers, said: io.StringIO, moments: Moments) -> Iterator[Server]:
    """A server, not started yet."""
    certificate = make_certificate()
    assert certificate is not None
    one = Server(offers, certificate, Screen(said, broken=moments.end), moments)
    yield one
    one.close()
    os.close(certificate)


def soon() -> Deadline:
    """Return a deadline that a busy machine keeps, too."""
    return Deadline.after(120, time.monotonic)


def faults(offers: Offers, timeout_s: float) -> set[Fault | None]:
    """Ask every service through its real probe; return the kinds of failure, None for a pass."""
    found = set()
    deadline = Deadline.after(timeout_s, time.monotonic)
    with ThreadPoolExecutor(len(offers)) as pool:
        for reading in pool.map(lambda one: build(one).check(deadline), offers.values()):
            assert reading.verdict is not Verdict.UNMEASURED, reading
            found.add(reading.fault)
    return found


def test_it_answers_hangs_and_answers_again(
    server: Server, offers: Offers, said: io.StringIO, moments: Moments
) -> None:
    """Hung, every port accepts and is silent; a restart needs force and makes a new process."""
    server.start()
    first = server.pid
    assert first is not None
    assert faults(offers, 120) == {None}
    server.hang()
    assert faults(offers, 1) == {Fault.SILENT}
    assert server.inspect(soon()).condition is Condition.RUNNING
    server.restart(soon(), RUNNING)
    assert faults(offers, 120) == {None}
    assert server.pid not in (None, first)
    assert not Path(f"/proc/{first}").exists()
    assert "does not hear SIGTERM" in said.getvalue()
    assert f"is started again, as process {server.pid}" in said.getvalue()
    assert moments.between(Turn.RESTARTING, Turn.RESTARTED) >= server_process.GRACE_S


def test_a_client_of_a_hung_server_is_seen(server: Server, offers: Offers) -> None:
    """It shows when the first one waits; the moment is seen, and not reckoned."""
    server.start()
    server.hang()
    assert not server.is_waited_for(0.05)
    with socket.create_connection(next(iter(offers)).getsockname()):
        assert server.is_waited_for(120)


def test_a_healthy_server_ends_by_itself(server: Server, said: io.StringIO) -> None:
    """Where SIGTERM is heard, no force is used, and none is told of."""
    server.start()
    server.restart(soon(), RUNNING)
    assert "SIGTERM" not in said.getvalue()


def test_it_is_a_target_with_words_of_its_own(server: Server) -> None:
    """Its kind has a template, and a process that has ended is one that crashed."""
    with RESTARTERS.adding(Row("demo", server_process.__name__)):
        target = restarters.build(Chosen("demo", server_process.Settings(server))).describe().target
    assert target.key == "demo:demo-mail"
    assert say(fact(f"target-{target.kind}", name=target.name)) == "server demo-mail"
    found = server.inspect(soon())
    assert found.condition is Condition.CRASHED
    assert say(found.detail) == "the server's process has ended"


def test_closed_it_is_gone_and_cannot_come_back(server: Server) -> None:
    """Hung or not it ends at once, and no restart that is under way starts it again."""
    server.start()
    server.hang()
    pid = server.pid
    server.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(NoStory):
        server.start()
    with pytest.raises(RestartError):
        server.restart(soon(), RUNNING)
    assert server.pid is None


def test_its_ports_are_given_back(moments: Moments) -> None:
    """What was offered refuses once the demo is over."""
    with ExitStack() as stack:
        offers = dict([story.offer("SMTP", stack)])
        server = Server(offers, None, Screen(io.StringIO(), broken=moments.end), moments)
        stack.callback(server.close)
        server.start()
        assert faults(offers, 120) == {None}
    assert faults(offers, 120) == {Fault.REFUSED}


@pytest.mark.parametrize("script", [None, "exit 1", "echo nonsense"])
def test_where_openssl_makes_none_there_is_no_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    """An openssl that is missing, fails or talks nonsense: None, and no descriptor is left."""
    if script is not None:
        command = tmp_path / "openssl"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    before = set(os.listdir("/proc/self/fd"))
    assert make_certificate() is None
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_demo_without_its_server_is_one_sentence_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the story cannot begin, the reason is told, the exit code is 1, and nothing is left."""
    broken = tmp_path / "server.py"
    broken.write_text("raise SystemExit('no luck today')")
    monkeypatch.setattr(server_process, "_PROGRAM", broken)
    before = threading.active_count()
    assert main(["demo"]) == 1
    error = capsys.readouterr().err
    assert error == "The demo's mail server did not start (no luck today): try again.\n"
    assert threading.active_count() <= before


def test_a_demo_without_ports_is_one_sentence_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where loopback is down, it says so and what to look at, without a traceback."""

    def none(*_: object) -> None:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(story, "offer", none)
    assert main(["demo"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("The demo needs free ports on 127.0.0.1 and got none (Cannot assign")
