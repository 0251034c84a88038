"""How many messages reach the admin in an hour, and what those beyond become."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.codec import moved
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Now, Target
from mailwatch.core.rate_limit import WINDOW_S, RateLimit, frees_at, limit
from mailwatch.core.wording import Installation

WALL = 1_700_000_000.0
VOICE = Installation("mx1", Target("docker", "stalwart"), "", lambda wall: f"t+{wall - WALL:g}")


def at(seconds: float) -> Now:
    """Return the moment `seconds` into the test, on both clocks."""
    return Now(seconds, WALL + seconds)


def message(topic: Topic, seconds: float, incident: str = "", title: str = "") -> Message:
    """Return a message; the title names topic and incident unless it is given."""
    text = title or f"{topic.value} {incident}".strip()
    return Message(topic, Severity.INFO, text, "body", at(seconds).wall, incident, words(text))


class Phone:
    """What an admin gets who is told through the limit."""

    def __init__(self, per_hour: int = 12) -> None:
        self.per_hour = per_hour
        self.rate_limit = RateLimit()
        self.got: list[tuple[float, Message]] = []

    def tell(self, seconds: float, *messages: Message) -> list[str]:
        """End a step with `messages`, and return the titles that leave."""
        self.rate_limit, out = limit(self.rate_limit, messages, at(seconds), VOICE, self.per_hour)
        self.got += [(seconds, one) for one in out]
        return [one.title for one in out]

    def incident(self, name: str, seconds: float) -> list[str]:
        """Let an incident open, and recover half a minute later."""
        first = self.tell(seconds, message(Topic.OPENED, seconds, name))
        return first + self.tell(seconds + 30, message(Topic.RECOVERED, seconds + 30, name))


def test_an_ordinary_night_is_not_touched() -> None:
    """Below the limit every message leaves at once and as it is."""
    phone = Phone()
    assert phone.incident("A", 0) == ["opened A", "recovered A"]
    assert phone.tell(60) == []
    assert frees_at(phone.rate_limit, phone.per_hour) is None


def test_another_limit_holds_at_once() -> None:
    """Raised by a reload it lets out what was held back, lowered it counts what was told before."""
    phone = Phone(per_hour=1)
    assert phone.incident("A", 0) == ["opened A"]
    phone.per_hour = 3
    due = frees_at(phone.rate_limit, phone.per_hour)
    assert due is not None
    assert due <= 60
    assert phone.tell(60) == ["recovered A"]
    phone.per_hour = 2
    assert phone.incident("B", 120) == []


def test_a_step_without_messages_changes_nothing() -> None:
    """So that a store sees no reason to write."""
    phone = Phone()
    phone.incident("A", 0)
    before = phone.rate_limit
    phone.tell(9999)
    assert phone.rate_limit is before


def test_a_flapping_server_becomes_one_digest() -> None:
    """Twelve leave; the rest leave as one when the first of them is an hour old."""
    phone = Phone()
    for number in range(10):
        phone.incident(f"I{number}", number * 100)
    assert [one.title for _, one in phone.got][-1] == "recovered I5"
    assert len(phone.got) == 12
    assert frees_at(phone.rate_limit, phone.per_hour) == WINDOW_S
    assert phone.tell(WINDOW_S - 1) == []
    assert phone.tell(WINDOW_S) == ["8 messages from mailwatch on mx1"]
    digest = phone.got[-1][1]
    assert digest.topic is Topic.NOTICE
    assert digest.body.split("\n") == [
        "Too many messages within an hour; these were held back, oldest first:",
        "- t+600: opened I6 (incident I6)",
        "- t+630: recovered I6 (incident I6)",
        "- t+700: opened I7 (incident I7)",
        "- t+730: recovered I7 (incident I7)",
        "- t+800: opened I8 (incident I8)",
        "- t+830: recovered I8 (incident I8)",
        "- t+900: opened I9 (incident I9)",
        "- t+930: recovered I9 (incident I9)",
    ]
    assert frees_at(phone.rate_limit, phone.per_hour) is None


def test_one_message_that_was_held_leaves_as_it_is() -> None:
    """A digest of one would only hide it."""
    phone = Phone(per_hour=1)
    phone.tell(0, message(Topic.OPENED, 0, "A"))
    assert phone.tell(30, message(Topic.RECOVERED, 30, "A")) == []
    assert phone.tell(WINDOW_S) == ["recovered A"]
    assert phone.got[-1][1] == message(Topic.RECOVERED, 30, "A")


def test_no_recovery_overtakes_its_beginning() -> None:
    """While an opening is held back, its recovery joins it, even if a slot is free by then."""
    phone = Phone(per_hour=1)
    phone.tell(0, message(Topic.NOTICE, 0))
    phone.tell(100, message(Topic.OPENED, 100, "A"))
    assert phone.tell(WINDOW_S + 1, message(Topic.RECOVERED, WINDOW_S + 1, "A")) == [
        "2 messages from mailwatch on mx1"
    ]


def test_a_call_for_a_person_never_waits() -> None:
    """Nor does the end of what a person was called for, nor a test that somebody waits for."""
    phone = Phone(per_hour=1)
    phone.tell(0, message(Topic.NOTICE, 0))
    assert phone.tell(10, message(Topic.OPENED, 10, "A")) == []
    assert phone.tell(20, message(Topic.ESCALATED, 20, "A")) == ["escalated A"]
    assert phone.tell(30, message(Topic.TEST, 30)) == ["test"]
    assert phone.tell(40, message(Topic.REMINDER, 40, "A")) == []
    assert phone.tell(50, message(Topic.RECOVERED, 50, "A")) == ["recovered A"]
    assert phone.tell(60, message(Topic.OPENED, 60, "B")) == []
    assert phone.tell(70, message(Topic.RECOVERED, 70, "B")) == []
    assert phone.tell(WINDOW_S) == ["2 messages from mailwatch on mx1"]
    assert "incident A" not in phone.got[-1][1].body, "the call has told all of A before"


def test_calls_do_not_use_the_limit_up() -> None:
    """Many escalations leave as many ordinary messages as before."""
    phone = Phone(per_hour=2)
    for number in range(9):
        phone.tell(number, message(Topic.ESCALATED, number, f"I{number}"))
    assert phone.tell(20, message(Topic.OPENED, 20, "A")) == ["opened A"]


def test_the_same_notice_is_told_once_an_hour() -> None:
    """Whether it left, is held back, or was part of a digest; another subject is another notice."""
    phone = Phone(per_hour=2)

    def same(seconds: float) -> Message:
        return message(Topic.NOTICE, seconds, title="cannot look")

    assert phone.tell(0, same(0)) == ["cannot look"]
    assert phone.tell(10, same(10)) == []
    assert phone.tell(20, message(Topic.NOTICE, 20, title="can look")) == ["can look"]
    assert phone.tell(WINDOW_S - 1, same(WINDOW_S - 1)) == []
    assert phone.tell(WINDOW_S, same(WINDOW_S)) == ["cannot look"]
    a = message(Topic.NOTICE, 0, title="a")
    b = message(Topic.NOTICE, 0, title="b")
    assert phone.tell(WINDOW_S + 1, a, a, b) == []
    assert phone.tell(WINDOW_S + 20) == ["2 messages from mailwatch on mx1"]
    assert phone.tell(WINDOW_S + 21, a, b) == []


def test_an_incident_is_never_taken_for_a_repetition() -> None:
    """Only notices are; the same words about two incidents are two facts."""
    phone = Phone()
    one = message(Topic.REMINDER, 0, "A", title="still down")
    assert phone.tell(0, one, one) == ["still down", "still down"]


def test_a_digest_of_very_many_names_every_incident() -> None:
    """Sixty messages fit into what Gotify takes, and each incident has its line."""
    phone = Phone(per_hour=1)
    phone.tell(0, message(Topic.NOTICE, 0, title="first"))
    for number in range(29):
        phone.incident(f"20231114T2213{number:02}Z", 10 + number * 60)
    for number in range(3):
        phone.tell(2000, message(Topic.NOTICE, 2000, title=f"n{number}"))
    phone.tell(WINDOW_S)
    body = phone.got[-1][1].body
    lines = body.split("\n")[1:]
    assert lines[0] == "- incident 20231114T221300Z: opened t+10, recovered t+40"
    assert len(lines) == 30
    assert lines[-1] == "- and 3 notices about mailwatch itself"
    assert len(body.encode()) < 4096


def test_a_digest_beyond_all_measure_stays_short() -> None:
    """The newest incidents have their lines, the older ones a count."""
    phone = Phone(per_hour=1)
    phone.tell(0, message(Topic.NOTICE, 0, title="first"))
    for number in range(100):
        phone.incident(f"I{number:03}", 10 + number * 35)
    phone.tell(WINDOW_S)
    phone.tell(2 * WINDOW_S)
    lines = phone.got[-1][1].body.split("\n")[1:]
    assert lines[0] == "- 70 older incidents since I000, all over"
    assert lines[-1].startswith("- incident I099: opened")
    assert len(lines) == 31


@given(st.floats(0, 1e7))
def test_what_is_held_leaves_at_the_moment_that_was_named(begun: float) -> None:
    """Woken exactly then, the loop finds the digest free, however the sums are rounded."""
    phone = Phone(per_hour=1)
    phone.tell(begun, message(Topic.NOTICE, begun))
    phone.tell(begun, message(Topic.OPENED, begun, "A"))
    due = frees_at(phone.rate_limit, 1)
    assert due is not None
    assert phone.tell(due) == ["opened A"]


def test_moved_to_another_boot_the_hour_goes_on() -> None:
    """After a reboot the same messages count, as long ago as they were."""
    phone = Phone(per_hour=1)
    phone.tell(1000, message(Topic.NOTICE, 1000))
    phone.tell(1001, message(Topic.OPENED, 1001, "A"))
    rate_limit = moved(phone.rate_limit, -900)
    assert frees_at(rate_limit, 1) == 100 + WINDOW_S
    assert rate_limit.held == phone.rate_limit.held


steps = st.lists(
    st.tuples(
        st.floats(0, 2000),
        st.lists(
            st.tuples(
                st.sampled_from([Topic.OPENED, Topic.RECOVERED, Topic.ESCALATED, Topic.NOTICE]),
                st.sampled_from("ABC"),
            ),
            max_size=3,
        ),
    ),
    max_size=30,
)


@given(steps, st.integers(1, 4))
def test_the_limit_holds_and_nothing_is_lost(
    steps: list[tuple[float, list[tuple[Topic, str]]]], per_hour: int
) -> None:
    """Never more ordinary messages in any hour; every incident is named in the end."""
    phone = Phone(per_hour)
    now = 0.0
    told: set[str] = set()
    free = {Topic.ESCALATED, Topic.TEST}
    called = ""
    ends: list[float] = []
    for pause, topics in steps:
        now += pause
        found = [
            message(topic, now, "" if topic is Topic.NOTICE else incident, title=f"{topic} {now}")
            for topic, incident in topics
        ]
        told |= {one.incident for one in found if one.incident}
        before = len(phone.got)
        phone.tell(now, *found)
        for _, one in phone.got[before:]:
            called = one.incident if one.topic is Topic.ESCALATED else called
            if one.topic not in free and not (
                one.topic is Topic.RECOVERED and one.incident == called
            ):
                ends.append(now)
    phone.tell(now + WINDOW_S)
    assert phone.rate_limit.held == ()
    for first, later in zip(ends, ends[per_hour:], strict=False):
        assert later - first >= WINDOW_S - 1e-6
    text = " ".join(f"{one.incident} {one.body}" for _, one in phone.got)
    for incident in told:
        assert incident in text.replace("(incident ", "").replace(")", "").split()
