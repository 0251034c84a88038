"""A notifier that writes to a file, below a word that nobody else may know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok
from mailwatch.core.keys import Key, Kind
from mailwatch.core.message import Message
from mailwatch.core.secret import Secret

TITLE = "Toy"


@dataclass(frozen=True, slots=True)
class Settings:
    word: Secret
    board: str


KEYS = (
    Key("word", Kind.SECRET, None, "Word that opens the board.", required=True),
    Key(
        "board",
        Kind.PATH,
        None,
        "File on which the toy writes.",
        required=True,
        example='"/tmp/board"',
        shape=str,
    ),
)


def describe(settings: Settings) -> str:
    return f"the toy board {settings.board}"


def examine(settings: Settings) -> Iterator[Diagnosis]:
    yield ok(f"The toy board {settings.board} is there.")


class ToyNotifier:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message, deadline: Deadline) -> None:
        with Path(self._settings.board).open("a") as board:
            board.write(f"{message.topic}: {message.title}\n{message.body}\n")


NOTIFIER = ToyNotifier
