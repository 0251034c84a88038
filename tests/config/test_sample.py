"""The shipped sample: it loads, changes nothing, and shows every key with its default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import mailwatch
from mailwatch.config.load import load
from mailwatch.config.schema import SERVICE, section_keys
from mailwatch.probes.catalogue import PROBES

SAMPLE = Path(mailwatch.__file__).parents[1] / "config/mailwatch.toml"
WITHOUT_DEFAULT = ("url", "token", "token_file")


def test_sample_as_shipped_is_the_defaults() -> None:
    """Installing the file changes nothing until somebody edits it."""
    config = load(SAMPLE, {}, {})
    assert config == load(None, {}, {})
    assert config.warnings == ()


def test_commented_keys_show_the_defaults(tmp_path: Path) -> None:
    """With every `#` of a key taken away, the configuration is still that of the defaults."""
    lines = [
        re.sub(r"^# (\[\[services\]\]|[a-z_]+ = .*)$", r"\1", line)
        for line in SAMPLE.read_text().splitlines()
    ]
    names = "|".join(WITHOUT_DEFAULT)
    kept = [line for line in lines if not re.match(rf"({names}) = ", line)]
    path = tmp_path / "mailwatch.toml"
    path.write_text("\n".join(kept))
    config = load(path, {}, {})
    assert config == load(None, {}, {})
    given = {key for key, one in config.settings.items() if one.origin.name == str(path)}
    assert given >= {key.dotted for key in section_keys() if key.name not in WITHOUT_DEFAULT}
    everything = tomllib.loads("\n".join(lines))
    assert set(everything["gotify"]) >= set(WITHOUT_DEFAULT)


def test_every_key_of_a_service_is_shown() -> None:
    """What can be said of any service, and to each probe, is TOML and leaves out no key."""
    told = SAMPLE.read_text().partition("All that can be")[2]
    common, *of_probes = re.split(r'^# With probe = "([a-z0-9]+)":$', told, flags=re.MULTILINE)
    (service,) = toml(common)["services"]
    assert list(service) == list(SERVICE.keys(None))
    own = dict(zip(of_probes[::2], map(toml, of_probes[1::2]), strict=True))
    for probe in PROBES.names():
        assert list(own.get(probe, {})) == [key.name for key in PROBES.keys(probe)]


def toml(text: str) -> dict[str, Any]:
    """Return what the indented lines of a comment say."""
    return tomllib.loads("\n".join(re.findall(r"^#   (\S.*)$", text, re.MULTILINE)))


def test_sample_is_plain() -> None:
    """Any terminal and editor shows it as it was meant."""
    text = SAMPLE.read_text()
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
