"""What the daemon reaches the world through, and what of it an installed mailwatch uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mailwatch.config.model import Config
from mailwatch.evidence.subject import Examiner
from mailwatch.host.journal import Journal
from mailwatch.notifiers import Notifier
from mailwatch.notifiers import catalogue as notifiers
from mailwatch.restarters import Restarter
from mailwatch.restarters import catalogue as restarters
from mailwatch.service.recovery import AddPorts, as_seen
from mailwatch.store import files
from mailwatch.store.base import Store
from mailwatch.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Adapters:
    """What the daemon reaches the world through; the demo and the tests bring their own."""

    restarter: Callable[[Config], Restarter]
    channels: Callable[[Config], Mapping[str, Notifier]]
    """The notifiers, by the names that their messages have in the outbox."""
    store: Callable[[Config], Store]
    examiner: Callable[[Config], Callable[[], Examiner] | None] = lambda _config: None
    """What the black box looks through, None where it has nothing to look at."""
    add_ports: Callable[[Config], AddPorts] = lambda _config: as_seen
    """What adds to a state of the target what is known of the ports that lead to it."""


def real_world(journal: Journal) -> Adapters:
    """Return what an installed mailwatch uses."""

    def store(config: Config) -> Store:
        runtime = os.environ.get("RUNTIME_DIRECTORY")
        return SqliteStore(
            config.state_directory,
            journal.warning,
            runtime=Path(runtime) if runtime else None,
            claim=partial(files.lock, config.state_directory),
        )

    return Adapters(
        restarter=lambda config: restarters.build(config.restart),
        channels=lambda config: {
            one.name: notifiers.build(one, journal) for one in config.channels
        },
        store=store,
        examiner=lambda config: restarters.examiner(config.restart),
        add_ports=lambda config: partial(restarters.add_ports, config.restart, config.asked),
    )
