"""`mailwatch status`: where things stand, read while the service runs."""

from __future__ import annotations

import argparse
import time

from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN, WARNING
from mailwatch.cli.options import load_without_secrets
from mailwatch.cli.output import print_aligned, print_json, reading_json
from mailwatch.cli.times import ago, stamp
from mailwatch.config.model import Config
from mailwatch.core import causes
from mailwatch.core.model import Verdict
from mailwatch.core.say import line, say
from mailwatch.core.state import Stage
from mailwatch.core.text import name_some
from mailwatch.host.clocks import clock_text
from mailwatch.store.history import QUIET_S
from mailwatch.store.views import Past, Status, Views

_ASLEEP_AFTER = 3
"""After how many intervals without a round the service counts as not running."""


@command(json=True)
def status(args: argparse.Namespace) -> int:
    """Show what the service saw last; nothing is asked anew.

    Exit code: 0 all well, 1 paused, or messages or looks that fail, 2 an incident is open or
    coming, 3 the service is not watching.
    """
    config = load_without_secrets(args)
    seen = Views(config.state_directory).status()
    now = time.time()
    asleep = _is_asleep(seen, config, now)
    paused_until = seen.paused_until if (seen.paused_until or 0) > now else None
    if args.json:
        print_json(_as_json(seen, paused_until))
    elif seen.last_round is None:
        print("mailwatch has not watched yet: `systemctl enable --now mailwatch` starts it.")
    else:
        _show(seen, now)
        if asleep:
            cure = "the service does not seem to run; see `systemctl status mailwatch`."
            print(f"The last round was {ago(seen.last_round, now)}: {cure}")
        if paused_until is not None:
            print(f"Paused until {clock_text(paused_until)}; `mailwatch resume` ends that now.")
        print()
        head = ("SERVICE", "RESULT", "SECONDS", "SEEN", "DETAIL")
        print_aligned([head, *(_row(past, now) for past in seen.readings)])
        _show_what_never_passed(seen)
        _show_outbox(seen)
    if asleep:
        return UNKNOWN
    if seen.stage is not Stage.HEALTHY:
        return CRITICAL
    blind = any(past.reading.verdict is Verdict.UNMEASURED for past in seen.readings)
    undelivered = any(entry.tries for entry in seen.entries)
    return WARNING if blind or undelivered or paused_until is not None else OK


def _is_asleep(seen: Status, config: Config, now: float) -> bool:
    if seen.last_round is None:
        return True
    policy = config.policy
    slowest_s = max(attempts.longest_s for attempts in (policy.attempts, policy.verifying))
    pause_s = max(policy.interval_s, policy.settle_s, policy.restart_limit_s)
    return now - seen.last_round > _ASLEEP_AFTER * pause_s + slowest_s + QUIET_S


def _show(seen: Status, now: float) -> None:
    incident = seen.incident
    if incident is not None:
        open_s = now - incident.since.wall
        print(line("stands-open", incident=incident.id, open_s=open_s, stage=seen.stage))
        if incident.cause:
            print(line("likely-cause", cause=incident.cause))
    elif seen.stage is Stage.CONFIRMING:
        print(line("stands-confirming"))
    else:
        print(line("stands-well" if seen.readings else "stands-unknown"))


def _row(past: Past, now: float) -> tuple[str, ...]:
    reading = past.reading
    result, took = str(reading.fault or reading.verdict), f"{reading.seconds:.3f}"
    return reading.service, result, took, ago(past.at, now), say(reading.detail)


def _show_what_never_passed(seen: Status) -> None:
    """Say what to make of ports that fail and have never done anything else."""
    failed = [past.reading for past in seen.readings if past.reading.fault]
    failing = [reading.service for reading in failed if not reading.portless]
    if never := [service for service in failing if service not in seen.proven.passed]:
        cure = "look for the mistake in port, probe and tls first."
        print(f"\n{name_some(never)} never answered as configured now: {cure}")


def _show_outbox(seen: Status) -> None:
    if waiting := len(seen.entries):
        print(f"\n{waiting} message{'s' if waiting > 1 else ''} not delivered yet:")
    for entry in seen.entries[:5]:
        print(f"- {entry.message.title}")
        if entry.trouble:
            print(f"  {say(entry.trouble)}")
    if seen.held_back:
        print(f"{seen.held_back} held back for now, because there were many this hour.")


def _as_json(seen: Status, paused_until: float | None) -> dict[str, object]:
    incident = seen.incident
    return {
        "stage": seen.stage,
        "incident": incident.id if incident else None,
        "cause": (causes.line(incident.cause) or None) if incident else None,
        "last_round": stamp(seen.last_round),
        "paused_until": stamp(paused_until),
        "undelivered_messages": len(seen.entries),
        "held_back_messages": seen.held_back,
        "services": [
            reading_json(past.reading)
            | {"proven": past.reading.service in seen.proven.passed, "at": stamp(past.at)}
            for past in seen.readings
        ],
    }
