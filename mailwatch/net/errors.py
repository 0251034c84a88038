"""The one error a conversation raises, and which errors of the system are whose fault."""

from __future__ import annotations

import errno
import os

from mailwatch.core.model import Fault
from mailwatch.core.text import printable


class ConversationError(Exception):
    """The conversation ended early.

    `fault` says in what way the service failed; None says that we could not look, which is no
    fault of the service. `detail` is one printable line. `code` is the peer's own, such as 450,
    and 0 where it gave none.
    """

    def __init__(self, fault: Fault | None, detail: str, code: int = 0) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = printable(detail, limit=300)
        self.code = code


class SaidNo(ConversationError):
    """The peer answered by the rules, but not what was hoped for; it is still there to leave."""


_FAULT_OF = {
    errno.ECONNREFUSED: Fault.REFUSED,
    errno.ETIMEDOUT: Fault.TIMEOUT,
    errno.ECONNRESET: Fault.RESET,
    errno.ECONNABORTED: Fault.RESET,
    errno.EPIPE: Fault.RESET,
}
"""What the peer did, by the error number; every other error is of our own side's making.

No route, no permission, no free descriptor, port or memory (ENETUNREACH, EHOSTUNREACH, EACCES,
EPERM, EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM) say nothing about the service.
"""

_CURE_OF = {
    errno.EMFILE: "raise LimitNOFILE of the mailwatch unit",
    errno.ENFILE: "this host has too many files open; raise fs.file-max",
    errno.EADDRNOTAVAIL: "this host has no address or no free port to connect from",
    errno.ENETUNREACH: "this host has no route there",
    errno.EHOSTUNREACH: "this host has no route there",
    errno.EACCES: "a rule on this host forbids the connection",
    errno.EPERM: "a firewall rule on this host forbids the connection",
    errno.ENOBUFS: "this host is out of network buffers",
    errno.ENOMEM: "this host is out of memory",
    errno.EAFNOSUPPORT: "this host does not speak that kind of address",
}


def fault_of(error: OSError) -> Fault | None:
    """Return the fault of the service that `error` shows, or None where it is our own."""
    return _FAULT_OF.get(error.errno or 0)


def words_for(error: OSError) -> str:
    """Return what `error` means and, where that is known, what to do about it."""
    number = error.errno or 0
    what = os.strerror(number).lower() if number else type(error).__name__
    cure = _CURE_OF.get(number)
    return f"{what}: {cure}" if cure else what
