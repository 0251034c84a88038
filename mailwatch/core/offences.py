"""What a server may hold against this host: a budget a server and day, for servers ban for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from mailwatch.core.address import is_loopback
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.keys import DAY_S
from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Now, Offence
from mailwatch.core.wording import Installation, notice

COST: Mapping[Offence, int] = {
    Offence.LOGIN: 1,
    Offence.COMMAND: 1,
    Offence.MISMATCH: 1,
    Offence.INTRUSION: 5,
}
"""What each draws on the budget; a server takes a TLS hello, or a request, for several commands."""

AT_MOST = 29
"""No more in a day, also with what is tried once more: servers ban for good from 30 on."""

AGAIN_S = 3600.0
"""What gave too much offence is tried once more after that, for it may have been mended."""


class Manner(Enum):
    """How a service may be asked, as far as its server may take offence."""

    FREE = auto()
    CAREFUL = auto()
    """It may be set wrongly: listen before you speak."""
    WITHOUT_LOGIN = auto()
    """The budget is spent, and what it was spent on here was the login."""
    LISTENING = auto()
    """The budget is spent: connect and listen, which no server takes amiss."""


@dataclass(frozen=True, slots=True)
class Offended:
    """One offence; `way` is the digest of the settings that led to it, empty once they passed."""

    offence: Offence
    way: str


@dataclass(frozen=True, slots=True)
class Day:
    """What one server may hold against us within DAY_S from `began` on, when it began to."""

    began: Now
    offences: tuple[Offended, ...] = ()
    told: bool = False
    """Whether the admin was told that it is only listened to."""


@dataclass(frozen=True, slots=True)
class OffenceBudget:
    """The day of each server that may hold something against us, by `server_of`."""

    days: Mapping[str, Day] = field(default_factory=dict)

    def charge(self, server: str, offence: Offence, way: str, now: Now) -> OffenceBudget:
        """Return it after one more offence."""
        day = _current(self, server, now) or Day(now)
        day = replace(day, offences=(*day.offences, Offended(offence, way)))
        return OffenceBudget({**self.days, server: day})

    def absolve(self, server: str, way: str) -> OffenceBudget:
        """Return it after `way` has passed: what it cost stays spent, and it is trusted again."""
        day = self.days.get(server)
        if day is None or not any(one.way == way for one in day.offences):
            return self
        cleared = (replace(one, way="") if one.way == way else one for one in day.offences)
        return OffenceBudget({**self.days, server: replace(day, offences=tuple(cleared))})

    def spent(self, server: str, now: Now) -> int:
        """Return what was drawn on the day of `server` by now."""
        day = _current(self, server, now)
        return sum(COST[one.offence] for one in day.offences) if day else 0

    def until(self, server: str, now: Now, per_day: int) -> float | None:
        """Return when (steady) the day ends for whose rest a service is only listened to.

        None where none is.
        """
        day, spent = _current(self, server, now), self.spent(server, now)
        if day and any(one.way and spent + COST[one.offence] > per_day for one in day.offences):
            return day.began.steady + DAY_S
        return None

    def manner(
        self, server: str, way: str, now: Now, per_day: int, *, proven: bool, again: bool = False
    ) -> Manner:
        """Return how to ask a service of `server` that is set in that `way`.

        `again` says that it is time to try once more what was too much; what counts as an
        intrusion is not, and nothing beyond AT_MOST.

        What has given no offence today goes on when the budget is spent: settings that pass cost
        nothing, and those that were just corrected must have their turn.
        """
        day = _current(self, server, now)
        own = [one.offence for one in day.offences if one.way == way] if day else []
        careful = not proven or any(one is not Offence.LOGIN for one in own)
        if again and Offence.INTRUSION not in own:
            per_day = max(per_day, AT_MOST)
        if own and self.spent(server, now) + max(COST[one] for one in own) > per_day:
            only_login = all(one is Offence.LOGIN for one in own)
            return Manner.WITHOUT_LOGIN if only_login else Manner.LISTENING
        return Manner.CAREFUL if careful else Manner.FREE


def server_of(host: str) -> str:
    """Return what stands for the server at `host`: all of loopback is one."""
    return "localhost" if is_loopback(host) else host.casefold().removesuffix(".")


def look(
    budget: OffenceBudget, now: Now, installation: Installation, per_day: int
) -> tuple[OffenceBudget, tuple[Message, ...]]:
    """Return `budget` without the days that are over, and the notices that it calls for."""
    days, notices = {}, []
    for server in budget.days:
        day = _current(budget, server, now)
        if day is None:
            continue
        if not day.told and budget.until(server, now, per_day) is not None:
            day = replace(day, told=True)
            title = fact("only-listens-on", host=installation.host)
            until_at = _wall(day)
            lines = [
                fact("only-listens", server=server, count=per_day, until_at=until_at),
                fact("only-listens-advice"),
            ]
            about = fact("listening-only", servers=(server,), until_at=until_at)
            notices.append(notice(title, lines, now, installation, Severity.WARNING, about))
        days[server] = day
    after = OffenceBudget(days)
    return (budget if after == budget else after), tuple(notices)


def standing(budget: OffenceBudget, now: Now, per_day: int) -> Fact:
    """Return the clause that says where mailwatch only listens now, NOTHING where nowhere."""
    spent = [server for server in budget.days if budget.until(server, now, per_day) is not None]
    if not spent:
        return NOTHING
    until_at = max(_wall(budget.days[server]) for server in spent)
    return fact("listening-only", servers=tuple(spent), until_at=until_at)


def _current(budget: OffenceBudget, server: str, now: Now) -> Day | None:
    day = budget.days.get(server)
    return day if day is not None and now.steady < day.began.steady + DAY_S else None


def _wall(day: Day) -> float:
    return day.began.wall + DAY_S
