"""One row for each toy, put into its catalogue; as a program it is mailwatch with these rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.evidence import catalogue as evidence
from mailwatch.evidence.servers.catalogue import SERVERS
from mailwatch.net.endpoint import TlsMode
from mailwatch.notifiers.catalogue import NOTIFIERS
from mailwatch.probes.catalogue import PORT, PROBES, ProbeRow, Usual
from mailwatch.restarters.catalogue import RESTARTERS

_HERE = "tests.architecture"
_WITH_KEYS = frozenset({evidence.KEYS})


@contextmanager
def installed() -> Iterator[None]:
    """Have every toy in its catalogue for a while."""
    usual = (Usual("TOY", TlsMode.NONE, 4242),)
    rows: list[tuple[Catalogue[Any], Row]] = [
        (PROBES, ProbeRow("toy", f"{_HERE}.toy_probe", frozenset({PORT}), usual)),
        (NOTIFIERS, Row("toy", f"{_HERE}.toy_notifier")),
        (RESTARTERS, Row("toy", f"{_HERE}.toy_restarter")),
        (evidence.COLLECTORS, Row("toy", f"{_HERE}.toy_collector", _WITH_KEYS)),
        (SERVERS, Row("toyserver", f"{_HERE}.toy_server", _WITH_KEYS)),
    ]
    for catalogue, row in rows:
        catalogue._rows[row.name] = row
    try:
        yield
    finally:
        for catalogue, row in rows:
            del catalogue._rows[row.name]


if __name__ == "__main__":
    from mailwatch.cli.main import main

    with installed():
        raise SystemExit(main(sys.argv[1:]))
