"""A state file that cannot be used is set aside, said once, and begun anew; never a stop."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.state import State
from mailwatch.store.base import Commit
from mailwatch.store.schema import APPLICATION_ID, VERSION
from tests.store.window import look

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

RELEASED = Path(__file__).with_name("released")


def fill(stores: Stores, night: Night) -> None:
    """Leave a state file with an open incident behind, as a service does that was stopped."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    for i in range(200):
        store.record(night.readings(4, detail="x" * 60), night.at(101 + i))
    store.close()


def halve(path: Path) -> None:
    """Cut the file in its middle, as an interrupted copy does."""
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    """Overwrite some of its pages, and spare the header."""
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xa5" * 512)


def zero_head(path: Path) -> None:
    """Lose the first page to zeros, as a crashed file system does."""
    with path.open("r+b") as file:
        file.write(bytes(4096))


def text(path: Path) -> None:
    """Put a text file into the place."""
    path.write_text("[watch]\ninterval_s = 120\n" * 20)


def other_database(path: Path) -> None:
    """Put another program's database into the place."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1;")


def directory(path: Path) -> None:
    """Put a directory into the place."""
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    """Put a named pipe into the place, which would hang whoever opens it."""
    path.unlink()
    os.mkfifo(path)


def newer(path: Path) -> None:
    """Let a later version have written it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def unreleased(path: Path) -> None:
    """Let a version have written it that was never released."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 5")


def no_tables(path: Path) -> None:
    """Leave nothing but a header that is ours."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def lost_table(path: Path) -> None:
    """Take one table away."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE outbox")


def nonsense(path: Path) -> None:
    """Write a stage that no version knows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE documents SET value = replace(value, '\"restarting\"', '\"dreaming\"')"
        )
        connection.commit()


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "zero bytes": (lambda path: os.truncate(path, 0), "damaged"),
    "a few bytes": (lambda path: os.truncate(path, 50), "damaged"),
    "halved": (halve, "damaged"),
    "scribbled": (scribble, "damaged"),
    "zeroed head": (zero_head, "damaged"),
    "text": (text, "foreign"),
    "another program's": (other_database, "foreign"),
    "directory": (directory, "foreign"),
    "pipe": (pipe, "foreign"),
    "newer": (newer, "newer"),
    "unreleased": (unreleased, "damaged"),
    "no tables": (no_tables, "damaged"),
    "a table lost": (lost_table, "damaged"),
    "nonsense": (nonsense, "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_set_aside_and_begun_anew(name: str, stores: Stores, night: Night) -> None:
    """One sentence, the old file under a new name, and a store that works from the first moment."""
    fill(stores, night)
    spoil, kind = BAD[name]
    spoil(stores.path)
    spoilt = stores.path.lstat()
    store, state = stores.restored(night.at(400))
    assert state == State()
    assert store.entries() == ()
    (sentence,) = stores.said
    (aside,) = stores.aside
    assert re.fullmatch(rf"mailwatch\.db\.{kind}-\d{{8}}T\d{{6}}Z", aside.name)
    assert aside.lstat().st_ino == spoilt.st_ino
    assert str(stores.path) in sentence
    assert aside.name in sentence
    store.commit(Commit(night.restarting(), night.at(401), [night.message()]))
    store.record(night.readings(), night.at(402))
    store.close()
    _, again = stores.restored(night.at(403))
    assert again == night.restarting()
    assert len(stores.said) == 1


def test_a_file_is_set_aside_with_its_wal(stores: Stores, night: Night) -> None:
    """A -wal that stayed behind would be replayed into the new file."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    # As SIGKILL leaves it: copied while the store is open.
    wal = Path(f"{stores.path}-wal").read_bytes()
    store.close()
    text(stores.path)
    Path(f"{stores.path}-wal").write_bytes(wal)
    _, state = stores.restored(night.at(200))
    assert state == State()
    (aside,) = stores.aside
    assert Path(f"{aside}-wal").read_bytes() == wal


def test_a_wal_without_its_file_is_not_replayed(stores: Stores, night: Night) -> None:
    """Somebody removed mailwatch.db alone: its -wal must not get into the next one."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    wal = Path(f"{stores.path}-wal").read_bytes()
    store.close()
    stores.path.unlink()
    Path(f"{stores.path}-wal").write_bytes(wal)
    store, state = stores.restored(night.at(200))
    assert state == State()
    store.close()
    _, state = stores.restored(night.at(201))
    assert state == State()


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0-healthy"])
def test_an_upgrade_leads_to_the_tables_of_a_new_file(release: str, tmp_path: Path) -> None:
    """Whichever release has written it, a file gets the same tables as one that was made today."""
    from mailwatch.store.files import create
    from mailwatch.store.schema import migrate, version_of

    def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
        with closing(sqlite3.connect(path)) as connection:
            names = [
                name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY 1")
            ]
            return {
                name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names
            }

    old, new = tmp_path / "old.db", tmp_path / "new.db"
    create(new)
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.executescript((RELEASED / f"{release}.sql").read_text())
        migrate(connection)
        assert version_of(connection) == VERSION
    assert tables(old) == tables(new)


def test_damage_while_it_runs_costs_history_but_no_state(stores: Stores, night: Night) -> None:
    """The disk goes bad under a running service: what it knows goes into a new file."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    with closing(sqlite3.connect(stores.path)) as other:
        other.executescript("DROP TABLE readings; DROP TABLE documents;")
    store.record(night.readings(), night.at(101))
    assert len(stores.said) == 1
    assert len(stores.aside) == 1
    assert len(look(stores.directory).readings) == 2
    entries = store.entries()
    store.close()
    again, state = stores.restored(night.at(102))
    assert state == night.restarting()
    assert again.entries() == entries


@pytest.mark.parametrize("name", ["round", "pause", "notes", "machine", "written"])
def test_a_document_that_makes_no_sense_ends_no_service(
    name: str, stores: Stores, night: Night
) -> None:
    """It is met in the middle of a round as well as at the start; what is known stays known."""
    store, _ = stores.restored(night.at(0))
    store.record(night.readings(), night.at(99))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    with closing(sqlite3.connect(stores.path)) as other:
        other.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (name, '{"at": 7}'))
        other.commit()
    assert store.paused_until(night.at(101)) is None
    store.record(night.readings(), night.at(101))
    store.commit(Commit(night.restarting(), night.at(102), [night.message()]))
    store.close()
    again, _ = stores.restored(night.at(103))
    again.record(night.readings(), night.at(104))
    assert again.paused_until(night.at(104)) is None
    again.close()


def test_only_the_newest_of_those_set_aside_are_kept(stores: Stores, night: Night) -> None:
    """A disk that damages the file every day does not fill up with damaged files."""
    for day in range(8):
        store, _ = stores.restored(night.at(86_400.0 * day))
        store.close()
        text(stores.path)
    days = [path.name for path in stores.aside]
    assert len(days) == 5
    _, _ = stores.restored(night.at(86_400.0 * 9))
    assert len(stores.aside) == 5
    assert [path.name for path in stores.aside][:4] == days[1:]


def test_two_files_set_aside_in_one_second_are_both_kept(stores: Stores, night: Night) -> None:
    """A second one does not overwrite the first."""
    for _ in range(2):
        text(stores.path)
        store, _ = stores.restored(night.at(5))
        store.close()
    assert len(stores.aside) == 2
