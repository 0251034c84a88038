"""The lines of the log."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
