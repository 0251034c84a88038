#!/usr/bin/env python3
"""Writes what the manual pages and the sample say of each key, from the catalogues of the keys.

In a page a generated part stands between two comments, and what is written by hand between such
parts stays as it is. The sample is made as a whole. With --check nothing is written: it ends with
1 where a file is stale, and says how to write it anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from mailwatch.cli.options import metavar  # noqa: E402
from mailwatch.config.render import plain  # noqa: E402
from mailwatch.config.schema import (  # noqa: E402
    CHANNEL,
    DEFAULT_SERVICES,
    PLAIN_KEYS,
    RESTART,
    SERVICE,
    SERVICES_ENVIRONMENT,
    section_keys,
    sections,
)
from mailwatch.core.catalogue import Catalogue  # noqa: E402
from mailwatch.core.causes import KINDS, Confidence  # noqa: E402
from mailwatch.core.keys import Key, Kind, placed  # noqa: E402
from mailwatch.core.model import Fault  # noqa: E402
from mailwatch.core.say import TEMPLATES  # noqa: E402
from mailwatch.core.sentences import Template  # noqa: E402
from mailwatch.core.text import join_words  # noqa: E402
from mailwatch.evidence.catalogue import COLLECTORS  # noqa: E402
from mailwatch.evidence.servers.catalogue import SERVERS  # noqa: E402
from mailwatch.notifiers.catalogue import NOTIFIERS, SECTION  # noqa: E402
from mailwatch.probes.catalogue import PROBES, well_known  # noqa: E402
from mailwatch.restarters.catalogue import RESTARTERS, USUAL  # noqa: E402

KEYS_PAGE = TOP / "packaging/man/mailwatch.toml.5"
COMMAND_PAGE = TOP / "packaging/man/mailwatch.1"
SAMPLE = TOP / "config/mailwatch.toml"

_COLUMNS = 80
_BEGIN, _END = '.\\" (generated: ', '.\\" )'
_KINDS = {
    Kind.TEXT: "text", Kind.SECRET: "text", Kind.URL: "address", Kind.HOST: "address or host name",
    Kind.PATH: "path", Kind.BOOLEAN: "true or false", Kind.FAULTS: "list of kinds of failure",
    Kind.COMMAND: "list of texts", Kind.TEXTS: "list of texts",
}  # fmt: skip


# --- the manual pages ---------------------------------------------------------------------


def roff(text: str) -> list[str]:
    """Return plain text as lines of roff(7); words in backquotes are bold."""
    escaped = text.replace("\n", " ").strip().replace("\\", "\\e")
    bold = re.sub(
        r"`([^`]+)`", lambda found: "\\fB{}\\fR".format(found[1].replace("-", "\\-")), escaped
    )
    lines = []
    for sentence in re.split(r"(?<=[a-z0-9)R][.:;]) (?=[A-Z(])", bold):
        lines += wrap(sentence, _COLUMNS, break_long_words=False, break_on_hyphens=False)
    return [f"\\&{line}" if line[:1] in ".'" else line for line in lines]


def range_of(key: Key) -> str:
    """Return what `key` takes."""
    if key.kind is Kind.INTEGER:
        return f"whole number from {key.low:g} to {key.high:g}"
    if key.kind is Kind.SECONDS:
        return f"seconds from {key.low:g} to {key.high:.0f}"
    if key.kind is Kind.CHOICE:
        return f"one of {', '.join(key.choices)}"
    return _KINDS[key.kind]


def default_of(key: Key) -> str:
    """Return what holds where `key` is left out."""
    if key.required:
        return "required"
    if isinstance(key.default, frozenset):
        others = [fault.value for fault in Fault if fault not in key.default]
        return f"default: all of them but {join_words(others)}"
    if key.default is None:
        return "no default"
    value = plain(key.default)
    return f"default {str(value).lower() if isinstance(value, bool) else value}"


def probes_of(key: Key) -> str:
    """Return which probes know `key`, nothing where all of them may."""
    if not key.needs:
        return ""
    able = PROBES.having(key.needs)
    others = [name for name in PROBES.names() if name not in able]
    if len(others) < len(able):
        return f"; not with probe {join_words(others, 'or')}"
    return f"; with probe {join_words(list(able), 'or')}"


def entry(key: Key) -> list[str]:
    """Return the entry of one key."""
    told = f"{range_of(key)}; {default_of(key)}{probes_of(key)}"
    head = wrap(told, _COLUMNS, break_on_hyphens=False)
    if key.environment:
        head = [*wrap(f"{told}; environment", _COLUMNS), f".B {key.environment}"]
    return [".TP", f".B {key.name}", *head, ".br", *roff(key.doc)]


def _own(heading: str, keys: Iterable[Key]) -> list[str]:
    """Return the subsection of one plug-in."""
    return [f".SS {heading}", *(line for key in keys for line in entry(key))]


def _plugins(catalogue: Catalogue[Any], word: str) -> Iterator[tuple[str, list[str]]]:
    for name in catalogue.names():
        if keys := placed(catalogue.keys(name), ""):
            yield f"{catalogue.kind} {name}", _own(f"With {word} \\(dq{name}\\(dq", keys)


def key_parts() -> Mapping[str, list[str]]:
    """Return every generated part of mailwatch.toml(5) by its name, in their order."""
    parts: dict[str, list[str]] = {}
    for name in NOTIFIERS.having(SECTION):
        # Nothing need be said of it at all, so that no key of it is required by itself.
        keys = tuple(replace(key, required=False) for key in CHANNEL.own(name, name))
        lines = [".PP", f".B [{name}]", *(line for key in keys for line in entry(key))]
        parts[f"section {name}"] = lines
    for key in CHANNEL.keys(None).values():
        parts[f"key {key.dotted}"] = entry(key)
    for name in NOTIFIERS.names():
        keys = CHANNEL.own(name)
        if keys and name not in NOTIFIERS.having(SECTION):
            parts[f"notifier {name}"] = _own(f"With type = \\(dq{name}\\(dq", keys)
    for key in placed(PLAIN_KEYS["watch"], "watch"):
        parts[f"key {key.dotted}"] = entry(key)
    for key in SERVICE.keys(None).values():
        parts[f"key {key.dotted}"] = entry(key)
    parts |= _plugins(PROBES, "probe =")
    kind = RESTART.keys(None)["kind"]
    parts["key restart.kind"] = entry(kind)
    for key in placed(PLAIN_KEYS["restart"], "restart"):
        parts[f"key {key.dotted}"] = entry(key)
    parts |= _plugins(RESTARTERS, "kind =")
    for section in ("notify", "evidence"):
        for key in placed(PLAIN_KEYS[section], section):
            parts[f"key {key.dotted}"] = entry(key)
    parts |= _plugins(COLLECTORS, "the collector")
    parts |= _plugins(SERVERS, "the server")
    for section in ("state", "log"):
        for key in placed(PLAIN_KEYS[section], section):
            parts[f"key {key.dotted}"] = entry(key)
    return parts


def command_parts() -> Mapping[str, list[str]]:
    """Return every generated part of mailwatch(1)."""
    flags = []
    for key in section_keys():
        if key.flag:
            name = key.flag.replace("-", "\\-")
            flags += [".TP", f".BI {name}\\~ {metavar(key)}", *roff(f"{key.summary}.")]
            if key.kind is Kind.SECRET:
                flags += [
                    "Every user of the host can read it in the list of processes; prefer one of",
                    "the ways under SECURITY.",
                ]
    variables = []
    for key in section_keys():
        if key.section == "restart" and not variables_has(variables, SERVICES_ENVIRONMENT):
            variables.append(f"\\fB{SERVICES_ENVIRONMENT}\\fR\tall [[services]], as NAME:PORT,...")
        if key.environment:
            by = "; systemd sets it" if key.environment == "STATE_DIRECTORY" else ""
            variables.append(f"\\fB{key.environment}\\fR\t[{key.section}] {key.name}{by}")
    return {"flags": flags, "environment": variables, "causes": causes()}


def causes() -> list[str]:
    """Return every cause that evidence may name: what is seen, what a restart does, the cure."""
    lines = []
    for code in sorted(KINDS):
        about = KINDS[code]
        how = "Seen" if about.confidence is Confidence.SEEN else "Inferred"
        told = f"{how}: {about.seen}. A restart {about.restart}. {bare(TEMPLATES[f'cure-{code}'])}"
        lines += [".TP", f".B {code}", *roff(told)]
    return lines


def bare(template: Template) -> str:
    """Return a template as it is said where all is known, its arguments in capitals."""
    while not isinstance(template, str):
        template = template.many if hasattr(template, "many") else template.present
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: found[1].upper(), template)


def variables_has(lines: Iterable[str], name: str) -> bool:
    """Whether `name` has its line."""
    return any(line.startswith(f"\\fB{name}\\fR") for line in lines)


def renewed(page: str, parts: Mapping[str, list[str]]) -> str:
    """Return `page` with every generated part as it should be; a new one follows its neighbour."""
    lines, names = page.splitlines(), list(parts)
    kept: list[str] = []
    places: dict[str, int] = {}
    inside = False
    for line in lines:
        if line.startswith(_BEGIN):
            inside, name = True, line.removeprefix(_BEGIN)
            if name in parts:
                kept += _part(name, parts[name])
                places[name] = len(kept)
        elif inside:
            inside = line != _END
        else:
            kept.append(line)
    for at, name in enumerate(names):
        if name not in places:
            before = next((one for one in reversed(names[:at]) if one in places), None)
            where = places[before] if before else 0
            new = _part(name, parts[name])
            kept[where:where] = new
            places = {one: end + len(new) * (end > where) for one, end in places.items()}
            places[name] = where + len(new)
    return "\n".join(kept) + "\n"


def _part(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{_BEGIN}{name}", *lines, _END]


# --- the sample ---------------------------------------------------------------------------

_HEAD = """\
# mailwatch: watches a mail server, restarts its container when that helps, tells you.
#
# Every key may be left out: the lines that begin with `#` show the defaults.
# Durations (`..._s`) are in seconds. mailwatch.toml(5) explains each key. Environment variables
# and flags win over this file.
#
#   mailwatch config check       names every mistake in this file
#   systemctl reload mailwatch   puts it into force; with mistakes, the old one stays
"""

_TITLES = {
    "watch": ("What is watched", ""),
    "restart": ("What is restarted, and when", ""),
    "notify": ("The rest", ""),
}


def sample() -> str:
    """Return the whole sample."""
    lines = [_HEAD, *_title("Who is told")]
    lines.append("# Without a channel, messages go to the journal only: journalctl -u mailwatch")
    for name in NOTIFIERS.having(SECTION):
        lines += ["", f"[{name}]", *_shown(CHANNEL.own(name, name))]
    lines += ["", "# Further channels, one block each:", ""]
    lines += _block("notifiers", CHANNEL.keys(None).values())
    for name in NOTIFIERS.names():
        own = CHANNEL.own(name)
        if own:
            lines += _with("type", name, own)
    for section, keys in sections().items():
        if section in NOTIFIERS.names():
            continue
        if section in _TITLES:
            lines += ["", *_title(_TITLES[section][0])]
        lines += ["", f"[{section}]", *_shown(keys.values())]
        if section == "restart":
            for name in RESTARTERS.names():
                if name != USUAL:
                    lines += _with("kind", name, RESTARTERS.keys(name))
    lines += ["", *_title("The services"), *_prose(
        f"One block a service. The names {join_words(list(well_known()))} say how the service is "
        "asked; any other name is a mere connection, unless `probe` and `tls` say otherwise. A "
        f"name may stand on several ports. These {len(DEFAULT_SERVICES)} are watched when no "
        "service is named:"
    )]  # fmt: skip
    for name in DEFAULT_SERVICES:
        port = well_known()[name].port
        lines += ["", "# [[services]]", f'# name = "{name}"', f"# port = {port}"]
    lines += ["", "# All that can be said of a service:", ""]
    lines += _block("services", SERVICE.keys(None).values())
    for name in PROBES.names():
        if own := SERVICE.own(name):
            lines += _with("probe", name, own)
    return "\n".join(lines) + "\n"


def _title(text: str) -> list[str]:
    return ["", f"# ---- {text} ".ljust(95, "-")]


def _prose(text: str) -> list[str]:
    return wrap(text, 98, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _shown(keys: Iterable[Key]) -> list[str]:
    """Return the keys of a section, each with its default."""
    lines = []
    for key in keys:
        lines += ["", *_prose(f"{_said(key)}."), f"# {key.name} = {_toml(key)}"]
    return lines[1:]


def _block(word: str, keys: Iterable[Key]) -> list[str]:
    return [f"#   [[{word}]]", *_listed(keys)]


def _with(word: str, name: str, keys: Iterable[Key]) -> list[str]:
    return ["#", f'# With {word} = "{name}":', "#", *_listed(keys)]


def _listed(keys: Iterable[Key]) -> list[str]:
    """Return the keys of one table, each with an example, and its sentence where that is short."""
    lines = []
    for key in keys:
        shown = f"#   {key.name} = {_toml(key)}"
        said = _said(key)
        first = said[:1] if said[1:2].isupper() else said[:1].lower()
        sentence = f"# {first}{said[1:]}"
        aside = f"{shown:<37} {sentence}"
        if len(aside) > 99:
            lines += [f"{line}" for line in _indented(said)]
            aside = shown
        lines.append(aside)
    return lines


def _said(key: Key) -> str:
    """Return what the sample says of `key`, with the words that it takes where it takes some."""
    return (
        f"{key.opening} ({range_of(key)})"
        if key.kind is Kind.CHOICE and len(key.choices) > 1
        else key.opening
    )


def _indented(text: str) -> list[str]:
    lead = "#   # "
    return wrap(f"{text}.", 98, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def _toml(key: Key) -> str:
    """Return the default of `key`, or an example where it has none."""
    if key.example:
        return key.example
    if key.default is None:
        if key.choices:
            return f'"{key.choices[0]}"'
        return {Kind.SECRET: '""', Kind.PATH: f'"/etc/mailwatch.{key.name.split("_")[0]}"'}.get(
            key.kind, '"..."'
        )
    value = plain(key.default)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[{}]".format(", ".join(f'"{one}"' for one in value))
    return f'"{value}"' if isinstance(value, str) else str(value)


# --- as a program -------------------------------------------------------------------------


def files() -> Mapping[Path, str]:
    """Return each file as it should be."""
    return {
        KEYS_PAGE: renewed(KEYS_PAGE.read_text(), key_parts()),
        COMMAND_PAGE: renewed(COMMAND_PAGE.read_text(), command_parts()),
        SAMPLE: sample(),
    }


def main(arguments: list[str]) -> int:
    """Write what is stale, or with --check name it and return 1."""
    stale = {path: text for path, text in files().items() if path.read_text() != text}
    for path, text in stale.items():
        name = path.relative_to(TOP)
        if "--check" in arguments:
            print(f"{name} is stale; write it anew: .venv/bin/python packaging/man/reference.py")
        else:
            path.write_text(text)
            print(f"{name} written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
