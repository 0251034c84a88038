"""How the threads beside the main one are started."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from mailwatch import threads

PATIENCE_S = 60.0


def _mask() -> set[int]:
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


@pytest.fixture
def masks_at_birth() -> Iterator[list[set[int]]]:
    """The mask of every thread that begins meanwhile, before it runs a line of its job."""
    seen: list[set[int]] = []

    def look(_frame: FrameType, _event: str, _argument: object) -> None:
        seen.append(_mask())
        sys.settrace(None)

    before = threading.gettrace()
    threading.settrace(look)
    yield seen
    threading.settrace(before)


def test_a_thread_is_born_deaf_to_sigabrt(masks_at_birth: list[set[int]]) -> None:
    """From its first instruction on, a thread leaves the watchdog's signal to the main one."""
    threads.start(lambda: None, "newborn").join(PATIENCE_S)
    (mask,) = masks_at_birth
    assert signal.SIGABRT in mask


def test_the_one_that_starts_it_still_hears() -> None:
    """Starting a thread changes nothing about the signals of the thread that does it."""
    before = _mask()
    assert signal.SIGABRT not in before
    threads.start(lambda: None, "newborn").join(PATIENCE_S)
    assert _mask() == before


def test_no_thread_leaves_the_starter_hearing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system allows no further thread, the starter hears SIGABRT all the same."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = _mask()
    with pytest.raises(RuntimeError):
        threads.start(lambda: None, "unborn")
    assert _mask() == before


def test_a_thread_of_a_deaf_starter_leaves_it_deaf() -> None:
    """A thread that starts another stays as deaf to SIGABRT as it was."""
    masks: list[set[int]] = []

    def starter() -> None:
        threads.start(lambda: None, "grandchild").join(PATIENCE_S)
        masks.append(_mask())

    threads.start(starter, "child").join(PATIENCE_S)
    (mask,) = masks
    assert signal.SIGABRT in mask
