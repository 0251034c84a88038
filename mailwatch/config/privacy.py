"""A login that would cross a network in plain text, where that is plain from the configuration."""

from __future__ import annotations

from mailwatch.config.problems import Problems
from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import ends
from mailwatch.probes.settings import ServiceSettings


def check_privacy(at: str, service: ServiceSettings, problems: Problems) -> None:
    """Warn of each login without TLS to an address that is not this host's loopback.

    It is never sent (`net.logins.require_privacy`, which also knows where a name leads), so its
    service stays unmeasured; the others are watched all the same.
    """
    for key, end in ends(service):
        is_far = is_numeric(end.host) and not is_loopback(end.host)
        if end.login is not None and end.tls is TlsMode.NONE and is_far:
            problems.warn(
                f"{at} has a login, which is not sent to {end.host} without TLS, so it cannot be "
                f'measured; add {key} = "implicit" or "starttls", or remove user and password'
            )
