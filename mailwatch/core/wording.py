"""Every sentence that reaches the admin's phone: what happened, since when, what next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mailwatch.core.events import Tell
from mailwatch.core.facts import NOTHING, Fact, words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Mask, Now
from mailwatch.core.say import say
from mailwatch.core.state import Failure, Hold, Incident, Outcome, Reason
from mailwatch.core.text import duration, name_some, printable

_FEW = 6
"""How many lines a message has for its services; the last one counts the rest, if any."""

_TOLD_BY_THE_TARGET = frozenset(
    {Reason.OPERATOR, Reason.MISSING, Reason.DENIED, Reason.UNREACHABLE}
)
"""Reasons that the restarter words, and that end by themselves once they are mended."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the sentences need to know of this installation."""

    host: str
    """The name of the host on which the mail server runs."""
    target: str
    """What gets restarted, as a person says it: `container stalwart`."""
    look: str
    """The command that shows the target's own log, empty where there is none."""
    clock_text: Callable[[float], str]
    """Turns seconds since 1970 into local time as a person reads it."""


def compose(tell: Tell, installation: Installation) -> Message:
    """Return the message for `tell`.

    Each line and the title are printable whatever the peers, the engine or the host are called
    or have said; the body has fewer than 4000 characters.
    """
    installation = replace(
        installation,
        host=printable(installation.host, 64),
        target=printable(installation.target, 80),
        look=printable(installation.look, 400),
    )
    title, lines = _WRITERS[tell.topic](tell, installation)
    body = "\n".join([*(line for line in lines if line), f"Incident {tell.incident.id}"])
    return Message(
        tell.topic,
        _SEVERITIES[tell.topic],
        printable(title, 200),
        body,
        tell.at.wall,
        tell.incident.id,
        failures=tell.incident.failures,
        cause=words(tell.incident.cause),
        since=tell.incident.since.wall,
    )


def notice(
    title: str, body: str, at: Now, severity: Severity = Severity.INFO, subject: Fact = NOTHING
) -> Message:
    """Return a message about mailwatch itself; `subject` is what it is compared by."""
    return Message(Topic.NOTICE, severity, title, body, at.wall, subject=subject)


_SEVERITIES = {
    Topic.OPENED: Severity.WARNING,
    Topic.RECOVERED: Severity.INFO,
    Topic.ESCALATED: Severity.CRITICAL,
    Topic.REMINDER: Severity.URGENT,
    Topic.HELD: Severity.WARNING,
}

Written = tuple[str, list[str]]


def _opened(tell: Tell, installation: Installation) -> Written:
    incident = tell.incident
    lines = [*_what_fails(incident, installation), _cause(incident)]
    if incident.hold is None:
        lines.append(_sentence(say(incident.target)))
        lines.append(
            f"mailwatch restarts {installation.target} now; the next message tells how that went."
        )
    else:
        lines.append(_not_restarted(incident.hold, installation))
        lines.append(_what_next(tell, installation))
    return (
        f"Mail is down on {installation.host}: {_names(incident.failures)}",
        lines,
    )


def _recovered(tell: Tell, installation: Installation) -> Written:
    incident = tell.incident
    down = duration(max(0.0, tell.at.steady - incident.since.steady))
    names = _names(incident.first_failures)
    since = installation.clock_text(incident.since.wall)
    return (
        f"Mail flows again on {installation.host}",
        [
            f"All services answer again since {installation.clock_text(tell.at.wall)}.",
            f"{names} had failed since {since}, for {down}.",
            _cause(incident),
            _what_helped(incident, installation),
        ],
    )


def _escalated(tell: Tell, installation: Installation) -> Written:
    return (
        f"Mail is down on {installation.host} and needs you",
        _call(tell, installation),
    )


def _reminder(tell: Tell, installation: Installation) -> Written:
    down = duration(max(0.0, tell.at.steady - tell.incident.since.steady))
    title = f"Mail has been down on {installation.host} for {down}"
    return title, _call(tell, installation)


def _call(tell: Tell, installation: Installation) -> list[str]:
    """Return all that a person who is called must know."""
    incident = tell.incident
    return [
        *_what_fails(incident, installation),
        _cause(incident),
        _last_restart(incident, installation) if incident.attempts else "",
        "" if incident.hold is None else _not_restarted(incident.hold, installation),
        _what_next(tell, installation),
        *_advice(incident, installation),
    ]


def _held(tell: Tell, installation: Installation) -> Written:
    incident = tell.incident
    return (
        f"Mail is down on {installation.host}; {installation.target} is left alone",
        [
            *_what_fails(incident, installation),
            _not_restarted(incident.hold or Hold(Reason.OPERATOR), installation),
            "mailwatch keeps looking, and heals again once it runs.",
        ],
    )


_WRITERS: dict[Topic, Callable[[Tell, Installation], Written]] = {
    Topic.OPENED: _opened,
    Topic.RECOVERED: _recovered,
    Topic.ESCALATED: _escalated,
    Topic.REMINDER: _reminder,
    Topic.HELD: _held,
}


def why(hold: Hold, installation: Installation, at: Now) -> str:
    """Return the reason for not restarting, with its end, as the second half of a sentence."""
    reason = because(hold)
    if hold.until is None:
        return reason
    until = installation.clock_text(at.wall + hold.until - at.steady)
    match hold.reason:
        case Reason.PAUSED:
            return f"{reason} until {until}"
        case Reason.STARTING:
            return f"{reason}, and has until {until} at the latest"
        case Reason.TOO_EARLY:
            return f"{reason}; it must last until {until}"
        case _:
            return f"{reason}; the next one may come at {until}"


def because(hold: Hold) -> str:
    """Return the reason for not restarting, as the second half of a sentence."""
    match hold.reason:
        case Reason.PAUSED:
            return "mailwatch is paused"
        case Reason.STARTING:
            return _bare(say(hold.target)) or "it is still starting"
        case Reason.TOO_EARLY:
            return "the failure is too short yet"
        case Reason.BANNED:
            return (
                "every service accepts the connection and closes it at once, the sign of a ban "
                "or of a connection limit, which no restart cures"
            )
        case Reason.APART:
            return (
                "some services close the connection at once and others do not, so a ban may just "
                "have begun or ended; the next round tells"
            )
        case Reason.INCURABLE:
            return "a restart does not cure faults of this kind"
        case Reason.UNPROVEN:
            names = _bare(name_some(hold.services)) or "it"
            return (
                f"mailwatch has never seen {names} answer as configured "
                "now, so the mistake may be in its own settings, which no restart cures"
            )
        case Reason.OPERATOR:
            return _bare(say(hold.target)) or "somebody stopped it on purpose"
        case Reason.MISSING:
            return _bare(say(hold.target)) or "it does not exist"
        case Reason.DENIED:
            return _bare(say(hold.target)) or "mailwatch may not talk to its engine"
        case Reason.UNREACHABLE:
            return _bare(say(hold.target)) or "its engine does not answer"
        case Reason.BUDGET if hold.until is None:
            return "restarts are switched off (max_restarts = 0)"
        case Reason.BUDGET:
            return "all restarts that the budget allows are spent"
        case Reason.BACKOFF:
            return "the last restart, or the recovery after it, was too short a time ago"


def _not_restarted(hold: Hold, installation: Installation) -> str:
    # What a restarter says of its target is a sentence of its own, with its own remedy.
    if hold.target and hold.reason in _TOLD_BY_THE_TARGET:
        return f"{_capital(installation.target)} is not restarted. {_sentence(say(hold.target))}"
    return f"{_capital(installation.target)} is not restarted: {because(hold)}."


def _what_fails(incident: Incident, installation: Installation) -> list[str]:
    names, since = _names(incident.failures), installation.clock_text(incident.since.wall)
    now = {failure.service for failure in incident.failures}
    first = {failure.service for failure in incident.first_failures}
    one = len(incident.failures) == 1
    if now <= first:
        head = f"{names} {'has' if one else 'have'} failed since {since}:"
    else:
        before = _names(incident.first_failures)
        head = f"Since {since} mail is not well; first {before} failed, now {names}:"
    return [head, *_failures(incident.failures)]


def _names(failures: Sequence[Failure]) -> str:
    names = [printable(failure.service, 80) for failure in failures]
    return printable(name_some(names, _FEW), 300)


def _failures(failures: Sequence[Failure]) -> list[str]:
    listed = failures if len(failures) <= _FEW else failures[: _FEW - 1]
    shown = [
        f"- {printable(failure.service, 80)}: {printable(say(failure.detail), 160).rstrip('.')}"
        for failure in listed
    ]
    more = len(failures) - len(listed)
    return [*shown, f"- and {more} more"] if more else shown


def _cause(incident: Incident) -> str:
    return f"Likely cause: {_bare(incident.cause)}." if incident.cause else ""


def _what_helped(incident: Incident, installation: Installation) -> str:
    last = incident.last_attempt
    if last is None:
        return f"mailwatch did not restart {installation.target}."
    if last.outcome is not Outcome.RECOVERED:
        return _last_restart(incident, installation)
    when = installation.clock_text(last.begun.wall)
    if last.number == 1:
        return f"The restart of {installation.target} at {when} helped."
    return f"Restart number {last.number} of {installation.target}, at {when}, helped."


def _last_restart(incident: Incident, installation: Installation) -> str:
    last = incident.last_attempt
    if last is None:
        return ""
    which = "a restart" if last.number == 1 else f"restart number {last.number}"
    when = installation.clock_text(last.begun.wall)
    ordered = f"mailwatch ordered {which} of {installation.target} at {when}."
    return f"{ordered} {_sentence(say(last.detail))}".rstrip()


def _what_next(tell: Tell, installation: Installation) -> str:
    incident = tell.incident
    again = " again" if incident.attempts else ""
    if tell.next_restart is not None:
        when = installation.clock_text(tell.at.wall + max(0.0, tell.next_restart - tell.at.steady))
        return f"mailwatch keeps looking, and may restart it{again} at {when}."
    if incident.hold is not None and incident.hold.reason in _TOLD_BY_THE_TARGET:
        return f"mailwatch keeps looking, and restarts it{again} as soon as it can."
    return "mailwatch keeps looking and tells when mail flows again; restarting it is up to you."


def _advice(incident: Incident, installation: Installation) -> list[str]:
    lines = []
    hold = incident.hold
    reason = None if hold is None else hold.reason
    seen_as = "" if hold is None else hold.seen_as
    if reason is Reason.BANNED:
        lines.append(
            f"What to do: look whether the mail server has banned {_as_seen(seen_as)}; if "
            "so, unblock and allow-list it. If nothing listens behind the published ports, "
            "restart it."
        )
    elif any(failure.mask is Mask.FILTER for failure in incident.failures):
        lines.append(
            f"What to do: find the packet filter, fail2ban's say, in the container or on this "
            f"host, that drops what comes from {_as_seen(seen_as)}; unblock and allow-list it."
        )
    elif any(failure.fault is Fault.REJECTED for failure in incident.failures):
        lines.append(
            f"What to do: the mail server itself says that it turns away {_as_seen(seen_as)}; "
            "unblock and allow-list it there, or raise the limit that its words name."
        )
    if reason is Reason.UNPROVEN:
        lines.append(
            "What to do: run `mailwatch check`, and compare port, probe and tls (and, where they "
            "are set, minimum_tls, proxy and the like) in the configuration with what the server "
            "offers. If they are right, restart it yourself: once it has answered, mailwatch does."
        )
    return [*lines, f"Look at: {installation.look}"] if installation.look else lines


def _as_seen(address: str) -> str:
    address = printable(address, 80)
    if address:
        return f"{address}, the address that it sees for this host"
    return (
        "the address that it sees for this host (through a port published on loopback, that is "
        "the bridge's gateway)"
    )


def _bare(sentence: str) -> str:
    return printable(sentence, 300).rstrip(".")


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _sentence(text: str) -> str:
    # A name that begins a sentence is written as it is: `stalwart is being removed.`
    return f"{_bare(text)}." if text else ""
