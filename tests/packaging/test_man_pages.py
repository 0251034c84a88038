"""The manual pages say what the program does: every key, range, default, variable and fault."""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwatch import __version__
from mailwatch.cli.main import COMMANDS
from mailwatch.cli.options import add_options
from mailwatch.config.schema import CHANNEL, SERVICE, SERVICES_ENVIRONMENT, section_keys
from mailwatch.core.keys import Key, Kind, placed
from mailwatch.core.model import Fault
from mailwatch.core.policy import CURABLE_BY_DEFAULT
from mailwatch.core.text import join_words
from mailwatch.probes.catalogue import PROBES

PAGES = ("mailwatch.1", "mailwatch.toml.5")
KEYS = section_keys()
ALL_KEYS = (
    *KEYS,
    *CHANNEL.keys(None).values(),
    *SERVICE.keys(None).values(),
    *(key for probe in PROBES.names() for key in placed(PROBES.keys(probe), "services")),
)


@pytest.fixture(scope="module")
def page_of_keys(top: Path) -> str:
    """Return the source of mailwatch.toml(5)."""
    return (top / "packaging/man/mailwatch.toml.5").read_text()


def bare(line: str) -> str:
    """Return what a reader sees of one line of roff."""
    return re.sub(r"^\.[BI][RIB]? ", "", line).replace("\\-", "-").replace('"', "")


def described(page: str) -> dict[str, list[str]]:
    """Return what the page says on each key: dotted name -> `seconds from 0 to 60; default 5`.

    A key that two probes have stands there twice.
    """
    found: dict[str, list[str]] = {}
    section, depth = "", 0
    lines = page.splitlines()
    for number, line in enumerate(lines):
        depth += line.startswith(".RS")
        depth -= line.startswith(".RE")
        if match := re.fullmatch(r"\.B \[+([a-z]+)\]+", line):
            if lines[number - 1].startswith((".PP", ".SH")):
                section = match[1]
        elif line == ".TP" and depth == 0 and section:
            name = bare(lines[number + 1])
            end = lines.index(".br", number)
            told = " ".join(bare(text) for text in lines[number + 2 : end])
            found.setdefault(f"{section}.{name}", []).append(told)
    return found


def range_of(key: Key) -> str:
    """Return how the page must begin on `key`, empty where words are free."""
    match key.kind:
        case Kind.INTEGER:
            return f"whole number from {key.low:g} to {key.high:g}"
        case Kind.SECONDS:
            return f"seconds from {key.low:g} to {key.high:.0f}"
        case Kind.BOOLEAN:
            return "true or false"
        case Kind.CHOICE:
            return f"one of {', '.join(key.choices)}"
    return ""


def default_of(key: Key) -> str:
    """Return what the page must say on the default of `key`, empty where words are free."""
    match key.default:
        case bool():
            return f"default {str(key.default).lower()}"
        case float():
            return f"default {key.default:.0f}"
        case frozenset():
            others = [fault.value for fault in Fault if fault not in key.default]
            return f"default: all of them but {join_words(others)}"
        case None:
            return "required" if key.required and key.section != "gotify" else ""
    return f"default {key.default}"


def test_every_key_is_described_and_no_other(page_of_keys: str) -> None:
    """A key that is added, renamed or removed is so in the manual."""
    assert set(described(page_of_keys)) == {key.dotted for key in ALL_KEYS}


@pytest.mark.parametrize("key", ALL_KEYS, ids=lambda key: key.dotted)
def test_key_has_the_range_default_and_variable_of_the_schema(key: Key, page_of_keys: str) -> None:
    """What the manual promises on a value is what the program takes."""
    wanted = default_of(key) or "no default"
    of_all = [told.split("; ") for told in described(page_of_keys)[key.dotted]]
    (parts,) = [parts for parts in of_all if wanted in parts]
    assert parts[0].startswith(range_of(key))
    variables = [part.removeprefix("environment ") for part in parts if "environment" in part]
    assert variables == ([key.environment] if key.environment else [])


def test_every_fault_is_explained(page_of_keys: str) -> None:
    """Each kind that `on` takes, whether it restarts by default, and why."""
    listed = re.search(r"\.RS\n\.TP 16\n(.*?)\.RE", page_of_keys, re.DOTALL)
    assert listed is not None
    entries = re.split(r"(?:^|\n)\.TP(?: 16)?\n", f"\n.TP\n{listed[1]}")[1:]
    heads = [entry.splitlines()[0].removeprefix(".B ") for entry in entries]
    assert heads == [fault.value for fault in Fault]
    for fault, entry in zip(Fault, entries, strict=True):
        verb = "Restarts" if fault in CURABLE_BY_DEFAULT else "Calls a person"
        assert re.search(rf"^{verb}\b", entry, re.MULTILINE), fault


def test_timeline_has_the_defaults(page_of_keys: str) -> None:
    """The numbers of the timeline are the defaults of the keys that it names."""
    title = "\n.SH THE RESTART POLICY AS A TIMELINE"
    timeline = page_of_keys.partition(title)[2].partition(".fi")[0]
    named = re.findall(r"(\[restart\] )?\b([a-z_]+) = (\d+)", timeline)
    assert len(named) >= 8
    for restart, name, value in named:
        keys = [key for key in KEYS if key.name == name]
        if len(keys) > 1:
            keys = [key for key in keys if key.section == ("restart" if restart else "watch")]
        assert [key.default for key in keys] == [float(value)], name


def test_environment_section_is_complete(top: Path) -> None:
    """mailwatch(1) names every variable of the configuration with its key."""
    page = (top / "packaging/man/mailwatch.1").read_text()
    named = dict(re.findall(r"^\\fB([A-Z_]+)\\fR\t\[([a-z]+\] [a-z_]+)", page, re.MULTILINE))
    wanted = {key.environment: f"{key.section}] {key.name}" for key in KEYS if key.environment}
    assert named == wanted
    assert f"\\fB{SERVICES_ENVIRONMENT}\\fR\t" in page


def test_every_command_and_option_is_explained(top: Path) -> None:
    """mailwatch(1) has an entry for each command and each option, and for no others."""
    page = (top / "packaging/man/mailwatch.1").read_text()
    commands = page.partition(".SH COMMANDS")[2].partition(".SH OPTIONS")[0]
    options = page.partition(".SH OPTIONS")[2].partition(".SH ENVIRONMENT")[0]
    named = {bare(line).split()[0] for line in re.findall(r"^\.TP\n(.*)$", commands, re.MULTILINE)}
    assert {re.sub(r"\\.*", "", name) for name in named} == {name.split()[0] for name in COMMANDS}

    parser = argparse.ArgumentParser()
    add_options(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    listed = {
        re.sub(r"\\.*", "", bare(line).split()[0])
        for line in re.findall(r"^\.TP\n(.*)$", options, re.MULTILINE)
    }
    assert listed == known - {"-h"} | {"--json", "--version"}


def test_every_command_that_prints_json_is_named(top: Path) -> None:
    """mailwatch(1) lists them below `--json`; each has it among its own options."""
    page = (top / "packaging/man/mailwatch.1").read_text()
    entry = re.search(r"\n\.B \\-\\-json\n(.*?)\.TP\n", page, re.DOTALL)
    assert entry is not None
    named = re.findall(r'^\.BR? "?([a-z ]+?)"?(?: [,.])?$', entry[1], re.MULTILINE)
    have = set()
    for name, (place, _) in COMMANDS.items():
        module, _, command = place.partition(".")
        if place and getattr(importlib.import_module(f"mailwatch.cli.{module}"), command).json:
            have.add(name)
    assert set(named) == have


@pytest.mark.parametrize("page", PAGES)
def test_page_is_of_this_version(page: str, top: Path) -> None:
    """The foot of each page names the version that it describes."""
    first = (top / "packaging/man" / page).read_text().splitlines()[0]
    assert f'"mailwatch {__version__}"' in first


@pytest.mark.e2e
@pytest.mark.parametrize("page", PAGES)
def test_page_is_formatted_without_a_warning(
    page: str, top: Path, tool: Callable[[str], str]
) -> None:
    """man(1) reads each page without a complaint."""
    done = subprocess.run(
        [
            tool("man"),
            "--warnings",
            "-E",
            "UTF-8",
            "-l",
            "-Tutf8",
            "-Z",
            top / "packaging/man" / page,
        ],
        check=True,
        capture_output=True,
        env={"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "PATH": "/usr/bin:/bin", "MANWIDTH": "80"},
    )
    assert done.stderr == b""
    assert len(done.stdout) > 5000


def test_what_is_generated_is_as_the_catalogues_have_it(top: Path) -> None:
    """`make lint` says the same, and how to write them anew."""
    done = subprocess.run(
        [sys.executable, top / "packaging/man/reference.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
