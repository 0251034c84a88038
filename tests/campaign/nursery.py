"""Run as a program: forks one daemon after the other, each with a fuse that may kill it.

It reads one order a line (a JSON object, see night.Life) and answers with two lines: the process
id of the daemon, and how it ended as os.waitpid() says. Between them it waits for an empty line:
until whoever gave the order has a pidfd, a daemon that died at once keeps its number. Everything
is imported once, for an import takes longer than a whole life does.

The daemon is the real one. What is ours are the numbers, which make hours out of seconds, a
clock that begins anew where the host was rebooted, and the trace: each call that crosses the
seam to the store, the container or the inbox is written down before and after, and the fuse
counts them.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mailwatch.docker.transport  # noqa: F401  # before the fork, as it is slow
from mailwatch.config.model import Config
from mailwatch.core import investigation, outbox, rate_limit
from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message
from mailwatch.core.model import Description, Now, Reading, TargetState, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.secret import Secret
from mailwatch.core.state import State
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.host.journal import Journal
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.engine import ENGINE
from mailwatch.notifiers import Notifier
from mailwatch.notifiers.catalogue import Channel
from mailwatch.notifiers.gotify import GotifySettings
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters import Restarter
from mailwatch.restarters.catalogue import Chosen
from mailwatch.restarters.docker import Settings as DockerSettings
from mailwatch.service import delivery, recovery
from mailwatch.service.adapters import Adapters, real_world
from mailwatch.service.daemon import Daemon
from mailwatch.store import sqlite
from mailwatch.store.base import Commit, Store
from mailwatch.store.state_file import StateFile
from tests.campaign.dying import die_with

if TYPE_CHECKING:
    from collections.abc import Iterator

# What takes minutes for a person takes moments here; each keeps its place among the others.
outbox.FIRST_RETRY_S, outbox.LONGEST_RETRY_S = 0.1, 0.4
investigation.RESTORE_GRACE_S, investigation.LOOK_GRACE_S = 0.6, 0.4
recovery.LOOK_LIMIT_S, recovery.SLACK_S = 0.5, 0.3
delivery.SEND_LIMIT_S = 5.0


class Fuse:
    """Counts the boundaries that a life crosses, writes them down, and ends it at one of them."""

    def __init__(self, trace: str, die_at: int, life: int, steady_shift_s: float) -> None:
        self.steady_shift_s = steady_shift_s
        """How far ahead the daemon's steady clock is of that of the trace."""
        self._fd = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._die_at = die_at
        self._life = life
        self._count = 0
        self._lock = threading.Lock()

    def cross(self, what: str, edge: str, **facts: object) -> None:
        """Be at one edge of the call `what`."""
        with self._lock:
            self._count += 1
            dies = self._count == self._die_at
            line = {
                "life": self._life, "n": self._count, "at": MONOTONIC(), "what": what,
                "edge": edge, "dies": dies, **facts,
            }  # fmt: skip
            os.write(self._fd, json.dumps(line).encode() + b"\n")
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def call(self, what: str, **facts: object) -> Iterator[None]:
        """Cross both edges of a call."""
        self.cross(what, "before", **facts)
        try:
            yield
        except Exception as error:
            self.cross(what, "failed", error=type(error).__name__, **facts)
            raise
        self.cross(what, "after", **facts)


def _about(message: Message) -> dict[str, str]:
    return {
        "topic": message.topic.value,
        "incident": message.incident,
        "title": message.title,
    }


class TracedStore(Store):
    """A store whose every writing is a boundary."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        super().__init__()
        self._store = store
        self._fuse = fuse
        self._stage = ""

    def restore(self, now: Now) -> State:
        with self._fuse.call("restore"):
            state = self._store.restore(now)
        self._stage = state.stage.value
        return state

    def notes(self) -> Notes:
        return self._store.notes()

    def commit(self, commit: Commit) -> None:
        state = commit.state
        incident = state.incident.id if state.incident else ""
        told = [_about(message) for message in commit.messages]
        self._stage = state.stage.value
        # On a busy machine or disk it may return long after what it commits was decided.
        decided = commit.now.steady - self._fuse.steady_shift_s
        with self._fuse.call(
            "commit", stage=self._stage, incident=incident, messages=told, decided=decided
        ):
            self._store.commit(commit)

    def entries(self) -> tuple[QueuedMessage, ...]:
        return self._store.entries()

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        with self._fuse.call("keep_entries"):
            self._store.keep_entries(entries)

    def delivered(self, entries: Sequence[QueuedMessage], now: Now) -> None:
        first = entries[0]
        with self._fuse.call("delivered", entry=first.id, **_about(first.message)):
            self._store.delivered(entries, now)

    def give_up(self, entry: QueuedMessage, now: Now) -> None:
        with self._fuse.call("give_up", entry=entry.id, **_about(entry.message)):
            self._store.give_up(entry, now)

    def paused_until(self, now: Now) -> Now | None:
        return self._store.paused_until(now)

    def pause(self, until: Now | None) -> None:
        with self._fuse.call("pause"):
            self._store.pause(until)

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        well = all(reading.verdict is Verdict.PASS for reading in readings)
        waiting = len(self._store.entries())
        with self._fuse.call("record", well=well, waiting=waiting, stage=self._stage):
            self._store.record(readings, now)

    def close(self) -> None:
        with self._fuse.call("close"):
            self._store.close()


class TracedRestarter:
    """A restarter whose every call is a boundary."""

    def __init__(self, restarter: Restarter, fuse: Fuse) -> None:
        self._restarter = restarter
        self._fuse = fuse

    def describe(self) -> Description:
        return self._restarter.describe()

    def inspect(self, deadline: Deadline) -> TargetState:
        with self._fuse.call("inspect"):
            return self._restarter.inspect(deadline)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        with self._fuse.call("restart"):
            self._restarter.restart(deadline, seen)


class TracedNotifier:
    """A notifier whose every delivery is a boundary."""

    def __init__(self, notifier: Notifier, fuse: Fuse) -> None:
        self._notifier = notifier
        self._fuse = fuse

    def send(self, message: Message, deadline: Deadline) -> None:
        with self._fuse.call("send", **_about(message)):
            self._notifier.send(message, deadline)


def the_config(order: dict[str, Any]) -> Config:
    """Return the configuration that `order` asks for."""
    smtp, plain = order["ports"]
    tls = TlsMode.IMPLICIT if order["tls"] else TlsMode.NONE
    of_policy = dict(order["policy"])
    attempts = Attempts(**of_policy.pop("attempts"))
    return Config(
        channels=(
            Channel(
                "gotify",
                "gotify",
                GotifySettings(order["url"], Secret(order["token"]), order["send_timeout_s"]),
            ),
        ),
        services=(
            ServiceSettings("SMTP", "127.0.0.1", smtp, probe="smtp"),
            ServiceSettings("PLAIN", "127.0.0.1", plain, probe="tcp", tls=tls),
        ),
        restart=Chosen("docker", DockerSettings(socket=order["socket"], stop_timeout_s=1)),
        policy=Policy(attempts=attempts, **of_policy),
        state_directory=Path(order["directory"]),
        log_level="debug",
        evidence=EvidenceSettings(enabled=order["evidence"], wait_s=0.5),
    )


def _count_statements(fuse: Fuse) -> None:
    connect = sqlite3.connect

    def counted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(lambda statement: fuse.cross("sql", statement.split()[0]))
        return connection

    sqlite3.connect = counted  # type: ignore[assignment]


def _hang_with(stalls: str) -> None:
    """Let what touches the state file wait for as long as the file `stalls` is there."""
    opened, written = StateFile.open, StateFile.transaction

    def wait() -> None:
        while os.path.exists(stalls):
            time.sleep(0.005)

    def slow_open(self: StateFile, now: Now, timeout_s: float) -> sqlite3.Connection:
        wait()
        return opened(self, now, timeout_s)

    @contextmanager
    def slow_transaction(self: StateFile, durable: bool) -> Iterator[sqlite3.Connection]:
        wait()
        with written(self, durable) as connection:
            yield connection
            wait()

    StateFile.open = slow_open  # type: ignore[method-assign]
    StateFile.transaction = slow_transaction  # type: ignore[method-assign]


MONOTONIC = time.monotonic


def live(order: dict[str, Any]) -> int:
    """Be one daemon, from its start to its end; return its exit code."""
    os.environ["MAILWATCH_BOOT_ID"] = order["boot"]
    os.environ["RUNTIME_DIRECTORY"] = order["runtime"]
    sqlite.PATIENCE_S = sqlite.START_S = order["disk_patience_s"]
    _hang_with(order["stalls"])
    rate_limit.WINDOW_S = order["hour_s"]
    shift_s = order["steady_shift_s"]
    if shift_s:
        time.monotonic = ENGINE._clock = lambda: MONOTONIC() + shift_s
    fuse = Fuse(order["trace"], order["die_at"], order["life"], shift_s)
    if order["statements"]:
        _count_statements(fuse)
    journal = Journal(sys.stdout, journald=False)
    real = real_world(journal)
    config = the_config(order)
    outside = Adapters(
        restarter=lambda config: TracedRestarter(real.restarter(config), fuse),
        add_ports=real.add_ports,
        channels=lambda config: {
            name: TracedNotifier(notifier, fuse) for name, notifier in real.channels(config).items()
        },
        store=lambda config: TracedStore(real.store(config), fuse),
        examiner=real.examiner,
    )
    return Daemon(lambda: config, journal, outside).run()


def be_born(order: dict[str, Any], parent: int) -> None:
    """Turn a newly forked process into a daemon that dies with the nursery; never returns."""
    code = 70
    try:
        die_with(parent)
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for there, here in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(there, here)
        code = live(order)
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Take orders until there are no more."""
    die_with(int(sys.argv[1]))
    while line := sys.stdin.readline():
        order = json.loads(line)
        pid = os.getpid()
        child = os.fork()
        if child == 0:
            be_born(order, pid)
        os.write(1, f"{child}\n".encode())
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        os.write(1, f"{status}\n".encode())


if __name__ == "__main__":
    main()
