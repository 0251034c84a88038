"""Servers that would keep OpenSSL busy past any deadline, or ask it to begin anew."""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.model import Fault, Phase, Reading
from mailwatch.core.say import say
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.hello import FirstMessage
from mailwatch.probes.catalogue import build
from mailwatch.probes.settings import ServiceSettings
from tests.probes.conftest import attempt

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl(1)")

Serve = Callable[..., "Server"]


class Server:
    """An `openssl s_server` on a free port of loopback; what it is told is its standard input."""

    def __init__(self, certificate: Path, options: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate,
             "-crlf", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.port = int(self._wait_for(b"ACCEPT").rpartition(b":")[2])
        self._telling = threading.Thread(target=lambda: None)
        self._telling.start()

    def _wait_for(self, word: bytes) -> bytes:
        assert self._process.stdout
        for line in self._process.stdout:
            if word in line:
                return line
        raise AssertionError(f"openssl s_server ended before {word!r}")

    def tell_when_connected(self, *lines: str) -> None:
        """Send `lines` to the client once the handshake is done; `r` and `k` are orders."""

        def tell() -> None:
            assert self._process.stdin
            try:
                self._wait_for(b"CIPHER is")
                for line in lines:
                    self._process.stdin.write(f"{line}\n".encode())
                    self._process.stdin.flush()
                    time.sleep(0.002)  # an order counts at the beginning of what it reads at once
            except (BrokenPipeError, AssertionError):
                pass  # the client, or the server itself, has gone

        self._telling = threading.Thread(target=tell, daemon=True)
        self._telling.start()

    def ask(self, within_s: float = 60) -> Reading:
        """Return how a probe of SMTP finds it; the test fails where that outlives its deadline."""
        settings = ServiceSettings(
            "SMTPS", "127.0.0.1", self.port, probe="smtp", tls=TlsMode.IMPLICIT
        )
        began = time.monotonic()
        reading = attempt(build(settings), within_s)
        assert time.monotonic() - began < within_s + 20
        return reading

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._telling.join()
        assert self._process.stdout
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            assert self._process.stdin
            self._process.stdin.close()


@pytest.fixture
def serve(authority: trustme.CA, tmp_path: Path) -> Iterator[Serve]:
    """Return a maker of servers: `serve("-tls1_2")`."""
    certificate = tmp_path / "server.pem"
    authority.issue_cert(
        "127.0.0.1", key_type=trustme.KeyType.RSA
    ).private_key_and_cert_chain_pem.write_to_path(certificate)
    servers: list[Server] = []

    def make(*options: str) -> Server:
        servers.append(Server(certificate, options))
        return servers[-1]

    yield make
    for one in servers:
        one.close()


def _integer(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(raw) + raw


def _length(raw: bytes) -> bytes:
    return b"\x82" + len(raw).to_bytes(2, "big") if len(raw) > 127 else bytes([len(raw)])


def _parameters(path: Path) -> Path:
    """Write Diffie-Hellman parameters of 9,984 bits, which no server needs to be in good faith."""
    modulus = 1 << 9983 | random.Random(4).getrandbits(9983) | 1
    numbers = _integer(modulus) + _integer(2)
    text = base64.encodebytes(b"\x30" + _length(numbers) + numbers).decode()
    path.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")
    return path


def test_parameters_of_the_servers_own_are_not_reckoned_with(serve: Serve, tmp_path: Path) -> None:
    """A key in a finite field of 9,984 bits takes 0.8 s of one call, so none is offered."""
    options = ("-tls1_2", "-cipher", "DHE", "-dhparam", str(_parameters(tmp_path / "dh.pem")))
    reading = serve(*options).ask()
    assert reading.fault is Fault.TLS
    assert "handshake failure" in say(reading.detail)


def test_a_finite_field_of_the_standard_is_not_reckoned_with(serve: Serve) -> None:
    """TLS 1.3 offers those of RFC 7919, of which the largest takes 0.15 s of one call."""
    reading = serve("-tls1_3", "-groups", "ffdhe8192").ask()
    assert reading.fault is Fault.TLS
    assert say(reading.detail).startswith("asked for a finite-field key exchange")


@pytest.mark.parametrize(
    "options",
    [
        ("-tls1_3",),
        ("-tls1_3", "-groups", "P-384"),
        ("-tls1_3", "-groups", "P-521:ffdhe8192"),
        ("-tls1_2", "-cipher", "ECDHE", "-groups", "P-256"),
        ("-tls1_2", "-cipher", "AES128-SHA"),
        ("-tls1_2", "-cipher", "AES256-GCM-SHA384"),
    ],
    ids="-".join,
)
def test_what_mail_servers_have_is_still_spoken(options: tuple[str, ...], serve: Serve) -> None:
    """Elliptic curves, also after a HelloRetryRequest, and in TLS 1.2 the exchange by RSA."""
    server = serve(*options)
    server.tell_when_connected("220 mail.example.org", "250 mail.example.org", "221 bye")
    reading = server.ask()
    assert Phase.TLS in reading.phases, reading.detail
    assert reading.fault is None or Phase.GREETING in reading.phases, reading.detail


@pytest.mark.parametrize("order", ["r", "R"])
def test_renegotiation_ends_on_time_with_a_plain_fault(order: str, serve: Serve) -> None:
    """A server that asks to begin anew in TLS 1.2 is not followed, however often it asks."""
    server = serve("-tls1_2")
    server.tell_when_connected(*[order] * 50)
    reading = server.ask()
    assert reading.fault is Fault.TLS, reading
    assert reading.detail


def test_new_keys_again_and_again_end_on_time(serve: Serve) -> None:
    """A KeyUpdate of TLS 1.3 is no word of the greeting."""
    server = serve("-tls1_3")
    server.tell_when_connected(*["k", "K"] * 100)
    assert server.ask(within_s=3).fault is Fault.SILENT


RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def _hello(random_: bytes, group: int, padding: int) -> bytes:
    """Return a ServerHello with a cookie of `padding` bytes before the key share."""
    cookie = b"\x00\x2c" + padding.to_bytes(2, "big") + bytes(padding)
    share = b"\x00\x33\x00\x02" + group.to_bytes(2, "big")
    extensions = b"\x00\x2b\x00\x02\x03\x04" + cookie + share
    body = b"\x03\x03" + random_ + b"\x20" + bytes(32) + b"\x13\x01\x00"
    body += len(extensions).to_bytes(2, "big") + extensions
    return b"\x02" + len(body).to_bytes(3, "big") + body


@given(
    retry=st.booleans(),
    group=st.sampled_from([0x0017, 0x001D, 0x0100, 0x0104, 0x01FF, 0x11EC]),
    padding=st.integers(0, 300),
    record=st.integers(1, 500),
    chunk=st.integers(1, 700),
)
def test_the_request_is_seen_however_it_is_cut(
    retry: bool, group: int, padding: int, record: int, chunk: int
) -> None:
    """In records and segments of any length, and never where it is none."""
    message = _hello(RETRY if retry else bytes(32), group, padding)
    cut = [message[at : at + record] for at in range(0, len(message), record)]
    # A server in middlebox mode also sends ChangeCipherSpec, which is no part of it.
    stream = b"".join(b"\x16\x03\x03" + len(one).to_bytes(2, "big") + one for one in cut)
    stream += b"\x14\x03\x03\x00\x01\x01" + b"\x17\x03\x03\x00\x05hello"
    first = FirstMessage()
    seen = [
        first.wants_finite_field(stream[at : at + chunk]) for at in range(0, len(stream), chunk)
    ]
    assert seen.count(True) == (retry and 0x0100 <= group < 0x0200)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_upset_it(parts: list[bytes]) -> None:
    """Whatever a peer sends, OpenSSL is the one to say that it is no TLS."""
    first = FirstMessage()
    for part in parts:
        first.wants_finite_field(part)
    FirstMessage().wants_finite_field(
        b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + RETRY + b"".join(parts)
    )
