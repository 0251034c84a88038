"""The delivery: a channel each for itself, one message at a time, with real threads."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Now
from mailwatch.core.outbox import FIRST_RETRY_S, QueuedMessage
from mailwatch.core.state import State
from mailwatch.host.job import Job
from mailwatch.host.journal import Journal
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.service.delivery import SEND_LIMIT_S, SLACK_S, Delivery
from mailwatch.service.queue_events import EventQueue
from mailwatch.store.base import Commit, Store
from tests.house import PATIENCE_S, LingeringQueue, ScriptedPhone, is_idle

NOW = Now(5000.0, 1_700_000_000.0)


def _messages(count: int) -> list[Message]:
    return [
        Message(Topic.NOTICE, Severity.INFO, f"message {n}", "", NOW.wall) for n in range(count)
    ]


def test_a_thread_that_has_answered_keeps_no_message_from_leaving() -> None:
    """On a busy machine it may be there long after its answer: neither waited for nor an error."""
    lingering, phone, store = LingeringQueue(), ScriptedPhone(), Store()
    journal = Journal(io.StringIO(), journald=False)
    delivery = Delivery(
        {"gotify": phone}, store, lingering, journal, time.monotonic, str, lambda: 0.0
    )
    store.commit(Commit(State(), NOW, _messages(3)))
    try:
        while store.entries():
            delivery.advance(NOW)
            take(delivery, lingering, NOW)
    finally:
        lingering.let_go.set()
    assert [message.title for message in phone.messages] == ["message 0", "message 1", "message 2"]


def test_a_host_without_threads_keeps_the_message(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """It is tried again later like any other, the log says what to raise, and nothing ends."""

    events, phone, store, log = EventQueue(), ScriptedPhone(), Store(), io.StringIO()
    journal = Journal(log, journald=False)
    delivery = Delivery({"gotify": phone}, store, events, journal, time.monotonic, str, lambda: 0.0)
    store.commit(Commit(State(), NOW, _messages(1)))
    with without_threads():
        delivery.advance(NOW)
    take(delivery, events, NOW)
    assert [entry.tries for entry in store.entries()] == [1]
    assert "raise TasksMax" in log.getvalue()
    later = Now(NOW.steady + 3600, NOW.wall + 3600)
    delivery.advance(later)
    take(delivery, events, later)
    assert store.entries() == ()


def take(delivery: Delivery, events: EventQueue, now: Now) -> None:
    """Let the delivery take the outcome of the next job that is over."""
    job = events.get(timeout=PATIENCE_S)
    assert isinstance(job, Job)
    delivery.take(job, now)


class Stand:
    """A delivery over channels that the test makes, on a clock that it moves."""

    def __init__(self, **phones: ScriptedPhone) -> None:
        self.seconds = NOW.steady
        self.log = io.StringIO()
        self.events, self.store = EventQueue(), Store()
        journal = Journal(self.log, journald=False)
        self.delivery = Delivery(
            phones, self.store, self.events, journal, lambda: self.seconds, str, lambda: 0.0
        )

    @property
    def now(self) -> Now:
        return Now(self.seconds, NOW.wall + self.seconds - NOW.steady)

    def write(self, *rows: tuple[str, str]) -> None:
        """Put a row into the outbox for each channel and title."""
        messages = [
            QueuedMessage(
                number, channel, Message(Topic.NOTICE, Severity.INFO, title, "", NOW.wall)
            )
            for number, (channel, title) in enumerate(rows, 1)
        ]
        self.store.keep_entries(messages)
        self.delivery.wrote()

    def work(self) -> None:
        """Send what is due, and take every answer, until nothing is under way."""
        self.delivery.advance(self.now)
        while not is_idle(self.delivery):
            self.answer()

    def answer(self) -> None:
        """Take one answer."""
        take(self.delivery, self.events, self.now)
        self.delivery.advance(self.now)

    def waiting(self) -> list[tuple[str, str, int]]:
        """Return channel, title and tries of what waits."""
        return [(one.channel, one.message.title, one.tries) for one in self.store.entries()]


def _titles(phone: ScriptedPhone) -> list[str]:
    return [message.title for message in phone.messages]


def test_a_channel_that_refuses_keeps_none_of_the_others_waiting() -> None:
    """Each has its own order, tries and pauses; the one that is back tells all, in order."""
    deaf, well = ScriptedPhone(error=DeliveryError(words("It is away."))), ScriptedPhone()
    stand = Stand(deaf=deaf, well=well)
    stand.write(("deaf", "one"), ("well", "one"), ("deaf", "two"), ("well", "two"))
    stand.work()
    assert _titles(well) == ["one", "two"]
    assert stand.waiting() == [("deaf", "one", 1), ("deaf", "two", 0)]
    assert stand.delivery.wake_at() == stand.seconds + FIRST_RETRY_S
    assert "could not send 'one' by deaf: It is away." in stand.log.getvalue()
    deaf.error = None
    stand.seconds += FIRST_RETRY_S
    stand.work()
    assert _titles(deaf) == ["one", "two"]
    assert stand.waiting() == []


def test_what_one_channel_refuses_for_good_is_parked_in_that_one_alone() -> None:
    """A message behind it leaves over the same channel, and it over the other."""
    strict, well = ScriptedPhone(), ScriptedPhone()
    stand = Stand(strict=strict, well=well)
    strict.error = DeliveryError(words("It is too long."), permanent=True)
    stand.write(("strict", "long"), ("well", "long"))
    stand.work()
    (parked,) = stand.store.entries()
    assert (parked.channel, parked.parked) == ("strict", True)
    strict.error = None
    more = Message(Topic.NOTICE, Severity.INFO, "short", "", NOW.wall)
    stand.store.keep_entries([parked, QueuedMessage(9, "strict", more)])
    stand.delivery.wrote()
    stand.work()
    assert _titles(strict) == ["short"]
    assert _titles(well) == ["long"]


def test_a_channel_that_hangs_holds_one_thread_and_none_of_the_others() -> None:
    """It is given up after its limit, and what it says then is not taken."""
    let_go, well = threading.Event(), ScriptedPhone()

    class Hangs(ScriptedPhone):
        def send(self, message: Message, deadline: Deadline) -> None:
            let_go.wait(PATIENCE_S)

    stand = Stand(hangs=Hangs(), well=well)
    stand.write(("hangs", "one"), ("well", "one"), ("well", "two"))
    stand.delivery.advance(stand.now)
    stand.answer()
    stand.answer()
    assert _titles(well) == ["one", "two"]
    assert stand.delivery.wake_at() == stand.seconds + SEND_LIMIT_S + SLACK_S
    stand.seconds += SEND_LIMIT_S + SLACK_S
    stand.delivery.advance(stand.now)
    assert "The notifier has not answered for 90 s." in stand.log.getvalue()
    let_go.set()
    stand.answer()
    assert stand.waiting() == [("hangs", "one", 1)]


def test_what_waits_for_a_channel_that_is_not_configured_any_more_is_ended() -> None:
    """Nobody would ever take it; the log says of each message that it was not told."""
    stand = Stand(here=ScriptedPhone())
    stand.write(("gone", "Mail is down"), ("here", "Mail is down"))
    stand.work()
    assert stand.waiting() == []
    log = stand.log.getvalue()
    assert "not sent: Mail is down: it was for gone, which is no longer configured" in log
    assert "\nsent: Mail is down" in log.replace("info: ", "\n")


def test_very_many_of_a_channel_that_is_gone_end_over_some_turns() -> None:
    """Each is a write to the disk: weeks of messages must not hold up the watch."""
    stand = Stand(here=ScriptedPhone())
    stand.write(*(("gone", f"Mail is down, {n}") for n in range(45)))
    left = []
    while stand.waiting():
        stand.delivery.advance(stand.now)
        left.append(len(stand.waiting()))
        wake_at = stand.delivery.wake_at()
        assert not stand.waiting() or (wake_at is not None and wake_at <= stand.now.steady)
    assert len(left) > 2
    assert stand.log.getvalue().count("not sent: Mail is down") == 45


def test_a_channel_that_a_reload_takes_away_ends_with_what_is_under_way() -> None:
    """What was taken was told, and the log says no other thing of it; the rest is ended."""
    let_go, other = threading.Event(), ScriptedPhone()

    class Slow(ScriptedPhone):
        def send(self, message: Message, deadline: Deadline) -> None:
            let_go.wait(PATIENCE_S)
            super().send(message, deadline)

    slow = Slow()
    stand = Stand(slow=slow)
    stand.write(("slow", "first"), ("slow", "second"))
    stand.delivery.advance(stand.now)
    stand.delivery.replace({"other": other})
    assert stand.delivery.channels == ("other",)
    stand.delivery.advance(stand.now)
    let_go.set()
    stand.work()
    assert _titles(slow) == ["first"]
    assert stand.waiting() == []
    log = stand.log.getvalue()
    assert "sent: first" in log
    assert "not sent: first" not in log
    assert "not sent: second: it was for slow" in log


def test_a_reload_tries_at_once_and_lets_a_delivery_under_way_end() -> None:
    """The new notifier of a channel begins where the old one has ended: none is told twice."""
    let_go = threading.Event()

    class Slow(ScriptedPhone):
        def send(self, message: Message, deadline: Deadline) -> None:
            let_go.wait(PATIENCE_S)
            super().send(message, deadline)

    old, new = Slow(), ScriptedPhone()
    stand = Stand(phone=old)
    stand.write(("phone", "one"), ("phone", "two"))
    stand.delivery.advance(stand.now)
    stand.delivery.replace({"phone": new})
    stand.delivery.advance(stand.now)
    let_go.set()
    stand.work()
    assert (_titles(old), _titles(new)) == (["one"], ["two"])


def test_after_an_outage_of_the_network_sixty_incidents_are_one_message() -> None:
    """Whoever was tried, each is delivered and none of them twice; the log names what left."""
    phone = ScriptedPhone(error=DeliveryError(words("It is away.")))
    stand = Stand(phone=phone)
    entries = [
        QueuedMessage(
            2 * n + i, "phone", Message(topic, severity, f"{topic} {n}", "", NOW.wall + n, f"I{n}")
        )
        for n in range(60)
        for i, (topic, severity) in enumerate(
            [(Topic.ESCALATED, Severity.CRITICAL), (Topic.RECOVERED, Severity.INFO)]
        )
    ]
    for number in range(0, len(entries), 2):
        stand.store.keep_entries([*stand.store.entries(), *entries[number : number + 2]])
        stand.delivery.wrote()
        stand.work()
        stand.seconds += FIRST_RETRY_S
    phone.error = None
    stand.seconds += 3600
    stand.work()
    assert _titles(phone) == ["recovered 59"]
    assert phone.messages[0].severity is Severity.INFO
    assert phone.messages[0].body.startswith("60 incidents are over")
    assert stand.waiting() == []
    assert stand.log.getvalue().count("info: sent: recovered 59") == 1
