from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.certificates import (
    DAY_S,
    Certificates,
    Warned,
    expires_soon,
    look,
    time_left,
)
from mailwatch.core.codec import moved
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Fault, Now, Reading, Target, Verdict
from mailwatch.core.policy import CURABLE_BY_DEFAULT, Policy
from mailwatch.core.wording import Installation

POLICY = Policy(certificate_days=14)
WALL = 1_700_000_000.0


def _seen(service: str, days: float, wall: float = WALL) -> Reading:
    """A service that answers, with a certificate that is good for `days` from `wall` on."""
    return Reading(service, Verdict.PASS, certificate_expires=wall + days * DAY_S)


def _chained(service: str, signed: int | None, days: float = 90) -> Reading:
    """A service that answers, with a chain of which somebody else has signed so many."""
    return replace(_seen(service, days), certificate_signed=signed)


def _rounds(
    readings: list[Reading], hours: int, installation: Installation, policy: Policy
) -> list[Message]:
    """Look at the same readings once an hour, and return all that was told."""
    known, told = Certificates(), list[Message]()
    for hour in range(hours):
        now = Now(hour * 3600.0, WALL + hour * 3600.0)
        known, messages = look(known, readings, now, installation, policy)
        told += messages
    return told


def test_a_certificate_is_told_of_once_a_day(installation: Installation) -> None:
    """In three days of rounds there are three messages, however many rounds there were."""
    told = _rounds([_seen("IMAPS:993", 9.5)], 72, installation, POLICY)
    assert [message.title for message in told] == [
        f"A certificate on mx1 expires in {days} days" for days in (9, 8, 7)
    ]


def test_services_of_one_certificate_share_a_message_and_a_line(installation: Installation) -> None:
    """Four ports with one certificate are one thing to do, and so one line."""
    shared = [_seen(service, 2) for service in ("SMTPS:465", "IMAPS:993")]
    (message,) = _rounds([*shared, _seen("HTTPS:443", 1)], 1, installation, POLICY)
    lines = message.body.splitlines()
    assert [line.partition(":  ")[0].partition(": valid")[0] for line in lines[:2]] == [
        "- HTTPS",
        "- SMTPS and IMAPS",
    ]
    assert message.title.endswith("expires in 1 day")
    assert message.severity is Severity.WARNING
    assert "restarts nothing" in message.body


@pytest.mark.parametrize("days", [14.001, 400])
def test_one_that_is_good_for_longer_is_not_told_of(
    days: float, installation: Installation
) -> None:
    """The admin's days are the border."""
    assert _rounds([_seen("IMAPS:993", days)], 1, installation, POLICY) == []


def test_zero_days_never_tell(installation: Installation) -> None:
    """With certificate_days = 0 not even an expired one is told of, or shown as one."""
    never = replace(POLICY, certificate_days=0)
    assert _rounds([_seen("IMAPS:993", -1)], 30, installation, never) == []
    assert not expires_soon(_seen("IMAPS:993", -1), WALL, never)


def test_a_new_certificate_is_told_of_once(installation: Installation) -> None:
    """Whoever was told that something is to be done hears that it is done."""
    now = Now(0, WALL)
    known, _ = look(Certificates(), [_seen("IMAPS:993", 3)], now, installation, POLICY)
    known, messages = look(known, [_seen("IMAPS:993", 90)], now, installation, POLICY)
    assert [m.title for m in messages] == ["Mail on mx1 has a new certificate"]
    assert look(known, [_seen("IMAPS:993", 90)], now, installation, POLICY) == (known, ())
    tomorrow = Now(DAY_S, WALL + DAY_S)
    after = look(known, [_seen("IMAPS:993", 90)], tomorrow, installation, POLICY)
    assert after == (Certificates(), ())


def test_one_certificate_in_front_and_another_behind_are_told_of_once_a_day(
    installation: Installation,
) -> None:
    """Where every other answer shows the old one, a day has one warning and one all-clear."""
    known, told = Certificates(), list[str]()
    for quarter in range(2 * 4 * 24):
        now = Now(quarter * 900.0, WALL + quarter * 900.0)
        days = 3.0 if quarter % 2 == 0 else 90.0
        known, messages = look(known, [_seen("IMAPS:993", days)], now, installation, POLICY)
        told += [message.title for message in messages]
    assert [title.endswith("new certificate") for title in told] == [False, True] * 2


def test_one_that_expires_again_another_day_is_told_of_again(installation: Installation) -> None:
    """A renewal ends a warning, and the next certificate has warnings of its own."""
    known, titles = Certificates(), list[str]()
    for day, days in enumerate((3, 90, 90, 13)):
        now = Now(day * DAY_S, WALL + day * DAY_S)
        known, messages = look(
            known, [_seen("IMAPS:993", days, now.wall)], now, installation, POLICY
        )
        titles += [message.title for message in messages]
    assert [title.rpartition(" mx1 ")[2] for title in titles] == [
        "expires in 3 days",
        "has a new certificate",
        "expires in 13 days",
    ]


def test_warnings_that_began_at_different_hours_become_one_message(
    installation: Installation,
) -> None:
    """Two certificates make two first warnings, each at once, and then one message a day."""
    known, told = Certificates(), list[tuple[int, int]]()
    for hour in range(4 * 24):
        now = Now(hour * 3600.0, WALL + hour * 3600.0)
        seen = [_seen("SMTPS:465", 9)]
        if hour >= 6:
            seen.append(_seen("HTTPS:443", 5))
        known, messages = look(known, seen, now, installation, POLICY)
        told += [(hour, message.body.count("valid until")) for message in messages]
    assert told == [(0, 1), (6, 1), (30, 2), (54, 2), (78, 2)]


def test_nobody_waits_for_company_for_ever(installation: Installation) -> None:
    """With a new certificate to warn of every 20 hours, the first is repeated all the same."""
    known, at = Certificates(), list[int]()
    for hour in range(10 * 24):
        now = Now(hour * 3600.0, WALL + hour * 3600.0)
        seen = [_seen(f"S{number}:{number}", 9 + number) for number in range(hour // 20 + 1)]
        known, messages = look(known, seen, now, installation, replace(POLICY, certificate_days=99))
        at += [hour for message in messages if "S0" in message.body]
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert len(gaps) >= 5
    assert min(gaps) >= 24
    assert max(gaps) < 48


def test_a_service_that_is_down_keeps_its_day(installation: Installation) -> None:
    """No certificate seen is no new certificate, and no reason to tell again."""
    now = Now(0, WALL)
    known, _ = look(Certificates(), [_seen("IMAPS:993", 3)], now, installation, POLICY)
    down = Reading("IMAPS:993", Verdict.FAIL, Fault.REFUSED, words("nothing listens"))
    after, messages = look(known, [down], now, installation, POLICY)
    assert (after, messages) == (known, ())


def test_a_service_that_is_no_longer_watched_is_forgotten_after_its_day(
    installation: Installation,
) -> None:
    """After a reload nothing is said of a service that is gone, and soon nothing is kept."""
    known, _ = look(Certificates(), [_seen("IMAPS:993", 3)], Now(0, WALL), installation, POLICY)
    other = [_seen("SMTPS:465", 90)]
    assert look(known, other, Now(3600, WALL), installation, POLICY) == (known, ())
    assert look(known, other, Now(DAY_S, WALL), installation, POLICY) == (Certificates(), ())


@pytest.mark.parametrize("away", ["removed", "never told"])
def test_what_is_taken_out_and_put_back_keeps_its_day(
    away: str, installation: Installation
) -> None:
    """Two reloads within the day, without the service or without warnings, warn no second time."""
    seen = [_seen("IMAPS:993", 3)]
    known, _ = look(Certificates(), seen, Now(0, WALL), installation, POLICY)
    readings = [] if away == "removed" else seen
    policy = POLICY if away == "removed" else replace(POLICY, certificate_days=0)
    known, _ = look(known, readings, Now(60, WALL), installation, policy)
    assert look(known, seen, Now(120, WALL), installation, POLICY) == (known, ())


def test_after_a_reboot_the_day_is_what_is_left_of_it() -> None:
    """Moments move to the new boot's clock, and nothing else changes."""
    known = Certificates({"a": Warned(Now(90_000, WALL)), "b": Warned(Now(50, WALL), True)})
    assert moved(known, -89_000) == Certificates(
        {"a": Warned(Now(1000, WALL)), "b": Warned(Now(-88_950, WALL), True)}
    )


def test_many_certificates_still_make_a_short_message(installation: Installation) -> None:
    """A hundred services with a hundred certificates do not flood the phone."""
    (message,) = _rounds(
        [_seen(f"S{n}:{n}", 1 + n / 100) for n in range(100)], 1, installation, POLICY
    )
    assert len(message.body.splitlines()) <= 8
    assert "- and 96 more certificates" in message.body
    (message,) = _rounds([_seen(f"S{n}:{n}", 1) for n in range(100)], 1, installation, POLICY)
    assert "and 95 more" in message.body


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (9.9, "expires in 9 days"),
        (1.5, "expires in 1 day"),
        (0.5, "expires within a day"),
        (-0.5, "expired less than a day ago"),
        (-1.5, "expired 1 day ago"),
        (-30, "expired 30 days ago"),
    ],
)
def test_time_left_in_words(days: float, words: str) -> None:
    """It reads after `a certificate`, before and after the end."""
    assert time_left(WALL + days * DAY_S, WALL) == words


@given(st.lists(st.tuples(st.floats(0, 5 * DAY_S), st.floats(-40, 40)), max_size=40))
def test_never_twice_a_day_whatever_is_seen(looks: list[tuple[float, float]]) -> None:
    """However a service's certificates change, warnings of it lie a day apart."""
    installation = Installation("mx1", Target("docker", "stalwart"), "", str)
    known, at, warned, steady = Certificates(), float("-inf"), False, 0.0
    for pause, days in looks:
        steady += pause
        now = Now(steady, WALL + steady)
        known, messages = look(known, [_seen("S:1", days, now.wall)], now, installation, POLICY)
        for message in messages:
            if message.title.endswith("new certificate"):
                assert warned
                warned = False
            else:
                assert steady - at >= DAY_S
                at, warned = steady, True


def test_a_refused_certificate_is_nothing_to_restart_for() -> None:
    """The kind of failure that verification gives is not among those that a restart may cure."""
    assert Fault.CERTIFICATE not in CURABLE_BY_DEFAULT


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (2, 0, "- IMAPS: signed by the server itself now"),
        (1, 0, "- IMAPS: signed by the server itself now"),
        (2, 1, "- IMAPS: 1 instead of 2 certificates in its chain now"),
        (3, 2, "- IMAPS: 2 instead of 3 certificates in its chain now"),
        (1, 2, ""),
        (0, 2, ""),
        (2, 2, ""),
        (0, 0, ""),
        (None, 0, ""),
    ],
)
@pytest.mark.parametrize("days", [3, 90], ids=["warned of before", "good for long before"])
def test_a_certificate_that_fewer_trust_is_a_warning_and_no_new_one(
    was: int | None, now: int, words: str, days: float, installation: Installation
) -> None:
    """Whatever was told of the one before; the right one that follows is a new one again."""
    first = Now(0, WALL)
    before, _ = look(
        Certificates(), [_chained("IMAPS:993", was, days)], first, installation, POLICY
    )
    known, told = before, list[Message]()
    for minute in (2, 4, 6):
        moment = Now(60.0 * minute, WALL + 60 * minute)
        known, messages = look(
            known, [_chained("IMAPS:993", now, 3650)], moment, installation, POLICY
        )
        told += messages
    titles = [message.title for message in told]
    if words:
        assert titles == ["Clients may distrust mx1's certificate"]
        assert words in told[0].body
        assert told[0].severity is Severity.WARNING
    else:
        assert titles == ["Mail on mx1 has a new certificate"] * (days == 3)
    moment = Now(600, WALL + 600)
    _, messages = look(known, [_chained("IMAPS:993", was, 3660)], moment, installation, POLICY)
    if words:
        assert [m.title for m in messages] == ["Mail on mx1 has a new certificate"] * (days == 3)


def test_two_chains_in_turn_are_told_of_once_a_day(installation: Installation) -> None:
    """Where every other answer comes from a server without its intermediate."""
    known, told = Certificates(), list[str]()
    for quarter in range(2 * 4 * 24):
        now = Now(quarter * 900.0, WALL + quarter * 900.0)
        reading = _chained("IMAPS:993", 2 - quarter % 2)
        known, messages = look(known, [reading], now, installation, POLICY)
        told += [message.title for message in messages]
    assert told == ["Clients may distrust mx1's certificate"] * 2


def test_a_chain_that_becomes_shorter_again_is_told_of_the_next_day(
    installation: Installation,
) -> None:
    """What comes within the day of a warning is no lost one."""
    known, told = Certificates(), list[tuple[int, str]]()
    for hour in range(72):
        now = Now(hour * 3600.0, WALL + hour * 3600.0)
        signed = 3 if hour < 1 else 2 if hour < 5 else 0
        known, messages = look(known, [_chained("IMAPS:993", signed)], now, installation, POLICY)
        told += [(hour, message.body.splitlines()[0]) for message in messages]
    assert told == [
        (1, "- IMAPS: 2 instead of 3 certificates in its chain now"),
        (25, "- IMAPS: signed by the server itself now, and by nobody else"),
    ]


def test_a_warning_that_an_older_version_kept_makes_no_self_signed_one_new(
    installation: Installation,
) -> None:
    """It knew no chain: the one that was seen since counts."""
    now = Now(0, WALL)
    known = Certificates({"IMAPS:993": Warned(now, expires=WALL + 3 * DAY_S)})
    titles = list[str]()
    for signed, days in ((2, 3), (0, 3650)):
        reading = _chained("IMAPS:993", signed, days)
        known, messages = look(known, [reading], now, installation, POLICY)
        titles += [message.title for message in messages]
    assert titles == ["Clients may distrust mx1's certificate"]


def test_a_chain_is_remembered_while_the_service_is_down(installation: Installation) -> None:
    """A server that comes back with a certificate of its own making is found out."""
    down = Reading("IMAPS:993", Verdict.FAIL, Fault.REFUSED, words("nothing listens"))
    known, told = Certificates(), list[Message]()
    for reading in (_chained("IMAPS:993", 2), down, down, _chained("IMAPS:993", 0)):
        known, messages = look(known, [reading], Now(0, WALL), installation, POLICY)
        told += messages
    assert len(told) == 1


def test_an_intermediate_is_told_by_its_name(installation: Installation) -> None:
    """Whoever renews the server's own certificate in its place has gained nothing."""
    own, other = _seen("IMAPS:993", 2), _seen("SMTPS:465", 2)
    readings = [replace(own, certificate_authority="Old R3"), other]
    (message,) = _rounds(readings, 1, installation, POLICY)
    assert [line.partition(" valid")[0] for line in message.body.splitlines()[:2]] == [
        "- SMTPS:",
        "- IMAPS: intermediate certificate 'Old R3'",
    ]


@pytest.mark.parametrize("days", [3, 14])
def test_the_same_certificate_is_never_called_new(days: int, installation: Installation) -> None:
    """Neither fewer days in the configuration nor a clock that was set back renews anything."""
    reading = _seen("IMAPS:993", 9)
    known, messages = look(Certificates(), [reading], Now(0, WALL), installation, POLICY)
    assert len(messages) == 1
    policy = replace(POLICY, certificate_days=days)
    back = Now(60, WALL - 400 * DAY_S) if days == POLICY.certificate_days else Now(60, WALL + 60)
    _, messages = look(known, [reading], back, installation, policy)
    assert messages == ()
