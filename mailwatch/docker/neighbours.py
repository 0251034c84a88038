"""What a list of all containers tells of one: who is in its network, and what it is called now."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from mailwatch.core.facts import Fact, fact
from mailwatch.core.text import printable
from mailwatch.docker.network import host_of
from mailwatch.docker.record import Record, part, text

_SHORT_ID = 12
"""Digits of an id that `docker ps` shows; fewer may be those of another container."""

_NAMES_SHOWN = 3
_COMPOSE = "com.docker.compose."


def name_of(summary: Record) -> str:
    """Return its name, empty where it has none; the other names that a list shows are links."""
    return next((name[1:] for name in _names(summary) if "/" not in name[1:]), "")


def sharers(container: Record, others: Sequence[Record]) -> tuple[str, ...]:
    """Return which of `others` run in the network of `container`, and die with it.

    A container that is started again gets a network of its own anew, and who was in the old one
    stays there, alone.
    """
    identity, name = text(container, "Id"), text(container, "Name")
    owner = {"Id": identity, "Names": [name]}
    found = [one for one in others if _is_host(owner, host_of(one)) and _runs(one)]
    return _shown(found)


def orphans(container: Record, others: Sequence[Record]) -> tuple[str, ...]:
    """Return which of `others` were in the network of a container that is gone.

    Only those of the same compose project as `container` count, for it may be the one that took
    the place of the one that is gone.
    """
    project = _label(part(container, "Config"), "project")
    found = [
        one
        for one in others
        if _label(one, "project") == project
        and text(one, "Id") != text(container, "Id")
        and is_stranded(host_of(one), others)
    ]
    return _shown(found)


def is_stranded(host: str, others: Sequence[Record]) -> bool:
    """Whether `host`, in whose network a container is to be, is an id or name of none of them."""
    return bool(host) and not any(_is_host(one, host) for one in others)


def missing(name: str, others: Sequence[Record]) -> Fact:
    """Return that there is no container called `name`, and which one may be meant."""
    for is_same in (_has_that_name, _is_that_service, _has_that_image):
        found = _shown([one for one in others if is_same(one, name)])
        if len(found) == 1:
            return fact("container-missing-namesake", name=name, other=found[0])
    names = sorted(filter(None, map(name_of, others)))
    near = difflib.get_close_matches(name, names, _NAMES_SHOWN, 0.5)
    near += [one for one in names if name in one and one not in near]
    if near:
        return fact("container-missing-near", name=name, near=tuple(near[:_NAMES_SHOWN]))
    if names:
        return fact("container-missing-among", name=name, count=len(names))
    return fact("container-missing", name=name)


def _has_that_name(one: Record, name: str) -> bool:
    """Whether only the signs between the words differ, as those of compose 1 and 2 do."""
    return _spelt(name_of(one)) == _spelt(name)


def _is_that_service(one: Record, name: str) -> bool:
    """Whether it is a service of compose that would be called `name`, or is."""
    project, service = _label(one, "project"), _label(one, "service")
    if not service:
        return False
    names = (service, f"{project}-{service}", f"{project}-{service}-1")
    return _spelt(name) in map(_spelt, names)


def _has_that_image(one: Record, name: str) -> bool:
    image = text(one, "Image").partition("@")[0].rpartition("/")[2]
    return _spelt(image.partition(":")[0]) == _spelt(name)


def _spelt(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def _label(one: Record, name: str) -> str:
    return text(part(one, "Labels"), f"{_COMPOSE}{name}")


def _names(summary: Record) -> Iterator[str]:
    names = summary.get("Names")
    yield from (one for one in names if isinstance(one, str)) if isinstance(names, list) else ()


def _is_host(one: Record, host: str) -> bool:
    identity = text(one, "Id")
    is_id = len(host) >= _SHORT_ID and identity.startswith(host)
    return bool(host) and (is_id or f"/{host}" in _names(one))


def _runs(summary: Record) -> bool:
    return text(summary, "State") in ("running", "paused", "restarting")


def _shown(found: Sequence[Record]) -> tuple[str, ...]:
    return tuple(sorted(printable(name_of(one) or text(one, "Id"), 255) for one in found))
