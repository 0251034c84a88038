"""One program run to its end or its deadline, with all of its output heard and none of it kept."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.text import printable
from mailwatch.net.errors import ConversationError

_CHUNK = 64 * 1024
_LOOK_S = 0.05
"""How long a program that has ended, and left its output open to others, stays unnoticed."""

_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
"""Our own holds secrets, such as the token."""

Take = Callable[[bytes], bool]
"""Takes a part of what the program says; returns False when it has heard enough."""


def run(command: Sequence[str], deadline: Deadline, take: Take) -> int | None:
    """Run `command`, hand what it says to `take`, and return its exit code.

    That is None where `take` had heard enough, and negative for the signal that ended it. Nothing
    is left of the program's process group. Raises ConversationError, unmeasured, where it cannot
    be started or does not end by `deadline`.
    """
    name = printable(command[0])
    try:
        process = subprocess.Popen(  # noqa: S603  the admin's own words, and no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=_ENVIRONMENT,
        )
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or type(error).__name__).lower()
        raise ConversationError.of(None, "program-not-started", program=name, why=why) from None
    with process:
        try:
            return process.wait(deadline.remaining()) if _hear(process, deadline, take) else None
        except (DeadlineExpired, subprocess.TimeoutExpired):
            raise ConversationError.of(None, "program-late", program=name) from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _hear(process: subprocess.Popen[bytes], deadline: Deadline, take: Take) -> bool:
    """Hear the program out; False where `take` had heard enough."""
    assert process.stdout
    output = process.stdout.fileno()
    os.set_blocking(output, False)
    poll = select.poll()
    poll.register(output, select.POLLIN)
    while True:
        ended = process.poll() is not None
        left_s = deadline.remaining()
        if poll.poll(0 if ended else 1000 * min(left_s, _LOOK_S)):
            data = os.read(output, _CHUNK)
            if not data:
                return True
            if not take(data):
                return False
        elif ended:
            return True
