"""The patterns of a way that leads nowhere: a container without a network, or with other ports."""

from __future__ import annotations

from mailwatch.core.causes import INFERRED, SEEN
from mailwatch.core.evidence import Evidence, rows, text, value
from mailwatch.core.facts import fact
from mailwatch.evidence.pattern import Found, failed, port_of, runs


def no_network(evidence: Evidence) -> Found:
    """Find a container that runs and is in no network, as `docker network disconnect` leaves it."""
    if not _has_its_own(evidence) or value(evidence, "container", "networks") != []:
        return None
    return fact("no-network"), ["container.networks is empty"]


def other_ports(evidence: Evidence) -> Found:
    """Find ports that are refused because the container does not publish them.

    A proxy in front may serve them as well: nobody listens there on this host, and no restart of
    the container changes that.
    """
    if not _has_its_own(evidence) or not value(evidence, "connections", "host"):
        return None
    unpublished, published = (_ports(evidence, name) for name in ("unpublished", "published"))
    served = {row.get("port") for row in rows(evidence, "connections", "host", "listeners")}
    refused = [
        port
        for row in failed(evidence)
        if row.get("fault") == "refused" and (port := port_of(row)) is not None
    ]
    missing = sorted(set(refused) & unpublished - served)
    if not missing:
        return None
    ports, others = (tuple(map(str, some)) for some in (missing, sorted(published)))
    # Where something else fails besides, a restart may cure that.
    sure = SEEN if {port_of(row) for row in failed(evidence)} == set(missing) else INFERRED
    return fact("ports-not-published", ports=ports, others=others, **sure), [
        f"container.published lacks {port}, and nothing listens there on this host"
        for port in missing
    ]


def _has_its_own(evidence: Evidence) -> bool:
    mode = text(evidence, "container", "network")
    return runs(evidence) and mode != "host" and not mode.startswith("container:")


def _ports(evidence: Evidence, name: str) -> set[int]:
    found = value(evidence, "container", name)
    return {one for one in found if isinstance(one, int)} if isinstance(found, list) else set()
