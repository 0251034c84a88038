"""Rspamd's log: `TIME #PID(worker) <id>; module; function: text`."""

from __future__ import annotations

from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    IN_USE,
    NO_FILES,
    NO_MEMORY,
    NO_PROCESS,
    NO_SPACE,
    PLAIN,
    READ_ONLY,
    SYSLOG,
)

NAME = "Rspamd"

_HEAD = (
    rf"{SYSLOG}(?:rspamd\[\d{{1,10}}\]: )?#\d{{1,10}}\([\w-]{{1,20}}\) <[\w-]{{0,20}}>; "
    r"[\w-]{1,20}; (?:\w{1,80}: )?"
)

LOOKS_LIKE = _HEAD


def _says(text: str) -> str:
    return _HEAD + text


SIGNATURES = (
    Signature(
        "server-port-taken",
        _says(rf"bind (?P<listener>[\w.:\[\]*/-]{{1,60}}) failed: \d{{1,3}}, '{IN_USE}'"),
    ),
    Signature(
        "server-config-damaged",
        _says(
            r"(?P<words>(?:ucl parser error|cannot (?:load|parse) (?:the )?config|failed to "
            r"(?:load|parse) (?:the )?config).{0,200})"
        ),
    ),
    Signature("server-store-full", _says(rf"{PLAIN}{NO_SPACE}")),
    Signature("server-store-read-only", _says(rf"{PLAIN}{READ_ONLY}")),
    Signature("server-no-files", _says(rf"{PLAIN}{NO_FILES}")),
    Signature("server-no-process", _says(rf"{PLAIN}fork.{{0,40}}?{NO_PROCESS}")),
    Signature("server-no-memory", _says(rf"{PLAIN}{NO_MEMORY}")),
    Signature(
        "server-crashed",
        _says(
            r"(?P<part>[\w-]{1,20}) process \d{1,10} terminated abnormally (?:by signal|with exit "
            r"code [1-9])"
        ),
    ),
    Signature(
        "server-backend-fails",
        _says(rf"{PLAIN}[Rr]edis.{{0,80}}?(?:Connection refused|timed? ?out|cannot connect)"),
        known={"backend": "Redis"},
    ),
)
