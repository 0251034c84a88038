"""What the target of a restart is, and why it was not restarted."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "engine-silent": "the engine has not answered for {waited_s:duration}",
    "not-looked-at": "not looked at yet",
    "restart-call-silent": "the engine has not answered the restart call for {waited_s:duration}",
    "target-left-stopped": (
        "A restart by mailwatch stopped it at {ended_at:utc} and did not start it."
    ),
}
