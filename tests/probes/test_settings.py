from __future__ import annotations

import pytest

from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import (
    PROBES,
    Defaults,
    build,
    defaults_for,
    usual_port,
    well_known,
)
from mailwatch.probes.settings import ServiceSettings

KNOWN = well_known()


@pytest.mark.parametrize("name", KNOWN)
def test_every_well_known_name_has_a_probe(name: str) -> None:
    """A name in the table can be asked, in any case."""
    known = defaults_for(name.lower())
    assert known == KNOWN[name]
    settings = ServiceSettings(name, "127.0.0.1", 1, probe=known.probe, tls=known.tls)
    assert type(build(settings)) is PROBES.load(known.probe).PROBE


def test_any_other_name_is_a_connect() -> None:
    """An unknown service is asked for no more than a connection."""
    assert defaults_for("MILTER") == Defaults("tcp", TlsMode.NONE)


@pytest.mark.parametrize("name", KNOWN)
def test_every_well_known_name_has_a_port_of_its_own(name: str) -> None:
    """Asked as its name says, or after STARTTLS, a service is where everybody looks for it."""
    known = KNOWN[name]
    assert usual_port(name.lower(), known.probe, known.tls) == known.port
    if known.tls is TlsMode.NONE:
        assert usual_port(name, known.probe, TlsMode.STARTTLS) == known.port
    assert len({other.port for other in KNOWN.values()}) == len(KNOWN)


@pytest.mark.parametrize(
    ("name", "probe", "tls", "port"),
    [
        ("Mailbox", "imap", TlsMode.STARTTLS, 143),
        ("Mailbox", "imap", TlsMode.IMPLICIT, 993),
        ("IMAP", "imap", TlsMode.IMPLICIT, 993),
        ("SMTP", "tcp", TlsMode.NONE, 25),
        ("Filter", "sieve", TlsMode.IMPLICIT, 4190),
        ("Canary", "canary", TlsMode.STARTTLS, 587),
        ("Canary", "canary", TlsMode.IMPLICIT, 465),
        ("rspamd", "tcp", TlsMode.IMPLICIT, None),
    ],
)
def test_the_usual_port_is_that_of_how_a_service_is_asked(
    name: str, probe: str, tls: TlsMode, port: int | None
) -> None:
    """By what it speaks and when TLS begins; its name decides among several, or alone."""
    assert usual_port(name, probe, tls) == port


def test_the_key_is_name_and_port() -> None:
    """Readings and the journal call a service by its name and port."""
    assert ServiceSettings("IMAPS", "::1", 993).key == "IMAPS:993"
