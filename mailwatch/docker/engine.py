"""The Docker engine at one socket, asked through the official SDK, each question ending on time.

This is the one module that imports the SDK, and importing it costs a tenth of a second and some
12 MiB: import it when there is something to ask.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, cast

import docker
import docker.errors
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool
from requests.exceptions import RequestException

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker import faults
from mailwatch.docker.faults import EngineFault

_ANY_VERSION = "1.41"
"""Only /version is asked with it, whose path has no version in it."""

_MOST_EVENTS = 1000
"""More than the 256 that an engine keeps (moby, daemon/events)."""


class _TimedSocket(socket.socket):
    """A socket that gets what is left of the engine's deadline as its timeout for every read.

    The timeouts of requests start anew with each read, so an engine that drips one byte a
    second would never end.
    """

    limit: Callable[[], float]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limit())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.limit())
        super().sendall(*args, **kwargs)


class _Connection(UnixHTTPConnection):
    limit: Callable[[], float]

    def connect(self) -> None:
        timed = _TimedSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        timed.limit = self.limit
        try:
            timed.settimeout(self.limit())
            timed.connect(self.unix_socket)
        except BaseException:
            timed.close()
            raise
        self.sock = timed


class _Pool(UnixHTTPConnectionPool):
    limit: Callable[[], float]

    def _new_conn(self) -> Any:  # urllib3's own type for it is a protocol that docker's misses
        connection = _Connection(self.base_url, self.socket_path)
        connection.limit = self.limit
        return connection


class _Adapter(UnixHTTPAdapter):
    def __init__(self, path: str, limit: Callable[[], float]) -> None:
        super().__init__(f"http+unix://{path}")
        self._pool = _Pool("localhost", path)
        self._pool.limit = limit

    def get_connection(self, url: bytes | str, proxies: object = None) -> _Pool:
        return self._pool

    def close(self) -> None:
        super().close()
        self._pool.close()


class Engine:
    """One connection to the engine; use it from one thread, and throw it away after an error.

    Every method takes the Deadline by which it ends, and raises EngineFault alone.
    """

    sdk_version: str = docker.__version__

    def __init__(self, path: str, deadline: Deadline) -> None:
        """Connect to the socket at `path` and agree on the newest API that both sides know."""
        self._path = path
        self._deadline = deadline
        with self._asking(deadline):
            first = self._client(_ANY_VERSION)
            try:
                version = first.version(api_version=False)["ApiVersion"]
            finally:
                first.close()
            self._api = self._client(str(version))

    def close(self) -> None:
        """Give the connection back."""
        with suppress(Exception):
            self._api.close()

    def container(self, name: str, deadline: Deadline) -> Mapping[str, Any] | None:
        """Return what the engine knows of `name`, or None if it knows nothing of that name."""
        with self._asking(deadline), suppress(docker.errors.NotFound):
            found = self._api.inspect_container(name)
            if not isinstance(found, dict):
                raise TypeError("not an object")
            return found
        return None

    def versions(self, deadline: Deadline) -> dict[str, str]:
        """Return the versions of the engine (`engine`) and of the API in use (`api`)."""
        with self._asking(deadline):
            found = self._api.version(api_version=False)
            return {"engine": str(found["Version"]), "api": str(self._api.api_version)}

    def names(self, deadline: Deadline) -> list[str]:
        """Return the names of all containers, running or not."""
        with self._asking(deadline):
            return [
                str(name).removeprefix("/")
                for container in self._api.containers(all=True)
                for name in container["Names"]
                if "/" not in str(name).removeprefix("/")  # that is a link, not a name
            ]

    def log(self, identity: str, since: int, lines: int, deadline: Deadline) -> bytes:
        """Return the last `lines` that a container wrote since `since`, each with its time.

        `since` is in seconds since 1970 on the engine's clock. The engine keeps no line of more
        than 16 KiB in one piece.
        """
        with self._asking(deadline):
            written = self._api.logs(identity, since=since, tail=lines, timestamps=True)
            if not isinstance(written, bytes):
                raise TypeError("not bytes")
            return written

    def top(self, identity: str, arguments: str, deadline: Deadline) -> list[list[str]]:
        """Return the rows of ps(1) with `arguments`, which must show the pid."""
        with self._asking(deadline):
            found = self._api.top(identity, ps_args=arguments)
            return [list(map(str, row)) for row in found["Processes"] or []]

    def events(
        self, identity: str, since: float, until: float, deadline: Deadline
    ) -> list[Mapping[str, Any]]:
        """Return what the engine still remembers of one container's start and end, in order.

        `since` and `until` are in seconds since 1970 on the engine's clock; if `until` is not
        over yet, this waits for it.
        """
        with self._asking(deadline):
            # The SDK hands on what it gets, but makes whole seconds of a datetime.
            stream = self._api.events(
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
        with self._asking(deadline), suppress(docker.errors.NotFound):
            self._api.restart(identity, timeout=stop_timeout_s)
            return True
        return False

    def start(self, identity: str, deadline: Deadline) -> bool:
        """Start a container that is stopped; return False if it is gone."""
        with self._asking(deadline), suppress(docker.errors.NotFound):
            self._api.start(identity)
            return True
        return False

    def _client(self, version: str) -> docker.APIClient:
        client = docker.APIClient(base_url=f"unix://{self._path}", version=version)
        # Neither proxies nor ~/.netrc have a say on a Unix socket.
        client.trust_env = False
        client.mount("http+docker://", _Adapter(self._path, self._remaining))
        return client

    def _remaining(self) -> float:
        return self._deadline.remaining()  # of whatever is asked at the moment

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[None]:
        self._deadline = deadline
        try:
            deadline.remaining()
            yield
        except docker.errors.APIError as error:
            status = getattr(error.response, "status_code", None) or 500
            raise faults.of_answer(status, str(error.explanation or error)) from error
        except Exception as error:  # three SDKs raise all kinds, also AttributeError
            raise self._fault(error) from error

    def _fault(self, error: BaseException | None) -> EngineFault:
        """Return what lies at the bottom of an exception of docker, requests or urllib3."""
        while error is not None:
            if isinstance(error, TimeoutError):
                late = fact("engine-too-slow", socket=self._path)
                return EngineFault(Condition.UNREACHABLE, late, undecided=True)
            if isinstance(error, OSError) and not isinstance(error, RequestException):
                return faults.of_os_error(error, self._path)
            error = error.__cause__ or error.__context__
        return EngineFault(Condition.UNREACHABLE, fact("engine-not-understood"), undecided=True)
