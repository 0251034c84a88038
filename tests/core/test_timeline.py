"""The timeline of an incident: every turn that it took, once and in its order."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core.facts import NOTHING, fact, words
from mailwatch.core.model import Fault, Now
from mailwatch.core.say import say
from mailwatch.core.state import Attempt, Failure, Incident, Outcome
from mailwatch.core.timeline import turns

FAILURES = (
    Failure("SMTP:25", Fault.SILENT, words("no greeting came")),
    Failure("IMAPS:993", Fault.REFUSED, NOTHING),
)
BEGAN = Now(0, 100)
OPENED = Incident("20260301T030400Z", BEGAN, BEGAN, FAILURES, FAILURES)


def told(incident: Incident) -> list[tuple[float, str]]:
    """Return the timeline of `incident` in words."""
    return [(at, say(what)) for at, what in turns(incident)]


def test_an_incident_that_has_just_opened_shows_what_fails() -> None:
    """With what was seen of it, and its fault; nobody was told as long as nobody was."""
    assert told(OPENED) == [
        (100, "SMTP:25 fails: no greeting came (silent)"),
        (100, "IMAPS:993 fails (refused)"),
        (100, "The incident opened."),
    ]


def test_services_that_fail_alike_share_a_line() -> None:
    """One sentence is said once, whoever it is said of."""
    alike = tuple(replace(FAILURES[0], service=name) for name in ("SMTP:25", "SMTPS:465", "X:1"))
    assert told(replace(OPENED, first_failures=(*alike, FAILURES[1])))[:2] == [
        (100, "SMTP:25, SMTPS:465 and X:1 fail: no greeting came (silent)"),
        (100, "IMAPS:993 fails (refused)"),
    ]


def test_every_turn_stands_where_it_happened() -> None:
    """Restarts with what became of them, the call, the reminder and the end."""
    attempts = (
        Attempt(1, Now(10, 110), None, Outcome.FAILED, fact("attempt-no-help"), Now(60, 160)),
        Attempt(2, Now(300, 400), None, Outcome.RECOVERED, ended=Now(320, 420)),
        Attempt(3, Now(500, 600), None),
    )
    incident = replace(
        OPENED,
        attempts=attempts,
        opened_told=True,
        escalated=Now(60, 160),
        reminded=Now(200, 300),
        closed=Now(320, 420),
    )
    assert told(incident)[2:] == [
        (100, "The incident opened, and a message was sent."),
        (110, "Restart 1 began."),
        (160, "Restart 1: It did not help in time."),
        (160, "A person was called."),
        (300, "The last reminder was sent."),
        (400, "Restart 2 began."),
        (420, "Restart 2: it helped."),
        (420, "All services answer again."),
        (600, "Restart 3 began."),
    ]
