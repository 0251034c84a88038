"""What a check of a service found, in the words of `net` and `probes`."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
