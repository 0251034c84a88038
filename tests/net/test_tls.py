from __future__ import annotations

import hashlib
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Attempts
from mailwatch.core.say import say
from mailwatch.net import tls
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.engine import run
from mailwatch.probes.catalogue import build
from mailwatch.probes.settings import ServiceSettings
from mailwatch.service.prober import one_round

if TYPE_CHECKING:
    from tests.probes.conftest import Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def test_an_unknown_certificate_is_no_fault_unless_asked(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """Local servers sign their certificates themselves: by default nothing is verified."""
    server = peer(smtp_server, tls=True)
    assert ask(service("SMTPS", server)).verdict is Verdict.PASS
    reading = ask(service("SMTPS", server, verify=True))
    assert reading.fault is Fault.CERTIFICATE
    assert say(reading.detail).startswith("the certificate was refused: ")


@pytest.mark.parametrize("server_name", [None, "mail.example.org"])
def test_a_certificate_of_our_authority_is_accepted(
    server_name: str | None,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
    ca_file: Path,
) -> None:
    """With a CA file the certificate is verified for the server name, else for the address."""
    server = peer(smtp_server, tls=True)
    reading = ask(service("SMTPS", server, verify=True, ca_file=ca_file, server_name=server_name))
    assert reading.verdict is Verdict.PASS, reading.detail


def test_a_certificate_for_another_name_is_refused(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script, ca_file: Path
) -> None:
    """Who signed is not enough: the name must be right too."""
    reading = ask(
        service(
            "SMTPS",
            peer(smtp_server, tls=True),
            verify=True,
            ca_file=ca_file,
            server_name="other.example.org",
        )
    )
    assert reading.fault is Fault.CERTIFICATE
    assert "other.example.org" in say(reading.detail)


def test_the_dot_of_the_root_is_no_part_of_a_certificate(
    ca_file: Path, peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """Whoever writes a name in full, so that no search list is tried, has it verified as usual."""
    server = peer(smtp_server, tls=True)
    name = "mail.example.org."
    reading = ask(service("SMTPS", server, verify=True, ca_file=ca_file, server_name=name))
    assert reading.verdict is Verdict.PASS, reading.detail


def test_starttls_verifies_too(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """verify holds for STARTTLS as for TLS from the first byte."""
    reading = ask(service("SMTP", peer(smtp_server), tls=TlsMode.STARTTLS, verify=True))
    assert reading.fault is Fault.CERTIFICATE


@pytest.mark.parametrize(
    ("host", "server_name", "sent"),
    [
        ("127.0.0.1", None, None),
        ("127.0.0.1", "mail.example.org", "mail.example.org"),
        ("127.0.0.1", "mail.example.org.", "mail.example.org"),
        ("localhost", None, "localhost"),
    ],
)
def test_the_name_that_is_asked_for(
    host: str,
    server_name: str | None,
    sent: str | None,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
    authority: trustme.CA,
) -> None:
    """The handshake names the server, but never an address (RFC 6066 section 3)."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    server = peer(smtp_server, tls=True, context=context)
    reading = ask(service("SMTPS", server, host=host, server_name=server_name))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert asked == [sent]


@pytest.mark.parametrize(
    ("alert", "nameless", "named"),
    [
        ("UNRECOGNIZED_NAME", "tls-name-wanted", "tls-name-unknown"),
        ("INTERNAL_ERROR", "tls-refused-or-name-wanted", "tls-failed"),
        ("HANDSHAKE_FAILURE", "tls-refused-or-name-wanted", "tls-failed"),
        ("ACCESS_DENIED", "tls-refused-or-name-wanted", "tls-failed"),
        ("INSUFFICIENT_SECURITY", "tls-failed", "tls-failed"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_refused_for_want_of_a_name_asks_for_server_name(
    version: ssl.TLSVersion,
    alert: str,
    nameless: str,
    named: str,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
    authority: trustme.CA,
) -> None:
    """So servers of several names answer the usual 127.0.0.1, and minimum_tls is no cure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    authority.issue_cert("mail.example.org").configure_cert(context)

    def choose(_sock: object, name: str | None, _context: object) -> int | None:
        right = name == "mail.example.org"
        return None if right else ssl.AlertDescription[f"ALERT_DESCRIPTION_{alert}"]

    context.sni_callback = choose
    server = peer(smtp_server, tls=True, context=context)
    for name, code in ((None, nameless), ("other.example.org", named)):
        reading = ask(service("SMTPS", server, server_name=name))
        assert reading.detail.code == code
        assert ("server_name" in say(reading.detail)) == (code != "tls-failed")
        assert "minimum_tls" not in say(reading.detail)
        # A server that knows its names is not sick.
        assert reading.fault is (Fault.RULE if alert == "UNRECOGNIZED_NAME" else Fault.TLS)
    reading = ask(service("SMTPS", server, server_name="mail.example.org"))
    assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file or directory"),
        ("", "it holds no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PEM certificate"),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_our_own_fault(
    content: str | None,
    words: str,
    tmp_path: Path,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
) -> None:
    """A broken CA file says nothing about the service, and is named."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    reading = ask(service("SMTPS", peer(smtp_server, tls=True), verify=True, ca_file=path))
    assert reading.verdict is Verdict.UNMEASURED
    assert words in say(reading.detail)
    assert str(path) in say(reading.detail)


@pytest.mark.parametrize("name", [".", "a" * 64 + ".example", "..", "mail\x00example"])
def test_a_server_name_that_cannot_be_sent_is_our_own_fault(
    name: str, peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """A server name that TLS has no way to ask for never counts against the service."""
    settings = service("SMTPS", peer(smtp_server, tls=True), server_name=name)
    reading = ask(settings)
    assert reading.verdict is Verdict.UNMEASURED
    assert "check server_name of this service" in say(reading.detail)


@pytest.mark.parametrize("verify", [False, True])
def test_a_pinned_certificate(
    verify: bool,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
    authority: trustme.CA,
    ca_file: Path,
) -> None:
    """A fingerprint admits one certificate alone, and a fault names the one that was shown."""
    leaf = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    pin = hashlib.sha256(der).hexdigest()
    server = peer(smtp_server, tls=True, context=context)
    more = {"verify": verify, "ca_file": ca_file if verify else None}
    assert ask(service("SMTPS", server, fingerprint=pin, **more)).verdict is Verdict.PASS
    reading = ask(service("SMTPS", server, fingerprint="0" * 64, **more))
    assert reading.fault is Fault.CERTIFICATE
    assert say(reading.detail).endswith(f"its SHA-256 is {pin}")
    assert reading.certificate_expires is not None


def _settings(**more: object) -> ServiceSettings:
    return ServiceSettings("SMTPS", "127.0.0.1", 465, probe="smtp", tls=TlsMode.IMPLICIT, **more)  # type: ignore[arg-type]  # each by its name


def context_for(settings: ServiceSettings) -> ssl.SSLContext:
    """Return the context that a check would have."""
    return run(tls.context_for(settings, Deadline.after(60, time.monotonic)))


def test_a_ca_file_on_a_disk_that_hangs_keeps_no_other_check(
    peer: MakePeer, service: Settings, smtp_server: Script, tmp_path: Path
) -> None:
    """A read that never ends blocks a thread of its own, and not the one that asks all services."""
    fifo = tmp_path / "ca.pem"
    os.mkfifo(fifo)
    server = peer(smtp_server, tls=True)
    stuck = service("SMTPS", server, verify=True, ca_file=fifo)
    well = replace(service("SMTPS", server), name="WELL")
    try:
        readings = one_round([build(stuck), build(well)], Attempts(1, timeout_s=1.0, delay_s=0.0))
    finally:
        with fifo.open("wb"):  # let the reader go
            pass
    late, passed = readings
    assert late.verdict is Verdict.UNMEASURED
    assert "could not be read in time" in say(late.detail)
    assert passed.verdict is Verdict.PASS


def test_a_context_is_built_once(ca_file: Path) -> None:
    """All services with the same wishes share one context."""
    assert context_for(_settings()) is context_for(_settings(server_name="other"))
    verified = _settings(verify=True, ca_file=ca_file)
    assert context_for(verified) is context_for(verified)
    assert context_for(verified) is not context_for(_settings())
    assert context_for(_settings(verify=True)) is context_for(_settings(verify=True))


def test_a_ca_file_that_changed_is_read_again(tmp_path: Path) -> None:
    """A renewed authority counts from the next check on, without a reload."""
    path = tmp_path / "ca.pem"
    settings = _settings(verify=True, ca_file=path)
    trustme.CA().cert_pem.write_to_path(str(path))
    first = context_for(settings)
    renewed = tmp_path / "renewed.pem"
    trustme.CA().cert_pem.write_to_path(str(renewed))
    renewed.rename(path)
    second = context_for(settings)
    assert second is not first
    assert second.get_ca_certs() != first.get_ca_certs()
