"""The end of the container's log since all was last well, without its secrets."""

from __future__ import annotations

import re
from contextlib import closing

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.text import printable
from mailwatch.evidence.redact import redacted
from mailwatch.evidence.servers.catalogue import heard, last_words
from mailwatch.evidence.subject import Subject

MOST_BYTES = 64 * 1024
_LONGEST_LINE = 500
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,32}m")
"""Select Graphic Rendition (ECMA-48): servers set colours between the words that are looked for."""


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `lines`, the newest last, and `cut` where older ones were left out.

    `server` says which mail servers wrote them, and what they say there of their troubles;
    `last_words` is the last of them that tells of an error.
    """
    with closing(subject.examiner()) as examiner:
        written = examiner.log(subject.since, deadline)
    kept = written[-MOST_BYTES:]
    cut = len(kept) < len(written)
    lines = _COLOUR.sub("", kept.decode("utf-8", "backslashreplace")).splitlines()
    if cut:
        lines = lines[1:]
    # Masking looks at lines side by side, so it comes before they are made printable and cut.
    masked = redacted("\n".join(lines), subject.secrets).split("\n") if lines else []
    shown = [printable(line, _LONGEST_LINE) for line in masked]
    found = {"server": heard(shown), "last_words": last_words(shown)}
    return Finding(
        {"lines": shown, "cut": cut, **{name: one for name, one in found.items() if one}}
    )
