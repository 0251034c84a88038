"""The length of a mail queue: Postfix's (postqueue(1), `-j`: an object of JSON a line), or any.

Another server's is told by a command that prints a number alone, as `exim -bpc` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, problem
from mailwatch.core.keys import Key, Kind, whole
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.host.account import WRITE
from mailwatch.host.ground import Ground
from mailwatch.net.errors import ConversationError
from mailwatch.probes.portless_check import PortlessCheck
from mailwatch.probes.programs import run
from mailwatch.probes.settings import ServiceSettings, options

COMMAND = ("postqueue", "-j")

SHOWQ = Path("/var/spool/postfix/public/showq")
"""Whom postqueue(1) asks; its set-group-ID is lost in the unit (NoNewPrivileges=)."""

_LONGEST_WORDS = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """How long a queue (>= 0) is still well; `command` is run in place of COMMAND."""

    command: tuple[str, ...] = ()
    queue_limit: int = 500


KEYS = (
    Key("command", Kind.COMMAND, None,
        "What to run in place of `postqueue -j`, for example in a container: it prints the same, "
        "or the number of messages alone.", example='["/usr/sbin/exim", "-bpc"]'),
    whole("queue_limit", 500, 0, 100_000,
          "How many messages may wait in the queue. For a Postfix of this host, add the group "
          "`postdrop` to SupplementaryGroups in `systemctl edit mailwatch`."),
)  # fmt: skip


class PostqueueProbe(PortlessCheck):
    """Counts the messages that wait; of a long queue it reads no more than it must."""

    def inquire(self, deadline: Deadline) -> None:
        """Count up to one more than the limit."""
        rules = options(self.settings, Settings)
        limit = rules.queue_limit
        count = _Count(limit)
        complaints = bytearray()

        def complain(data: bytes) -> bool:
            complaints.extend(data[: _LONGEST_WORDS - len(complaints)])
            return True

        code = run(rules.command or COMMAND, deadline, count.take, complain)
        number = count.number if code == 0 else None
        if max(count.messages, number or 0) > limit:
            raise ConversationError.of(Fault.QUEUE, "queue-long", limit=limit)
        if code != 0:
            said = printable(bytes(complaints or count.words).strip(), 160)
            raise ConversationError.of(None, "queue-unlisted", code=code, said=said)
        if number is None and count.said:
            raise ConversationError.of(None, "queue-nonsense", said=printable(count.said, 80))


PROBE = PostqueueProbe


def examine(service: ServiceSettings, ground: Ground) -> Iterator[Diagnosis]:
    """Look whether the service may ask Postfix for its queue, where it is to."""
    if options(service, Settings).command or ground.unit is None or not ground.account.exists:
        return
    try:
        allowed = ground.account.may(SHOWQ, WRITE)
    except OSError:
        return  # no Postfix here, which the check of the services tells
    if allowed is False:
        yield problem("queue-forbidden", user=ground.account.name)


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
