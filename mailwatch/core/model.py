"""The values that mailwatch speaks of: what a probe read, what a target is, what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, TypeAlias

from mailwatch.core.facts import NOTHING, Fact, fact

Steady: TypeAlias = Annotated[float, "steady"]
"""A moment on the steady clock that stands alone; it means something within one boot."""


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks, taken at the door and handed down.

    `steady` is in seconds since the host booted and never jumps: every duration is computed
    from it. `wall` is in seconds since 1970 (UTC) and may jump: it is only shown and stored.
    """

    steady: float
    wall: float


class Verdict(StrEnum):
    """What one check says about a service."""

    PASS = "pass"
    FAIL = "fail"
    UNMEASURED = "unmeasured"
    """We could not look; this says nothing about the service."""


class Fault(StrEnum):
    """The ways in which a service fails, told apart because their cures differ."""

    REFUSED = "refused"
    """Nothing listens on the port."""
    TIMEOUT = "timeout"
    """The connection, or a later step of the conversation, took too long."""
    SILENT = "silent"
    """Connected, but no greeting came: the usual sign of a hang."""
    DROPPED = "dropped"
    """Connected, then closed before a single byte: the usual sign of a ban or a limit."""
    RESET = "reset"
    """The peer broke off the connection in the middle of the conversation."""
    TLS = "tls"
    """The TLS handshake failed."""
    REJECTED = "rejected"
    """A peer that is well turned this host away: a ban or a limit, in words."""
    PROTOCOL = "protocol"
    """The peer answered something that its protocol does not allow, or said no."""
    STATUS = "status"
    """HTTP answered with a status that does not count as life."""
    RULE = "rule"
    """The peer is alive, but not as the admin's rule for it wants."""
    CERTIFICATE = "certificate"
    """The certificate was refused by verification."""
    AUTHENTICATION = "authentication"
    """The peer refused the credentials."""
    QUEUE = "queue"
    """More mail waits in the queue than should."""
    COMMAND = "command"
    """A command of the admin's own said that something is wrong."""
    DNS = "dns"
    """The name system sends nobody's mail to this server."""
    DELIVERY = "delivery"
    """A message of our own was refused, or did not arrive in time."""


class Offence(StrEnum):
    """What of a check a server may hold against this host, and ban it for."""

    LOGIN = "login"
    """A login that was refused."""
    COMMAND = "command"
    """A command that was refused or not understood, of settings that may be wrong."""
    MISMATCH = "mismatch"
    """Words of another protocol than the port speaks, or of none where it speaks TLS."""
    INTRUSION = "intrusion"
    """TLS or HTTP, sent to a plain mail port: it counts every line of it."""


class Mask(StrEnum):
    """What made a failure look like another, where a look at the target has found it out."""

    PROXY = "proxy"
    """Docker's proxy accepted where nothing listens behind it, and dropped us as a ban does."""
    FILTER = "filter"
    """A packet filter swallowed what we sent, so that a server which listens seemed to hang."""


class Phase(StrEnum):
    """The steps of a conversation whose seconds are kept, in their order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    DIALOGUE = "dialogue"
    SUBMIT = "submit"
    """Of a canary: the whole conversation that submits it."""
    ARRIVE = "arrive"
    """Of a canary: from its submission until it was in the mailbox."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of one check of one service.

    `service` is the service's key, `NAME:PORT`, or `NAME` where it is no port. `detail` says more
    of a failure, and is NOTHING for a pass. `phases` maps the phases that were reached to their
    seconds, the last one being where a failure happened. `certificate_expires` is in seconds
    since 1970 where a certificate was seen: when the first of its chain does, whose name is
    `certificate_authority` where it is not the server's own. `certificate_signed` counts those of
    the chain that somebody else has signed: 0 where the server signs for itself. One that is
    `remembered` is that of an earlier check, which holds until the next is due. No probe knows of a
    `mask`: where there is one, `fault` and `detail` are those of what was behind it.
    """

    service: str
    verdict: Verdict
    fault: Fault | None = None
    detail: Fact = NOTHING
    phases: Mapping[str, float] = field(default_factory=dict)
    certificate_expires: float | None = None
    certificate_authority: str = ""
    certificate_signed: int | None = None
    remembered: bool = False
    mask: Mask | None = None
    offence: Offence | None = None
    """What of this very check the server may hold against us."""

    def __post_init__(self) -> None:
        if (self.fault is not None) != (self.verdict is Verdict.FAIL):
            raise ValueError("a failed reading has a fault, and no other reading has one")

    @property
    def portless(self) -> bool:
        """Whether no port was asked, so that it says nothing on whether the server hears us."""
        return self.remembered or ":" not in self.service

    @property
    def port(self) -> int | None:
        """The port that was asked, None where it was no port."""
        number = self.service.rpartition(":")[2]
        return None if self.portless or not number.isdecimal() else int(number)

    @property
    def seconds(self) -> float:
        """How long the conversation took in all, in seconds."""
        return sum(self.phases.values())


class Condition(StrEnum):
    """What the target of a restart is doing, as far as that matters for restarting it."""

    RUNNING = "running"
    STARTING = "starting"
    """Being started or restarted right now, or in Docker's health `starting`."""
    STOPPED = "stopped"
    """Somebody stopped it: an event or a record shows the order."""
    ENDED = "ended"
    """It ended as on request, and nothing shows whether anybody asked."""
    PAUSED = "paused"
    """Somebody froze it with `docker pause`."""
    REMOVING = "removing"
    CRASHED = "crashed"
    OOM_KILLED = "oom-killed"
    REMOVED = "removed"
    """Somebody removed it: an event shows the order."""
    MISSING = "missing"
    """It is not there, and nothing shows that anybody wanted that."""
    DENIED = "denied"
    """We may not talk to the engine."""
    UNREACHABLE = "unreachable"
    """The engine does not answer, so the state is not known."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a restarter found when it looked at its target.

    `detail` is what a person should know beside that, NOTHING where that is all. `started_at` and
    `finished_at` are in seconds since 1970, None where the target never started or never ended.
    `identity` names this incarnation of the target (an id of its engine's), and is never used to
    address it. `seen_as` is the address that the target sees for connections from this host,
    or several joined by `or`, empty where it is not known. `listens` maps TCP ports of this host
    that lead to the target to whether anything listens there in the target; it lacks each port
    of which that is not known for certain. `elsewhere` are those that lead to something else, a
    proxy in front of several servers perhaps; a port of which nobody knows is not among them.
    `unheard` are those where something listens in the target, and a packet filter lets nothing
    of this host's through to it. `runs_for_s` is how long it has run by a clock that nobody sets,
    None where that is not known. One that is a `guest` is in the network of another target, whose
    ports and connections are not its own. `starts_within_s` is how long its own settings let it
    take to start, 0 where they do not say; `stops_later_s` is how much longer than the settings of
    its restarter they let it take to end. Its `sharers` are other targets in its network, which a
    restart cuts off from it. `record` is what the restarter has read, in its own
    form, for who completes the look; it is never kept, compared or shown.
    """

    condition: Condition
    detail: Fact = NOTHING
    started_at: float | None = None
    finished_at: float | None = None
    identity: str = ""
    seen_as: str = ""
    listens: Mapping[int, bool] = field(default_factory=dict)
    elsewhere: frozenset[int] = frozenset()
    unheard: frozenset[int] = frozenset()
    runs_for_s: float | None = None
    record: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)
    guest: bool = False
    starts_within_s: float = 0.0
    stops_later_s: float = 0.0
    sharers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What gets restarted: the `kind` is the restarter's, the `name` is the target's there."""

    kind: str
    name: str

    @property
    def key(self) -> str:
        """What it is stored and compared by: `docker:stalwart`."""
        return f"{self.kind}:{self.name}"

    @property
    def called(self) -> Fact:
        """What a person calls it; its restarter brings the template."""
        return fact(f"target-{self.kind}", name=self.name)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where services are asked, for which a restarter's map of ports is made."""

    ports: frozenset[int] = frozenset()
    """The TCP ports that are asked on this host's loopback."""
    hosts: frozenset[str] = frozenset()
    """The hosts whose services are asked by the address of the connection."""
    introduced: frozenset[str] = frozenset()
    """The hosts at whose ports a PROXY header of version 1 says who asks."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a restarter says of its target without looking at it.

    `look` is the command that shows the target's own log, empty where there is none.
    """

    target: Target
    look: str = ""
