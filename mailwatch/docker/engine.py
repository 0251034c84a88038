"""The Docker engine at one socket, asked through the official SDK, each question ending on time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.record import Record, text

if TYPE_CHECKING:
    from mailwatch.docker.transport import Client

_MOST_EVENTS = 1000
"""More than the 256 that an engine keeps (moby, daemon/events)."""


class Engine:
    """Connects with the first question, and anew after a fault; use it from one thread.

    Every method takes the Deadline by which it ends, and raises EngineFault alone.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._client: Client | None = None
        self._deadline: Deadline | None = None
        """Of whatever is asked at the moment."""

    def close(self) -> None:
        """Give the connection back; the next question makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close()

    def container(self, name: str, deadline: Deadline) -> Record | None:
        """Return what the engine knows of the container of exactly this name, None without one.

        The engine finds ids and their starts, too.
        """
        with self._asking(deadline) as client, suppress(client.not_found):
            found = client.inspect_container(name)
            if not isinstance(found, dict):
                raise TypeError("not an object")
            other = text(found, "Name").removeprefix("/")
            if other != name:
                detail = fact("container-of-that-id", name=name, other=other)
                raise EngineFault(Condition.MISSING, detail)
            return found
        return None

    def versions(self, deadline: Deadline) -> dict[str, str]:
        """Return the versions of the `engine`, of the `sdk`, and of the `api` in use."""
        with self._asking(deadline) as client:
            engine = str(client.version(api_version=False)["Version"])
            return {"engine": engine, "sdk": client.sdk_version, "api": str(client.api_version)}

    def names(self, deadline: Deadline) -> list[str]:
        """Return the names of all containers, running or not."""
        with self._asking(deadline) as client:
            return [
                str(name).removeprefix("/")
                for container in client.containers(all=True)
                for name in container["Names"]
                if "/" not in str(name).removeprefix("/")  # that is a link, not a name
            ]

    def log(self, identity: str, since: int, lines: int, deadline: Deadline) -> bytes:
        """Return the last `lines` that a container wrote since `since`, each with its time.

        `since` is in seconds since 1970 on the engine's clock. The engine keeps no line of more
        than 16 KiB in one piece.
        """
        with self._asking(deadline) as client:
            written = client.logs(identity, since=since, tail=lines, timestamps=True)
            if not isinstance(written, bytes):
                raise TypeError("not bytes")
            return written

    def top(self, identity: str, arguments: str, deadline: Deadline) -> list[list[str]]:
        """Return the rows of ps(1) with `arguments`, which must show the pid."""
        with self._asking(deadline) as client:
            found = client.top(identity, ps_args=arguments)
            return [list(map(str, row)) for row in found["Processes"] or []]

    def events(
        self, identity: str, since: float, until: float, deadline: Deadline
    ) -> list[Mapping[str, Any]]:
        """Return what the engine still remembers of one container's start and end, in order.

        `since` and `until` are in seconds since 1970 on the engine's clock; if `until` is not
        over yet, this waits for it.
        """
        with self._asking(deadline) as client:
            # The SDK hands on what it gets, but makes whole seconds of a datetime.
            stream = client.events(
                since=cast("Any", f"{since:.6f}"),
                until=cast("Any", f"{until:.6f}"),
                filters={"container": identity, "event": ["start", "kill", "stop", "die"]},
                decode=True,
            )
            try:
                return [event for event in islice(stream, _MOST_EVENTS) if isinstance(event, dict)]
            finally:
                stream.close()

    def restart(self, identity: str, stop_timeout_s: int, deadline: Deadline) -> bool:
        """Restart a container, giving it `stop_timeout_s` to end; return False if it is gone."""
        with self._asking(deadline) as client, suppress(client.not_found):
            client.restart(identity, timeout=stop_timeout_s)
            return True
        return False

    def start(self, identity: str, deadline: Deadline) -> None:
        """Start a container that is stopped, if it is not gone."""
        with self._asking(deadline) as client, suppress(client.not_found):
            client.start(identity)

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[Client]:
        _without_setuptools()
        try:
            from mailwatch.docker.transport import connect, fault_of
        except ImportError as error:
            raise EngineFault(Condition.UNREACHABLE, fact("no-sdk")) from error
        self._deadline = deadline
        try:
            deadline.remaining()
            if self._client is None:
                self._client = connect(self._socket, self._remaining)
            yield self._client
        except EngineFault:
            raise
        except Exception as error:
            self.close()
            raise fault_of(error, self._socket) from error

    def _remaining(self) -> float:
        assert self._deadline is not None
        return self._deadline.remaining()


def _without_setuptools() -> None:
    """Let the SDK's `import distutils` find the one of the standard library.

    Setuptools, where it is installed, puts itself before it at Python's start, unless
    SETUPTOOLS_USE_DISTUTILS=stdlib was set by then, as our unit does. For docker 5.0.3 that
    makes 42 MiB of 30, and 210 ms of 80. Python 3.12 has no distutils of its own any more.
    """
    hack = sys.modules.get("_distutils_hack")
    if hack is not None and sys.version_info < (3, 12):
        hack.remove_shim()
