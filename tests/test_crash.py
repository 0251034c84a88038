"""Killed anywhere, mailwatch loses nothing and does nothing twice; see tests/campaign for more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.campaign import campaign
from tests.campaign.engine import Order
from tests.campaign.judge import judge
from tests.campaign.lives import Nursery
from tests.campaign.night import Night
from tests.campaign.plan import At, Death, Plan, read

WORKERS = 4
"""Nights at a time; most of a night is waiting."""

SOME_NIGHTS = [
    "is_silent/calls/call:12",
    "does_not_heal/calls/call:14,moment:0.5",
    "flaps/calls/peer:3,peer:5,moment:0.698+reboot,call:17,moment:0.197+reboot",
    "inbox_away/calls/call:20,call:12+reboot",
    "inbox_slow/calls/peer:2,call:8",
    "operator_stops/calls/call:13,call:9+reboot",
    "operator_steps_in/calls/peer:3,call:25",
    "docker_hangs/calls/call:16",
    "docker_gives_up/calls/peer:2",
    "mends_itself/statements/call:70,call:150",
]
"""One of nearly every kind, with the deaths that have the most to say there."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Return one for the nights that a test itself looks at."""
    one = Nursery()
    yield one
    one.close()


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessPoolExecutor]:
    """Return the processes that spend all other nights: to start them costs as much as nights."""
    with campaign.pool(WORKERS) as processes:
        yield processes


def spend_all(executor: ProcessPoolExecutor, plans: list[Plan], deaths: int) -> None:
    """Spend the nights of `plans`, and fail with the story of the first that broke a promise.

    At least so many `deaths` come to pass; whether the others do is a matter of chance, for a
    busy machine makes one night longer than another.
    """
    died = 0
    for result in executor.map(campaign.spend, plans):
        assert not result.faults, "\n".join([result.plan.words, *result.faults, result.story])
        died += result.deaths
        if not result.deaths and len(result.plan.deaths) == 1:
            death = result.plan.deaths[0]
            reached = {At.CALL: result.calls, At.PEER: result.peers}[death.at]
            assert reached < death.number, f"{result.plan.words}: it came there and lived on"
    assert died >= deaths, "most of these deaths come to pass"


@pytest.fixture(scope="module")
def _spent(nursery: Nursery) -> Iterator[Night]:
    """Return a night with one death that kept every promise, still there to be looked at."""
    one = Night(Plan("does_not_heal", (Death(At.PEER, 2),)), nursery)
    try:
        result = one.run()
        assert result.faults == []
        assert judge(one) == []
        yield one
    finally:
        one.close()


@pytest.fixture
def night(_spent: Night) -> Iterator[Night]:
    """Return that night, put right again after the test."""
    arrivals, orders, trace = _spent.inbox.arrivals, _spent.engine.orders, _spent.trace
    _spent.inbox.arrivals, _spent.engine.orders, _spent.trace = deepcopy((arrivals, orders, trace))
    yield _spent
    _spent.inbox.arrivals, _spent.engine.orders, _spent.trace = arrivals, orders, trace


def test_killed_at_every_call_of_an_incident_that_a_restart_heals(
    executor: ProcessPoolExecutor,
) -> None:
    """Before and after each commit, look, restart, delivery: one story, one restart, one file."""
    whole = executor.submit(campaign.spend, Plan("heals")).result()
    assert not whole.faults, whole.faults
    assert whole.calls >= 30
    assert whole.peers >= 7
    plans = [
        *campaign.every_call("heals", whole.calls),
        *campaign.every_peer_point("heals", whole.peers),
    ]
    spend_all(executor, plans, deaths=30)


def test_killed_at_any_point_of_a_warning_it_warns_once_that_day(
    nursery: Nursery, executor: ProcessPoolExecutor
) -> None:
    """Before, in and after the commit of a certificate's warning, with a reboot or without."""
    whole = Night(Plan("certificate_expires", statements=True), nursery)
    try:
        result = whole.run()
        assert not result.faults, result.faults
        warning = [line["n"] for line in whole.trace if "A certificate on" in str(line)]
    finally:
        whole.close()
    # One night calls a little more than another: the first and the last have some room.
    near = range(warning[0] - 4, warning[-1] + 5)
    spend_all(
        executor,
        [
            Plan("certificate_expires", (Death(At.CALL, call, bool(call % 2)),), statements=True)
            for call in sorted({*near, *range(1, result.calls + 1, 30)})
        ],
        deaths=25,
    )


def test_killed_in_the_middle_of_other_nights(executor: ProcessPoolExecutor) -> None:
    """Inbox away, operator at work, Docker hung, a reboot between: the promises are the same."""
    spend_all(executor, [read(words) for words in SOME_NIGHTS], deaths=7)


def _forget_the_end(night: Night) -> None:
    night.inbox.arrivals = [
        one for one in night.inbox.arrivals if not one.title.startswith("Mail flows again")
    ]


def _forget_the_call(night: Night) -> None:
    night.inbox.arrivals = [
        one for one in night.inbox.arrivals if not one.title.endswith("needs you")
    ]


def _tell_nothing_but_the_end(night: Night) -> None:
    night.inbox.arrivals = night.inbox.arrivals[-1:]


def _tell_the_end_twice(night: Night) -> None:
    last = night.inbox.arrivals[-1]
    night.inbox.arrivals.append(replace(last, at=last.at + 0.3))


def _send_again(night: Night, **other: object) -> None:
    last = next(line for line in reversed(night.trace) if line["what"] == "send")
    night.trace.append({**last, "edge": "before", **other})


def _send_the_end_again(night: Night) -> None:
    _send_again(night)


def _send_the_end_twice(night: Night) -> None:
    night.trace = [line for line in night.trace if line["what"] != "delivered"]
    _send_again(night)


def _call_after_the_end(night: Night) -> None:
    night.inbox.arrivals.append(next(o for o in night.inbox.arrivals if o.priority == 10))


def _order(began: float, stopped_by_operator: bool = False) -> Order:
    return Order(began, stopped_by_operator, False, done=began + 0.1)


# The night may have had no restart of its own: its death can come before Docker hears of one.
def _restart_twice(night: Night) -> None:
    began = night.outages[0].began
    call = {"what": "restart", "life": 1}
    edges = {"before": began, "after": began + 0.1}
    night.trace[:0] = [{**call, "edge": edge, "at": at} for edge, at in edges.items()] * 2


def _restart_what_was_stopped(night: Night) -> None:
    night.engine.orders[:] = [_order(night.outages[0].began, stopped_by_operator=True)]


def _restart_what_is_well(night: Night) -> None:
    night.engine.orders[:] = [_order(night.outages[0].began - 100)]


def _make_two_of_one(night: Night) -> None:
    commit = next(one for one in night.trace if one["what"] == "commit" and one["incident"])
    night.trace.append({**commit, "edge": "after", "incident": "other"})


def _warn_twice(night: Night) -> None:
    night.mail.tls = True
    delivered = next(one for one in night.trace if one["what"] == "delivered")
    night.trace += [{**delivered, "entry": n, "title": "A certificate on"} for n in (98, 99)]


def _restart_without_an_attempt(night: Night) -> None:
    began = night.outages[0].began
    night.trace += [{"what": "restart", "edge": "before", "at": began, "life": 1}] * 9


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (_forget_the_end, "the end was never told"),
        (_forget_the_call, "was committed and never came"),
        (_tell_nothing_but_the_end, "nothing was told of it before"),
        (_tell_the_end_twice, "came 2 times and was sent 1 times"),
        (_send_the_end_again, "again after its delivery was committed"),
        (_send_the_end_twice, "was sent again without any reason"),
        (_call_after_the_end, "came after the recovery"),
        (_restart_twice, "after the one before it"),
        (_restart_what_was_stopped, "an operator stopped"),
        (_restart_what_is_well, "although the mail was well"),
        (_make_two_of_one, "one outage became 2 incidents"),
        (_warn_twice, "2 warnings of 1 certificate"),
        (_restart_without_an_attempt, "attempts were recorded"),
    ],
    ids=lambda given: getattr(given, "__name__", "")[1:],
)
def test_the_judge_sees_a_broken_promise(
    night: Night, break_it: Callable[[Night], None], said: str
) -> None:
    """What the campaign is to find is found when it is there."""
    break_it(night)
    faults = judge(night)
    assert any(said in fault for fault in faults), faults
