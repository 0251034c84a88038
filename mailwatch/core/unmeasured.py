"""What we could not look at: told once when it lasts, and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailwatch.core import fit
from mailwatch.core.facts import fact
from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.wording import Installation, few, notice

LISTENED = frozenset({"only-listened", "only-listened-since"})
"""The codes of who was only listened to, of which a notice of its own has told."""


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
    Where mailwatch only listens it has said so already.
    """
    details = {
        r.service: r.detail
        for r in readings
        if r.verdict is Verdict.UNMEASURED
        and (r.detail.code not in LISTENED or r.service in before.told)
    }
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
        known = installation.services
        title = fact("cannot-look", host=installation.host, services=tuple(news))
        blind = {why: [s for s in news if details[s] == why] for why in (details[s] for s in news)}
        lines = [
            fact("cannot-look-since", longest_s=max(spans), up_to=len(spans) > 1),
            *few(
                [
                    fact("cannot-look-why", services=fit.called(services, known), detail=why)
                    for why, services in blind.items()
                ]
            ),
        ]
        whys = tuple(details[service] for service in news)
        began = min(since[service].wall for service in news)
        about = fact("could-not-look", services=tuple(news), whys=whys, since_at=began)
        messages.append(notice(title, lines, now, installation, Severity.WARNING, about))
    if over:
        title = fact("can-look-again", host=installation.host)
        again = fact("can-look-at", services=fit.called(over, installation.services))
        began = min(before.since[service].wall for service in over)
        about = fact("could-look-again", services=tuple(over), since_at=began)
        messages.append(notice(title, [again], now, installation, subject=about))
    told = (before.told & set(details)) | set(news)
    return UnmeasuredServices(since, frozenset(told)), tuple(messages)
