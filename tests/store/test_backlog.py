"""What waits for the file is written once, and only so much of it waits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailwatch.core.model import Now
from mailwatch.store import documents, history
from mailwatch.store.boot import Boot
from mailwatch.store.connection import open_for_writing
from mailwatch.store.files import create
from mailwatch.store.retention import MAX_BYTES
from mailwatch.store.views import Views
from mailwatch.store.writer import WAITING_READINGS

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores


def test_a_commit_that_succeeded_unseen_is_not_repeated(stores: Stores, night: Night) -> None:
    """The disk reported an error after it had written all: no round counts twice."""
    create(stores.path)
    connection = open_for_writing(stores.path, MAX_BYTES, 1.0)
    rounds = [(night.readings(1), night.at(second)) for second in (10, 20)]
    history.add(connection, rounds)
    # Nobody has forgotten them, since the commit was said to have failed.
    rounds.append((night.readings(1), night.at(30)))
    for _ in range(2):
        history.add(connection, rounds)
    found = history.read(connection, "S0:0", 0)
    assert [past.at for past in found] == [night.at(second).wall for second in (10, 20, 30)]
    assert documents.get(connection, documents.ROUND, Now) == night.at(30)
    connection.close()


def test_readings_do_not_pile_up_in_memory_for_ever(
    stores: Stores, night: Night, tmp_path: Path
) -> None:
    """A disk that is away for weeks costs readings, the oldest first, and not memory."""
    store, _ = stores.restored(night.at(0))
    away = tmp_path / "away"
    stores.directory.rename(away)
    stores.directory.write_text("in the way")
    for second in range(WAITING_READINGS // 10 + 7):
        store.record(night.readings(10, detail="late"), night.at(second))
    stores.directory.unlink()
    away.rename(stores.directory)
    store.close()
    assert "the readings of 7 rounds were lost" in stores.said[-1]
    found = Views(stores.directory).readings("S0:0", 0)
    assert [past.at for past in found][::399] == [night.at(7).wall, night.at(406).wall]


def test_a_boot_is_known_by_its_id_or_by_its_start(night: Night) -> None:
    """Two ids decide; without one, a host that started at another moment was started anew."""
    here = Boot("one", night.at(100))
    assert here.is_same(Boot("one", night.at(99_999)))
    assert not here.is_same(Boot("two", night.at(101)))
    assert here.is_same(Boot("", night.at(500)))
    assert not here.is_same(Boot("", type(night)(night.boot_wall + 60).at(30)))


def test_the_id_of_the_boot_comes_from_the_unit_or_the_kernel() -> None:
    """systemd writes it without dashes, the kernel with them: both are the same boot."""
    from mailwatch.store.boot import VARIABLE, boot_id

    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (
        boot_id({}) == boot_id({VARIABLE: kernel.replace("-", "")}) == boot_id({VARIABLE: kernel})
    )
    assert len(boot_id({})) == 32
