"""Why mail is down, as far as the evidence shows it."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
