"""The threads beside the main one, and the signal that is not for them."""

from __future__ import annotations

import ast
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Queue
from types import FrameType

import pytest

import mailwatch
from mailwatch.host import threads


def test_a_thread_leaves_the_watchdogs_signal_to_the_main_one() -> None:
    """SIGABRT is blocked in it alone; it has its name, and keeps no process from ending."""
    found: Queue[tuple[str, bool, set[signal.Signals | int]]] = Queue()

    def job() -> None:
        me = threading.current_thread()
        found.put((me.name, me.daemon, signal.pthread_sigmask(signal.SIG_BLOCK, ())))

    thread = threads.start(job, "a job")
    name, is_daemon, blocked = found.get(timeout=120)
    assert (name, is_daemon) == ("a job", True)
    assert signal.SIGABRT in blocked
    assert signal.SIGABRT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def masks_at_birth() -> Iterator[list[set[int]]]:
    """The mask of every thread that begins meanwhile, before it runs a line of its job."""
    seen: list[set[int]] = []

    def look(_frame: FrameType, _event: str, _argument: object) -> None:
        seen.append({int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())})
        sys.settrace(None)

    before = threading.gettrace()
    threading.settrace(look)
    yield seen
    threading.settrace(before)


def test_a_thread_is_born_deaf_to_sigabrt(masks_at_birth: list[set[int]]) -> None:
    """It is deaf from its first instruction on, not only from the first line of its job."""
    threads.start(lambda: None, "newborn").join(120)
    (mask,) = masks_at_birth
    assert signal.SIGABRT in mask


def test_a_thread_that_starts_another_stays_deaf() -> None:
    """The one that starts a thread hears afterwards just what it heard before."""
    found: Queue[set[signal.Signals | int]] = Queue()

    def starter() -> None:
        threads.start(lambda: None, "grandchild").join(120)
        found.put(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    threads.start(starter, "child")
    assert signal.SIGABRT in found.get(timeout=120)


def test_where_no_thread_can_be_had_the_caller_is_told(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """It is the caller who knows what to do without one; it hears SIGABRT as before."""

    with without_threads(), pytest.raises(RuntimeError):
        threads.start(lambda: None, "a job")
    assert signal.SIGABRT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_every_thread_is_started_so() -> None:
    """No other file of the service makes a thread, which the watchdog's signal could end up in."""
    root = Path(mailwatch.__file__).parent
    makers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Thread", "Executor"))
    }
    # The demo's mail server is no part of the service.
    assert makers - {"demo/server_process.py"} == {"host/threads.py"}
