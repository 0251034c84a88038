"""The messages to the phone: titles, the lines below them, and what became of them."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences, Template


def _of_us(template: str) -> Template:
    """Return `template`, whose `{us}` is the address that the target sees this host as."""
    seen = "{seen_as:80}, the address that it sees for this host"
    unseen = (
        "the address that it sees for this host (through a port published on loopback, that is "
        "the bridge's gateway)"
    )
    return Given("seen_as", template.replace("{us}", seen), template.replace("{us}", unseen))


def _ordered(end: str) -> Template:
    one = "mailwatch ordered a restart of {target} at {restart_at:clock}."
    many = "mailwatch ordered restart number {number} of {target} at {restart_at:clock}."
    return Plural("number", one + end, many + end)


def _starting(end: str) -> Template:
    return Given("detail", "{detail:clause}" + end, "it is still starting" + end)


_AND_NEXT = "; the next one may come at {until_at:clock}"
_AT_LATEST = ", and has until {until_at:clock} at the latest"
_SPENT = "all restarts that the budget allows are spent"
_TOO_SOON = "the last restart, or the recovery after it, was too short a time ago"

SENTENCES: Sentences = {
    "title-opened": "Mail is down on {host:64}: {services:services}",
    "title-recovered": "Mail flows again on {host:64}",
    "title-unwatched": "Nothing that is watched fails on {host:64} any more",
    "title-escalated": "Mail is down on {host:64} and needs you",
    "title-reminder": "Mail has been down on {host:64} for {down_s:duration}",
    "title-held": "Mail is down on {host:64}; {target} is left alone",
    "incident-id": "Incident {incident}",
    # what fails, and why
    "fails": Plural(
        "services",
        "{services:services} has failed since {since_at:clock}:",
        "{services:services} have failed since {since_at:clock}:",
    ),
    "fails-otherwise": (
        "Since {since_at:clock} mail is not well; first {first:services} failed, now "
        "{services:services}:"
    ),
    "failure": "- {service:80}: {detail:detail}",
    "more-failures": "- and {count} more",
    "likely-cause": "Likely cause: {cause:cause}.",
    "remark": "{detail:sentence}",
    # what is done about it
    "restarts-now": "mailwatch restarts {target} now; the next message tells how that went.",
    "heals-once-it-runs": "mailwatch keeps looking, and heals again once it runs.",
    "may-restart": "mailwatch keeps looking, and may restart it at {restart_at:clock}.",
    "restarts-when-it-can": "mailwatch keeps looking, and restarts it as soon as it can.",
    "up-to-you": (
        "mailwatch keeps looking and tells when mail flows again; restarting it is up to you."
    ),
    # what was done about it
    "answers-again": Given(
        "unwatched",
        "All services that are watched answer since {at:clock}.",
        "All services answer again since {at:clock}.",
    ),
    "no-longer-watched": Plural(
        "services",
        "{services:services} is no longer watched: nobody knows whether it answers.",
        "{services:services} are no longer watched: nobody knows whether they answer.",
    ),
    "had-failed": "{services:services} had failed since {since_at:clock}, for {down_s:duration}.",
    "did-not-restart": "mailwatch did not restart {target}.",
    "restart-helped": Plural(
        "number",
        "The restart of {target} at {restart_at:clock} helped.",
        "Restart number {number} of {target}, at {restart_at:clock}, helped.",
    ),
    "ordered-restart": Given("detail", _ordered(" {detail:sentence}"), _ordered("")),
    "attempt-cut-short": "It was cut short by the end of mailwatch itself.",
    "attempt-helped": "What a restart cures answers again.",
    "attempt-intervened": "Somebody stopped, paused or removed it before it could help.",
    "attempt-no-help": "It did not help in time.",
    # why nothing is done about it
    "not-restarted": Given(
        "detail",
        "{target:capital} is not restarted. {detail:sentence}",
        "{target:capital} is not restarted: {why:clause}.",
    ),
    "why-not-restarted": Given(
        "seen_as",
        "Why it is not restarted now: {why:clause}. It sees this host as {seen_as}.",
        "Why it is not restarted now: {why:clause}.",
    ),
    "hold-apart": (
        "some services close the connection at once and others do not, so a ban may just have "
        "begun or ended; the next round tells"
    ),
    "hold-backoff": Given("until_at", _TOO_SOON + _AND_NEXT, _TOO_SOON),
    "hold-banned": (
        "every service accepts the connection and closes it at once, the sign of a ban or of a "
        "connection limit, which no restart cures"
    ),
    "hold-budget": Given("until_at", _SPENT + _AND_NEXT, _SPENT),
    "hold-denied": Given("detail", "{detail:clause}", "mailwatch may not talk to its engine"),
    "hold-incurable": "a restart does not cure faults of this kind",
    "hold-missing": Given("detail", "{detail:clause}", "it does not exist"),
    "hold-never": "restarts are switched off (max_restarts = 0)",
    "hold-operator": Given("detail", "{detail:clause}", "somebody stopped it on purpose"),
    "hold-paused": Given(
        "until_at", "mailwatch is paused until {until_at:clock}", "mailwatch is paused"
    ),
    "hold-starting": Given("until_at", _starting(_AT_LATEST), _starting("")),
    "hold-too-early": Given(
        "until_at",
        "the failure is too short yet; it must last until {until_at:clock}",
        "the failure is too short yet",
    ),
    "hold-unproven": Given(
        "services",
        "mailwatch has never seen {services:names} answer as configured now, so the mistake may "
        "be in its own settings, which no restart cures",
        "mailwatch has never seen it answer as configured now, so the mistake may be in its own "
        "settings, which no restart cures",
    ),
    "hold-unreachable": Given("detail", "{detail:clause}", "its engine does not answer"),
    # what to do
    "advice-banned": _of_us(
        "What to do: look whether the mail server has banned {us}; if so, unblock and allow-list "
        "it. If nothing listens behind the published ports, restart it."
    ),
    "advice-filtered": _of_us(
        "What to do: find the packet filter, fail2ban's say, in {target} or on this host, that "
        "drops what comes from {us}; unblock and allow-list it."
    ),
    "advice-rejected": _of_us(
        "What to do: the mail server itself says that it turns away {us}; unblock and allow-list "
        "it there, or raise the limit that its words name."
    ),
    "advice-unproven": (
        "What to do: run `mailwatch check`, and compare port, probe and tls (and, where they are "
        "set, minimum_tls, proxy and the like) in the configuration with what the server offers. "
        "If they are right, restart it yourself: once it has answered, mailwatch does."
    ),
    "look-at": "Look at: {look:400}",
    # what its target was found doing, and what happened to the message itself
    "engine-silent": "the engine has not answered for {waited_s:duration}",
    "not-looked-at": "not looked at yet",
    "restart-call-silent": "the engine has not answered the restart call for {waited_s:duration}",
    "target-left-stopped": (
        "A restart by mailwatch stopped it at {ended_at:utc} and did not start it."
    ),
    "notifier-silent": "The notifier has not come back for {waited_s:duration}.",
    "not-sent": "Not sent: {why}.",
    "sent-late": "Written at {when}, but it could not be sent for {late_s:duration}.",
    "story-cut": "(and more, see `mailwatch incidents`)",
    "story-head": "These messages could not be sent in time:",
    "story-title": "{title}, after an outage",
}
