"""The doctor's look at Docker: the socket, the engine, the container, and what it publishes."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.core.text import duration, join_words, printable
from mailwatch.docker import record as record_of
from mailwatch.docker.container import Container
from mailwatch.docker.faults import EngineFault, denied
from mailwatch.docker.neighbours import is_stranded, orphans, sharers
from mailwatch.docker.network import Published, host_of, published, shares_host_network
from mailwatch.docker.record import Record
from mailwatch.docker.source_address import seen_as
from mailwatch.host.account import READ, WRITE
from mailwatch.host.clocks import clock_text
from mailwatch.host.ground import AskedPort, Ground

ENGINE_S = 10.0
"""How long the engine may take for one answer."""

HIDDEN = ("/home", "/root", "/run/user")
"""What ProtectHome=yes hides (systemd.exec(5))."""

_LEFT_ALONE = frozenset({Condition.STOPPED, Condition.ENDED, Condition.PAUSED, Condition.REMOVING})
_NOT_KNOWN = frozenset({Condition.DENIED, Condition.UNREACHABLE})


def examine(socket: str, name: str, stop_timeout_s: int, ground: Ground) -> Iterator[Diagnosis]:
    """Give one finding after the other; an engine that cannot be asked is told once."""
    yield replace(socket_access(socket, ground), check="socket")
    try:
        yield replace(engine(socket, name), check="engine")
    except EngineFault as fault:
        yield replace(problem(str(fault)), check="engine")
        return
    target = ground.target
    yield replace(container(name, target), check="container")
    if target.record:
        for found in (
            *own_times(name, target.record, stop_timeout_s, ground.start_grace_s),
            *neighbours(socket, name, target.record),
        ):
            yield replace(found, check="container")
    if target.condition is Condition.RUNNING:
        yield from (replace(found, check="log") for found in log(socket, name))
    if target.record and target.started_at:
        for found in ports(name, target.record, ground):
            yield replace(found, check="ports")


def engine(socket: str, name: str) -> Diagnosis:
    """Return that the engine and the SDK of this host understand each other; raises EngineFault."""
    with closing(Container(socket, name)) as asked:
        versions = asked.versions(Deadline.after(ENGINE_S, time.monotonic))
    engine, api, sdk = (printable(versions[key], 40) for key in ("engine", "api", "sdk"))
    return ok(f"Docker engine {engine} and SDK {sdk} understand each other (API {api}).")


def container(name: str, target: TargetState) -> Diagnosis:
    """Return whether the container that is to be restarted is there, by that name, and runs."""
    told = say(target.detail, clock_text)
    if target.condition in _NOT_KNOWN:
        return problem(f"The state of container {name} is not known. {told}")
    if target.condition in (Condition.MISSING, Condition.REMOVED):
        return problem(told)
    if target.condition in _LEFT_ALONE:
        return warning(f"{told} mailwatch leaves it alone until it runs.")
    if target.condition is Condition.RUNNING and not target.detail:
        return ok(f"Container {name} runs.")
    return warning(
        told or f"Container {name} is {target.condition}.",
        f"See `docker ps -a` and `docker logs --tail 50 {name}`.",
    )


def own_times(
    name: str, record: Record, stop_timeout_s: int, start_grace_s: float
) -> Iterator[Diagnosis]:
    """Give where the container's own time to stop or to start is another than ours."""
    own_s = record_of.stop_timeout_s(record)
    if own_s == record_of.LONGEST_STOP_S > stop_timeout_s:
        yield warning(
            f"The stop_grace_period of {name} is {duration(own_s)} or without an end, so mail "
            "may be down for so long when a server that hangs is restarted.",
            "Give the container the time that it really needs to stop.",
        )
    elif own_s and own_s != stop_timeout_s:
        yield _longer_counts(name, ("stop_grace_period", own_s), ("stop_timeout_s", stop_timeout_s))
    start_s = record_of.start_period_s(record)
    if start_s > start_grace_s:
        yield _longer_counts(name, ("start_period", start_s), ("start_grace_s", start_grace_s))


def _longer_counts(name: str, own: tuple[str, float], ours: tuple[str, float]) -> Diagnosis:
    longer = max(own[1], ours[1])
    return ok(
        f"The {own[0]} of {name} is {duration(own[1])} and {ours[0]} is {duration(ours[1])}: the "
        f"longer counts, {duration(longer)}."
    )


def neighbours(socket: str, name: str, record: Record) -> Iterator[Diagnosis]:
    """Give what shares the container's network, and whose network is gone."""
    try:
        with closing(Container(socket, name)) as asked:
            others = asked.all(Deadline.after(ENGINE_S, time.monotonic))
    except EngineFault as fault:
        yield warning(f"What shares the network of {name} cannot be seen. {fault}")
        return
    if is_stranded(host_of(record), others):
        yield problem(
            f"{name} is to be in the network of a container that is gone, so no restart can "
            "succeed.",
            f"Create {name} anew: `docker compose up -d --force-recreate`.",
        )
    if found := sharers(record, others):
        who, them = join_words(list(found)), "them" if len(found) > 1 else "it"
        yield warning(
            f"A restart of {name} cuts off what shares its network: {who}.",
            f"After each restart of {name}, restart {them} as well: "
            f"`docker restart {' '.join(found)}`.",
        )
    if lost := orphans(record, others):
        them = "them" if len(lost) > 1 else "it"
        yield warning(
            f"The network that {join_words(list(lost))} shared went with a container that is gone.",
            f"Create {them} anew: `docker compose up -d --force-recreate`.",
        )


def log(socket: str, name: str) -> Iterator[Diagnosis]:
    """Give what to do where the engine keeps no line of the container; causes stand in its log."""
    try:
        with closing(Container(socket, name)) as asked:
            written = asked.log(0, Deadline.after(ENGINE_S, time.monotonic))
    except EngineFault as fault:  # a log driver that keeps nothing to be read, say
        yield warning(f"`docker logs {name}` cannot be read. {say(fault.reason)}")
        return
    if not written.strip():
        yield warning(
            f"`docker logs {name}` is empty, so the server's own words cannot name a cause.",
            "Let it log to standard output: Stalwart (which logs to a file inside as installed) "
            "by a Tracer of type Stdout, Postfix by maillog_file = /dev/stdout, Dovecot by "
            "log_path = /dev/stdout.",
        )


def socket_access(socket: str, ground: Ground) -> Diagnosis:
    """Return whether the service, not whoever runs this, may use the socket of the engine."""
    path, shown = Path(socket), printable(socket)
    account, unit = ground.account, ground.unit
    name = printable(account.name)
    if not account.exists:
        return problem(
            f"The service is to run as user {name}, who does not exist.",
            "Install the package anew, or run `systemd-sysusers`.",
        )
    try:
        allowed = account.may(path, READ | WRITE)
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return problem(say(fact("socket-absent", socket=shown)))
    except OSError:
        allowed = None
    if allowed is None:
        return warning(
            f"Whether user {name} may use {shown} cannot be seen from here.", "Run this as root."
        )
    if not stat.S_ISSOCK(mode):
        return problem(say(fact("socket-no-socket", socket=shown)))
    hidden = [tree for tree in HIDDEN if path.resolve().is_relative_to(tree)]
    if hidden and unit is not None and unit["ProtectHome"] == "yes":
        return problem(
            f"{shown} is below {hidden[0]}, which the unit hides from the service.",
            "Set ProtectHome=no in `systemctl edit mailwatch`, or use a socket elsewhere.",
        )
    if allowed:
        return ok(f"User {name} may use {shown}.")
    why = denied(socket, name)
    if unit is None and why.code == "socket-needs-group":
        return problem(
            f"User {name} may not use {shown}.",
            f"Run `usermod -aG {printable(str(why.get('group')))} {name}`, and log in anew.",
        )
    return problem(say(why))


def ports(name: str, record: Record, ground: Ground) -> Iterator[Diagnosis]:
    """Give what is asked and not published, published and not watched, and our address."""
    asked = ground.asked_ports
    if not shares_host_network(record):
        open_ports = published(record)
        local = [one for one in asked if one.on_loopback]
        unmatched = [found for one in local for found in _not_reached(one, open_ports, name)]
        yield from unmatched
        if local and not unmatched:
            yield ok(f"Every port that is asked on this host is one that {name} publishes.")
        yield from _not_watched(ground, open_ports, name)
    if address := seen_as(record, ground.asked.hosts, ground.asked.introduced):
        yield ok(
            f"{name} sees mailwatch as {address}: allow-list that in the mail server, "
            "which may ban an address that connects so often."
        )


def _not_reached(
    asked: AskedPort, open_ports: Sequence[Published], name: str
) -> Iterator[Diagnosis]:
    same = [port for port in open_ports if port.host_port == asked.port]
    if not same:
        yield warning(
            f"{name} does not publish port {asked.port}, so restarting the container "
            f"cannot help {asked.service}.",
            "Publish the port, correct it in [[services]], or correct [restart] container.",
        )
    elif not any(port.on_loopback for port in same):
        others = join_words([printable(port.host_address, 64) for port in same])
        yield warning(
            f"{asked.service} is asked at {asked.host}, but {name} publishes that port at "
            f"{others} only.",
            "Set host of this service to that address.",
        )


def _not_watched(ground: Ground, open_ports: Sequence[Published], name: str) -> Iterator[Diagnosis]:
    watched = {one.port for one in ground.asked_ports}
    known = {port.host_port: ground.well_known.get(port.container_port) for port in open_ports}
    for port, service in known.items():
        if service is not None and port not in watched:
            yield warning(
                f"{name} publishes port {port} ({service}), which nobody watches.",
                f'Add [[services]] with name = "{service}" and port = {port}, or ignore this.',
            )
