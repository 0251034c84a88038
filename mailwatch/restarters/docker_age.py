"""How long a container has run, by a clock that nobody sets."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailwatch.restarters.docker_state import Record, number, part, text

_START_TIME = 19
"""Of the fields behind the name in proc_pid_stat(5): field 22, in ticks since the host booted."""


def runs_for(container: Record, proc: Path = Path("/proc")) -> float | None:
    """Return for how many seconds its first process has run, None where /proc does not show it.

    The engine's own `StartedAt` is on the wall clock, which a host without a battery for it
    moves by days once it has booted, while its containers start.
    """
    process = proc / str(number(part(container, "State"), "Pid"))
    identity = text(container, "Id")
    try:
        fields = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        started = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        # Asked last: the engine may be another host's, and a number is soon reused.
        if not identity or identity not in (process / "cgroup").read_text("utf-8", "replace"):
            return None
    except (OSError, ValueError, LookupError):
        return None
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
