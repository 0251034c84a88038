"""The README says what is: its commands, keys, defaults and sample exist as it tells them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mailwatch.cli.main import COMMANDS
from mailwatch.config.schema import CHANNEL, SERVICE, section_keys, sections
from mailwatch.probes.catalogue import PROBES

SERVICE_KEYS = {name for probe in PROBES.names() for name in SERVICE.keys(probe)}
README = (Path(__file__).resolve().parents[2] / "README.md").read_text("ascii")


def test_every_command_exists() -> None:
    """Each `mailwatch COMMAND` in a code span or block is one that can be called."""
    spans = re.findall(r"`([^`\n]+)`", README) + re.findall(r"^    (.+)$", README, re.MULTILINE)
    words = {
        word for span in spans for word in re.findall(r"(?:^|sudo )mailwatch ([a-z][a-z-]*)", span)
    }
    assert {"check", "test-notification", "demo", "config"} <= words
    assert words <= {name.split()[0] for name in COMMANDS}


def test_the_sample_has_only_known_keys() -> None:
    """The TOML of the README can be pasted: it parses, and every key is one of the schema's."""
    samples = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert samples
    for sample in samples:
        read = tomllib.loads(sample)
        for service in read.pop("services", []):
            assert set(service) <= SERVICE_KEYS
        for channel in read.pop("notifiers", []):
            assert set(channel) <= set(CHANNEL.keys(channel["type"]))
        for section, table in read.items():
            assert set(table) <= set(sections()[section])


def test_the_defaults_in_the_timeline_are_the_defaults() -> None:
    """Every `key = number` of the tables is the schema's default of that section's key."""
    told = 0
    for cell in re.findall(r"\| (`\[[a-z]+\][^|]+) \|$", README, re.MULTILINE):
        section = ""
        for found in re.findall(r"`(?:\[([a-z]+)\] )?([a-z_]+)` = ([0-9]+)", cell):
            section = found[0] or section
            assert sections()[section][found[1]].default == pytest.approx(float(found[2]))
            told += 1
    assert told >= 12


def test_every_key_in_a_code_span_exists() -> None:
    """What looks like a key of ours, `some_name`, is one."""
    known = {key.name for key in section_keys()} | SERVICE_KEYS
    keys = set(re.findall(r"`([a-z]+_[a-z_]+)`", README))
    assert keys
    assert keys <= known
