"""The lines of the log, of an incident's timeline, and of `systemctl status`."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

SENTENCES: Sentences = {
    # the services
    "attempt-failed": Plural(
        "retries",
        "{service}: {detail} ({fault}, one attempt)",
        "{service}: {detail} ({fault}, attempt {number} of {retries})",
    ),
    "service-unmeasured": "{service}: could not check: {detail}",
    "stood-still": "this host stood still for {lost_s:duration} during the check",
    "service-fails": "{service} fails: {detail}",
    "service-answers": "{service} answers again, in {took_s:duration}",
    "all-well": "all well at the first check: {services:all}",
    # the incident
    "incident-opens": "incident {incident} opens",
    "incident-needs-a-person": "incident {incident} needs a person",
    "incident-over": "incident {incident} is over after {down_s:duration}",
    "no-incident-after-all": "no service fails any more, so it became no incident",
    "log-cause": Given("seen", "cause: {cause:cause}", "likely cause: {cause:cause}"),
    "not-restarting": "not restarting: {why}",
    "restarting": "restarting {target}, attempt {number}",
    "restarted": "{target} was restarted; the services get {settle_s:duration} to come up",
    "restart-in-vain": Given(
        "why", "restart {number}: {why:clause}", "restart {number}: it did not help"
    ),
    "verifying": "checking whether all services answer again",
    "person-called": "a person is needed; checks go on",
    # the disk
    "disk-takes-nothing": Given(
        "kept",
        "The disk of {directory} does not answer: mailwatch watches, restarts and tells as before, "
        "and keeps what it must not forget in {kept} until the disk answers; look for disk errors "
        "in the kernel's log.",
        "The disk of {directory} does not answer: mailwatch watches, restarts and tells as before, "
        "but would forget all if it were ended now; look for disk errors in the kernel's log.",
    ),
    "disk-answers": "The disk of {directory} answers again, and nothing was lost.",
    "memory-lost": (
        "mailwatch is ending, and forgets what the state file in {directory} does not hold."
    ),
    "memory-not-written": "The state file in {directory} could not be written: {why}.",
    "memory-restored": "mailwatch goes on from the copy of its memory that the last process left "
    "when the disk of {directory} did not answer.",
    # its timeline
    "turn-fails": Given(
        "detail",
        Plural(
            "services",
            "{services} fails: {detail} ({fault})",
            "{services:all} fail: {detail} ({fault})",
        ),
        Plural("services", "{services} fails ({fault})", "{services:all} fail ({fault})"),
    ),
    "turn-opened": "The incident opened.",
    "turn-delivered": "Delivered by {channel}: {title}",
    "turn-waits": Given(
        "trouble",
        "Not delivered by {channel} yet: {title} ({trouble:clause})",
        "Not delivered by {channel} yet: {title}",
    ),
    "turn-given-up": "Never delivered by {channel}, which is no longer configured: {title}",
    "turn-restart": "Restart {number} began.",
    "turn-restart-ended": "Restart {number}: {result:sentence}",
    "restart-recovered": "it helped",
    "restart-failed": "it did not help",
    "restart-interrupted": "it was cut short",
    "turn-escalated": "A person was needed.",
    "turn-reminded": "A person was still needed.",
    "turn-closed": Given(
        "unwatched",
        "No service that is watched fails any more; no longer watched: {unwatched:services}.",
        "All services answer again.",
    ),
    "restart-restarted": "it is not known whether it helped",
    # the messages
    "sent": Given("channel", "sent by {channel}: {title}", "sent: {title}"),
    "not-told-yet": Given(
        "channel",
        "could not send '{title}' by {channel}: {trouble} Next try in {again_s:duration}.",
        "could not send '{title}': {trouble} Next try in {again_s:duration}.",
    ),
    "channel-gone": "not sent: {title}: it was for {channel}, which is no longer configured",
    # the evidence
    "no-evidence": "no evidence is gathered because {why}",
    "evidence-not-kept": (
        "the evidence of incident {incident} could not be kept ({why}): see that {folder} is "
        "writable and has room"
    ),
    "cause-not-looked-for": "the likely cause could not be looked for: {why}",
    "cause-not-found": (
        "a fault of mailwatch itself kept the likely cause from being found ({error}): please "
        "report it"
    ),
    # mailwatch itself, and the status line
    "watches": Plural(
        "services",
        "mailwatch {version} watches {services:list} every {every_s:duration} and restarts "
        "{target} when that helps",
        "mailwatch {version} watches {count} services every {every_s:duration} and restarts "
        "{target} when that helps",
    ),
    "no-channel": "no channel is configured: messages go to this log only",
    "reload-late": "the configuration was not read within {limit_s:duration}: see what slows down "
    "this host, its disk or the file",
    "reload-unread": "the configuration was not read: {why}",
    "reloaded": "the configuration was reloaded",
    "not-reloaded": ("the configuration was not reloaded, so the old one stays in force; correct:"),
    "directory-changed": (
        "state.directory has changed: `systemctl restart mailwatch` puts it into force"
    ),
    "stopped": "stopped by {signal}",
    "systemd-deaf": (
        "systemd does not take notifications at NOTIFY_SOCKET={socket} ({why}); if this goes on, "
        "its watchdog will restart mailwatch: check that the unit has Type=notify and "
        "NotifyAccess=main."
    ),
    "systemd-full": (
        "systemd takes no notifications at NOTIFY_SOCKET={socket}: its queue is full, so PID 1 "
        "hangs or is very busy; if this goes on, its watchdog will restart mailwatch."
    ),
    "lacking": "mailwatch cannot go on: {why}.",
    "no-descriptor": "no file could be opened: raise LimitNOFILE of the mailwatch unit",
    "no-file-on-host": "this host has too many files open: raise fs.file-max",
    "no-memory-left": "there is no memory left: raise MemoryMax of the mailwatch unit, or see "
    "what uses up this host's",
    "no-buffer": "this host is out of network buffers: see what uses them up",
    "no-thread": "no thread could be started: raise TasksMax of the mailwatch unit",
    "own-fault": "a fault of mailwatch itself ({error}), please report it",
    "status-first": "the first check is under way",
    "status-services": Given(
        "unmeasured",
        "{well} of {count} services answer, {unmeasured} could not be checked",
        "{well} of {count} services answer",
    ),
    "status-incident": "{services}; incident {incident} since {since_at:clock}, {stage}",
    "status-unable": "{services}; {trouble:clause}",
    "status-listening": "{services}; {listening:clause}",
    "listening-only": "only listening to {servers:names} until {until_at:clock}",
    "status-paused": "{services}; paused",
    "status-next": "{now}; next check {next_at:clock}",
}
