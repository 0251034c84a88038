"""ClamAV's log: `DAY MON D HH:MM:SS YYYY -> text` of clamd, and the lines of its library."""

from __future__ import annotations

from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    IN_USE,
    NO_FILES,
    NO_SPACE,
    PATH,
    READ_ONLY,
    SYSLOG,
)

NAME = "ClamAV"

_TIME = r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} -> "
_HEAD = rf"(?:{SYSLOG}(?:clamd|freshclam)(?:\[\d{{1,10}}\])?: |{_TIME}|^(?=LibClamAV ))"

LOOKS_LIKE = _HEAD


def _says(text: str) -> str:
    # What was scanned is told as `PATH: NAME FOUND`, without a mark of an error.
    return rf"{_HEAD}(?:\^|!|ERROR: |LibClamAV Error: |\*)(?:ERROR: )?{text}"


_WORDS = r"[^<>\"]{0,200}?"

SIGNATURES = (
    Signature("server-store-full", _says(rf"{_WORDS}{NO_SPACE}")),
    Signature("server-store-read-only", _says(rf"{_WORDS}{READ_ONLY}")),
    Signature("server-no-files", _says(rf"{_WORDS}{NO_FILES}")),
    Signature(
        "server-no-memory",
        _says(rf"{_WORDS}(?:Can't allocate memory|[Oo]ut of memory)"),
        known={"setting": "ConcurrentDatabaseReload no"},
    ),
    Signature(
        "server-signatures-unusable",
        _says(rf"Can't load {PATH}: "),
    ),
    Signature(
        "server-signatures-unusable",
        _says(rf"{_WORDS}(?:No supported database files found in {PATH}|Malformed database)"),
    ),
    Signature("server-port-taken", _says(r"LOCAL: Socket file (?P<listener>/\S{1,100}) is in use")),
    Signature(
        "server-port-taken", _says(rf"TCP: Cannot bind to (?P<listener>\S{{1,60}}): {IN_USE}")
    ),
)
