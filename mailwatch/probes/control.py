"""The neutral control: where no service says a word, do we at least hear ourselves?

A round in which every port kept silent, refused or broke off may be the work of the mail server,
or of a host that gives us no processor, or of a filter that swallows or rejects all that goes
through loopback. So after such a round, and only then, mailwatch holds one more conversation, with
a listener of its own.

What it proves: when it fails, this process could not have heard anybody at this moment, so the
round says nothing about the services, and is unmeasured. When it succeeds, this process can make
sockets, start a thread, connect, and be scheduled twice within one attempt's time; what lies
beyond loopback, Docker's forwarding or the route to another host, it has not tried. A word from
any service, right or wrong, needs no control: we have heard it.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mailwatch import threads
from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.text import printable
from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import ConversationError, words_for
from mailwatch.probes.settings import ServiceSettings
from mailwatch.probes.workers import WORKERS

_WORDLESS = frozenset({Fault.REFUSED, Fault.TIMEOUT, Fault.SILENT, Fault.DROPPED, Fault.RESET})
"""What also a firewall of this host brings about: nobody need have spoken for it."""

_GREETING = b"220 mailwatch speaks to itself\r\n"
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def is_called_for(readings: Sequence[Reading]) -> bool:
    """Whether at least one port failed without a word, and none did anything else."""
    measured = [r for r in readings if r.verdict is not Verdict.UNMEASURED and not r.portless]
    return bool(measured) and all(reading.fault in _WORDLESS for reading in measured)


def sift(readings: Sequence[Reading], deadline: Deadline) -> tuple[Reading, ...]:
    """Return `readings` as they are, or all of them unmeasured where the fault is our own.

    Costs 1 ms where all is well, and ends by `deadline`; raises nothing.
    """
    trouble = hear_ourselves(deadline) if is_called_for(readings) else ""
    return disown(readings, trouble) if trouble else tuple(readings)


def disown(readings: Sequence[Reading], trouble: str) -> tuple[Reading, ...]:
    """Return `readings` unmeasured, for `trouble` of our own; what asked no port stays."""
    return tuple(
        reading
        if reading.verdict is Verdict.UNMEASURED or reading.portless
        else replace(reading, verdict=Verdict.UNMEASURED, fault=None, detail=_detail(trouble))
        for reading in readings
    )


def hear_ourselves(deadline: Deadline) -> str:
    """Speak with a listener of our own on loopback; return what went wrong, empty for nothing."""
    try:
        listener = _listen()
    except OSError as error:
        return f"no listener could be made ({words_for(error)})"
    with listener:
        where = listener.getsockname()
        settings = ServiceSettings("control", str(where[0]), int(where[1]))
        talk = Conversation(settings, deadline)
        try:
            WORKERS.run(lambda: _greet(listener, deadline))
            talk.open()
            talk.read_line("the greeting")
            talk.part()
        except ConversationError as error:
            return error.detail
        except RuntimeError:
            return threads.NO_THREAD
        finally:
            talk.close()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes a greeter that nobody came to
    return ""


def _listen() -> socket.socket:
    """Return a listener on the first kind of loopback that this host has."""
    failure = OSError()
    for family, address in _LOOPBACKS:
        try:
            return socket.create_server((address, 0), family=family, backlog=1)
        except OSError as error:
            failure = error
    raise failure


def _greet(listener: socket.socket, deadline: Deadline) -> None:
    with suppress(OSError, DeadlineExpired):
        listener.settimeout(deadline.remaining())
        link, _ = listener.accept()
        with link:
            link.settimeout(deadline.remaining())
            link.sendall(_GREETING)
            link.recv(1)


def _detail(trouble: str) -> str:
    return printable(
        "a fault of this host: no service answered, and neither did a listener of mailwatch's "
        f"own on loopback ({trouble})",
        limit=300,
    )
