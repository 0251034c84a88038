from __future__ import annotations

from mailwatch.core.blindness import Blindness, look, moved
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.wording import Voice

_POLICY = Policy(unmeasured_after_s=100)


def _blind(service: str) -> Reading:
    return Reading(service, Verdict.UNMEASURED, detail="no route to the host")


def test_blindness_is_told_once_when_it_lasts_and_once_when_it_is_over(voice: Voice) -> None:
    """Not at once, not again and again, and with its end."""
    blind = Blindness()
    told = []
    for steady in range(0, 400, 50):
        blind, messages = look(blind, [_blind("SMTP:25")], Now(steady, steady), voice, _POLICY)
        told.append(len(messages))
    assert told == [0, 0, 1, 0, 0, 0, 0, 0]
    seen = Reading("SMTP:25", Verdict.PASS)
    blind, messages = look(blind, [seen], Now(400, 400), voice, _POLICY)
    assert [m.title for m in messages] == ["mailwatch on mx1 can look again"]
    assert blind == Blindness()


def test_a_failure_ends_blindness_too(voice: Voice) -> None:
    """A service that fails was looked at."""
    blind, _ = look(Blindness(), [_blind("A:1")], Now(0, 0), voice, _POLICY)
    failed = Reading("A:1", Verdict.FAIL, Fault.SILENT, "no greeting")
    blind, messages = look(blind, [failed], Now(100, 100), voice, _POLICY)
    assert not blind.since
    assert not messages


def test_a_service_that_is_no_longer_watched_is_not_said_to_be_seen(voice: Voice) -> None:
    """The admin took it out of the configuration: nobody can look at it now."""
    blind = Blindness()
    for steady in (0, 100):
        blind, _ = look(blind, [_blind("A:1"), _blind("B:2")], Now(steady, steady), voice, _POLICY)
    seen = Reading("B:2", Verdict.PASS)
    blind, messages = look(blind, [seen], Now(200, 200), voice, _POLICY)
    assert [m.body for m in messages] == ["At B:2."]
    assert blind == Blindness()


def test_what_was_told_outlives_the_process(voice: Voice) -> None:
    """A new one tells it no second time, and tells its end; what was not told begins anew."""
    before, _ = look(Blindness(), [_blind("A:1")], Now(0, 0), voice, _POLICY)
    before, _ = look(before, [_blind("A:1"), _blind("B:2")], Now(100, 100), voice, _POLICY)
    kept = moved(before.to_keep, -1000)
    assert kept == Blindness({"A:1": Now(-1000, 0)}, frozenset({"A:1"}))
    blind, messages = look(kept, [_blind("A:1"), _blind("B:2")], Now(5, 200), voice, _POLICY)
    assert messages == ()
    passes = [Reading("A:1", Verdict.PASS), _blind("B:2")]
    blind, messages = look(blind, passes, Now(10, 205), voice, _POLICY)
    assert [m.title for m in messages] == ["mailwatch on mx1 can look again"]
