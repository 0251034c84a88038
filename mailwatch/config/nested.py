"""The keys of one service that make one value together: its login, its canary, its HTTP rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailwatch.config import shapes
from mailwatch.config.credentials import Secrets
from mailwatch.config.logins import LOGIN_KEYS, read_login
from mailwatch.config.model import Origin
from mailwatch.config.problems import Problems
from mailwatch.net.endpoint import Login
from mailwatch.probes.settings import CanaryRules, HttpRules

CANARY_KEYS = (
    "sender", "recipient", "submit_login", "imap_host", "imap_port", "imap_tls",
    "imap_server_name", "imap_fingerprint", "imap_proxy", "within_s", "every_s",
)  # fmt: skip
HTTP_KEYS = (
    "http_method", "http_path", "http_statuses", "http_headers", "http_body", "http_host",
    "http_forwarded_for",
)  # fmt: skip
NESTED = frozenset({*LOGIN_KEYS, *CANARY_KEYS, *HTTP_KEYS})


def fold(
    at: str,
    row: Mapping[str, Any],
    probe: str,
    origin: Origin,
    secrets: Secrets,
    problems: Problems,
) -> dict[str, Any]:
    """Return `row` as fields of ServiceSettings: `login`, `canary` and `http` in place of keys."""
    fields = {name: value for name, value in row.items() if name not in NESTED}
    login = read_login(at, row, probe, origin, secrets, problems)
    if login is not None:
        fields["login"] = login
    if probe == "canary":
        fields["canary"] = _canary(at, row, login, origin, problems)
    if probe == "http":
        fields["http"] = _http(at, row, origin, problems)
    return fields


def _canary(
    at: str, row: Mapping[str, Any], login: Login | None, origin: Origin, problems: Problems
) -> CanaryRules:
    needed = {"sender": '"canary@example.org"', "recipient": '"canary@example.org"'}
    for name, example in needed.items():
        if name not in row and problems.sound(f"{at}.{name}"):
            problems.mistake(
                origin,
                f"{at}.{name}",
                f'{at} has no {name}, which probe = "canary" needs; add {name} = {example}',
            )
    if login is None and problems.sound(f"{at}.user", f"{at}.password_"):
        problems.mistake(
            origin,
            f"{at}.user",
            f'{at} has no user, whose mailbox probe = "canary" looks into; '
            "add user, and password_file or password_credential",
        )
    return CanaryRules(
        **{
            "sender": "",
            "recipient": "",
            **{name: row[name] for name in CANARY_KEYS if name in row},
        }
    )


def _http(at: str, row: Mapping[str, Any], origin: Origin, problems: Problems) -> HttpRules:
    given = {name.removeprefix("http_"): row[name] for name in HTTP_KEYS if name in row}
    if "statuses" in given:
        given["statuses"] = shapes.statuses(given["statuses"])
    if "headers" in given:
        given["headers"] = tuple(shapes.field(one) for one in given["headers"])
    rules = HttpRules(**given)
    if rules.body and rules.method == "HEAD":
        problems.mistake(
            origin,
            f"{at}.http_body",
            f'{at}.http_body is set, but http_method = "HEAD" gets an answer without a page; '
            "remove one of them",
        )
    return rules
