"""Whether messages arrive: each notifier's own check, or a test message where one was asked for."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.notifiers import catalogue
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, SECTION, Channel
from mailwatch.notifiers.errors import DeliveryError

SEND_S = 30.0
"""How long one message may take; a notifier mostly has less."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is found of each channel; a message is sent only where that was asked for."""
    away = [one for one in case.config.channels if not NOTIFIERS.can(one.type, LOG)]
    for channel in away:
        for found in _of(channel, case.send):
            yield replace(found, check=channel.name)
    if not away:
        sections = " or ".join(f"[{name}]" for name in NOTIFIERS.having(SECTION))
        yield warning(
            "No channel is configured, so messages go to the journal alone.",
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
        catalogue.build(channel).send(_message(), Deadline.after(SEND_S, time.monotonic))
    except DeliveryError as error:
        yield problem(str(error))
    else:
        yield ok(f"{channel.title} took a test message: look at your phone.")


def _message() -> Message:
    host = printable(socket.gethostname(), 64)
    return Message(
        Topic.TEST,
        Severity.INFO,
        f"mailwatch on {host} can reach you",
        "mailwatch doctor was asked to send this. Nothing is wrong.",
        time.time(),
    )
