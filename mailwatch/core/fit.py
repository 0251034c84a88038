"""Makes a message fit a phone: its title, its lines, its times, and the names of services."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from mailwatch.core.facts import Fact, Value, fact
from mailwatch.core.say import ClockText, line, say
from mailwatch.core.text import shorten

LONGEST_TITLE = 50
"""Characters that a phone shows of a title."""

_SHORTEST_HOST = 8
_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def title(what: Fact, watched: Sequence[str] = ()) -> str:
    """Return `what` as a title: its `host` gives way where it is too long, and the meaning stays.

    Its `services`, if it has some, are keys; they are told by name, or by number if the names do
    not fit. `watched` are the keys of all that there are, empty where nobody knows.
    """
    host, keys = str(what.get("host")), what.get("services")
    if isinstance(keys, tuple):
        services = tuple(map(str, keys))
        names = ", ".join(called(services, watched))
        count, known = len(set(services)), set(watched)
        if count > 1 and set(services) >= known != set():
            names = line("all-services", count=count)
        elif len(_said(what, host=host[:_SHORTEST_HOST], services=names)) > LONGEST_TITLE:
            of = len(known) if set(services) <= known else None
            names = line("some-services", count=count, watched=of)
        what = _with(what, services=names)
    for name in _hosts(host):
        said = _said(what, host=name)
        if len(said) <= LONGEST_TITLE:
            return said
    room = LONGEST_TITLE - len(_said(what, host=""))
    short = shorten(host, max(room, _SHORTEST_HOST))
    return shorten(_said(what, host=short), LONGEST_TITLE)


def called(services: Sequence[str], watched: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what a person calls `services`: NAME, or NAME:PORT where two share a name."""
    times = Counter(_name(key) for key in {*services, *watched})
    return tuple(_name(key) if times[_name(key)] == 1 else key for key in services)


def body(lines: Sequence[str], limit: int | None = None) -> str:
    """Return `lines` as one text of at most `limit` characters; the longest lines are cut first.

    Ids of containers are cut to the 12 digits that `docker ps` shows.
    """
    short = [_LONG_ID.sub(r"\1", one) for one in lines]
    longest = max(map(len, short), default=0)
    while limit and sum(min(len(one), longest) + 1 for one in short) - 1 > limit:
        longest -= 1
    return "\n".join(shorten(one, longest) for one in short)


def near(clock_text: ClockText, at: float) -> ClockText:
    """Return the clock of a message written at `at`: HH:MM, with the date on another day.

    `at` is in seconds since 1970; `clock_text` says a moment as `2026-11-22 03:14:02`.
    """
    today, _, _ = clock_text(at).rpartition(" ")

    def short(wall: float) -> str:
        date, _, time = clock_text(wall).rpartition(" ")
        minute = time.rpartition(":")[0] if time.count(":") > 1 else time
        return minute if date == today else f"{date} {minute}"

    return short


def _hosts(host: str) -> Iterator[str]:
    yield host
    first = host.partition(".")[0]
    if first and not first.isdecimal():
        yield first


def _with(what: Fact, **args: Value) -> Fact:
    return fact(what.code, **{**dict(what.args), **args})


def _said(what: Fact, **args: Value) -> str:
    return say(_with(what, **args))


def _name(key: str) -> str:
    name, _, port = key.rpartition(":")
    return name if name and port.isdecimal() else key
