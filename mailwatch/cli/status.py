"""`mailwatch status`: where things stand, read while the service runs."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN, WARNING
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.cli.table import aligned
from mailwatch.cli.times import ago, stamp
from mailwatch.config.model import Config
from mailwatch.core import causes
from mailwatch.core.facts import fact
from mailwatch.core.model import Verdict
from mailwatch.core.say import say
from mailwatch.core.state import Stage
from mailwatch.core.text import duration, name_some
from mailwatch.host.clocks import clock_text
from mailwatch.store.history import QUIET_S
from mailwatch.store.views import Past, Status, Views

_ASLEEP_AFTER = 3
"""After how many intervals without a round the service counts as not running."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "Show what the service saw last, which in a quiet time is up to "
        f"{duration(QUIET_S)} old; nothing is asked anew."
    )
    parser.epilog = (
        "Exit code: 0 all well, 1 paused, or messages or looks that fail, 2 an incident "
        "is open or coming, 3 the service is not watching."
    )
    add_options(parser, json=True)


def run(args: argparse.Namespace) -> int:
    """Show the status, and return the monitoring plugins' exit code."""
    config = load_without_secrets(args)
    status = Views(config.state_directory).status()
    now = time.time()
    code = _code(status, config, now)
    if args.json:
        print(json.dumps(_as_json(status, now), indent=2))
    else:
        print("\n".join(_lines(status, config, now)))
    return code


def _is_asleep(status: Status, config: Config, now: float) -> bool:
    if status.last_round is None:
        return True
    rounds = (config.policy.attempts, config.policy.verifying)
    slowest_s = max(attempts.longest_s for attempts in rounds)
    pause_s = max(config.policy.interval_s, config.policy.settle_s, config.policy.restart_limit_s)
    return now - status.last_round > _ASLEEP_AFTER * pause_s + slowest_s + QUIET_S


def _code(status: Status, config: Config, now: float) -> int:
    if _is_asleep(status, config, now):
        return UNKNOWN
    if status.stage is not Stage.HEALTHY:
        return CRITICAL
    blind = any(past.reading.verdict is Verdict.UNMEASURED for past in status.readings)
    undelivered = any(entry.tries for entry in status.entries)
    return WARNING if blind or undelivered or _is_paused(status, now) else OK


def _is_paused(status: Status, now: float) -> bool:
    return status.paused_until is not None and status.paused_until > now


def _lines(status: Status, config: Config, now: float) -> list[str]:
    if status.last_round is None:
        return ["mailwatch has not watched yet: `systemctl enable --now mailwatch` starts it."]
    lines = [_headline(status, now)]
    if status.incident is not None and status.incident.cause:
        lines.append(say(fact("likely-cause", cause=status.incident.cause)))
    if _is_asleep(status, config, now):
        cure = "the service does not seem to run; see `systemctl status mailwatch`."
        lines.append(f"The last round was {ago(status.last_round, now)}: {cure}")
    if status.paused_until is not None and _is_paused(status, now):
        until = clock_text(status.paused_until)
        lines.append(f"Paused until {until}; `mailwatch resume` ends that now.")
    return [*lines, "", *_table(status.readings, now), *_never_passed(status), *_outbox(status)]


def _headline(status: Status, now: float) -> str:
    incident = status.incident
    if incident is not None:
        lasted = duration(max(0.0, now - incident.since.wall))
        return f"Incident {incident.id} is open, for {lasted}: {status.stage}."
    if status.stage is Stage.CONFIRMING:
        return "Something fails; it is too early to call it an incident."
    return "All is well." if status.readings else "Nothing is known yet."


def _table(readings: Sequence[Past], now: float) -> list[str]:
    rows = [("SERVICE", "RESULT", "SECONDS", "SEEN", "DETAIL")]
    for past in readings:
        reading = past.reading
        result, seen = str(reading.fault or reading.verdict), ago(past.at, now)
        took, detail = f"{reading.seconds:.3f}", say(reading.detail)
        rows.append((reading.service, result, took, seen, detail))
    return aligned(rows)


def _never_passed(status: Status) -> list[str]:
    """Return what to make of ports that fail and have never done anything else."""
    failed = [past.reading for past in status.readings if past.reading.fault]
    failing = [reading.service for reading in failed if not reading.portless]
    never = [service for service in failing if service not in status.proven.passed]
    cure = "look for the mistake in port, probe and tls first."
    return ["", f"{name_some(never)} never answered as configured now: {cure}"] if never else []


def _outbox(status: Status) -> list[str]:
    waiting = len(status.entries)
    lines = []
    if waiting:
        lines = ["", f"{waiting} message{'s' if waiting > 1 else ''} not delivered yet:"]
        for entry in status.entries[:5]:
            lines.append(f"- {entry.message.title}")
            if entry.trouble:
                lines.append(f"  {say(entry.trouble)}")
    if status.held_back:
        lines.append(f"{status.held_back} held back for now, because there were many this hour.")
    return lines


def _as_json(status: Status, now: float) -> dict[str, object]:
    return {
        "stage": status.stage,
        "incident": status.incident.id if status.incident else None,
        "cause": (causes.line(status.incident.cause) or None) if status.incident else None,
        "last_round": stamp(status.last_round),
        "paused_until": stamp(status.paused_until) if _is_paused(status, now) else None,
        "undelivered_messages": len(status.entries),
        "held_back_messages": status.held_back,
        "services": [
            {
                "service": past.reading.service,
                "verdict": past.reading.verdict,
                "fault": past.reading.fault,
                "detail": say(past.reading.detail),
                "proven": past.reading.service in status.proven.passed,
                "seconds": round(past.reading.seconds, 6),
                "at": stamp(past.at),
            }
            for past in status.readings
        ],
    }
