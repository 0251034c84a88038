"""A login that would cross a network in plain text, where that is plain from the configuration."""

from __future__ import annotations

from mailwatch.config.problems import Problems
from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import ServiceSettings


def check_privacy(at: str, service: ServiceSettings, problems: Problems) -> None:
    """Warn of each login without TLS to an address that is not this host's loopback.

    It is never sent (`probes.logins.require_privacy`, which also knows where a name leads), so
    its service stays unmeasured; the others are watched all the same.
    """
    if service.login is None:
        return
    canary = service.canary
    if (canary is None or canary.submit_login) and _is_open(service):
        _warn(at, "tls", service.host, problems)
    if canary is not None and _is_open(mailbox := canary.of_imap(service)):
        _warn(at, "imap_tls", mailbox.host, problems)


def _is_open(service: ServiceSettings) -> bool:
    host = service.host
    return service.tls is TlsMode.NONE and is_numeric(host) and not is_loopback(host)


def _warn(at: str, key: str, host: str, problems: Problems) -> None:
    problems.warn(
        f"{at} has a login, which is not sent to {host} without TLS, so it cannot be measured; "
        f'add {key} = "implicit" or "starttls", or remove user and password'
    )
