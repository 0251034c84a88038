"""A mailwatch that is stopped and goes on, as on a suspended or starved host (SIGSTOP)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign.doors import Door
from tests.campaign.engine import Engine
from tests.campaign.inbox import TOKEN, Inbox

PATIENCE_S = 180.0
STOP_S = 6.0
"""Far more than an attempt may take here."""
ANSWERS_AFTER_S = 0.3


@dataclass
class Stand:
    """A mail server, its engine and the admin's phone; they tell the moment that a test stops at.

    The mail server answers each line a moment late. A moment is a word: `connected`, `greeted`,
    `left` and `dropped` of the mail server, and those of the engine.
    """

    directory: Path
    mail: Door = field(init=False)
    engine: Engine = field(init=False)
    inbox: Inbox = field(init=False)
    asked: int = 0
    """How many conversations were begun, and how many came to their end."""
    passed: int = 0
    silent: bool = False
    drops: int = 0
    """How many of the next conversations are dropped."""
    at: Callable[[str], None] = lambda _moment: None

    def __post_init__(self) -> None:
        self.mail = Door(self._speak)
        self.inbox = Inbox(lambda _moment: None)
        engine = self.directory / "engine"
        self.engine = Engine(engine, self._tell, self._comes_up, lambda: None)
        for door in (self.mail, self.inbox.door, self.engine.door):
            door.open()

    def close(self) -> None:
        """Let go of every port."""
        for door in (self.mail, self.inbox.door, self.engine.door):
            door.give_up()

    def _tell(self, moment: str) -> None:
        self.at(moment)

    def _comes_up(self) -> None:
        self.silent = False

    def _speak(self, guest: socket.socket) -> None:
        self.asked += 1
        if self.drops:
            self.drops -= 1
            guest.close()
            self.at("dropped")
            return
        self.at("connected")
        silent = self.silent
        time.sleep(ANSWERS_AFTER_S)
        if not silent:
            guest.sendall(b"220 mail.example.org ESMTP\r\n")
        for line in guest.makefile("rb"):
            self.at("greeted")
            time.sleep(ANSWERS_AFTER_S)
            if line[:4].upper() == b"QUIT":
                self.passed += 1
                with suppress(OSError):
                    guest.sendall(b"221 2.0.0 bye\r\n")
                self.at("left")
                return
            guest.sendall(b"250 mail.example.org\r\n")

    @contextmanager
    def watched(self, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
        """Watch the mail server once a second."""
        chosen = {
            "services": f"SMTP:{self.mail.port}",
            "restart.socket": self.directory / "engine",
            "state.directory": self.directory,
            "evidence.enabled": "false",
            "watch.interval_s": 1,
            "watch.attempt_timeout_s": 2,
            "watch.retry_delay_s": 1,
            "restart.settle_s": 1,
            "restart.attempt_timeout_s": 2,
            "restart.verify_for_s": 3,
            "restart.verify_every_s": 1,
            **settings,
        }
        config = self.directory / "mailwatch.toml"
        config.write_text(f'[[services]]\nname = "SMTP"\nport = {self.mail.port}\nprobe = "smtp"\n')
        del chosen["services"]
        with (self.directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "mailwatch", "run", "--config", str(config)),
                    *(word for key in chosen for word in ("--set", f"{key}={chosen[key]}")),
                ],
                env={"GOTIFY_URL": self.inbox.url, "GOTIFY_TOKEN": TOKEN},
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE_S)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds."""
        patience = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < patience, (self.directory / "log").read_text()
            time.sleep(0.02)


@dataclass
class Stop:
    """Stops a process for a while each time that `moment` comes, up to `times`."""

    process: subprocess.Popen[bytes]
    moment: str
    seconds: float = STOP_S
    times: int = 1
    over: int = 0

    def __call__(self, moment: str) -> None:
        """Stop it where this is the moment; whoever tells goes on meanwhile."""
        if moment == self.moment and self.times:
            self.times -= 1
            self.process.send_signal(signal.SIGSTOP)
            threading.Timer(self.seconds, self._go_on).start()

    def _go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.over += 1


@contextmanager
def proven(directory: Path, **settings: object) -> Iterator[tuple[Stand, subprocess.Popen[bytes]]]:
    """Watch a mail server that has passed."""
    directory.mkdir()
    with ExitStack() as stack:
        stand = Stand(directory)
        stack.callback(stand.close)
        process = stack.enter_context(stand.watched(**settings))
        stand.wait_until(lambda: stand.passed > 0)
        yield stand, process


def _stopped_in_a_round(directory: Path, moment: str, retries: int) -> None:
    with proven(directory, **{"watch.retries": retries}) as (stand, process):
        stop = stand.at = Stop(process, moment)
        stand.drops = moment == "dropped"
        stand.wait_until(lambda: stop.over > 0)
        passed = stand.passed
        stand.wait_until(lambda: stand.passed > passed + 2)
        assert (moment, stand.engine.orders) == (moment, [])
        assert (moment, stand.inbox.arrivals) == (moment, [])


def _stopped_in_a_recovery(directory: Path, moment: str) -> None:
    with proven(directory, **{"watch.retries": 1}) as (stand, process):
        stand.silent = True
        stand.wait_until(lambda: stand.engine.orders != [] or moment == "engine asked")
        stop = stand.at = Stop(process, moment)
        stand.wait_until(lambda: stop.over > 0)
        stand.wait_until(lambda: len(stand.inbox.arrivals) > 1)
        passed = stand.passed
        stand.wait_until(lambda: stand.passed > passed + 2)
        assert (moment, len(stand.engine.orders)) == (moment, 1)
        assert (moment, [one.priority for one in stand.inbox.arrivals]) == (moment, [5, 5]), (
            stand.inbox.arrivals
        )


def test_a_stop_restarts_nothing_and_calls_nobody(tmp_path: Path) -> None:
    """At each phase of a round, with one attempt and with three, and of a recovery."""
    rounds = [(moment, n) for moment in ("connected", "greeted", "left") for n in (1, 3)]
    with ThreadPoolExecutor(16) as pool:
        runs = [
            pool.submit(_stopped_in_a_round, tmp_path / f"{moment}{n}", moment, n)
            for moment, n in [*rounds, ("dropped", 3)]
        ]
        runs += [
            pool.submit(_stopped_in_a_recovery, tmp_path / moment, moment)
            for moment in ("engine asked", "connected", "greeted")
        ]
        for run in runs:
            run.result()


def test_the_third_stop_in_a_row_is_judged_by_what_was_measured(tmp_path: Path) -> None:
    """A starved host must not keep a dead server from being restarted."""
    settings = {"watch.retries": 1, "watch.attempt_timeout_s": 1}
    with proven(tmp_path / "starved", **settings) as (stand, process):
        stand.silent, before = True, stand.asked
        stop = stand.at = Stop(process, "connected", seconds=2.5, times=3)
        stand.wait_until(lambda: stand.engine.orders != [])
        assert stop.times == 0
        assert stand.asked >= before + 3
        os.kill(process.pid, signal.SIGCONT)
