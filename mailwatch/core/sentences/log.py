"""The lines of the log."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "no-thread": "no thread could be started: raise TasksMax of the mailwatch unit",
    "own-fault": "a fault of mailwatch itself ({error}), please report it",
}
