"""`mailwatch check`: one round, for a person, a script or a monitoring system."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN, WARNING
from mailwatch.cli.options import add_options, load_to_ask
from mailwatch.cli.table import aligned
from mailwatch.core.certificates import expires_soon, time_left
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.say import say
from mailwatch.core.text import join_words
from mailwatch.probes.catalogue import build
from mailwatch.service.prober import one_round

_CODES = {Verdict.PASS: OK, Verdict.FAIL: CRITICAL, Verdict.UNMEASURED: UNKNOWN}
_WORDS = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}
_WORST_FIRST = (CRITICAL, UNKNOWN, WARNING, OK)


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "Ask every service and show how it went; nothing is restarted and nobody is "
        "told. A canary submits a message of its own, waits for it while it has time, and leaves "
        "the service's alone."
    )
    parser.epilog = (
        "Exit code: 0 all answer, 1 they do, but a certificate expires within "
        "watch.certificate_days, 2 at least one fails, 3 at least one could not be looked at or "
        "the configuration is bad."
    )
    add_options(parser, json=True)
    parser.add_argument(
        "--once", action="store_true", help="one attempt per service, whatever watch.retries is"
    )


def run(args: argparse.Namespace) -> int:
    """Hold one round, print it, and return the monitoring plugins' exit code."""
    config = load_to_ask(args)
    attempts = config.policy.attempts
    if args.once:
        attempts = replace(attempts, retries=1)
    readings = one_round([build(service) for service in config.services], attempts)
    findings = _Findings(readings, time.time(), config.policy)
    code = findings.code
    if args.json:
        print(json.dumps(_as_json(findings), indent=2))
    elif sys.stdout.isatty():
        print("\n".join(_table(findings)))
        print(findings.summary)
    else:
        print(f"MAILWATCH {_WORDS[code]} - {findings.summary} | {_performance(readings)}")
        for reading in readings:
            if detail := say(reading.detail) or findings.expiry(reading):
                print(f"{reading.service}: {detail}")
    return code


@dataclass(frozen=True, slots=True)
class _Findings:
    """What one round found, judged at `wall` (seconds since 1970)."""

    readings: tuple[Reading, ...]
    wall: float
    policy: Policy

    @property
    def code(self) -> int:
        """The exit code of the monitoring plugins: that of the worst finding."""
        codes = {_CODES[reading.verdict] for reading in self.readings}
        codes |= {WARNING for reading in self.readings if self.expiry(reading)}
        return next(code for code in _WORST_FIRST if code in codes)

    def expiry(self, reading: Reading) -> str:
        """Return what is to be said of a certificate that expires soon, empty if it does not."""
        expires = reading.certificate_expires
        if expires is None or not expires_soon(reading, self.wall, self.policy):
            return ""
        return f"its certificate {time_left(expires, self.wall)}"

    @property
    def summary(self) -> str:
        """One line on all of it."""
        well = sum(reading.verdict is Verdict.PASS for reading in self.readings)
        line = f"{well} of {len(self.readings)} services answer"
        if failing := [r.service for r in self.readings if r.verdict is Verdict.FAIL]:
            line += f"; {join_words(failing)} failed"
        if soon := [r for r in self.readings if self.expiry(r)]:
            # Each has a moment, or it would not expire soon.
            first = min(r.certificate_expires for r in soon if r.certificate_expires is not None)
            line += f"; a certificate {time_left(first, self.wall)}"
        return line


def _table(findings: _Findings) -> list[str]:
    rows = [("SERVICE", "RESULT", "SECONDS", "DETAIL")]
    for reading in findings.readings:
        steps = ", ".join(f"{phase} {1000 * s:.1f} ms" for phase, s in reading.phases.items())
        expiry = findings.expiry(reading)
        detail = say(reading.detail) or "; ".join(part for part in (expiry, steps) if part)
        result = str(reading.fault or ("warning" if expiry else reading.verdict))
        rows.append((reading.service, result, f"{reading.seconds:.3f}", detail))
    return aligned(rows)


def _performance(readings: Sequence[Reading]) -> str:
    # A label in single quotes may hold anything but a quote and an equals sign.
    labels = [reading.service.replace("'", "").replace("=", "") for reading in readings]
    return " ".join(
        f"'{label}'={reading.seconds:.4f}s" for label, reading in zip(labels, readings, strict=True)
    )


def _as_json(findings: _Findings) -> dict[str, object]:
    return {
        "result": _WORDS[findings.code].lower(),
        "services": [
            {
                "service": reading.service,
                "verdict": reading.verdict,
                "fault": reading.fault,
                "detail": say(reading.detail),
                "seconds": round(reading.seconds, 6),
                "phases": {phase: round(s, 6) for phase, s in reading.phases.items()},
                "certificate_expires": reading.certificate_expires,
                "expires_soon": bool(findings.expiry(reading)),
            }
            for reading in findings.readings
        ],
    }
