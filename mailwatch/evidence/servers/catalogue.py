"""The catalogue of mail servers: one whose log can be read is one file and one row here.

The module of a server offers `LOOKS_LIKE`, a pattern that a line of its log matches and no other
server's, and `SIGNATURES`, the lines that name a trouble. `SENTENCES` has a clause for each code,
as it stands after "Likely cause:". With the ability KEYS it has `Settings` and `KEYS` in
[evidence], too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.core.evidence import Json

SERVERS = Catalogue("server", (Row("stalwart", "mailwatch.evidence.servers.stalwart"),))

_MOST = 20
"""Causes that are kept of one log, the newest."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A line that names a trouble: the code of its cause, whose arguments are the named groups.

    With `of_us` the group `address` must be the one as which the target sees this host.
    """

    code: str
    pattern: re.Pattern[str]
    of_us: bool = False


def heard(lines: Sequence[str]) -> dict[str, Json]:
    """Return which server wrote `lines` and what it says of its troubles, nothing where unknown.

    `said` has a row for each cause, the newest last: its code, its arguments and the line.
    """
    for name in SERVERS.names():
        server = SERVERS.load(name)
        if any(server.LOOKS_LIKE.search(line) for line in lines):
            said = [row for line in lines for row in _said(line, server.SIGNATURES)]
            return {"name": name, "said": said[-_MOST:]}
    return {}


def _said(line: str, signatures: Sequence[Signature]) -> list[dict[str, Json]]:
    return [
        {
            "code": signature.code,
            "arguments": dict(found.groupdict()),
            "of_us": signature.of_us,
            "line": line,
        }
        for signature in signatures
        if (found := signature.pattern.search(line))
    ]
