"""Names turned into addresses, without letting a stuck resolver hold up a probe."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.text import printable
from mailwatch.host.job import Job
from mailwatch.net.engine import Steps, Wait
from mailwatch.net.errors import ConversationError, reason_of

SocketAddress: TypeAlias = tuple[Any, ...]
"""What connect() takes: an address and a port, and two numbers more for IPv6 (getaddrinfo(3))."""


@dataclass(frozen=True, slots=True)
class Address:
    """One place to connect to."""

    family: socket.AddressFamily
    where: SocketAddress


Lookup = Callable[[str], list[Address]]


def look_up(host: str) -> list[Address]:
    """Ask the system for every address of `host`, with port 0; blocks for as long as it likes."""
    found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    return [Address(family, where) for family, _, _, _, where in found]


def numeric(host: str, port: int) -> Address | None:
    """Return the address that `host` writes out in digits, or None where it is a name.

    getaddrinfo would know too, but it opens a socket even for digits.
    """
    try:
        if ":" not in host:
            socket.inet_pton(socket.AF_INET, host)
            return Address(socket.AF_INET, (host, port))
        address, _, zone = host.partition("%")
        socket.inet_pton(socket.AF_INET6, address)
        # A link-local address names its interface too (RFC 4007 section 11).
        scope = 0 if not zone else int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    except (OSError, ValueError):
        return None
    return Address(socket.AF_INET6, (address, port, 0, scope))


REMEMBERED_S = 600.0
"""Twice the longest pause between two tries to send a message."""

Found: TypeAlias = list[Address] | Fact
"""Every address of a name, at least one, or why there is none."""


class Resolver:
    """Looks names up in threads of its own, one a name, because getaddrinfo knows no time limit.

    When it hangs, later probes wait for that same thread. What it has found is remembered for
    REMEMBERED_S, for whoever would wait for longer than half of their time: a resolver that is
    always slower than that keeps nobody from connecting for ever.
    """

    def __init__(self, look_up: Lookup = look_up) -> None:
        self._look_up = look_up
        self._lock = threading.Lock()
        self._asked: dict[str, Job[Found]] = {}
        self._known: dict[str, tuple[float, list[Address]]] = {}
        """What was found last, and when on the clock of who asked."""

    def resolve(self, host: str, port: int, deadline: Deadline) -> Steps[list[Address]]:
        """Return every address of `host`, at least one, in the order in which to try them.

        Raises ConversationError, always unmeasured: a broken resolver, or a host without a thread
        to ask it on, is no fault of the service.
        """
        if at_once := numeric(host, port):
            return [at_once]
        job = self._ask(host, deadline)
        known = self._remembered(host, deadline)
        until = (deadline.clock() + deadline.at) / 2 if known else deadline.at
        found: Found | None = known
        if (yield Wait(until, job)):
            found = job.answer
        if found is None:
            raise ConversationError.of(None, "name-late", host=host)
        if isinstance(found, Fact):
            raise ConversationError(None, found)
        return [Address(one.family, (one.where[0], port, *one.where[2:])) for one in found]

    def _ask(self, host: str, deadline: Deadline) -> Job[Found]:
        with self._lock:
            job = self._asked.get(host)
            if job is None or job.is_over:
                job = self._asked[host] = Job(f"resolve {host}", deadline)
                job.start(lambda: self._find(host, deadline.clock), lambda why: why)
            return job

    def _remembered(self, host: str, deadline: Deadline) -> list[Address] | None:
        found_at, known = self._known.get(host, (0.0, None))
        return known if deadline.clock() - found_at <= REMEMBERED_S else None

    def _find(self, host: str, clock: Clock) -> Found:
        try:
            if not (found := self._look_up(host)):
                return fact("name-without-address", host=host)
        except socket.gaierror as error:
            why = printable(error.strerror) if error.strerror else fact("gaierror-unnamed")
            return fact("name-unresolved", host=host, why=why)
        except OSError as error:
            return fact("name-broke", host=host, why=reason_of(error))
        except UnicodeError:
            return fact("name-impossible", host=host)
        self._known[host] = clock(), found
        return found


RESOLVER = Resolver()
"""The one that all probes share, so that a name is asked for once however many need it."""
