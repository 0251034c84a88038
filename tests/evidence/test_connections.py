"""The collector of connections, with real sockets in this process's own network namespace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from mailwatch.core.causes import line as worded
from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, NotReadable, number, rows
from mailwatch.core.facts import fact, words
from mailwatch.core.say import say
from mailwatch.evidence import causes, connections
from mailwatch.evidence.network import prefix
from mailwatch.evidence.subject import Subject
from tests.evidence.conftest import ScriptedEngine

Soon = Callable[[], Deadline]


def published(engine: ScriptedEngine, port: int) -> None:
    """Publish `port` of the container as itself."""
    ports = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}], "53/udp": None}
    networks = {"bridge": {"IPAddress": "127.0.0.1"}}
    engine.answer = {**engine.answer, "NetworkSettings": {"Ports": ports, "Networks": networks}}


def test_a_full_accept_queue_is_seen_and_named(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """A server that accepts nobody: its queue, its crowd, the overflow, and the cause."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(2)
        port = listener.getsockname()[1]
        published(engine, port)
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
        stop = threading.Event()

        def knock() -> None:
            while not stop.is_set():
                with socket.socket() as one:
                    one.setblocking(False)
                    one.connect_ex(("127.0.0.1", port))
                stop.wait(0.05)

        crowd = threading.Thread(target=knock)
        crowd.start()
        patience = soon()
        try:
            while True:
                finding = connections.collect(replace(subject, ports=(port,)), soon())
                evidence = {"connections": finding, "container": Finding({"status": "running"})}
                grew = number(evidence, "connections", "container", "listen_overflows_grew") or 0
                if grew or patience.expired:  # between two looks nobody may have knocked
                    break
        finally:
            stop.set()
            crowd.join()
    (row,) = (
        row
        for row in rows(evidence, "connections", "container", "listeners")
        if row["port"] == port
    )
    assert row["queue"] == 3
    assert row["not_accepted"] == 3
    assert row["connections"] == 3
    assert grew > 0
    line = f"accept queue full on {port} with 3 connections from 127.0.0.1"
    assert worded(causes.likely(evidence)) == line
    assert engine.open == 0


def test_a_port_that_nobody_listens_on_is_told_from_one_that_is_served(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """This tells a dead listener from a ban, as docker-proxy accepts for both."""
    with socket.socket() as keeper:
        keeper.bind(("127.0.0.1", 0))  # and does not listen, so that nobody else does here
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = keeper.getsockname()[1]
        published(engine, port)
        watched = replace(subject, ports=(port,))
        with socket.create_server(("127.0.0.1", port)):
            found = connections.collect(watched, soon())
        listens = {"port": port, "published_as": port, "listens": True}
        assert found.values["watched"] == [listens]
        found = connections.collect(watched, soon())
        assert found.values["watched"] == [{**listens, "listens": False}]


def test_the_limit_of_a_queue_is_said_to_be_unknown(subject: Subject, soon: Soon) -> None:
    """Only inside the namespace does the kernel tell it; the reason names the command."""
    found = connections.collect(subject, soon())
    assert "ss -ltn" in say(found.unreadable["container.listeners.queue_limit"])


def test_without_the_engine_the_host_is_still_seen(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """Docker hangs: the container's part is not readable, because, and the host's is there."""
    engine.trouble = NotReadable(words("Docker does not answer"), "unreachable")
    found = connections.collect(subject, soon())
    assert found.unreadable["container"] == words("Docker does not answer")
    assert "states" in dict(found.values["host"])  # type: ignore[arg-type]  # it is a table


def test_a_hidden_proc_is_a_reason_with_its_cure(
    subject: Subject, soon: Soon, tmp_path: Path
) -> None:
    """Under ProtectProc=invisible there is no /proc/PID: the reason names what to set."""
    (tmp_path / "self/net").mkdir(parents=True)
    found = connections.collect(replace(subject, proc=tmp_path), soon())
    for part in ("container", "host"):
        assert "ProtectProc=default" in say(found.unreadable[part])


def test_a_container_that_has_ended_has_no_connections(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """Docker gives it process 0, which is nobody's."""
    engine.answer = {"State": {"Status": "exited", "Pid": 0}}
    assert connections.collect(subject, soon()).unreadable["container"] == fact("no-process")


def test_prefixes_are_those_that_a_provider_gives_out() -> None:
    """A /24 of IPv4 and a /64 of IPv6 are one origin."""
    assert prefix("203.0.113.205") == "203.0.113.0/24"
    assert prefix("2001:db8:1:2:aaaa::1") == "2001:db8:1:2::/64"
