"""Whether messages arrive: each notifier's own check, or a test message where one was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import words
from mailwatch.core.say import line
from mailwatch.doctor.case import Case
from mailwatch.notifiers import catalogue
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, SECTION, Channel
from mailwatch.notifiers.errors import DeliveryError


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is found of each channel; a message is sent only where that was asked for."""
    away = [one for one in case.config.channels if not NOTIFIERS.can(one.type, LOG)]
    for channel in away:
        for found in _of(channel, case.send):
            yield replace(found, check=channel.name)
    if not away:
        sections = tuple(f"[{name}]" for name in NOTIFIERS.having(SECTION))
        yield warning("channels-none", sections=sections)


def _of(channel: Channel, send: bool) -> Iterator[Diagnosis]:
    if why := channel.withheld:
        yield warning(
            "channel-not-asked", words(f"{why[:1].upper()}{why[1:]}."), channel=channel.title
        )
        return
    if not send:
        yield from catalogue.examine(channel)
        return
    try:
        title = catalogue.send_test(channel, line("channel-test"))
    except DeliveryError as error:
        yield problem("found", what=error.detail)
    else:
        yield ok("channel-tested", channel=channel.title, title=title)
