"""The neutral control: where a service says no word, do we at least hear ourselves?

A port that kept silent, refused or broke off may be the work of the mail server, or of a host that
gives us no processor, or of a filter on loopback. So after a round with such a port, and only then,
mailwatch holds one more conversation, with a listener of its own.

When it fails, this process could have heard nobody, so the silence is unmeasured. When it succeeds,
this process can make sockets, start a thread, connect, and be scheduled within one attempt's time;
what lies beyond loopback it has not tried. A word from a service does not stand in for it, as
it may have come before the fault of this host began; nor is one that succeeds after one that failed
enough, as the fault may have ended since the ports were asked.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import GREETING
from mailwatch.net.endpoint import Endpoint
from mailwatch.net.engine import Steps, run
from mailwatch.net.errors import ConversationError, reason_of

_WORDLESS = frozenset({Fault.REFUSED, Fault.TIMEOUT, Fault.SILENT, Fault.DROPPED, Fault.RESET})
"""What also a firewall of this host brings about: nobody need have spoken for it."""

_GREETING = b"220 mailwatch speaks to itself\r\n"
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Control:
    """Sifts one round after the other; it remembers whether the one before heard anything."""

    def __init__(self) -> None:
        self._was_deaf = False

    def sift(self, readings: Sequence[Reading], deadline: Deadline) -> tuple[Reading, ...]:
        """Return the `readings` of a round, with a silence that may be our own fault unmeasured.

        Costs 1 ms if all is well, and ends by `deadline`; raises nothing.
        """
        trouble = hear_ourselves(deadline) if is_called_for(readings) else NOTHING
        return self.disown(readings, trouble)

    def disown(self, readings: Sequence[Reading], trouble: Fact) -> tuple[Reading, ...]:
        """Return `readings` as sift() does where the control failed for `trouble`, or did not."""
        was_deaf, self._was_deaf = self._was_deaf, bool(trouble)
        if not trouble and not was_deaf:
            return tuple(readings)
        detail = fact("host-deaf", why=trouble) if trouble else fact("host-was-deaf")
        return tuple(
            replace(one, verdict=Verdict.UNMEASURED, fault=None, detail=detail)
            if _is_wordless(one)
            else one
            for one in readings
        )


def is_called_for(readings: Sequence[Reading]) -> bool:
    """Whether at least one port failed without a word."""
    return any(_is_wordless(reading) for reading in readings)


def _is_wordless(reading: Reading) -> bool:
    return reading.fault in _WORDLESS and not reading.portless


def hear_ourselves(deadline: Deadline) -> Fact:
    """Speak with a listener of our own on loopback; return what went wrong, if anything."""
    try:
        listener = _listen()
    except OSError as error:
        return fact("no-listener", why=reason_of(error))
    with listener:
        host, port, *_ = listener.getsockname()
        talk = Conversation(Endpoint("control", str(host), int(port)), deadline)
        try:
            run(_converse(talk, listener), deadline.clock)
        except ConversationError as error:
            return error.detail
        finally:
            talk.close()
    return NOTHING


def _converse(talk: Conversation, listener: socket.socket) -> Steps[None]:
    yield from talk.open()
    _greet(listener)
    yield from talk.line(GREETING)
    yield from talk.part()


def _listen() -> socket.socket:
    """Return a listener on the first kind of loopback that this host has."""
    failure = OSError()
    for family, address in _LOOPBACKS:
        try:
            return socket.create_server((address, 0), family=family, backlog=1)
        except OSError as error:
            failure = error
    raise failure


def _greet(listener: socket.socket) -> None:
    with suppress(OSError):
        link, _ = listener.accept()  # it has come: the connection is open
        with link:
            link.sendall(_GREETING)
