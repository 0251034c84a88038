"""The messages to the phone: titles, and the lines below them."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
