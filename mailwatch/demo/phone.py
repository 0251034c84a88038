"""The notifier of the demo: a phone on the screen, which notes what has arrived and when."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Topic
from mailwatch.demo.moments import Moments, Turn
from mailwatch.demo.screen import Screen

_TOLD = {Topic.OPENED: Turn.OPENED, Topic.RECOVERED: Turn.RECOVERED}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the phone lies."""

    screen: Screen
    moments: Moments


class Phone:
    """Shows each message as a phone would."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message, deadline: Deadline) -> None:
        """Ring."""
        what = f"rings ({message.severity}):"
        self._settings.screen.show("phone", what, message.title, message.body)
        if turn := _TOLD.get(message.topic):
            self._settings.moments.note(turn)


NOTIFIER = Phone
