"""A fact becomes a sentence here, and nowhere else: its template, and its arguments worded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import TypeAlias

from mailwatch.core.facts import NOTHING, WORDS, Fact, Value, fact
from mailwatch.core.sentences import (
    Given,
    Sentences,
    Template,
    causes,
    checks,
    commands,
    control,
    cures,
    docker,
    doctor,
    evidence,
    gotify,
    log,
    notices,
    phone,
)
from mailwatch.core.text import duration, join_words, name_some, printable, size, utc

_LONGEST_ARGUMENT = 300

TEMPLATES: dict[str, Template] = {WORDS: "{text:600}"}
"""Every template by its code."""


def learn(sentences: Sentences) -> None:
    """Know `sentences` from now on; a plug-in brings its own, and its catalogue teaches them.

    Raises ValueError where a code already has another template.
    """
    for code, template in sentences.items():
        if TEMPLATES.setdefault(code, template) != template:
            raise ValueError(f"two templates for the code {code}")


_SPEAKERS = (
    causes, checks, commands, control, cures, docker, doctor, evidence, gotify, log, notices, phone,
)  # fmt: skip
for _spoken in _SPEAKERS:
    learn(_spoken.SENTENCES)


ClockText: TypeAlias = Callable[[float], str]
"""Turns seconds since 1970 into local time as a person reads it."""


def say(fact: Fact, clock_text: ClockText = utc) -> str:
    """Return `fact` as printable text of one line, empty for none.

    A code that nobody knows (a newer version's, or a plug-in's that is gone) is shown as it is.
    """
    if not fact:
        return ""
    template = TEMPLATES.get(fact.code)
    arguments = dict(fact.args)
    if template is None:
        told = ", ".join(f"{name} {_text(value, clock_text)}" for name, value in fact.args)
        return printable(f"{fact.code} ({told})" if told else fact.code, _LONGEST_ARGUMENT)
    return "".join(_pieces(_chosen(template, arguments), arguments, clock_text))


def line(code: str, /, **args: Value) -> str:
    """Return the fact `code` with `args` as text, as say() does."""
    return say(fact(code, **args))


def _chosen(template: Template, arguments: Mapping[str, Value]) -> str:
    while not isinstance(template, str):
        by = arguments.get(template.by)
        if isinstance(template, Given):
            says = by is not None and by is not False and by not in (NOTHING, "", ())
            template = template.present if says else template.absent
        else:
            count = len(by) if isinstance(by, tuple) else by
            template = template.one if count == 1 else template.many
    return template


def _pieces(template: str, arguments: Mapping[str, Value], clock_text: ClockText) -> Iterator[str]:
    for literal, name, spec, _ in Formatter().parse(template):
        yield literal
        if name is not None:
            yield _worded(arguments.get(name), spec or "", clock_text)


def _worded(value: Value, spec: str, clock_text: ClockText) -> str:
    if spec == "clock":
        return clock_text(_number(value))
    if spec in NUMBERS:
        return NUMBERS[spec](_number(value))
    if spec in SPECS:
        return SPECS[spec](_texts(value, clock_text))
    text = _text(value, clock_text)
    return printable(value if isinstance(value, str) else text, int(spec)) if spec else text


def _texts(value: Value, clock_text: ClockText) -> list[str]:
    values = value if isinstance(value, tuple) and value else (value,)
    return [_text(one, clock_text) for one in values]


def _text(value: Value, clock_text: ClockText) -> str:
    if isinstance(value, Fact):
        return say(value, clock_text)
    if isinstance(value, tuple):
        return name_some(_texts(value, clock_text))
    return "" if value is None else printable(str(value), _LONGEST_ARGUMENT)


def _number(value: Value) -> float:
    return value if isinstance(value, int | float) else 0.0


def _sentence(text: str) -> str:
    bare = text.rstrip(".")
    return f"{bare}." if bare else ""


NUMBERS: Mapping[str, Callable[[float], str]] = {
    "duration": lambda seconds: duration(max(0.0, seconds)),
    "size": size,
    "whole": "{:.0f}".format,
    "count": "{:,.0f}".format,
    "tenths": "{:.1f}".format,
    "utc": utc,
}
"""How a number is worded; `{since_at:clock}` is a moment, as the reader's clock says it."""

SPECS: Mapping[str, Callable[[list[str]], str]] = {
    "all": join_words,
    "list": ", ".join,
    "or": lambda texts: join_words(texts, "or"),
    "names": name_some,
    "services": lambda names: printable(name_some([printable(n, 80) for n in names], 6), 300),
    "capital": lambda texts: f"{texts[0][:1].upper()}{texts[0][1:]}",
    "clause": lambda texts: printable(texts[0], 300).rstrip("."),
    "detail": lambda texts: printable(texts[0], 160).rstrip("."),
    "cause": lambda texts: printable(_ascii(texts[0]), 160).rstrip("."),
    "sentence": lambda texts: _sentence(printable(texts[0], 300)),
}
"""How text is worded: `{services:names}`; a number in its place is the longest that it may be."""


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")
