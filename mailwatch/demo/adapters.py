"""The world as the demo's daemon sees it: its real parts, each with an ear for the story."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailwatch.config.model import Config
from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Topic
from mailwatch.core.model import Condition, Now, Reading, TargetState, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.secret import Secret
from mailwatch.core.text import duration
from mailwatch.demo.facts import Facts, Turn
from mailwatch.demo.inbox import Inbox
from mailwatch.demo.layout import Tone, Who
from mailwatch.demo.server_process import Offer, Server, ServerError
from mailwatch.demo.timeline import Timeline
from mailwatch.docker.settings import DockerSettings
from mailwatch.host.journal import Journal, Level
from mailwatch.net.endpoint import TlsMode
from mailwatch.notifiers.gotify import GotifyNotifier, GotifySettings
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters.errors import RestartError
from mailwatch.service.daemon import Adapters
from mailwatch.store.memory import MemoryStore

CONTAINER = "demo-mail"

POLICY = Policy(
    interval_s=2,
    attempts=Attempts(retries=2, timeout_s=1, delay_s=0.5),
    settle_s=1,
    verify_timeout_s=3,
    verify_for_s=15,
    verify_every_s=1,
    remind_every_s=0,
    certificate_days=0,  # its certificate is made for one run
)
"""An installed mailwatch is the same with more patience."""


def build_config(offers: Sequence[Offer], inbox: Inbox) -> Config:
    """Return the configuration of the demo; no file and no variable has a say in it."""
    return Config(
        gotify=GotifySettings(inbox.url, Secret(inbox.token), timeout_s=5),
        services=tuple(
            ServiceSettings(
                offer.name,
                "127.0.0.1",
                offer.port,
                offer.protocol,
                TlsMode.IMPLICIT if offer.tls else TlsMode.NONE,
            )
            for offer in offers
        ),
        docker=DockerSettings(CONTAINER, stop_timeout_s=1),
        policy=POLICY,
        state_directory=Path("/nonexistent"),  # the store is in memory
        log_level="notice",
    )


def build_adapters(server: Server, inbox: Inbox, facts: Facts, timeline: Timeline) -> Adapters:
    """Return the demo's restarter and store, and the notifier that everybody has."""

    def channels(config: Config) -> Mapping[str, ToldNotifier]:
        assert config.gotify is not None
        return {"gotify": ToldNotifier(GotifyNotifier(config.gotify), inbox, facts)}

    return Adapters(
        restarter=lambda _config: ProcessRestarter(server, facts, timeline),
        channels=channels,
        store=lambda _config: ToldStore(facts, timeline),
    )


class ProcessRestarter:
    """Looks at the demo's server and restarts it, as an engine does with a container."""

    def __init__(self, server: Server, facts: Facts, timeline: Timeline) -> None:
        self._server = server
        self._facts = facts
        self._timeline = timeline
        self._looked = False

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what an engine would say: a process that hangs is running."""
        if self._server.pid is None:
            return TargetState(Condition.CRASHED, words("the server's process has ended"))
        if not self._looked and self._facts.of(Turn.HUNG):
            self._looked = True
            self._timeline.say(
                Who.MAILWATCH,
                f"looks at container {CONTAINER}: running, for a hang does not show there",
            )
        return TargetState(Condition.RUNNING, started_at=self._server.started_at)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        """Restart the process; raises RestartError."""
        self._facts.note(Turn.RESTARTING)
        try:
            self._server.restart()
        except ServerError as error:
            raise RestartError(str(error)) from None
        self._facts.note(Turn.RESTARTED)
        self._timeline.say(Who.SERVER, f"is started again, as process {self._server.pid}")


_TURNS = {
    Topic.OPENED: Turn.OPENED,
    Topic.RECOVERED: Turn.RECOVERED,
    Topic.ESCALATED: Turn.ESCALATED,
}


class ToldNotifier:
    """Delivers through the real notifier, and notes which turn of the story has arrived."""

    def __init__(self, notifier: GotifyNotifier, inbox: Inbox, facts: Facts) -> None:
        self._notifier = notifier
        self._inbox = inbox
        self._facts = facts

    def send(self, message: Message, deadline: Deadline) -> None:
        """Deliver `message`; raises DeliveryError."""
        self._notifier.send(message, deadline)
        turn = _TURNS.get(message.topic)
        if turn is not None:
            self._facts.note(turn, self._inbox.last_arrival)


class ToldStore(MemoryStore):
    """Keeps all in memory, and tells how each round went."""

    def __init__(self, facts: Facts, timeline: Timeline) -> None:
        super().__init__()
        self._facts = facts
        self._timeline = timeline

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Keep the readings of one round, and show their count."""
        super().record(readings, now)
        well = [reading for reading in readings if reading.verdict is Verdict.PASS]
        count = f"{len(well)} of {len(readings)} services answer"
        slowest = max((reading.seconds for reading in well), default=0.0)
        if len(well) == len(readings):
            self._timeline.say(
                Who.MAILWATCH, f"{count}, the slowest in {1000 * slowest:.0f} ms", Tone.GOOD
            )
            # The conversations are held side by side, so the slowest spans the round.
            self._facts.note(Turn.WELL, now.steady - slowest)
        else:
            self._timeline.say(Who.MAILWATCH, count, Tone.BAD)


class ToldJournal(Journal):
    """Takes what the daemon would write to the journal, word for word, into the timeline.

    Of each single service only the failed attempts are shown: how a round ended is told by its
    count.
    """

    def __init__(self, timeline: Timeline, services: Sequence[str]) -> None:
        super().__init__(io.StringIO(), journald=False)
        self._timeline = timeline
        self._services = tuple(services)
        self._silent = False

    def silence(self) -> None:
        """Take nothing more: the story is over, and the daemon is being ended."""
        self._silent = True

    def write(self, level: Level, text: str) -> None:
        """Show `text` if its level is high enough."""
        if level > self.level or self._silent:
            return
        alike = ""
        if text.startswith(self._services):
            if level is not Level.WARNING:
                return
            alike = "attempt"
        tone = Tone.BAD if level <= Level.ERROR else Tone.PLAIN
        self._timeline.say(Who.MAILWATCH, text, tone, at=time.monotonic(), alike=alike)


def patience() -> str:
    """Return the floor of a detection in words, `2 x 1 s + 1 x 0.5 s`."""
    attempts = POLICY.attempts
    pauses = attempts.retries - 1
    return (
        f"{attempts.retries} x {duration(attempts.timeout_s)} + "
        f"{pauses} x {duration(attempts.delay_s)}"
    )
