from __future__ import annotations

from dataclasses import replace

from mailwatch.core.codec import moved
from mailwatch.core.facts import fact, words
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.unmeasured import UnmeasuredServices, look
from mailwatch.core.wording import Installation

_POLICY = Policy(unmeasured_after_s=100)


def _blind(service: str, why: str = "no route to the host") -> Reading:
    return Reading(service, Verdict.UNMEASURED, detail=words(why))


def test_blindness_is_told_once_when_it_lasts_and_once_when_it_is_over(
    installation: Installation,
) -> None:
    """Not at once, not again and again, and with its end."""
    blind = UnmeasuredServices()
    told = []
    for steady in range(0, 400, 50):
        blind, messages = look(
            blind, [_blind("SMTP:25")], Now(steady, steady), installation, _POLICY
        )
        told.append(len(messages))
    assert told == [0, 0, 1, 0, 0, 0, 0, 0]
    seen = Reading("SMTP:25", Verdict.PASS)
    blind, messages = look(blind, [seen], Now(400, 400), installation, _POLICY)
    assert [m.title for m in messages] == ["mailwatch on mx1 can check again"]
    assert blind == UnmeasuredServices()


def test_a_second_time_within_the_hour_is_other_news(installation: Installation) -> None:
    """Told as the same again it would be kept back, and the last word be that all is seen."""
    blind, subjects = UnmeasuredServices(), []
    for steady in range(0, 2000, 50):
        sees = 400 <= steady < 500 or 900 <= steady < 1000
        reading = Reading("SMTP:25", Verdict.PASS) if sees else _blind("SMTP:25")
        blind, told = look(blind, [reading], Now(steady, steady), installation, _POLICY)
        subjects += [message.subject for message in told]
    assert len(subjects) == 5
    assert len(set(subjects)) == 5


def test_a_fault_that_began_in_mid_round_is_told_in_one_notice(installation: Installation) -> None:
    """A service that had answered just before is told along, with all that have no other reason."""
    seen, other = Reading("B:2", Verdict.PASS), _blind("C:3", "this host has no descriptor left")
    blind, told = look(
        UnmeasuredServices(), [_blind("A:1"), seen], Now(0, 0), installation, _POLICY
    )
    for steady in (50, 100, 149, 150, 200):
        blind, messages = look(
            blind, [_blind("A:1"), _blind("B:2"), other], Now(steady, steady), installation, _POLICY
        )
        told += messages
    assert [(m.at, m.title) for m in told] == [
        (100, "mailwatch on mx1 cannot check A, B"),
        (150, "mailwatch on mx1 cannot check C"),
    ]
    assert told[0].body.startswith("Not checked for up to 100 s;")
    assert told[1].body.startswith("Not checked for 100 s;")
    _, messages = look(blind, [_blind("A:1"), seen, other], Now(250, 250), installation, _POLICY)
    assert [m.body for m in messages] == ["It checks B again."]


def test_a_failure_ends_blindness_too(installation: Installation) -> None:
    """A service that fails was looked at."""
    blind, _ = look(UnmeasuredServices(), [_blind("A:1")], Now(0, 0), installation, _POLICY)
    failed = Reading("A:1", Verdict.FAIL, Fault.SILENT, words("no greeting"))
    blind, messages = look(blind, [failed], Now(100, 100), installation, _POLICY)
    assert not blind.since
    assert not messages


def test_a_service_that_is_no_longer_watched_is_not_said_to_be_seen(
    installation: Installation,
) -> None:
    """The admin took it out of the configuration: nobody can look at it now."""
    blind = UnmeasuredServices()
    for steady in (0, 100):
        blind, _ = look(
            blind, [_blind("A:1"), _blind("B:2")], Now(steady, steady), installation, _POLICY
        )
    seen = Reading("B:2", Verdict.PASS)
    blind, messages = look(blind, [seen], Now(200, 200), installation, _POLICY)
    assert [m.body for m in messages] == ["It checks B again."]
    assert blind == UnmeasuredServices()


def test_what_was_told_outlives_the_process(installation: Installation) -> None:
    """A new one tells it no second time, and tells its end; what was not told begins anew."""
    other = _blind("B:2", "this host has no descriptor left")
    before, _ = look(UnmeasuredServices(), [_blind("A:1")], Now(0, 0), installation, _POLICY)
    before, _ = look(before, [_blind("A:1"), other], Now(100, 100), installation, _POLICY)
    kept = moved(before.to_keep, -1000)
    assert kept == UnmeasuredServices({"A:1": Now(-1000, 0)}, frozenset({"A:1"}))
    blind, messages = look(kept, [_blind("A:1"), other], Now(5, 200), installation, _POLICY)
    assert messages == ()
    passes = [Reading("A:1", Verdict.PASS), other]
    blind, messages = look(blind, passes, Now(10, 205), installation, _POLICY)
    assert [m.title for m in messages] == ["mailwatch on mx1 can check again"]


def test_who_is_only_listened_to_is_told_of_by_its_own_notice(installation: Installation) -> None:
    """That mailwatch cannot check it is no news then, and not the end of blindness either."""
    heard = replace(_blind("A:1"), detail=fact("only-listened"))
    blind, told = UnmeasuredServices(), []
    for steady in range(0, 800, 50):
        readings = [_blind("A:1") if 200 <= steady < 400 else heard]
        blind, messages = look(blind, readings, Now(steady, steady), installation, _POLICY)
        told += [(message.at, message.title) for message in messages]
    assert told == [(300, "mailwatch on mx1 cannot check A")]
