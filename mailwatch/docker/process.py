"""The first process of a container, as /proc shows it, whatever the engine says."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailwatch.docker.record import Record, number, part, text


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

    An engine learns of an end from containerd, 10 ms later or a second on a busy host. False where
    /proc is hidden from us; what an engine of another host runs looks as if it had ended.
    """
    process = first_process(container, proc)
    if process is None or text(part(container, "State"), "Status") != "running":
        return False
    try:
        return _stat(process)[0] in ("Z", "X")
    except (OSError, IndexError):
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
        started = int(_stat(process)[19]) / os.sysconf("SC_CLK_TCK")  # field 22, in ticks
        if not is_of(process, container):
            return None
    except (OSError, ValueError, LookupError):
        return None
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _stat(process: Path) -> list[str]:
    """Return the fields of proc_pid_stat(5) behind the name, from the state, which is field 3."""
    return (process / "stat").read_text("utf-8", "replace").rpartition(") ")[2].split()
