"""Why a message could not be delivered, and what one says that leaves late."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "notifier-silent": "The notifier has not come back for {waited_s:duration}.",
    "not-sent": "Not sent: {why}.",
    "sent-late": "Written at {when}, but it could not be sent for {late_s:duration}.",
    "story-cut": "(and more, see `mailwatch incidents`)",
    "story-head": "These messages could not be sent in time:",
    "story-title": "{title}, after an outage",
}
