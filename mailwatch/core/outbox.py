"""The order in which messages leave, when a failed one is tried again, and what is merged."""

from __future__ import annotations

from collections import Counter
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

MANY = 3
"""Incidents that are over and wait to be told: more of them are told as one."""

_LISTED = 30
"""How many incidents a summary lists, the newest."""

LONGEST_STORY = 3900
"""Characters of a merged message, which leaves room for as_sent() below Gotify's 4 KB or so."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One message on its way through one channel; `id` grows with the order of the events."""

    id: int
    channel: str
    """The name of the notifier that carries it."""
    message: Message
    written: Steady | None = None
    """When it was put into the outbox (steady), None in a file of a version that kept none."""
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


def next_batch(entries: Sequence[QueuedMessage], channel: str) -> tuple[QueuedMessage, ...]:
    """Return what leaves next by `channel` as one message, once the first is due; () for nothing.

    That is one entry, but where more than MANY incidents that are over wait to be told it is all
    of them, for nobody reads the sixty calls of a night that was.
    """
    head = next_entry(entries, channel)
    if head is None:
        return ()
    over = tuple(entry for entry in entries if entry.channel == channel and _tells_an_end(entry))
    others = tuple(entry for entry in over if entry is not head)
    return (head, *others) if len(others) < len(over) > MANY else (head,)


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

    When an incident's recovery is waiting, and the channel is in trouble, its entries become
    one: the recovery, followed by what had happened before. In trouble is a channel by which a
    try to send anything that waits has failed, or with more than MANY recoveries waiting.
    """
    ends = Counter(entry.channel for entry in entries if _tells_an_end(entry))
    troubled = {entry.channel for entry in entries if entry.tries}
    troubled.update(channel for channel, count in ends.items() if count > MANY)
    merged: list[QueuedMessage] = []
    told: dict[tuple[str, str], list[QueuedMessage]] = {}
    for entry in entries:
        message = entry.message
        key = entry.channel, message.incident
        earlier = told.setdefault(key, []) if message.incident else []
        if message.topic is Topic.RECOVERED and earlier and entry.channel in troubled:
            gone = {other.id for other in earlier}
            merged = [other for other in merged if other.id not in gone]
            merged.append(_whole_story(entry, earlier))
            earlier.clear()
        else:
            merged.append(entry)
        earlier.append(merged[-1])
    return tuple(merged)


def _tells_an_end(entry: QueuedMessage) -> bool:
    return entry.message.topic is Topic.RECOVERED and entry.message.incident != ""


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


def as_sent(
    batch: Sequence[QueuedMessage], now: Now, clock_text: Callable[[float], str]
) -> Message:
    """Return `batch` as the message that leaves now: a late one begins with when that was."""
    if len(batch) > 1:
        return _summary(batch, now, clock_text)
    entry = batch[0]
    # The wall clock may have been set since: NTP's first step is no delay.
    written = entry.written
    late_s = now.wall - entry.message.at if written is None else now.steady - written
    if late_s <= LATE_S:
        return entry.message
    when = near(clock_text, now.wall)(entry.message.at)
    first = say(fact("sent-late", when=when, late_s=late_s))
    return replace(entry.message, body=f"{first}\n{entry.message.body}")


def _summary(
    batch: Sequence[QueuedMessage], now: Now, clock_text: Callable[[float], str]
) -> Message:
    """Tell of many incidents that are over as the last of them is told, with a line for each."""
    told = sorted((entry.message for entry in batch), key=lambda message: message.at)
    lines = [fact("summary-head", count=len(told))]
    if len(told) > _LISTED:
        lines.append(fact("summary-older", count=len(told) - _LISTED))
    lines += [
        fact("summary-incident", since_at=one.since, at=one.at, incident=one.incident)
        for one in told[-_LISTED:]
    ]
    short = near(clock_text, now.wall)
    return replace(told[-1], body="\n".join(say(line, short) for line in lines))
