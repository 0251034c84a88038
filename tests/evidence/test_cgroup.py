"""The numbers of a container's control group, in both layouts that a kernel may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import EVERYTHING
from mailwatch.core.facts import fact
from mailwatch.evidence import cgroup
from mailwatch.evidence.subject import Subject
from tests.evidence.conftest import ScriptedEngine

V2 = {
    "mail/memory.current": "4096",
    "mail/memory.max": "max",
    "mail/pids.current": "7",
    "mail/pids.max": "100",
    "mail/memory.events": "low 0\noom_kill 2",
    "mail/cpu.stat": "usage_usec 5\nnr_throttled 3",
}
V1 = {
    "memory/mail/memory.usage_in_bytes": "4096",
    "memory/mail/memory.limit_in_bytes": str((1 << 63) - 4096),
    "pids/mail/pids.current": "7",
    "pids/mail/pids.max": "100",
    "memory/mail/memory.oom_control": "oom_kill_disable 0\noom_kill 2",
    "cpu/mail/cpu.stat": "nr_periods 9\nnr_throttled 3",
}


@pytest.mark.parametrize(
    ("groups", "files"),
    [("0::/mail", V2), ("9:memory:/mail\n8:pids:/mail\n7:cpu,cpuacct:/mail\n0::/", V1)],
    ids=["v2", "v1"],
)
def test_both_layouts_tell_the_same(
    engine: ScriptedEngine,
    subject: Subject,
    soon: Callable[[], Deadline],
    tmp_path: Path,
    groups: str,
    files: dict[str, str],
) -> None:
    """A limit that is none is left out; what the kernel lacks has its reason."""
    engine.answer = {"State": {"Pid": 7}}
    for name, text in {"proc/7/cgroup": groups, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    looked_at = replace(subject, proc=tmp_path / "proc", cgroups=tmp_path)
    found = cgroup.collect(looked_at, soon())
    assert found.values == {
        "memory_bytes": 4096, "pids": 7, "pids_limit": 100, "oom_kills": 2, "cpu_throttled": 3,
    }  # fmt: skip
    assert not found.unreadable
    (tmp_path / "proc/7/cgroup").write_text("5:freezer:/mail\n")
    assert cgroup.collect(looked_at, soon()).unreadable == {EVERYTHING: fact("no-control-group")}
