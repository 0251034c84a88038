"""Asks every collector at once, each on a thread of its own, and never waits past the deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.evidence import EVERYTHING, GATHERED, Evidence, Finding, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.evidence.subject import Collector, Subject
from mailwatch.host.job import Job

SLACK_S = 0.2
"""What a collector gets to come back in after its deadline."""


class Gatherer:
    """Asks the collectors of one look after another; what hangs is not asked anew until it is back.

    So a disk or an engine that hangs for days holds one thread, however many rounds fail.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._under_way: dict[str, Job[Finding]] = {}

    def gather(
        self,
        subject: Subject,
        deadline: Deadline,
        wall: float,
        collectors: Mapping[str, Collector],
    ) -> Evidence:
        """Return a finding of every collector by `deadline`, at most SLACK_S late; never raises.

        `wall` is the time in seconds since 1970. A collector that does not come back is left
        behind, and its finding says so. Two threads may gather at the same time.
        """
        began = deadline.clock()
        jobs = {
            name: self._start(name, partial(_ask, collector, subject, deadline), deadline)
            for name, collector in collectors.items()
        }
        patience = Deadline(deadline.at + SLACK_S, deadline.clock)
        found = {name: _answer(job, patience) for name, job in jobs.items()}
        took_s = round(deadline.clock() - began, 3)
        return {GATHERED: Finding({"at": round(wall, 3), "took_s": took_s}), **found}

    def _start(
        self, name: str, ask: Callable[[], Finding], deadline: Deadline
    ) -> Job[Finding] | None:
        """Return the job that asks the collector `name`; None while it is still under way."""
        with self._guard:
            before = self._under_way.get(name)
            if before is not None and not before.is_over:
                return None
            job = self._under_way[name] = Job(f"evidence-{name}", deadline)
        job.start(ask, _nothing)
        return job


def _answer(job: Job[Finding] | None, patience: Deadline) -> Finding:
    if job is None:
        return _nothing(fact("still-busy"))
    try:
        return job.wait(patience)
    except DeadlineExpired:
        return _nothing(fact("look-late", took_s=round(job.waited_s, 3)))


def _ask(collector: Collector, subject: Subject, deadline: Deadline) -> Finding:
    try:
        return collector(subject, deadline)
    except NotReadable as missing:
        return _nothing(missing.reason)
    except DeadlineExpired:
        return _nothing(fact("look-cut-short"))


def _nothing(reason: Fact) -> Finding:
    return Finding({}, {EVERYTHING: reason})
