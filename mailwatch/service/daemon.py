"""Builds everything, owns the signals and both clocks, runs the loop and feeds the watchdog."""

from __future__ import annotations

import faulthandler
import math
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty
from typing import Any

from mailwatch import __version__
from mailwatch.config.model import Config
from mailwatch.core import known_good, standstill, status_line
from mailwatch.core.facts import NOTHING
from mailwatch.core.model import Now
from mailwatch.core.say import line, say
from mailwatch.core.text import printable
from mailwatch.core.wording import Installation
from mailwatch.host.clocks import clock_text, is_synchronised, read_clocks
from mailwatch.host.job import Job
from mailwatch.host.journal import Journal, Level
from mailwatch.host.limits import limit_of
from mailwatch.host.systemd import Systemd
from mailwatch.notifiers import catalogue as notifiers
from mailwatch.probes.catalogue import build as build_probe
from mailwatch.probes.guest import Guest
from mailwatch.probes.settings import digest
from mailwatch.restarters import Restarter
from mailwatch.restarters import catalogue as restarters
from mailwatch.service.adapters import Adapters
from mailwatch.service.commands import Commands, Reply
from mailwatch.service.components import Components
from mailwatch.service.control import NAME, ControlSocket
from mailwatch.service.delivery import Delivery
from mailwatch.service.event_log import EventLog
from mailwatch.service.forensics import Forensics, Sources
from mailwatch.service.monitor import Monitor
from mailwatch.service.prober import RoundProber
from mailwatch.service.queue_events import Asked, EventQueue, QueueEvent, SignalReceived
from mailwatch.service.recovery import Recovery
from mailwatch.service.reload import Reload
from mailwatch.service.signals import delivered
from mailwatch.service.standing import Standing

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

LAST_DELIVERY_S = 0.5
"""How long an ending process waits for a delivery that is under way."""

SWITCH_S = 0.02
"""How long a thread waits for the interpreter before it asks again (sys.setswitchinterval).

With the default of 0.005, the threads of a round spend a tenth of their CPU on asking.
"""

SHORTEST_PAUSE_S = 0.005
"""No wait is shorter, so that a mistake in a wake-up time cannot make the loop spin."""


class Daemon:
    """The service: run() returns when a signal ends it."""

    def __init__(self, load: Callable[[], Config], journal: Journal, outside: Adapters) -> None:
        self._load = load
        self._journal = journal
        self._adapters = outside
        self._events = EventQueue()
        self._systemd = Systemd(journal.warning)
        allowed_s = self._systemd.watchdog_interval_s
        self._silence_s = math.inf if allowed_s is None else allowed_s / 2
        """Half of the silence that systemd allows, as sd_watchdog_enabled(3) advises."""
        self._feed_at = 0.0 if allowed_s else math.inf
        """When (steady) the watchdog is to be fed again."""
        self._ending: int | None = None
        self._status = NOTHING
        self._standing = Standing()
        self._control: ControlSocket | None = None
        self._reading = Reload(load, self._events)

    def run(self) -> int:
        """Watch until SIGTERM or SIGINT, and return the exit code 0; raises ConfigError."""
        faulthandler.enable()
        sys.setswitchinterval(SWITCH_S)
        self._config = self._load()
        with delivered(_SIGNALS, self._events):
            self._build()
            self._listen()
            self._now = read_clocks()
            self._monitor.begin(self._now)
            self._say_ready(self._now)
            self._acted_at = _moment()
            while self._ending is None:
                self._turn()
            return self._finish()

    def _turn(self) -> None:
        """One turn of the loop: wait, take one event, do what is due, show that we live."""
        event = self._next_event()
        self._now = now = read_clocks()
        if isinstance(event, SignalReceived) and event.number == signal.SIGHUP:
            self._reload()
        elif isinstance(event, SignalReceived):
            self._ending = event.number
        elif isinstance(event, Asked):
            self._commands.answer(event, now)
        elif event is not None and event is self._reading.job:
            self._reloaded(now)
        elif event is not None:
            self._monitor.handle(event, now)
        if (reading := self._reading.job) and reading.overdue_at <= now.steady:
            self._reloaded(now)
        if self._ending is not None:
            return  # what is due by now, a restart say, is the next process's to begin
        self._acted_at = _moment()
        self._monitor.advance(now)
        if now.steady >= self._feed_at and not self._monitor.stalled(now):
            self._systemd.watchdog()
            self._feed_at = now.steady + self._silence_s
        status = self._monitor.status(now)
        if status_line.is_news(status, self._status):
            self._status = status
            self._systemd.status(say(status, clock_text))
        elif self._systemd.keeps_some:
            self._systemd.send_kept()

    def _next_event(self) -> QueueEvent | None:
        """Wait for an event, at most until something is due, and see whether we stood still.

        CLOCK_BOOTTIME goes on while the machine is suspended, and the steady clock does not
        (clock_gettime(2)). Time counts from when the last turn began to act, in which a round may
        have begun: what comes before that, a slow disk may hold up, but no check.
        """
        wake_at, steady = self._monitor.wake_at(self._now), time.monotonic()
        pauses = [] if wake_at is None else [wake_at - steady]
        if self._monitor.is_pressed:
            pauses.append(standstill.BEAT_S)
        if self._silence_s < math.inf:
            # Not at once again where it was not fed: the loop would spin.
            pauses.append(max(standstill.BEAT_S, self._feed_at - steady))
        if reading := self._reading.job:
            pauses.append(reading.overdue_at - steady)
        if self._systemd.keeps_some:
            pauses.append(standstill.BEAT_S)
        pause_s = max(SHORTEST_PAUSE_S, min(pauses)) if pauses else None
        try:
            event = self._events.get(timeout=pause_s)
        except Empty:
            event = None
        if pause_s is not None:
            passed = (now - before for now, before in zip(_moment(), self._acted_at, strict=True))
            lost_s, steady_s = (standstill.lost(pause_s, passed_s) for passed_s in passed)
            if lost_s:
                self._monitor.stood_still(lost_s, steady_s)
        return event

    def _reload(self, reply: Reply | None = None) -> None:
        """Begin to read the configuration anew; `reply` gets the mistakes in it."""
        if self._reading.begin(reply):
            self._systemd.reloading()

    def _reloaded(self, now: Now) -> None:
        """Take the configuration that was read; mistakes keep the old one in force."""
        found = self._reading.end()
        mistakes: Sequence[str] = ()
        if isinstance(found, Config):
            self._take(found)
        else:
            mistakes = found
            self._journal.error(line("not-reloaded"))
            for mistake in mistakes:
                self._journal.error(mistake)
        if self._reading.answer(mistakes):
            self._reload()
        else:
            self._say_ready(now)

    def _take(self, config: Config) -> None:
        directory = self._config.state_directory
        if config.state_directory != directory:
            self._journal.warning(line("directory-changed"))
            # Evidence and incidents stay together, and the next reload says it again.
            config = replace(config, state_directory=directory)
        self._config = config
        self._standing.forget_target()
        self._recovery.replace(self._restarter, self._adapters.add_ports(config))
        self._delivery.replace(self._adapters.channels(config))
        self._forensics.replace(self._sources())
        self._journal.notice(line("reloaded"))
        self._monitor.reconfigure(self._components())

    def _finish(self) -> int:
        """End within a second, whatever is under way."""
        self._systemd.stopping()
        if self._control is not None:
            self._control.close()
        self._prober.cancel()
        self._store.hurry()
        self._delivery.finish(LAST_DELIVERY_S)
        with suppress(Empty):
            while True:
                event = self._events.get_nowait()
                if isinstance(event, Job):
                    self._delivery.take(event, read_clocks())
        self._store.close()
        name = signal.Signals(self._ending or signal.SIGTERM).name
        self._journal.notice(line("stopped", signal=name))
        return 0

    # --- the control socket ---------------------------------------------------------------

    def _listen(self) -> None:
        if not (directory := os.environ.get("RUNTIME_DIRECTORY")):
            return  # not run by its unit, but by hand
        control = ControlSocket(Path(directory) / NAME, self._events.put)
        try:
            control.open()
        except (OSError, RuntimeError) as error:
            why = limit_of(error) or printable(getattr(error, "strerror", None) or str(error))
            self._journal.warning(line("control-closed", why=why))
        else:
            self._control = control

    def _standing_now(self, now: Now) -> dict[str, Any]:
        monitor, store = self._monitor, self._store
        paused_until = monitor.paused_until(now)
        return self._standing.document(
            monitor.state,
            store.notes(),
            store.entries(),
            self._installation,
            next_round=monitor.next_round(now),
            paused_until=None if paused_until is None else paused_until.wall,
            reached=self._delivery.reached,
            troubles=self._delivery.troubles,
            listening=monitor.listening(now),
        )

    # --- building -------------------------------------------------------------------------

    def _build(self) -> None:
        self._store = self._adapters.store(self._config)
        self._guest = Guest()
        add_ports = self._adapters.add_ports(self._config)
        self._recovery = Recovery(self._restarter, self._events, time.monotonic, add_ports)
        self._delivery = Delivery(
            self._adapters.channels(self._config),
            self._store,
            self._events,
            self._journal,
            time.monotonic,
            clock_text,
            random.random,
        )
        self._forensics = Forensics(
            self._sources(), self._events, time.monotonic, self._journal.warning
        )
        self._monitor = Monitor(self._components())
        self._commands = Commands(
            self._standing_now, self._monitor.pause, self._reload, self._journal, clock_text
        )

    def _restarter(self) -> Restarter:
        return self._adapters.restarter(self._config)

    def _sources(self) -> Sources:
        config = self._config
        return Sources(
            settings=config.evidence,
            directory=config.state_directory,
            examiner=self._adapters.examiner(config),
            ports=tuple(one.port for one in config.services if not one.portless),
            secrets=config.secrets,
        )

    def _components(self) -> Components:
        """Return what the monitor works with by the present configuration, and say so."""
        config = self._config
        self._journal.level = Level[config.log_level.upper()]
        described = restarters.build(config.restart).describe()
        self._installation = installation = Installation(
            host=printable(socket.gethostname(), 64),
            target=described.target,
            look="; ".join(filter(None, (described.look, "journalctl -u mailwatch"))),
            clock_text=clock_text,
            services=tuple(service.key for service in config.services),
        )
        probes = [build_probe(service) for service in config.services]
        settings = {service.key: digest(service) for service in config.services}
        self._prober = RoundProber(
            probes,
            self._events,
            time.monotonic,
            lambda: known_good.proven(self._store.notes().proven, settings),
            self._guest,
        )
        self._say_what_is_watched(installation)
        return Components(
            policy=config.policy,
            installation=installation,
            prober=self._prober,
            recovery=self._recovery,
            examination=self._forensics,
            delivery=self._delivery,
            onlookers=(EventLog(self._journal, installation), self._standing, self._forensics),
            store=self._store,
            before_restart=self._systemd.extend,
            settings=settings,
            synchronised=is_synchronised,
            guest=self._guest,
        )

    # --- telling --------------------------------------------------------------------------

    def _say_what_is_watched(self, installation: Installation) -> None:
        config = self._config
        said = line(
            "watches",
            version=__version__,
            services=tuple(service.key for service in config.services),
            count=len(config.services),
            every_s=config.policy.interval_s,
            target=installation.target.called,
        )
        self._journal.notice(said)
        if all(notifiers.NOTIFIERS.can(one.type, notifiers.LOG) for one in config.channels):
            self._journal.warning(line("no-channel"))
        for warning in config.warnings:
            self._journal.warning(warning)

    def _say_ready(self, now: Now) -> None:
        self._status = self._monitor.status(now)
        self._systemd.ready(say(self._status, clock_text))


def _moment() -> tuple[float, float]:
    """Read the clock that goes on through a suspension, and the steady one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic()
