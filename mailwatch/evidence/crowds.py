"""The patterns of too many connections: a full accept queue, and no open file left for one more."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.core.evidence import Evidence, amount, number, rows, table, value
from mailwatch.core.facts import Fact, fact
from mailwatch.evidence.pattern import NEARLY, Found, runs

FULL_QUEUE = 50
"""A queue so long is full where overflows were counted: postfix asks for 100, dovecot for 128."""

NEAR_FULL = 0.9
"""A process that has so many of its open files in connections has the rest in files, or soon."""

_PLAINLY_ONE = 0.5
_INITS = frozenset({"docker-init", "tini"})
"""What `--init` puts before the server; it opens nothing."""

_Row = Mapping[str, object]


def open_files_full(evidence: Evidence) -> Found:
    """Find the process that may open no more files, and what its connections have to do with it."""
    if not runs(evidence):
        return None
    full = [
        (used / limit, used, limit, row)
        for row in rows(evidence, "processes", "table")
        if (used := amount(row, "open_files")) is not None
        and (limit := amount(row, "open_files_limit"))
    ]
    if full:
        _, used, limit, row = max(full, key=lambda one: one[0])
        if used < limit * NEARLY:
            return None
        support = [f"process {row.get('pid')} has {used:.0f} of {limit:.0f} files open"]
        crowd = _held(evidence, used, support)
        return fact("open-files-full", name=_name(row), used=used, limit=limit, **crowd), support
    return _connections_near_the_limit(evidence)


def _connections_near_the_limit(evidence: Evidence) -> Found:
    """Infer it where no count can be had: all connections that are held are some process's files.

    Of several processes at least one is near its limit where all together have so many.
    """
    servers = [row for row in rows(evidence, "processes", "table") if _name(row) not in _INITS]
    limits = [limit for row in servers if (limit := amount(row, "open_files_limit"))]
    listeners = rows(evidence, "connections", "container", "listeners")
    held = sum(amount(row, "held") or 0 for row in listeners)
    waiting = sum(amount(row, "not_accepted") or 0 for row in listeners)
    if not limits or len(limits) < len(servers) or not waiting or held < sum(limits) * NEAR_FULL:
        return None
    support = [
        f"connections: the container holds {held:.0f}, and {waiting:.0f} wait to be accepted",
        f"processes: {_name(servers[0])} may have {limits[0]:.0f} files open",
    ]
    crowd = _held(evidence, held, support)
    return fact("open-files-full", name=_name(servers[0]), limit=limits[0], **crowd), support


def _held(evidence: Evidence, used: float, support: list[str]) -> dict[str, str | float]:
    """Return the port and origin of most of the `used` files, nothing where they are no crowd."""
    listeners = rows(evidence, "connections", "container", "listeners")
    row = max(listeners, key=lambda one: amount(one, "held") or 0, default={})
    held = amount(row, "held") or 0
    if held <= used * _PLAINLY_ONE:
        return {}
    support.append(f"connections: {held:.0f} of them are on port {row.get('port')}")
    crowd: dict[str, str | float] = {"port": str(row.get("port")), "connections": held}
    if first := _dominant(_where_seen(evidence, row), "held_from", "address"):
        address, most = first
        crowd |= {"address": address, "most": min(most, held)}
        support.append(f"connections: {most:.0f} of these are from {address}")
    return crowd


def accept_queue_full(evidence: Evidence) -> Found:
    """Find the port whose queue of connections that wait to be accepted is full."""
    overflows = number(evidence, "connections", "container", "listen_overflows") or 0
    growing = (number(evidence, "connections", "container", "listen_overflows_grew") or 0) > 0
    # No queue has a higher limit than the container's somaxconn, where that is known.
    limit = number(evidence, "connections", "somaxconn") or float("inf")
    least = min(limit, FULL_QUEUE if overflows > 0 else limit, 1 if growing else limit)
    queues = [
        (queue, row)
        for row in rows(evidence, "connections", "container", "listeners")
        if (queue := amount(row, "queue")) is not None and queue >= least
    ]
    if not queues:
        return None
    queue, row = max(queues, key=lambda one: one[0])
    support = [
        f"connections: {queue:.0f} connections wait on {row.get('port')} to be accepted",
        f"connections: the container's accept queues have overflowed {overflows:.0f} times",
    ]
    return _crowded(evidence, row), support


def _crowded(evidence: Evidence, listener: _Row) -> Fact:
    """Return how many connections the full port has, and from where if most have one origin."""
    port, seen = str(listener.get("port")), _where_seen(evidence, listener)
    for kind, many in (("address", "addresses"), ("prefix", "prefixes")):
        if first := _dominant(seen, many, kind):
            origin, most = first
            return fact("accept-queue-full", port=port, connections=most, **{kind: origin})
    count = amount(listener, "connections") or 0
    return fact("accept-queue-full", port=port, connections=count)


def _where_seen(evidence: Evidence, listener: _Row) -> _Row:
    """Return the row that tells who is connected to `listener`, an empty one where none does.

    Where docker-proxy stands between, the container sees its own gateway, and the host the truth.
    """
    gateways = value(evidence, "container", "gateways")
    first = _dominant(listener, "addresses", "address")
    if first is None or not isinstance(gateways, list) or first[0] not in gateways:
        return listener
    watched = rows(evidence, "connections", "watched")
    outer = [one.get("published_as") for one in watched if one.get("port") == listener.get("port")]
    on_host = rows(evidence, "connections", "host", "listeners")
    return next((one for one in on_host if one.get("port") in outer), {})


def _dominant(listener: _Row, many: str, kind: str) -> tuple[str, float] | None:
    """Return the origin of most of its connections and how many these are, None if it has none."""
    total = amount(listener, "held" if many == "held_from" else "connections") or 0
    for first in table(listener.get(many))[:1]:
        most = amount(first, "connections") or 0
        if most > total * _PLAINLY_ONE:
            return str(first.get(kind)), most
    return None


def _name(row: _Row) -> str:
    return str(row.get("name", "?"))
