"""What the control socket and the commands that ask it say."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

SENTENCES: Sentences = {
    # why there is no answer
    "control-not-running": (
        "mailwatch is not running: `systemctl start mailwatch` starts it, and "
        "`systemctl status mailwatch` says why it ended."
    ),
    "control-forbidden": (
        "You may not ask the service: run it with sudo, or join the group mailwatch."
    ),
    "control-crowded": "The service is being asked too much at once: try again in a moment.",
    "control-nonsense": (
        "The service does not understand this question: use the mailwatch that belongs to it."
    ),
    "control-hangs": (
        "mailwatch has not answered for {waited_s:duration}: it hangs, or this host is "
        "overloaded; see `systemctl status mailwatch`."
    ),
    "control-broke": (
        "mailwatch ended before it answered: see `systemctl status mailwatch`, and try again."
    ),
    "control-closed": (
        "`mailwatch status`, pause, resume and reload will not work because there is no control "
        "socket ({why}): start mailwatch by its unit, which has RuntimeDirectory=mailwatch"
    ),
    # pause and reload
    "pause-span": "a pause lasts from 10 seconds to 7 days",
    "log-paused": Given(
        "user",
        "paused until {until_at:clock}, by the user with id {user}",
        "paused until {until_at:clock}, by root",
    ),
    "log-resumed": Given(
        "user",
        "the pause was ended, by the user with id {user}",
        "the pause was ended, by root",
    ),
    "pause-begins": "Paused until {until_at:clock}; `mailwatch resume` ends the pause sooner.",
    "pause-ends": "mailwatch restarts and reports again.",
    "pause-was-none": "There was no pause: mailwatch restarts and reports as before.",
    "did-reload": "The configuration was reloaded.",
    "did-not-reload": Plural(
        "count",
        "The configuration was not reloaded, so the old one stays in force; correct this mistake:",
        "The configuration was not reloaded, and the old one stays in force; correct these "
        "mistakes:",
    ),
    # status
    "stands-well": "All is well.",
    "stands-first": "The first check is under way.",
    "stands-unknown": "Some services could not be checked; the others are well.",
    "stands-failing": Plural(
        "services",
        "{services:services} fails, but not for long enough to be an incident yet.",
        "{services:services} fail, but not for long enough to be an incident yet.",
    ),
    "stands-incident": ("Incident {incident} has been open since {since_at:clock}: {doing}."),
    "doing-down": "mailwatch waits before it restarts {target}",
    "doing-restarting": "mailwatch is restarting {target}",
    "doing-settling": "{target} was restarted, and its services are coming up",
    "doing-verifying": "{target} was restarted, and mailwatch is checking whether that helped",
    "doing-escalated": "you have been called",
    "stands-listening": "{listening:capital}: the server may ban this host for more offences.",
    "stands-paused": (
        "Paused until {until_at:clock}: nothing is restarted or reported. `mailwatch resume` "
        "ends that."
    ),
    "stands-rounds": Given(
        "next_at",
        "Last check {last_at:clock}, next {next_at:clock}.",
        "Last check {last_at:clock}; a check is under way.",
    ),
    "stands-fails-now": (
        "{service} has failed since {since_at:clock}, attempt {attempt} of {retries}: "
        "{detail:clause}."
    ),
    "can-restart": "mailwatch can restart {target}.",
    "cannot-restart": "mailwatch cannot restart {target}: {detail:clause}.",
    "could-not-restart": ("The last restart of {target}, at {at:clock}, failed: {detail:clause}."),
    "channel-reached": "Messages go to {channel}, which last took one at {at:clock}.",
    "channel-unused": "Messages go to {channel}, which has taken none since mailwatch started.",
    "channel-trouble": "Messages do not reach {channel}: {trouble:sentence}",
}
