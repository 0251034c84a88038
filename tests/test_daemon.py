"""The daemon's own small parts; the whole of it is tested in e2e, the demo and the campaign."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from mailwatch.daemon import clock_text


@pytest.fixture
def live_in() -> Iterator[Callable[[str], None]]:
    """Give what moves this process to another time zone until the test is over."""
    with pytest.MonkeyPatch.context() as patch:

        def move(zone: str) -> None:
            patch.setenv("TZ", zone)
            time.tzset()

        yield move
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC0", "CET-1", "EST5"])
def test_any_moment_that_a_certificate_can_name_is_told(
    live_in: Callable[[str], None], zone: str
) -> None:
    """A certificate that expires at either end of the calendar does not end the service."""
    live_in(zone)
    assert clock_text(-62135596800.0).endswith("00")
    assert clock_text(253402300799.0).startswith("9999-12-31 ")


def test_a_moment_is_told_as_local_time(live_in: Callable[[str], None]) -> None:
    """The admin reads the time of the clock on the wall."""
    live_in("CET-1")
    assert clock_text(1_700_000_000.0) == "2023-11-14 23:13:20"
