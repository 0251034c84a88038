"""What befalls the mail server, the inbox and Docker in a night: one generator a scenario.

Each yields a condition and goes on when that holds; where it ends, all is well again, and
mailwatch has to find that out, tell it, and become quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from tests.campaign.inbox import Manner

if TYPE_CHECKING:
    from tests.campaign.night import Night

Story = Iterator[Callable[[], bool]]


def heals(night: Night) -> Story:
    """The services fail, and the restart helps."""
    yield night.is_healthy
    night.outage(cure=1)
    yield lambda: night.mail.well


def is_silent(night: Night) -> Story:
    """As heals, but the services keep silent instead of refusing."""
    # Silence is what a busy machine makes of a healthy server, too, so it takes some.
    night.policy |= {
        "attempts": {"retries": 2, "timeout_s": 0.8, "delay_s": 0.0},
        "verify_timeout_s": 0.8,
    }
    yield night.is_healthy
    night.outage(cure=1, silent=True)
    yield lambda: night.mail.well


def with_evidence(night: Night) -> Story:
    """As heals, and the black box looks around before and after."""
    night.evidence = True
    yield from heals(night)


def does_not_heal(night: Night) -> Story:
    """No restart helps, until a person who was called mends it."""
    yield night.is_healthy
    night.outage()
    yield lambda: night.has_come("needs you")
    night.mended()


def spends_the_budget(night: Night) -> Story:
    """No restart helps, and mailwatch stops trying when the policy says so."""
    night.policy |= {"remind_every_s": 0.5, "max_restarts": 3}
    yield night.is_healthy
    night.outage()
    yield lambda: night.has_come("needs you")
    # An attempt that was cut off before Docker heard of it counts against the budget as well.
    enough = night.after(6)
    yield lambda: night.has_come("that the budget allows are spent") or enough()
    night.mended()


def flaps(night: Night) -> Story:
    """It fails again as soon as the restart has helped, three times."""
    for number in range(1, 4):
        yield night.is_healthy
        night.outage(cure=1)
        yield lambda: night.mail.well
        yield partial(_has_ended, night, number)


def _has_ended(night: Night, number: int) -> bool:
    # A reboot may have ended the outage before anybody had noticed it.
    return night.count_of("Mail flows again") >= number or night.is_quiet()


def inbox_away(night: Night) -> Story:
    """Nobody takes messages during the whole incident."""
    night.inbox.door.close()
    yield night.is_healthy
    night.outage(cure=1)
    yield lambda: night.mail.well
    yield night.is_healthy
    yield night.after(0.2)
    night.inbox.door.open()
    yield partial(_has_ended, night, 1)


def inbox_fails(night: Night) -> Story:
    """The inbox answers 503 while a person is needed, and recovers before the mail does."""
    night.inbox.manner = Manner.FAILS
    yield night.is_healthy
    night.outage()
    yield lambda: night.has_been("escalated")
    yield night.after(0.3)
    night.inbox.manner = Manner.TAKES
    yield lambda: night.has_come("needs you")
    night.mended()


def inbox_slow(night: Night) -> Story:
    """Every message is taken at once and acknowledged late."""
    night.inbox.manner = Manner.SLOW
    yield night.is_healthy
    night.outage(cure=1)
    yield lambda: night.mail.well


def inbox_too_slow(night: Night) -> Story:
    """Messages are taken, but so slowly that mailwatch gives up waiting for the answer."""
    night.inbox.manner = Manner.SLOW
    night.send_timeout_s = 0.05
    yield night.is_healthy
    night.outage(cure=1)
    yield lambda: night.mail.well
    yield night.after(0.3)
    night.inbox.manner = Manner.TAKES


def operator_stops(night: Night) -> Story:
    """An operator stops the container, and starts it when done."""
    yield night.is_healthy
    night.outage(stopped=True)
    yield lambda: night.has_come("left alone")
    yield night.after(0.3)
    night.mended()


def operator_steps_in(night: Night) -> Story:
    """The restart did not help, so an operator stops the container and mends it."""
    yield night.is_healthy
    night.outage()
    yield lambda: any(order.done is not None for order in night.engine.orders)
    yield lambda: not night.engine.is_busy
    night.engine.operator_stops()
    yield night.after(0.8)
    night.mended()


def docker_hangs(night: Night) -> Story:
    """Docker answers nothing while the mail is down; when it does, the restart helps."""
    yield night.is_healthy
    night.engine.hang()
    night.outage(cure=1)
    yield night.after(1.5)
    night.engine.free()
    yield lambda: night.mail.well


def docker_is_away(night: Night) -> Story:
    """Docker's socket is not there while the mail is down."""
    yield night.is_healthy
    night.engine.door.close()
    night.outage(cure=1)
    yield night.after(0.8)
    night.engine.door.open()
    yield lambda: night.mail.well


def docker_gives_up(night: Night) -> Story:
    """An engine that leaves the container stopped when the caller of the restart is gone."""
    night.engine.gives_up_with_its_caller = True
    yield night.is_healthy
    night.outage(cure=1)
    yield lambda: night.mail.well


def disk_hangs(night: Night) -> Story:
    """The disk takes nothing from before the outage until it is over and told."""
    night.disk_patience_s = 0.2
    yield night.is_healthy
    night.disk_hangs()
    night.outage(cure=1)
    yield lambda: night.mail.well
    yield partial(_has_ended, night, 1)
    night.disk_hangs(False)


def mends_itself(night: Night) -> Story:
    """The mail comes back by itself, in the middle of whatever mailwatch is doing."""
    yield night.is_healthy
    night.outage()
    yield night.after(0.25)
    night.mended()


def certificate_expires(night: Night) -> Story:
    """A certificate expires soon, and the hours in which nothing is said twice are short."""
    night.mail.tls = True
    night.hour_s = 0.05
    yield night.is_healthy
    yield lambda: night.has_come("A certificate on")
    yield night.after(0.3)


SCENARIOS: dict[str, Callable[[Night], Story]] = {
    one.__name__: one
    for one in (
        heals,
        is_silent,
        with_evidence,
        does_not_heal,
        spends_the_budget,
        flaps,
        inbox_away,
        inbox_fails,
        inbox_slow,
        inbox_too_slow,
        operator_stops,
        operator_steps_in,
        docker_hangs,
        docker_is_away,
        docker_gives_up,
        disk_hangs,
        mends_itself,
        certificate_expires,
    )
}
