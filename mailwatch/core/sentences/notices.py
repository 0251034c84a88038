"""The notices about mailwatch itself: what it cannot look at, certificates, pauses."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

SENTENCES: Sentences = {
    "cannot-look": "mailwatch on {host} cannot look at {services:services}",
    "cannot-look-since": Given(
        "up_to",
        "For up to {longest_s:duration} mailwatch could not look whether these services answer; "
        "it restarts nothing on such grounds.",
        "For {longest_s:duration} mailwatch could not look whether these services answer; it "
        "restarts nothing on such grounds.",
    ),
    "cannot-look-why": "- {service}: {detail}",
    "could-look-again": "{services:services} can be looked at again, not since {since_at:clock}",
    "could-not-look": "Not looked at since {since_at:clock}: {services:services}, {whys:names}",
    "can-look-again": "mailwatch on {host} can look again",
    "can-look-at": "At {services:services}.",
    "pause-over": "mailwatch on {host} is no longer paused",
    "watches-again": "It watches over {target} again.",
    "certificate-ends": "A certificate of the mail server on {host} {when}",
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
    "certificate-renewed": "The mail server on {host} has a new certificate",
    "certificate-advice": (
        "Mail programs refuse an expired certificate. What to do: renew it, and have the mail "
        "server load the new one; mailwatch never restarts anything for this."
    ),
    "digest": "{count} messages of mailwatch on {host} in one",
    "digest-head": "Too many messages within an hour; these were held back, in their order:",
    "digest-line": Given(
        "incident", "- {at:clock}: {title} (incident {incident})", "- {at:clock}: {title}"
    ),
    "digest-incident": "- incident {incident}: {turns:list}",
    "digest-older": "- {count} older incidents, from {first} on, all of them over",
    "digest-notices": "- and {count} notices about mailwatch itself",
    "digest-opened": "opened {at:clock}",
    "digest-held": "target left alone {at:clock}",
    "digest-reminder": "still open {at:clock}",
    "digest-recovered": "recovered {at:clock}",
    "valid-until": "- {services:services}: valid until {expires_at:clock}",
    "more-certificates": Plural(
        "count", "- and {count} more certificate", "- and {count} more certificates"
    ),
}
