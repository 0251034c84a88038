"""The first process of a container, as /proc shows it, whatever the engine says."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailwatch.docker.record import Record, number, part, text

_ENDED = ("Z", "X")
"""The states of a process that has ended, see proc_pid_stat(5)."""

_START_TIME = 19
"""Of the fields behind the name in proc_pid_stat(5): field 22, in ticks since the host booted."""


def first_process(container: Record, proc: Path = Path("/proc")) -> Path | None:
    """Return the folder of the process that the engine names, which need not be there."""
    pid = number(part(container, "State"), "Pid")
    return proc / str(pid) if pid > 0 else None


def is_of(process: Path, container: Record) -> bool:
    """Return whether `process` is one of the container; raises OSError.

    To be asked last, when all is read: the engine may be another host's, and a number is soon
    reused.
    """
    identity = text(container, "Id")
    return bool(identity) and identity in (process / "cgroup").read_text("utf-8", "replace")


def has_ended(container: Record, proc: Path = Path("/proc")) -> bool:
    """Return whether a container that the engine calls running has no process; raises nothing.

    An engine learns of an end from containerd, 10 ms later or a second on a busy host. Until then
    it calls a container running that somebody has just stopped.

    False where that is not known: /proc may be hidden from us. The engine of another host, whose
    processes are not ours, looks as if it had ended.
    """
    process = first_process(container, proc)
    if process is None or text(part(container, "State"), "Status") != "running":
        return False
    try:
        return _stat(process)[:1] in _ENDED
    except OSError:
        return (proc / "1").exists() and not process.exists()


def runs_for(container: Record, proc: Path = Path("/proc")) -> float | None:
    """Return for how many seconds its first process has run, None where /proc does not show it.

    The engine's own `StartedAt` is on the wall clock, which a host without a battery for it
    moves by days once it has booted, while its containers start.
    """
    process = first_process(container, proc)
    if process is None:
        return None
    try:
        started = int(_stat(process).split()[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        if not is_of(process, container):
            return None
    except (OSError, ValueError, LookupError):
        return None
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _stat(process: Path) -> str:
    """Return what proc_pid_stat(5) has behind the name, which may hold parentheses itself."""
    return (process / "stat").read_text("utf-8", "replace").rpartition(") ")[2]
