"""Every sentence that reaches the admin's phone: what happened, since when, what next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailwatch.core.events import Tell
from mailwatch.core.model import Message, Now, Topic
from mailwatch.core.policy import HIGHEST_PRIORITY, Policy
from mailwatch.core.state import Failure, Hold, Incident, Outcome, Reason
from mailwatch.core.text import duration, join_words, printable

REMINDER_PRIORITY = 8
"""The least at which the Android client still sounds and vibrates."""

_FEW = 6
"""How many services a message lists one by one before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What the sentences need to know of this installation."""

    host: str
    """The name of the host on which the mail server runs."""
    target: str
    """What gets restarted, as a person says it: `container stalwart`."""
    look: str
    """The command that shows the target's own log, empty where there is none."""
    clock_text: Callable[[float], str]
    """Turns seconds since 1970 into local time as a person reads it."""


def compose(tell: Tell, voice: Voice, policy: Policy) -> Message:
    """Return the message for `tell`."""
    title, lines, priority = _WRITERS[tell.topic](tell, voice, policy)
    body = "\n".join([*(line for line in lines if line), f"Incident {tell.incident.id}"])
    return Message(tell.topic, title, body, priority, tell.at.wall, tell.incident.id)


def notice(title: str, body: str, at: Now, priority: int) -> Message:
    """Return a message about mailwatch itself, of `priority` 0 to 10."""
    return Message(Topic.NOTICE, title, body, priority, at.wall)


Written = tuple[str, list[str], int]


def _opened(tell: Tell, voice: Voice, policy: Policy) -> Written:
    incident = tell.incident
    lines = [_since(incident, voice), *_failures(incident.failures)]
    if incident.cause:
        lines.append(f"Likely cause: {incident.cause}.")
    if incident.hold is None:
        lines.append(_sentence(incident.target))
        lines.append(f"Restarting {voice.target} now; the next message tells how that went.")
    else:
        lines.append(f"Not restarting {voice.target} yet: {why(incident.hold, voice, tell.at)}.")
    return f"Mail is down on {voice.host}: {_names(incident.failures)}", lines, policy.priority


def _recovered(tell: Tell, voice: Voice, policy: Policy) -> Written:
    incident = tell.incident
    down_s = tell.at.steady - incident.since.steady
    names = _names(incident.first_failures)
    return (
        f"Mail flows again on {voice.host}",
        [
            f"All services answer again as of {voice.clock_text(tell.at.wall)}; "
            f"{names} had failed for {duration(max(0.0, down_s))}, "
            f"since {voice.clock_text(incident.since.wall)}.",
            _what_helped(incident, voice),
            f"Likely cause: {incident.cause}." if incident.cause else "",
        ],
        policy.priority,
    )


def _escalated(tell: Tell, voice: Voice, _policy: Policy) -> Written:
    return f"Mail is down on {voice.host} and needs you", _call(tell, voice), HIGHEST_PRIORITY


def _call(tell: Tell, voice: Voice) -> list[str]:
    """Return all that a person who is called must know."""
    incident = tell.incident
    return [
        _since(incident, voice),
        *_failures(incident.failures),
        f"Likely cause: {incident.cause}." if incident.cause else "",
        _what_was_done(incident, voice),
        _why_a_person(incident, voice, tell.at),
        _what_next(tell, voice),
        _advice(incident, voice),
    ]


def _reminder(tell: Tell, voice: Voice, _policy: Policy) -> Written:
    down = duration(max(0.0, tell.at.steady - tell.incident.since.steady))
    return f"Mail is still down on {voice.host}, for {down}", _call(tell, voice), REMINDER_PRIORITY


def _held(tell: Tell, voice: Voice, policy: Policy) -> Written:
    incident = tell.incident
    hold = incident.hold or Hold(Reason.OPERATOR)
    return (
        f"Mail is down on {voice.host}, {voice.target} is left alone",
        [
            _since(incident, voice),
            *_failures(incident.failures),
            f"{voice.target[:1].upper()}{voice.target[1:]} is not restarted: "
            f"{why(hold, voice, tell.at)}.",
            "Healing goes on by itself once it runs again.",
        ],
        policy.priority,
    )


_WRITERS: dict[Topic, Callable[[Tell, Voice, Policy], Written]] = {
    Topic.OPENED: _opened,
    Topic.RECOVERED: _recovered,
    Topic.ESCALATED: _escalated,
    Topic.REMINDER: _reminder,
    Topic.HELD: _held,
}


def why(hold: Hold, voice: Voice, at: Now) -> str:
    """Return the reason for not restarting, as the second half of a sentence."""
    until = ""
    if hold.until is not None:
        until = voice.clock_text(at.wall + hold.until - at.steady)
    detail = _bare(hold.detail)
    match hold.reason:
        case Reason.PAUSED:
            return f"mailwatch is paused until {until}"
        case Reason.STARTING:
            return f"it is still starting, and has until {until}"
        case Reason.TOO_EARLY:
            return f"the failure must last until {until} first"
        case Reason.BANNED:
            return (
                "every service accepts the connection and closes it at once, which is the sign "
                "of a ban or of a connection limit, and no restart cures those"
            )
        case Reason.INCURABLE:
            return "a restart does not cure faults of this kind"
        case Reason.OPERATOR:
            return detail or "somebody stopped it on purpose"
        case Reason.MISSING | Reason.DENIED | Reason.UNREACHABLE:
            return detail or hold.reason.value
        case Reason.BUDGET if hold.until is None:
            return "restarts are switched off (max_restarts = 0)"
        case Reason.BUDGET:
            return f"all restarts that the budget allows are spent; the next is free at {until}"
        case Reason.BACKOFF:
            return f"the last restart was too short a time ago; the next may come at {until}"


def _since(incident: Incident, voice: Voice) -> str:
    verb = "fails" if len(incident.failures) == 1 else "fail"
    when = voice.clock_text(incident.since.wall)
    return f"{_names(incident.failures)} {verb} since {when}:"


def _names(failures: Sequence[Failure]) -> str:
    names = [failure.service for failure in failures]
    if len(names) > _FEW:
        names = [*names[: _FEW - 1], f"{len(names) - _FEW + 1} more"]
    return printable(join_words(names), 300)


def _failures(failures: Sequence[Failure]) -> list[str]:
    shown = [f"- {failure.service}: {_bare(failure.detail)}" for failure in failures[:_FEW]]
    more = len(failures) - _FEW
    return [*shown, f"- and {more} more"] if more > 0 else shown


def _what_helped(incident: Incident, voice: Voice) -> str:
    restarts = [a for a in incident.attempts if a.outcome is not Outcome.INTERRUPTED]
    if not restarts:
        return f"mailwatch did not restart {voice.target}."
    last = restarts[-1]
    when = voice.clock_text(last.begun.wall)
    if last.outcome is Outcome.RECOVERED:
        if len(restarts) == 1:
            return f"The restart of {voice.target} at {when} helped."
        return f"Restart number {len(restarts)} of {voice.target}, at {when}, helped."
    return f"The last restart of {voice.target} by mailwatch was at {when}."


def _what_was_done(incident: Incident, voice: Voice) -> str:
    attempt = incident.last_attempt
    if attempt is None:
        return f"{voice.target[:1].upper()}{voice.target[1:]} was not restarted."
    when = voice.clock_text(attempt.begun.wall)
    count = len(incident.attempts)
    which = "was restarted" if count == 1 else f"was restarted {count} times, last"
    if attempt.outcome is Outcome.FAILED and attempt.detail:
        return f"{voice.target[:1].upper()}{voice.target[1:]} {which} at {when}: {attempt.detail}."
    return f"{voice.target[:1].upper()}{voice.target[1:]} {which} at {when}."


def _why_a_person(incident: Incident, voice: Voice, at: Now) -> str:
    if incident.hold is None:
        return ""
    return f"The reason for not restarting: {why(incident.hold, voice, at)}."


def _what_next(tell: Tell, voice: Voice) -> str:
    if tell.next_restart is None:
        return (
            "mailwatch keeps looking and tells when mail flows again; restarting it is up to you."
        )
    when = voice.clock_text(tell.at.wall + max(0.0, tell.next_restart - tell.at.steady))
    return f"mailwatch keeps looking, and may restart it again at {when}."


def _advice(incident: Incident, voice: Voice) -> str:
    if incident.hold is not None and incident.hold.reason is Reason.BANNED:
        return (
            "What to do: in the mail server, unblock and allow-list the address that it sees "
            "for this host (through a published port that is the bridge's gateway)."
        )
    return f"Look at: {voice.look}" if voice.look else ""


def _bare(sentence: str) -> str:
    return printable(sentence, 300).rstrip(".")


def _sentence(text: str) -> str:
    return f"{_bare(text)[:1].upper()}{_bare(text)[1:]}." if text else ""
