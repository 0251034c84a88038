"""One connection to the Docker engine, made when it is first needed, and the SDK with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.record import Record, text

if TYPE_CHECKING:
    from mailwatch.docker.engine import Engine


class Link:
    """Holds an Engine at `socket` from its first use to close(); use it from one thread."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._engine: Engine | None = None

    def engine(self, deadline: Deadline) -> Engine:
        """Return the engine, connected by `deadline` where it was not; raises EngineFault."""
        if self._engine is None:
            _without_setuptools()
            try:
                from mailwatch.docker.engine import Engine
            except ImportError as error:
                raise EngineFault(Condition.UNREACHABLE, fact("no-sdk")) from error
            self._engine = Engine(self._socket, deadline)
        return self._engine

    def container(self, name: str, deadline: Deadline) -> Record | None:
        """Return what the engine knows of the container of exactly this name, None without one.

        The engine finds ids and their starts, too. Raises EngineFault.
        """
        found = self.engine(deadline).container(name, deadline)
        if found is None or text(found, "Name") == f"/{name}":
            return found
        other = text(found, "Name").removeprefix("/")
        detail = fact("container-of-that-id", name=name, other=other)
        raise EngineFault(Condition.MISSING, detail)

    def close(self) -> None:
        """Give the connection back; the next use makes a new one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _without_setuptools() -> None:
    """Let the SDK's `import distutils` find the one of the standard library.

    Setuptools, where it is installed, puts itself before it at Python's start, unless
    SETUPTOOLS_USE_DISTUTILS=stdlib was set by then, as our unit does. For docker 5.0.3 that
    makes 42 MiB of 30, and 210 ms of 80. Python 3.12 has no distutils of its own any more.
    """
    hack = sys.modules.get("_distutils_hack")
    if hack is not None and sys.version_info < (3, 12):
        hack.remove_shim()
