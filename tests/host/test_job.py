"""A task off the loop, with real threads: it has one answer, whatever becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, Queue

import pytest

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.say import say
from mailwatch.host.job import Job

PATIENCE_S = 120.0


def soon(seconds: float = PATIENCE_S) -> Deadline:
    """Return a deadline `seconds` from now."""
    return Deadline.after(seconds, time.monotonic)


def test_what_the_task_returns_is_the_answer() -> None:
    """It is put once, off the thread that asked, and can be waited for as well."""
    answers: Queue[tuple[str, str]] = Queue()
    job: Job[tuple[str, str]] = Job("counting", soon())
    job.start(
        lambda: ("done", threading.current_thread().name), lambda why: (say(why), ""), answers.put
    )
    assert answers.get(timeout=PATIENCE_S) == ("done", "counting")
    assert job.is_over
    assert job.wait(soon()) == ("done", "counting")
    with pytest.raises(Empty):
        answers.get_nowait()


def test_a_bug_of_ours_is_an_answer_without_its_words() -> None:
    """An exception that nobody foresaw may hold a secret: its type alone is told."""

    def break_down() -> str:
        raise ZeroDivisionError("hunter2")

    job: Job[str] = Job("breaks", soon())
    job.start(break_down, say)
    assert job.wait(soon()) == ("a fault of mailwatch itself (ZeroDivisionError), please report it")


def test_a_host_without_threads_is_an_answer(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """It is there at once, it says what to raise, and nothing is raised here."""
    answers: Queue[str] = Queue()
    job: Job[str] = Job("any", soon())
    with without_threads():
        job.start(lambda: "never", say, answers.put)
    assert job.is_over
    assert "raise TasksMax" in answers.get_nowait()
    job.join(0)


def test_a_task_that_hangs_is_overdue_after_its_slack_and_answers_for_no_other() -> None:
    """Whoever is told of the jobs themselves tells its late answer from that of the next."""
    let_go = threading.Event()
    over: Queue[Job[int]] = Queue()
    clock = iter([100.0, 100.0, 107.0]).__next__
    first: Job[int] = Job("hangs", Deadline.after(5, clock), slack_s=2)
    first.start(lambda: int(let_go.wait(PATIENCE_S)), lambda _why: 0, lambda _: over.put(first))
    assert first.overdue_at == 107.0
    assert first.waited_s == 7.0
    assert not first.is_over
    second: Job[int] = Job("is next", soon())
    second.start(lambda: 2, lambda _why: 0, lambda _: over.put(second))
    assert over.get(timeout=PATIENCE_S) is second
    assert second.answer == 2
    let_go.set()
    assert over.get(timeout=PATIENCE_S) is first
    assert first.answer == 1


def test_a_wait_ends_with_its_deadline_and_not_with_the_task() -> None:
    """Whoever waits has a deadline of their own; the task goes on for the others."""
    let_go = threading.Event()
    job: Job[bool] = Job("slow", soon())
    job.start(lambda: let_go.wait(PATIENCE_S), lambda _why: False)
    with pytest.raises(DeadlineExpired):
        job.wait(soon(0.01))
    let_go.set()
    assert job.wait(soon()) is True
    assert job.wait(soon(0)) is True


def test_a_join_waits_until_the_answer_was_put() -> None:
    """A process that ends takes what was answered within a moment with it."""
    answers: Queue[str] = Queue()
    job: Job[str] = Job("last", soon())
    job.start(lambda: "in time", say, answers.put)
    job.join(PATIENCE_S)
    assert answers.get_nowait() == "in time"
