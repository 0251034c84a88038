from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mailwatch.probes.workers import MAX_IDLE, WORKERS

PATIENCE_S = 30


def _waiter(what: threading.Barrier | threading.Event) -> Callable[[], None]:
    def wait() -> None:
        what.wait(PATIENCE_S)

    return wait


def test_every_task_has_a_thread_of_its_own() -> None:
    """Tasks that can only end together do end, so none waits behind another."""
    for size in (3, 40, 3):
        together = threading.Barrier(size + 1)
        for _ in range(size):
            WORKERS.run(_waiter(together))
        together.wait(PATIENCE_S)


def test_threads_are_kept_but_not_many() -> None:
    """A few threads wait for the next round; the rest of a large one end."""
    before = threading.active_count()
    seen: set[int] = set()
    for _ in range(20):
        done = threading.Semaphore(0)

        def task(done: threading.Semaphore = done) -> None:
            seen.add(threading.get_ident())
            done.release()

        WORKERS.run(task)
        assert done.acquire(timeout=PATIENCE_S)
    assert len(seen) <= MAX_IDLE
    gate = threading.Event()
    for _ in range(50):
        WORKERS.run(_waiter(gate))
    gate.set()
    deadline = time.monotonic() + PATIENCE_S
    while threading.active_count() > before + MAX_IDLE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
