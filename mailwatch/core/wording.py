"""What a message about an incident says: what happened, since when, what next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from mailwatch.core import fit
from mailwatch.core.causes import cure as cure_of
from mailwatch.core.causes import is_ban, is_seen
from mailwatch.core.events import Tell
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Mask, Now, Target
from mailwatch.core.say import ClockText, say
from mailwatch.core.state import Failure, Hold, Incident, Outcome, Reason

_FEW = 5
"""How many lines a message has for kinds of failures, or for certificates."""

_CURE = "what-to-do"

_OWN_WORDS = ("exit_code", "words")
"""Arguments of a cause that begins a call: how the server ended, and the last that it said."""

_LONGEST_NOTICE = 700
"""Characters, as of a call."""

_ALIKE = frozenset(
    {
        "not-accepted",
        "nothing-behind-proxy",
        "packets-filtered",
        "peer-closed",
        "peer-closed-within",
        "peer-dropped",
        "peer-late",
        "peer-reset",
        "peer-silent",
        "port-refused",
    }
)
"""Failures that a phone tells as one whatever step or address they are of, `failing-CODE`."""

_TOLD_BY_THE_TARGET = frozenset(
    {Reason.OPERATOR, Reason.UNSURE, Reason.MISSING, Reason.DENIED, Reason.UNREACHABLE}
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
    services: tuple[str, ...] = ()
    """The keys of all services that are watched, empty where nobody needs them."""

    def say(self, what: Fact) -> str:
        """Return `what` as one line, with the moments by this host's clock."""
        return say(what, self.clock_text)

    def body(self, lines: Sequence[Fact], at: float, limit: int | None = None) -> str:
        """Return `lines` as the body of a message that was written at `at`, see `fit.body`."""
        clock = fit.near(self.clock_text, at)
        return fit.body([said for one in lines if (said := say(one, clock))], limit)


def compose(tell: Tell, installation: Installation) -> Message:
    """Return the message for `tell`.

    Each line and the title are printable whatever the peers, the engine or the host are called
    or have said. The title has at most `fit.LONGEST_TITLE` characters, the body as many as its
    topic's writer allows.
    """
    incident, writer = tell.incident, _WRITERS[tell.topic]
    action = writer.action(tell, installation)
    unseen = tell.topic is Topic.RECOVERED and not incident.answered
    # Of what may be left out for want of room, the cure is more than each kind of failure.
    for with_cure, kinds in product((True, False), range(_FEW, 1, -1)):
        lines = [
            *writer.lines(tell, installation, action, kinds),
            fact("incident-id", incident=incident.id),
        ]
        lines = [one for one in lines if with_cure or one.code != _CURE]
        if len(installation.body(lines, tell.at.wall)) <= writer.longest:
            break
    # Who is shut out cannot tell whether others are served.
    banned = incident.hold is not None and incident.hold.reason is Reason.BANNED
    which = f"{tell.topic}-banned" if banned and writer.lines is _call else tell.topic
    title = fact(
        f"title-{'unwatched' if unseen else which}",
        host=installation.host,
        services=_keys(incident.failures),
        down_s=_down_s(tell),
    )
    return Message(
        tell.topic,
        Severity.WARNING
        if tell.topic is Topic.REMINDER and not incident.escalated
        else writer.severity,
        fit.title(title, installation.services),
        installation.body(lines, tell.at.wall, writer.longest),
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
    longest: int = _LONGEST_NOTICE,
) -> Message:
    """Return a message about mailwatch itself; it is about `subject`, which is `title` if none.

    `title` is as for `fit.title`; the body has at most `longest` characters.
    """
    said = fit.title(title, installation.services)
    body = installation.body(lines, now.wall, longest)
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


def _opened(tell: Tell, installation: Installation, action: Fact, kinds: int) -> list[Fact]:
    incident, hold = tell.incident, tell.incident.hold
    told = fact("remark", detail=incident.target)
    if hold is not None:
        told = _not_restarted(incident, hold, installation)
    return [
        *_what_fails(incident, installation, kinds),
        _cause(incident, installation),
        _cure(incident, installation),
        told,
        action,
        _sharers(incident, "sharers-to-restart"),
    ]


def _recovered(tell: Tell, installation: Installation, action: Fact, _kinds: int) -> list[Fact]:
    incident = tell.incident
    gone = fit.called(incident.unwatched, installation.services)
    return [
        fact(
            "had-failed",
            services=fit.called(_keys(incident.first_failures), installation.services),
            since_at=incident.since.wall,
            at=tell.at.wall,
            down_s=_down_s(tell),
            unwatched=incident.unwatched,
        ),
        fact("no-longer-watched", services=gone) if gone else NOTHING,
        _cause(incident, installation),
        action,
        _sharers(incident, "sharers-cut-off"),
    ]


def _call(tell: Tell, installation: Installation, action: Fact, kinds: int) -> list[Fact]:
    """Return all that a person who is called must know."""
    incident, hold = tell.incident, tell.incident.hold
    cause, cure = _cause(incident, installation), _advice(incident, installation)
    fails = _what_fails(incident, installation, kinds)
    says_why = [*fails, cause]
    if _is_older(incident):
        says_why = [*fails, _older_cause(incident, installation)]
    else:
        cure = cure or _cure(incident, installation)
        if any(incident.cause.get(name) is not None for name in _OWN_WORDS):
            says_why = [cause, *fails]
    look = fact("look-at", look=installation.look) if installation.look else NOTHING
    if hold is not None and hold.reason is Reason.HOPELESS:
        served = fact("still-served", services=fit.called(hold.services, installation.services))
        ended = fact("remark", detail=incident.target)
        last = _last_restart(incident, installation)
        cut_off = _sharers(incident, "sharers-cut-off")
        return [cause, ended, cure, *fails, served, last, cut_off, action, look]
    return [
        *says_why,
        _last_restart(incident, installation),
        _sharers(incident, "sharers-cut-off"),
        _not_restarted(incident, hold, installation) if hold else NOTHING,
        action,
        cure,
        look,
    ]


def _held(tell: Tell, installation: Installation, action: Fact, kinds: int) -> list[Fact]:
    incident = tell.incident
    hold = incident.hold or Hold(Reason.OPERATOR)
    told = _not_restarted(incident, hold, installation)
    return [*_what_fails(incident, installation, kinds), told, action]


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
    if hold is not None and hold.reason in (Reason.OPERATOR, Reason.UNSURE):
        return fact("heals-once-it-runs")
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
    longest: int
    """Characters of a body."""
    lines: Callable[[Tell, Installation, Fact, int], list[Fact]]
    """With the number of lines that there are for kinds of failures."""
    action: Callable[[Tell, Installation], Fact]


_WRITERS = {
    Topic.OPENED: _Writer(Severity.WARNING, 350, _opened, _restarts_or_waits),
    Topic.RECOVERED: _Writer(Severity.INFO, 350, _recovered, _what_helped),
    Topic.ESCALATED: _Writer(Severity.CRITICAL, 700, _call, _what_next),
    Topic.REMINDER: _Writer(Severity.URGENT, 700, _call, _what_next),
    Topic.HELD: _Writer(Severity.WARNING, 350, _held, _what_next),
}


# --- parts --------------------------------------------------------------------------------


def _down_s(tell: Tell) -> float:
    return max(0.0, tell.at.steady - tell.incident.since.steady)


def _keys(failures: Sequence[Failure]) -> tuple[str, ...]:
    return tuple(failure.service for failure in failures)


def _what_fails(incident: Incident, installation: Installation, most: int) -> list[Fact]:
    """Return a line for each kind of failure: those of one fault of which the facts are alike."""
    kinds: dict[tuple[object, ...], list[Failure]] = {}
    for one in incident.failures:
        alike = one.detail.code if one.detail.code in _ALIKE else one.detail
        kinds.setdefault((one.fault, one.mask, alike), []).append(one)
    told = list(kinds.values())
    if len(told) > most:
        told = told[: most - 1]
    lines = [_kind(failures, installation) for failures in told]
    first, since_at = _keys(incident.first_failures), incident.since.wall
    if set(_keys(incident.failures)) <= set(first):
        if len(kinds) == 1:
            return [fact("fails", what=lines[0], since_at=since_at)]
        head = fact("fails-in-kinds", since_at=since_at)
    else:
        first = fit.called(first, installation.services)
        head = fact("fails-otherwise", first=first, since_at=since_at)
    rest = len(incident.failures) - sum(map(len, told))
    more = fact("more-failures", count=rest) if rest else NOTHING
    return [head, *(fact("kind", what=line) for line in lines), more]


def _kind(failures: Sequence[Failure], installation: Installation) -> Fact:
    services = fit.called(_keys(failures), installation.services)
    detail = failures[0].detail
    if detail.code in _ALIKE:
        return fact(f"failing-{detail.code}", services=services)
    return fact("failing", services=services, detail=detail)


def _cause(incident: Incident, installation: Installation) -> Fact:
    if not incident.cause:
        return NOTHING
    cause = _by_name(incident.cause, incident, installation)
    if incident.hold is not None and incident.hold.reason is Reason.HOPELESS:
        return fact("no-restart-cures", cause=cause)
    return fact("likely-cause", cause=cause, seen=is_seen(incident.cause))


def _is_older(incident: Incident) -> bool:
    """Whether the cause was seen before the last restart, and nothing is known of after it."""
    after = incident.cause_after
    return after is not None and after < len(incident.attempts)


def _older_cause(incident: Incident, installation: Installation) -> Fact:
    cause = _by_name(incident.cause, incident, installation)
    return fact("older-cause", cause=cause, seen=is_seen(incident.cause)) if cause else NOTHING


def _cure(incident: Incident, installation: Installation) -> Fact:
    cure = _by_name(cure_of(incident.cause), incident, installation)
    return fact(_CURE, cure=cure) if cure else NOTHING


def _by_name(what: Fact, incident: Incident, installation: Installation) -> Fact:
    """Return `what` with its services by name; all that fail are named above it already."""
    services = what.get("services")
    if not isinstance(services, tuple) or not services:
        return what
    keys = tuple(map(str, services))
    said = fit.called(keys, installation.services)
    if set(keys) == set(_keys(incident.failures)):
        said = ("them",) if len(keys) > 1 else ("it",)
    return fact(what.code, **{**dict(what.args), "services": said})


def _not_restarted(incident: Incident, hold: Hold, installation: Installation) -> Fact:
    # What a restarter says of its target is a sentence of its own, with its own remedy.
    told = hold.target if hold.reason in _TOLD_BY_THE_TARGET else NOTHING
    reason = _by_name(why(hold), incident, installation)
    if hold.reason is Reason.BANNED and is_ban(incident.cause) and is_seen(incident.cause):
        reason = fact("hold-banned-surely")
    return fact("not-restarted", detail=told, why=reason)


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


def _sharers(incident: Incident, code: str) -> Fact:
    """Return what the last restart cuts off from the network of its target, NOTHING for nothing."""
    last = incident.last_attempt
    if last is None or not last.sharers or not last.may_have_ended:
        return NOTHING
    return fact(code, sharers=last.sharers)


def _advice(incident: Incident, installation: Installation) -> Fact:
    """Return what to do by the kind of failure, where its cause does not say it better."""
    hold, seen = incident.hold, is_seen(incident.cause)
    reason, seen_as = (hold.reason, hold.seen_as) if hold else (None, "")
    if reason is Reason.UNPROVEN:
        return fact("advice-unproven")
    if reason is Reason.BANNED and not seen:
        return fact("advice-banned", seen_as=seen_as)
    if any(failure.mask is Mask.FILTER for failure in incident.failures):
        return fact("advice-filtered", target=installation.target.called, seen_as=seen_as)
    if not seen and any(failure.fault is Fault.REJECTED for failure in incident.failures):
        return fact("advice-rejected", seen_as=seen_as)
    return NOTHING
