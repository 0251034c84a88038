"""The demo's server as a process: hung, restarted, refused, and always gone in the end."""

from __future__ import annotations

import argparse
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwatch.cli import demo
from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Verdict
from mailwatch.demo import server_process
from mailwatch.demo.certificate import NoCertificate, make_certificate
from mailwatch.demo.server_process import Offer, Ports, Server, ServerError
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.registry import build
from mailwatch.probes.settings import ServiceSettings

SERVICES = (
    ("SMTP", "smtp", False),
    ("IMAP", "imap", False),
    ("HTTP", "http", False),
    ("SMTPS", "smtp", True),
    ("IMAPS", "imap", True),
    ("HTTPS", "http", True),
)


@pytest.fixture
def said() -> list[str]:
    """What was told about the server."""
    return []


@pytest.fixture
def offers() -> Iterator[tuple[Offer, ...]]:
    """All kinds of services, on ports that stay ours."""
    ports = Ports(len(SERVICES))
    yield tuple(
        Offer(*service, port) for service, port in zip(SERVICES, ports.numbers, strict=True)
    )
    ports.close()


@pytest.fixture
def server(offers: tuple[Offer, ...], said: list[str]) -> Iterator[Server]:
    """A server, not started yet."""
    certificate = make_certificate()
    one = Server(offers, certificate, said.append)
    yield one
    one.close()
    os.close(certificate)


def faults(offers: tuple[Offer, ...], timeout_s: float) -> set[Fault | None]:
    """Ask every service through its real probe; return the kinds of failure, None for a pass."""
    found = set()
    for offer in offers:
        tls = TlsMode.IMPLICIT if offer.tls else TlsMode.NONE
        settings = ServiceSettings(offer.name, "127.0.0.1", offer.port, offer.protocol, tls)
        reading = build(settings).check(Deadline.after(timeout_s, time.monotonic))
        assert reading.verdict is not Verdict.UNMEASURED, reading
        found.add(reading.fault)
    return found


def test_it_answers_hangs_and_answers_again(
    server: Server, offers: tuple[Offer, ...], said: list[str]
) -> None:
    """Hung, every port accepts and is silent; a restart needs force and makes a new process."""
    server.start()
    first = server.pid
    assert first is not None
    assert faults(offers, 120) == {None}
    server.hang()
    assert faults(offers, 1) == {Fault.SILENT}
    server.restart()
    assert faults(offers, 120) == {None}
    assert server.pid not in (None, first)
    assert not Path(f"/proc/{first}").exists()
    assert "SIGTERM" in " ".join(said)


def test_a_healthy_server_ends_by_itself(server: Server, said: list[str]) -> None:
    """Where SIGTERM is heard, no force is used, and none is told of."""
    server.start()
    server.restart()
    assert said == []


def test_closed_it_is_gone_and_cannot_come_back(server: Server, offers: tuple[Offer, ...]) -> None:
    """Hung or not it ends at once; its ports then refuse, and are nobody else's."""
    server.start()
    server.hang()
    pid = server.pid
    server.close()
    assert not Path(f"/proc/{pid}").exists()
    assert faults(offers, 120) == {Fault.REFUSED}
    with pytest.raises((ServerError, RuntimeError)):
        server.start()


def test_a_port_that_is_taken_is_one_sentence(offers: tuple[Offer, ...]) -> None:
    """The server's own reason reaches the person, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server([Offer("SMTP", "smtp", False, port)], None, lambda _: None)
        with pytest.raises(ServerError) as caught:
            server.start()
        server.close()
    assert "Address already in use" in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "there is no openssl command"),
        ("exit 1", "the openssl command made none"),
        ("echo nonsense", "what openssl made is no certificate"),
    ],
)
def test_no_certificate_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, reason: str
) -> None:
    """An openssl that is missing, fails or talks nonsense: half a sentence, and no descriptor."""
    if script is not None:
        command = tmp_path / "openssl"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(NoCertificate, match=reason):
        make_certificate()
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_demo_without_its_server_is_one_sentence_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the story cannot begin, the reason is told, the exit code is 1, and nothing is left."""
    broken = tmp_path / "server.py"
    broken.write_text("raise SystemExit('no luck today')")
    monkeypatch.setattr(server_process, "_PROGRAM", broken)
    before = threading.active_count()
    assert demo.run(argparse.Namespace()) == 1
    error = capsys.readouterr().err
    assert error == "The demo's mail server did not start (no luck today): try again.\n"
    assert threading.active_count() <= before
