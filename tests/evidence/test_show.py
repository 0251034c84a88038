"""What a tired person reads of the evidence."""

from __future__ import annotations

from mailwatch.evidence import keeping, show

BEFORE: keeping.Kept = {
    "gathered": {"at": 0.0, "took_s": 1.0},
    "container": {"status": "running"},
    "processes": {"count": 2, "table": [{"pid": "7", "name": "imap", "state": "T"}, {"pid": "8"}]},
    "log": {"lines": [f"line {number}" for number in range(40)] + ["bell \x07"]},
    "host": {"load": [9.5, 3.0, 1.0], "unreadable": {"pressure": "the kernel lacks it"}},
}
AFTER: keeping.Kept = {"container": {"status": "running"}, "host": {"load": [0.1, 1.0, 1.0]}}


def test_cause_then_numbers_then_log_then_gaps() -> None:
    """The cause comes first, both moments stand side by side, and no gap is silent."""
    text = "\n".join(show.lines({"before": BEFORE, "after": AFTER}))
    places = [
        text.find(words)
        for words in (
            "Seen: stopped processes (SIGSTOP): 1 of 2 (imap) (stopped-processes)",
            "process 7 (imap) is in state T",
            "What to do: Find out who sent SIGSTOP",
            "before (1970-01-01 00:00:00 UTC)",
            "Processes that were stopped, stuck or dead:",
            "bell \\x07",
            "What could not be read:",
            "host (pressure): The kernel lacks it.",
        )
    ]
    assert -1 not in places
    assert places == sorted(places)
    (load,) = (line for line in text.splitlines() if line.startswith("host load"))
    assert load.split("  ")[-1].strip() == "0.1 1.0 1.0"
    assert "9.5 3.0 1.0" in load
    assert "line 28" not in text
    assert "line 29" in text


def test_what_was_seen_last_stands_first() -> None:
    """A cause of before a restart is not told as one of after it."""
    again: keeping.Kept = {**AFTER, "container": {"status": "exited", "exit_code": 1}}
    again |= {"gathered": {"at": 60.0, "took_s": 1.0}, "log": {"lines": ["Startup failed"]}}
    text = "\n".join(show.lines({"before": BEFORE, "again": again, "after": AFTER}))
    places = [
        text.find(words)
        for words in (
            "Once more, at 1970-01-01 00:01:00 UTC:",
            "Seen: the container does not run: it is exited with exit code 1",
            "log since the last restart (the last 1 lines):",
            "As it began:",
            "Seen: stopped processes (SIGSTOP)",
        )
    ]
    assert -1 not in places
    assert places == sorted(places)


def test_nothing_kept_is_said() -> None:
    """An incident of before the black box has one line."""
    assert show.lines({"before": None, "after": None}) == ["No evidence was kept of this incident."]


def test_an_unknown_cause_is_said() -> None:
    """Unknown is an honest answer."""
    (first, *_) = show.lines({"before": AFTER, "after": None})
    assert first == "Nothing in the evidence says why."
