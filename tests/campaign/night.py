"""One night: a scripted world, and the lives and deaths of mailwatch in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign import inbox as inboxes
from tests.campaign.engine import Engine
from tests.campaign.inbox import Inbox
from tests.campaign.lives import Buried, Nursery
from tests.campaign.mail import Mail
from tests.campaign.plan import POLICY, At, Death, Plan, Result
from tests.campaign.scenarios import SCENARIOS

LONGEST_S = 180.0
"""A night that lasts longer has come to a standstill; most take a second or two."""

_LOOK_EVERY_S = 0.005
_UP_AFTER_S = 0.02
_STALL_S = 0.2


@dataclass
class Outage:
    """A time without mail, on the steady clock of this process; None while it lasts."""

    began: float
    ended: float | None = None


class Night:
    """The world of one plan; run() returns what became of it."""

    def __init__(self, plan: Plan, nursery: Nursery) -> None:
        self.plan = plan
        self._nursery = nursery
        self.directory = Path(tempfile.mkdtemp(prefix="mw-night-"))
        (self.directory / "state").mkdir()
        (self.directory / "run").mkdir()
        self.policy: dict[str, Any] = dict(POLICY)
        self.evidence = False
        self.hour_s = 3600.0
        """What the limit on messages takes for an hour."""
        self.send_timeout_s = 2.0
        self.disk_patience_s = 5.0
        """How long the loop waits for the disk."""
        self.outages: list[Outage] = []
        self.killed: list[float] = []
        self.reboots: list[float] = []
        self.stalls: list[tuple[float, float]] = []
        """When this process stood still, and with it the mail server."""
        self.trace: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self._turning = threading.Lock()
        self._cure: int | None = None
        self._silent = False
        self._starts = 0
        self._trace_read = 0
        self._peer_points = 0
        self._peer_death: float | None = None
        self._pidfd = -1
        self._record: dict[str, Any] = {}
        self._well_at = -1.0
        self._stage = ""
        self._life = 0
        self._born = 0.0
        self._boots = 1
        self._steady_shift_s = 0.0
        self._over = threading.Event()
        self._ready = False
        self.mail = Mail()
        self.inbox = Inbox(self._pass)
        socket = self.directory / "docker.sock"
        self.engine = Engine(socket, self._pass, self._container_up, self._container_down)
        self._ready = True
        self.mail.comes_up()
        self.inbox.door.open()
        self.engine.door.open()

    # --- what scenarios do ----------------------------------------------------------------

    def outage(self, cure: int | None = None, silent: bool = False, stopped: bool = False) -> None:
        """Let the mail fail until the `cure`th start of the container, or until mended()."""
        with self._turning:
            self.outages.append(Outage(time.monotonic()))
            self._cure, self._starts, self._silent = cure, 0, silent
            if stopped:
                self.engine.operator_stops()
            else:
                self.mail.fails(silent)

    def disk_hangs(self, hangs: bool = True) -> None:
        """Let no write to the state file end, nor begin, until `hangs` is false."""
        stalls = self.directory / "stalls"
        stalls.touch() if hangs else stalls.unlink()

    def mended(self) -> None:
        """Let a person bring the mail back."""
        self._cure = 0
        if self.engine.status == "running":
            self._come_up(len(self.outages))
        else:
            self.engine.start()

    def is_watched(self) -> bool:
        """Whether a round found all well since the newest outage was over."""
        since = self.outages[-1].ended if self.outages else 0.0
        return since is not None and self._well_at > since

    def is_healthy(self) -> bool:
        """Whether the newest that is known to be committed is that all is well."""
        return self._stage in ("", "healthy") and self.is_watched()

    def is_quiet(self) -> bool:
        """Whether mailwatch has nothing left to tell, and knows that all is well."""
        newest = self._record
        return (
            self.is_watched()
            and newest["life"] == self._life
            and newest["well"]
            and newest["waiting"] == 0
            and newest["stage"] == "healthy"
        )

    def has_been(self, stage: str) -> bool:
        """Whether `stage` was committed: where a death hid that, the next life's record tells."""
        return any(line["edge"] == "after" and line.get("stage") == stage for line in self.trace)

    def count_of(self, words: str) -> int:
        """Return how many different incidents have a message whose text has `words`."""
        return len(
            {
                one.body.rpartition("Incident ")[2]
                for one in self.inbox.arrivals
                if words in f"{one.title}\n{one.body}"
            }
        )

    def has_come(self, words: str) -> bool:
        """Whether a message with `words` has arrived, by itself or as part of a story."""
        return self.count_of(words) > 0

    def after(self, seconds: float) -> Callable[[], bool]:
        """Return a condition that holds in some seconds."""
        moment = time.monotonic() + seconds
        return lambda: time.monotonic() >= moment

    # --- what the world does by itself ----------------------------------------------------

    def _container_up(self) -> None:
        if not self._ready:
            return
        self._starts += 1
        is_down = bool(self.outages) and self.outages[-1].ended is None
        if is_down and (self._cure is None or self._starts < self._cure):
            self.mail.fails(self._silent)
            return
        timer = threading.Timer(_UP_AFTER_S, self._come_up, [len(self.outages)])
        timer.daemon = True
        timer.start()

    def _come_up(self, outages: int) -> None:
        """Be well again, unless there are more than so many outages: a start ends no later one."""
        with self._turning:
            is_late = len(self.outages) > outages
            if is_late or self._over.is_set() or self.engine.status != "running":
                return
            if self.outages and self.outages[-1].ended is None:
                self.outages[-1].ended = time.monotonic()
            self.mail.comes_up()

    def _container_down(self) -> None:
        self.mail.fails()

    def _pass(self, _point: str) -> None:
        """Take note of a point that a peer has reached, and kill mailwatch if it is the one."""
        self._peer_points += 1
        if self._peer_death is not None and self._peer_points == self._peer_death:
            self._kill()

    # --- lives ----------------------------------------------------------------------------

    def run(self) -> Result:
        """Live through the night, and return its result without a judgement."""
        began = time.monotonic()
        result = Result(self.plan)
        deaths = iter(self.plan.deaths)
        story = SCENARIOS[self.plan.scenario](self)
        # A scenario begins by setting its numbers, up to its first condition.
        waits_for: Callable[[], bool] | None = next(story)
        death = next(deaths, None)
        self._begin(death)
        status: int | None = None
        buried = Buried(self._nursery)
        looked = time.monotonic()
        try:
            while True:
                now = time.monotonic()
                if now - looked > _STALL_S:
                    self.stalls.append((looked, now))
                looked = now
                if time.monotonic() - began > LONGEST_S:
                    result.faults.append(f"the night did not end within {LONGEST_S:g} seconds")
                    # What the watchdog of systemd sends: the log ends with where each thread is.
                    self._send(signal.SIGABRT)
                    buried.wait()
                    break
                time.sleep(_LOOK_EVERY_S)
                self._read_trace()
                status = buried.status
                if status is not None:
                    self._read_trace()
                    self.statuses.append(status)
                    if death is None or not os.WIFSIGNALED(status):
                        result.faults.append(f"mailwatch ended by itself, with status {status}")
                        break
                    result.deaths += 1
                    self._dead(death)
                    death = next(deaths, None)
                    self._begin(death)
                    buried = Buried(self._nursery)
                    continue
                self._strike(death)
                if waits_for is not None and waits_for():
                    waits_for = next(story, None)
                if waits_for is None and self.is_quiet():
                    self._send(signal.SIGTERM)
                    status = buried.wait()
                    self._read_trace()
                    self.statuses.append(status)
                    if os.WIFSIGNALED(status) and death is not None:
                        # It met its fuse on the way out.
                        result.deaths += 1
                        self._dead(death)
                        death = None
                        self._begin(None)
                        buried = Buried(self._nursery)
                        continue
                    break
        finally:
            self._over.set()
        result.seconds = time.monotonic() - began
        result.calls = max((line["n"] for line in self.trace), default=0)
        result.peers = self._peer_points
        return result

    def close(self) -> None:
        """Take the world down."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self.engine.free()
        self.engine.door.give_up()
        self.inbox.door.give_up()
        self.mail.give_up()
        shutil.rmtree(self.directory)

    def _begin(self, death: Death | None) -> None:
        self._life += 1
        self._trace_read = 0
        # What the peers still do for the life before ends nobody.
        self._peer_death = None
        die_at = int(death.number) if death is not None and death.at is At.CALL else 0
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        # A number alone could be another process's by the time that it is used.
        self._pidfd = self._nursery.bear(
            {
                "life": self._life,
                "die_at": die_at,
                "statements": self.plan.statements,
                "trace": str(self._trace_file),
                "log": str(self.directory / "log"),
                "boot": f"{self._boots:032x}",
                "steady_shift_s": self._steady_shift_s,
                "directory": str(self.directory / "state"),
                "socket": str(self.directory / "docker.sock"),
                "ports": self.mail.ports,
                "tls": self.mail.tls,
                "hour_s": self.hour_s,
                "url": self.inbox.url,
                "token": inboxes.TOKEN,
                "send_timeout_s": self.send_timeout_s,
                "policy": self.policy,
                "evidence": self.evidence,
                "runtime": str(self.directory / "run"),
                "stalls": str(self.directory / "stalls"),
                "disk_patience_s": self.disk_patience_s,
            }
        )
        self._born = time.monotonic()
        self._peer_points = 0
        if death is not None and death.at is At.PEER:
            self._peer_death = death.number

    def _strike(self, death: Death | None) -> None:
        if death is None or death.at is not At.MOMENT:
            return
        if time.monotonic() - self._born >= death.number:
            self._kill()

    def _kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _dead(self, death: Death) -> None:
        self.killed.append(time.monotonic())
        if death.reboot:
            self._boots += 1
            self.reboots.append(time.monotonic())
            self._steady_shift_s = 5.0 - time.monotonic()
            self.engine.reboot()
            for kept in (self.directory / "run").iterdir():
                kept.unlink()

    @property
    def _trace_file(self) -> Path:
        """The trace of this life alone: SIGKILL may cut its last line short, as at a page's end."""
        return self.directory / f"trace-{self._life}"

    def _read_trace(self) -> None:
        with suppress(FileNotFoundError), self._trace_file.open("rb") as file:
            file.seek(self._trace_read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._trace_read += len(line)
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        self.trace.append(line)
        if line["edge"] != "after":
            return
        # A commit that a death cut short may hold all the same: the next record tells.
        self._stage = line.get("stage", self._stage)
        if line["what"] == "record":
            self._record = line
            if line["well"]:
                self._well_at = line["at"]
