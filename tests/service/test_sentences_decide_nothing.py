"""No rule looks at the words of a sentence: with each being its code, all is decided the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from mailwatch.core.facts import words
from mailwatch.core.investigation import Step
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState
from mailwatch.core.policy import Policy
from mailwatch.core.state import State
from mailwatch.service.monitor import Monitor
from tests.codes import in_codes
from tests.house import House, bad, blind, good

Turn = Sequence[Reading] | float | Callable[[House], None]
"""The outcome of a round, seconds that pass, or something that is done to the house."""

WELL = [good("SMTP:25"), good("IMAPS:993")]
HANGS = [bad("SMTP:25"), good("IMAPS:993")]
DROPS = [bad("SMTP:25", Fault.DROPPED), bad("IMAPS:993", Fault.DROPPED)]
DEAF = TargetState(Condition.RUNNING, listens={25: False, 993: False})
GONE = TargetState(Condition.MISSING, words("There is no container stalwart."))


def _becomes(state: TargetState) -> Turn:
    return lambda house: setattr(house.container, "state", state)


def _refuses(house: House) -> None:
    house.container.error = "Docker says no."


def _pauses(house: House) -> None:
    house.store.pause(Now(house.seconds + 60, house.now.wall + 60))


def _starts_anew(house: House) -> None:
    house.monitor = Monitor(house.parts)
    house.start()


def _expires(days: float) -> list[Reading]:
    wall = House(Policy()).now.wall + days * 86_400
    return [replace(reading, certificate_expires=wall) for reading in WELL]


EVERY_7_MINUTES: list[Turn] = [HANGS, 15, WELL, 400]

NIGHTS: dict[str, list[Turn]] = {
    "a restart that helps": [HANGS, 15, WELL],
    "a restart in vain": [HANGS, 15, HANGS, 60, HANGS, 5 * 3600, HANGS, 15, WELL],
    "a restart that is refused": [_refuses, HANGS, 300, WELL],
    "a ban, and what comes after it": [
        DROPS, 20, DROPS, _becomes(DEAF), 20, DROPS, 20, DROPS, 15, WELL,
    ],
    "a container that was removed": [HANGS, 15, WELL, 4000, _becomes(GONE), HANGS, 20, HANGS, WELL],
    "a container that never was": [_becomes(GONE), HANGS, 20, WELL],
    "a pause": [_pauses, HANGS, 61, HANGS, 15, WELL],
    "an end in mid-restart": [HANGS, _starts_anew, 15, HANGS, 100, WELL],
    "two services that cannot be looked at, one after the other": [
        [blind("SMTP:25"), good("IMAPS:993")], 1000, [blind("SMTP:25"), good("IMAPS:993")], 200,
        [blind("SMTP:25"), blind("IMAPS:993")], 1000, [blind("SMTP:25"), blind("IMAPS:993")], 200,
        WELL, 200, [blind("SMTP:25"), good("IMAPS:993")],
    ],
    "certificates that expire": [_expires(9.5), 86_400, _expires(9.5), 200, _expires(90)],
    "more messages than an hour allows": [*EVERY_7_MINUTES * 12, 3600, WELL],
}  # fmt: skip


def _settle(house: House) -> None:
    """Let every look, restart and message come to its end."""

    def is_calm() -> bool:
        decided = house.monitor.investigation.step in (Step.OVER, Step.ASKING)
        return decided and not house.recovery.busy and not house.store.entries()

    house.drain_until(is_calm)


def _lived(night: Sequence[Turn]) -> tuple[list[State], list[object]]:
    """Return what was remembered after each turn, and what was told, but for its text."""
    house, states = House(Policy(messages_per_hour=6, cooldown_s=0, backoff_s=10)), []
    house.start()
    for turn in night:
        if callable(turn):
            turn(house)
        elif isinstance(turn, float | int):
            house.pass_time(turn)
        elif house.monitor.investigation.is_asking:
            house.end_round(*turn)
        else:
            house.pass_time(house.policy.interval_s)
            _settle(house)
            house.end_round(*turn)
        _settle(house)
        states.append(house.monitor.state)
    told: list[object] = [replace(one, title="", body="") for one in house.phone.messages]
    return states, [*told, house.container.restarts, house.store.notes()]


@pytest.mark.parametrize("night", NIGHTS.values(), ids=NIGHTS)
def test_a_night_is_the_same_without_its_sentences(night: Sequence[Turn]) -> None:
    """Every state, restart, merge and message, and what is held back."""
    lives = []
    for context in (nullcontext(), in_codes()):
        with context:
            lives.append(_lived(night))
    assert lives[0] == lives[1]
    assert len(lives[0][1]) > 2, "something was told"
