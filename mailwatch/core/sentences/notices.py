"""The notices about mailwatch itself: what it cannot look at, certificates, pauses."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

SENTENCES: Sentences = {
    "cannot-look": "mailwatch on {host} cannot check {services}",
    "cannot-look-since": Given(
        "up_to",
        "Not checked for up to {longest_s:duration}; nothing is restarted because of this.",
        "Not checked for {longest_s:duration}; nothing is restarted because of this.",
    ),
    "cannot-look-why": "- {services:services}: {detail}",
    "could-look-again": "{services:services} can be looked at again, not since {since_at:clock}",
    "could-not-look": "Not looked at since {since_at:clock}: {services:services}, {whys:names}",
    "can-look-again": "mailwatch on {host} can check again",
    "can-look-at": "It checks {services:services} again.",
    "disk-silent-on": "The disk of {host} does not answer",
    "disk-silent-advice": (
        "{directory} has taken nothing since {since_at:clock}. mailwatch watches and restarts as "
        "before, but forgets what it did when the host goes down. What to do: look for disk errors "
        "in the kernel's log (journalctl -k), and make sure that the disk is not overloaded."
    ),
    "pause-over": "mailwatch on {host} is no longer paused",
    "watches-again": "It watches {target} again.",
    "cannot-restart-on": "mailwatch on {host} cannot restart mail",
    "cannot-restart-until": (
        "Mail is still watched, but nothing will be restarted until this is mended."
    ),
    "can-restart-on": "mailwatch on {host} can restart mail again",
    "certificate-ends": "A certificate on {host} {when}",
    "expired": Given(
        "days",
        Plural("days", "expired {days} day ago", "expired {days} days ago"),
        "expired less than a day ago",
    ),
    "expires": Given(
        "days",
        Plural("days", "expires in {days} day", "expires in {days} days"),
        "expires within a day",
    ),
    "only-listens-on": "mailwatch on {host} only listens now",
    "only-listens": (
        "Its checks gave {server} offence as often as offences_per_day ({count}) allows, and a "
        "server may ban this host for more. What gave offence is only listened to until "
        "{until_at:clock}, but for one try an hour at most; the rest is checked as before."
    ),
    "only-listens-advice": (
        "What to do: correct what `mailwatch status` says of it, then reload mailwatch: a "
        "corrected service has its turn at once."
    ),
    "certificate-renewed": "Mail on {host} has a new certificate",
    "certificate-weaker": "Clients may distrust {host}'s certificate",
    "chain-shorter": Given(
        "signed",
        "- {services:services}: {signed} instead of {was} certificates in its chain now",
        "- {services:services}: signed by the server itself now, and by nobody else",
    ),
    "certificate-weaker-advice": (
        "It was replaced by one with less behind it, which many mail programs refuse. What to do: "
        "if this was not meant, have the mail server load the right certificate with its "
        "intermediates; mailwatch restarts nothing for this."
    ),
    "certificate-advice": (
        "Mail programs refuse an expired certificate. What to do: renew it, and have the mail "
        "server load the new one; mailwatch restarts nothing for this."
    ),
    "digest": "{count} messages from mailwatch on {host}",
    "digest-head": "Too many messages within an hour; these were held back, oldest first:",
    "digest-line": Given(
        "incident", "- {at:clock}: {title} (incident {incident})", "- {at:clock}: {title}"
    ),
    "digest-incident": "- incident {incident}: {turns:list}",
    "digest-older": "- {count} older incidents since {first}, all over",
    "digest-notices": "- and {count} notices about mailwatch itself",
    "digest-opened": "opened {at:clock}",
    "digest-held": "left alone {at:clock}",
    "digest-reminder": "still open {at:clock}",
    "digest-recovered": "recovered {at:clock}",
    "valid-until": Given(
        "authority",
        "- {services:services}: intermediate certificate '{authority}' valid until "
        "{expires_at:clock}",
        "- {services:services}: valid until {expires_at:clock}",
    ),
    "which-certificate": Given(
        "authority", "intermediate certificate '{authority}'", "certificate"
    ),
    "more-certificates": Plural(
        "count", "- and {count} more certificate", "- and {count} more certificates"
    ),
}
