"""One look at a container without the SDK, whose import a service that is well has no need of."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing, suppress
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker import faults
from mailwatch.docker.activation import is_stopped
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.neighbours import missing
from mailwatch.docker.record import Record, text

LONGEST_ANSWER = 1 << 20
"""Bytes; a record has some 10 KiB, and so have five containers in a list."""


def glance(path: str, name: str, deadline: Deadline) -> Record:
    """Return what `docker inspect` shows of container `name`, asked at the socket `path`.

    The path of the request has no API version, so the engine answers in its newest. Raises
    EngineFault alone, by `deadline`.
    """
    if is_stopped(path, deadline):
        raise faults.stopped(path)
    status, found = _ask(path, f"/containers/{name}/json", deadline)
    if status == http.client.NOT_FOUND:
        others: object = None
        with suppress(EngineFault):
            _, others = _ask(path, "/containers/json?all=1", deadline)
        known = others if isinstance(others, list) else []
        seen = missing(name, [one for one in known if isinstance(one, dict)])
        raise EngineFault(Condition.MISSING, seen)
    if not isinstance(found, dict):
        raise EngineFault(Condition.UNREACHABLE, fact("engine-not-understood"))
    if status >= http.client.BAD_REQUEST:
        raise faults.of_answer(status, text(found, "message"))
    other = text(found, "Name").removeprefix("/")
    if other != name:
        detail = fact("container-of-that-id", name=name, other=other)
        raise EngineFault(Condition.MISSING, detail)
    return found


def _ask(path: str, request: str, deadline: Deadline) -> tuple[int, object]:
    """Return the status of the answer to `request`, and its JSON; raises EngineFault."""
    try:
        with closing(_Connection(path, deadline)) as connection:
            connection.request("GET", request)
            answer = connection.getresponse()
            said = answer.read(LONGEST_ANSWER + 1)
        return answer.status, json.loads(said) if len(said) <= LONGEST_ANSWER else None
    except TimeoutError:
        late = fact("engine-too-slow", socket=path)
        raise EngineFault(Condition.UNREACHABLE, late) from None
    except OSError as error:
        raise faults.of_os_error(error, path) from None
    except (http.client.HTTPException, ValueError, RecursionError):
        raise EngineFault(Condition.UNREACHABLE, fact("engine-not-understood")) from None


class _TimedSocket(socket.socket):
    """Gets what is left of `deadline` as its timeout before every read."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.remaining())
        return super().recv_into(*args, **kwargs)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, deadline: Deadline) -> None:
        super().__init__("docker")
        self._path = path
        self._deadline = deadline

    def connect(self) -> None:
        self.sock = timed = _TimedSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        timed.deadline = self._deadline
        timed.settimeout(self._deadline.remaining())
        timed.connect(self._path)
