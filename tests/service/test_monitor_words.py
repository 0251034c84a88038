"""What the server's own log says decides whether a restart can help."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.message import Topic
from mailwatch.core.model import Fault
from mailwatch.evidence import log
from mailwatch.evidence.subject import Subject
from tests.evidence.conftest import ScriptedEngine
from tests.evidence.server_lines import HEALTHY, TROUBLES
from tests.house import House, bad, good

FULL_STORE = next(line for line, code, _ in TROUBLES if code == "server-store-full")
FULL_LISTENER = next(line for line, code, _ in TROUBLES if code == "server-listener-full")
SILENT = (bad("SMTP:25", Fault.SILENT), bad("IMAPS:993", Fault.SILENT))


def write(house: House, directory: Path, *lines: str) -> None:
    """Let the container's log hold `lines`."""
    engine = ScriptedEngine(written="\n".join(lines).encode())

    def container(_subject: Subject, _deadline: Deadline) -> Finding:
        return Finding({"engine": "answers", "status": "running", "seen_as": "172.17.0.1"})

    def words(_subject: Subject, deadline: Deadline) -> Finding:
        return log.collect(Subject(engine.connect), deadline)

    house.look_around(directory, {"container": container, "log": words})


def test_what_no_restart_cures_calls_a_person_instead(house: House, tmp_path: Path) -> None:
    """That sentence first, then the cure, and what still answers."""
    write(house, tmp_path, FULL_STORE)
    house.start()
    house.end_round(*SILENT, good("HTTPS:443"))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    lines = house.phone.messages[0].body.splitlines()
    assert lines[0].startswith("No restart cures this: Stalwart has no space left on its disk")
    assert lines[1].startswith("What to do: Free space")
    assert "HTTPS still answers." in lines


@pytest.mark.parametrize("lines", [HEALTHY, (FULL_LISTENER,)], ids=["healthy", "all are full"])
def test_what_a_restart_may_cure_is_restarted(
    house: House, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    """Whatever clients, other hosts and a server that starts have made it write."""
    write(house, tmp_path, *lines)
    house.start()
    house.end_round(*SILENT)
    house.drain_until(lambda: house.container.restarts == 1)
    assert house.topics() == [Topic.OPENED]


def test_a_limit_beside_ports_that_answer_is_let_pass(house: House, tmp_path: Path) -> None:
    """Told once; nobody is cut off."""
    write(house, tmp_path, FULL_LISTENER)
    house.start()
    house.end_round(SILENT[1], good("SMTP:25"))
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    assert house.container.restarts == 0
    assert "a restart would cut off SMTP" in house.phone.messages[0].body
