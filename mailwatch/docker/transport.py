"""The official SDK's client at a Unix socket, made to end on time, and what its errors mean.

This is the one module that imports the SDK, and importing it costs a tenth of a second and some
12 MiB: import it when there is something to ask.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import docker
import docker.errors
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool
from requests.exceptions import RequestException

from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker import faults
from mailwatch.docker.faults import EngineFault

_ANY_VERSION = "1.41"
"""Only /version is asked with it, whose path has no version in it."""


class _TimedSocket(socket.socket):
    """A socket whose every read gets what is left of the deadline.

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


class Client(docker.APIClient):
    """The SDK's client; every read and write of it ends after the seconds that `limit` returns."""

    sdk_version = docker.__version__
    not_found = docker.errors.NotFound

    def __init__(self, path: str, version: str, limit: Callable[[], float]) -> None:
        super().__init__(base_url=f"unix://{path}", version=version)
        # Neither proxies nor ~/.netrc have a say on a Unix socket.
        self.trust_env = False
        self.mount("http+docker://", _Adapter(path, limit))


def connect(path: str, limit: Callable[[], float]) -> Client:
    """Connect to the socket at `path` and agree on the newest API that both sides know."""
    first = Client(path, _ANY_VERSION, limit)
    try:
        version = first.version(api_version=False)["ApiVersion"]
    finally:
        first.close()
    return Client(path, str(version), limit)


def fault_of(error: BaseException | None, path: str) -> EngineFault:
    """Return what lies at the bottom of an exception of docker, requests or urllib3.

    The SDKs of three releases raise all kinds, also AttributeError.
    """
    if isinstance(error, docker.errors.APIError):
        status = getattr(error.response, "status_code", None) or 500
        return faults.of_answer(status, str(error.explanation or error))
    while error is not None:
        if isinstance(error, TimeoutError):
            late = fact("engine-too-slow", socket=path)
            return EngineFault(Condition.UNREACHABLE, late, undecided=True)
        if isinstance(error, OSError) and not isinstance(error, RequestException):
            return faults.of_os_error(error, path)
        error = error.__cause__ or error.__context__
    return EngineFault(Condition.UNREACHABLE, fact("engine-not-understood"), undecided=True)
