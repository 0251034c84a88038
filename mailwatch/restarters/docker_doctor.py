"""The doctor's look at Docker: the socket, the engine, the container, and what it publishes."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.core.text import join_words, printable
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.network import Published, published, shares_host_network
from mailwatch.docker.settings import DockerSettings
from mailwatch.docker.source_address import seen_as
from mailwatch.host.account import READ, WRITE, group_name
from mailwatch.host.ground import AskedPort, Ground

ENGINE_S = 10.0
"""How long the engine may take for one answer."""

HIDDEN = ("/home", "/root", "/run/user")
"""What ProtectHome=yes hides (systemd.exec(5))."""

_LEFT_ALONE = frozenset({Condition.STOPPED, Condition.PAUSED, Condition.REMOVING})
_NOT_KNOWN = frozenset({Condition.DENIED, Condition.UNREACHABLE})


def examine(settings: DockerSettings, ground: Ground) -> Iterator[Diagnosis]:
    """Give one finding after the other; an engine that cannot be asked is told once."""
    for found in socket_access(settings, ground):
        yield replace(found, check="socket")
    try:
        versions, record = _ask_engine(settings)
    except EngineFault as fault:
        yield replace(problem(str(fault)), check="engine")
        return
    yield replace(engine(versions), check="engine")
    yield replace(container(settings.container, ground.target), check="container")
    if record is not None and ground.target.started_at:
        for found in ports(settings.container, record, ground):
            yield replace(found, check="ports")


def _ask_engine(settings: DockerSettings) -> tuple[Mapping[str, str], Mapping[str, Any] | None]:
    """Return the versions of the engine (`engine`, `api`) and of the SDK (`sdk`), and the record.

    The container's own record is None where there is none of that name. Raises EngineFault.
    """
    deadline = Deadline.after(ENGINE_S, time.monotonic)
    link = Link(settings.socket)
    try:
        engine = link.engine(deadline)
        versions = {**engine.versions(deadline), "sdk": engine.sdk_version}
        found = engine.container(settings.container, deadline)
    finally:
        link.close()
    named = found is not None and found.get("Name") == f"/{settings.container}"
    return versions, found if named else None


def engine(versions: Mapping[str, str]) -> Diagnosis:
    """Return that the engine and the SDK of this host understand each other."""
    engine, api, sdk = (printable(versions[key], 40) for key in ("engine", "api", "sdk"))
    return ok(f"Docker engine {engine} and SDK {sdk} understand each other (API {api}).")


def container(name: str, target: TargetState) -> Diagnosis:
    """Return whether the container that is to be restarted is there, by that name, and runs."""
    if target.condition in _NOT_KNOWN:
        return problem(f"The state of container {name} is not known. {say(target.detail)}")
    if target.condition is Condition.MISSING:
        return problem(say(target.detail))
    if target.condition in _LEFT_ALONE:
        return warning(f"{say(target.detail)} mailwatch leaves it alone until it runs.")
    if target.condition is Condition.RUNNING and not target.detail:
        return ok(f"Container {name} runs.")
    return warning(
        say(target.detail) or f"Container {name} is {target.condition}.",
        f"See `docker ps -a` and `docker logs --tail 50 {name}`.",
    )


def socket_access(settings: DockerSettings, ground: Ground) -> Iterator[Diagnosis]:
    """Give whether the service, not whoever runs this, may use the socket of the engine."""
    path = Path(settings.socket)
    account, unit = ground.account, ground.unit
    shown, name = printable(str(path)), printable(account.name)
    if not account.exists:
        yield problem(
            f"The service is to run as user {name}, who does not exist.",
            "Install the package anew, or run `systemd-sysusers`.",
        )
        return
    try:
        allowed = account.may(path, READ | WRITE)
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield problem(
            f"There is no Docker socket at {shown}.",
            "Start Docker with `systemctl start docker`, or correct [restart] socket.",
        )
        return
    except OSError:
        allowed = None
    if allowed is None:
        yield warning(
            f"Whether user {name} may use {shown} cannot be seen from here.", "Run this as root."
        )
        return
    if not stat.S_ISSOCK(there.st_mode):
        yield problem(
            f"{shown} is not a socket.",
            "Correct [restart] socket, or remove what is there and restart Docker.",
        )
        return
    where = path.resolve()
    hidden = [tree for tree in HIDDEN if where.is_relative_to(tree)]
    if hidden and unit is not None and unit["ProtectHome"] == "yes":
        yield problem(
            f"{shown} is below {hidden[0]}, which the unit hides from the service.",
            "Set ProtectHome=no in `systemctl edit mailwatch`, or use a socket elsewhere.",
        )
    elif allowed:
        yield ok(f"User {name} may use {shown}.")
    else:
        group = printable(group_name(there.st_gid))
        mode = stat.S_IMODE(there.st_mode)
        yield problem(
            f"User {name} may not use {shown} (group {group}, mode {mode:04o}).",
            _socket_cure(ground, name, group, mode),
        )


def _socket_cure(ground: Ground, name: str, group: str, mode: int) -> str:
    if mode & 0o060 != 0o060 or group == "root":
        return (
            "Give the socket to group docker with mode 0660 (SocketGroup= and SocketMode= in "
            "docker.socket)."
        )
    if ground.unit is None:
        return f"Run `usermod -aG {group} {name}`, and log in anew."
    return (
        f"Add the line SupplementaryGroups={group} below [Service] in `systemctl edit mailwatch`, "
        "then `systemctl restart mailwatch`."
    )


def ports(name: str, record: Mapping[str, Any], ground: Ground) -> Iterator[Diagnosis]:
    """Give what is asked and not published, published and not watched, and our address."""
    asked = ground.asked_ports
    if not shares_host_network(record):
        open_ports = published(record)
        local = [one for one in asked if one.on_loopback]
        matched = True
        for one in local:
            finding = _reached(one, open_ports, name)
            matched = matched and finding is None
            if finding is not None:
                yield finding
        if local and matched:
            yield ok(f"Every port that is asked on this host is one that {name} publishes.")
        yield from _not_watched(ground, open_ports, name)
    if address := seen_as(record, ground.asked.hosts, ground.asked.introduced):
        yield ok(
            f"{name} sees mailwatch as {address}: allow-list that in the mail server, "
            "which may ban an address that connects so often."
        )


def _reached(asked: AskedPort, open_ports: tuple[Published, ...], name: str) -> Diagnosis | None:
    same = [port for port in open_ports if port.host_port == asked.port]
    if any(port.on_loopback for port in same):
        return None
    if same:
        others = join_words([printable(port.host_address, 64) for port in same])
        return warning(
            f"{asked.service} is asked at {asked.host}, but {name} publishes that port at "
            f"{others} alone.",
            "Set host of this service to that address.",
        )
    return warning(
        f"{name} does not publish port {asked.port}, so what {asked.service} asks is something "
        "else, which a restart of the container does not mend.",
        "Publish the port, correct it in [[services]], or correct [restart] container.",
    )


def _not_watched(
    ground: Ground, open_ports: tuple[Published, ...], name: str
) -> Iterator[Diagnosis]:
    watched = {one.port for one in ground.asked_ports}
    told = set()
    for port in open_ports:
        known = ground.well_known.get(port.container_port)
        if known is None or port.host_port in watched or port.host_port in told:
            continue
        told.add(port.host_port)
        yield warning(
            f"{name} publishes port {port.host_port} ({known}), which nobody watches.",
            f'Add [[services]] with name = "{known}" and port = {port.host_port}, or ignore this.',
        )
