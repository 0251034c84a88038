from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mailwatch.host.workers import KEPT, WORKERS, Workers

PATIENCE_S = 120


def _waiter(what: threading.Barrier | threading.Event) -> Callable[[], None]:
    def wait() -> None:
        what.wait(PATIENCE_S)

    return wait


@pytest.mark.parametrize("patient", [False, True])
def test_every_task_has_a_thread_of_its_own(patient: bool) -> None:
    """Tasks that can only end together do end, so none waits behind another."""
    for size in (3, 40, 3):
        together = threading.Barrier(size + 1)
        for _ in range(size):
            WORKERS.run(_waiter(together), patient=patient)
        together.wait(PATIENCE_S)


def test_threads_are_kept_but_not_many() -> None:
    """A few threads wait for the next round; the rest of a large one end."""
    workers = Workers()
    before = threading.active_count()
    seen: set[int] = set()
    for _ in range(20):
        _run_one(workers, seen)
    assert len(seen) <= KEPT
    _run_together(workers, 50)
    _wait_for(lambda: threading.active_count() <= before + KEPT)


def test_as_many_are_kept_as_a_round_needs() -> None:
    """Whoever has many services starts their threads once, not in each round."""
    workers = Workers()
    workers.keep(50)
    seen = _run_together(workers, 50)
    _wait_for(lambda: workers._idle == 50)
    assert _run_together(workers, 50) == seen
    workers.keep(0)
    before = threading.active_count()
    _run_together(workers, 50)
    _wait_for(lambda: threading.active_count() <= before - 50 + KEPT)


def test_a_patient_task_takes_the_thread_of_one_that_ends() -> None:
    """A crowd of quick tasks is served by a few threads, because it gives them the moment."""
    workers = Workers(patience_s=PATIENCE_S)
    seen: set[int] = set()
    begun, gate = threading.Event(), threading.Event()

    def first() -> None:
        seen.add(threading.get_ident())
        begun.set()
        gate.wait(PATIENCE_S)

    workers.run(first)
    begun.wait(PATIENCE_S)
    patient = threading.Thread(target=_run_one, args=(workers, seen), kwargs={"patient": True})
    patient.start()
    gate.set()
    patient.join(PATIENCE_S)
    assert len(seen) == 1


def test_patience_in_vain_ends_soon() -> None:
    """A crowd of tasks that hang is begun after two waits' time, not after one for each."""
    each_s, count = 0.5, 40
    workers = Workers(each_s)
    gate = threading.Event()
    began = time.monotonic()
    for _ in range(count):
        workers.run(_waiter(gate), patient=True)
    took_s = time.monotonic() - began
    gate.set()
    assert took_s < each_s * count / 2


def _run_one(workers: Workers, seen: set[int], *, patient: bool = False) -> None:
    done = threading.Semaphore(0)

    def task() -> None:
        seen.add(threading.get_ident())
        done.release()

    workers.run(task, patient=patient)
    assert done.acquire(timeout=PATIENCE_S)


def _run_together(workers: Workers, count: int) -> set[int]:
    """Return the threads that ran `count` tasks, all of which wait for one another."""
    seen: set[int] = set()
    together = threading.Barrier(count)
    done = threading.Semaphore(0)

    def task() -> None:
        seen.add(threading.get_ident())
        together.wait(PATIENCE_S)
        done.release()

    for _ in range(count):
        workers.run(task)
    for _ in range(count):
        assert done.acquire(timeout=PATIENCE_S)
    return seen


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
