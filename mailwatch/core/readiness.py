"""Whether the target could be restarted if it had to be: told once when not, once when again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.wording import Installation, notice

UNABLE = frozenset({Condition.MISSING, Condition.REMOVED, Condition.DENIED, Condition.UNREACHABLE})
"""The conditions in which nothing can be restarted, whatever fails."""

LOOK_EVERY_S = 6 * 3600.0
CONFIRM_S = 60.0
"""How long it lasts before it is told: who recreates a container removes it first."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Since when the target cannot be restarted, and whether the admin was told."""

    since: Now | None = None
    told: bool = False


def look(
    before: Readiness, target: TargetState, now: Now, installation: Installation
) -> tuple[Readiness, tuple[Message, ...]]:
    """Return what is known after a look at the target, and the notices that it calls for."""
    if target.condition not in UNABLE:
        again = fact("can-restart", target=installation.target.called)
        title = fact("can-restart-on", host=installation.host)
        over = (notice(title, [again], now, installation),) if before.told else ()
        return Readiness(), over
    after = replace(before, since=before.since or now)
    if after.told or now.steady - (after.since or now).steady < CONFIRM_S:
        return after, ()
    title = fact("cannot-restart-on", host=installation.host)
    lines = [trouble(target, installation), fact("cannot-restart-until")]
    told = notice(title, lines, now, installation, Severity.WARNING)
    return replace(after, told=True), (told,)


def next_look(known: Readiness, last: float | None, now: Now) -> float:
    """Return when (steady) to look next, where the last look was answered at `last` (steady)."""
    if last is None:
        return now.steady
    return last + (CONFIRM_S if known.since is not None and not known.told else LOOK_EVERY_S)


def trouble(target: TargetState, installation: Installation) -> Fact:
    """Return the sentence that says why it cannot be restarted, NOTHING where it can."""
    if target.condition not in UNABLE:
        return NOTHING
    return fact("cannot-restart", target=installation.target.called, detail=target.detail)
