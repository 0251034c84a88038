"""What the store on disk promises while the disk is well."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.facts import words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Now
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import after_failure
from mailwatch.core.rate_limit import RateLimit, Told
from mailwatch.core.state import Outcome, Stage, State
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.base import Commit
from mailwatch.store.views import Views

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores


def written_bytes(stores: Stores) -> list[tuple[str, int, int]]:
    """Every file of the store with its size and time of change."""
    paths = sorted(stores.directory.iterdir())
    return [
        (p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in paths if p.suffix != ".db-shm"
    ]


def test_a_new_store_is_healthy_and_silent(stores: Stores, night: Night) -> None:
    """The first start of all finds nothing, and nothing is wrong with that."""
    store, state = stores.restored(night.at(0))
    assert state == State()
    assert store.entries() == ()
    assert store.paused_until(night.at(0)) is None
    assert stores.said == []


def test_the_files_are_readable_by_the_group_alone(stores: Stores, night: Night) -> None:
    """mailwatch.db and what SQLite keeps beside it have mode 0640, whatever the umask."""
    before = os.umask(0)
    try:
        store, _ = stores.restored(night.at(0))
        store.commit(Commit(night.restarting(), night.at(100)))
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in stores.directory.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("mailwatch.db", "mailwatch.db-wal", "mailwatch.db-shm"), 0o640)


def test_an_open_incident_is_taken_up_again(stores: Stores, night: Night) -> None:
    """State and messages come back exactly as they were committed."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    entries = store.entries()
    store.close()
    again, state = stores.restored(night.at(130))
    assert state == night.restarting()
    assert again.entries() == entries
    assert again.entries()[0].message == night.message()


def test_a_commit_without_news_touches_no_file(stores: Stores, night: Night) -> None:
    """A healthy night costs no fsync for the incident machine."""
    store, _ = stores.restored(night.at(0))
    store.commit(
        Commit(night.restarting(), night.at(100), notes=Notes(rate_limit=RateLimit(called="x")))
    )
    before = written_bytes(stores)
    for second in range(101, 200):
        store.commit(
            Commit(
                night.restarting(), night.at(second), notes=Notes(rate_limit=RateLimit(called="x"))
            )
        )
    assert written_bytes(stores) == before


def test_no_letter_id_is_handed_out_twice(stores: Stores, night: Night) -> None:
    """Ids grow even when every entry was delivered and the process was started anew."""
    seen: list[int] = []
    for start in range(3):
        store, state = stores.restored(night.at(start * 10))
        store.commit(
            Commit(state, night.at(start * 10 + 1), [night.message("a"), night.message("b")])
        )
        for entry in store.entries():
            seen.append(entry.id)
            store.delivered(entry, night.at(start * 10 + 2))
        store.close()
    assert seen == [1, 2, 3, 4, 5, 6]


def test_what_kept_a_letter_is_remembered(stores: Stores, night: Night) -> None:
    """Tries, trouble, parking and the moment of the next try survive."""
    store, state = stores.restored(night.at(0))
    store.commit(
        Commit(state, night.at(1), [night.message("a"), night.message("b"), night.message("c")])
    )
    first, second, third = store.entries()
    failed = after_failure(first, words("The server said no."), True, night.at(2), jitter=0.5)
    store.keep_entries([failed, third])
    store.close()
    again, _ = stores.restored(night.at(3))
    assert again.entries() == (failed, third)
    assert second not in again.entries()


def test_a_reboot_moves_every_moment_to_the_new_clock(stores: Stores, night: Night) -> None:
    """After a reboot of three minutes, what was due in ten minutes is due in seven."""
    store, _ = stores.restored(night.at(5000))
    state = replace(night.restarting(seconds=5000), stage=Stage.VERIFYING, due=5600.0)
    told = RateLimit(told=(Told(night.at(4990)),))
    warned = Certificates({"S:1": Warned(night.at(4980))})
    store.commit(
        Commit(
            state,
            night.at(5000),
            [night.message()],
            notes=Notes(rate_limit=told, certificates=warned),
        )
    )
    late = after_failure(store.entries()[0], words("No route."), False, night.at(5000), jitter=0)
    store.keep_entries([late])
    store.pause(night.at(5900))
    store.close()
    now = Now(30.0, night.at(5180).wall)
    again, after = stores.restored(now, boot="two")
    assert after.due == 30.0 + 600 - 180
    assert (state.booted, after.booted) == (None, now)
    assert after.incident is not None
    assert after.incident.since == Now(30.0 - 180, night.at(5000).wall)
    assert again.entries()[0].not_before == 30.0 + 5 - 180
    assert again.notes().rate_limit.told[0].at.steady == 30.0 - 190
    moved = Warned(Now(30.0 - 200, night.at(4980).wall))
    assert again.notes().certificates == Certificates({"S:1": moved})
    assert again.paused_until(now) == Now(30.0 + 720, night.at(5900).wall)
    again.close()
    _, same = stores.restored(Now(40.0, now.wall + 10), boot="two")
    assert same == after


def test_a_step_of_the_clock_within_one_boot_moves_nothing(stores: Stores, night: Night) -> None:
    """The admin sets the clock by an hour, the service restarts: every wait is as it was."""
    store, _ = stores.restored(night.at(0))
    state = replace(night.restarting(), stage=Stage.SETTLING, due=115.0)
    store.commit(Commit(state, night.at(100)))
    store.close()
    for step_s in (3600, -3600):
        now = Now(101.0, night.at(101).wall + step_s)
        store, after = stores.restored(now)
        assert after == state
        store.close()


def test_without_a_boot_id_the_start_of_the_host_tells(stores: Stores, night: Night) -> None:
    """Where no id can be read, clocks that fit together are of one boot, others are not."""
    store, _ = stores.restored(night.at(100), boot="")
    state = replace(night.restarting(), stage=Stage.SETTLING, due=115.0)
    store.commit(Commit(state, night.at(100)))
    store.close()
    store, after = stores.restored(Now(101.0, night.at(101).wall + 2), boot="")
    assert after.due == 115.0
    store.close()
    _, after = stores.restored(Now(500.0, night.at(2000).wall), boot="")
    assert after.due is not None
    assert after.due < 500.0


def test_a_closed_incident_stays_in_the_history(stores: Stores, night: Night) -> None:
    """The incident is kept as the step that closed it had left it."""
    store, _ = stores.restored(night.at(0))
    state = night.restarting()
    store.commit(Commit(state, night.at(100)))
    assert state.incident is not None
    attempt = replace(state.incident.attempts[0], outcome=Outcome.RECOVERED, ended=night.at(160))
    closed = replace(state.incident.with_last_attempt(attempt), closed=night.at(160))
    store.commit(Commit(State(), night.at(160), closed=closed))
    assert Views(stores.directory).incidents(9) == [closed]


def test_an_incident_that_just_vanishes_is_closed_then(stores: Stores, night: Night) -> None:
    """Even a caller that forgets to hand the closed incident over leaves no open one behind."""
    store, _ = stores.restored(night.at(0))
    store.commit(Commit(night.restarting(), night.at(100)))
    store.commit(Commit(State(), night.at(160)))
    (incident,) = Views(stores.directory).incidents(9)
    assert incident.closed == night.at(160)


def test_the_limit_on_messages_is_committed_with_them(stores: Stores, night: Night) -> None:
    """What was told and what is held back come back with the state."""
    store, state = stores.restored(night.at(0))
    rate_limit = RateLimit(
        (Told(night.at(1), (words("a\nb"),)),), (night.message("held"),), called="x"
    )
    store.commit(
        Commit(state, night.at(1), [night.message("told")], notes=Notes(rate_limit=rate_limit))
    )
    store.close()
    again, _ = stores.restored(night.at(2))
    assert again.notes().rate_limit == rate_limit


def test_a_warning_is_committed_with_its_message(stores: Stores, night: Night) -> None:
    """Both come back, or neither; a commit that says nothing of certificates changes nothing."""
    store, state = stores.restored(night.at(0))
    warned = Certificates({"S:1": Warned(night.at(1)), "S:2": Warned(night.at(1), renewed=True)})
    store.commit(
        Commit(state, night.at(1), [night.message("expires")], notes=Notes(certificates=warned))
    )
    store.commit(Commit(state, night.at(2), [night.message("other")]))
    store.close()
    again, _ = stores.restored(night.at(3))
    assert again.notes().certificates == warned
    assert [entry.message.title for entry in again.entries()] == ["expires", "other"]
    again.commit(Commit(state, night.at(4), notes=Notes(certificates=Certificates())))
    again.close()
    last, _ = stores.restored(night.at(5))
    assert last.notes().certificates == Certificates()


def test_blindness_is_committed_with_its_message(stores: Stores, night: Night) -> None:
    """A new process knows of what it was told, and a reboot moves the moment to its clock."""
    store, state = stores.restored(night.at(0))
    blind = UnmeasuredServices({"S:1": night.at(-900)}, frozenset({"S:1"}))
    store.commit(
        Commit(
            state,
            night.at(1),
            [night.message("cannot look")],
            notes=Notes(unmeasured_services=blind),
        )
    )
    store.commit(Commit(state, night.at(2), [night.message("other")]))
    store.close()
    again, _ = stores.restored(night.at(3))
    assert again.notes().unmeasured_services == blind
    again.commit(Commit(state, night.at(4), notes=Notes(unmeasured_services=UnmeasuredServices())))
    again.close()
    last, _ = stores.restored(night.at(5))
    assert last.notes().unmeasured_services == UnmeasuredServices()


def test_what_is_proven_is_kept_in_its_round(stores: Stores, night: Night) -> None:
    """It comes back after a restart and a reboot, and what is proven already writes nothing."""
    store, state = stores.restored(night.at(0))
    passed = KnownGood({"SMTP:25": "a", "IMAPS:993": "b"})
    store.commit(Commit(state, night.at(1), notes=Notes(proven=passed)))
    before = written_bytes(stores)
    store.commit(Commit(state, night.at(2), notes=Notes(proven=KnownGood(dict(passed.passed)))))
    assert written_bytes(stores) == before
    store.commit(Commit(state, night.at(3), notes=Notes(proven=KnownGood({"SMTP:25": "c"}))))
    assert written_bytes(stores) != before
    store.close()
    again, _ = stores.restored(Now(5.0, night.at(99).wall), boot="two")
    assert again.notes().proven == KnownGood({"SMTP:25": "c"})
    assert Views(stores.directory).proven() == again.notes().proven


def test_the_file_keeps_to_its_settings(stores: Stores, night: Night) -> None:
    """WAL is on, and the file says that it is ours and of which version."""
    import sqlite3

    from mailwatch.store.schema import APPLICATION_ID, VERSION

    stores.restored(night.at(0))
    connection = sqlite3.connect(stores.path)
    try:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "application_id", "user_version")
        ]
    finally:
        connection.close()
    assert pragmas == ["wal", APPLICATION_ID, VERSION]


def test_the_state_directory_is_made_when_it_is_missing(
    stores: Stores, night: Night, tmp_path: Path
) -> None:
    """Run by hand, without systemd to make it, the directory appears."""
    stores.directory.rmdir()
    stores.restored(night.at(0))
    assert stores.path.exists()
    assert stores.said == []


def test_only_a_round_is_written_without_an_fsync(stores: Stores, night: Night) -> None:
    """What is committed right after a round is on the disk all the same (PRAGMA synchronous)."""
    from mailwatch.store.connection import open_for_writing, transaction

    stores.restored(night.at(0))[0].close()
    connection = open_for_writing(stores.path, 8 * 1024 * 1024, timeout_s=5)
    how = {}
    try:
        for number, durable in enumerate((True, False, True)):
            with transaction(connection, durable):
                how[number] = connection.execute("PRAGMA synchronous").fetchone()[0]
    finally:
        connection.close()
    normal, full = 1, 2
    assert how == {0: full, 1: normal, 2: full}
