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


def run(
    command: Sequence[str], deadline: Deadline, take: Take, complain: Take | None = None
) -> int | None:
    """Run `command`, hand what it says to `take`, and return its exit code.

    What it says on its standard error goes to `complain`, where there is one. The code is None
    where one of them had heard enough, and negative for the signal that ended it. Nothing is left
    of the program's process group. Raises ConversationError, unmeasured, where it cannot be
    started or does not end by `deadline`.
    """
    name = printable(command[0])
    try:
        process = subprocess.Popen(  # noqa: S603  the admin's own words, and no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if complain else subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=_ENVIRONMENT,
        )
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or type(error).__name__).lower()
        raise ConversationError.of(None, "program-not-started", program=name, why=why) from None
    with process:
        try:
            heard_out = _hear(process, deadline, take, complain or take)
            return process.wait(deadline.remaining()) if heard_out else None
        except (DeadlineExpired, subprocess.TimeoutExpired):
            raise ConversationError.of(None, "program-late", program=name) from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _hear(process: subprocess.Popen[bytes], deadline: Deadline, take: Take, complain: Take) -> bool:
    """Hear the program out; False where `take` or `complain` had heard enough."""
    takers = {
        pipe.fileno(): taker
        for pipe, taker in ((process.stdout, take), (process.stderr, complain))
        if pipe
    }
    poll = select.poll()
    for output in takers:
        os.set_blocking(output, False)
        poll.register(output, select.POLLIN)
    while takers:
        ended = process.poll() is not None
        left_s = deadline.remaining()
        ready = poll.poll(0 if ended else 1000 * min(left_s, _LOOK_S))
        for output, _ in ready:
            data = os.read(output, _CHUNK)
            if not data:
                poll.unregister(output)
                del takers[output]
            elif not takers[output](data):
                return False
        if ended and not ready:
            return True
    return True
