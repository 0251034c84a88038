"""One row for each toy, put into its catalogue; as a program it is mailwatch with these rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mailwatch.core.catalogue import Row
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
    with ExitStack() as stack:
        probe = ProbeRow("toy", f"{_HERE}.toy_probe", frozenset({PORT}), usual)
        stack.enter_context(PROBES.adding(probe))
        stack.enter_context(NOTIFIERS.adding(Row("toy", f"{_HERE}.toy_notifier")))
        stack.enter_context(RESTARTERS.adding(Row("toy", f"{_HERE}.toy_restarter")))
        collector = Row("toy", f"{_HERE}.toy_collector", _WITH_KEYS)
        stack.enter_context(evidence.COLLECTORS.adding(collector))
        stack.enter_context(SERVERS.adding(Row("toyserver", f"{_HERE}.toy_server", _WITH_KEYS)))
        yield


if __name__ == "__main__":
    from mailwatch.cli.main import main

    with installed():
        raise SystemExit(main(sys.argv[1:]))
