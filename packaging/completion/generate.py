"""Writes what bash, zsh and fish complete of `mailwatch`, from the parsers of its commands.

With --check nothing is written: it ends with 1 where a file is stale.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from mailwatch.cli.main import COMMANDS  # noqa: E402

HERE = Path(__file__).resolve().parent
_NOTE = "# Made by packaging/completion/generate.py from the parsers of the commands."

Option: TypeAlias = tuple[str, str, bool, bool]
"""Its name, its help, whether a value follows, and whether that is a file."""


def options_of(place: str) -> tuple[list[Option], bool]:
    """Return the options of a command, and whether it takes a file beside them."""
    parser = argparse.ArgumentParser()
    module, _, command = place.partition(".")
    getattr(importlib.import_module(f"mailwatch.cli.{module}"), command).add_to(parser)
    options, file = [], False
    for action in parser._actions:  # argparse shows them nowhere else
        is_file = action.metavar in ("FILE", "PATH")
        if not action.option_strings:
            file = file or is_file
            continue
        text = (action.help or "") % vars(action)
        first = text.partition(";")[0].replace("'", "")
        options.append((action.option_strings[-1], first, action.nargs != 0, is_file))
    return options, file


def tree() -> Mapping[str, Mapping[str, str]]:
    """Return the words that may follow the words of each group, with what they do."""
    found: dict[str, dict[str, str]] = {}
    for name, (_, summary) in COMMANDS.items():
        group, _, verb = name.rpartition(" ")
        found.setdefault(group, {})[verb] = summary.replace("'", "")
    return found


def commands() -> Iterator[tuple[str, list[Option], bool]]:
    """Return each command, its options, and whether it takes a file."""
    for name, (place, _) in COMMANDS.items():
        if place:
            yield name, *options_of(place)


def bash() -> str:
    """Return the completion for bash (bash(1), Programmable Completion)."""
    lines = [
        _NOTE,
        "_mailwatch() {",
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= files=",
        "    COMPREPLY=()",
        '    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in',
    ]
    # A command of two words stands before the one of its first alone.
    for name, options, file in sorted(commands(), key=lambda one: -one[0].count(" ")):
        pattern = f'"{name}"*' if " " in name else f'"{name} "*'
        valued = "|".join(one for one, _, value, is_file in options if value and not is_file)
        filed = "|".join(one for one, _, _, is_file in options if is_file)
        lines += [f"        {pattern})", f'            words="{" ".join(o[0] for o in options)}"']
        lines += [f"            files={'yes' if file else ''}", '            case "$before" in']
        lines += [f"                {valued}) return ;;"] if valued else []
        lines += [f"                {filed}) words= files=yes ;;"] if filed else []
        lines += ["            esac ;;"]
    lines += ["    esac"]
    for group, verbs in tree().items():
        depth = 2 if group else 1
        first = f' && [ "${{COMP_WORDS[1]}}" = {group} ]' if group else ""
        lines += [
            f'    if [ "$COMP_CWORD" = {depth} ]{first}; then',
            f'        words="{" ".join(verbs)}{"" if group else " --help --version"}" files=',
            "    fi",
        ]
    lines += [
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")',
        '    if [ -n "$files" ] && [ "${word#-}" = "$word" ]; then',
        "        compopt -o filenames",
        '        mapfile -t COMPREPLY < <(compgen -f -- "$word")',
        "    fi",
        "}",
        "complete -F _mailwatch mailwatch",
    ]
    return "\n".join(lines) + "\n"


def zsh() -> str:
    """Return the completion for zsh (zshcompsys(1))."""
    lines = [
        "#compdef mailwatch", _NOTE, "",
        "_mailwatch() {", "    local -a verbs", '    case "$CURRENT $words[2]" in',
    ]  # fmt: skip
    for group, verbs in tree().items():
        shown = " ".join(f"'{verb}:{summary}'" for verb, summary in verbs.items())
        pattern = f"'3 {group}'" if group else "'2 '*"
        lines += [f"        {pattern}) verbs=({shown}); _describe command verbs; return ;;"]
    lines += ["    esac", '    case "$words[2] $words[3]" in']
    for name, options, file in sorted(commands(), key=lambda one: -one[0].count(" ")):
        pattern = f"'{name}'" if " " in name else f"'{name} '*"
        specs = []
        for option, text, value, is_file in options:
            safe = text.replace("[", "(").replace("]", ")").replace(":", ",")
            after = (":file:_files" if is_file else ":value:") if value else ""
            specs.append(f"'*{option}[{safe}]{after}'")
        specs += ["'*:file:_files'"] if file else []
        lines += [f"        {pattern}) _arguments \\"]
        lines += [f"            {one} \\" for one in specs[:-1]] + [f"            {specs[-1]} ;;"]
    return "\n".join([*lines, "    esac", "}", "", '_mailwatch "$@"']) + "\n"


def fish() -> str:
    """Return the completion for fish (complete(1) of fish)."""
    lines = [_NOTE, "complete -c mailwatch -f"]
    for group, verbs in tree().items():
        where = "__fish_use_subcommand"
        if group:
            seen = f"__fish_seen_subcommand_from {group}"
            where = f"{seen}; and not __fish_seen_subcommand_from {' '.join(verbs)}"
        for verb, summary in verbs.items():
            lines.append(f"complete -c mailwatch -n '{where}' -a {verb} -d '{summary}'")
    for name, options, file in commands():
        where = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in name.split())
        # `config check` is another command than `check`.
        same = [group for group, verbs in tree().items() if group and name in verbs]
        where += "".join(f"; and not __fish_seen_subcommand_from {group}" for group in same)
        lines += [f"complete -c mailwatch -n '{where}' -F"] if file else []
        for option, text, value, is_file in options:
            takes = " -r -F" if is_file else " -x" if value else ""
            long = option.removeprefix("--")
            lines.append(f"complete -c mailwatch -n '{where}' -l {long}{takes} -d '{text}'")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write what is stale, or with --check name it and return 1."""
    made = {"bash/mailwatch": bash(), "zsh/_mailwatch": zsh(), "fish/mailwatch.fish": fish()}
    stale = {
        HERE / name: text
        for name, text in made.items()
        if not (HERE / name).exists() or (HERE / name).read_text() != text
    }
    for path, text in stale.items():
        name = path.relative_to(TOP)
        if "--check" in arguments:
            cure = f".venv/bin/python {Path(__file__).relative_to(TOP)}"
            print(f"{name} is stale; write it anew: {cure}")
        else:
            path.write_text(text)
            print(f"{name} written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
