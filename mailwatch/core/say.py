"""A fact becomes a sentence here, and nowhere else: its template, and its arguments worded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from mailwatch.core.facts import WORDS, Fact, Value, fact
from mailwatch.core.sentences import (
    Plural,
    Sentences,
    Template,
    causes,
    checks,
    delivery,
    docker,
    evidence,
    log,
    notices,
    phone,
    targets,
)
from mailwatch.core.text import duration, join_words, name_some, printable, utc

_LONGEST_ARGUMENT = 300

_TEMPLATES: dict[str, Template] = {WORDS: "{text}"}


def learn(sentences: Sentences) -> None:
    """Know `sentences` from now on; a plug-in brings its own, and its catalogue teaches them.

    Raises ValueError where a code already has another template.
    """
    for code, template in sentences.items():
        if _TEMPLATES.setdefault(code, template) != template:
            raise ValueError(f"two templates for the code {code}")


for _spoken in (causes, checks, delivery, docker, evidence, log, notices, phone, targets):
    learn(_spoken.SENTENCES)


def known() -> Mapping[str, Template]:
    """Return every template by its code."""
    return dict(_TEMPLATES)


def _text(value: object) -> str:
    if isinstance(value, Fact):
        return say(value)
    if isinstance(value, tuple):
        return name_some([_text(one) for one in value])
    return "" if value is None else printable(str(value), _LONGEST_ARGUMENT)


def _names(value: object) -> str:
    return name_some([_text(one) for one in value]) if isinstance(value, tuple) else _text(value)


def _all(value: object) -> str:
    return join_words([_text(one) for one in value]) if isinstance(value, tuple) else _text(value)


def _choice(value: object) -> str:
    if not isinstance(value, tuple):
        return _text(value)
    return join_words([_text(one) for one in value], "or")


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0.0


def _utc(value: object) -> str:
    return utc(value) if isinstance(value, int | float) else "an unknown time"


SPECS: Mapping[str, Callable[[Any], str]] = {
    "": _text,
    "all": _all,
    "duration": lambda value: duration(_number(value)),
    "names": _names,
    "or": _choice,
    "utc": _utc,
}
"""How an argument is worded: `{waited_s:duration}`, `{services:names}`, `{ended_at:utc}`."""


def say(fact: Fact) -> str:
    """Return `fact` as printable text of one line, empty for none.

    A code that nobody knows (a newer version's, or a plug-in's that is gone) is shown as it is.
    """
    if not fact:
        return ""
    template = _TEMPLATES.get(fact.code)
    arguments = dict(fact.args)
    if isinstance(template, Plural):
        counted = arguments.get(template.by)
        count = len(counted) if isinstance(counted, tuple) else counted
        template = template.one if count == 1 else template.many
    if template is None:
        told = ", ".join(f"{name} {_text(value)}" for name, value in fact.args)
        return printable(f"{fact.code} ({told})" if told else fact.code, _LONGEST_ARGUMENT)
    return "".join(_pieces(template, arguments))


def line(code: str, /, **args: Value) -> str:
    """Return the fact `code` with `args` as text, as say() does."""
    return say(fact(code, **args))


def _pieces(template: str, arguments: Mapping[str, object]) -> list[str]:
    pieces = []
    for literal, name, spec, _ in Formatter().parse(template):
        pieces.append(literal)
        if name is not None:
            pieces.append(SPECS[spec or ""](arguments.get(name)))
    return pieces
