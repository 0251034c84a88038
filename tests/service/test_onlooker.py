"""Onlookers: what the monitor tells whoever watches it, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mailwatch.core.events import Action
from mailwatch.core.message import Topic
from mailwatch.core.model import Now, Reading
from mailwatch.core.state import Stage, State
from mailwatch.service.monitor import Monitor
from mailwatch.service.onlooker import Onlooker
from tests.house import House, bad, good


class Writes(Onlooker):
    """Writes down what it hears, and what the store and the container show at that moment."""

    def __init__(self, house: House) -> None:
        self.heard: list[str] = []
        self._house = house

    def attempt(self, reading: Reading, number: int, retries: int, now: Now) -> None:
        self.heard.append(f"{reading.service} attempt {number} of {retries}")

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        verdicts = ", ".join(reading.verdict for reading in readings)
        self.heard.append(f"{verdicts} while {self._house.monitor.state.stage}")

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        names = ", ".join(type(action).__name__ for action in actions)
        assert self._house.store.restore(now) == after
        if before.stage is not after.stage:
            restarts = self._house.container.restarts
            self.heard.append(f"{before.stage} > {after.stage} {names} {restarts}".strip())


class Nothing(Onlooker):
    """An onlooker that says nothing of what it does."""


def test_an_onlooker_hears_all_that_happens_in_its_order(house: House) -> None:
    """Failed attempts, rounds before they are decided, steps once committed and not yet done."""
    writes = Writes(house)
    house.parts = replace(house.parts, onlookers=(Nothing(), writes))
    house.monitor = Monitor(house.parts)
    house.start()
    house.end_round(bad(), good("IMAPS:993"))
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    house.pass_time(house.policy.settle_s)
    house.end_round(good(), good("IMAPS:993"))
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.RECOVERED])
    assert writes.heard == [
        "SMTP:25 attempt 1 of 3",
        "fail, pass while healthy",
        "healthy > restarting Tell, Restart 0",
        "restarting > settling  1",
        "settling > verifying  1",
        "pass, pass while verifying",
        "verifying > healthy Tell 1",
    ]


def test_the_history_keeps_every_round(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good or bad, with the moment at which it ended, for the report."""
    kept: list[tuple[Sequence[Reading], Now]] = []
    monkeypatch.setattr(house.store, "record", lambda *round_: kept.append(round_))
    house.start()
    house.end_round(good())
    first = house.now
    house.pass_time(house.policy.interval_s)
    house.end_round(bad())
    assert kept == [((good(),), first), ((bad(),), house.now)]
