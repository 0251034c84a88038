"""What the mail server's own log says of why mail is down: patterns for `evidence.causes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailwatch.core.causes import Restart, is_incurable, kind
from mailwatch.core.evidence import Evidence, rows, text, value
from mailwatch.core.facts import Fact, fact
from mailwatch.docker.record import moment
from mailwatch.evidence.pattern import Found, failed

_RANKS = (Restart.NEVER, Restart.HELPS, Restart.CURES)


def why(evidence: Evidence) -> Found:
    """Return what the server says that no restart cures: it explains whatever else is seen."""
    return next((one for one in _ranked(evidence) if is_incurable(one[0])), None)


def said(evidence: Evidence, place: int = 0) -> Found:
    """Return what else it says; `place` 1 is what comes second."""
    others = [one for one in _ranked(evidence) if not is_incurable(one[0])]
    return others[place] if place < len(others) else None


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
    for cause, line in _causes(evidence):
        found.setdefault(cause.code, (cause, [f"log: {line}"]))
    return sorted(found.values(), key=lambda one: _RANKS.index(kind(one[0]).restart))


def _causes(evidence: Evidence) -> Iterator[tuple[Fact, object]]:
    """Give what the log names, the newest first, where it is of this run and about us."""
    us = text(evidence, "container", "seen_as") or text(evidence, "container", "gateway")
    for row in reversed(rows(evidence, "log", "server", "said")):
        given = row.get("arguments")
        known = given if isinstance(given, Mapping) else {}
        if row.get("of_us") is True and known.get("address") not in us.split(" or "):
            continue
        if _is_of_this_run(evidence, row):
            named = {str(name): str(one) for name, one in known.items()}
            yield fact(str(row.get("code")), **named), row.get("line")


def _is_of_this_run(evidence: Evidence, row: Mapping[str, object]) -> bool:
    """Whether a line was written since the container was last started, as far as that is known."""
    began = moment(text(evidence, "container", "started"))
    written = moment(str(row.get("at")))
    # An engine notes the start a moment after the process may have begun to write.
    return began is None or written is None or written >= began - 1
