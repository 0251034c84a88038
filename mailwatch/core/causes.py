"""What is known of each cause of an outage without the evidence for it: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.say import TEMPLATES, say

BAN = "ban"
"""The code of a cause that tells of a ban; one that a server has told of is `ban-by-server`."""


class Restart(StrEnum):
    """What a restart of the mail server does about a cause."""

    CURES = "cures it"
    HELPS = "helps for a while"
    NEVER = "does not cure it"


class Confidence(StrEnum):
    """How a cause came to be known."""

    SEEN = "seen"
    """The server, the kernel or the engine says so."""
    INFERRED = "inferred"
    """What was seen is explained by it, and may have another reason."""


SEEN: Mapping[str, str] = {"confidence": Confidence.SEEN.value}
"""An argument of a cause that is better known than its kind."""

INFERRED: Mapping[str, str] = {"confidence": Confidence.INFERRED.value}
"""An argument of a cause that is less known than its kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One cause: what is seen of it, and what a restart does about it."""

    seen: str
    """A clause for the manual page: `the server's log names ...`."""
    restart: Restart
    confidence: Confidence = Confidence.SEEN
    passes: bool = False
    """Whether it is a limit: it may pass by itself, and others are served meanwhile."""


_CURES, _HELPS, _NEVER = Restart.CURES, Restart.HELPS, Restart.NEVER
_INFERRED = Confidence.INFERRED

KINDS: Mapping[str, Kind] = {
    # the container and its host
    "accept-queue-full": Kind("the kernel counts connections that nobody accepts", _HELPS),
    "conntrack-full": Kind("the host's count of tracked connections", _NEVER, _INFERRED),
    "disk-full": Kind("the free bytes of a file system", _NEVER, _INFERRED),
    "docker-hung": Kind("the engine does not answer", _NEVER, _INFERRED),
    "filtered": Kind("a rule of the packet filter that counts what it drops", _NEVER, _INFERRED),
    "last-words": Kind("the last error in its log, if nothing better is known", _CURES, _INFERRED),
    "no-descriptors": Kind("the host's count of open files", _HELPS),
    "no-inode-left": Kind("the free inodes of a file system", _NEVER, _INFERRED),
    "open-files-full": Kind("a process's count of open files, and its limit", _HELPS),
    "no-network": Kind("the networks of the container", _NEVER),
    "no-process-left": Kind("the container's count of processes", _HELPS),
    "not-running": Kind("the state of the container", _CURES),
    "nothing-listens": Kind("the sockets of the container", _CURES),
    "nothing-listens-for": Kind("the sockets of the container", _CURES),
    "out-of-memory": Kind("the kernel's count of processes that it ended", _HELPS),
    "paused": Kind("the state of the container", _NEVER, _INFERRED),  # what it is may have changed
    "ports-not-published": Kind("the published ports of the container", _NEVER, _INFERRED),
    "read-only": Kind("the mounts of the container", _NEVER),
    "slow-dns": Kind("the time that a check spent on its name", _NEVER, _INFERRED),
    "stalled": Kind("the kernel's figures of pressure", _HELPS, _INFERRED),
    "stopped-processes": Kind("the state of the container's processes", _CURES),
    "stuck-processes": Kind("the state of the container's processes, twice", _HELPS, _INFERRED),
    "stuck-threads": Kind("the state of the container's threads, twice", _HELPS, _INFERRED),
    "syn-flood": Kind("the kernel's count of SYN cookies", _NEVER, _INFERRED),
    "tls-times-out": Kind("the phase in which every check ends", _CURES, _INFERRED),
    # who is turned away
    BAN: Kind("all is dropped at once while the container listens", _NEVER, _INFERRED),
    "ban-by-server": Kind("the server's log names our address", _NEVER),
    "server-limits-us": Kind("the server's log names our address", _NEVER, passes=True),
    "server-listener-full": Kind("the server's log names the listener", _HELPS, passes=True),
    "server-process-limit": Kind("the server's log names the service", _HELPS, passes=True),
    # what the server lacks
    "server-no-files": Kind("the server's log: too many open files", _HELPS),
    "server-no-memory": Kind("the server's log: no memory to be had", _HELPS),
    "server-no-process": Kind("the server's log: no process can be started", _HELPS),
    "server-port-taken": Kind("the server's log: an address is in use", _HELPS),
    # its store
    "server-backend-fails": Kind("the server's log has errors of a database", _HELPS, _INFERRED),
    "server-mailbox-damaged": Kind("the server's log names a mailbox", _NEVER, _INFERRED),
    "server-store-corrupt": Kind("the server's log calls its store damaged", _NEVER),
    "server-store-full": Kind("the server's log: no space left", _NEVER),
    "server-store-locked": Kind("the server's log calls its store locked", _NEVER),
    "server-store-missing": Kind("the server's log: its store cannot be opened", _NEVER),
    "server-store-read-only": Kind("the server's log: a read-only file system", _NEVER),
    # its files
    "server-bootstrap": Kind("the server's log: it waits to be set up", _NEVER),
    "server-certificate-unusable": Kind("the server's log names it", _NEVER, _INFERRED),
    "server-config-damaged": Kind("the server's log names its configuration", _NEVER),
    "server-no-permission": Kind("the server's log names what it may not open", _NEVER),
    "server-recovery-mode": Kind("the server's log: it is in recovery mode", _NEVER),
    "server-signatures-unusable": Kind("the scanner's log names them", _NEVER, _INFERRED),
    # its parts
    "server-crashed": Kind("the server's log tells of a crash", _CURES, _INFERRED),
    "server-part-ended": Kind("the supervisor's log: a part has ended", _CURES),
    "server-part-failed": Kind("the supervisor's log: it gave a part up", _HELPS),
    "server-part-silent": Kind("the server's log: a part of it does not answer", _CURES),
    "server-told-to-stop": Kind("the server's log: a signal", _CURES, _INFERRED),
}
"""Every cause by its code; one of a plug-in of others need not be here."""

_UNKNOWN = Kind("", Restart.HELPS, Confidence.INFERRED)


def kind(cause: Fact) -> Kind:
    """Return what is known of `cause` by its code."""
    return KINDS.get(cause.code, _UNKNOWN)


def is_ban(cause: Fact) -> bool:
    """Whether `cause` tells of a ban."""
    return cause.code == BAN or cause.code.startswith(f"{BAN}-by-")


def is_seen(cause: Fact) -> bool:
    """Whether `cause` was seen, and not only inferred."""
    return (cause.get("confidence") or kind(cause).confidence) == Confidence.SEEN


def is_incurable(cause: Fact) -> bool:
    """Whether `cause` was seen and no restart cures it, nor time alone; a ban has its own rules."""
    about = kind(cause)
    lasts = about.restart is Restart.NEVER and not about.passes
    return is_seen(cause) and lasts and not is_ban(cause)


def line(cause: Fact) -> str:
    """Return `cause` for a person: ASCII, at most 160 characters, without a full stop."""
    return say(fact("cause-line", cause=cause))


def cure(cause: Fact) -> Fact:
    """Return what a person can do about `cause`, a sentence; NOTHING where nobody knows."""
    known = f"cure-{cause.code}" in TEMPLATES
    return fact(f"cure-{cause.code}", **dict(cause.args)) if known else NOTHING
