"""What happened in a night, in order, for a person who looks for the fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.night import Night


def story_of(night: Night) -> Iterator[str]:
    """Tell what happened, in order, for a person."""
    began = night.trace[0]["at"] if night.trace else 0.0
    told: list[tuple[float, str]] = []
    for line in night.trace:
        facts = {k: v for k, v in line.items() if k not in ("at", "what", "edge", "life", "n")}
        if not facts.pop("dies"):
            facts.pop("dies", None)
            if line["what"] == "sql":
                continue
        else:
            facts["DIES"] = True
        told.append(
            (line["at"], f"{line['life']}.{line['n']} {line['what']} {line['edge']} {facts}")
        )
    told += [(at, "KILLED") for at in night.killed]
    told += [(one.at, f"INBOX {one.title!r}") for one in night.inbox.arrivals]
    for order in night.engine.orders:
        told.append((order.at, f"ENGINE was asked to restart {order}"))
        if order.done is not None:
            told.append((order.done, "ENGINE has restarted it"))
    for outage in night.outages:
        told.append((outage.began, "MAIL fails"))
        if outage.ended is not None:
            told.append((outage.ended, "MAIL is well"))
    for at, words in sorted(told):
        yield f"{at - began:8.3f} {words}"
    yield "the log:"
    with suppress(FileNotFoundError):
        yield (night.directory / "log").read_text(errors="replace")
