"""The length of a mail queue: Postfix's (postqueue(1), `-j`: an object of JSON a line), or any.

Another server's is told by a command that prints a number alone, as `exim -bpc` does.
"""

from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.errors import ConversationError
from mailwatch.probes.portless_check import PortlessCheck
from mailwatch.probes.programs import run

COMMAND = ("postqueue", "-j")

_LONGEST_WORDS = 4096


class PostqueueProbe(PortlessCheck):
    """Counts the messages that wait; of a long queue it reads no more than it must."""

    def inquire(self, deadline: Deadline) -> None:
        """Count up to one more than the limit."""
        limit = self.settings.queue_limit
        count = _Count(limit)
        code = run(self.settings.command or COMMAND, deadline, count.take)
        number = count.number if code == 0 else None
        if max(count.messages, number or 0) > limit:
            raise ConversationError(Fault.QUEUE, fact("queue-long", limit=limit))
        if code != 0:
            said = printable(bytes(count.words).strip(), 160)
            raise ConversationError(None, fact("queue-unlisted", code=code, said=said))
        if number is None and count.said:
            said = printable(count.said, 80)
            raise ConversationError(None, fact("queue-nonsense", said=said))


class _Count:
    """Counts the lines that begin an object, across any cuts, and keeps a few other words."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fresh = True
        self.messages = 0
        self.words = bytearray()

    @property
    def said(self) -> bytes:
        """What came before any message and is no warning, which Postfix prints among them."""
        lines = bytes(self.words).splitlines()
        return b"\n".join(line for line in lines if b" warning: " not in line).strip()

    @property
    def number(self) -> int | None:
        """The number that was said in place of messages, None where none was."""
        return int(self.said) if self.said.isdigit() and len(self.said) < 10 else None

    def take(self, data: bytes) -> bool:
        """Count what `data` brings; False once there are more than the limit."""
        for line in data.splitlines(keepends=True):
            if self._fresh and line.startswith(b"{"):
                self.messages += 1
            elif not self.messages:
                self.words.extend(line[: _LONGEST_WORDS - len(self.words)])
            self._fresh = line.endswith(b"\n")
        return self.messages <= self._limit
