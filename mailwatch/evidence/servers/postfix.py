"""Postfix's log, by syslog or maillog_file: `postfix/PROGRAM[PID]: LEVEL: text`, postlogd(8)."""

from __future__ import annotations

from mailwatch.core.causes import INFERRED
from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    ADDRESS,
    IN_USE,
    NO_FILES,
    NO_MEMORY,
    NO_PROCESS,
    NO_SPACE,
    PATH,
    PLAIN,
    READ_ONLY,
    SYSLOG,
)

NAME = "Postfix"

_HEAD = rf"{SYSLOG}postfix(?:[-/]\w{{1,20}}){{1,3}}(?:\[\d{{1,10}}\])?: "

LOOKS_LIKE = _HEAD


def _says(text: str) -> str:
    return _HEAD + text


_WRONG = r"(?:warning|error|fatal|panic): "
_DIES = r"(?:error|fatal|panic): "
_CLIENT = rf"\d{{1,9}} from [^\s\[]{{0,255}}\[{ADDRESS}\]"

SIGNATURES = (
    Signature("server-store-full", _says(rf"{_WRONG}{PLAIN}{PATH}: {NO_SPACE}")),
    Signature(
        "server-store-full",
        _says(rf"{_WRONG}(?:{PLAIN}{NO_SPACE}|not enough free space in mail queue)"),
    ),
    Signature("server-store-read-only", _says(rf"{_WRONG}{PLAIN}{READ_ONLY}")),
    # SQLite says so of a busy moment as well.
    Signature("server-store-locked", _says(rf"{_DIES}{PLAIN}database is locked"), known=INFERRED),
    Signature("server-no-files", _says(rf"{_WRONG}{PLAIN}{NO_FILES}")),
    Signature("server-no-process", _says(rf"{_WRONG}{PLAIN}\bfork: {NO_PROCESS}")),
    Signature("server-no-memory", _says(rf"{_WRONG}{PLAIN}(?:{NO_MEMORY}|insufficient memory)")),
    Signature(
        "server-port-taken",
        _says(rf"{_DIES}bind (?P<listener>[\w.:]{{1,45}} port \w{{1,20}}): {IN_USE}"),
    ),
    Signature(
        "server-process-limit",
        _says(
            r'warning: service "(?P<listener>[\w.:-]{1,64})" \([^)]{1,100}\) has reached its '
            r'process limit "(?P<limit>\d{1,9})"'
        ),
        known={"setting": "default_process_limit (or maxproc in master.cf)"},
    ),
    Signature(
        "server-limits-us",
        _says(rf"warning: Connection rate limit exceeded: {_CLIENT}"),
        of_us=True,
        known={"setting": "smtpd_client_connection_rate_limit"},
    ),
    Signature(
        "server-limits-us",
        _says(rf"warning: Connection concurrency limit exceeded: {_CLIENT}"),
        of_us=True,
        known={"setting": "smtpd_client_connection_count_limit"},
    ),
    Signature(
        "server-limits-us",
        _says(rf"NOQUEUE: reject: CONNECT from \[{ADDRESS}\]:\d{{1,5}}: too many connections"),
        of_us=True,
        known={"setting": "postscreen_client_connection_count_limit"},
    ),
    Signature(
        "server-listener-full",
        _says(
            r"NOQUEUE: reject: CONNECT from \[[0-9A-Fa-f.:]{2,45}\]:\d{1,5}: all server ports busy"
        ),
        known={"listener": "postscreen", "setting": "default_process_limit"},
    ),
    Signature(
        "server-no-permission",
        rf"{SYSLOG}postfix/(?:sendmail|post(?:drop|queue|cat|map|alias|conf))(?:\[\d{{1,10}}\])?: "
        rf"fatal: (?:open )?{PATH}: Permission denied",
        known=INFERRED,  # a user or a job ran a command
    ),
    Signature("server-no-permission", _says(rf"fatal: (?:open )?{PATH}: Permission denied")),
    Signature(
        "server-config-damaged",
        _says(
            r"fatal: (?P<words>(?:(?:open )?/etc/postfix/|bad (?:string|numerical|boolean|time|"
            r"configuration|command)|parameter |main\.cf |master\.cf ).{1,200})"
        ),
    ),
    Signature(
        "server-certificate-unusable",
        _says(rf'warning: cannot (?:get|load) .{{0,60}}?from file "?{PATH}'),
    ),
    # The first of the kind is a server that is just coming up.
    Signature(
        "server-part-silent",
        _says(
            r"warning: connect #(?:[2-9]|\d{2,4}) to subsystem "
            r"(?P<part>(?:private|public)/[\w.-]{1,64}): "
        ),
    ),
    Signature(
        "server-part-silent",
        _says(r"warning: SASL: Connect to (?P<part>[\w./:-]{1,100}) failed"),
    ),
    Signature(
        "server-part-silent",
        _says(r"warning: connect to Milter service (?P<part>[\w./:\[\]-]{1,100}): "),
    ),
    Signature(
        "server-part-silent",
        _says(r"fatal: no SASL authentication mechanisms"),
        known={"part": "its SASL service (Dovecot's auth)"},
    ),
    Signature(
        "server-backend-fails",
        _says(r"warning: (?:dict_|connect to )(?P<backend>ldap|mysql|pgsql)(?:_connect| server)"),
    ),
    Signature("server-crashed", _says(r"panic: ")),
    Signature(
        "server-crashed",
        _says(
            r"warning: process (?:/[\w.-]{1,40}){1,8}/(?P<part>[\w.-]{1,40}) pid \d{1,10} killed "
            r"by signal (?:4|6|7|8|11)\b"
        ),
    ),
    Signature("server-told-to-stop", _says(r"terminating on signal (?P<signal>\d{1,3})")),
)
