"""Notices about mailwatch itself: what is unmeasured, certificates, pauses, too many messages."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
