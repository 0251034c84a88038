"""The messages to the phone: titles, the lines below them, and what became of them."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences, Template


def _of_us(template: str) -> Template:
    """Return `template`, whose `{us}` is the address that the target sees this host as."""
    seen = "{seen_as:80} (this host, as it sees it)"
    unseen = "the address that it sees for this host (`mailwatch doctor` names it)"
    return Given("seen_as", template.replace("{us}", seen), template.replace("{us}", unseen))


def _do(one: str, many: str) -> Template:
    names = "{services:services} "
    return Plural("services", names + one, names + many)


def _was_down(end: str) -> Template:
    span = " from {since_at:clock} to {at:clock} ({down_s:duration})" + end
    return _do("was down" + span, "were down" + span)


def _ordered(end: str) -> Template:
    one = "mailwatch ordered a restart of {target} at {restart_at:clock}."
    many = "mailwatch ordered restart number {number} of {target} at {restart_at:clock}."
    return Plural("number", one + end, many + end)


def _starting(end: str) -> Template:
    return Given("detail", "{detail:clause}" + end, "it is still starting" + end)


_AND_NEXT = "; the next one may come at {until_at:clock}"
_AT_LATEST = ", and has until {until_at:clock} at the latest"
_LIMITED = "what is at its limit may come free by itself"
_SPENT = "the restart budget is spent"
_TOO_SOON = "the last restart, or the recovery after it, was too recent"

SENTENCES: Sentences = {
    "title-opened": "Mail is down on {host}: {services}",
    "title-recovered": "Mail flows again on {host}",
    "title-unwatched": "No watched service fails on {host}",
    "title-escalated": "Mail is down on {host} and needs you",
    "title-reminder": "Mail has been down on {host} for {down_s:duration}",
    "title-escalated-banned": "mailwatch is shut out on {host} and needs you",
    "title-reminder-banned": "mailwatch has been shut out on {host} for {down_s:duration}",
    "title-held": "Mail is down on {host} and left alone",
    "all-services": "all {count} services",
    "some-services": Given(
        "watched",
        "{count} of {watched} services",
        Plural("count", "{count} service", "{count} services"),
    ),
    "incident-id": "Incident {incident}",
    # what fails, and why
    "fails": "{what}, since {since_at:clock}.",
    "fails-in-kinds": "Since {since_at:clock}:",
    "fails-otherwise": "Down since {since_at:clock}. {first:services} failed first; now:",
    "kind": "- {what}",
    "more-failures": Plural(
        "count",
        "- and {count} more service, in another way",
        "- and {count} more services, in other ways",
    ),
    "failing": "{services:services}: {detail:detail}",
    "failing-not-accepted": _do("accepts no connection in time", "accept no connection in time"),
    "failing-nothing-behind-proxy": _do(
        "has no listener inside the container", "have no listener inside the container"
    ),
    "failing-packets-filtered": _do(
        "is cut off by a packet filter", "are cut off by a packet filter"
    ),
    "failing-peer-closed": _do("breaks off the conversation", "break off the conversation"),
    "failing-peer-closed-within": _do("breaks off its answer", "break off their answers"),
    "failing-peer-dropped": _do(
        "closes every connection at once", "close every connection at once"
    ),
    "failing-peer-late": _do("answers too slowly", "answer too slowly"),
    "failing-peer-reset": _do("resets the connection", "reset the connection"),
    "failing-peer-silent": _do(
        "accepts connections but says nothing", "accept connections but say nothing"
    ),
    "failing-port-refused": _do(
        "refuses connections: nothing listens", "refuse connections: nothing listens"
    ),
    "likely-cause": Given("seen", "Cause: {cause:cause}.", "Likely cause: {cause:cause}."),
    "older-cause": Given(
        "seen",
        "Cause before the restart: {cause:cause}.",
        "Likely cause before the restart: {cause:cause}.",
    ),
    "no-restart-cures": "No restart cures this: {cause:cause}.",
    "still-served": Given(
        "services", _do("still answers.", "still answer."), "Nothing that is watched answers."
    ),
    "what-to-do": "What to do: {cure}",
    "remark": "{detail:sentence}",
    # what is done about it
    "restarts-now": "mailwatch is restarting {target} now.",
    "heals-once-it-runs": "mailwatch leaves it alone until it runs again.",
    "may-restart": "mailwatch keeps checking, and may restart it at {restart_at:clock}.",
    "restarts-when-it-can": "mailwatch keeps checking, and restarts it as soon as it can.",
    "up-to-you": (
        "mailwatch keeps checking and tells you when mail flows again; restarting is up to you."
    ),
    # what was done about it
    "had-failed": Given("unwatched", _was_down("."), _was_down("; everything answers again.")),
    "no-longer-watched": Plural(
        "services",
        "{services:services} is no longer watched; it is not known whether it answers.",
        "{services:services} are no longer watched; it is not known whether they answer.",
    ),
    "did-not-restart": "mailwatch did not restart {target}.",
    "restart-helped": Plural(
        "number",
        "The restart of {target} at {restart_at:clock} helped.",
        "Restart number {number} of {target}, at {restart_at:clock}, helped.",
    ),
    "ordered-restart": Given("detail", _ordered(" {detail:sentence}"), _ordered("")),
    "sharers-to-restart": Plural(
        "sharers",
        "{sharers:services} shares its network: restart that as well afterwards.",
        "{sharers:services} share its network: restart them as well afterwards.",
    ),
    "sharers-cut-off": Plural(
        "sharers",
        "{sharers:services} shares its network and was cut off by that: restart it as well.",
        "{sharers:services} share its network and were cut off by that: restart them as well.",
    ),
    "attempt-cut-short": "mailwatch itself was stopped in the middle of it.",
    "attempt-helped": "It helped: what a restart can cure answers again.",
    "attempt-intervened": "Somebody stopped, paused or removed it before it could help.",
    "attempt-rebooted": "The host was booted before it could help.",
    "attempt-outlived": "It ended, or was gone, before it could help.",
    "attempt-no-help": "It did not help in time.",
    # why nothing is done about it
    "not-restarted": Given(
        "detail",
        "Not restarted. {detail:sentence}",
        "Not restarted: {why:clause}.",
    ),
    "why-not-restarted": Given(
        "seen_as",
        "Not being restarted: {why:clause}. It sees this host as {seen_as}.",
        "Not being restarted: {why:clause}.",
    ),
    "hold-apart": (
        "some services close the connection at once and others do not, so a ban may just have "
        "begun or ended; the next round tells"
    ),
    "hold-backoff": Given("until_at", _TOO_SOON + _AND_NEXT, _TOO_SOON),
    "hold-banned": (
        "every service closes the connection at once, the sign of a ban or of a connection "
        "limit, which no restart cures"
    ),
    "hold-banned-surely": "others may well be served, and no restart lifts a ban",
    "hold-budget": Given("until_at", _SPENT + _AND_NEXT, _SPENT),
    "hold-denied": Given("detail", "{detail:clause}", "mailwatch may not talk to its engine"),
    "hold-hopeless": "no restart cures its cause",
    "hold-incurable": "a restart does not cure this kind of failure",
    "hold-limit": Given(
        "services",
        _LIMITED + ", and a restart would cut off {services:services}",
        _LIMITED,
    ),
    "hold-missing": Given("detail", "{detail:clause}", "it does not exist"),
    "hold-never": "restarts are switched off (max_restarts = 0)",
    "hold-operator": Given("detail", "{detail:clause}", "somebody stopped it on purpose"),
    "hold-paused": Given(
        "until_at", "mailwatch is paused until {until_at:clock}", "mailwatch is paused"
    ),
    "hold-starting": Given("until_at", _starting(_AT_LATEST), _starting("")),
    "hold-too-early": Given(
        "until_at",
        "the failure has not lasted long enough; it must last until {until_at:clock}",
        "the failure has not lasted long enough",
    ),
    "hold-unsure": Given("detail", "{detail:clause}", "it is not known whether it is meant to run"),
    "hold-unproven": Given(
        "services",
        "mailwatch has never seen {services:names} answer as configured now, so its own settings "
        "may be wrong, which no restart cures",
        "mailwatch has never seen it answer as configured now, so its own settings may be wrong, "
        "which no restart cures",
    ),
    "hold-unreachable": Given("detail", "{detail:clause}", "its engine does not answer"),
    # what to do
    "advice-banned": _of_us(
        "What to do: see whether the mail server has banned {us}; if so, unblock and allow-list "
        "it. If nothing listens behind the published ports, restart it."
    ),
    "advice-filtered": _of_us(
        "What to do: find the packet filter (fail2ban's, say) in {target} or on this host that "
        "drops what comes from {us}; unblock and allow-list that address."
    ),
    "advice-rejected": _of_us(
        "What to do: the mail server itself turns away {us}; unblock and allow-list that address "
        "there, or raise the limit that the reply names."
    ),
    "advice-unproven": (
        "What to do: run `mailwatch check`, and compare port, probe, tls and the like in the "
        "configuration with what the server offers. If they are right, restart it yourself: once "
        "it has answered, mailwatch will."
    ),
    "look-at": "Look at: {look:400}",
    # what its target was found doing, and what happened to the message itself
    "engine-silent": "the engine has not answered for {waited_s:duration}",
    "not-looked-at": "not checked yet",
    "restart-call-silent": "the engine has not answered the restart call for {waited_s:duration}",
    "target-left-stopped": (
        "A restart by mailwatch stopped it at {ended_at:clock} and did not start it."
    ),
    "notifier-silent": "The notifier has not answered for {waited_s:duration}.",
    "not-sent": "Not sent: {why}.",
    "sent-late": "Written at {when}; it could not be sent for {late_s:duration}.",
    "story-cut": "(and more, see `mailwatch incidents`)",
    "summary-head": "{count} incidents are over that you could not be told of in time:",
    "summary-older": "- {count} older ones, see `mailwatch incidents`",
    "summary-incident": Given(
        "since_at",
        "- {since_at:clock} to {at:clock}, incident {incident}",
        "- until {at:clock}, incident {incident}",
    ),
    "story-head": "These messages could not be sent in time:",
}
