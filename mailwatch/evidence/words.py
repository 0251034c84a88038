"""What the mail server's own log says of why mail is down: patterns for `evidence.causes`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mailwatch.core.causes import INFERRED, Restart, is_incurable, kind
from mailwatch.core.evidence import Evidence, number, rows, text, value
from mailwatch.core.facts import Fact, fact
from mailwatch.docker.record import moment
from mailwatch.evidence.pattern import Found, deaf, failed

_OF_ITSELF = frozenset(
    {"server-bootstrap", "server-recovery-mode", "server-store-full", "server-store-read-only"}
)
"""What the kernel or the whole server says of itself; the rest one process may say in passing."""

_RANKS = (Restart.NEVER, Restart.HELPS, Restart.CURES)


def why(evidence: Evidence) -> Found:
    """Return what keeps the server down and no restart cures: the words of one that is down.

    Of what a process may say while the others serve that is not known.
    """
    return next((one for one in _ranked(evidence) if is_incurable(one[0])), None)


def said(evidence: Evidence, place: int = 0) -> Found:
    """Return what else it says; `place` 1 is what comes second."""
    others = [one for one in _ranked(evidence) if not (is_incurable(one[0]) or _in_passing(one))]
    return others[place] if place < len(others) else None


def in_passing(evidence: Evidence) -> Found:
    """Return what would keep a server down, and was said where nothing shows that it does."""
    return next(filter(_in_passing, _ranked(evidence)), None)


def _in_passing(found: tuple[Fact, list[str]]) -> bool:
    return found[0].get("confidence") == INFERRED["confidence"]


def last(evidence: Evidence) -> str:
    """Return its last line of this run that tells of an error, empty where there is none."""
    found = value(evidence, "log", "last_words")
    row = found if isinstance(found, Mapping) else {}
    return str(row.get("line") or "") if _is_of_this_run(evidence, row) else ""


def only(evidence: Evidence) -> Found:
    """Quote the last words of a server of which nothing answers."""
    words = last(evidence)
    passed = any(row.get("verdict") == "pass" for row in rows(evidence, "readings", "now"))
    if not words or passed or not failed(evidence):
        return None
    return fact("last-words", words=words), [f"log: {words}"]


def _ranked(evidence: Evidence) -> list[tuple[Fact, list[str]]]:
    """Return each cause once: what a restart cures least first, of alike ones the newest."""
    found: dict[str, tuple[Fact, list[str]]] = {}
    causes = list(_causes(evidence))
    # What is said of one session or of a busy moment is inferred, however often it is said.
    ended = (number(evidence, "container", "restarts") or 0) > 0  # since the last order
    every = _causes(evidence, of_any_run=ended)
    sure = Counter(cause.code for cause, _ in every if is_incurable(cause))
    down = _is_down(evidence)
    for cause, line in causes:
        holds = is_incurable(cause) and (down or cause.code in _OF_ITSELF or sure[cause.code] > 1)
        doubt = INFERRED if is_incurable(cause) and not holds else {}
        one = fact(cause.code, **{**dict(cause.args), **doubt}), [f"log: {line}"]
        if cause.code not in found or (_in_passing(found[cause.code]) and holds):
            found[cause.code] = one
    return sorted(found.values(), key=lambda one: _RANKS.index(kind(one[0]).restart))


def _is_down(evidence: Evidence) -> bool:
    """Whether the container has ended, or listens on nothing that is watched."""
    if text(evidence, "container", "status") not in ("", "running", "paused"):
        return True
    watched = rows(evidence, "connections", "watched")
    return bool(deaf(evidence)) and all(row.get("listens") is False for row in watched)


def _causes(evidence: Evidence, *, of_any_run: bool = False) -> Iterator[tuple[Fact, object]]:
    """Give what the log names, the newest first, where it is of this run and about us."""
    us = text(evidence, "container", "seen_as") or text(evidence, "container", "gateway")
    for row in reversed(rows(evidence, "log", "server", "said")):
        given = row.get("arguments")
        known = given if isinstance(given, Mapping) else {}
        if row.get("of_us") is True and known.get("address") not in us.split(" or "):
            continue
        if of_any_run or _is_of_this_run(evidence, row):
            named = {str(name): str(one) for name, one in known.items()}
            yield fact(str(row.get("code")), **named), row.get("line")


def _is_of_this_run(evidence: Evidence, row: Mapping[str, object]) -> bool:
    """Whether a line was written since the container was last started, as far as that is known."""
    began = moment(text(evidence, "container", "started"))
    written = moment(str(row.get("at")))
    # An engine notes the start a moment after the process may have begun to write.
    return began is None or written is None or written >= began - 1
