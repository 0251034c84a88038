"""Run as a program by test_kill.py: kills itself in the middle of what a store does.

`killed.py every DIRECTORY` walks through a night once for each SQL statement of it, killing
itself (SIGKILL) just before that statement, and prints one line a death. `killed.py on DIRECTORY
SECOND` goes on until it is killed from outside, and prints each number that was committed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.facts import words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.state import Attempt, Failure, Incident, Stage, State, TargetMemory
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore

WALL = 1_790_000_000.0
REAL_CONNECT = sqlite3.connect


def at(second: int) -> Now:
    """Return the moment `second` seconds after the host booted."""
    return Now(float(second), WALL + second)


def say(sentence: str) -> None:
    """Pass on what the store says, which must be nothing."""
    tell({"said": sentence})


def tell(line: dict[str, object]) -> None:
    """Write one line for the test."""
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


def state_of(number: int) -> State:
    """Attempt `number` of one incident; 0 is the time before it."""
    if number == 0:
        return State()
    failures = (Failure("SMTP:25", Fault.SILENT, words(f"look {number}")),)
    attempts = tuple(Attempt(i, at(i), None) for i in range(1, number + 1))
    incident = Incident("one", at(1), at(1), failures, failures, attempts=attempts)
    return State(Stage.DOWN, incident, failing_since=at(1), targets=(TargetMemory(streak=number),))


def warnings_of(number: int) -> Certificates:
    """What step `number` says that it was told of certificates."""
    return Certificates({f"S:{number}": Warned(at(number))} if number else {})


def proven_of(number: int) -> KnownGood:
    """What step `number` says of the services that have passed."""
    return KnownGood({"S:1": f"{number}"} if number else {})


def messages_of(number: int) -> list[Message]:
    """Two messages a step: both are there or neither is."""
    return [
        Message(Topic.NOTICE, Severity.INFO, f"{number}{half}", "", at(number).wall)
        for half in ("a", "b")
    ]


def walk(directory: Path, steps: int, told: int, told_to: int) -> None:
    """Restore, then commit and deliver until `steps`; each step is said once it is durable."""
    store = SqliteStore(directory, say, boot="one")
    first = store.restore(at(told)).target.streak + 1
    for number in range(first, steps + 1):
        store.record([Reading("SMTP:25", Verdict.PASS)], at(number))
        state, warned, proven = state_of(number), warnings_of(number), proven_of(number)
        told_now = messages_of(number)
        store.commit(
            Commit(state, at(number), told_now, notes=Notes(certificates=warned, proven=proven))
        )
        os.write(told_to, f"committed {number}\n".encode())
        for entry in store.entries():
            if entry.message.title == f"{number - 1}a":
                os.write(told_to, f"delivering {entry.message.title}\n".encode())
                store.delivered([entry], at(number))
                os.write(told_to, f"delivered {entry.message.title}\n".encode())
    store.close()


class Fuse:
    """Kills the process just before its statement number `left`."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, statement: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_at(statement: int, directory: Path) -> tuple[list[str], bool]:
    """Walk in a child that dies before `statement`; return what it did, and whether it died."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        fuse = Fuse(statement)

        def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = REAL_CONNECT(*args, **kwargs)
            connection.set_trace_callback(fuse)
            return connection

        sqlite3.connect = connect  # type: ignore[assignment]
        status = 1
        try:
            walk(directory, 3, 0, writer)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        done = pipe.read().split("\n")[:-1]
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the walk failed")
    return done, os.WIFSIGNALED(status)


def every(directory: Path) -> None:
    """Die before the first statement, the second, and so on, until one walk ends alive."""
    statement = 0
    while True:
        statement += 1
        place = directory / f"at-{statement}"
        place.mkdir()
        done, died = kill_at(statement, place)
        store = SqliteStore(place, say, boot="one")
        state = store.restore(at(4))
        found = (state, store.notes().certificates, store.notes().proven)
        number = state.target.streak
        titles = [entry.message.title for entry in store.entries()]
        store.close()
        integrity = REAL_CONNECT(place / "mailwatch.db")
        sound = integrity.execute("PRAGMA integrity_check").fetchone()[0]
        integrity.close()
        line = {
            "statement": statement,
            "done": done,
            "streak": state.target.streak,
            "is_whole": found == (state_of(number), warnings_of(number), proven_of(number)),
            "titles": titles,
            "sound": sound,
        }
        tell(line)
        shutil.rmtree(place)
        if not died:
            return


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]))
    else:
        walk(Path(sys.argv[2]), 10**9, int(sys.argv[3]), told_to=1)
