"""The one error a conversation raises, and which errors of the system are whose fault."""

from __future__ import annotations

import errno
import os
from typing import Self

from mailwatch.core.facts import Fact, Value, fact
from mailwatch.core.model import Fault
from mailwatch.core.say import say
from mailwatch.host.limits import limit_of


class ConversationError(Exception):
    """The conversation ended early.

    `fault` says in what way the service failed; None says that we could not look, which is no
    fault of the service. `detail` says what was awaited, and what came; the peer's words in it
    (`said`) are printable. `code` is the peer's own, such as 450, and 0 where it gave none.
    """

    def __init__(self, fault: Fault | None, detail: Fact, code: int = 0) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.code = code

    @classmethod
    def of(cls, fault: Fault | None, told: str, /, **args: Value) -> Self:
        """Return one whose detail is the fact `told` with `args`."""
        return cls(fault, fact(told, **args))

    def __str__(self) -> str:
        return say(self.detail)


class SaidNo(ConversationError):
    """The peer answered by the rules, but not what was hoped for; it is still there to leave."""


_FAULT_OF = {
    errno.ECONNREFUSED: Fault.REFUSED,
    errno.ETIMEDOUT: Fault.TIMEOUT,
    errno.ECONNRESET: Fault.RESET,
    errno.ECONNABORTED: Fault.RESET,
    errno.EPIPE: Fault.RESET,
}
"""What the peer did, by the error number; any other, as those below, says nothing about it."""

_CURE_OF = {
    errno.EMFILE: "raise-limit-nofile",
    errno.ENFILE: "raise-file-max",
    errno.EADDRNOTAVAIL: "no-free-port",
    errno.ENETUNREACH: "no-route",
    errno.EHOSTUNREACH: "no-route",
    errno.EACCES: "rule-forbids",
    errno.EPERM: "firewall-forbids",
    errno.ENOBUFS: "no-network-buffers",
    errno.ENOMEM: "no-memory",
    errno.EAFNOSUPPORT: "address-kind-unknown",
}
"""The code of what is wrong with this host, or what to do about it."""


def fault_of(error: OSError) -> Fault | None:
    """Return the fault of the service that `error` shows, or None where it is our own."""
    return _FAULT_OF.get(error.errno or 0)


def reason_of(error: OSError) -> Fact:
    """Return what `error` means and, where that is known, what to do about it."""
    number = error.errno or 0
    what = os.strerror(number).lower() if number else type(error).__name__
    if cure := _CURE_OF.get(number):
        return fact("system-error-cured", error=what, cure=fact(cure))
    return fact("system-error", error=what)


def bug(error: BaseException) -> ConversationError:
    """Return what a fault of ours is, or what this host lacks: neither is one of the service.

    It tells the type alone: the text of an unforeseen exception may hold anything.
    """
    if limit := limit_of(error):
        return ConversationError(None, limit)
    return ConversationError.of(None, "check-bug", exception=type(error).__name__)


def dropped() -> ConversationError:
    """Return what an end before the first word is."""
    return ConversationError.of(Fault.DROPPED, "peer-dropped")


def not_connected(where: tuple[str | int, ...], error: OSError) -> ConversationError:
    """Return what `error` means for a connection to the address and port that begin `where`."""
    at = {"address": where[0], "port": where[1]}
    fault = fault_of(error)
    if fault is Fault.REFUSED:
        return ConversationError.of(fault, "port-refused", **at)
    if fault is Fault.TIMEOUT:
        return ConversationError.of(fault, "not-accepted", **at)
    if fault is Fault.RESET:  # only what was accepted can be: else it is refused
        return dropped()
    return ConversationError.of(fault, "not-connected", why=reason_of(error), **at)
