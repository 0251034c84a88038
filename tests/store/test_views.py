"""What the command line may read while the service runs, and as whom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.facts import words
from mailwatch.core.model import Phase, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import after_failure
from mailwatch.core.rate_limit import RateLimit
from mailwatch.core.state import Stage, State
from mailwatch.store.base import Commit
from mailwatch.store.views import StoreError, Views
from tests.store.window import look

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

MakeStores = Callable[[Path], "Stores"]
ROOT = Path(__file__).parents[2]


def test_status_tells_where_things_stand(stores: Stores, night: Night) -> None:
    """The stage, the incident, the last readings, the outbox, the pause, and how old it all is."""
    store, _ = stores.restored(night.at(0))
    store.record(night.readings(3), night.at(50))
    store.record(night.readings(2, detail="no greeting"), night.at(100))
    held = RateLimit(held=(night.message("held"),))
    store.commit(
        Commit(night.restarting(), night.at(101), [night.message()], notes=Notes(rate_limit=held))
    )
    late = after_failure(store.entries()[0], words("No route."), False, night.at(102), 0)
    store.keep_entries([late])
    store.pause(night.at(900))
    status = look(stores.directory)
    assert status.stage is Stage.RESTARTING
    assert status.incident == night.restarting().incident
    assert [(p.at, p.reading) for p in status.readings] == [
        (night.at(100).wall, reading) for reading in night.readings(2, detail="no greeting")
    ]
    assert status.entries == (late,)
    assert status.held_back == 1
    assert status.paused_until == night.at(900).wall
    assert status.last_round == night.at(100).wall


def test_status_of_a_service_that_has_just_begun(stores: Stores, night: Night) -> None:
    """Before the first round nothing is known, and that is no error."""
    stores.restored(night.at(0))
    status = look(stores.directory)
    assert (status.stage, status.readings, status.last_round) == (Stage.HEALTHY, (), None)


def test_incidents_come_newest_first(stores: Stores, night: Night) -> None:
    """In the order of their opening, even where the wall clock went back between them."""
    store, _ = stores.restored(night.at(0))
    names = ["20260922T031400Z", "20260922T031500Z", "20250101T000000Z"]
    for second, name in enumerate(names, 10):
        store.commit(Commit(night.restarting(name, second), night.at(second)))
        store.commit(Commit(State(), night.at(second)))
    views = Views(stores.directory)
    assert [incident.id for incident in views.incidents(10)] == names[::-1]
    assert [incident.id for incident in views.incidents(2)] == names[:0:-1]
    assert views.incident("last").id == names[2]


def test_an_incident_is_found_by_the_beginning_of_its_id(stores: Stores, night: Night) -> None:
    """As with git: enough of the id to be the only one; otherwise a sentence says what is wrong."""
    store, _ = stores.restored(night.at(0))
    views = Views(stores.directory)
    with pytest.raises(StoreError, match="no incidents yet"):
        views.incident("last")
    for name in ("2026A", "2026B", "2026", "1_x"):
        store.commit(Commit(night.restarting(name), night.at(10)))
    assert views.incident("2026").id == "2026", "a whole id is that id"
    assert views.incident("2026B").id == "2026B"
    assert views.incident("1").id == "1_x"
    with pytest.raises(StoreError, match="'3'"):
        views.incident("3")
    with pytest.raises(StoreError, match="No incident"):
        views.incident("%")
    with pytest.raises(StoreError, match="No incident"):
        views.incident("")
    with pytest.raises(StoreError, match=r"Several .*2026, 2026B, 2026A"):
        views.incident("202")


def test_summaries_tell_a_day_of_each_service(stores: Stores, night: Night) -> None:
    """Counts of every verdict, and the seconds of the passes, by phase; a day ends at 0:00 UTC."""
    store, _ = stores.restored(night.at(0))
    day = 86_400.0

    def reading(connect_s: float, greeting_s: float) -> Reading:
        phases = {Phase.CONNECT.value: connect_s, Phase.GREETING.value: greeting_s}
        return Reading("SMTP:25", Verdict.PASS, phases=phases)

    failed = replace(night.readings(1, detail="late")[0], service="SMTP:25")
    blind = Reading("SMTP:25", Verdict.UNMEASURED, detail=words("no route"))
    for second, found in enumerate([reading(0.25, 1.0), reading(0.5, 0.5), failed, blind]):
        store.record([found], night.at(second))
    store.record([reading(4.0, 4.0), Reading("IMAPS:993", Verdict.UNMEASURED)], night.at(day))
    first, other, second_day = Views(stores.directory).summaries(0)
    assert (first.day, first.service) == ("2026-09-21", "SMTP:25")
    assert (first.passes, first.failures, first.unmeasured) == (2, 1, 1)
    assert first.slowest_s == 1.25
    assert first.phases == {Phase.CONNECT: 0.375, Phase.GREETING: 0.75}
    assert (other.service, other.unmeasured, other.slowest_s) == ("IMAPS:993", 1, None)
    assert second_day.slowest_s == 8.0
    assert Views(stores.directory).summaries(night.at(day).wall) == [other, second_day]


def test_readings_of_one_service_since(stores: Stores, night: Night) -> None:
    """The raw history, oldest first."""
    store, _ = stores.restored(night.at(0))
    for second in range(5):
        store.record(night.readings(2), night.at(second))
    store.close()
    found = Views(stores.directory).readings("S1:1", night.at(3).wall)
    assert [past.at for past in found] == [night.at(3).wall, night.at(4).wall]
    assert {past.reading.service for past in found} == {"S1:1"}


def test_a_view_never_writes(stores: Stores, night: Night) -> None:
    """Reading in the middle of a night leaves the files as they are, byte for byte."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))

    def content() -> dict[str, bytes]:
        return {
            path.name: path.read_bytes()
            for path in stores.directory.iterdir()
            if not path.name.endswith("-shm")  # where readers note how far they read
        }

    before = content()
    look(stores.directory)
    Views(stores.directory).incidents(5)
    assert content() == before


# --- as another user ----------------------------------------------------------------------

AS_READER = """
from pathlib import Path
from mailwatch.store.views import Views
from mailwatch.store.views import StoreError
from tests.store.window import look
try:
    status = look(Path(sys.argv[1]))
    print(status.stage.value, len(status.entries), len(Views(Path(sys.argv[1])).incidents(9)))
except StoreError as error:
    print("refused:", error)
"""

PROLOGUE = """
import os, sys
import mailwatch.store.views, tests.store.window
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(65534)
"""


def let_group_read(directory: Path, group: int) -> None:
    """Give the directory to root and `group`, as systemd and SQLite do for the service's files."""
    directory.chmod(0o750)
    os.chown(directory, 0, group)
    for path in directory.iterdir():
        os.chown(path, 0, group)


def as_user(program: str, directory: Path, group: int = 65534) -> str:
    """Return what `program` prints, run without any right but those of `group`."""
    result = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program, str(directory), str(group)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="running as another user needs root")


@needs_root
def test_a_member_of_the_group_reads_while_it_runs(public_stores: Stores, night: Night) -> None:
    """With no right to write anything, while the service goes on writing."""
    stores = public_stores
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    let_group_read(stores.directory, 65534)
    assert as_user(AS_READER, stores.directory) == "restarting 1 1"
    store.commit(Commit(State(), night.at(101), [night.message()]))
    for second in range(102, 400):
        store.record(night.readings(4), night.at(second))
    assert as_user(AS_READER, stores.directory) == "healthy 2 1"
    assert stores.said == []


@needs_root
def test_a_member_of_the_group_reads_after_a_clean_end(public_stores: Stores, night: Night) -> None:
    """The service is stopped: no -shm is there, and the reader may not make one."""
    stores = public_stores
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.close()
    let_group_read(stores.directory, 65534)
    names = sorted(os.listdir(stores.directory))
    assert as_user(AS_READER, stores.directory) == "restarting 1 1"
    assert sorted(os.listdir(stores.directory)) == names == ["mailwatch.db"]


@needs_root
def test_a_member_of_the_group_reads_after_a_kill(
    public_stores: Stores, make_stores: MakeStores, night: Night
) -> None:
    """The service was killed: what is only in its -wal is seen all the same."""
    stores = public_stores
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    killed = make_stores(stores.directory.with_name("killed"))
    shutil.copytree(stores.directory, killed.directory)
    let_group_read(killed.directory, 65534)
    assert as_user(AS_READER, killed.directory) == "restarting 1 1"
    last, state = killed.restored(night.at(101))
    assert state == night.restarting()
    assert killed.said == []
    last.close()


@needs_root
def test_root_may_look_at_a_stopped_service(public_stores: Stores, night: Night) -> None:
    """What root's look leaves behind belongs to the service's user, who can go on writing."""
    stores = public_stores
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    store.close()
    os.chown(stores.directory, 65534, 65534)
    os.chown(stores.path, 65534, 65534)
    assert look(stores.directory).stage is Stage.RESTARTING
    owners = {path.stat().st_uid for path in stores.directory.iterdir()}
    assert owners == {65534}


@needs_root
def test_others_are_refused_with_a_sentence(public_stores: Stores, night: Night) -> None:
    """Who is not in the group learns what to do, and sees nothing."""
    stores = public_stores
    stores.restored(night.at(0))
    let_group_read(stores.directory, 65533)
    said = as_user(AS_READER, stores.directory)
    assert said.startswith("refused: You may not open")
    assert "sudo, or join the group" in said


# --- when there is nothing to see ---------------------------------------------------------


def spoil_nothing(path: Path) -> None:
    """Remove the file."""
    path.unlink()


def spoil_text(path: Path) -> None:
    """Put a text in its place."""
    path.write_text("not a database\n" * 20)


def spoil_version(path: Path) -> None:
    """Let a later version have written it."""
    set_version(path, 99)


def spoil_age(path: Path) -> None:
    """Let an earlier version have written it."""
    set_version(path, 1)


def spoil_content(path: Path) -> None:
    """Overwrite all pages but the first."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def set_version(path: Path, version: int) -> None:
    """Change what the file says of its version."""
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_nothing, "start the service, which makes it"),
        (spoil_text, "not an SQLite database"),
        (spoil_version, "a newer version"),
        (spoil_age, "an older version"),
        (spoil_content, "damaged"),
    ],
)
def test_a_file_that_cannot_be_shown_is_explained(
    spoil: Callable[[Path], None], words: str, stores: Stores, night: Night
) -> None:
    """One sentence that says what to do, and the file is left to the service."""
    store, _ = stores.restored(night.at(0))
    store.close()
    spoil(stores.path)
    before = sorted(os.listdir(stores.directory))
    with pytest.raises(StoreError, match=words) as caught:
        look(stores.directory)
    assert "service" in str(caught.value)
    left = [name for name in os.listdir(stores.directory) if not name.endswith(("-wal", "-shm"))]
    assert sorted(left) == before


def test_a_missing_directory_is_explained(tmp_path: Path) -> None:
    """Before the service was ever started there is nothing to show."""
    with pytest.raises(StoreError, match="start the service"):
        look(tmp_path / "nowhere")
