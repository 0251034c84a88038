"""One Docker container by its name, asked for through the official SDK, each question on time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition
from mailwatch.docker.activation import is_stopped
from mailwatch.docker.faults import EngineFault, stopped
from mailwatch.docker.neighbours import missing
from mailwatch.docker.record import Record, text

if TYPE_CHECKING:
    from mailwatch.docker.transport import Client

MOST_LINES = 400
_MOST_EVENTS = 1000
"""More than the 256 that an engine keeps (moby, daemon/events)."""

_GONE = "No such container: "
_COLUMNS = ("pid", "ppid", "stat", "etimes", "rss", "wchan", "comm")
"""No arguments of processes: they are where passwords are found."""


class Container:
    """Connects to the engine with the first question, and anew after a fault; for one thread.

    Every method takes the Deadline by which it ends, and raises EngineFault alone.
    """

    def __init__(self, socket: str, name: str) -> None:
        self._socket = socket
        self._name = name
        self._client: Client | None = None
        self._deadline: Deadline | None = None
        """Of whatever is asked at the moment."""

    def close(self) -> None:
        """Give the connection back; the next question makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close()

    def container(self, deadline: Deadline) -> Record:
        """Return what `docker inspect` shows; the engine finds ids, too, which are refused."""
        with self._asking(deadline) as client, suppress(client.not_found):
            found = client.inspect_container(self._name)
            if not isinstance(found, dict):
                raise TypeError("not an object")
            other = text(found, "Name").removeprefix("/")
            if other != self._name:
                detail = fact("container-of-that-id", name=self._name, other=other)
                raise EngineFault(Condition.MISSING, detail)
            return found
        raise EngineFault(Condition.MISSING, self._missing(deadline))

    def all(self, deadline: Deadline) -> list[Record]:
        """Return a summary of every container of the engine, as `docker ps --all` shows them."""
        with self._asking(deadline) as client:
            return [one for one in client.containers(all=True) if isinstance(one, dict)]

    def versions(self, deadline: Deadline) -> dict[str, str]:
        """Return the versions of the `engine`, of the `sdk`, and of the `api` in use."""
        with self._asking(deadline) as client:
            engine = str(client.version(api_version=False)["Version"])
            return {"engine": engine, "sdk": client.sdk_version, "api": str(client.api_version)}

    def log(self, since: float, deadline: Deadline) -> bytes:
        """Return at most MOST_LINES that were written since `since`, each with its time.

        `since` is in seconds since 1970 on the engine's clock. The engine keeps no line of more
        than 16 KiB in one piece.
        """
        moment = max(1, int(since))  # the SDK takes 0 for a mistake
        with self._asking(deadline) as client:
            written = client.logs(self._name, since=moment, tail=MOST_LINES, timestamps=True)
            if not isinstance(written, bytes):
                raise TypeError("not bytes")
            return written

    def processes(self, deadline: Deadline) -> list[Mapping[str, str]]:
        """Return the processes with the columns of ps(1) that _COLUMNS names."""
        columns = ",".join(_COLUMNS).replace("wchan", "wchan:32")
        with self._asking(deadline) as client:
            found = client.top(self._name, ps_args=f"-eo {columns}")
            return [
                dict(zip(_COLUMNS, map(str, row), strict=False)) for row in found["Processes"] or []
            ]

    def events(
        self, identity: str | None, since: float, until: float, deadline: Deadline
    ) -> list[Mapping[str, Any]]:
        """Return what the engine still remembers of starts and ends of `identity`, in order.

        With None it is of all containers, for one that is gone or renamed has no identity any
        more; removals and new names are among it. `since` and `until` are in seconds since 1970
        on the engine's clock; if `until` is not over yet, this waits for it.
        """
        filters: dict[str, Any] = {"event": ["start", "kill", "stop", "die"]}
        if identity is None:
            filters = {"type": "container", "event": [*filters["event"], "destroy", "rename"]}
        else:
            filters["container"] = identity
        with self._asking(deadline) as client:
            # The SDK hands on what it gets, but makes whole seconds of a datetime.
            stream = client.events(
                since=cast("Any", f"{since:.6f}"),
                until=cast("Any", f"{until:.6f}"),
                filters=filters,
                decode=True,
            )
            try:
                return [event for event in islice(stream, _MOST_EVENTS) if isinstance(event, dict)]
            finally:
                stream.close()

    def restart(self, identity: str, stop_timeout_s: int, deadline: Deadline) -> bool:
        """Restart `identity`, giving it `stop_timeout_s` to end.

        Return False if it is gone, or the container whose network it shares.
        """
        try:
            with self._asking(deadline) as client, suppress(client.not_found):
                client.restart(identity, timeout=stop_timeout_s)
                return True
        except EngineFault as fault:
            # Docker 20.10 makes a 500 of what it was told of the other one.
            if _GONE not in str(fault.reason.get("said")):
                raise
        return False

    def start(self, identity: str, deadline: Deadline) -> None:
        """Start `identity`, which is stopped, if it is not gone."""
        with self._asking(deadline) as client, suppress(client.not_found):
            client.start(identity)

    def _missing(self, deadline: Deadline) -> Fact:
        """Return that there is no container of this name, and which names are near."""
        others: list[Record] = []
        with suppress(EngineFault):
            others = self.all(deadline)
        return missing(self._name, others)

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[Client]:
        _without_setuptools()
        try:
            from mailwatch.docker.transport import connect, fault_of
        except ImportError as error:
            raise EngineFault(Condition.UNREACHABLE, fact("no-sdk")) from error
        self._deadline = deadline
        if is_stopped(self._socket, deadline):
            self.close()
            raise stopped(self._socket)
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
