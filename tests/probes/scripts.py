"""Scripts of servers that several tests play."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Script


def in_turn(*said: str) -> Script:
    """Return a server that sends its answers in turn, one for the connection and each line.

    An answer of several lines has line feeds between them.
    """

    def script(link: Link) -> None:
        for answer in said:
            link.say(*answer.split("\n"))
            if not link.hear():
                return
        link.hear_end()

    return script
