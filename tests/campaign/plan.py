"""What one night is to be: its scenario, its numbers, and how mailwatch dies in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class At(StrEnum):
    """What the number of a death counts."""

    CALL = "call"
    """Edges of calls that cross a seam, from the start of the life."""
    PEER = "peer"
    """Points that the container and the inbox reach, from the start of the life."""
    MOMENT = "moment"
    """Seconds of the life."""


@dataclass(frozen=True)
class Death:
    """How one life ends, if it reaches that; with `reboot` the host goes down with it."""

    at: At
    number: float
    reboot: bool = False


@dataclass(frozen=True)
class Plan:
    """One night; the last life, after all deaths, goes on to its end."""

    scenario: str
    deaths: tuple[Death, ...] = ()
    statements: bool = False
    """Whether each SQL statement counts as a call."""
    seed: int = 0

    @property
    def words(self) -> str:
        """The plan as `campaign.py --replay` takes it."""
        deaths = ",".join(
            f"{death.at}:{death.number:g}{'+reboot' if death.reboot else ''}"
            for death in self.deaths
        )
        return f"{self.scenario}/{'statements' if self.statements else 'calls'}/{deaths}"


def read(words: str) -> Plan:
    """Return the plan of these words; raises ValueError."""
    scenario, grain, deaths = words.split("/")
    found = []
    for death in filter(None, deaths.split(",")):
        at, _, rest = death.partition(":")
        number, _, reboot = rest.partition("+")
        found.append(Death(At(at), float(number), bool(reboot)))
    return Plan(scenario, tuple(found), grain == "statements")


POLICY: dict[str, object] = {
    "interval_s": 0.1,
    "attempts": {"retries": 2, "timeout_s": 2.0, "delay_s": 0.02},
    "restart_limit_s": 1.0,
    "settle_s": 0.05,
    "verify_timeout_s": 2.0,
    "verify_for_s": 0.6,
    "verify_every_s": 0.05,
    "backoff_s": 1.5,
    "backoff_max_s": 2.0,
    # An attempt that was cut off before Docker heard of it counts too, and each death may be one.
    "max_restarts": 9,
    "window_s": 600.0,
    "cooldown_s": 0.8,
    "start_grace_s": 0.5,
    "boot_grace_s": 0.0,
    "smtp_per_second": 0,
    "remind_every_s": 0.0,
}
"""The admin's numbers, small enough that a night takes a second or two."""


@dataclass
class Result:
    """What became of one night."""

    plan: Plan
    seconds: float = 0.0
    deaths: int = 0
    """How many of the plan's deaths came to pass."""
    calls: int = 0
    """How many calls the longest life counted."""
    peers: int = 0
    faults: list[str] = field(default_factory=list)
    """Every promise that was broken, in words."""
    story: str = ""
    """What happened, in order, for a person to read; only where there are faults."""
