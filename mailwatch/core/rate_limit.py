"""How many messages an hour reach the admin, and what becomes of those beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailwatch.core.facts import Fact, fact
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Now
from mailwatch.core.wording import Installation, notice

WINDOW_S = 3600.0

UNLIMITED = frozenset({Topic.ESCALATED, Topic.TEST})
"""A call for a person, and a test that one is waiting for, never wait."""

_LISTED = 30
"""How many messages a digest lists one by one, and how many incidents beyond that: about 3 KB."""

_LONGEST_DIGEST = 3900
"""Characters: Gotify takes about 4 KB."""


@dataclass(frozen=True, slots=True)
class Told:
    """One ordinary message that went into the outbox at `at`."""

    at: Now
    notices: tuple[Fact, ...] = ()
    """What it was about where it was a NOTICE, or a digest of some."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What was told within the last hour, and what is held back: kept with the state."""

    told: tuple[Told, ...] = ()
    held: tuple[Message, ...] = ()
    called: str = ""
    """The last incident for which a person was called: its end is told at once."""


Limited = tuple[RateLimit, tuple[Message, ...]]


def limit(
    rate_limit: RateLimit,
    messages: Sequence[Message],
    now: Now,
    installation: Installation,
    per_hour: int,
) -> Limited:
    """Return what to remember after this step, and the messages for the outbox now, in order.

    Call it with the messages of every step, and with none when frees_at() has come. Beyond
    `per_hour` (>= 1) ordinary messages in an hour the rest are held back; as soon as one more is
    allowed they leave together, as one digest that names every one of them. While some are held
    back, new ones join them, so nobody reads of an end before its beginning. A NOTICE of which the
    subject was told, or is held back, within the hour is not told again.
    """
    out: list[Message] = []
    for message in messages:
        incident = message.incident
        if message.topic is Topic.ESCALATED:
            rate_limit = replace(rate_limit, called=incident)
        ends_a_call = message.topic is Topic.RECOVERED and incident == rate_limit.called
        if message.topic in UNLIMITED or (incident and ends_a_call):
            # It tells all of its incident, so nothing older of that may follow it.
            held = (one for one in rate_limit.held if not incident or one.incident != incident)
            rate_limit = replace(rate_limit, held=tuple(held))
            out.append(message)
        elif not _is_repeated(message, rate_limit, now):
            rate_limit = replace(rate_limit, held=(*rate_limit.held, message))
            rate_limit, free = _release(rate_limit, now, installation, per_hour)
            out += free
    rate_limit, free = _release(rate_limit, now, installation, per_hour)
    return rate_limit, (*out, *free)


def frees_at(rate_limit: RateLimit, per_hour: int) -> float | None:
    """Return when (steady) the held messages may leave, None while there are none."""
    if not rate_limit.held:
        return None
    if len(rate_limit.told) < per_hour:
        return float("-inf")
    return rate_limit.told[-per_hour].at.steady + WINDOW_S


def _is_repeated(message: Message, rate_limit: RateLimit, now: Now) -> bool:
    if message.topic is not Topic.NOTICE:
        return False
    told = [subject for told in rate_limit.told if _counts(told, now) for subject in told.notices]
    return message.subject in (*told, *_subjects(rate_limit.held))


def _subjects(messages: Sequence[Message]) -> tuple[Fact, ...]:
    return tuple(message.subject for message in messages if message.topic is Topic.NOTICE)


def _counts(told: Told, now: Now) -> bool:
    return now.steady < told.at.steady + WINDOW_S


def _release(rate_limit: RateLimit, now: Now, installation: Installation, per_hour: int) -> Limited:
    """Let all held messages go as one, if one more is allowed."""
    if not rate_limit.held:
        return rate_limit, ()
    told = tuple(told for told in rate_limit.told if _counts(told, now))
    if len(told) >= per_hour:
        return rate_limit, ()
    held = rate_limit.held
    message = held[0] if len(held) == 1 else _digest(held, now, installation)
    entry = Told(now, _subjects(held))
    return replace(rate_limit, told=(*told, entry), held=()), (message,)


def _digest(held: Sequence[Message], now: Now, installation: Installation) -> Message:
    lines = [fact("digest-line", at=one.at, title=one.title, incident=one.incident) for one in held]
    if len(lines) > _LISTED:
        lines = _in_short(held)
    title = fact("digest", count=len(held), host=installation.host)
    severity = max((message.severity for message in held), key=list(Severity).index)
    lines = [fact("digest-head"), *lines]
    return notice(title, lines, now, installation, severity, longest=_LONGEST_DIGEST)


def _in_short(held: Sequence[Message]) -> list[Fact]:
    """Return a line for each incident, the newest if they are many, and a count of notices."""
    turns: dict[str, list[Fact]] = {}
    for message in held:
        if message.incident:
            turn = fact(f"digest-{message.topic}", at=message.at)
            turns.setdefault(message.incident, []).append(turn)
    lines = [
        fact("digest-incident", incident=incident, turns=tuple(told))
        for incident, told in turns.items()
    ]
    if len(lines) > _LISTED:
        older = fact("digest-older", count=len(lines) - _LISTED, first=next(iter(turns)))
        lines = [older, *lines[-_LISTED:]]
    notices = len(_subjects(held))
    return [*lines, fact("digest-notices", count=notices)] if notices else lines
