"""Whether Docker was stopped behind a socket of systemd's, which a connection would start again."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailwatch.core.deadline import Deadline

_SOCKET = "/run/docker.sock"
"""Where docker.socket listens, and /var/run leads."""

_LISTENS = "/sys/fs/cgroup/system.slice/docker.socket"
"""There as long as docker.socket is active; a Docker that opens its socket by itself has none."""

_RUNS = "/run/systemd/units/invocation:docker.service"
"""A link that leads nowhere, and that systemd removes when docker.service becomes inactive."""

_RESTARTS_S = 4.0
"""How long the service may be inactive between a crash and its restart (RestartSec=2)."""

_LOOK_AGAIN_S = 0.25


def is_stopped(socket: str, deadline: Deadline) -> bool:
    """Whether somebody stopped Docker, so that nobody answers at `socket` without being started.

    A Docker that has crashed comes back by itself, and is waited for. Another engine's socket
    (that of Podman, whose service ends when it is idle, also where docker.sock is a link to it)
    is never one that was stopped.
    """
    if os.path.realpath(socket) != _SOCKET:
        return False
    now = deadline.clock()
    until = now + min(_RESTARTS_S, (deadline.at - now) / 2)
    while _is_inactive():
        if deadline.clock() >= until:
            return True
        time.sleep(_LOOK_AGAIN_S)
    return False


def _is_inactive() -> bool:
    return Path(_LISTENS).is_dir() and not os.path.lexists(_RUNS)
