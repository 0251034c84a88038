"""Courier's log: `PROGRAM: text` by syslog; its words are those of couriertcpd(1) and authlib."""

from __future__ import annotations

from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    ADDRESS,
    IN_USE,
    NO_FILES,
    NO_MEMORY,
    NO_PROCESS,
    NO_SPACE,
    READ_ONLY,
    SYSLOG,
)

NAME = "Courier"

_HEAD = (
    rf"{SYSLOG}(?P<listener>imapd(?:-ssl)?|pop3d(?:-ssl)?|(?:courier)?esmtpd(?:-ssl|-msa)?|courierd|"
    r"couriertcpd|couriertls|courierlogger|authdaemond|submit)(?:\[\d{1,10}\])?: "
)

LOOKS_LIKE = _HEAD


def _says(text: str) -> str:
    return _HEAD.replace("?P<listener>", "?:") + text


_OWN = r"[^<>\"@=]{0,100}?"
"""Users, names and addresses of clients stand behind `user=`, `name=` and `ip=`."""

SIGNATURES = (
    Signature(
        "server-limits-us",
        _says(rf"(?:ALERT: )?Maximum connection limit reached for {ADDRESS}"),
        of_us=True,
        known={"setting": "MAXPERIP"},
    ),
    Signature(
        "server-listener-full",
        rf"{_HEAD}(?:ALERT: )?(?P<limit>\d{{1,9}}) maximum active connections",
        known={"setting": "MAXDAEMONS"},
    ),
    Signature("server-port-taken", rf"{_HEAD}{_OWN}{IN_USE}"),
    Signature("server-store-full", _says(rf"{_OWN}{NO_SPACE}")),
    Signature("server-store-read-only", _says(rf"{_OWN}{READ_ONLY}")),
    Signature("server-no-files", _says(rf"{_OWN}{NO_FILES}")),
    Signature("server-no-process", _says(rf"{_OWN}fork: {NO_PROCESS}")),
    Signature("server-no-memory", _says(rf"{_OWN}(?:{NO_MEMORY}|malloc)")),
    Signature(
        "server-part-silent",
        _says(r"(?:ERR: )?authdaemon: s_connect\(\) failed"),
        known={"part": "authdaemond"},
    ),
    Signature(
        "server-certificate-unusable",
        _says(r"(?:couriertls: )?(?P<path>/[^\s:]{1,200}): .{0,40}?(?:PEM|certificate|key)"),
    ),
)
