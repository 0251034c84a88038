"""Whether every service answers now, asked as the service asks, and what its probe needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailwatch.core.certificates import expires_soon, time_left, whose
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.judgement import MISCONFIGURABLE
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.observation import silent, unmasked
from mailwatch.core.say import say
from mailwatch.core.text import duration, join_words
from mailwatch.doctor.case import Case
from mailwatch.host.clocks import clock_text
from mailwatch.probes.catalogue import PROBES

_CURES = {
    Fault.REFUSED: "See that the server runs and listens there, that its port is published to this "
    "host, and that [[services]] names the right host and port.",
    Fault.TIMEOUT: "See whether a firewall drops the packets, and whether attempt_timeout_s is "
    "too short for this server.",
    Fault.SILENT: "See that the port speaks the protocol that `probe` and `tls` name: a port that "
    "begins with TLS stays silent without it, one for a proxy without the header that `proxy` "
    "sends; else the server hangs.",
    Fault.DROPPED: "See whether the server has banned this host's address, or is at its limit of "
    "connections; a proxy in front of it also looks like this where nothing listens behind it.",
    Fault.RESET: "Read the server's own log at this moment.",
    Fault.TLS: "See that `tls` is right for this port, and minimum_tls not above what the server "
    "has.",
    Fault.REJECTED: "Allow-list this host's address in the server, or raise the limit that its "
    "words name.",
    Fault.PROTOCOL: "See that `probe` names the protocol of this port, and read the server's log, "
    "where the server blames itself.",
    Fault.STATUS: "See that the web server is well, or set the path and the statuses that are.",
    Fault.RULE: "See whether the server was changed on purpose, and adapt the rule of this service "
    "to it.",
    Fault.CERTIFICATE: "Renew the certificate, or correct server_name, ca_file or fingerprint.",
    Fault.AUTHENTICATION: "Correct the user, the password or the permissions of this account soon: "
    "failed logins count towards the server's bans.",
    Fault.QUEUE: "See what waits and why with `postqueue -p`, or raise queue_limit.",
    Fault.COMMAND: "Run the command of this service by hand, and mend what it tells.",
    Fault.DNS: "Correct the records of the domain where its DNS is kept.",
    Fault.DELIVERY: "Read the mail server's log for the canary's message; the account may be full, "
    "or a filter may have taken it.",
}

_CURES_OF_CODES = {
    "http-to-tls": "Set tls of this service, or the port that speaks plain HTTP.",
    "tls-name-wanted": "Set server_name to a name that the server has a certificate for.",
    "tls-refused-or-name-wanted": "Set server_name to a name that the server has a certificate "
    "for, or read the server's log.",
    "tls-name-unknown": "Set server_name to a name that the server has a certificate for.",
}
"""Where what was found says more than its kind."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each service."""
    readings = case.readings
    if any(reading.fault is Fault.DROPPED for reading in readings):
        readings = unmasked(readings, silent(case.target.listens))
    some_pass = any(r.verdict is Verdict.PASS and not r.portless for r in readings)
    for reading in readings:
        ours = some_pass or reading.fault in MISCONFIGURABLE
        yield _judge(reading, may_be_ours=ours and reading.service in case.unproven)


def examine_certificates(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each certificate; services mostly share one."""
    now = time.time()
    holders: dict[tuple[float, str], list[Reading]] = {}
    for reading in case.readings:
        if reading.certificate_expires is not None:
            which = reading.certificate_expires, whose(reading)
            holders.setdefault(which, []).append(reading)
    cure = "Renew it, and have the mail server load the new one."
    for (expires, certificate), readings in sorted(holders.items()):
        names, left = join_words([one.service for one in readings]), time_left(expires, now)
        sentence = f"The {certificate} of {names} {left}, on {clock_text(expires)}."
        if expires <= now:
            yield problem(sentence, cure)
        elif any(expires_soon(one, now, case.config.policy) for one in readings):
            yield warning(sentence, cure)
        else:
            yield ok(sentence)


def examine_probes(case: Case) -> Iterator[Diagnosis]:
    """Give what the probes' own checks find, which look at what this host must have for them."""
    for service in case.config.services:
        if own := getattr(PROBES.load(service.probe), "examine", None):
            yield from own(service, case)


def _judge(reading: Reading, *, may_be_ours: bool) -> Diagnosis:
    if reading.verdict is Verdict.PASS:
        return ok(f"{reading.service} answers in {duration(reading.seconds)}.")
    if reading.fault is None:
        return problem(
            f"{reading.service} could not be checked: {say(reading.detail)}.",
            "Mend this: as long as it lasts, mailwatch does not see how the service is.",
        )
    known = _CURES_OF_CODES.get(reading.detail.code) or _CURES.get(reading.fault)
    cure = known or "Read the server's own log."
    if may_be_ours:
        cure = f"{cure} It has never answered as configured now, so nothing is restarted for it."
    return problem(f"{reading.service} fails ({reading.fault}): {say(reading.detail)}.", cure)
