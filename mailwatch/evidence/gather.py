"""Asks every collector at once, each on a thread of its own, and never waits past the deadline."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.evidence import EVERYTHING, GATHERED, Evidence, Finding, Unreadable
from mailwatch.evidence import (
    cgroup,
    clock,
    connections,
    container,
    disk,
    host,
    log,
    processes,
    readings,
)
from mailwatch.evidence.subject import Collector, Subject
from mailwatch.host import threads

COLLECTORS: Mapping[str, Collector] = MappingProxyType(
    {
        "readings": readings.collect,
        "container": container.collect,
        "cgroup": cgroup.collect,
        "processes": processes.collect,
        "connections": connections.collect,
        "host": host.collect,
        "disk": disk.collect,
        "clock": clock.collect,
        "log": log.collect,
    }
)
"""What is asked, in the order in which a person reads it."""

SLACK_S = 0.2
"""What a collector gets to come back in after its deadline."""

STILL_BUSY = (
    "it is still busy with an earlier look: a disk, the kernel or Docker keeps it waiting, and "
    "what it waits for is in the column WCHAN of ps -eLo pid,wchan:32,comm"
)


class Gatherer:
    """Asks the collectors of one look after another; what hangs is not asked anew until it is back.

    So a disk or an engine that hangs for days holds one thread, however many rounds fail.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._under_way: dict[str, threading.Thread] = {}

    def gather(
        self,
        subject: Subject,
        deadline: Deadline,
        wall: float,
        collectors: Mapping[str, Collector] = COLLECTORS,
    ) -> Evidence:
        """Return a finding of every collector by `deadline`, at most SLACK_S late; never raises.

        `wall` is the time in seconds since 1970. A collector that does not come back is left
        behind, and its finding says so. Two threads may gather at the same time.
        """
        began = deadline.clock()
        answers: queue.Queue[tuple[str, Finding]] = queue.Queue()
        found: dict[str, Finding] = {}
        for name, collector in collectors.items():
            ask = partial(_ask, name, collector, subject, deadline, answers)
            hindrance = self._start(name, ask)
            if hindrance:
                found[name] = Finding({}, {EVERYTHING: hindrance})
        while len(found) < len(collectors):
            left = deadline.at + SLACK_S - deadline.clock()
            try:
                name, finding = answers.get(timeout=max(0.001, left))
            except queue.Empty:
                break
            found[name] = finding
        took_s = round(deadline.clock() - began, 3)
        late = Finding(
            {}, {EVERYTHING: f"no answer came within {took_s:g} s: raise [evidence] wait_s"}
        )
        about = Finding({"at": round(wall, 3), "took_s": took_s})
        return {GATHERED: about, **{name: found.get(name, late) for name in collectors}}

    def _start(self, name: str, ask: Callable[[], None]) -> str:
        """Start a collector's thread; return why that could not be, empty where it was."""
        with self._guard:
            before = self._under_way.get(name)
            if before is not None and before.is_alive():
                return STILL_BUSY
            try:
                self._under_way[name] = threads.start(ask, f"evidence-{name}")
            except RuntimeError:
                return threads.NO_THREAD
            return ""


def _ask(
    name: str,
    collector: Collector,
    subject: Subject,
    deadline: Deadline,
    answers: queue.Queue[tuple[str, Finding]],
) -> None:
    try:
        finding = collector(subject, deadline)
    except Unreadable as reason:
        finding = Finding({}, {EVERYTHING: str(reason)})
    except DeadlineExpired:
        finding = Finding({}, {EVERYTHING: "its time ran out: raise [evidence] wait_s"})
    except Exception as error:  # noqa: BLE001  # a bug of ours must not cost the other findings
        kind = type(error).__name__
        finding = Finding(
            {}, {EVERYTHING: f"of a fault of mailwatch itself ({kind}): please report it"}
        )
    answers.put((name, finding))
