"""The catalogue of probes: a new protocol is one file and one row here.

The module of a probe offers `PROBE`, a Check that is made from ServiceSettings. It may offer
`Settings` and `KEYS`, what a service says to this probe alone; `judge(at, service, given)`, what
single values cannot show; `warn(at, service)`, what works but should not stay so; `ends(service)`,
whom it asks, where that is not the service alone; `REHEARSAL`, a Check that does the same and
leaves nothing behind; and `examine(service, ground)`, its check in the doctor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.net.endpoint import TlsMode

if TYPE_CHECKING:
    from mailwatch.probes.probe import Check
    from mailwatch.probes.settings import ServiceSettings

PORT = "port"
"""It asks a port; any other has neither port nor TLS, and restarts nothing by default."""

LOGIN = "login"
"""Its protocol has a login."""

STARTTLS = "starttls"
"""Its protocol has a command to begin TLS."""

PACED = "paced"
"""Servers turn away who opens too many of its connections in a second."""

FLAT = "flat"
"""In the digests of version 0.2.0 its settings stand among those of the service."""

_PLAIN, _TLS = TlsMode.NONE, TlsMode.IMPLICIT
_MAIL = frozenset({PORT, LOGIN, STARTTLS})


@dataclass(frozen=True, slots=True)
class Usual:
    """A service as it is usually found: its well-known name, when TLS begins, and its port.

    Without a name it says only which port a probe asks where nobody names one.
    """

    name: str
    tls: TlsMode
    port: int


@dataclass(frozen=True, slots=True)
class ProbeRow(Row):
    """A probe, and the services that speak its protocol."""

    usual: tuple[Usual, ...] = ()


def _row(name: str, abilities: frozenset[str], *usual: Usual) -> ProbeRow:
    return ProbeRow(name, f"mailwatch.probes.{name}", abilities, usual)


PROBES = Catalogue(
    "probe",
    (
        _row("canary", _MAIL | {PACED}, Usual("", _PLAIN, 587), Usual("", _TLS, 465)),
        _row("command", frozenset({FLAT})),
        _row("dns", frozenset({FLAT})),
        _row("http", frozenset({PORT}), Usual("HTTP", _PLAIN, 80), Usual("HTTPS", _TLS, 443)),
        _row("imap", _MAIL, Usual("IMAP", _PLAIN, 143), Usual("IMAPS", _TLS, 993)),
        # LMTP has no port of its own; 24 is for private mail.
        _row("lmtp", frozenset({PORT, STARTTLS}), Usual("LMTP", _PLAIN, 24)),
        _row("pop3", _MAIL, Usual("POP3", _PLAIN, 110), Usual("POP3S", _TLS, 995)),
        _row("postqueue", frozenset({FLAT})),
        _row("sieve", _MAIL, Usual("SIEVE", _PLAIN, 4190)),
        _row(
            "smtp",
            _MAIL | {PACED},
            Usual("SMTP", _PLAIN, 25),
            Usual("SUBMISSION", _PLAIN, 587),
            Usual("SMTPS", _TLS, 465),
        ),
        _row("tcp", frozenset({PORT})),
    ),
)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a service's name says when `probe` and `tls` are not given, and its usual port."""

    probe: str
    tls: TlsMode
    port: int | None = None


def well_known() -> Mapping[str, Defaults]:
    """Return what each well-known name says."""
    return {
        usual.name: Defaults(row.name, usual.tls, usual.port)
        for row in PROBES.rows()
        for usual in row.usual
        if usual.name
    }


def defaults_for(name: str) -> Defaults:
    """Return what `name`, in any case, says; one that is not well known is a TCP connect."""
    return well_known().get(name.upper(), Defaults("tcp", TlsMode.NONE))


def usual_port(name: str, probe: str, tls: TlsMode) -> int | None:
    """Return the port on which a service of that name is asked so, None where there is none."""
    own = defaults_for(name)
    at_first = TlsMode.IMPLICIT if tls is TlsMode.IMPLICIT else TlsMode.NONE
    usual = [one for row in PROBES.rows() if row.name == probe for one in row.usual]
    speak_so = [own] if own.probe == probe else []
    speak_so += [Defaults(probe, one.tls, one.port) for one in usual]
    begin_so = [one for one in speak_so if one.tls is at_first]
    return (begin_so or speak_so or [own])[0].port


def is_usual(settings: ServiceSettings) -> bool:
    """Whether a service is asked at a port, and with or without TLS, as it is usually found."""
    at_first = TlsMode.IMPLICIT if settings.tls is TlsMode.IMPLICIT else TlsMode.NONE
    row = next(row for row in PROBES.rows() if row.name == settings.probe)
    here = (settings.port, at_first)
    return settings.portless or any((one.port, one.tls) == here for one in row.usual)


def build(settings: ServiceSettings) -> Check:
    """Return the probe that `settings.probe` names; raises KeyError where there is none.

    Where the login's password could not be read, it is one that says so.
    """
    if settings.login and settings.login.withheld:
        from mailwatch.probes.portless_check import Skipped

        return Skipped(settings)
    return cast("Check", PROBES.load(settings.probe).PROBE(settings))


def build_harmless(settings: ServiceSettings) -> Check:
    """Return a probe like that of `build`, but one that sends no mail and changes nothing."""
    rehearsal = getattr(PROBES.load(settings.probe), "REHEARSAL", None)
    if rehearsal is None or (settings.login and settings.login.withheld):
        return build(settings)
    return cast("Check", rehearsal(settings))


def ends(settings: ServiceSettings) -> tuple[tuple[str, ServiceSettings], ...]:
    """Return every port that `settings` has asked, each with the key that says when TLS begins."""
    if settings.portless:
        return ()
    own = getattr(PROBES.load(settings.probe), "ends", None)
    if own is None:
        return (("tls", settings),)
    return cast("tuple[tuple[str, ServiceSettings], ...]", own(settings))
