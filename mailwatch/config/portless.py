"""The keys that only some probes know: which probe takes which, and which it needs."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.config import values
from mailwatch.config.logins import LOGIN_KEYS, LOGIN_PROBES
from mailwatch.config.model import Origin
from mailwatch.config.nested import CANARY_KEYS, HTTP_KEYS
from mailwatch.config.problems import Problems
from mailwatch.core.address import is_numeric
from mailwatch.core.text import join_words
from mailwatch.probes.settings import PORTLESS, ServiceSettings

_OF_PROBES: Mapping[str, tuple[str, ...]] = {
    "command": ("command", "postqueue"),
    "queue_limit": ("postqueue",),
    "domain": ("dns",),
    "implicit_mx": ("dns",),
    **dict.fromkeys(CANARY_KEYS, ("canary",)),
    **dict.fromkeys(HTTP_KEYS, ("http",)),
}
"""Key -> the probes that know it; every key but these is for ports, or for all."""

_OF_ALL = ("name", "probe")
_NEEDED = {"command": '["/usr/local/bin/is-it-well"]', "domain": '"example.org"'}
"""What the probe of that name, or of that key, is nothing without, with an example."""


def applies(name: str, probe: str) -> bool:
    """Whether the key `name` has a meaning for a service that `probe` asks."""
    if name in _OF_ALL:
        return True
    if name in LOGIN_KEYS:
        return probe in LOGIN_PROBES
    known = _OF_PROBES.get(name)
    return probe in known if known else probe not in PORTLESS


def has_port(row: Mapping[str, object]) -> bool:
    """Whether a service with the keys of `row` must say its port."""
    probe = row.get("probe")
    return not (isinstance(probe, str) and probe in PORTLESS)


def check(
    at: str, row: Mapping[str, object], service: ServiceSettings, origin: Origin, problems: Problems
) -> None:
    """Add to `report` every key that does not fit the probe, and every one that is missing."""
    for name in row:
        if name not in LOGIN_KEYS and not applies(name, service.probe):
            problems.mistake(origin, f"{at}.{name}", f"{at}.{name} {_misfit(name, service.probe)}")
    missing = ""
    if service.probe == "command" and not service.command:
        missing = "command"
    if service.probe == "dns" and not service.domain:
        missing = "domain"
    # One that was given and could not be read has its own sentence.
    if missing and problems.sound(f"{at}.{missing}"):
        problems.mistake(
            origin,
            f"{at}.{missing}",
            f'{at} has no {missing}, which probe = "{service.probe}" needs; '
            f"add {missing} = {_NEEDED[missing]}",
        )

    if service.domain and is_numeric(service.domain):
        problems.mistake(
            origin,
            f"{at}.domain",
            f"{at}.domain is {values.show(service.domain)}; write the domain of the mail "
            f"addresses, such as {_NEEDED['domain']}",
        )


def _misfit(name: str, probe: str) -> str:
    known = _OF_PROBES.get(name)
    if known is None:
        return f'is set, but probe = "{probe}" asks no port; remove it'
    words = join_words([f'"{one}"' for one in known], "or")
    return f'is set, but only probe = {words} knows it, not "{probe}"; remove it'
