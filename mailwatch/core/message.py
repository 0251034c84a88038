"""One thing to tell the admin: its facts, and the text that was worded of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.state import Failure


class Severity(StrEnum):
    """How loud a message is, the quietest first; each notifier says it in its own terms."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"
    """Of a reminder: a phone should sound."""
    CRITICAL = "critical"
    """A call for a person."""


class Topic(StrEnum):
    """What a message is about; messages of one incident have at most one of each but REMINDER."""

    OPENED = "opened"
    RECOVERED = "recovered"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    HELD = "held"
    """The target is left alone on purpose."""
    NOTICE = "notice"
    """About mailwatch itself: cannot look, paused, resumed, a certificate expires."""
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell the admin.

    `at` is the moment of the event in seconds since 1970, not that of the sending. `incident` is
    the incident's id, empty for a NOTICE or TEST. Both texts are printable; `body` may have
    several lines. `subject` is what a NOTICE is about, and what it is compared by. The rest is of
    the incident as the message was written: what fails, the likely cause, what mailwatch does
    about it, and `since` when (seconds since 1970).
    """

    topic: Topic
    severity: Severity
    title: str
    body: str
    at: float
    incident: str = ""
    subject: Fact = NOTHING
    failures: tuple[Failure, ...] = ()
    cause: Fact = NOTHING
    action: Fact = NOTHING
    since: float | None = None
