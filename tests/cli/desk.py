"""A service's own end of the control socket, with a state that the test chooses."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailwatch.core.facts import Fact
from mailwatch.core.model import Now, Target
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State
from mailwatch.core.wording import Installation
from mailwatch.host.clocks import clock_text, read_clocks
from mailwatch.host.journal import Journal
from mailwatch.service.commands import Commands
from mailwatch.service.control import ControlSocket
from mailwatch.service.queue_events import Asked, EventQueue, SignalReceived
from mailwatch.service.standing import Standing

PATIENCE_S = 60.0


@dataclass
class Desk:
    """What the service knows, and what it was told to do."""

    standing: Standing = field(default_factory=Standing)
    state: State = field(default_factory=State)
    notes: Notes = field(default_factory=Notes)
    entries: tuple[QueuedMessage, ...] = ()
    paused: Now | None = None
    reached: dict[str, float | None] = field(default_factory=lambda: {"gotify": None})
    troubles: dict[str, Fact] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()
    log: io.StringIO = field(default_factory=io.StringIO)

    def document(self, now: Now) -> dict[str, Any]:
        return self.standing.document(
            self.state,
            self.notes,
            self.entries,
            Installation("mx1", Target("docker", "stalwart"), "", clock_text),
            next_round=now.wall + 60,
            paused_until=None if self.paused is None else self.paused.wall,
            reached=self.reached,
            troubles=self.troubles,
        )

    def pause(self, until: Now | None, now: Now) -> bool:
        before, self.paused = self.paused, until
        return before is not None


@contextmanager
def serving(directory: Path) -> Iterator[Desk]:
    """Answer at `directory`/control.sock as the loop does, until the context ends."""
    desk, events = Desk(), EventQueue()
    commands = Commands(
        desk.document,
        desk.pause,
        lambda _now: desk.mistakes,
        Journal(desk.log, journald=False),
        clock_text,
    )

    def loop() -> None:
        while isinstance(event := events.get(), Asked):
            commands.answer(event, read_clocks())

    control = ControlSocket(directory / "control.sock", events.put)
    control.open()
    answering = threading.Thread(target=loop)
    answering.start()
    try:
        yield desk
    finally:
        events.put(SignalReceived(0))
        answering.join(PATIENCE_S)
        control.close()
