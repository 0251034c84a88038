"""Runs one job at a time on a thread of its own, and never keeps the process from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mailwatch import threads


class Worker:
    """A daemon thread per job: a job that hangs is left behind, and a new one can be run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether the last job is still running."""
        return self._thread is not None and self._thread.is_alive()

    def run(self, job: Callable[[], None]) -> None:
        """Start `job`, which must not raise; raises RuntimeError while another one runs."""
        if self.busy:
            raise RuntimeError(f"{self._name} is still at its last job")
        self._thread = threads.start(job, self._name)

    def abandon(self) -> None:
        """Forget a job that hangs; its report, should it ever come, must be ignored."""
        self._thread = None

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the job to end, and return whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy
