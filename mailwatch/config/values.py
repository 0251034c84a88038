"""One raw value becomes what its key holds, or the rest of a sentence that says why it cannot."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mailwatch.core.address import in_ascii, is_numeric
from mailwatch.core.keys import Key, Kind, Value
from mailwatch.core.model import Fault
from mailwatch.core.secret import Secret
from mailwatch.core.text import join_words, printable

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_BARE = (Kind.BOOLEAN, Kind.INTEGER, Kind.SECONDS)
"""What stands without quotes."""

_NOT_TEXT = (*_BARE, Kind.FAULTS, Kind.COMMAND, Kind.TEXTS)
_LONGEST_HOST = 253
_LONGEST_TEXT = 4096
_BIGGEST_SHOWN = 10**18


class Wrong(ValueError):
    """A value cannot be used; the text goes on after the name of its key: `is 0; write ...`."""


def read(key: Key, raw: object) -> Value:
    """Return what `raw`, as TOML gives it, means for `key`; raises Wrong."""
    if key.kind in _BARE and isinstance(raw, str) and (bare := plain(key, raw)) != raw:
        raise Wrong(f"is {show(raw)}; write it without quotes: {show(bare)}")
    return _READERS[key.kind](key, raw)


def plain(key: Key, text: str) -> object:
    """Return the text of an environment variable as TOML would have given it for `key`.

    What does not fit comes back as the text itself, for `read` to refuse.
    """
    stripped = text.strip()
    if key.kind is Kind.INTEGER and _WHOLE.fullmatch(stripped):
        return int(stripped)
    if key.kind is Kind.SECONDS and _NUMBER.fullmatch(stripped):
        return float(stripped) if "." in stripped else int(stripped)
    if key.kind is Kind.BOOLEAN and stripped in ("true", "false"):
        return stripped == "true"
    if key.kind is Kind.FAULTS:
        return [word.strip() for word in stripped.split(",") if word.strip()]
    return text


def toml_or_plain(key: Key, text: str) -> object:
    """Return the value of a `--set`: TOML where it is TOML of a fitting shape, else plain text."""
    parsed = toml_value(text)
    if isinstance(parsed, str) or (parsed is not None and key.kind in _NOT_TEXT):
        return parsed
    return plain(key, text)


def toml_value(text: str) -> object:
    """Return `text` read as one TOML value, None where it is none."""
    try:
        return None if "\n" in text else tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return None


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the one of `known` that `word` was probably meant to be, empty when none is near."""
    import difflib  # only a mistake needs it

    return next(iter(difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)), "")


def show(raw: object) -> str:
    """Return `raw` as a sentence names it, bounded and printable."""
    match raw:
        case bool():
            return str(raw).lower()
        case str():
            return f'the text "{printable(raw, 80)}"' if raw else "empty"
        case int() if abs(raw) > _BIGGEST_SHOWN:
            return "a number far out of range"
        case int() | float():
            return number(raw)
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or a time"


def number(value: float) -> str:
    """Return a number as the file would have it: `25`, `0.5`."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)


def expected(key: Key) -> str:
    """Return what `key` takes, as the end of `write ...`."""
    bounds = f"from {number(key.low)} to {number(key.high)}"
    match key.kind:
        case Kind.INTEGER:
            return f"a whole number {bounds}"
        case Kind.SECONDS:
            return f"a number of seconds {bounds}"
        case Kind.BOOLEAN:
            return "true or false, without quotes"
        case Kind.CHOICE:
            return any_of(key.choices)
        case Kind.FAULTS:
            return "a list of any of " + ", ".join(f'"{word}"' for word in key.choices)
        case Kind.HOST:
            return "an address or a host name alone, such as 127.0.0.1"
        case Kind.PATH:
            return "a full path, beginning with /"
        case Kind.URL:
            return f"an address such as {key.example.strip(chr(34)) or 'https://example.org'}"
        case Kind.SECRET:
            shown = f", as {key.source} shows it" if key.source else ""
            return f"the {key.name} in quotes{shown}"
        case Kind.COMMAND:
            return 'a list of the program and its arguments, such as ["/usr/bin/test", "-e", "/x"]'
    return key.rule or "text in quotes"


def any_of(words: Iterable[str]) -> str:
    """Return `words` in quotes, with `or` before the last."""
    return join_words([f'"{word}"' for word in words], "or")


def _refuse(key: Key, raw: object) -> Wrong:
    found = "is not right" if key.sensitive else f"is {show(raw)}"
    return Wrong(f"{found}; write {expected(key)}")


def _number(key: Key, raw: object) -> float:
    kinds = int if key.kind is Kind.INTEGER else int | float
    if isinstance(raw, bool) or not isinstance(raw, kinds):
        raise _refuse(key, raw)
    if not key.low <= raw <= key.high:  # False for nan, and exact for an int of any length
        raise _refuse(key, raw)
    return raw


def _boolean(key: Key, raw: object) -> bool:
    if not isinstance(raw, bool):
        raise _refuse(key, raw)
    return raw


def _string(key: Key, raw: object) -> str:
    if not isinstance(raw, str):
        raise Wrong(f"is {show(raw)}; write it in quotes: {expected(key)}")
    if not raw:
        raise Wrong(f"is empty; write {expected(key)}")
    if len(raw) > _LONGEST_TEXT:
        raise Wrong(f"is {len(raw)} characters long; write {expected(key)}")
    return raw


def _text(key: Key, raw: object) -> str:
    text = _string(key, raw)
    shaped = key.shape(text) if key.shape else re.fullmatch(key.pattern or ".+", text) and text
    if shaped is None:
        raise _refuse(key, text)
    # What has parts is shown as it was written, and taken apart for the settings.
    return shaped if isinstance(shaped, str) else text


def _choice(key: Key, raw: object) -> str:
    text = _string(key, raw)
    if text not in key.choices:
        raise Wrong(f"is {show(text)}; {_suggest(text, key)}")
    return key.enum(text) if key.enum else text


def _suggest(word: str, key: Key) -> str:
    near = nearest(word, key.choices)
    return f'did you mean "{near}"?' if near else f"write {expected(key)}"


def _list(key: Key, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise _refuse(key, raw)
    for word in raw:
        is_text = isinstance(word, str) and "\0" not in word and len(word) <= _LONGEST_TEXT
        if not is_text or (key.shape and key.shape(word) is None):
            raise Wrong(f"holds {show(word)}; write {expected(key)}")
    return tuple(raw)


def _faults(key: Key, raw: object) -> frozenset[Fault]:
    words = _list(key, raw)
    for word in words:
        if word not in key.choices:
            raise Wrong(f"holds {show(word)}, which is no kind of failure; {_suggest(word, key)}")
    return frozenset(map(Fault, words))


def _command(key: Key, raw: object) -> tuple[str, ...]:
    words = _list(key, raw)
    if not words or not words[0]:
        raise Wrong(f"names no program; write {expected(key)}")
    return words


def secret(key: Key, text: object) -> Secret:
    """Return `text` as a Secret that fits into a header (RFC 9110, 5.5); raises Wrong."""
    if not isinstance(text, str):
        raise Wrong(f"is not text; write {expected(key)}")
    source = f" from {key.source}" if key.source else ""
    if not text:
        raise Wrong(f"is empty; copy the {key.name}{source}")
    if len(text) > _LONGEST_TEXT or not all("!" <= character <= "~" for character in text):
        cure = f"copy the {key.name} anew{source}"
        raise Wrong(f"holds blanks or other characters that no {key.name} has; {cure}")
    return Secret(text)


def _path(key: Key, raw: object) -> Path:
    text = _string(key, raw)
    if not text.startswith("/") or not text.isprintable():
        raise _refuse(key, text)
    return Path(text)


def _host(key: Key, raw: object) -> str:
    text = _string(key, raw)
    if text.startswith("[") and text.endswith("]") and is_host(text[1:-1]):
        raise Wrong(f"is {show(text)}; write it without brackets: {text[1:-1]}")
    if not is_host(text):
        if not text.isascii():
            name = in_ascii(text)
            known = name is not None and is_host(name)
            raise Wrong(
                f"is {show(text)}; write {name if known else 'its form that begins with xn--'}"
            )
        raise _refuse(key, text)
    return text


def is_host(text: str) -> bool:
    """Whether `text` is an IP address or a name that the resolver may be asked for (RFC 1123)."""
    if is_numeric(text):
        return text.isprintable() and " " not in text
    labels = text.removesuffix(".").split(".")
    is_name = len(text) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))
    return is_name and not labels[-1].isdigit()


def _url(key: Key, raw: object) -> str:
    """Read an address; no sentence shows it, as it may hold a password."""
    text = _string(key, raw).rstrip("/")
    if not all("!" <= character <= "~" for character in text):
        cure = "write them percent-encoded, and a host name in its xn-- form"
        raise Wrong(f"holds blanks or characters outside ASCII; {cure}")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Wrong(f"has a host or a port that cannot be read; write {expected(key)}") from None
    if parts.scheme not in ("http", "https"):
        raise Wrong(f"does not begin with https:// or http://; write {expected(key)}")
    if parts.username is not None or parts.password is not None:
        raise Wrong("holds a user name or password; leave that out, the token is all that counts")
    if "?" in text or "#" in text:
        raise Wrong("holds a ? or a #; write the address of the server alone, without a token")
    if not host or not is_host(host) or port == 0:
        raise Wrong(f"has no host that can be reached; write {expected(key)}")
    if key.shape and key.shape(text) is None:
        raise Wrong(f"is not right; write {key.rule}")
    return text


_READERS: Mapping[Kind, Callable[[Key, object], Value]] = {
    Kind.TEXT: _text,
    Kind.SECRET: secret,
    Kind.URL: _url,
    Kind.HOST: _host,
    Kind.PATH: _path,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: lambda key, raw: int(_number(key, raw)),
    Kind.SECONDS: lambda key, raw: float(_number(key, raw)),
    Kind.CHOICE: _choice,
    Kind.FAULTS: _faults,
    Kind.COMMAND: _command,
    Kind.TEXTS: _list,
}
