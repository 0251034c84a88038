"""The keys of one service that make one value together: its login, its canary, its HTTP rules."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailwatch.config import shapes
from mailwatch.config.files import Unreadable, read_file
from mailwatch.config.model import Origin
from mailwatch.config.report import Report
from mailwatch.core.secret import Secret
from mailwatch.core.text import join_words, printable
from mailwatch.probes.settings import CanaryRules, HttpRules, Login

LOGIN_KEYS = ("user", "password_file")
CANARY_KEYS = (
    "sender", "recipient", "submit_login", "imap_host", "imap_port", "imap_tls",
    "imap_server_name", "imap_fingerprint", "imap_proxy", "within_s", "every_s",
)  # fmt: skip
HTTP_KEYS = (
    "http_method", "http_path", "http_statuses", "http_headers", "http_body", "http_host",
    "http_forwarded_for",
)  # fmt: skip
NESTED = frozenset({*LOGIN_KEYS, *CANARY_KEYS, *HTTP_KEYS})

LOGIN_PROBES = ("canary", "imap", "pop3", "sieve", "smtp")
"""The probes whose protocol has a login."""

_LONGEST_PASSWORD_FILE = 4096


def fold(
    at: str, row: Mapping[str, Any], probe: str, origin: Origin, report: Report
) -> dict[str, Any]:
    """Return `row` as fields of ServiceSettings: `login`, `canary` and `http` in place of keys."""
    fields = {name: value for name, value in row.items() if name not in NESTED}
    login = _login(at, row, probe, origin, report)
    if login is not None:
        fields["login"] = login
    if probe == "canary":
        fields["canary"] = _canary(at, row, login, origin, report)
    if probe == "http":
        fields["http"] = _http(at, row, origin, report)
    return fields


def _login(
    at: str, row: Mapping[str, Any], probe: str, origin: Origin, report: Report
) -> Login | None:
    given = [name for name in LOGIN_KEYS if name in row]
    if not given:
        return None
    if probe not in LOGIN_PROBES:
        words = join_words([f'"{one}"' for one in LOGIN_PROBES], "or")
        for name in given:
            report.mistake(
                origin,
                f"{at}.{name}",
                f"{at}.{name} is set, but only probe = {words} can log in; remove it",
            )
        return None
    if len(given) == 1:
        (missing,) = set(LOGIN_KEYS) - set(given)
        report.mistake(
            origin,
            f"{at}.{missing}",
            f"{at}.{given[0]} is set, but {missing} is not; add it, or remove {given[0]}",
        )
        return None
    password = _read_password(at, row["password_file"], origin, report)
    return None if password is None else Login(str(row["user"]), password)


def _read_password(at: str, path: Path, origin: Origin, report: Report) -> Secret | None:
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST_PASSWORD_FILE)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        wrong = "" if text and text.isprintable() else "holds no password alone, on one line"
    except UnicodeDecodeError:
        wrong = "is not UTF-8; save it so"
    except Unreadable as reason:
        wrong = str(reason)
    if wrong:
        report.mistake(origin, f"{at}.password_file", f"{at}.password_file: {shown} {wrong}")
        return None
    if mode & stat.S_IROTH:
        report.warn(
            f"{shown} holds a password and everyone on this host may read it; run: chmod o= {shown}"
        )
    return Secret(text)


def _canary(
    at: str, row: Mapping[str, Any], login: Login | None, origin: Origin, report: Report
) -> CanaryRules:
    needed = {"sender": '"canary@example.org"', "recipient": '"canary@example.org"'}
    for name, example in needed.items():
        if name not in row and report.sound(f"{at}.{name}"):
            report.mistake(
                origin,
                f"{at}.{name}",
                f'{at} has no {name}, which probe = "canary" needs; add {name} = {example}',
            )
    if login is None and report.sound(f"{at}.user", f"{at}.password_file"):
        report.mistake(
            origin,
            f"{at}.user",
            f'{at} has no user, whose mailbox probe = "canary" looks into; '
            "add user and password_file",
        )
    return CanaryRules(
        **{
            "sender": "",
            "recipient": "",
            **{name: row[name] for name in CANARY_KEYS if name in row},
        }
    )


def _http(at: str, row: Mapping[str, Any], origin: Origin, report: Report) -> HttpRules:
    given = {name.removeprefix("http_"): row[name] for name in HTTP_KEYS if name in row}
    if "statuses" in given:
        given["statuses"] = shapes.statuses(given["statuses"])
    if "headers" in given:
        given["headers"] = tuple(shapes.field(one) for one in given["headers"])
    rules = HttpRules(**given)
    if rules.body and rules.method == "HEAD":
        report.mistake(
            origin,
            f"{at}.http_body",
            f'{at}.http_body is set, but http_method = "HEAD" gets an answer without a page; '
            "remove one of them",
        )
    return rules
