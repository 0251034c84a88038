"""The threads beside the main one, and the signal that is not for them."""

from __future__ import annotations

import ast
import signal
import threading
from pathlib import Path
from queue import Queue

import pytest

import mailwatch
from mailwatch import threads


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


def test_where_no_thread_can_be_had_the_caller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the caller who knows what to do without one."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        threads.start(lambda: None, "a job")


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
    assert makers - {"demo/hosting.py"} == {"threads.py"}
