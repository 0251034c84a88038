from __future__ import annotations

import pytest

from mailwatch.probes.registry import PROBES, build
from mailwatch.probes.settings import KNOWN, Defaults, ServiceSettings, TlsMode, defaults_for


@pytest.mark.parametrize("name", KNOWN)
def test_every_well_known_name_has_a_probe(name: str) -> None:
    """A name in the table can be asked, in any case."""
    known = defaults_for(name.lower())
    assert known == KNOWN[name]
    settings = ServiceSettings(name, "127.0.0.1", 1, known.probe, known.tls)
    assert type(build(settings)) is PROBES[known.probe]


def test_any_other_name_is_a_connect() -> None:
    """An unknown service is asked for no more than a connection."""
    assert defaults_for("MILTER") == Defaults("tcp", TlsMode.NONE)


def test_the_key_is_name_and_port() -> None:
    """Readings and the journal call a service by its name and port."""
    assert ServiceSettings("IMAPS", "::1", 993).key == "IMAPS:993"
