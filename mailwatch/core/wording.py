"""What a message about an incident says: what happened, since when, what next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailwatch.core.events import Tell
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Mask, Now, Target
from mailwatch.core.say import ClockText, say
from mailwatch.core.state import Failure, Hold, Incident, Outcome, Reason
from mailwatch.core.text import printable

_FEW = 6
"""How many lines a message has for services or certificates."""

_TOLD_BY_THE_TARGET = frozenset(
    {Reason.OPERATOR, Reason.MISSING, Reason.DENIED, Reason.UNREACHABLE}
)
"""Reasons that the restarter words, and that end by themselves once they are mended."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the sentences need to know of this installation."""

    host: str
    """The name of the host on which the mail server runs."""
    target: Target
    """What gets restarted."""
    look: str
    """The command that shows the target's own log, empty where there is none."""
    clock_text: ClockText

    def say(self, what: Fact) -> str:
        """Return `what` as one line, with the moments by this host's clock."""
        return say(what, self.clock_text)


_LONGEST_BODY = 3999
"""Characters, see `compose`: Gotify takes about 4 KB."""


def compose(tell: Tell, installation: Installation) -> Message:
    """Return the message for `tell`.

    Each line and the title are printable whatever the peers, the engine or the host are called
    or have said; the body has fewer than 4000 characters.
    """
    incident, writer = tell.incident, _WRITERS[tell.topic]
    action = writer.action(tell, installation)
    lines = [*writer.lines(tell, installation, action), fact("incident-id", incident=incident.id)]
    unseen = tell.topic is Topic.RECOVERED and not incident.answered
    title = fact(
        f"title-{'unwatched' if unseen else tell.topic}",
        host=installation.host,
        services=_names(incident.failures),
        down_s=_down_s(tell),
        target=installation.target.called,
    )
    body = "\n".join(filter(None, map(installation.say, lines)))
    return Message(
        tell.topic,
        writer.severity,
        printable(installation.say(title)),
        body if len(body) <= _LONGEST_BODY else f"{body[: _LONGEST_BODY - 3]}...",
        tell.at.wall,
        incident.id,
        failures=incident.failures,
        cause=incident.cause,
        action=action,
        since=incident.since.wall,
    )


def notice(
    title: Fact,
    lines: Sequence[Fact],
    now: Now,
    installation: Installation,
    severity: Severity = Severity.INFO,
    subject: Fact = NOTHING,
) -> Message:
    """Return a message about mailwatch itself; it is about `subject`, which is `title` if none."""
    said = installation.say(title)
    body = "\n".join(map(installation.say, lines))
    return Message(Topic.NOTICE, severity, said, body, now.wall, subject=subject or title)


def few(lines: Sequence[Fact], more: str = "") -> list[Fact]:
    """Return the first of `lines`, as many as a phone shows; `more` is what counts the rest."""
    if len(lines) <= _FEW or not more:
        return list(lines[:_FEW])
    return [*lines[: _FEW - 1], fact(more, count=len(lines) - _FEW + 1)]


def why(hold: Hold, at: Now | None = None) -> Fact:
    """Return the reason for not restarting, a clause; with its end if `at` is when it began."""
    until_at = None if at is None or hold.until is None else at.wall + hold.until - at.steady
    if hold.reason is Reason.BUDGET and hold.until is None:
        return fact("hold-never")
    return fact(
        f"hold-{hold.reason}", detail=hold.target, services=hold.services, until_at=until_at
    )


# --- what each message says ---------------------------------------------------------------


def _opened(tell: Tell, installation: Installation, action: Fact) -> list[Fact]:
    incident, hold = tell.incident, tell.incident.hold
    told = _not_restarted(hold, installation) if hold else fact("remark", detail=incident.target)
    return [*_what_fails(incident), _cause(incident), told, action]


def _recovered(tell: Tell, _installation: Installation, action: Fact) -> list[Fact]:
    incident = tell.incident
    return [
        fact("no-longer-watched", services=incident.unwatched) if incident.unwatched else NOTHING,
        fact("answers-again", at=tell.at.wall, unwatched=incident.unwatched),
        fact(
            "had-failed",
            services=_names(incident.first_failures),
            since_at=incident.since.wall,
            down_s=_down_s(tell),
        ),
        _cause(incident),
        action,
    ]


def _call(tell: Tell, installation: Installation, action: Fact) -> list[Fact]:
    """Return all that a person who is called must know."""
    incident = tell.incident
    return [
        *_what_fails(incident),
        _cause(incident),
        _last_restart(incident, installation),
        _not_restarted(incident.hold, installation) if incident.hold else NOTHING,
        action,
        *_advice(incident, installation),
    ]


def _held(tell: Tell, installation: Installation, action: Fact) -> list[Fact]:
    hold = tell.incident.hold or Hold(Reason.OPERATOR)
    return [*_what_fails(tell.incident), _not_restarted(hold, installation), action]


# --- what mailwatch does about it ---------------------------------------------------------


def _restarts_or_waits(tell: Tell, installation: Installation) -> Fact:
    if tell.incident.hold is None:
        return fact("restarts-now", target=installation.target.called)
    return _what_next(tell, installation)


def _what_next(tell: Tell, _installation: Installation) -> Fact:
    hold = tell.incident.hold
    if tell.next_restart is not None:
        restart_at = tell.at.wall + max(0.0, tell.next_restart - tell.at.steady)
        return fact("may-restart", restart_at=restart_at)
    if hold is not None and hold.reason in _TOLD_BY_THE_TARGET:
        return fact("restarts-when-it-can")
    return fact("up-to-you")


def _what_helped(tell: Tell, installation: Installation) -> Fact:
    target, last = installation.target.called, tell.incident.last_attempt
    if last is None:
        return fact("did-not-restart", target=target)
    if last.outcome is not Outcome.RECOVERED:
        return _last_restart(tell.incident, installation)
    return fact("restart-helped", number=last.number, target=target, restart_at=last.begun.wall)


@dataclass(frozen=True, slots=True)
class _Writer:
    severity: Severity
    lines: Callable[[Tell, Installation, Fact], list[Fact]]
    action: Callable[[Tell, Installation], Fact]


_WRITERS = {
    Topic.OPENED: _Writer(Severity.WARNING, _opened, _restarts_or_waits),
    Topic.RECOVERED: _Writer(Severity.INFO, _recovered, _what_helped),
    Topic.ESCALATED: _Writer(Severity.CRITICAL, _call, _what_next),
    Topic.REMINDER: _Writer(Severity.URGENT, _call, _what_next),
    Topic.HELD: _Writer(Severity.WARNING, _held, lambda *_: fact("heals-once-it-runs")),
}


# --- parts --------------------------------------------------------------------------------


def _down_s(tell: Tell) -> float:
    return max(0.0, tell.at.steady - tell.incident.since.steady)


def _names(failures: Sequence[Failure]) -> tuple[str, ...]:
    return tuple(failure.service for failure in failures)


def _what_fails(incident: Incident) -> list[Fact]:
    names, first = _names(incident.failures), _names(incident.first_failures)
    since_at = incident.since.wall
    if set(names) <= set(first):
        head = fact("fails", services=names, since_at=since_at)
    else:
        head = fact("fails-otherwise", services=names, first=first, since_at=since_at)
    lines = [fact("failure", service=f.service, detail=f.detail) for f in incident.failures]
    return [head, *few(lines, "more-failures")]


def _cause(incident: Incident) -> Fact:
    return fact("likely-cause", cause=incident.cause) if incident.cause else NOTHING


def _not_restarted(hold: Hold, installation: Installation) -> Fact:
    # What a restarter says of its target is a sentence of its own, with its own remedy.
    told = hold.target if hold.reason in _TOLD_BY_THE_TARGET else NOTHING
    called = installation.target.called
    return fact("not-restarted", target=called, detail=told, why=why(hold))


def _last_restart(incident: Incident, installation: Installation) -> Fact:
    last = incident.last_attempt
    if last is None:
        return NOTHING
    return fact(
        "ordered-restart",
        number=last.number,
        target=installation.target.called,
        restart_at=last.begun.wall,
        detail=last.detail,
    )


def _advice(incident: Incident, installation: Installation) -> list[Fact]:
    lines, hold = [], incident.hold
    reason, seen_as = (hold.reason, hold.seen_as) if hold else (None, "")
    if reason is Reason.BANNED:
        lines.append(fact("advice-banned", seen_as=seen_as))
    elif any(failure.mask is Mask.FILTER for failure in incident.failures):
        target = installation.target.called
        lines.append(fact("advice-filtered", target=target, seen_as=seen_as))
    elif any(failure.fault is Fault.REJECTED for failure in incident.failures):
        lines.append(fact("advice-rejected", seen_as=seen_as))
    if reason is Reason.UNPROVEN:
        lines.append(fact("advice-unproven"))
    return [*lines, fact("look-at", look=installation.look)] if installation.look else lines
