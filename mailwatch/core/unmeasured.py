"""What we could not look at: told once when it lasts, and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.text import duration, name_some
from mailwatch.core.wording import Installation, notice

_FEW = 6
"""How many services are named on one line, and how many lines a message has for them."""


@dataclass(frozen=True, slots=True)
class UnmeasuredServices:
    """Since when each service could not be measured, and of which the admin was told.

    What the admin was told is kept with the state, for its end must be told too.
    """

    since: Mapping[str, Now] = field(default_factory=dict)
    told: frozenset[str] = frozenset()

    @property
    def to_keep(self) -> UnmeasuredServices:
        """The part of it that outlives the process."""
        return UnmeasuredServices(
            {s: self.since[s] for s in self.since if s in self.told}, self.told
        )


def look(
    before: UnmeasuredServices,
    readings: Sequence[Reading],
    now: Now,
    installation: Installation,
    policy: Policy,
) -> tuple[UnmeasuredServices, tuple[Message, ...]]:
    """Return what is known after one round, and the notices that it calls for.

    A fault of this host that begins in the middle of a round blinds some services a round later
    than others. So whatever cannot be looked at for the same reason is told along with the first.
    """
    details = {r.service: r.detail for r in readings if r.verdict is Verdict.UNMEASURED}
    since = {service: before.since.get(service, now) for service in details}
    untold = [service for service in details if service not in before.told]
    reasons = {
        details[service]
        for service in untold
        if now.steady - since[service].steady >= policy.unmeasured_after_s
    }
    news = [service for service in untold if details[service] in reasons]
    watched = {reading.service for reading in readings}
    over = sorted((before.told & watched) - set(details))
    messages = []
    if news:
        spans = {now.steady - since[service].steady for service in news}
        longest = f"{'up to ' if len(spans) > 1 else ''}{duration(max(spans))}"
        lines = [
            f"For {longest} mailwatch could not look whether these services answer; it restarts "
            "nothing on such grounds.",
            *(f"- {service}: {details[service]}" for service in news[:_FEW]),
        ]
        title = f"mailwatch on {installation.host} cannot look at {name_some(news, _FEW)}"
        messages.append(notice(title, "\n".join(lines), now, Severity.WARNING))
    if over:
        title = f"mailwatch on {installation.host} can look again"
        messages.append(notice(title, f"At {name_some(over, _FEW)}.", now))
    told = (before.told & set(details)) | set(news)
    return UnmeasuredServices(since, frozenset(told)), tuple(messages)
