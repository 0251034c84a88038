"""Why a message could not be delivered."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "notifier-silent": "The notifier has not come back for {waited_s:duration}.",
    "not-sent": "Not sent: {why}.",
}
