"""Whether the first process of a container is still there, whatever the engine says.

An engine learns of an end from containerd, 10 ms later or a second on a busy host. Until then it
calls a container running that somebody has just stopped.
"""

from __future__ import annotations

from pathlib import Path

from mailwatch.restarters.docker_state import Record, number, part, text

_ENDED = ("Z", "X")
"""The states of a process that has ended, see proc_pid_stat(5)."""


def has_ended(container: Record, proc: Path = Path("/proc")) -> bool:
    """Return whether a container that the engine calls running has no process; raises nothing.

    False where that is not known: /proc may be hidden from us. The engine of another host, whose
    processes are not ours, looks as if it had ended.
    """
    state = part(container, "State")
    process = proc / str(number(state, "Pid"))
    if text(state, "Status") != "running" or not number(state, "Pid"):
        return False
    try:
        # After the name, which is in parentheses and may hold some itself.
        return (process / "stat").read_text("utf-8", "replace").rpartition(") ")[2][:1] in _ENDED
    except OSError:
        return (proc / "1").exists() and not process.exists()
