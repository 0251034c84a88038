"""The story: all is well, the server hangs, mailwatch cures it; and what it shows in figures."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.policy import Policy
from mailwatch.demo.facts import Facts, NoStory, Turn
from mailwatch.demo.layout import Tone, Who
from mailwatch.demo.server_process import Server
from mailwatch.demo.timeline import Timeline

PATIENCE_S = 20.0
"""How much longer than it should a turn may take, on a machine that has other things to do."""

_MOST_ROUNDS = 6
"""So many are waited for until they come at a steady pace."""

_BUSY = "This machine may be very busy: try again when it is not."


def tell(facts: Facts, server: Server, timeline: Timeline, policy: Policy) -> None:
    """Play the story to its end; raises NoStory where it does not come about, or Over."""
    await_pace(facts, policy)
    facts.pause(policy.interval_s / 2)
    if facts.of(Turn.OPENED) or facts.of(Turn.RESTARTING):
        raise NoStory(f"mailwatch saw an outage before there was to be one. {_BUSY}")
    server.hang()
    facts.note(Turn.HUNG)
    timeline.say(
        Who.SERVER,
        "HANGS (SIGSTOP): its ports still accept, but nothing answers; the next round is due in "
        f"{_until_due(facts, policy):.1f} s",
        Tone.BAD,
    )
    detection_s = policy.interval_s + policy.attempts.longest_s
    facts.wait(
        Turn.OPENED,
        1,
        detection_s + PATIENCE_S,
        f"No message arrived within {detection_s + PATIENCE_S:g} s of the hang. {_BUSY}",
    )
    facts.wait(
        Turn.RESTARTED,
        1,
        PATIENCE_S,
        f"The server was not restarted within {PATIENCE_S:g} s of that message. {_BUSY}",
    )
    window_s = policy.settle_s + policy.verify_for_s
    seen = len(facts.of(Turn.WELL))
    facts.wait(
        Turn.RECOVERED,
        1,
        window_s + PATIENCE_S,
        f"The restarted server was not seen to answer within {window_s + PATIENCE_S:g} s. {_BUSY}",
    )
    facts.wait(
        Turn.WELL,
        seen + 2,
        policy.interval_s + PATIENCE_S,
        f"The rounds did not go on after the recovery. {_BUSY}",
    )


def await_pace(facts: Facts, policy: Policy) -> float:
    """Return when a round began that was one interval after the one before it.

    From such a one the next is reckoned. Where the machine draws rounds out, any will do in the
    end. Raises NoStory, or Over.
    """
    count = 2
    while True:
        facts.wait(
            Turn.WELL,
            count,
            2 * policy.interval_s + PATIENCE_S,
            f"The demo's own mail server did not answer in time. {_BUSY}",
        )
        before, last = facts.of(Turn.WELL)[count - 2 : count]
        is_steady = abs(last - before - policy.interval_s) < policy.interval_s / 10
        if is_steady or count == _MOST_ROUNDS:
            return last
        count += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What the story took, in seconds."""

    until_due: float
    """From the hang to the round that could see it first."""
    detection: float
    """From that round's beginning to the first message at the inbox."""
    floor: float
    """What the attempts alone must take."""
    restart: float
    recovery: float
    """From the end of the restart to the message that mail flows again."""

    @property
    def ratio(self) -> float:
        """The detection in terms of its floor."""
        return self.detection / self.floor

    @property
    def until_told(self) -> float:
        """From the hang to the first message."""
        return self.until_due + self.detection


def figures(facts: Facts, policy: Policy) -> Figures:
    """Return the figures of a story that was told to its end."""
    until_due = _until_due(facts, policy)
    return Figures(
        until_due=until_due,
        detection=facts.first(Turn.OPENED) - facts.first(Turn.HUNG) - until_due,
        floor=policy.attempts.longest_s,
        restart=facts.first(Turn.RESTARTED) - facts.first(Turn.RESTARTING),
        recovery=facts.first(Turn.RECOVERED) - facts.first(Turn.RESTARTED),
    )


def _until_due(facts: Facts, policy: Policy) -> float:
    """Return the seconds from the hang to the round after it."""
    hung = facts.first(Turn.HUNG)
    last_well = max(moment for moment in facts.of(Turn.WELL) if moment < hung)
    return max(0.0, last_well + policy.interval_s - hung)
