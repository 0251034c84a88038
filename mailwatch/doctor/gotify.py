"""Whether Gotify is there and takes our token."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem, warning
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier


def examine(case: Case) -> Iterator[Finding]:
    """Give one finding; a message is sent only where that was asked for."""
    settings = case.config.gotify
    withheld = case.config.token_withheld
    if settings is None and withheld:
        yield warning("Gotify was not asked.", f"{withheld[:1].upper()}{withheld[1:]}.")
        return
    if settings is None:
        yield warning(
            "No Gotify is configured, so messages go to the journal alone.",
            "Set [gotify] url and token.",
        )
        return
    notifier = GotifyNotifier(settings)
    deadline = Deadline.after(settings.timeout_s, time.monotonic)
    try:
        if case.send:
            notifier.send(_message(), deadline)
        else:
            notifier.try_token(deadline)
    except DeliveryError as error:
        yield problem(str(error))
        return
    if case.send:
        yield ok("Gotify took a test message: look at your phone.")
    else:
        yield ok("Gotify answers and takes the token; --send also sends a message.")


def _message() -> Message:
    host = printable(socket.gethostname(), 64)
    return Message(
        Topic.TEST,
        Severity.INFO,
        f"mailwatch on {host} can reach you",
        "mailwatch doctor was asked to send this. Nothing is wrong.",
        time.time(),
    )
