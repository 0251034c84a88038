"""Every fact that is made has its template, and every template is of a fact that is made."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from mailwatch.core.facts import NOTHING, fact, words
from mailwatch.core.say import NUMBERS, SPECS, say
from mailwatch.core.sentences import Given, Plural, Template
from tests.core.sentences import ROOT, leaves, listing, literals, templates

MAKERS = {"fact": 0, "line": 0, "of": 1, "_say": 0, "ok": 0, "warning": 0, "problem": 0, "found": 0}
"""What is called with a code and its arguments, and as which of them the code comes."""


SENTENCES = templates()


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _allowed(template: Template) -> set[str]:
    """Return every argument that the template speaks of."""
    match template:
        case str():
            return _fields(template)
        case Plural():
            return {template.by, *_fields(template.one), *_fields(template.many)}
        case Given():
            return {template.by, *_allowed(template.present), *_allowed(template.absent)}


def _required(template: Template) -> set[str]:
    """Return every argument that it cannot do without."""
    return _required(template.absent) if isinstance(template, Given) else _allowed(template)


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        if "sentences" not in path.parts:
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def _made() -> Iterator[tuple[str, ast.expr, ast.Call]]:
    """Yield every call that makes a fact, where it stands, and its code."""
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                place = MAKERS.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
                if place is not None and len(node.args) > place:
                    yield f"{path}:{node.lineno}", node.args[place], node


def test_every_fact_has_a_template_for_its_arguments() -> None:
    """No more than it words, and no fewer than it needs."""
    wrong = []
    for where, code, call in _made():
        said = code.value if isinstance(code, ast.Constant) else None
        if not isinstance(said, str) or not re.fullmatch("[a-z0-9-]+", said):
            continue
        template, cure = SENTENCES.get(said), SENTENCES.get(f"{said}-cure", "")
        given = {word.arg for word in call.keywords if word.arg is not None}
        # What `**` brings is to be seen only when it is said, see the tests of who says it.
        unpacked = len(given) < len(call.keywords)
        if template is None:
            wrong.append(f"{where}: no template for {said}")
        elif not given <= (allowed := _allowed(template) | _allowed(cure)) or not (
            unpacked or _required(template) | _required(cure) <= given
        ):
            wrong.append(f"{where}: {said} has {given}, and speaks of {allowed}")
    assert wrong == []


def test_every_template_is_used() -> None:
    """A sentence that nothing says any more is gone from the catalogue."""
    literals: set[str] = set()
    for _, tree in _sources():
        bodies = [
            node
            for node in tree.body
            if not (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SENTENCES")
        ]
        nodes = (node for body in bodies for node in ast.walk(body))
        literals |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    begun = {
        str(code.values[0].value)
        for _, code, _ in _made()
        if isinstance(code, ast.JoinedStr) and isinstance(code.values[0], ast.Constant)
    }
    unused = {
        code
        for code in SENTENCES
        if code.removesuffix("-cure") not in literals
        and not any(code.startswith(prefix) for prefix in begun)
    }
    assert unused == set()


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_template_can_be_said(code: str) -> None:
    """Each way in which it may be put: in ASCII, with specs that exist."""
    for text in leaves(SENTENCES[code]):
        assert text.isascii()
        for _, name, spec, _ in Formatter().parse(text):
            known = {"", "clock", *NUMBERS, *SPECS}
            assert name is None or (spec or "") in known or str(spec).isdecimal()
    assert "{" not in say(fact(code))


def test_a_fact_without_a_template_is_shown_as_it_is() -> None:
    """A newer version's, say: nothing raises, and nothing is hidden."""
    assert say(fact("of-the-future", count=2)) == "of-the-future (count 2)"
    assert say(NOTHING) == ""


def test_words_of_others_stay_what_they_are() -> None:
    """They are made printable, and nothing in them is taken for a template."""
    assert say(words("250 {ok}\x1b")) == "250 {ok}\\x1b"


def test_what_a_restart_of_ours_left_is_said_as_that() -> None:
    """With the moment in UTC, as the engine's own log has it."""
    assert say(fact("target-left-stopped", ended_at=1_700_000_030.0)) == (
        "A restart by mailwatch stopped it at 2023-11-14 22:13:50 UTC and did not start it."
    )


def test_moments_are_told_by_the_readers_clock() -> None:
    """In UTC where nobody says otherwise."""
    late = fact("digest-opened", at=1_700_000_000.0)
    assert say(late, lambda wall: "03:14:02") == "opened 03:14:02"
    assert say(late) == "opened 2023-11-14 22:13:20 UTC"


SPEAKERS = {"print", "note", "CommandError", "ConfigError", "Mistake", "ArgumentTypeError", "Key"}
"""What is called with what a person reads."""

SPEAKING = {"mistake", "warn", "add", "error", "write", "warning", "notice", "add_argument"}
"""Methods that are."""

_PROSE = re.compile("[a-z]+ [a-z]+ [a-z]+")

STIFF = (
    "alone, for",
    "tells the journal",
    "is no key of",
    "too short a time ago",
    "told:",
    "as one who may",
    "because User",
    "too early to call",
    "is something else",
    "a sentence says why",
    "was told to nobody",
    "as which it",
    "nobody knows",
    "so that it",
    ", for there",
    ", for it",
)
"""What was mended once, and how no native speaker would put it."""


def test_the_listing_has_all_that_is_handed_to_who_speaks() -> None:
    """Whatever of several words is printed, noted, raised for a person or written to the log."""
    listed = {text for _, text in listing()}
    missing = []
    for path, tree in _sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            plain = getattr(node.func, "id", "") in SPEAKERS
            if not plain and getattr(node.func, "attr", "") not in SPEAKING:
                continue
            for given in (*node.args, *(word.value for word in node.keywords)):
                text = given.value if isinstance(given, ast.Constant) else None
                if isinstance(text, str) and _PROSE.search(text) and text not in listed:
                    missing.append(f"{path}:{node.lineno}: {text}")
    assert missing == []


def test_the_listing_finds_prose_wherever_it_stands() -> None:
    """In a call, in a table and with values in it; docstrings are for who reads the code."""
    source = '''
def f(x):
    """This is a docstring of it."""
    print(f"the file {x} is gone")
    return {"a": "see that it runs", "b": "SELECT a FROM b", "c": "a-b"}
'''
    found = [text for _, text in literals(ast.parse(source))]
    assert sorted(found) == ["see that it runs", "the file {} is gone"]


def test_no_sentence_is_stiff() -> None:
    """Neither as the ones that were mended were, nor with a blank too many."""
    stiff = [
        f"{where}: {text}"
        for where, text in listing()
        if any(words in text for words in STIFF) or ("  " in text.strip() and "\n" not in text)
    ]
    assert stiff == []
