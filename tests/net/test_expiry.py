from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.model import Reading, Verdict
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.expiry import not_after
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Peer, Script


def _certificate(until: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1960, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "until",
    [
        datetime(2026, 12, 1, 3, 14, 2, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(1968, 6, 1, tzinfo=UTC),
    ],
    ids=str,
)
def test_the_moment_is_that_of_the_certificate(until: datetime) -> None:
    """Before and after 2050, where the form of the date changes, and for expired ones."""
    assert not_after(_certificate(until)) == until.timestamp()


def test_a_certificate_of_another_maker() -> None:
    """What trustme issues is read as cryptography reads it."""
    leaf = trustme.CA().issue_cert("mail.example.org").cert_chain_pems[0].bytes()
    parsed = x509.load_pem_x509_certificate(leaf)
    seen = not_after(parsed.public_bytes(serialization.Encoding.DER))
    assert seen == parsed.not_valid_after_utc.timestamp()


@given(st.binary(max_size=200))
def test_nonsense_has_no_moment(der: bytes) -> None:
    """Bytes that are no certificate raise nothing."""
    assert not_after(der) is None


@given(st.integers(0, 400), st.binary(max_size=4))
def test_a_damaged_certificate_raises_nothing(at: int, junk: bytes) -> None:
    """Wherever it is damaged or cut, there is a moment or none."""
    good = _CERTIFICATE
    for der in (good[:at], good[:at] + junk + good[at + len(junk) :]):
        moment = not_after(der)
        assert moment is None or isinstance(moment, float)


_CERTIFICATE = _certificate(datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize("tls", [TlsMode.IMPLICIT, TlsMode.STARTTLS])
def test_a_reading_tells_when_the_certificate_expires(
    tls: TlsMode,
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
    authority: trustme.CA,
) -> None:
    """Unverified as verified, with TLS from the start or from STARTTLS on."""
    until = datetime(2027, 2, 3, 4, 5, 6, tzinfo=UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=until).configure_cert(context)
    server = peer(smtp_server, tls=tls is TlsMode.IMPLICIT, context=context)
    reading = ask(service("SMTP", server, tls=tls))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert reading.certificate_expires == until.timestamp()


def test_a_reading_without_tls_has_no_certificate(
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
) -> None:
    """None, so that nothing is made of a certificate that nobody saw."""
    assert ask(service("SMTP", peer(smtp_server))).certificate_expires is None
