"""What the Docker engine and its containers are doing, and why they could not be asked."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {}
