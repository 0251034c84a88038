"""What `mailwatch check` says and ends with, of real servers on loopback."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from mailwatch.cli.main import main

Serve = Callable[[timedelta], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts an SMTPS server with a certificate good for so long."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(good_for: timedelta) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        until = datetime.now(UTC) + good_for
        since = until - timedelta(days=90)
        trustme.CA().issue_cert("127.0.0.1", not_before=since, not_after=until).configure_cert(
            context
        )
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=_smtps, args=(listener, context), daemon=True)
        thread.start()
        listeners.append(listener)
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(20)


def _smtps(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as link:
            link.settimeout(20)
            link.sendall(b"220 mail.example.org\r\n")
            for line in link.makefile("rb"):
                quits = line.upper().startswith(b"QUIT")
                link.sendall(b"221 bye\r\n" if quits else b"250 mail.example.org\r\n")


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., int]:
    """Return `mailwatch check` of one SMTPS service, with no file and no variable of the host."""

    def run(port: int, *words: str) -> int:
        services = f'services=[{{name="SMTPS",port={port},host="127.0.0.1"}}]'
        return main(["check", "--config", str(empty), "--once", "--set", services, *words])

    empty = tmp_path / "mailwatch.toml"
    empty.touch()
    return run


@pytest.mark.parametrize(
    ("good_for", "code", "words"),
    [
        (timedelta(days=60), 0, "MAILWATCH OK - 1 of 1 services answer |"),
        (
            timedelta(days=9, hours=12),
            1,
            "MAILWATCH WARNING - 1 of 1 services answer; a certificate expires in 9 days |",
        ),
        (
            timedelta(days=-2, hours=-1),
            1,
            "MAILWATCH WARNING - 1 of 1 services answer; a certificate expired 2 days ago |",
        ),
    ],
    ids=["good", "soon", "expired"],
)
def test_a_certificate_that_expires_soon_is_a_warning(
    good_for: timedelta,
    code: int,
    words: str,
    serve: Serve,
    check: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The service answers, so it is no failure, but the exit code makes somebody look."""
    port = serve(good_for)
    assert check(port) == code
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(words)
    assert len(others) == code
    assert all(f"SMTPS:{port}: its certificate expire" in line for line in others)


def test_the_json_says_which_one(
    serve: Serve, check: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A program finds the moment, and whether that is soon."""
    assert check(serve(timedelta(days=3)), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    (service,) = told["services"]
    assert (told["result"], service["verdict"]) == ("warning", "pass")
    assert service["expires_soon"] is True
    assert service["certificate_expires"] > datetime.now(UTC).timestamp()


def test_the_days_are_the_admins(serve: Serve, check: Callable[..., int]) -> None:
    """certificate_days moves the border, and 0 takes it away."""
    port = serve(timedelta(days=3))
    assert check(port, "--set", "watch.certificate_days=2") == 0
    assert check(port, "--set", "watch.certificate_days=0") == 0
    assert check(port, "--set", "watch.certificate_days=4") == 1


def test_a_failure_counts_for_more_than_a_certificate(check: Callable[..., int]) -> None:
    """With nobody at home the exit code is `critical`."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert check(nobody.getsockname()[1]) == 2


def test_a_locale_without_the_servers_letters_ends_nothing(
    check: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitoring system that runs it in ISO 8859-1 gets the words, with a code for a dash."""
    out = io.BytesIO()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f'services=[{{name="SMTP",port={listener.getsockname()[1]},host="127.0.0.1"}}]'
        asked = threading.Thread(target=_refuse, args=(listener, "554 gesperrt \u2013 für Sie"))
        asked.start()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, "iso-8859-1"))
        assert check(0, "--set", place) == 2
        asked.join(20)
    assert "gesperrt \\u2013 für Sie" in out.getvalue().decode("iso-8859-1")


def _refuse(listener: socket.socket, words: str) -> None:
    with listener.accept()[0] as link:
        link.sendall(f"{words}\r\n".encode())
