"""Each pattern by plain values: what fits, what nearly fits, and that unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.causes import line as worded
from mailwatch.core.evidence import EVERYTHING, Evidence, Finding, Json
from mailwatch.core.facts import NOTHING
from mailwatch.core.text import size
from mailwatch.evidence import causes

SERVICES = ("SMTP:25", "IMAPS:993")


def reading(service: str, fault: str = "", detail: str = "", **phases: float) -> Json:
    """Return a reading as it is kept."""
    verdict = "fail" if fault else "pass"
    return {
        "service": service,
        "verdict": verdict,
        "fault": fault or None,
        "detail": detail,
        "phases": phases,
    }


def evidence(**findings: Mapping[str, Json]) -> Evidence:
    """Return a look at a running container, whose services are silent, changed by `findings`."""
    whole: dict[str, Mapping[str, Json]] = {
        "readings": {"now": [reading(name, "silent", "no greeting") for name in SERVICES]},
        "container": {
            "engine": "answers",
            "status": "running",
            "gateway": "172.17.0.1",
            "gateways": ["172.17.0.1"],
        },
    }
    for name, values in findings.items():
        whole[name] = {**whole.get(name, {}), **values}
    return {name: Finding.of_json(values) for name, values in whole.items()}


def watched(*ports: int, listens: bool = True) -> Mapping[str, Json]:
    """Return the watched ports of a container that publishes each as what it is."""
    rows: list[Json] = [{"port": port, "published_as": port, "listens": listens} for port in ports]
    return {"watched": rows}


def queue(waiting: int, count: int = 412, own: int = 400) -> Mapping[str, Json]:
    """Return the listener 993 with `waiting` in its queue, `own` of its `count` from one /24."""
    listener: dict[str, Json] = {
        "port": 993,
        "queue": waiting,
        "connections": count,
        "prefixes": [{"prefix": "203.0.113.0/24", "connections": own}],
    }
    return {"listeners": [listener], "listen_overflows": 7, "listen_overflows_grew": 0}


def processes(*states: str) -> Mapping[str, Json]:
    """Return processes in these states; a D is one that was seen twice."""
    table: list[Json] = [
        {"pid": str(number), "name": f"p{number}", "state": state, "stuck": state == "D"}
        for number, state in enumerate(states, start=1)
    ]
    return {"count": len(states), "table": table}


def files(used: int | None, limit: int | None = 1024) -> Mapping[str, Json]:
    """Return an init that opens nothing, and a server with so many open files."""
    own: dict[str, Json] = {"pid": "7", "name": "stalwart", "state": "S", "open_files": used}
    init = {**own, "pid": "6", "name": "docker-init", "open_files": None if used is None else 4}
    return {"count": 2, "table": [one | {"open_files_limit": limit} for one in (init, own)]}


def held(count: int, own: int, waiting: int = 313, by: str = "203.0.113.7") -> dict[str, Json]:
    """Return the listener 993 that holds `count` connections, `own` of them of one address."""
    whole = own + waiting
    listener: dict[str, Json] = {
        "port": 993, "queue": waiting, "not_accepted": waiting, "connections": count + waiting,
        "held": count, "held_from": [{"address": by, "connections": own}],
        "addresses": [{"address": by, "connections": whole}],
        "prefixes": [{"prefix": f"{by.rpartition('.')[0]}.0/24", "connections": whole}],
    }  # fmt: skip
    return {"listeners": [listener]}


GIB = 1024**3

FITTING: dict[str, tuple[Evidence, str]] = {
    "out-of-memory": (
        evidence(
            container={"status": "exited", "oom_killed": True, "memory_limit_bytes": GIB // 2}
        ),
        "out of memory: the container was killed, at its limit of 512 MiB",
    ),
    "disk-full": (
        evidence(
            disk={"file_systems": [{"path": "/mail", "size_bytes": 4 * GIB, "free_bytes": 0}]}
        ),
        "disk full: /mail has 0 B of 4.0 GiB free",
    ),
    "read-only": (
        evidence(disk={"file_systems": [{"path": "/mail", "read_only": True}]}),
        "read-only file system: nothing can be written to /mail any more",
    ),
    "no-network": (
        evidence(container={"network": "mail_default", "networks": []}),
        "the container is in no network, so nothing reaches it",
    ),
    "ports-not-published": (
        evidence(
            readings={"now": [reading("SMTP:25"), reading("IMAPS:993", "refused")]},
            container={"published": [25, 1993], "unpublished": [993]},
            connections={"host": {"listeners": [{"port": 25}, {"port": 1993}]}},
        ),
        "the container does not publish 993, only 25 and 1993",
    ),
    "docker-hung": (
        evidence(container={"engine": "unreachable", "unreadable": {EVERYTHING: "it hangs"}}),
        "Docker does not answer: it hangs or is stopped",
    ),
    "not-running": (
        evidence(container={"status": "exited", "exit_code": 137}),
        "the container does not run: it is exited with exit code 137",
    ),
    "stopped-processes": (
        evidence(processes=processes("T", "Ts", "S")),
        "stopped processes (SIGSTOP): 2 of 3 (p1 and p2)",
    ),
    "stuck-processes": (
        evidence(processes=processes("S", "D")),
        "stuck processes in D state, waiting for a disk or the network: 1 of 2 (p2)",
    ),
    "open-files-full": (
        evidence(processes=files(1024), connections={"container": held(987, 975)}),
        "stalwart has 1,024 of 1,024 files open, 987 of them connections to 993, 975 of these from "
        "203.0.113.7",
    ),
    "no-process-left": (
        evidence(cgroup={"pids": 100, "pids_limit": 100}),
        "the container may start no more processes: it has all 100 that it may",
    ),
    "accept-queue-full": (
        evidence(connections={"container": queue(129)}),
        "accept queue full on 993 with 400 connections from 203.0.113.0/24",
    ),
    "nothing-listens": (
        evidence(connections=watched(993, listens=False)),
        "nothing listens on 993 inside the container",
    ),
    "syn-flood": (
        evidence(connections={"container": {"syncookies_grew": 40}}),
        "SYN flood: the kernel answers new connections with SYN cookies",
    ),
    "conntrack-full": (
        evidence(host={"conntrack": 262_144, "conntrack_limit": 262_144}),
        "the host's connection tracking table is full: 262144 of 262144",
    ),
    "no-descriptors": (
        evidence(host={"files": 999, "files_limit": 1000}),
        "the host has no file descriptors left: 999 of 1000",
    ),
    "ban": (
        evidence(
            readings={"now": [reading(name, "dropped", "closed at once") for name in SERVICES]},
            connections=watched(25, 993),
        ),
        "ban of 172.17.0.1 (this host, as it sees it), or a connection limit: all is dropped at "
        "once while the container listens",
    ),
    "slow-dns": (
        evidence(readings={"now": [reading("SMTP:25", "timeout", "too slow", resolve=4.81)]}),
        "slow DNS: finding the address of SMTP:25 took 4.8 s",
    ),
    "stalled": (
        evidence(host={"pressure": {"io": {"full_10s_percent": 93.2}}}),
        "the disks are overloaded: all work on the host stood still for 93 % of 10 s",
    ),
    "tls-times-out": (
        evidence(
            readings={
                "now": [
                    reading("SMTP:25"),
                    reading("IMAPS:993", "timeout", "no answer", connect=0.001, tls=5.0),
                ]
            }
        ),
        "TLS handshakes time out while TCP connects: IMAPS:993",
    ),
}


def test_every_pattern_has_its_example() -> None:
    """A pattern that is added without an example fails here by its name."""
    # What servers say has its examples with them, in tests/evidence/test_servers.py.
    assert set(FITTING) == {name for name in causes.PATTERNS if not name.startswith("server-said")}


@pytest.mark.parametrize("name", FITTING)
def test_a_pattern_that_fits_says_so_in_one_line(name: str) -> None:
    """The line is exact, and facts of the evidence support it."""
    found, line = FITTING[name]
    (cause,) = (cause for cause in causes.find(found) if cause.fact.code == name)
    assert cause.line == line
    assert cause.support
    assert worded(causes.likely(found)) == line


def test_a_ban_is_seen_past_what_is_not_the_containers() -> None:
    """A proxy's port, the queue and a server that speaks of the ban say nothing against it."""
    now = [
        reading("SMTP:25", "rejected", "554 no"),
        reading("IMAPS:993", "dropped", "closed at once"),
        reading("HTTPS:443"),
        reading("QUEUE"),
    ]
    found = evidence(readings={"now": now}, connections=watched(25, 993))
    (cause,) = causes.find(found)
    assert (cause.fact.code, cause.line) == ("ban", FITTING["ban"][1])
    assert cause.support[0] == "readings: 1 of 2 ports that fail drop the connection"


NEARLY: dict[str, Evidence] = {
    "a silent server, and nothing else": evidence(),
    "a process that waits for the disk for a moment": evidence(
        processes={"count": 1, "table": [{"pid": "1", "name": "p", "state": "D"}]}
    ),
    "a queue that never overflowed": evidence(
        connections={"container": {**queue(49), "listen_overflows": 0}}
    ),
    "a short queue that overflowed long ago": evidence(connections={"container": queue(3)}),
    "a small disk with room": evidence(
        disk={"file_systems": [{"path": "/", "size_bytes": GIB, "free_bytes": GIB // 10}]}
    ),
    "a port that is deaf and not watched to fail": evidence(
        readings={"now": [reading("SMTP:25", "silent")]}, connections=watched(993, listens=False)
    ),
    "some services dropped and others silent": evidence(
        readings={"now": [reading("SMTP:25", "dropped"), reading("IMAPS:993", "silent")]},
        connections=watched(25, 993),
    ),
    "a service dropped while another of the container passes": evidence(
        readings={"now": [reading("SMTP:25", "dropped"), reading("IMAPS:993")]},
        connections=watched(25, 993),
    ),
    "all turned away in words, which say it themselves": evidence(
        readings={"now": [reading("SMTP:25", "rejected")]}, connections=watched(25)
    ),
    "all dropped by docker-proxy, of which nobody knows what listens": evidence(
        readings={"now": [reading("SMTP:25", "dropped")]}
    ),
    "TLS that fails beside silent plain services": evidence(
        readings={
            "now": [
                reading("SMTP:25", "silent", "no greeting", connect=0.1, greeting=5.0),
                reading("IMAPS:993", "timeout", "no answer", connect=0.1, tls=5.0),
            ]
        }
    ),
    "a handshake that fails for another reason": evidence(
        readings={"now": [reading("IMAPS:993", "tls", "wrong version", connect=0.1, tls=0.1)]}
    ),
    "a container in the host's network": evidence(
        container={"network": "host", "networks": [], "unpublished": [25, 993]},
        readings={"now": [reading("IMAPS:993", "refused")]},
        connections={"host": {"listeners": [{"port": 25}]}},
    ),
    "a guest in another's network": evidence(container={"network": "container:a", "networks": []}),
    "networks of which nothing was kept": evidence(container={"network": "bridge"}),
    "a port that a proxy serves on this host": evidence(
        container={"published": [25], "unpublished": [993]},
        readings={"now": [reading("IMAPS:993", "refused")]},
        connections={"host": {"listeners": [{"port": 993}]}},
    ),
    "a port that is silent, so that somebody serves it": evidence(
        container={"published": [25], "unpublished": [993]},
        connections={"host": {"listeners": [{"port": 25}]}},
    ),
    "no evidence at all": {},
}


@pytest.mark.parametrize("found", NEARLY.values(), ids=NEARLY)
def test_unknown_is_an_honest_answer(found: Evidence) -> None:
    """What only looks like a cause is not called one."""
    assert causes.likely(found) == NOTHING
    assert causes.find(found) == ()


def test_paused_container_is_not_called_stopped_or_stuck() -> None:
    """The freezer shows all processes in state D; the pause is what happened."""
    found = evidence(container={"paused": True}, processes=processes("D", "D"))
    assert worded(causes.likely(found)) == "the container is paused"


def test_a_flag_of_an_earlier_end_is_not_the_cause_of_this_one() -> None:
    """Docker may remember that it ran out of memory once; the code is of the last end."""
    old: dict[str, Json] = {"status": "exited", "oom_killed": True, "exit_code": 1}
    line = "the container does not run: it is exited with exit code 1"
    assert worded(causes.likely(evidence(container=old))) == line
    line = "out of memory: the container was killed"
    assert worded(causes.likely(evidence(container={**old, "exit_code": 137}))) == line


def test_out_of_memory_of_one_process_is_seen_while_the_container_runs() -> None:
    """The kernel counts its kills in the container's control group."""
    found = evidence(cgroup={"oom_kills": 2, "memory_limit_bytes": 64 * 1024 * 1024})
    line = "out of memory: 2 processes of the container were killed, at its limit of 64 MiB"
    assert worded(causes.likely(found)) == line


def test_a_crowd_without_one_origin_is_counted_whole() -> None:
    """No prefix is blamed for connections that come from everywhere."""
    found = evidence(connections={"container": queue(200, count=412, own=20)})
    assert worded(causes.likely(found)) == "accept queue full on 993 with 412 connections"


def test_a_queue_at_its_known_limit_is_full() -> None:
    """Where the limit is known, no overflow needs to have been counted."""
    container = {**queue(5), "listen_overflows": 0}
    assert not causes.likely(evidence(connections={"container": container}))
    found = evidence(connections={"container": container, "somaxconn": 5})
    assert worded(causes.likely(found)).startswith("accept queue full on 993")


FILES = {
    "a leak, not a crowd": (
        files(1024),
        {"container": held(40, 40)},
        "stalwart has 1,024 of 1,024 files open",
    ),
    "a crowd without one origin": (
        files(1020),
        {"container": held(987, 20)},
        "stalwart has 1,020 of 1,024 files open, 987 of them connections to 993",
    ),
    "docker-proxy, behind which nobody is known": (
        files(1024),
        {"container": held(987, 975, by="172.17.0.1")},
        "stalwart has 1,024 of 1,024 files open, 987 of them connections to 993",
    ),
    "docker-proxy, and the host knows": (
        files(1024),
        {
            "container": held(987, 975, by="172.17.0.1"),
            "host": held(987, 900),
            **watched(993),
        },
        "stalwart has 1,024 of 1,024 files open, 987 of them connections to 993, 900 of these from "
        "203.0.113.7",
    ),
    "no count, but nearly all": (
        files(None),
        {"container": held(950, 900)},
        "stalwart may have 1,024 files open, and has 950 connections to 993, 900 of these from "
        "203.0.113.7",
    ),
    "no count, and nobody waits": (files(None), {"container": held(950, 900, waiting=0)}, ""),
    "no count, and few": (files(None), {"container": held(800, 800)}, ""),
    "no count, no limit": (files(None, None), {"container": held(9000, 800)}, ""),
    "a server with room": (files(512), {"container": held(400, 400)}, ""),
    "no limit": (files(512, None), {"container": held(400, 400)}, ""),
}


@pytest.mark.parametrize(("table", "sockets", "line"), FILES.values(), ids=FILES)
def test_open_files_are_used_up_by_somebody_or_nobody(
    table: Mapping[str, Json], sockets: Mapping[str, Json], line: str
) -> None:
    """The crowd is named where it is one; an address that stands for everybody is not blamed."""
    found = causes.likely(evidence(processes=table, connections=sockets))
    assert worded(found) == line


def test_one_address_is_told_from_its_neighbours() -> None:
    """A /24 would shut innocents out: the address alone is named where it is the crowd."""
    sockets = {**held(0, 0, waiting=129), "listen_overflows": 9}
    found = causes.likely(evidence(connections={"container": sockets}))
    assert worded(found) == "accept queue full on 993 with 129 connections from 203.0.113.7"


def test_root_causes_come_before_their_symptoms() -> None:
    """Stopped processes fill the queue too: the stop is named first, the queue after it."""
    found = evidence(processes=processes("T"), connections={"container": queue(129)})
    names = [cause.fact.code for cause in causes.find(found)]
    assert names == ["stopped-processes", "accept-queue-full"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["now", "table", "container", "listeners", "watched", "state", "queue", "port",
                 "file_systems", "free_bytes", "size_bytes", "path", "phases", "tls", "service",
                 "fault", "verdict", "prefixes", "pressure", "memory", "connections", "pids"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["readings", "container", "processes", "connections", "host", "disk"]),
        _JSON,
    )
)
def test_any_evidence_gives_short_plain_lines(kept: dict[str, object]) -> None:
    """Whatever was kept or damaged: no exception, and each line is ASCII, bounded, printable."""
    for cause in causes.find({name: Finding.of_json(value) for name, value in kept.items()}):
        assert cause.line.isascii()
        assert cause.line.isprintable()
        assert 0 < len(cause.line) <= 160
        assert not cause.line.endswith(".")


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (64 * 1024**2, "64 MiB"), (2**42, "4.0 TiB")],
)
def test_size_is_what_a_person_says(count: float, words: str) -> None:
    """Three digits are enough."""
    assert size(count) == words
