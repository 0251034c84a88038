"""The catalogue of notifiers: a new way to tell somebody is one file and one row here.

The module of a notifier offers `NOTIFIER`, which is made from its `Settings`; `KEYS`; `TITLE`,
what a person calls it; and `describe(settings)`, where messages go, as the end of `tells ...`. It
may offer `examine(settings)`, its check in the doctor, which sends nothing. A field `table` of its
settings is what advice calls the table that they stand in.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis
from mailwatch.core.keys import Key, Kind
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.host.journal import Journal
from mailwatch.notifiers import Notifier

SECTION = "section"
"""It has a section of its own, inherited from before there were several, and so its name."""

LOG = "log"
"""It is handed the log of the service; it tells where nothing else is configured."""

_TEST_S = 60.0
"""How long one test message may take, as long as any; a notifier mostly has less."""

NOTIFIERS = Catalogue(
    "notifier",
    (
        Row("gotify", "mailwatch.notifiers.gotify", frozenset({SECTION})),
        Row("journal", "mailwatch.notifiers.journal", frozenset({LOG})),
    ),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One way on which messages go: its name, the notifier's type, and that one's settings.

    `withheld` says why a secret among them could not be read here, so that nothing can be sent;
    the service can. It is empty where all could.
    """

    name: str
    type: str
    settings: Any
    withheld: str = ""

    @property
    def title(self) -> str:
        """What a person calls it: the notifier's title, or the channel's own name."""
        return title_of(self.type) if self.name == self.type else self.name

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret among its settings."""
        values = (getattr(self.settings, field.name) for field in fields(self.settings))
        return tuple(value for value in values if isinstance(value, Secret) and value)


def title_of(kind: str) -> str:
    """Return what a person calls the notifier `kind`."""
    return str(NOTIFIERS.load(kind).TITLE)


def credential(channel: str, key: Key) -> str:
    """Return the name of the credential of systemd that may hold the secret `key`."""
    return f"{channel}-{key.name}"


def shipped_credentials() -> tuple[str, ...]:
    """Return the credentials that the unit loads, as it is shipped."""
    return tuple(
        credential(name, key)
        for name in NOTIFIERS.having(SECTION)
        for key in NOTIFIERS.keys(name)
        if key.kind is Kind.SECRET
    )


def build(channel: Channel, journal: Journal | None = None) -> Notifier:
    """Return the notifier of `channel`, with `journal` for one that tells the log."""
    own = (journal,) if NOTIFIERS.can(channel.type, LOG) else ()
    return cast(Notifier, NOTIFIERS.load(channel.type).NOTIFIER(channel.settings, *own))


def send_test(channel: Channel, body: str) -> str:
    """Send a test message that says `body`, and return its title; raises DeliveryError."""
    title = f"mailwatch on {printable(socket.gethostname(), 64)} can reach you"
    message = Message(Topic.TEST, Severity.INFO, title, body, time.time())
    build(channel).send(message, Deadline.after(_TEST_S, time.monotonic))
    return title


def describe(channels: Iterable[Channel]) -> Iterator[str]:
    """Give where messages go, as the end of `tells ...`."""
    for one in channels:
        yield str(NOTIFIERS.load(one.type).describe(one.settings))


def examine(channel: Channel) -> Iterator[Diagnosis]:
    """Give what the notifier's own check finds; none may have one."""
    if own := getattr(NOTIFIERS.load(channel.type), "examine", None):
        yield from own(channel.settings)
