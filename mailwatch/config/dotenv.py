"""The lines of a .env file, as a shell and docker compose would both read them."""

from __future__ import annotations

import re

from mailwatch.core.text import printable

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?(?P<name>[^\s=]+)[ \t]*=[ \t]*(?P<value>.*)", re.S)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SINGLE = re.compile(r"'(?P<text>[^']*)'(?:[ \t]+#.*)?", re.S)
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?:[ \t]+#.*)?', re.S)
_COMMENT = re.compile(r"(?:^|[ \t])#.*", re.S)
_ESCAPED = re.compile(r'\\([\\"$`])')
_SUBSTITUTION = re.compile(r"(?<!\\)(?:\\\\)*[$`]")


class NotPlain(ValueError):
    """A line cannot be read; the text goes on after `line 3`, and never holds the value."""


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the variables of `text` and a sentence for each line that cannot be read.

    A line is empty, a `# comment`, or `[export ]NAME=VALUE`. A value in single quotes stands as
    it is; in double quotes `\\\\`, `\\"`, `\\$` and `` \\` `` are one character; without quotes
    it ends before ` #`. A name given twice has its last value. What only a shell can work out
    (`$NAME`, `` `command` ``, a quote that spans lines) is refused, not guessed.
    """
    variables: dict[str, str] = {}
    mistakes = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            name, value = _assignment(stripped)
        except NotPlain as reason:
            mistakes.append(f"line {number} {reason}")
        else:
            variables[name] = value
    return variables, mistakes


def _assignment(line: str) -> tuple[str, str]:
    found = _ASSIGNMENT.fullmatch(line)
    if not found:
        raise NotPlain("is not NAME=VALUE; correct it, or begin it with #")
    name = found["name"]
    if not _NAME.fullmatch(name):
        shown = printable(name, 40)
        raise NotPlain(f'has the name "{shown}"; a name has letters, digits and _ only')
    return name, _value(name, found["value"])


def _value(name: str, raw: str) -> str:
    text = _COMMENT.sub("", raw, count=1).rstrip()
    if raw[:1] in ("'", '"'):
        quoted = (_SINGLE if raw[0] == "'" else _DOUBLE).fullmatch(raw)
        if not quoted:
            raise NotPlain(f"leaves a quote of {name} open, or has text after it; correct it")
        text = quoted["text"]
    if raw[:1] == "'":
        return text
    if _SUBSTITUTION.search(text):
        cure = "write the value itself, in single quotes"
        raise NotPlain(f"has a $ or ` in {name}, which only a shell can work out; {cure}")
    return _ESCAPED.sub(r"\1", text) if raw[:1] == '"' else text
