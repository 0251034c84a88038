"""The catalogue of mail servers: one whose log can be read is one file and one row here.

The module of a server offers `NAME`, what a person calls it, `LOOKS_LIKE`, a pattern that a line
of its log matches and no other server's, and `SIGNATURES`, the lines that name a trouble, the more
exact ones first. A code that is not in [core.causes] has a clause in `SENTENCES`, as it stands
after "Cause:". With the ability KEYS it has `Settings` and `KEYS` in [evidence], too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.core.evidence import Json

SERVERS = Catalogue(
    "server",
    tuple(
        Row(name, f"mailwatch.evidence.servers.{name}")
        for name in (
            "stalwart", "postfix", "dovecot", "exim", "courier", "rspamd", "clamav", "supervisor",
        )
    ),
)  # fmt: skip

_MOST = 20
"""Causes that are kept of one log, the newest."""

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]{8,20}Z) ")
"""The time that the engine sets before each line (RFC 3339)."""

_ERROR = re.compile(
    r"\b(?:fatal|panic(?:ked)?|critical|emerg(?:ency)?|error|failed|cannot|unable|exception)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"^[^(\"]{0,60}\b(?:INFO|DEBUG|TRACE|info|debug)\b")


@dataclass(frozen=True, slots=True)
class Signature:
    """A line that names a trouble: the code of its cause, whose arguments are the named groups.

    With `of_us` the group `address` must be the one as which the target sees this host. `known`
    are further arguments: the setting that the cure speaks of, say.
    """

    code: str
    pattern: str
    of_us: bool = False
    known: Mapping[str, str] = field(default_factory=dict)


def heard(lines: Sequence[str]) -> dict[str, Json]:
    """Return which servers wrote `lines` and what they say of their troubles, nothing if unknown.

    `said` has a row for each cause, the newest last: its code, its arguments, the line, and when
    it was written where the engine says so. A log may be that of several: a supervisor's.
    """
    servers = [SERVERS.load(name) for name in SERVERS.names()]
    names: dict[str, None] = {}
    said: list[dict[str, Json]] = []
    for line in lines:
        bare, at = _stamped(line)
        for server in servers:
            if _compiled(server.LOOKS_LIKE).search(bare):
                names[server.NAME] = None
                said += _said(bare, server.SIGNATURES, {"server": server.NAME}, at, line)
                break
    return {"names": list(names), "said": said[-_MOST:]} if names else {}


def last_words(lines: Sequence[str]) -> dict[str, Json]:
    """Return the last of `lines` that tells of an error, as `line` and `at`; nothing if none."""
    for line in reversed(lines):
        bare, at = _stamped(line)
        if _ERROR.search(bare) and not _HARMLESS.search(bare):
            return {"line": bare, "at": at}
    return {}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that a log calls for: 80 ms for all, which no command need wait for."""
    return re.compile(pattern)


def _stamped(line: str) -> tuple[str, str]:
    found = _STAMP.match(line)
    return (line[found.end() :], found[1]) if found else (line, "")


def _said(
    bare: str, signatures: Sequence[Signature], known: Mapping[str, str], at: str, line: str
) -> list[dict[str, Json]]:
    """Return what the first of `signatures` that fits makes of a line."""
    for signature in signatures:
        if found := _compiled(signature.pattern).search(bare):
            groups = {name: text for name, text in found.groupdict().items() if text}
            if "address" in groups:
                groups["address"] = groups["address"].removeprefix("::ffff:")
            arguments: dict[str, Json] = {**known, **signature.known, **groups}
            return [
                {
                    "code": signature.code,
                    "arguments": arguments,
                    "of_us": signature.of_us,
                    "at": at,
                    "line": line,
                }
            ]
    return []
