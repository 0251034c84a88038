"""A disk that is full, read-only, locked or gone never stops the watch, and is caught up with."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.known_good import KnownGood
from mailwatch.core.notes import Notes
from mailwatch.core.state import State
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.base import Commit
from mailwatch.store.views import Views
from mailwatch.store.writer import RETRY_S
from tests.store.window import look

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

MakeStores = Callable[[Path], "Stores"]


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB, and take it away again."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    place = tmp_path / "tmpfs"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture
def on_tmpfs(tmpfs: Path, make_stores: MakeStores) -> Iterator[Stores]:
    """Stores on the small file system, closed before it is unmounted."""
    stores = make_stores(tmpfs)
    yield stores
    for store in stores.opened:
        store.close()


def fill_up(directory: Path) -> Path:
    """Leave not one byte free."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return ballast


def expect_whole(stores: Stores, night: Night, seconds: float, titles: list[str]) -> None:
    """What the file holds, as another process sees it and as the next start finds it."""
    status = look(stores.directory)
    assert status.incident == night.restarting().incident
    assert [entry.message.title for entry in status.entries] == titles
    stores.opened[-1].close()
    again, state = stores.restored(night.at(seconds))
    assert state == night.restarting()
    assert [entry.message.title for entry in again.entries()] == titles


def test_a_full_disk_is_caught_up_with(on_tmpfs: Stores, night: Night) -> None:
    """Everything works from memory, one sentence says so, and one more when all is written."""
    stores = on_tmpfs
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(State(), night.at(1), [night.message("before")]))
    ballast = fill_up(stores.directory)
    for i in range(40):
        store.record(night.readings(9, detail="x" * 150), night.at(10 + i))
    warned = Certificates({"S:1": Warned(night.at(100))})
    proven = KnownGood({"S:1": "digest"})
    during = [night.message("during")]
    store.commit(
        Commit(
            night.restarting(),
            night.at(100),
            during,
            notes=Notes(certificates=warned, proven=proven),
        )
    )
    store.pause(night.at(900))
    first, second = store.entries()
    store.delivered([first], night.at(101))
    assert [entry.message.title for entry in store.entries()] == ["during"]
    assert store.paused_until(night.at(102)) == night.at(900)
    assert len(stores.said) == 1
    assert "full" in stores.said[0]
    ballast.unlink()
    store.record(night.readings(), night.at(102 + RETRY_S))
    assert len(stores.said) == 2
    assert "nothing was lost" in stores.said[1]
    assert look(stores.directory).paused_until == night.at(900).wall
    assert len(Views(stores.directory).readings("S0:0", 0)) == 41
    expect_whole(stores, night, 200, ["during"])
    again = stores.opened[-1]
    assert second in again.entries()
    assert (again.notes().certificates, again.notes().proven) == (warned, proven)


def test_a_disk_that_is_full_from_the_start(on_tmpfs: Stores, night: Night) -> None:
    """No file can be made at all, until there is room."""
    stores = on_tmpfs
    ballast = fill_up(stores.directory)
    store, state = stores.restored(night.at(0))
    assert state == State()
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.record(night.readings(), night.at(101))
    assert len(stores.said) == 1
    ballast.unlink()
    store.record(night.readings(), night.at(102 + RETRY_S))
    assert len(stores.said) == 2
    expect_whole(stores, night, 200, ["Mail is down"])


def test_a_disk_that_turns_read_only(on_tmpfs: Stores, tmpfs: Path, night: Night) -> None:
    """As ext4 does after an error: the service goes on, even through a restart of its own."""
    stores = on_tmpfs
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message("before")]))
    # A process that was killed: its files stay as they are, and no handle keeps the disk writable.
    dead = stores.directory / "dead"
    dead.mkdir()
    for name in ("mailwatch.db", "mailwatch.db-wal", "mailwatch.db-shm"):
        shutil.copy(stores.directory / name, dead / name)
    store.close()
    for name in ("mailwatch.db", "mailwatch.db-wal", "mailwatch.db-shm"):
        shutil.move(dead / name, stores.directory / name)
    subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    try:
        store, state = stores.restored(night.at(130))
        assert state == night.restarting()
        assert len(stores.said) == 1
        assert "may not be written" in stores.said[0]
        store.commit(Commit(night.restarting(), night.at(131), [night.message("during")]))
        store.record(night.readings(), night.at(132))
        assert len(stores.said) == 1
    finally:
        subprocess.run(["mount", "-o", "remount,rw", tmpfs], check=True)
    store.record(night.readings(), night.at(133 + RETRY_S))
    titles = [entry.message.title for entry in store.entries()]
    assert titles == ["before", "during"]
    expect_whole(stores, night, 200, titles)


def test_a_read_only_disk_is_read_all_the_same(on_tmpfs: Stores, tmpfs: Path, night: Night) -> None:
    """After a clean end the incident in the file is taken up, though nothing can be written."""
    stores = on_tmpfs
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    try:
        store, state = stores.restored(night.at(130))
        assert state == night.restarting()
        assert [entry.message for entry in store.entries()] == [night.message()]
        assert len(stores.said) == 1
        store.close()
        assert len(stores.said) == 2
        assert "forgets what the state file" in stores.said[1]
    finally:
        subprocess.run(["mount", "-o", "remount,rw", tmpfs], check=True)


AS_NOBODY = """
import sys
from pathlib import Path
from mailwatch.core.model import Now
from mailwatch.core.state import Stage, State
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore
from tests.store.window import look
said = []
store = SqliteStore(Path(sys.argv[1]), said.append, boot="one")
state = store.restore(Now(200.0, 1790000200.0))
store.commit(Commit(State(Stage.CONFIRMING), Now(201.0, 1790000201.0)))
print(state.stage.value, len(store.entries()), len(said), "may not be written" in said[0])
"""


def test_a_directory_of_another_user(public_stores: Stores, night: Night) -> None:
    """Run as a user who may read but not write: the incident is known, and the watch goes on."""
    stores = public_stores
    if os.geteuid() != 0:
        pytest.skip("running as another user needs root")
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.close()
    result = run_as(65534, AS_NOBODY, stores.directory)
    assert result.stdout.split() == ["restarting", "1", "1", "True"], result.stderr


def run_as(group: int, program: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `program` as a user without rights, in a group that may read the directory."""
    # The interpreter and the work tree may be closed to others: rights go once all is imported.
    prologue = (
        "import os, sys, sqlite3, json, datetime, urllib.parse, zoneinfo\n"
        "import mailwatch.store.sqlite, mailwatch.store.views, tests.store.window\n"
        f"os.setgroups([]); os.setgid({group}); os.setuid(65534)\n"
    )
    os.chown(directory, 0, group)
    directory.chmod(0o750)
    for path in directory.iterdir():
        os.chown(path, 0, group)
    return subprocess.run(
        [sys.executable, "-c", prologue + program, str(directory)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )


def test_a_directory_that_vanishes_is_made_again(stores: Stores, night: Night) -> None:
    """Somebody removes the directory under a running service: the state is in the new one."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(State(), night.at(1), [night.message("before")]))
    shutil.rmtree(stores.directory)
    store.commit(Commit(night.restarting(), night.at(100), [night.message("after")]))
    assert len(stores.said) == 1
    assert "was gone" in stores.said[0]
    expect_whole(stores, night, 200, ["before", "after"])
    assert len(stores.said) == 1


def test_a_directory_that_vanishes_and_cannot_be_made(
    stores: Stores, night: Night, tmp_path: Path
) -> None:
    """As in the service's sandbox: memory serves until the directory is back."""
    store, _ = stores.restored(night.at(0))
    away = tmp_path / "away"
    stores.directory.rename(away)
    stores.directory.write_text("in the way")
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.record(night.readings(), night.at(101))
    assert len(stores.said) == 1
    stores.directory.unlink()
    away.rename(stores.directory)
    store.record(night.readings(), night.at(102 + RETRY_S))
    assert len(stores.said) == 2
    expect_whole(stores, night, 200, ["Mail is down"])


def test_no_letter_id_comes_again_that_the_file_never_saw(
    stores: Stores, night: Night, tmp_path: Path
) -> None:
    """A entry came and went while the disk was away; the next process knows of its id."""
    store, _ = stores.restored(night.at(0))
    away = tmp_path / "away"
    stores.directory.rename(away)
    stores.directory.write_text("in the way")
    store.commit(Commit(State(), night.at(1), [night.message()]))
    (gone,) = store.entries()
    store.delivered([gone], night.at(2))
    stores.directory.unlink()
    away.rename(stores.directory)
    store.close()
    store, state = stores.restored(night.at(3))
    store.commit(Commit(state, night.at(4), [night.message()]))
    assert store.entries()[0].id == gone.id + 1


def test_a_file_from_a_backup_gets_the_present_state(stores: Stores, night: Night) -> None:
    """The file is replaced under a running service, which writes what it knows into the new one."""
    store, _ = stores.restored(night.at(0))
    store.close()
    backup = stores.directory / "backup"
    shutil.copy(stores.path, backup)
    store, _ = stores.restored(night.at(1))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    backup.rename(stores.path)
    store.record(night.readings(), night.at(101))
    expect_whole(stores, night, 200, ["Mail is down"])


def test_a_locked_file_holds_up_little(stores: Stores, night: Night) -> None:
    """Another program holds the lock: the first write waits half a second, the others hardly."""
    store, _ = stores.restored(night.at(0))
    with closing(sqlite3.connect(stores.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        moments = [time.monotonic()]
        store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
        for i in range(9):
            moments.append(time.monotonic())
            store.record(night.readings(), night.at(101 + i))
        for _ in range(9):
            moments.append(time.monotonic())
            store.pause(None)
        moments.append(time.monotonic())
        waited = [ended - began for began, ended in pairwise(moments)]
        # A machine that stands still makes some of them last longer, but never each.
        assert sorted(waited)[len(waited) // 2] < 0.4, waited
        assert len(stores.said) == 1
        assert "locked" in stores.said[0]
        other.execute("ROLLBACK")
    store.record(night.readings(), night.at(111 + RETRY_S))
    assert len(stores.said) == 2
    assert len(Views(stores.directory).readings("S0:0", 0)) == 10
    expect_whole(stores, night, 200, ["Mail is down"])


def test_a_file_that_is_locked_at_the_start_loses_no_message(
    stores: Stores, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be read then is taken over later: entries leave, the incident is closed."""
    monkeypatch.setattr("mailwatch.store.writer.OPEN_TIMEOUT_S", 0.2)
    store, _ = stores.restored(night.at(0))
    told = {"S:1": Warned(night.at(99)), "S:2": Warned(night.at(99))}
    warned = Certificates(told)
    store.commit(
        Commit(
            night.restarting(),
            night.at(100),
            [night.message("old")],
            notes=Notes(
                certificates=warned,
                proven=KnownGood({"S:1": "old", "S:2": "old"}),
                unmeasured_services=UnmeasuredServices({"S:3": night.at(99)}, frozenset({"S:3"})),
            ),
        )
    )
    store.close()
    with closing(sqlite3.connect(stores.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        store, state = stores.restored(night.at(200))
        assert state == State()
        again = Certificates({"S:2": Warned(night.at(201))})
        new = KnownGood({"S:2": "new"})
        store.commit(
            Commit(
                state,
                night.at(201),
                [night.message("new")],
                notes=Notes(certificates=again, proven=new),
            )
        )
    store.record(night.readings(), night.at(202 + RETRY_S))
    assert [entry.message.title for entry in store.entries()] == ["old", "new"]
    assert len({entry.id for entry in store.entries()}) == 2
    assert store.notes().certificates == Certificates({**told, **again.told}), "who was warned, was"
    assert store.notes().proven == KnownGood({"S:1": "old", "S:2": "new"})
    assert store.notes().unmeasured_services.told == {"S:3"}
    (incident,) = Views(stores.directory).incidents(9)
    assert incident.closed is not None
    assert any(incident.id in sentence for sentence in stores.said)
