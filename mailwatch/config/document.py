"""The configuration file as a TOML document, or the line and column where it stops being one."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from mailwatch.config.files import Missing, UnreadableFile, decoded, read_file
from mailwatch.config.layout import lines_of
from mailwatch.config.model import Mistake, Origin
from mailwatch.config.problems import Problems

Document = Mapping[str, object]

_ROW = re.compile(r"(?P<list>\w+)\[(?P<number>\d+)\](?P<rest>.*)")
_CURLY = frozenset("\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019")
_LONGEST = 1024 * 1024
_DEEPEST = 40
"""Parts of a dotted key: tomllib's time grows with the square of their number."""

_PART = r"(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_TOO_DEEP = re.compile(rf"(?<![A-Za-z0-9_.-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{_DEEPEST}}}")
_PLACE = re.compile(r"\(at line (?P<line>\d+), column (?P<column>\d+)\)$")
_HINTS = {
    "Invalid value": "put text in quotes",
    "Expected '='": "write a key, = and a value",
    "Expected newline": "write one key on each line",
    "Invalid statement": "begin each line with a key, a [section] or #",
    "Illegal character": "close the quote in the line it was opened in",
    "Unescaped '\\'": "write a backslash twice, or use single quotes",
    "Cannot overwrite": "the key is already there, so keep one of the two",
    "Cannot declare": "the section is already there, so put all its keys below one",
}
"""How tomllib begins what it says, and what the admin can do about it."""


def read_documents(path: Path, required: bool, problems: Problems) -> Document:
    """Return what the TOML file `path` and its snippets say, without what cannot be read.

    A file that is not there is a mistake only when `required`. (TOML 1.0, https://toml.io)
    The snippets are the files `*.toml` in the directory of the same name that ends in `.d`, in the
    order of their names. They add tables to lists and set keys that nobody else sets.
    """
    document = _read(path, required, problems, {})
    directory = Path(f"{os.path.splitext(path)[0]}.d")  # it may be no name of a file at all
    try:
        names = sorted(one.name for one in directory.iterdir())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return document
    except OSError as error:
        why = (error.strerror or "unknown trouble").lower()
        sentence = f"the directory cannot be read ({why}); change its group or mode"
        problems.mistake(Origin.of_file(directory), "", sentence)
        return document
    for name in names:
        if name.endswith(".toml") and not name.startswith("."):
            document = _read(directory / name, True, problems, document)
    return document


def _read(path: Path, required: bool, problems: Problems, before: Document) -> Document:
    """Return `before` with what the file `path` adds."""
    origin = Origin.of_file(path)
    try:
        content, mode = read_file(path, _LONGEST)
        document = _parse(content)
        lines = lines_of(decoded(content))
    except Missing:
        if not required:
            problems.warn(f"{origin} does not exist, so what it does not say is as by default")
            return before
        wrong = "does not exist; name the right file with --config, or create it"
    except UnreadableFile as reason:
        wrong = str(reason)
    else:
        if mode & stat.S_IROTH:
            problems.exposed.add(origin)
        return _added(before, document, dict(lines), origin, problems)
    problems.mistake(origin, "", f"the file {wrong}")
    return before


def _added(
    before: Document, document: Document, lines: Mapping[str, int], origin: Origin, to: Problems
) -> Document:
    """Return `before` with what `document` of another file adds; it sets no key anew."""
    merged = dict(before)
    moved = {}
    for name, content in document.items():
        there = before.get(name)
        if there is None:
            merged[name] = content
        elif isinstance(there, list) and isinstance(content, list):
            moved[name] = len(there)
            merged[name] = [*there, *content]
        elif isinstance(there, dict) and isinstance(content, dict):
            for key in sorted(there.keys() & content.keys()):
                _twice(f"{name}.{key}", lines, origin, to)
            merged[name] = {**content, **there}
        else:
            _twice(name, lines, origin, to)
    for key, line in lines.items():
        to.places.setdefault(_moved(key, moved), (origin, line))
    return merged


def _twice(key: str, lines: Mapping[str, int], origin: Origin, problems: Problems) -> None:
    first, line = problems.places.get(key, (origin, 0))
    where = f"{first.name}, line {line}" if line else first.name
    sentence = f"{key} is set here and in {where}; keep one of the two"
    problems.mistakes.append(Mistake(origin.name, key, sentence, lines.get(key)))


def _moved(key: str, by: Mapping[str, int]) -> str:
    """Return what a table of a list is called behind those of the files before."""
    found = _ROW.fullmatch(key)
    if not found or found["list"] not in by:
        return key
    return f"{found['list']}[{int(found['number']) + by[found['list']]}]{found['rest']}"


def _parse(content: bytes) -> dict[str, object]:
    if content and not content.strip(b"\0"):
        raise UnreadableFile(
            "holds nothing but zero bytes; restore it from a backup or write it anew"
        )
    text = decoded(content)
    if deep := _TOO_DEEP.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise UnreadableFile(f"has a key of more than {_DEEPEST} parts in line {line}; shorten it")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        numbered = enumerate(decoded(content).split("\n"), start=1)
        curly = {number for number, line in numbered if not _CURLY.isdisjoint(line)}
        raise UnreadableFile(_syntax(str(error), curly)) from None
    except (ValueError, RecursionError):
        # Python refuses integers of thousands of digits and tables nested hundreds deep.
        raise UnreadableFile(
            "holds a number too long or lists nested too deep; shorten it"
        ) from None


def _syntax(message: str, curly: Collection[int]) -> str:
    """Say where TOML ends; the line itself is not shown, as it may hold a token."""
    place = _PLACE.search(message)
    if place and (number := int(place["line"])) in curly:
        return f'has curly quotes in line {number}; write straight ones: "'
    if not place:
        return "is not TOML at its end; a quote or a bracket is left open"
    known = (hint for start, hint in _HINTS.items() if message.startswith(start))
    hint = next(known, "correct it")
    return f"is not TOML in line {place['line']}, column {place['column']}; {hint}"
