"""What the commands of a person print, but for those of the control socket and the doctor."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences, Template

_SUDO = "run it with sudo"


def _does(restarts: str) -> Template:
    rest = f" every {{every_s:duration}}, {restarts} and tells {{channels:all}}"
    one, many = "watches {count} service", "watches {count} services"
    return Plural("count", one + rest, many + rest)


SENTENCES: Sentences = {
    # check and status
    "check-summary": Given(
        "failing",
        "{well} of {count} services answer; {failing:all} failed",
        "{well} of {count} services answer",
    ),
    "check-expiry": "{summary}; a certificate {left}",
    "check-remark": "its {certificate} {left}",
    "check-unknown": (
        "There is no service '{name:60}': name any of {services:all}, or none to ask them all."
    ),
    "check-waits": "waiting for {services:services} ...",
    "doctor-looks": "looking at {check:40} ...",
    "command-broke": "mailwatch could not do its work ({why}): report it, with its version.",
    "never-answered": Plural(
        "services",
        "{services:services} has never answered as configured now: look for the mistake in port, "
        "probe and tls first.",
        "{services:services} have never answered as configured now: look for the mistake in port, "
        "probe and tls first.",
    ),
    "not-delivered": Plural(
        "count",
        "{count} message has not been delivered yet:",
        "{count} messages have not been delivered yet:",
    ),
    "held-back": Plural(
        "count",
        "{count} message is held back for now, because there were many this hour.",
        "{count} messages are held back for now, because there were many this hour.",
    ),
    # config check, and import-env
    "config-good": Given(
        "file", "{file} is good: mailwatch {does}.", "Without a file, mailwatch {does}."
    ),
    "config-does": Given("target", _does("restarts {target}"), _does("restarts nothing")),
    "config-warning": "warning: {text:600}",
    "variable-unknown": "{file}: mailwatch has no variable {variable:80}; it was left out",
    "variable-secret": (
        "This holds the {secret}: keep it where only root and the group mailwatch may read it "
        "(chmod 0640)."
    ),
    "config-written": "{file} was written with mode {mode}.",
    "config-for-the-group": (
        "The service reads it as group mailwatch: chgrp mailwatch {file} && chmod 0640 {file}"
    ),
    "tomli-missing": (
        "Python's tomli-w is missing: run `apt install python3-tomli-w` and try again."
    ),
    # incidents, report and export
    "no-incidents": "There have been no incidents yet.",
    "story-open": "Incident {incident}, still open",
    "story-over": "Incident {incident}, lasted {down_s:duration}",
    "story-cause": Given(
        "cause", Given("seen", "Cause: {cause}", "Likely cause: {cause}"), "Cause: unknown"
    ),
    "story-now": "What fails now:",
    "story-target": "The target: {detail}",
    "export-written": "{file} was written: look through it before you publish it.",
    "report-written": "{file} was written: open it in a browser, here or on a phone.",
    "matplotlib-missing": (
        "The report is drawn with matplotlib, which is not installed: run `apt install "
        "python3-matplotlib` and try again."
    ),
    # what is given, and what is written
    "file-taken": Given(
        "forcible",
        "{file} exists already and was left as it is: name another file, or add --force.",
        "{file} exists already and was left as it is: name another file.",
    ),
    "file-unwritable": (
        "{file} cannot be written ({why}): name a file in a directory that you may write to."
    ),
    "output-full": "The output could not be written ({why}): write it elsewhere.",
    "usage": "{command}: {why:clause}.",
    "duration-missing": "no duration is given",
    "duration-unknown": "'{text:40}' is not a duration: write 30m, 2h or 1d",
    "report-span": "give a span from 1m to 400d, such as 30d",
    "whole-number": "give a whole number, such as 20",
    "assignment": "write KEY=VALUE, such as watch.interval_s=60",
    # the state file
    "incident-unknown": "No incident has the id '{id:60}': `mailwatch incidents` lists them all.",
    "incident-ambiguous": (
        "Several incidents begin with '{id:60}', such as {incidents:list}: type more of the id."
    ),
    "state-file-absent": "There is no state file {path}: start the service, which makes it.",
    "state-file-older": (
        "The state file {path} cannot be used because {why}: restart the service, which brings "
        "it up to date."
    ),
    "state-file-newer": (
        "The state file {path} cannot be used because {why}: use the mailwatch that belongs to the "
        "running service."
    ),
    "state-file-unusable": (
        "The state file {path} cannot be used because {why}: restart the service, which sets it "
        "aside and makes a new one."
    ),
    "state-file-damaged": (
        "The state file {path} is damaged: restart the service, which sets it aside and makes a "
        "new one."
    ),
    "state-file-unwritable": "You may not write to {path}: " + _SUDO + ".",
    "state-file-forbidden": (
        "You may not open {path}: " + _SUDO + ", or join the group of the service."
    ),
    "state-file-broken": "The state file {path} cannot be used because {why}: {advice}.",
}
