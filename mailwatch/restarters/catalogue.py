"""The catalogue of restarters: a new kind of target is one file and one row here.

The module of a restarter offers `RESTARTER`, which is made from its `Settings` (these say in
`longest_restart_s` how long a restart may take at most); `KEYS`; and in `SENTENCES` the template
`target-KIND`, what a person calls a target of that kind. It may offer `examiner(settings)`, what
the black box looks through; `examine(settings, ground)`, its check in the doctor; and, for a
target on this host, `add_ports(state, asked, deadline)`, which returns `state` with `listens`,
`elsewhere`, `unheard` and `seen_as`, in time and without raising.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis
from mailwatch.core.facts import fact
from mailwatch.core.model import Asked, TargetState
from mailwatch.core.say import say
from mailwatch.host.ground import Ground
from mailwatch.restarters import Restarter

RESTARTERS = Catalogue("restarter", (Row("docker", "mailwatch.restarters.docker"),))

USUAL = RESTARTERS.names()[0]
"""The kind that restarts where nobody says which."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The restarter that is in force, and its settings."""

    kind: str
    settings: Any

    @property
    def longest_restart_s(self) -> float:
        """How long (seconds) a restart may take at most."""
        return float(self.settings.longest_restart_s)

    def __str__(self) -> str:
        """Return what a person calls the target."""
        target = build(self).describe().target
        return say(fact(f"target-{target.kind}", name=target.name))


def build(chosen: Chosen) -> Restarter:
    """Return the restarter."""
    return cast(Restarter, RESTARTERS.load(chosen.kind).RESTARTER(chosen.settings))


def add_ports(chosen: Chosen, asked: Asked, state: TargetState, deadline: Deadline) -> TargetState:
    """Return `state` with what is known of the ports of this host that lead to the target."""
    own = _offered(chosen, "add_ports")
    return state if own is None else cast(TargetState, own(state, asked, deadline))


def examiner(chosen: Chosen) -> Callable[[], Any] | None:
    """Return what makes an examiner of the target, None where the black box sees nothing of it."""
    own = _offered(chosen, "examiner")
    return None if own is None else lambda: own(chosen.settings)


def examine(chosen: Chosen, ground: Ground) -> Iterator[Diagnosis]:
    """Give what the restarter's own check finds; none may have one."""
    own = _offered(chosen, "examine")
    if own is not None:
        yield from own(chosen.settings, ground)


def _offered(chosen: Chosen, name: str) -> Callable[..., Any] | None:
    return getattr(RESTARTERS.load(chosen.kind), name, None)
