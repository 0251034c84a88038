from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.expiry import Expiry, expiry_of
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Peer, Script


def not_after(der: bytes) -> float | None:
    """Return when a chain of `der` alone expires."""
    found = expiry_of((der,))
    return found.expires if found else None


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


_NOW = datetime.now(UTC)
_DAY = timedelta(days=1)


class _Party:
    """Holds a certificate that `issuer`, or where that is None itself, has signed."""

    def __init__(
        self,
        name: str,
        issuer: _Party | None,
        days: float,
        kind: ObjectIdentifier | None = None,
        begins: float = -900,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name(
            [x509.NameAttribute(kind or NameOID.COMMON_NAME, name)] if name else []
        )
        by = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(by.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW + begins * _DAY)
            .not_valid_after(_NOW + days * _DAY)
            .add_extension(
                x509.BasicConstraints(ca=not name.startswith("mail."), path_length=None),
                critical=True,
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("mail.test")]), critical=False)
        )
        self.certificate = builder.sign(by.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.expires = self.certificate.not_valid_after_utc.timestamp()


def _serving(directory: Path, *chain: _Party) -> ssl.SSLContext:
    """Return the TLS of a server that shows `chain`, its own certificate first."""
    file = directory / "chain.pem"
    key = chain[0].key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(key + b"".join(one.pem for one in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _told(reading: Reading) -> tuple[float | None, str, int | None]:
    return reading.certificate_expires, reading.certificate_authority, reading.certificate_signed


_ROOT = _Party("Root", None, 3000)
_OLD_ROOT = _Party("Old Root", None, -5)
_SOON = _Party("Soon R3", _ROOT, 2)
_GONE = _Party("Gone R3", _ROOT, -1)
_FIRST = _Party("First", _ROOT, 20)
_SECOND = _Party("Second", _FIRST, 40)
_OF_OLD_ROOT = _Party("Fine", _OLD_ROOT, 90)
_ORGANISED = _Party("Caf\xe9 & Co", _ROOT, 3, NameOID.ORGANIZATION_NAME)
_CROSS = _Party("Root", _OLD_ROOT, 60)


@pytest.mark.parametrize(
    ("issuer", "more", "first", "named", "signed"),
    [
        (_SOON, [_SOON], _SOON, "Soon R3", 2),
        (_GONE, [_GONE], _GONE, "Gone R3", 2),
        (_SECOND, [_SECOND, _FIRST], _FIRST, "First", 3),
        (_SECOND, [_FIRST, _SECOND], _FIRST, "First", 3),
        (_ORGANISED, [_ORGANISED], _ORGANISED, "Caf\xe9 & Co", 2),
        (_ROOT, [_CROSS], _CROSS, "Root", 2),
        (_OF_OLD_ROOT, [_OF_OLD_ROOT, _OLD_ROOT], None, "", 2),
        (_ROOT, [], None, "", 1),
        (_ROOT, [_GONE], None, "", 1),
        (_SOON, [], None, "", 1),
        (None, [], None, "", 0),
    ],
    ids=[
        "soon",
        "gone",
        "long",
        "out of order",
        "by organisation",
        "cross-signed",
        "old root",
        "leaf alone",
        "a stray one",
        "intermediate missing",
        "self-signed",
    ],
)
def test_the_first_of_the_served_chain_to_expire_counts(
    issuer: _Party | None,
    more: list[_Party],
    first: _Party | None,
    named: str,
    signed: int,
    tmp_path: Path,
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
) -> None:
    """Unverified: not only the server's own, but no root, which clients bring, and no stray one."""
    leaf = _Party("mail.test", issuer, 80)
    server = peer(smtp_server, tls=True, context=_serving(tmp_path, leaf, *more))
    reading = ask(service("SMTPS", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert _told(reading) == ((first or leaf).expires, named, signed)


@pytest.mark.parametrize(
    ("issuer", "more", "days", "root", "named"),
    [
        (_SOON, [_SOON], 80, _ROOT, None),
        (_GONE, [_GONE], 80, _ROOT, "Gone R3"),
        (_FIRST, [_FIRST], -1, _ROOT, ""),
        (_OF_OLD_ROOT, [_OF_OLD_ROOT], 80, _OLD_ROOT, "Old Root"),
        (_SOON, [], 80, _ROOT, ""),
    ],
    ids=["well", "intermediate", "leaf", "root", "incomplete"],
)
def test_a_verified_chain_blames_the_one_that_has_expired(
    issuer: _Party,
    more: list[_Party],
    days: float,
    root: _Party,
    named: str | None,
    tmp_path: Path,
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
) -> None:
    """Whoever reads "has expired" looks at the server's own certificate, which may be well."""
    leaf = _Party("mail.test", issuer, days)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(root.pem)
    server = peer(smtp_server, tls=True, context=_serving(tmp_path, leaf, *more))
    settings = service("SMTPS", server, verify=True, ca_file=ca_file, server_name="mail.test")
    reading = ask(settings)
    if named is None:
        assert reading.verdict is Verdict.PASS, reading.detail
        assert _told(reading) == (_SOON.expires, "Soon R3", 2)
    else:
        assert reading.fault is Fault.CERTIFICATE
        assert reading.detail.get("authority") == (named or None)
        assert named in say(reading.detail)


@pytest.mark.parametrize(
    ("begins", "days", "code", "args"),
    [
        (-900, -3.5, "certificate-expired", {"ended_s": 3 * 86400.0}),
        (2.5, 80, "certificate-not-yet", {"begins_s": 2 * 86400.0}),
    ],
)
def test_a_certificate_that_its_dates_refuse_says_by_how_much(
    begins: float,
    days: float,
    code: str,
    args: dict[str, float],
    tmp_path: Path,
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
) -> None:
    """The clock may be what is wrong, and who judges that has to know how far off it would be."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(_ROOT.pem)
    leaf = _Party("mail.test", _ROOT, days, begins=begins)
    server = peer(smtp_server, tls=True, context=_serving(tmp_path, leaf))
    settings = service("SMTPS", server, verify=True, ca_file=ca_file, server_name="mail.test")
    reading = ask(settings)
    assert (reading.fault, reading.detail.code) == (Fault.CERTIFICATE, code)
    assert args.items() <= dict(reading.detail.args).items()


def test_a_chain_that_has_not_changed_is_read_once() -> None:
    """The same bytes come every two minutes from every service."""
    chain = (_Party("mail.test", _SOON, 80).der, _SOON.der)
    before = expiry_of.cache_info().misses
    assert expiry_of(chain) == expiry_of(tuple(bytes(bytearray(der)) for der in chain))
    assert expiry_of.cache_info().misses == before + 1


@pytest.mark.parametrize(
    "chain",
    [(), (b"",), (b"nonsense", _SOON.der)],
    ids=["none", "empty", "nonsense first"],
)
def test_a_chain_without_a_certificate_of_the_server_tells_nothing(
    chain: tuple[bytes, ...],
) -> None:
    """Nothing is made of it."""
    assert expiry_of(chain) is None


def test_authorities_that_sign_each_other_end(tmp_path: Path) -> None:
    """A chain that leads back to itself is read once around, as is one without names."""
    one, two = _Party("One", None, 9), _Party("Two", None, 8)
    one_by_two, two_by_one = _Party("One", two, 7), _Party("Two", one, 6)
    leaf = _Party("mail.test", one, 80)
    assert expiry_of((leaf.der, one_by_two.der, two_by_one.der)) == Expiry(
        two_by_one.expires, "Two", 3
    )
    nameless = _Party("", _ROOT, 3)
    leaf = _Party("mail.test", nameless, 80)
    assert expiry_of((leaf.der, nameless.der)) == Expiry(nameless.expires, "without a name", 2)


def test_a_reading_without_tls_has_no_certificate(
    peer: Callable[..., Peer],
    service: Callable[..., ServiceSettings],
    ask: Callable[..., Reading],
    smtp_server: Script,
) -> None:
    """None, so that nothing is made of a certificate that nobody saw."""
    assert ask(service("SMTP", peer(smtp_server))).certificate_expires is None
