"""The table and the JSON of the bench."""

from __future__ import annotations

import json

from tests.bench.report import Figure, as_json, as_table

REACHED = Figure("short", "ms", 4.0, 4.5, {"monit": 72.9, "blackbox": 8.0})
MISSED = Figure("a longer name", "MiB", 33.0, 30.0, {}, {"blackbox": "no alert"}, "why")


def test_a_figure_is_held_against_its_aim() -> None:
    """At the aim is reached, above it is missed by so much, without an aim nothing is said."""
    assert REACHED.verdict == "reached"
    assert Figure("", "", 4.5, 4.5).verdict == "reached"
    assert MISSED.verdict == "missed by 10%"
    assert Figure("", "", 33.0).verdict == ""
    assert Figure("", "", None, 4.5).verdict == "not measured"


def test_the_columns_of_the_table_are_aligned() -> None:
    """Each number ends where its head ends; what a program cannot do is said in words."""
    head, rule, *rows = as_table([REACHED, MISSED]).splitlines()[:4]
    assert set(rule) <= {"-", " "}
    for row, cells in zip(rows, (("4", "72.9", "8"), ("33", "n/a", "no alert")), strict=True):
        for name, cell in zip(("mailwatch", "monit", "blackbox"), cells, strict=True):
            end = head.index(name) + len(name)
            assert row[:end].endswith(f" {cell}")
    assert as_table([REACHED, MISSED]).endswith("\na longer name: why")


def test_json_has_all_that_the_table_has() -> None:
    """A program reads the same figures, with their verdicts and what the machine was."""
    said = json.loads(as_json([REACHED, MISSED], {"machine": "2 processors"}))
    assert said["machine"] == {"machine": "2 processors"}
    assert [one["verdict"] for one in said["figures"]] == ["reached", "missed by 10%"]
    assert said["figures"][0]["others"]["monit"] == 72.9
