"""The configuration file as a TOML document, or the line and column where it stops being one."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from mailwatch.config.files import Missing, UnreadableFile, decoded, read_file
from mailwatch.config.model import Origin
from mailwatch.config.problems import Problems

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


def read_document(path: Path, required: bool, problems: Problems) -> Mapping[str, object]:
    """Return what the TOML file `path` says, nothing when it cannot be read.

    A file that is not there is a mistake only when `required`. (TOML 1.0, https://toml.io)
    """
    origin = Origin.of_file(path)
    try:
        content, mode = read_file(path, _LONGEST)
        document = _parse(content)
    except Missing:
        if not required:
            problems.warn(f"{origin} does not exist, so what it does not say is as by default")
            return {}
        wrong = "does not exist; name the right file with --config, or create it"
    except UnreadableFile as reason:
        wrong = str(reason)
    else:
        problems.exposed = origin if mode & stat.S_IROTH else None
        return document
    problems.mistake(origin, "", f"the file {wrong}")
    return {}


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
        raise UnreadableFile(_syntax(str(error))) from None
    except (ValueError, RecursionError):
        # Python refuses integers of thousands of digits and tables nested hundreds deep.
        raise UnreadableFile(
            "holds a number too long or lists nested too deep; shorten it"
        ) from None


def _syntax(message: str) -> str:
    """Say where TOML ends; the line itself is not shown, as it may hold a token."""
    place = _PLACE.search(message)
    if not place:
        return "is not TOML at its end; a quote or a bracket is left open"
    known = (hint for start, hint in _HINTS.items() if message.startswith(start))
    hint = next(known, "correct it")
    return f"is not TOML in line {place['line']}, column {place['column']}; {hint}"
