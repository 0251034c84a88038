"""Whether messages arrive: each notifier's own check, or a test message where one was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.doctor.case import Case
from mailwatch.notifiers import catalogue
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, SECTION, Channel
from mailwatch.notifiers.errors import DeliveryError

_BODY = "This is a test: nothing is wrong. A call for help will come with a higher priority."


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is found of each channel; a message is sent only where that was asked for."""
    away = [one for one in case.config.channels if not NOTIFIERS.can(one.type, LOG)]
    for channel in away:
        for found in _of(channel, case.send):
            yield replace(found, check=channel.name)
    if not away:
        sections = " or ".join(f"[{name}]" for name in NOTIFIERS.having(SECTION))
        yield warning(
            "No channel is configured, so messages go to the journal only.",
            f"Fill in {sections}, or add [[notifiers]].",
        )


def _of(channel: Channel, send: bool) -> Iterator[Diagnosis]:
    if why := channel.withheld:
        yield warning(f"{channel.title} was not asked.", f"{why[:1].upper()}{why[1:]}.")
        return
    if not send:
        yield from catalogue.examine(channel)
        return
    try:
        title = catalogue.send_test(channel, _BODY)
    except DeliveryError as error:
        yield problem(str(error))
    else:
        yield ok(f"{channel.title} took a test message, '{title}': look at your phone.")
