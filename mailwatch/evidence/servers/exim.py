"""Exim's main log and panic log: `DATE TIME [PID] text`, chapter 52 of its specification."""

from __future__ import annotations

from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    IN_USE,
    NO_FILES,
    NO_MEMORY,
    NO_PROCESS,
    NO_SPACE,
    READ_ONLY,
    SYSLOG,
)

NAME = "Exim"

_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? (?:[+-]\d{4} )?(?:\[\d{1,10}\] )?"
_ID = r"\w{6}-\w{6,11}-\w{2,4} "
_HEAD = rf"(?:{SYSLOG}exim[\w-]{{0,10}}\[\d{{1,10}}\]: (?:{_TIME})?|^{_TIME})"
_DAEMON = rf"{_HEAD}(?:{_ID})?"

LOOKS_LIKE = (
    rf"{_DAEMON}(?:exim \d|Exim |Start queue run|End queue run|Connection from |no (?:host name|IP "
    r"address) found for |SMTP |TLS |socket bind\(\)|daemon: |accept\(\) |(?:<=|=>|->|\*\*|==) |"
    r"Completed|H=|(?:[Cc]annot|[Ff]ailed|[Uu]nable)[^<>@]{0,100}?(?:spool|exim|main log))"
    rf"|{SYSLOG}exim[\w-]{{0,10}}\[\d{{1,10}}\]: "
)


def _says(text: str) -> str:
    return _DAEMON + text


_OWN = (
    r"(?:[Cc]annot|[Ff]ailed|[Uu]nable|[Ss]pool|daemon:|accept\(\)|Warning:|malloc)[^<>\"@]{0,200}?"
)
_FROM = r"Connection from (?:[^\s\[]{1,255} )?\[(?P<address>[0-9A-Fa-f.:]{2,45})\]\S{0,10}"

SIGNATURES = (
    Signature(
        "server-limits-us",
        _says(rf"{_FROM}.{{0,80}}? refused: too many connections from that IP address"),
        of_us=True,
        known={"setting": "smtp_accept_max_per_host"},
    ),
    Signature(
        "server-listener-full",
        _says(
            r"Connection from .{0,300}? refused: too many connections(?! from)",
        ),
        known={"listener": "SMTP", "setting": "smtp_accept_max"},
    ),
    Signature(
        "server-port-taken",
        _says(rf"socket bind\(\) to port (?P<listener>\d{{1,5}}) .{{0,100}}?failed: {IN_USE}"),
    ),
    Signature(
        "server-config-damaged",
        _says(r"Exim configuration error(?P<words>[^<>\"@]{1,200})"),
    ),
    Signature("server-store-full", _says(rf"{_OWN}{NO_SPACE}")),
    Signature("server-store-read-only", _says(rf"{_OWN}{READ_ONLY}")),
    Signature("server-no-files", _says(rf"{_OWN}{NO_FILES}")),
    Signature("server-no-process", _says(rf"{_OWN}fork.{{0,60}}?{NO_PROCESS}")),
    Signature("server-no-memory", _says(rf"{_OWN}(?:{NO_MEMORY}|bytes of memory)")),
    Signature(
        "server-no-permission",
        _says(r"[Cc]annot open (?P<path>[^<>\"@:]{1,100}): Permission denied"),
    ),
    Signature(
        "server-certificate-unusable",
        _says(
            r"TLS error .{0,300}?\((?:SSL_CTX_use_(?:certificate_chain|PrivateKey)_file file=|"
            r"cert/key setup: cert=)(?P<path>/[^\s)]{1,200})"
        ),
    ),
)
