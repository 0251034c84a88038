"""What can happen to the incident machine, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.judgement import Situation
from mailwatch.core.message import Topic
from mailwatch.core.model import Now, Steady, TargetState
from mailwatch.core.state import Hold, Incident, Left


@dataclass(frozen=True, slots=True)
class Passed:
    """A round ended in which nothing failed; what had failed passed, or is no longer watched."""

    watched: frozenset[str] | None = None
    """The services that the round asked, None where that is not known."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A round ended in which at least one service failed."""

    situation: Situation
    cause: Fact = NOTHING
    """The likely cause, NOTHING while none is known."""
    plain: Fact = NOTHING
    """What the round itself shows of the cause, for where no better is known."""
    looked: bool = False
    """Whether a cause was looked for in this round: then one of before is none of what is now."""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A round ended that says nothing: no failure seen, but we could not look everywhere."""


@dataclass(frozen=True, slots=True)
class RestartEnded:
    """The restart call came back; `error` is NOTHING when the target was restarted.

    `intervened` says that it was left alone, because somebody else was at work on it by then.
    """

    error: Fact = NOTHING
    intervened: bool = False
    left: Left | None = None
    """What the restart is known to have left stopped, see `Attempt.left`."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The clock moved on, perhaps past `State.due`."""


@dataclass(frozen=True, slots=True)
class Restored:
    """mailwatch was started anew and found this state in its store.

    `target` is what the restarter sees now, the only forensics of an interrupted restart.
    """

    target: TargetState


Event = Passed | Failed | Unmeasured | RestartEnded | TimePassed | Restored


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the target, as attempt `number` of this incident, if it is still as it was seen."""

    incident: str
    number: int
    target: TargetState


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the admin about `incident`, as it stands after the event."""

    topic: Topic
    incident: Incident
    at: Now
    next_restart: Steady | None = None
    """When the next attempt is allowed (steady), None when no time brings one."""


@dataclass(frozen=True, slots=True)
class Note:
    """Write down why nothing else is done; said once per reason."""

    hold: Hold


Action = Restart | Tell | Note
