"""A copy of the memory in the runtime directory, for as long as the disk does not take it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mailwatch.core.codec import moved
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident
from mailwatch.store.base import Memory
from mailwatch.store.boot import Boot, end_of, shift_s
from mailwatch.store.documents import dump, load

NAME = "memory.json"

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is not ours."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The memory at one moment."""

    memory: Memory
    number: int
    """That of the work that the disk has not done yet, see `writer.Work`."""
    knows: bool
    """Whether `memory` has taken in what the state file held at the start."""
    boot: Boot
    closed: tuple[Incident, ...] = ()
    ended: tuple[QueuedMessage, ...] = ()
    """What memory has let go of, and the disk has not taken."""

    def on(self, boot: Boot) -> Copy:
        """Return the copy with its moments on the steady clock of `boot`."""
        by = shift_s(self.boot.at, boot.at, self.boot.is_same(boot))
        until = self.memory.paused_until
        pause = None if until is None else end_of(Boot(self.boot.id, until), boot)
        here = moved(self, by)
        return replace(here, memory=replace(here.memory, paused_until=pause))


class Spare:
    """Keeps one copy in `directory`, which is in memory itself (a tmpfs, file-hierarchy(7))."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME

    def keep(self, copy: Copy) -> bool:
        """Replace the copy, whole or not at all; return whether that was possible."""
        new = self.path.with_suffix(".new")
        try:
            new.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with open(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(dump(copy))
            new.rename(self.path)
        except OSError:
            return False
        return True

    def read(self) -> Copy | None:
        """Return the copy that the last process left, None where there is none that makes sense."""
        try:
            with open(
                os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8"
            ) as file:
                return load(Copy, file.read(MOST_BYTES))
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """Remove the copy, for the disk holds all of it."""
        with suppress(OSError):
            self.path.unlink()
