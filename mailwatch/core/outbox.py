"""The order in which messages leave, when a failed one is tried again, and what is merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.fit import near
from mailwatch.core.message import Message, Topic
from mailwatch.core.model import Now, Steady
from mailwatch.core.say import say

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0
PARKED_RETRY_S = 3600.0
"""A permanent failure waits for a person to mend it, and is tried again every hour."""

LATE_S = 60.0
"""A message that leaves later than this after its event says when the event was."""

LONGEST_STORY = 3900
"""Characters of a merged message, which leaves room for as_sent() below Gotify's 4 KB or so."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One message on its way through one channel; `id` grows with the order of the events."""

    id: int
    channel: str
    """The name of the notifier that carries it."""
    message: Message
    tries: int = 0
    not_before: Steady = float("-inf")
    """On the steady clock."""
    parked: bool = False
    """Refused for good: it holds up no other entry, and is tried again every hour."""
    trouble: Fact = NOTHING
    """Why the last try failed."""
    ended: Now | None = None
    """When it was delivered or given up, None as long as it waits."""
    given_up: bool = False
    """Whether it ended undelivered, for its channel is not configured any more."""


def next_entry(entries: Sequence[QueuedMessage], channel: str) -> QueuedMessage | None:
    """Return what leaves next by `channel`, once its `not_before` has come; None for nothing.

    Messages leave in order: the first that is not parked holds up those behind it in its channel.
    A parked one leaves only when it is due earlier than that.
    """
    waiting = [entry for entry in entries if entry.channel == channel and not entry.parked]
    parked = [entry for entry in entries if entry.channel == channel and entry.parked]
    heads = [*waiting[:1], *parked]
    return min(heads, key=lambda entry: (entry.not_before, entry.id), default=None)


def after_failure(
    entry: QueuedMessage, trouble: Fact, permanent: bool, now: Now, jitter: float
) -> QueuedMessage:
    """Return `entry` with the moment of its next try.

    The pause doubles from FIRST_RETRY_S to LONGEST_RETRY_S; `jitter` (0 to 1) takes away up to a
    quarter of it, so that many hosts do not come back at the same moment.
    """
    doubled_s = min(FIRST_RETRY_S * 2.0 ** min(entry.tries, 16), LONGEST_RETRY_S)
    pause_s = PARKED_RETRY_S if permanent else doubled_s
    return replace(
        entry,
        tries=entry.tries + 1,
        not_before=now.steady + pause_s * (1 - jitter / 4),
        parked=permanent,
        trouble=trouble,
    )


def retry_now(entries: Sequence[QueuedMessage]) -> tuple[QueuedMessage, ...]:
    """Return `entries` all due at once: the configuration has changed, so hope is new."""
    return tuple(replace(entry, not_before=float("-inf"), parked=False) for entry in entries)


def merge(entries: Sequence[QueuedMessage]) -> tuple[QueuedMessage, ...]:
    """Return `entries` with each incident that is over told in one message.

    When an incident's recovery is waiting, and at least one earlier try to send something of it
    by the same channel has failed, its entries become one: the recovery, followed by what had
    happened before.
    """
    merged: list[QueuedMessage] = []
    told: dict[tuple[str, str], list[QueuedMessage]] = {}
    for entry in entries:
        message = entry.message
        key = entry.channel, message.incident
        earlier = told.setdefault(key, []) if message.incident else []
        if message.topic is Topic.RECOVERED and any(other.tries for other in earlier):
            merged = [other for other in merged if other not in earlier]
            merged.append(_whole_story(entry, earlier))
            earlier.clear()
        else:
            merged.append(entry)
        earlier.append(merged[-1])
    return tuple(merged)


def _whole_story(recovery: QueuedMessage, earlier: Sequence[QueuedMessage]) -> QueuedMessage:
    # Reminders say again what the others said, and a week without a notifier makes many.
    turns = [other.message for other in earlier if other.message.topic is not Topic.REMINDER]
    story = "\n\n".join(f"{message.title}\n{_without_id(message)}" for message in turns)
    body = f"{recovery.message.body}\n\n{say(fact('story-head'))}\n\n{story}"
    if len(body) > LONGEST_STORY:
        cut = f"\n{say(fact('story-cut'))}"
        kept = body[: LONGEST_STORY - len(cut)]
        body = kept[: kept.rindex("\n")] + cut
    message = replace(recovery.message, body=body if turns else recovery.message.body)
    # A parked one is no reason to hold up the rest for an hour.
    hopeful = [other for other in earlier if not other.parked] or earlier
    latest = earlier[-1]
    return replace(
        recovery,
        message=message,
        tries=latest.tries,
        not_before=max(other.not_before for other in hopeful),
        parked=all(other.parked for other in earlier),
        trouble=latest.trouble,
    )


def _without_id(message: Message) -> str:
    return message.body.removesuffix(f"\n{say(fact('incident-id', incident=message.incident))}")


def as_sent(entry: QueuedMessage, now: Now, clock_text: Callable[[float], str]) -> Message:
    """Return the message as it leaves now: a late one begins with the time of its event."""
    late_s = now.wall - entry.message.at
    if late_s <= LATE_S:
        return entry.message
    when = near(clock_text, now.wall)(entry.message.at)
    first = say(fact("sent-late", when=when, late_s=late_s))
    return replace(entry.message, body=f"{first}\n{entry.message.body}")
