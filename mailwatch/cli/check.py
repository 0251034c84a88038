"""`mailwatch check`: one round, for a person, a script or a monitoring system."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace

from mailwatch.cli.command import argument, command
from mailwatch.cli.credentials import UNIT
from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN, WARNING, CommandError
from mailwatch.cli.options import load_by_hand
from mailwatch.cli.output import print_json, reading_json
from mailwatch.cli.terminal import COLOR, Terminal
from mailwatch.core.certificates import expires_soon, time_left, whose
from mailwatch.core.diagnosis import Grade
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.say import line, say
from mailwatch.host.account import service_account
from mailwatch.host.identity import Identity, become, user
from mailwatch.host.unit import read_unit
from mailwatch.probes.catalogue import build
from mailwatch.probes.settings import ServiceSettings
from mailwatch.service.prober import one_round

_CODES = {Verdict.PASS: OK, Verdict.FAIL: CRITICAL, Verdict.UNMEASURED: UNKNOWN}
_GRADES = {
    Verdict.PASS: Grade.OK,
    Verdict.FAIL: Grade.PROBLEM,
    Verdict.UNMEASURED: Grade.WARNING,
}
_WORST_FIRST = {CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN", WARNING: "WARNING", OK: "OK"}


@command(
    argument(
        "services", nargs="*", metavar="NAME", help="ask these only, such as SMTP or IMAPS:993"
    ),
    argument(
        "--once", action="store_true", help="one attempt per service, whatever watch.retries is"
    ),
    COLOR,
    json=True,
)
def check(args: argparse.Namespace) -> int:
    """Ask every service and show how it went; nothing is restarted and nobody is told.

    A canary submits a message of its own, waits for it while it has time, and leaves the service's
    alone.

    Exit code: 0 all answer, 1 they do, but a certificate expires within watch.certificate_days, 2
    at least one fails, 3 at least one could not be looked at or the configuration is bad.
    """
    config = load_by_hand(args, token=False)
    services = _chosen(args.services, config.services)
    # What servers and commands say is heard as the service hears it, and not as root.
    become(_service())
    attempts = config.policy.attempts
    if args.once:
        attempts = replace(attempts, retries=1)
    terminal = Terminal(args)
    table = None
    if terminal.live and not args.json:
        table = _Table(terminal, [service.key for service in services], config.policy)
    readings = one_round(
        [build(service) for service in services],
        attempts,
        config.policy,
        table.show if table else None,
    )
    now = time.time()
    expiring = {
        one.service: one.certificate_expires
        for one in readings
        if one.certificate_expires is not None and expires_soon(one, now, config.policy)
    }
    remarks = {
        one.service: line(
            "check-remark", certificate=whose(one), left=time_left(expiring[one.service], now)
        )
        for one in readings
        if one.service in expiring
    }
    codes = {_CODES[reading.verdict] for reading in readings} | {WARNING for _ in expiring}
    code = next(code for code in _WORST_FIRST if code in codes)
    summary = _summary(readings)
    if expiring:
        left = time_left(min(expiring.values()), now)
        summary = line("check-expiry", summary=summary, left=left)
    if args.json:
        print_json(
            {
                "result": _WORST_FIRST[code].lower(),
                "services": [_as_json(one, one.service in expiring) for one in readings],
            }
        )
    elif table:
        for reading in readings:
            table.show(reading)
        terminal.line("", None, "", summary)
    else:
        print(f"MAILWATCH {_WORST_FIRST[code]} - {summary} | {_performance(readings)}")
        for reading in readings:
            if detail := say(reading.detail) or remarks.get(reading.service):
                # What follows a bar is taken for a measurement, in every line.
                print(f"{reading.service}: {detail.replace('|', '/')}")
    return code


def _chosen(names: Sequence[str], services: Sequence[ServiceSettings]) -> list[ServiceSettings]:
    """Return those of `services` that somebody named, all where nobody did; raises CommandError."""
    called = [(service, {service.key.lower(), service.name.lower()}) for service in services]
    wanted = {name.lower() for name in names}
    for name in names:
        if not any(name.lower() in own for _, own in called):
            known = tuple(service.key for service in services)
            raise CommandError(UNKNOWN, line("check-unknown", name=name, services=known))
    return [service for service, own in called if not wanted or wanted & own]


class _Table:
    """The services on a terminal, each as soon as it has answered."""

    def __init__(self, terminal: Terminal, services: Sequence[str], policy: Policy) -> None:
        self._terminal = terminal
        self._policy = policy
        self._widths = [max(map(len, ("SERVICE", *services))), max(map(len, (*Fault, *Verdict)))]
        self._shown: dict[str, Reading] = {}
        self._left = list(services)
        self._line(("SERVICE", "RESULT", "SECONDS", "DETAIL"))
        self._wait()

    def show(self, reading: Reading) -> None:
        """Show how a service is, again only where that is not what it was."""
        if self._shown.get(reading.service) == reading:
            return
        self._shown[reading.service] = reading
        if reading.service in self._left:
            self._left.remove(reading.service)
        remark = ""
        if reading.certificate_expires is not None and expires_soon(
            reading, now := time.time(), self._policy
        ):
            left = time_left(reading.certificate_expires, now)
            remark = line("check-remark", certificate=whose(reading), left=left)
        grade = _GRADES[reading.verdict]
        self._line(_row(reading, remark), Grade.WARNING if remark and grade is Grade.OK else grade)
        self._wait()

    def _line(self, row: tuple[str, str, str, str], grade: Grade | None = None) -> None:
        service, result, seconds, detail = row
        first, second = self._widths
        begin = f"{service:<{first}}  {result:<{second}}"
        self._terminal.line(begin, grade, f"  {seconds:>7}  ", detail)

    def _wait(self) -> None:
        if self._left:
            self._terminal.doing(line("check-waits", services=tuple(self._left)))


def _service() -> Identity | None:
    """Return whom the service runs as, with the groups that only its unit gives it."""
    if os.geteuid() != 0:
        return None
    account = service_account(read_unit(UNIT))
    return user(account.name, account.groups)


def _summary(readings: Sequence[Reading]) -> str:
    well = sum(reading.verdict is Verdict.PASS for reading in readings)
    failing = tuple(one.service for one in readings if one.verdict is Verdict.FAIL)
    return line("check-summary", well=well, count=len(readings), failing=failing)


def _row(reading: Reading, remark: str) -> tuple[str, str, str, str]:
    steps = ", ".join(f"{phase} {1000 * s:.1f} ms" for phase, s in reading.phases.items())
    detail = say(reading.detail) or "; ".join(part for part in (remark, steps) if part)
    result = str(reading.fault or ("warning" if remark else reading.verdict))
    return reading.service, result, f"{reading.seconds:.3f}", detail


def _performance(readings: Sequence[Reading]) -> str:
    # A label in single quotes may hold anything but a quote and an equals sign.
    labels = [reading.service.replace("'", "").replace("=", "") for reading in readings]
    return " ".join(
        f"'{label}'={reading.seconds:.4f}s" for label, reading in zip(labels, readings, strict=True)
    )


def _as_json(reading: Reading, expires_soon: bool) -> dict[str, object]:
    return reading_json(reading) | {
        "phases": {phase: round(s, 6) for phase, s in reading.phases.items()},
        "certificate_expires": reading.certificate_expires,
        "certificate_authority": reading.certificate_authority or None,
        "expires_soon": expires_soon,
    }
