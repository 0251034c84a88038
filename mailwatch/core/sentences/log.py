"""The lines of the log, and the one that `systemctl status` shows."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Sentences

_CHECKS: Sentences = {
    "attempt-failed": "{service}: {detail} ({fault}, attempt {number} of {retries})",
    "only-attempt-failed": "{service}: {detail} ({fault}, one attempt)",
    "service-unmeasured": "{service}: cannot look: {detail}",
    "service-fails": "{service} fails: {detail}",
    "service-answers": "{service} answers again, in {took_s:duration}",
    "all-well": "all well at the first look: {services:all}",
}

_INCIDENT: Sentences = {
    "incident-opens": "incident {incident} opens",
    "incident-needs-a-person": "incident {incident} needs a person",
    "incident-over": "incident {incident} is over after {down_s:duration}",
    "no-incident-after-all": "all services answer again before it became an incident",
    "log-cause": "likely cause: {cause:cause}",
    "not-restarting": "not restarting: {why}",
    "restarting": "restarting {target}, attempt {number}",
    "restarted": "{target} was restarted; the services get {settle_s:duration} to come up",
    "verifying": "looking whether all services answer again",
    "person-called": "a person has been called; still looking",
}

_DELIVERY: Sentences = {
    "told": "told: {title}",
    "told-by": "told by {channel}: {title}",
    "not-told-yet": "could not tell '{title}': {trouble} Next try in {again_s:duration}.",
    "not-told-yet-by": (
        "could not tell '{title}' by {channel}: {trouble} Next try in {again_s:duration}."
    ),
    "channel-gone": ("not told: {title}: it was for {channel}, which is not configured any more"),
}

_EVIDENCE: Sentences = {
    "no-evidence": "no evidence is gathered, for {why}",
    "evidence-not-kept": (
        "the evidence of incident {incident} could not be kept ({why}): see that {folder} is "
        "writable and has room"
    ),
    "cause-not-found": (
        "a fault of mailwatch itself kept the likely cause from being found ({error}): please "
        "report it"
    ),
}

_OURS: Sentences = {
    "no-thread": "no thread could be started: raise TasksMax of the mailwatch unit",
    "own-fault": "a fault of mailwatch itself ({error}), please report it",
    "status-first": "the first check is under way",
    "status-services": Given(
        "unmeasured",
        "{well} of {count} services answer, {unmeasured} could not be looked at",
        "{well} of {count} services answer",
    ),
    "status-incident": "{services}; incident {incident} since {since_at:clock}, {stage}",
    "status-paused": "{services}; paused",
    "status-next": "{now}; next check in {next_s:duration}",
}

SENTENCES: Sentences = {**_CHECKS, **_INCIDENT, **_DELIVERY, **_EVIDENCE, **_OURS}
