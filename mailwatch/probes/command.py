"""A command of the admin's: its exit code says how things are (monitoring plugins' guidelines)."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Value, fact
from mailwatch.core.keys import Key, Kind
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.errors import ConversationError
from mailwatch.probes.portless_check import PortlessCheck
from mailwatch.probes.programs import run
from mailwatch.probes.settings import options

_HEARD = 4096
"""Bytes of its output that are looked at; the first line says what matters."""

_BAD = (1, 2)
"""Warning and critical. Any other code, such as 3 for unknown, says nothing about the service."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`command` is the program with its arguments; it is run without a shell."""

    command: tuple[str, ...] = ()


KEYS = (
    Key("command", Kind.COMMAND, None,
        "Program and its arguments. As monitoring plugins do, it ends with 0 where all is well; 1 "
        "and 2 are failures; any other code, and no end within `attempt_timeout_s`, says nothing "
        "about the service. By default a failure restarts nothing.\nIt is run without a shell, as "
        "the user of the service and in its sandbox.",
        required=True, example='["/usr/local/bin/is-it-well"]'),
)  # fmt: skip


class CommandProbe(PortlessCheck):
    """Runs a program; 0 is well, 1 and 2 are not, and all else is not known."""

    def inquire(self, deadline: Deadline) -> None:
        """Run it to its end."""
        heard = bytearray()

        def take(data: bytes) -> bool:
            heard.extend(data[: _HEARD - len(heard)])
            return True

        command = options(self.settings, Settings).command
        code = run(command, deadline, take)
        if code == 0:
            return
        # What follows a | is performance data.
        first = bytes(heard).lstrip().partition(b"\n")[0].partition(b"|")[0].strip()
        name = printable(command[0].rpartition("/")[2])
        told = "program-ended-saying" if first else "program-ended"
        said = {"said": printable(first)} if first else {}
        fault = Fault.COMMAND if code in _BAD else None
        raise ConversationError.of(fault, told, program=name, code=_told(code), **said)


PROBE = CommandProbe


def _told(code: int | None) -> Value:
    if code is None or code >= 0:
        return code
    try:
        return fact("signal", name=signal.Signals(-code).name)
    except ValueError:
        return fact("signal", name=-code)
