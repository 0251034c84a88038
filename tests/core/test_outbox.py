from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Now
from mailwatch.core.outbox import (
    FIRST_RETRY_S,
    LATE_S,
    LONGEST_RETRY_S,
    LONGEST_STORY,
    MANY,
    PARKED_RETRY_S,
    QueuedMessage,
    after_failure,
    as_sent,
    merge,
    next_batch,
    next_entry,
    retry_now,
)

NOW = Now(1000.0, 1_700_000_000.0)


def _letter(
    number: int, topic: Topic = Topic.OPENED, incident: str = "A", channel: str = "gotify"
) -> QueuedMessage:
    message = Message(
        topic,
        Severity.INFO,
        f"title {number}",
        f"body {number}\nIncident {incident}",
        NOW.wall,
        incident,
    )
    return QueuedMessage(number, channel, message)


def _tried(entry: QueuedMessage, times: int = 1, permanent: bool = False) -> QueuedMessage:
    for _ in range(times):
        entry = after_failure(entry, words("No route."), permanent, NOW, 0)
    return entry


# --- order --------------------------------------------------------------------------------


def test_letters_leave_in_their_order() -> None:
    """The first one waits for its next try, and those behind it wait with it."""
    first, second = _tried(_letter(1)), _letter(2)
    assert next_entry([], "gotify") is None
    assert next_entry([first, second], "gotify") is first
    assert next_entry([second], "gotify") is second


def test_a_parked_letter_holds_up_nobody_and_is_tried_again() -> None:
    """What was refused for good steps aside, until its hour is up."""
    parked, waiting = _tried(_letter(1), permanent=True), _letter(2)
    assert next_entry([parked, waiting], "gotify") is waiting
    assert next_entry([parked], "gotify") is parked
    overdue = replace(waiting, not_before=parked.not_before + 1)
    assert next_entry([parked, overdue], "gotify") is parked


def test_no_channel_waits_for_another() -> None:
    """Each has an order of its own: what one cannot deliver holds up nothing of the next."""
    stuck, behind = _tried(_letter(1)), _letter(3)
    mail, parked = _letter(2, channel="mail"), _tried(_letter(4, channel="mail"), permanent=True)
    entries = [stuck, mail, behind, parked]
    assert next_entry(entries, "gotify") is stuck
    assert next_entry(entries, "mail") is mail
    assert next_entry([stuck, behind, parked], "mail") is parked
    assert next_entry(entries, "ntfy") is None


def test_a_new_configuration_is_new_hope_for_all() -> None:
    """Parked or waiting, each is due at once, in the old order."""
    entries = retry_now([_tried(_letter(1), permanent=True), _tried(_letter(2), 5)])
    assert [(each.parked, each.not_before) for each in entries] == [(False, float("-inf"))] * 2
    found = next_entry(entries, "gotify")
    assert found is not None
    assert found.id == 1


# --- retries ------------------------------------------------------------------------------


@given(st.integers(0, 5000), st.floats(0, 1))
def test_the_pause_between_tries_is_bounded(tries: int, jitter: float) -> None:
    """Never below three quarters of the first pause, never above the longest."""
    entry = after_failure(replace(_letter(1), tries=tries), words("x"), False, NOW, jitter)
    pause_s = entry.not_before - NOW.steady
    assert FIRST_RETRY_S * 0.75 <= pause_s <= LONGEST_RETRY_S
    assert entry.tries == tries + 1


def test_the_pause_doubles() -> None:
    """Impatient at first, patient later."""
    pauses = [_tried(_letter(1), times).not_before - NOW.steady for times in range(1, 9)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]


def test_jitter_only_takes_away() -> None:
    """A quarter at most, so that hosts spread and nobody waits longer than promised."""
    assert after_failure(_letter(1), words("x"), False, NOW, 1).not_before - NOW.steady == 3.75


def test_a_permanent_failure_is_parked_and_a_passing_one_takes_it_back() -> None:
    """It's tried every hour; once the server only stumbles, it queues up again."""
    parked = _tried(_letter(1), permanent=True)
    assert parked.parked
    assert parked.not_before - NOW.steady == PARKED_RETRY_S
    assert parked.trouble == words("No route.")
    assert not _tried(parked).parked


# --- merging ------------------------------------------------------------------------------


def test_messages_that_can_still_leave_are_not_merged() -> None:
    """Without a failed try each message is told on its own."""
    entries = (_letter(1), _letter(2, Topic.RECOVERED))
    assert merge(entries) == entries


def test_an_incident_told_after_its_end_is_one_message() -> None:
    """The recovery comes first, then what had happened, with the id once."""
    entries = (
        _tried(_letter(1)),
        _letter(2, Topic.ESCALATED),
        _letter(3, incident="B"),
        _letter(4, Topic.RECOVERED),
    )
    other, story = merge(entries)
    assert other.id == 3
    assert story.id == 4
    assert story.message.topic is Topic.RECOVERED
    assert story.message.title == "title 4"
    assert story.message.body == (
        "body 4\nIncident A\n\nThese messages could not be sent in time:\n\n"
        "title 1\nbody 1\n\ntitle 2\nbody 2"
    )
    assert merge((other, story)) == (other, story)


@pytest.mark.parametrize("topic", [Topic.NOTICE, Topic.RECOVERED])
def test_whoever_is_at_the_head_an_incident_that_is_over_is_one_message(topic: Topic) -> None:
    """What has failed may be of another incident, or of none: the channel is what is away."""
    head = _tried(_letter(1, topic, "" if topic is Topic.NOTICE else "Z"), 3)
    entries = (head, _letter(2), _letter(3, Topic.ESCALATED), _letter(4, Topic.RECOVERED))
    assert [entry.id for entry in merge(entries)] == [1, 4]


def _night(count: int) -> tuple[QueuedMessage, ...]:
    """Return what `count` incidents would tell, each over, of which the first was tried."""
    topics = (Topic.OPENED, Topic.ESCALATED, Topic.RECOVERED)
    entries = [
        _letter(3 * n + i, topic, f"I{n}") for n in range(count) for i, topic in enumerate(topics)
    ]
    return (_tried(entries[0]), *entries[1:])


@pytest.mark.parametrize(("count", "messages"), [(1, 1), (MANY, MANY), (MANY + 1, 1), (60, 1)])
def test_many_incidents_that_are_over_are_one_message(count: int, messages: int) -> None:
    """None is a stale call; the last incidents are named, and the older ones counted."""
    waiting, sent = merge(_night(count)), []
    while batch := next_batch(waiting, "gotify"):
        sent.append(as_sent(batch, Now(0, NOW.wall + 9), str))
        waiting = tuple(entry for entry in waiting if entry not in batch)
    assert len(sent) == messages
    assert {message.topic for message in sent} == {Topic.RECOVERED}
    if count > MANY:
        assert sent[0].body.startswith(f"{count} incidents are over")
        assert f"incident I{count - 1}" in sent[0].body
        assert len(sent[0].body) <= LONGEST_STORY
        assert sent[0].body.count("incident I") == min(count, 30)


def test_a_summary_waits_for_its_head_and_leaves_the_rest_in_order() -> None:
    """What is open yet, or about mailwatch, is no part of it; another channel has its own."""
    over = [entry for entry in merge(_night(5)) if entry.message.topic is Topic.RECOVERED]
    first = _tried(_letter(-1, Topic.NOTICE, ""))
    call = _letter(99, Topic.ESCALATED, "open")
    other = replace(over[0], id=100, channel="mail")
    entries = [first, *over, call, other]
    assert next_batch(entries, "gotify") == (first,)
    assert next_batch(entries[1:], "gotify") == tuple(over)
    assert next_batch([call, other], "gotify") == (call,)
    assert next_batch([call, other], "mail") == (other,)


def test_notices_are_never_merged() -> None:
    """They belong to no incident."""
    entries = (
        _tried(_letter(1, Topic.NOTICE, "")),
        _letter(2, Topic.NOTICE, ""),
        _letter(3, Topic.RECOVERED, ""),
    )
    assert merge(entries) == entries


def test_a_merged_message_keeps_the_patience_of_its_parts() -> None:
    """A broken notifier is not hammered because an incident ended."""
    story = merge((_tried(_letter(1), 4), _letter(2, Topic.RECOVERED)))[0]
    assert (story.tries, story.not_before, story.parked) == (4, NOW.steady + 40, False)
    assert story.trouble == words("No route.")


def test_a_parked_part_does_not_delay_the_whole_by_an_hour() -> None:
    """Only where all parts are parked is the whole parked."""
    parked = _tried(_letter(1), permanent=True)
    mixed = merge((parked, _tried(_letter(2, Topic.ESCALATED)), _letter(3, Topic.RECOVERED)))[0]
    assert (mixed.not_before, mixed.parked) == (NOW.steady + 5, False)
    alone = merge((parked, _letter(3, Topic.RECOVERED)))[0]
    assert (alone.not_before, alone.parked) == (NOW.steady + PARKED_RETRY_S, True)


def test_the_whole_story_is_bounded() -> None:
    """A week of reminders, and long messages, still make one message that a phone can show."""
    long = "\n".join(["- a service: " + "x" * 300] * 8)
    entries = [
        replace(entry, message=replace(entry.message, body=long))
        for entry in (_tried(_letter(1)), _letter(2, Topic.HELD), _letter(3, Topic.ESCALATED))
    ]
    reminders = [_letter(number, Topic.REMINDER) for number in range(4, 50)]
    (story,) = merge([*entries, *reminders, _letter(50, Topic.RECOVERED)])
    assert len(story.message.body) <= LONGEST_STORY
    assert story.message.body.endswith("\n(and more, see `mailwatch incidents`)")
    assert "title 4" not in story.message.body


def test_reminders_alone_add_no_story() -> None:
    """They are dropped when their incident is over."""
    (story,) = merge((_tried(_letter(1, Topic.REMINDER)), _letter(2, Topic.RECOVERED)))
    assert story.message.body == "body 2\nIncident A"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Topic.OPENED, Topic.ESCALATED, Topic.RECOVERED, Topic.NOTICE]),
            st.sampled_from(["A", "B", ""]),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_merging_loses_nothing(rows: list[tuple[Topic, str, int, bool]]) -> None:
    """Every title that goes in comes out, in one entry, and entries keep the order of ids."""
    entries = [
        _tried(_letter(number, topic, incident), tries, permanent)
        for number, (topic, incident, tries, permanent) in enumerate(rows)
    ]
    merged = merge(entries)
    told = [each.message.title + each.message.body for each in merged]
    for entry in entries:
        assert sum(f"title {entry.message.title[6:]}" in text for text in told) == 1
    assert [each.id for each in merged] == sorted(each.id for each in merged)
    if any(entry.tries for entry in entries):
        for over in {entry.message.incident for entry in merged if entry.message.incident}:
            topics = [one.message.topic for one in merged if one.message.incident == over]
            if Topic.RECOVERED in topics:  # nothing stale goes before the end of its incident
                assert topics.index(Topic.RECOVERED) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Topic.OPENED, Topic.RECOVERED, Topic.NOTICE]),
            st.sampled_from(["A", "B", "C", "D", "E", "F", ""]),
            st.sampled_from(["gotify", "mail"]),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_batches_empty_the_outbox(rows: list[tuple[Topic, str, str, int, bool]]) -> None:
    """Every entry leaves exactly once, by its own channel, and a summary tells only ends."""
    waiting = list(
        merge(
            [
                _tried(_letter(number, topic, incident, channel), tries, permanent)
                for number, (topic, incident, channel, tries, permanent) in enumerate(rows)
            ]
        )
    )
    for channel in ("gotify", "mail"):
        while batch := next_batch(waiting, channel):
            assert {entry.channel for entry in batch} == {channel}
            assert len(batch) == 1 or {one.message.topic for one in batch} == {Topic.RECOVERED}
            for entry in batch:
                waiting.remove(entry)
            due = next_entry([batch[0], *waiting], channel)
            assert due is batch[0]
    assert waiting == []


# --- late messages ------------------------------------------------------------------------


@pytest.mark.parametrize("late_s", [-3600, 0, LATE_S])
def test_a_message_in_time_is_sent_as_it_is(late_s: float) -> None:
    """Nor does a clock that was set back change it."""
    entry = _letter(1)
    assert as_sent([entry], Now(0, NOW.wall + late_s), str) == entry.message


@pytest.mark.parametrize("set_by_s", [400 * 86_400.0, 3600.0, -3600.0])
def test_a_wall_clock_that_is_set_makes_no_message_late(set_by_s: float) -> None:
    """NTP's first step, say: how long a message has waited is told by the steady clock."""
    entry = replace(_letter(1), written=NOW.steady)
    assert as_sent([entry], Now(NOW.steady + 5, NOW.wall + set_by_s), str) == entry.message
    late = as_sent([entry], Now(NOW.steady + 7440, NOW.wall + set_by_s), str)
    assert "could not be sent for 2 h 4 min" in late.body


def test_a_late_message_says_when_it_was_written() -> None:
    """The phone shows the time of arrival, which is not that of the event."""
    sent = as_sent([_letter(1)], Now(0, NOW.wall + 7440), lambda wall: "03:04:05")
    assert sent.body == (
        "Written at 03:04; it could not be sent for 2 h 4 min.\nbody 1\nIncident A"
    )
    assert sent.title == "title 1"
