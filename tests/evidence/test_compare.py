"""The table of two looks side by side: which rows it has, and how a number is worded."""

from __future__ import annotations

import pytest

from mailwatch.core.evidence import Evidence, Finding, Json
from mailwatch.evidence.compare import side_by_side

GIB = 1024**3
LISTENER: dict[str, Json] = {"port": 993, "queue": 3, "connections": 7, "half_open": 2}
STUCK: dict[str, Json] = {
    "name": "imap", "state": "Ds", "stuck": True, "threads": 4, "threads_stuck": 2,
    "open_files": 60, "open_files_limit": 64,
}  # fmt: skip
LOOK: Evidence = {
    "container": Finding(
        {
            "status": "exited",
            "oom_killed": True,
            "exit_code": 137,
            "restarts": 2,
            "health": {"status": "unhealthy"},
            "started": "2026-03-01T10:00:00.123456789Z",
        }
    ),
    "cgroup": Finding({"memory_bytes": GIB, "memory_limit_bytes": 2 * GIB, "oom_kills": 3}),
    "processes": Finding({"count": 3, "table": [{"state": "T"}, STUCK, {"state": "S"}]}),
    "connections": Finding(
        {
            "watched": [{"port": 25, "listens": False}, {"port": 993, "listens": True}],
            "container": {
                "listen_overflows": 4,
                "listen_overflows_grew": 1,
                "listeners": [{"port": 7, "connections": 0, "queue": 0}, LISTENER],
                "addresses": [{"address": "192.0.2.1", "connections": 5}],
            },
        }
    ),
    "host": Finding(
        {
            "load": [0.5, 1.0, 2.0],
            "pressure": {"cpu": {"some_10s_percent": 41.6}},
            "memory": {"available_bytes": GIB, "total_bytes": 2048 * GIB},
            "conntrack": 9,
            "conntrack_limit": 10,
            "files": 11,
            "files_limit": 2**63 - 1,
        }
    ),
    "clock": Finding({"synchronised": False}),
    "disk": Finding(
        {"file_systems": [{"path": "/", "free_bytes": 0, "size_bytes": GIB, "read_only": True}]}
    ),
    "readings": Finding(
        {
            "now": [
                {"service": "A:1", "verdict": "pass", "phases": {"connect": 0.25, "tls": 0.25}},
                {"service": "B:2", "verdict": "fail", "fault": "silent", "detail": "not a word"},
            ]
        }
    ),
}
WORDS = {
    "container": "exited, killed for lack of memory, exit code 137, health unhealthy",
    "started": "2026-03-01 10:00:00 UTC",
    "restarted by Docker": "2",
    "container memory": "1.0 GiB of 2.0 GiB",
    "killed for memory": "3",
    "processes": "3, 1 stopped, 1 stuck (2 threads)",
    "fullest of open files": "imap 60 of 64",
    "nothing listens on": "25",
    "queue overflows": "4, 1 more in a second",
    "most connections from": "192.0.2.1 (5)",
    "host load": "0.5 1.0 2.0",
    "host stalls (10 s)": "cpu 42 %",
    "host memory": "1.0 GiB of 2.0 TiB available",
    "tracked connections": "9 of 10",
    "open files": "11",
    "clock": "not synchronised",
    "port 993": "7 connections, 3 not accepted, 2 half open",
    "disk /": "0 B of 1.0 GiB free, read-only",
    "check A:1": "answers in 0.5 s",
    "check B:2": "silent: not a word",
}


def test_every_number_has_its_row() -> None:
    """In one order, empty on the side on which nothing was seen."""
    assert side_by_side(LOOK, {}) == [(label, words, "") for label, words in WORDS.items()]
    assert side_by_side({}, LOOK) == [(label, "", words) for label, words in WORDS.items()]


@pytest.mark.parametrize(
    ("collector", "values", "row"),
    [
        ("container", {"engine": "unreachable"}, ("container", "not known")),
        ("cgroup", {"memory_bytes": GIB}, ("container memory", "1.0 GiB, no limit")),
        ("connections", {"container": {"listen_overflows": 0}}, ("queue overflows", "0")),
        ("cgroup", {"oom_kills": 0}, None),
        ("container", {"restarts": 0}, None),
    ],
)
def test_what_is_missing_is_left_out(
    collector: str, values: dict[str, Json], row: tuple[str, str] | None
) -> None:
    """And a count of troubles that is 0 is no row."""
    found = [(label, words) for label, words, _ in side_by_side({collector: Finding(values)}, {})]
    assert found == ([] if row is None else [row])
