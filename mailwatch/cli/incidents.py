"""`mailwatch incidents` and `incident show ID`: the outages so far, and one of them in full."""

from __future__ import annotations

import argparse

from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK
from mailwatch.cli.options import state_of
from mailwatch.cli.output import print_aligned, print_json
from mailwatch.cli.times import stamp
from mailwatch.core import causes
from mailwatch.core.facts import fact
from mailwatch.core.say import line, say
from mailwatch.core.state import Failure, Incident
from mailwatch.core.text import duration, join_words, printable
from mailwatch.core.timeline import turns
from mailwatch.core.wording import why
from mailwatch.evidence import keeping
from mailwatch.evidence.show import lines as evidence_lines
from mailwatch.host.clocks import clock_text
from mailwatch.store.views import Views

ID = argument("id", metavar="ID", help="its id, the beginning of it, or `last`")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(line("whole-number"))
    return min(int(text), 1_000_000)


@command(
    argument(
        "-n", "--limit", type=_count, default=20, metavar="N", help="at most N (20 if left out)"
    ),
    json=True,
)
def incidents(args: argparse.Namespace) -> int:
    """List the outages so far, the newest first."""
    found = Views(state_of(args)).incidents(args.limit)
    if args.json:
        print_json([as_json(incident) for incident in found])
    elif found:
        head = ("INCIDENT", "SINCE", "LASTED", "RESTARTS", "END", "SERVICES")
        print_aligned([head, *map(_row, found)])
    elif args.limit:
        print(line("no-incidents"))
    return OK


@command(ID, json=True)
def show(args: argparse.Namespace) -> int:
    """Show one outage as a timeline, with what was found out about its cause."""
    directory = state_of(args)
    incident = Views(directory).incident(args.id)
    kept = keeping.load(directory, incident.id)
    if args.json:
        names = {"before": "evidence", "again": "evidence_again", "after": "evidence_after"}
        seen = {name: kept[moment] or {} for moment, name in names.items()}
        print_json(as_json(incident) | seen)
    else:
        print("\n".join([*story(incident), "", *evidence_lines(kept, clock_text)]))
    return OK


def _row(incident: Incident) -> tuple[str, ...]:
    services = join_words([failure.service for failure in incident.first_failures])
    called = ", a person was called" if incident.escalated else ""
    return (
        incident.id,
        clock_text(incident.since.wall),
        "-" if incident.lasted_s is None else duration(incident.lasted_s),
        str(len(incident.attempts)),
        _end(incident) + called,
        printable(services, 60),
    )


def _end(incident: Incident) -> str:
    if incident.closed is None:
        return "open"
    return "recovered" if incident.answered else "no longer watched"


def story(incident: Incident) -> list[str]:
    """Return the timeline of `incident`, one turn a line."""
    since, lasted_s = incident.since.wall, incident.lasted_s
    head = line(
        "story-open" if lasted_s is None else "story-over",
        incident=incident.id,
        down_s=lasted_s or 0,
    )
    lines = [head, line("story-cause", cause=causes.line(incident.cause)), ""]
    for at, turn in turns(incident):
        lines.append(
            f"{clock_text(at)}  +{duration(max(0.0, at - since)):<12}  {say(turn, clock_text)}"
        )
    if lasted_s is None and incident.failures != incident.first_failures:
        now = [
            f"- {one.service}: {say(one.detail, clock_text)} ({one.fault})"
            for one in incident.failures
        ]
        lines += ["", line("story-now"), *now]
    if incident.target:
        lines += ["", say(fact("story-target", detail=incident.target), clock_text)]
    hold = incident.hold
    if hold and (not hold.target or hold.target != incident.target):
        lines += [
            "",
            say(fact("why-not-restarted", why=why(hold), seen_as=hold.seen_as), clock_text),
        ]
    return lines


def as_json(incident: Incident) -> dict[str, object]:
    """Return `incident` as JSON knows it; moments are RFC 3339 in UTC, or null."""
    lasted_s = incident.lasted_s
    return {
        "id": incident.id,
        "since": stamp(incident.since),
        "opened": stamp(incident.opened),
        "escalated": stamp(incident.escalated),
        "closed": stamp(incident.closed),
        "seconds": None if lasted_s is None else round(lasted_s, 3),
        "cause": causes.line(incident.cause) or "unknown",
        "cause_code": incident.cause.code or None,
        "target": say(incident.target),
        "hold": incident.hold.reason if incident.hold else None,
        "failures": _failures(incident.failures),
        "first_failures": _failures(incident.first_failures),
        "unwatched": list(incident.unwatched),
        "restarts": [
            {
                "number": attempt.number,
                "begun": stamp(attempt.begun),
                "ended": stamp(attempt.ended),
                "outcome": attempt.outcome,
                "detail": say(attempt.detail),
            }
            for attempt in incident.attempts
        ],
    }


def _failures(failures: tuple[Failure, ...]) -> list[dict[str, object]]:
    return [
        {"service": one.service, "fault": one.fault, "detail": say(one.detail)} for one in failures
    ]
