"""Runs the engine for many rounds, by default 100,000, and looks whether anything piles up.

The whole engine goes round as fast as it can: real probes, with and without TLS, real threads, a
real database, a notifier and a container that are always there. Its mail server, in a process of
its own, drops every connection of each hundredth second or so, so that incidents open, call a
person and close. After a warm-up memory, descriptors and threads must stay where they are.
"""

# ruff: noqa: T201  a program for a terminal

from __future__ import annotations

import argparse
import gc
import io
import multiprocessing
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import trustme

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message
from mailwatch.core.model import Condition, Description, Now, Target, TargetState
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.wording import Installation
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.host.journal import Journal
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import build
from mailwatch.probes.guest import Guest
from mailwatch.probes.settings import ServiceSettings
from mailwatch.service.components import Components
from mailwatch.service.delivery import Delivery
from mailwatch.service.event_log import EventLog
from mailwatch.service.forensics import Forensics, Sources
from mailwatch.service.monitor import Monitor
from mailwatch.service.prober import RoundProber
from mailwatch.service.queue_events import EventQueue, RoundDone
from mailwatch.service.recovery import Recovery
from mailwatch.store.sqlite import SqliteStore

ROUNDS = 100_000
SAMPLES = 40
WARM_UP = 0.25
"""The part of all rounds in which caches and pools may still fill."""

MOST_GROWTH = 2 * 1024 * 1024
"""Bytes of resident memory after the warm-up: malloc's arenas breathe by about 1 MiB."""

MOST_DESCRIPTORS = 24
MOST_THREADS = 8
"""How far two samples may lie apart: both are counted while a round may be under way."""

GIVE_UP_S = 60.0
"""A round lasts milliseconds; one that takes this long hangs."""

PERIOD_S, DROPPED_S = 2.0, 0.05
"""How often the server drops connections, and for how long."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def serve(ready: Connection) -> None:
    """Serve SMTP on two ports, one of them with TLS, until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(2)]
    ready.send([listener.getsockname()[1] for listener in listeners])
    for listener, tls in zip(listeners, (None, context), strict=True):
        threading.Thread(target=_accept, args=(listener, tls), daemon=True).start()
    threading.Event().wait()


def _accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        link, _ = listener.accept()
        if time.monotonic() % PERIOD_S < DROPPED_S:
            link.close()
        else:
            with suppress(OSError):
                _talk(link, context)


def _talk(link: socket.socket, context: ssl.SSLContext | None) -> None:
    link.settimeout(10)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(link, server_side=True) if context else link as peer:
        peer.sendall(b"220 mail.example.org\r\n")
        with peer.makefile("rb") as lines:
            for line in lines:
                ends = line.upper().startswith(b"QUIT")
                peer.sendall(b"221 bye\r\n" if ends else b"250 mail.example.org\r\n")
                if ends:
                    return


class Phone:
    """Takes every message."""

    def __init__(self) -> None:
        self.rings = 0

    def send(self, message: Message, deadline: Deadline) -> None:
        """Count it."""
        self.rings += 1


class Container:
    """Always runs; with a budget of no restart nobody restarts it."""

    def describe(self) -> Description:
        """Say what it is."""
        return Description(Target("docker", "mail"))

    def inspect(self, deadline: Deadline) -> TargetState:
        """Say that it runs."""
        return TargetState(Condition.RUNNING, started_at=1000.0)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        """Never called."""
        raise AssertionError("a restart beyond the budget")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process held at one moment."""

    memory: int
    """Bytes that are resident."""
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Sample:
        """Take one, with all garbage collected."""
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
        return cls(memory, len(os.listdir("/proc/self/fd")), threading.active_count())


@dataclass(slots=True)
class Outcome:
    """What came of all rounds."""

    samples: list[Sample] = field(default_factory=list)
    failed: int = 0
    rings: int = 0

    def complaints(self) -> list[str]:
        """Return a sentence on each thing that piles up."""
        kept = self.samples[int(len(self.samples) * WARM_UP) :]
        half = len(kept) // 2
        limits = {
            "memory": MOST_GROWTH,
            "descriptors": MOST_DESCRIPTORS,
            "threads": MOST_THREADS,
        }
        said = []
        for name, limit in limits.items():
            early = min(getattr(sample, name) for sample in kept[:half])
            late = min(getattr(sample, name) for sample in kept[half:])
            if late - early > limit:
                said.append(f"{name} grew from {early} to {late}, more than {limit}")
        return said


def soak(rounds: int, ports: list[int], directory: Path, leak: bool) -> Outcome:
    """Go `rounds` rounds; with `leak`, lose a descriptor in each, as a mistake would."""
    services = [
        ServiceSettings("SMTP", "127.0.0.1", ports[0], probe="smtp"),
        ServiceSettings("SMTPS", "127.0.0.1", ports[1], probe="smtp", tls=TlsMode.IMPLICIT),
    ]
    events = EventQueue()
    journal = Journal(io.StringIO(), journald=False)
    installation = Installation("mx1", Target("docker", "stalwart"), "docker logs stalwart", str)
    phone, store = Phone(), SqliteStore(directory, print)
    policy = Policy(
        interval_s=0, verify_every_s=0, attempts=Attempts(1, 10, 0), max_restarts=0,
        verify_timeout_s=10, smtp_per_second=0,
    )  # fmt: skip
    log = journal._stream
    engine = Monitor(
        Components(
            policy,
            installation,
            RoundProber(
                [build(service) for service in services],
                events,
                time.monotonic,
                guest=Guest(policy),
            ),
            Recovery(Container, events, time.monotonic),
            Forensics(
                Sources(EvidenceSettings(), directory, None),
                events,
                time.monotonic,
                journal.warning,
            ),
            Delivery({"gotify": phone}, store, events, journal, time.monotonic, str, lambda: 0.0),
            (EventLog(journal, installation),),
            store,
            lambda _seconds: None,
        )
    )
    outcome, done, lost = Outcome(), 0, list[int]()
    every = max(1, rounds // SAMPLES)
    engine.begin(_clocks())
    engine.advance(_clocks())
    while done < rounds:
        report = events.get(timeout=GIVE_UP_S)
        engine.handle(report, _clocks())
        if isinstance(report, RoundDone):
            done += 1
            outcome.failed += any(reading.fault is not None for reading in report.readings)
            if leak:
                lost.append(os.open("/dev/null", os.O_RDONLY))
            if done % every == 0:
                outcome.samples.append(Sample.now())
                # The log is the test's own, and is not to grow either.
                log.seek(0)
                log.truncate()
        engine.advance(_clocks())
    outcome.rings = phone.rings
    store.close()
    for descriptor in lost:
        os.close(descriptor)
    return outcome


def _clocks() -> Now:
    return Now(time.monotonic(), time.time())


def main() -> int:
    """Soak, and return 1 where something piles up or nothing happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--leak", action="store_true", help="leak, to see that it is noticed")
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as directory:
            outcome = soak(args.rounds, ours.recv(), Path(directory), args.leak)
    finally:
        server.kill()
        server.join()
    took_s = time.monotonic() - began
    first, last = outcome.samples[int(len(outcome.samples) * WARM_UP)], outcome.samples[-1]
    print(
        f"{args.rounds} rounds in {took_s:.0f} s, {outcome.failed} of them failed, "
        f"{outcome.rings} messages; from the warm-up to the end: memory "
        f"{first.memory / 2**20:.1f} to {last.memory / 2**20:.1f} MiB, descriptors "
        f"{first.descriptors} to {last.descriptors}, threads {first.threads} to {last.threads}"
    )
    complaints = outcome.complaints()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
