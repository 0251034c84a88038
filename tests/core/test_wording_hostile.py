"""No text from outside can bend a message, and none becomes too long for a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.events import Tell
from mailwatch.core.facts import words
from mailwatch.core.fit import LONGEST_TITLE
from mailwatch.core.message import Topic
from mailwatch.core.model import Fault, Now, Target
from mailwatch.core.state import Attempt, Failure, Hold, Incident, Outcome, Reason
from mailwatch.core.wording import Installation, compose

WALL = 1_700_000_000.0

SMTP = Failure("SMTP:25", Fault.SILENT, words("no greeting within 5 s"))
IMAPS = Failure("IMAPS:993", Fault.TIMEOUT, words("TLS took longer than 5 s"))
_TOPICS = (Topic.OPENED, Topic.RECOVERED, Topic.ESCALATED, Topic.REMINDER, Topic.HELD)
_HOSTILE = st.text(max_size=600) | st.sampled_from(
    ["a\nIncident x", "a\r\n<0>b", "\u2028", "x" * 9999]
)
_NOW = Now(500.0, WALL + 500)


def _tell(draw: Callable[..., Any]) -> tuple[Tell, Installation]:
    text = _HOSTILE
    failure = st.builds(Failure, text, st.sampled_from(list(Fault)), st.builds(words, text))
    failures = st.lists(failure, min_size=1, max_size=9).map(tuple)
    hold = st.none() | st.builds(
        Hold,
        st.sampled_from(list(Reason)),
        st.builds(words, text),
        st.none() | st.floats(0, 1e6),
        text,
        st.lists(text, max_size=6).map(tuple),
    )
    attempt = st.builds(
        Attempt,
        st.integers(1, 99),
        st.just(_NOW),
        st.none(),
        st.sampled_from(list(Outcome)),
        st.builds(words, text),
    )
    incident = Incident(
        id="20231114T221320Z",
        since=Now(0, WALL),
        opened=Now(0, WALL),
        failures=draw(failures),
        first_failures=draw(failures),
        target=words(draw(text)),
        cause=words(draw(text)),
        attempts=draw(st.lists(attempt, max_size=2).map(tuple)),
        holds=tuple(filter(None, [draw(hold)])),
    )
    next_restart = draw(st.none() | st.floats(0, 1e6))
    installation = Installation(
        draw(text), Target("docker", draw(text)), draw(text), lambda wall: f"t+{wall - WALL:g}"
    )
    return Tell(draw(st.sampled_from(_TOPICS)), incident, _NOW, next_restart), installation


@given(st.composite(_tell)())
def test_no_text_from_outside_can_add_a_line_or_a_control(told: tuple[Tell, Installation]) -> None:
    """Service names, details, causes, errors and host names stay on the line they are put on."""
    tell, installation = told
    message = compose(tell, installation)
    assert message.title.isprintable()
    assert len(message.title) <= LONGEST_TITLE
    assert len(message.body) <= 700
    lines = message.body.split("\n")
    assert all(line.isprintable() for line in lines)
    # One line for each kind of failure, five at most, and each other fact has one line of its own.
    assert len(lines) <= 1 + 6 + 8
    assert lines[-1] == "Incident 20231114T221320Z"


def test_our_own_words_are_ascii(night: Installation) -> None:
    """What isn't ASCII in a message came from outside."""
    for topic in _TOPICS:
        for reason in (None, *Reason):
            incident = Incident(
                "20231114T221320Z",
                Now(0, WALL),
                Now(0, WALL),
                (SMTP,),
                (IMAPS,),
                holds=() if reason is None else (Hold(reason, until=5),),
                attempts=(Attempt(2, _NOW, None, Outcome.FAILED, words("x")),),
            )
            message = compose(Tell(topic, incident, _NOW), night)
            assert (message.title + message.body).isascii()


@pytest.mark.parametrize("reason", [Reason.BANNED, Reason.UNPROVEN])
@pytest.mark.parametrize("topic", _TOPICS)
def test_five_hundred_failing_services_fit_on_a_phone(
    night: Installation, topic: Topic, reason: Reason
) -> None:
    """However many fail, and whatever they say, the message stays short."""
    failures = tuple(
        Failure(f"{'LONG-NAME-' * 20}{number}:{number}", Fault.SILENT, words("\x1b" * 5000))
        for number in range(500)
    )
    long = "word " * 2000
    incident = Incident(
        "20231114T221320Z",
        Now(0, WALL),
        Now(0, WALL),
        failures,
        failures[:400],
        target=words(long),
        cause=words(long),
        holds=(
            Hold(
                reason,
                words(long),
                seen_as=long,
                services=(long, *[f.service for f in failures]),
            ),
        ),
        attempts=(Attempt(1, _NOW, None, Outcome.FAILED, words(long)),),
    )
    loud = replace(night, host=long, target=Target("docker", long), look=long)
    message = compose(Tell(topic, incident, _NOW), loud)
    assert len(message.body) <= 700
    assert len(message.title) <= LONGEST_TITLE
