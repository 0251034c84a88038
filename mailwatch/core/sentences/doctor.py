"""What `mailwatch doctor` finds; `CODE-cure` says what to do about what `CODE` says."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

_RUN_AS_ROOT = "Run it with sudo."
_SEE_WHY = "See why with `journalctl -u mailwatch`."
_NAME_WANTED = "Set server_name to a name that the server has a certificate for."

SENTENCES: Sentences = {
    "found": "{what}",
    "doctor-well": "All is well, and there is nothing to do.",
    "doctor-counts": Given(
        "problems",
        Given(
            "warnings",
            "{problems} and {warnings}; the arrows say what to do.",
            "{problems}; the arrows say what to do.",
        ),
        "{warnings}; the arrows say what to do.",
    ),
    "problems": Plural("count", "{count} problem", "{count} problems"),
    "warnings": Plural("count", "{count} warning", "{count} warnings"),
    "check-broke": "A fault of mailwatch kept it from looking ({error}).",
    "check-broke-cure": "Report it, with `mailwatch --version`.",
    # the configuration, and its files
    "configuration-good": Plural(
        "count",
        "The file has no mistakes, and mailwatch watches {count} service every {every_s:duration}.",
        "The file has no mistakes, and mailwatch watches {count} services every "
        "{every_s:duration}.",
    ),
    "restarts-nothing": "mailwatch restarts nothing (max_restarts = 0), and only reports.",
    "files-readable": "User {user} may read every file that is configured.",
    "file-hidden": "The unit hides {path} from the service ({switch}=yes).",
    "file-hidden-cure": "Move it to /etc, and correct the configuration.",
    "file-unseen": "It cannot be seen from here whether user {user} may read {path}.",
    "file-unseen-cure": _RUN_AS_ROOT,
    "file-unreadable": "User {user} may not read {path}, so the service does not start.",
    "file-unreadable-cure": (
        "Run `chgrp {user} {path}; chmod g+r {path}`, and let user {user} enter every directory "
        "above it."
    ),
    # the state directory
    "state-not-made": "{path} does not exist yet: systemd makes it when the service starts.",
    "state-absent": "The state directory {path} does not exist.",
    "state-absent-cure": "Create it for user {user}, or correct [state] directory.",
    "state-broken": "{path} cannot be looked at ({why}).",
    "state-broken-cure": "Mend the disk.",
    "state-unseen": "It cannot be seen from here whether user {user} may write to {path}.",
    "state-unseen-cure": _RUN_AS_ROOT,
    "state-writable": "User {user} may write to {path}.",
    "state-unwritable": "User {user} may not write to {path}.",
    "state-unwritable-cure": "Run `chown {user}: {path}`.",
    "state-read-only": "{path} is on a file system that is mounted read-only.",
    "state-read-only-cure": "Mend the disk, and mount it anew.",
    "state-scant": (
        "{path} has {free_bytes:size} left; without space, mailwatch goes on from memory, and "
        "forgets everything when it ends."
    ),
    "state-scant-cure": "Make room on that disk.",
    "state-no-inode": "{path} has no inode left.",
    "state-no-inode-cure": "Remove files on that disk.",
    "state-room": "{path} has {free_bytes:size} left.",
    # services
    "service-well": "{service} answers in {took_s:duration}.",
    "service-unseen": "{services:all} could not be checked: {detail:sentence}",
    "service-unseen-cure": (
        "Mend this: as long as it lasts, mailwatch cannot tell how the service is."
    ),
    "service-down": Plural(
        "services",
        "{services} fails ({fault}): {detail:sentence}",
        "{services:all} fail ({fault}): {detail:sentence}",
    ),
    "unproven-too": Plural(
        "services",
        "{cure} It has never answered as configured now, so nothing is restarted for it.",
        "{cure} They have never answered as configured now, so nothing is restarted for them.",
    ),
    "cure-of-any-fault": "Read the server's own log.",
    "cure-refused": (
        "See that the server runs and listens there, that its port is published to this host, and "
        "that [[services]] names the right host and port."
    ),
    "cure-timeout": (
        "See whether a firewall drops the packets, and whether attempt_timeout_s is too short for "
        "this server."
    ),
    "cure-silent": (
        "See that the port speaks the protocol that `probe` and `tls` name: a port that begins "
        "with TLS stays silent without it, and so does one for a proxy without the header that "
        "`proxy` sends. If all that is right, the server hangs."
    ),
    "cure-dropped": (
        "See whether the server has banned this host's address, or is at its limit of "
        "connections. A proxy in front of it also looks like this where nothing listens behind it."
    ),
    "cure-reset": "Read the server's own log at this moment.",
    "cure-tls": (
        "See that `tls` is right for this port, and that minimum_tls is not above what the server "
        "has."
    ),
    "cure-rejected": (
        "Allow-list this host's address in the server, or raise the limit that its words name."
    ),
    "cure-protocol": (
        "See that `probe` names the protocol of this port; read the server's log where the server "
        "blames itself."
    ),
    "cure-status": "See that the web server is well, or set the path and the statuses that are.",
    "cure-rule": (
        "See whether the server was changed on purpose, and adapt the rule of this service to it."
    ),
    "cure-certificate": "Renew the certificate, or correct server_name, ca_file or fingerprint.",
    "cure-authentication": (
        "Correct the user, the password or the permissions of this account soon: failed logins "
        "count towards the server's bans."
    ),
    "cure-queue": "See what waits and why with `postqueue -p`, or raise queue_limit.",
    "cure-command": "Run the command of this service by hand, and mend what it reports.",
    "cure-dns": "Correct the records of the domain where its DNS is kept.",
    "cure-delivery": (
        "Read the mail server's log for the canary's message; the account may be full, or a "
        "filter may have taken it."
    ),
    "cure-http-to-tls": "Set `tls` of this service, or the port that speaks plain HTTP.",
    "cure-tls-name-wanted": _NAME_WANTED,
    "cure-tls-refused-or-name-wanted": (
        "Set server_name to a name that the server has a certificate for, or read the server's log."
    ),
    "cure-tls-name-unknown": _NAME_WANTED,
    "certificate-found": "The {certificate} of {services:all} {left}, on {on}.",
    "renew-certificate": "Renew it, and have the mail server load the new one.",
    "queue-forbidden": "User {user} may not ask Postfix for its queue.",
    "queue-forbidden-cure": (
        "Add the line SupplementaryGroups=postdrop below [Service] in `systemctl edit mailwatch`, "
        "then `systemctl restart mailwatch`."
    ),
    # channels
    "channels-none": "No channel is configured, so messages go to the journal only.",
    "channels-none-cure": "Fill in {sections:or}, or add [[notifiers]].",
    "channel-not-asked": "{channel} was not asked.",
    "channel-tested": "{channel} took a test message, '{title}': look at your phone.",
    "channel-test": (
        "This is a test: nothing is wrong. A call for help will come with a higher priority."
    ),
    "gotify-well": "Gotify answers and takes the token; --send also sends a message.",
    # the unit
    "unit-absent": "mailwatch is not installed as a service, or systemd does not run here.",
    "unit-absent-cure": "Install the package to have it run by itself.",
    "unit-runs": "The service is running.",
    "unit-failed": "The service has failed ({result}).",
    "unit-failed-cure": _SEE_WHY,
    "unit-idle": "The service is not running (it is {state}).",
    "unit-idle-cure": "Run `systemctl enable --now mailwatch`.",
    "unit-disabled": "The service does not start with the host.",
    "unit-disabled-cure": "Run `systemctl enable mailwatch`.",
    "unit-restarted": Plural(
        "times",
        "systemd has had to restart the service once.",
        "systemd has had to restart the service {times} times.",
    ),
    "unit-restarted-cure": _SEE_WHY,
    "no-watchdog": "The unit has no watchdog, so a hang of mailwatch itself would last.",
    "no-watchdog-cure": "Set WatchdogSec=90 in `systemctl edit mailwatch`.",
    "watchdog-short": (
        "The watchdog of the unit waits {watchdog_s:duration}, so a busy disk may make it kill "
        "the service."
    ),
    "watchdog-short-cure": (
        "Set WatchdogSec={least_s:whole} or more in `systemctl edit mailwatch`."
    ),
    "watchdog-well": "The service has a watchdog of {watchdog_s:duration}.",
    # evidence and the clock
    "evidence-off": "No evidence is gathered, so a restart destroys the traces of its cause.",
    "evidence-off-cure": "Set enabled = true in [evidence].",
    "evidence-open": (
        "As far as is known, the unit hides nothing that the service needs to find a cause."
    ),
    "hidden-protectproc": (
        "ProtectProc={value} hides the processes of other users from the service, and what listens "
        "for the mail server, so that a server that has died is taken for a ban."
    ),
    "hidden-procsubset": (
        "ProcSubset={value} hides load, memory and pressure of the host from the service."
    ),
    "unhide": "Set {name}={harmless} in `systemctl edit mailwatch`.",
    "evidence-lacked": "At the last incident this could not be read: {what}.",
    "clock-wrong": "The clock is wrong: it shows a time before mailwatch was written.",
    "clock-wrong-cure": "Set it with `timedatectl set-ntp true`.",
    "clock-unseen": "It cannot be found out whether the clock is synchronised.",
    "clock-unseen-cure": "See `timedatectl`.",
    "clock-well": "The clock is synchronised.",
    "clock-adrift": "The clock is not synchronised, so the times in messages may be wrong.",
    "clock-adrift-cure": (
        "Install systemd-timesyncd or chrony, and run `timedatectl set-ntp true`."
    ),
    # Docker
    "docker-well": "Docker engine {engine} and SDK {sdk} understand each other (API {api}).",
    "container-unseen": "The state of container {name} is not known. {detail}",
    "container-left-alone": "{detail} mailwatch leaves it alone until it runs.",
    "container-runs": "Container {name} is running.",
    "container-odd": Given("detail", "{detail}", "Container {name} is {condition}."),
    "container-odd-cure": "See `docker ps -a` and `docker logs --tail 50 {name}`.",
    "user-absent": "The service runs as user {user}, which does not exist.",
    "user-absent-cure": "Install the package anew, or run `systemd-sysusers`.",
    "socket-unseen": "It cannot be seen from here whether user {user} may use {socket}.",
    "socket-unseen-cure": _RUN_AS_ROOT,
    "socket-below": "{socket} is below {tree}, which the unit hides from the service.",
    "socket-below-cure": (
        "Set ProtectHome=no in `systemctl edit mailwatch`, or use a socket elsewhere."
    ),
    "socket-usable": "User {user} may use {socket}.",
    "socket-unusable": "User {user} may not use {socket}.",
    "socket-unusable-cure": "Run `usermod -aG {group} {user}`, and log in anew.",
    "ports-well": "{name} publishes every port that is checked on this host.",
    "port-not-published": (
        "{name} does not publish port {port}, so restarting the container cannot help {service}."
    ),
    "port-not-published-cure": (
        "Publish the port, correct it in [[services]], or correct [restart] container."
    ),
    "port-published-elsewhere": (
        "{service} is checked at {host}, but {name} publishes that port at {addresses:all} only."
    ),
    "port-published-elsewhere-cure": "Set host of this service to that address.",
    "port-not-watched": (
        "{name} publishes port {port} ({service}), which mailwatch does not watch."
    ),
    "port-not-watched-cure": (
        'Add [[services]] with name = "{service}" and port = {port}, or ignore this.'
    ),
    "target-sees-us": (
        "{name} sees mailwatch as {seen_as}: allow-list that address in the mail server, which "
        "may ban an address that connects so often."
    ),
    # the container's own times, neighbours and log
    "container-stops-late": (
        "The stop_grace_period of {name} is {own_s:duration} or has no end, so mail may be "
        "down that long when a server that hangs is restarted."
    ),
    "container-stops-late-cure": "Give the container the time that it really needs to stop.",
    "longer-counts": (
        "The {own} of {name} is {own_s:duration} and {ours} is {ours_s:duration}: the longer "
        "counts, {longer_s:duration}."
    ),
    "sharers-unseen": "What shares the network of {name} cannot be seen. {why}",
    "network-host-gone": (
        "{name} shares the network of a container that is gone, so no restart can succeed."
    ),
    "network-host-gone-cure": "Create {name} anew: `docker compose up -d --force-recreate`.",
    "sharers-cut": "A restart of {name} cuts off what shares its network: {sharers:all}.",
    "sharers-cut-cure": (
        "After each restart of {name}, restart {sharers:all} as well (`docker restart`)."
    ),
    "sharers-stranded": (
        "The network that {sharers:all} shared went with a container that is gone."
    ),
    "sharers-stranded-cure": "Create {sharers:all} anew: `docker compose up -d --force-recreate`.",
    "docker-log-unread": "`docker logs {name}` cannot be read. {why}",
    "docker-log-empty": (
        "`docker logs {name}` is empty, so the server's own words cannot name a cause."
    ),
    "docker-log-empty-cure": (
        "Let it log to standard output: Stalwart (which logs to a file inside as installed) by a "
        "Tracer of type Stdout, Postfix by maillog_file = /dev/stdout, Dovecot by log_path = "
        "/dev/stdout."
    ),
}
