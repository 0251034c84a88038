"""What the monitor keeps beside the incident: what was unmeasured, pauses, warnings, the limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailwatch.core.facts import fact
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Topic
from mailwatch.core.model import Fault, Now, Offence, Reading, Verdict
from mailwatch.core.offences import Manner
from mailwatch.core.policy import Policy
from mailwatch.core.state import Stage
from mailwatch.core.wall_clock import DAY_S, WRITTEN
from mailwatch.probes.guest import Guest
from mailwatch.probes.settings import ServiceSettings
from mailwatch.service.monitor import Monitor
from mailwatch.store.base import Commit
from tests.house import House, bad, blind, good


def test_what_could_not_be_measured_is_told_once_and_restarts_nothing(house: House) -> None:
    """Being blind for 15 minutes is told once; the container is not even looked at."""
    house.start()
    for _ in range(20):
        house.end_round(blind())
        house.drain_until(lambda: house.store.entries() == ())
        house.pass_time(house.policy.interval_s)
    assert house.topics() == [Topic.NOTICE]
    assert house.container.looks == 0
    house.end_round(good())
    house.drain_until(lambda: house.topics() == [Topic.NOTICE, Topic.NOTICE])
    assert "can check again" in house.phone.messages[-1].title


def test_a_pause_holds_everything_and_announces_its_end(house: House) -> None:
    """While paused nothing is restarted or told; the end is told, and failures count again."""
    house.store.pause(replace(house.now, steady=house.seconds + 60, wall=house.now.wall + 60))
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.CONFIRMING)
    house.pass_time(61)
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    house.drain_until(lambda: house.topics() == [Topic.NOTICE, Topic.OPENED])
    assert "no longer paused" in house.phone.messages[0].title


def asked_as(house: House, **settings: str) -> None:
    """Ask each service in the way that its digest stands for; SMTP is SMTP:25."""
    digests = {f"{name}:{25 if name == 'SMTP' else 587}": x for name, x in settings.items()}
    house.parts = replace(house.parts, settings=digests)
    house.monitor = Monitor(house.parts)


def test_a_mistake_of_our_own_restarts_nothing(house: House) -> None:
    """A service that never passed calls a person; once it has passed, the same fault restarts."""
    asked_as(house, SMTP="a", SUBMISSION="wrong")
    house.start()
    house.end_round(good(), bad("SUBMISSION:587", Fault.TLS))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    assert "never seen it answer" in house.phone.messages[0].body
    assert house.store.notes().proven == KnownGood({"SMTP:25": "a"})
    house.pass_time(house.policy.verify_every_s)
    house.end_round(good(), good("SUBMISSION:587"))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED, Topic.RECOVERED])
    house.pass_time(house.policy.interval_s)
    house.end_round(good(), bad("SUBMISSION:587", Fault.TLS))
    house.drain_until(lambda: house.container.restarts == 1)


def test_a_new_process_knows_what_the_last_one_has_proven(house: House) -> None:
    """What begins to fail while mailwatch is away is restarted by the next one, as asked before."""
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(good())
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(bad(fault=Fault.TLS))
    house.drain_until(lambda: house.container.restarts == 1)


def test_a_reload_with_other_settings_makes_a_service_unproven(house: House) -> None:
    """And it is forgotten what the old ones had proven, even where they come back."""
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(good())
    house.monitor.reconfigure(replace(house.parts, settings={"SMTP:25": "b"}))
    house.monitor.advance(house.now)
    house.end_round(bad(fault=Fault.PROTOCOL))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    assert house.store.notes().proven == KnownGood()


def test_what_is_proven_is_committed_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the round that shows it, and then no healthy round commits anything."""
    commits: list[object] = []
    commit = house.store.commit

    def count(kept: Commit) -> None:
        assert kept.notes is not None
        commits.append(kept.notes.proven)
        commit(kept)

    monkeypatch.setattr(house.store, "commit", count)
    asked_as(house, SMTP="a")
    house.start()
    begun = len(commits)
    for _ in range(3):
        house.end_round(good())
        house.pass_time(house.policy.interval_s)
    assert commits[begun:] == [KnownGood({"SMTP:25": "a"})]


def test_messages_beyond_the_limit_of_an_hour_come_as_one() -> None:
    """The admin's limit holds; what was one too many leaves by itself when the hour is over."""
    house = House(Policy(messages_per_hour=1, unmeasured_after_s=0))
    house.start()
    house.end_round(blind())
    house.drain_until(lambda: bool(house.topics()) and house.store.entries() == ())
    house.pass_time(200)
    house.end_round(good())
    assert house.store.entries() == ()
    house.pass_time(3400)
    house.drain_until(lambda: len(house.phone.messages) == 2)
    assert house.phone.messages[1].title.endswith("can check again")


def test_a_new_process_knows_of_which_certificates_the_last_one_warned(house: House) -> None:
    """An upgrade, a reboot or a crash loop warns no second time within the day."""
    soon = replace(good("IMAPS:993"), certificate_expires=house.now.wall + 5.5 * 86_400)
    house.start()
    house.end_round(soon)
    house.drain_until(lambda: bool(house.topics()) and house.store.entries() == ())
    second = House(house.policy)
    second.store = house.store
    second.parts = replace(second.parts, store=house.store)
    second.monitor = Monitor(second.parts)
    second.seconds = house.seconds + 2 * 3600
    second.start()
    second.end_round(soon)
    assert second.store.entries() == ()
    second.pass_time(86_400)
    second.end_round(soon)
    assert len(second.store.entries()) == 1


def test_an_expiring_certificate_is_told_daily_and_restarts_nothing(house: House) -> None:
    """Three days of rounds make three notices; the container is not even looked at."""
    soon = replace(good("IMAPS:993"), certificate_expires=house.now.wall + 5.5 * 86_400)
    house.start()
    for _ in range(3 * 24):
        house.end_round(soon)
        house.drain_until(lambda: house.store.entries() == ())
        house.pass_time(3600)
    assert house.topics() == [Topic.NOTICE] * 3
    assert house.phone.messages[0].title.endswith("expires in 5 days")
    assert house.container.looks == 0
    assert house.monitor.state.stage is Stage.HEALTHY


@pytest.mark.parametrize(("slept_s", "is_over"), [(3600.0, True), (1800.0, False), (0.0, False)])
def test_a_pause_ends_after_its_time_also_where_the_host_slept(
    house: House, slept_s: float, is_over: bool
) -> None:
    """The steady clock stands while the host is suspended, and the admin's life goes on."""
    house.start()
    house.monitor.pause(Now(house.seconds + 3600, house.now.wall + 3600), house.now)
    house.monitor.stood_still(slept_s + 5, 5)
    assert (house.monitor.paused_until(house.now) is None) is is_over
    kept = house.store.paused_until(house.now)
    assert kept is not None
    assert (kept.steady <= house.now.steady) is is_over


class SetClock:
    """A house whose wall clock somebody sets, and where no NTP is."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.wall_offset = WRITTEN + 60 * DAY_S
        house.parts = replace(house.parts, synchronised=lambda: False)
        house.monitor = Monitor(house.parts)
        house.start()

    def rounds(self, count: int, *readings: Reading) -> list[str]:
        """Return the titles of what is told in so many rounds."""
        house = self.house
        for _ in range(count):
            house.end_round(*readings)
            house.drain_until(lambda: house.store.entries() == ())
            house.pass_time(house.policy.interval_s)
        titles = [message.title for message in house.phone.messages]
        house.phone.messages.clear()
        return titles


def refused(code: str = "certificate-expired", **args: float) -> Reading:
    """Return what a certificate is that ended three days ago."""
    detail = fact(code, why="no", **(args or {"ended_s": 3 * DAY_S}))
    return Reading("IMAPS:993", Verdict.FAIL, Fault.CERTIFICATE, detail)


@pytest.mark.parametrize("days", [400, -400, -30])
def test_a_clock_that_is_wrong_calls_nobody_for_a_certificate(house: House, days: int) -> None:
    """It is told once that nobody can judge it, and once that one can again."""
    clock = SetClock(house)
    assert clock.rounds(2, good(), good("IMAPS:993")) == []
    house.wall_offset += days * DAY_S
    early = refused("certificate-not-yet", begins_s=3 * DAY_S)
    (told,) = clock.rounds(20, good(), refused() if days > 0 else early)
    assert "cannot check" in told
    assert house.monitor.state.incident is None
    house.wall_offset -= days * DAY_S
    (told,) = clock.rounds(3, good(), good("IMAPS:993"))
    assert "can check again" in told


@pytest.mark.parametrize("synchronised", [True, False, None])
def test_a_certificate_that_has_expired_by_a_clock_that_may_be_right_calls(
    house: House, synchronised: bool | None
) -> None:
    """Most hosts never say whether their clock is synchronised."""
    clock = SetClock(house)
    house.parts = replace(house.parts, synchronised=lambda: synchronised)
    house.monitor.reconfigure(house.parts)
    house.monitor.advance(house.now)
    house.end_round(good(), refused())
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert clock.house.container.restarts == 0


def test_a_clock_that_is_wrong_warns_of_no_certificate(house: House) -> None:
    """Neither that one ends nor that it is a new one; what was told before is not forgotten."""
    clock = SetClock(house)
    ends = house.now.wall + 300 * DAY_S
    well = replace(good(), certificate_expires=ends, certificate_signed=2)
    assert clock.rounds(2, well) == []
    house.wall_offset += 400 * DAY_S
    (told,) = clock.rounds(20, well)
    assert "cannot check" in told
    assert house.store.notes().certificates.chains["SMTP:25"].signed == 2
    house.wall_offset -= 400 * DAY_S
    assert len(clock.rounds(2, well)) == 1


def test_what_servers_hold_against_us_outlives_the_process(house: House) -> None:
    """Within an open incident too it is told once, when it is too much, and the next one knows."""
    wrong = ServiceSettings("SMTP", "mail.example.org", 25, probe="smtp")
    refused = replace(bad(fault=Fault.AUTHENTICATION), offence=Offence.LOGIN)

    def new_process() -> Guest:
        guest = Guest(house.policy, lambda: house.now)
        house.parts = replace(house.parts, guest=guest)
        house.monitor = Monitor(house.parts)
        house.start()
        return guest

    guest = new_process()
    for count in range(1, house.policy.offences_per_day + 1):
        assert guest.manner(wrong) is Manner.FREE
        guest.settle(wrong, refused)
        house.end_round(refused)
        assert house.store.notes().offences.spent("mail.example.org", house.now) == count
        if count == 3:
            house.drain_until(lambda: bool(house.topics()) and not house.store.entries())
            assert house.monitor.state.incident
            guest = new_process()
        house.pass_time(house.policy.verify_every_s)
    house.drain_until(lambda: Topic.NOTICE in house.topics() and not house.store.entries())
    guest = new_process()
    assert guest.manner(wrong) is Manner.WITHOUT_LOGIN
    house.end_round(bad(fault=Fault.AUTHENTICATION))
    house.pass_time(house.policy.verify_every_s)
    assert house.topics().count(Topic.NOTICE) == 1
