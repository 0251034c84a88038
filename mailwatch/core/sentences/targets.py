"""What the target of a restart is, and why it was not restarted."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
