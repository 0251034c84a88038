"""A login that would cross a network in plain text, where that is plain from the configuration."""

from __future__ import annotations

from mailwatch.config.model import Origin
from mailwatch.config.report import Report
from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.probes.settings import ServiceSettings, TlsMode


def check_privacy(at: str, service: ServiceSettings, origin: Origin, report: Report) -> None:
    """Add a mistake for each login without TLS to an address that is not this host's loopback.

    Where a name leads is known when it is looked up; see `probes.logins.require_privacy`.
    """
    if service.login is None:
        return
    canary = service.canary
    if (canary is None or canary.submit_login) and _is_open(service):
        _refuse(at, "tls", service.host, origin, report)
    if canary is not None and _is_open(mailbox := canary.of_imap(service)):
        _refuse(at, "imap_tls", mailbox.host, origin, report)


def _is_open(service: ServiceSettings) -> bool:
    host = service.host
    return service.tls is TlsMode.NONE and is_numeric(host) and not is_loopback(host)


def _refuse(at: str, key: str, host: str, origin: Origin, report: Report) -> None:
    report.mistake(
        origin,
        f"{at}.{key}",
        f"{at} would send its password to {host} without TLS; "
        f'add {key} = "implicit" or "starttls", or remove user and password',
    )
