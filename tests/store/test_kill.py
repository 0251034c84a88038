"""Killed with SIGKILL wherever it may be, the store is as before a step or as after it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

KILLED = Path(__file__).with_name("killed.py")
ROOT = KILLED.parents[2]


def told_of(done: list[str], word: str) -> list[str]:
    """Return what was told after `word`."""
    return [line.split()[1] for line in done if line.split()[0] == word]


def check(death: dict[str, Any]) -> None:
    """Compare what the file holds with what the dead process had told."""
    committed = [int(number) for number in told_of(death["done"], "committed")]
    known = max(committed, default=0)
    assert death["sound"] == "ok"
    assert death["is_whole"], "the state is that of one step, not of two"
    assert death["streak"] in (known, known + 1), "what was committed stays"
    assert death["streak"] <= 3
    expected = {f"{n}{half}" for n in range(1, death["streak"] + 1) for half in ("a", "b")}
    missing = expected - set(death["titles"])
    assert set(death["titles"]) <= expected, "no message without its step"
    assert missing <= set(told_of(death["done"], "delivering")), "no message is lost"
    assert set(told_of(death["done"], "delivered")) <= missing, "no delivery is forgotten"
    assert death["titles"] == sorted(death["titles"]), "in order"


def test_killed_before_any_statement_it_is_before_or_after_a_step(tmp_path: Path) -> None:
    """From making the file to closing it: every SQL statement was once the last."""
    result = subprocess.run(
        [sys.executable, str(KILLED), "every", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=1500,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    deaths = [json.loads(line) for line in result.stdout.splitlines()]
    assert [death for death in deaths if "said" in death] == []
    assert len(deaths) > 80, "the walk has about a hundred statements"
    for death in deaths:
        check(death)
    assert {death["streak"] for death in deaths} == {0, 1, 2, 3}


def test_killed_at_random_moments_it_goes_on_where_it_was(stores: Stores, night: Night) -> None:
    """Twenty lives of one file, each ended in the middle of many commits."""
    known = 0
    chance = random.Random(3)
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, str(KILLED), "on", str(stores.directory), str(known)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout is not None
        with process, process.stdout:
            # Let it commit some, then strike at no moment in particular.
            lines = [process.stdout.readline() for _ in range(chance.randrange(3, 40))]
            process.kill()
            lines += process.stdout.readlines()
        numbers = [int(number) for number in told_of(lines, "committed")]
        assert numbers, lines
        known = numbers[-1]
        store, state = stores.restored(night.at(known))
        assert state.target.streak in (known, known + 1)
        assert state.incident is not None
        numbers = [attempt.number for attempt in state.incident.attempts]
        assert numbers == list(range(1, state.target.streak + 1))
        waiting = [entry.message.title for entry in store.entries()]
        for number in range(1, state.target.streak + 1):
            assert f"{number}b" in waiting
        assert f"{state.target.streak}a" in waiting
        ids = [entry.id for entry in store.entries()]
        assert ids == sorted(set(ids))
        store.close()
        known = state.target.streak
    assert stores.said == []
