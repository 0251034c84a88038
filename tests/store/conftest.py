"""What the tests of the store share: a log, a way to open and reopen, and one bad night."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Now, Phase, Reading, Verdict
from mailwatch.core.state import Attempt, Failure, Incident, Stage, State, TargetMemory
from mailwatch.store.sqlite import SqliteStore

WALL = 1_790_000_000.0
"""About September 2026; the host of these tests booted then."""


@dataclass
class Night:
    """Values for one bad night; `at(i)` is `i` seconds into it."""

    boot_wall: float = WALL

    def at(self, seconds: float) -> Now:
        return Now(seconds, self.boot_wall + seconds)

    def incident(self, name: str = "20260922T031400Z", seconds: float = 100.0) -> Incident:
        failures = (Failure("SMTP:25", Fault.SILENT, words("no greeting in 5 s")),)
        begun = self.at(seconds)
        return Incident(name, begun, begun, failures, failures, opened_told=True)

    def restarting(self, name: str = "20260922T031400Z", seconds: float = 100.0) -> State:
        attempt = Attempt(1, self.at(seconds), started_at=self.boot_wall)
        incident = self.incident(name, seconds).with_last_attempt(attempt)
        return State(
            Stage.RESTARTING,
            incident,
            failing_since=self.at(seconds),
            targets=(TargetMemory(seen=True, restarts=(self.at(seconds),), streak=1),),
        )

    def message(self, title: str = "Mail is down", seconds: float = 100.0) -> Message:
        wall = self.at(seconds).wall
        return Message(Topic.OPENED, Severity.WARNING, title, "It is.", wall, "20260922T031400Z")

    def readings(self, count: int = 2, detail: str = "") -> list[Reading]:
        phases: dict[str, float] = {Phase.CONNECT: 0.25, Phase.GREETING: 0.5}
        verdict, fault = (Verdict.FAIL, Fault.TIMEOUT) if detail else (Verdict.PASS, None)
        return [Reading(f"S{i}:{i}", verdict, fault, words(detail), phases) for i in range(count)]


@dataclass
class Stores:
    """Opens stores in one directory, and remembers what they said."""

    directory: Path
    said: list[str] = field(default_factory=list)
    opened: list[SqliteStore] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.directory / "mailwatch.db"

    @property
    def aside(self) -> list[Path]:
        """The files that were set aside, without their companions."""
        names = sorted(self.directory.glob("mailwatch.db.*-*"))
        return [path for path in names if not path.name.endswith(("-wal", "-shm", "-journal"))]

    def open(self, max_bytes: int = 8 * 1024 * 1024, boot: str = "one") -> SqliteStore:
        store = SqliteStore(self.directory, self.said.append, max_bytes, boot)
        self.opened.append(store)
        return store

    def restored(self, now: Now, boot: str = "one") -> tuple[SqliteStore, State]:
        store = self.open(boot=boot)
        return store, store.restore(now)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every store wait for a disk that is slow only because this machine is busy."""
    for name in ("START_S", "PATIENCE_S", "END_S"):
        monkeypatch.setattr(f"mailwatch.store.sqlite.{name}", 60.0)


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def make_stores() -> Iterator[Callable[[Path], Stores]]:
    made: list[Stores] = []

    def make(directory: Path) -> Stores:
        made.append(Stores(directory))
        return made[-1]

    yield make
    for stores in made:
        for store in stores.opened:
            store.close()


@pytest.fixture
def stores(tmp_path: Path, make_stores: Callable[[Path], Stores]) -> Stores:
    directory = tmp_path / "state"
    directory.mkdir(0o750)
    return make_stores(directory)


@pytest.fixture
def public_stores(make_stores: Callable[[Path], Stores]) -> Iterator[Stores]:
    """Stores in a directory that other users can get to, unlike any below pytest's own."""
    with tempfile.TemporaryDirectory(prefix="mailwatch-test-") as name:
        place = Path(name)
        place.chmod(0o755)
        directory = place / "state"
        directory.mkdir(0o750)
        stores = make_stores(directory)
        yield stores
        for store in stores.opened:
            store.close()
