"""Snippets beside the configuration file, and the lines that mistakes name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.config.model import ConfigError

MAIN = """\
[watch]
retries = 2

[[services]]
name = "SMTP"
port = 25
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a configuration file with an empty directory for snippets."""
    (tmp_path / "mailwatch.d").mkdir()
    path = tmp_path / "mailwatch.toml"
    path.write_text(MAIN)
    return path


def mistakes(path: Path, **snippets: str) -> list[str]:
    """Return the mistakes of `path` with `snippets`, each without the directory."""
    for name, text in snippets.items():
        (path.parent / "mailwatch.d" / f"{name}.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def test_a_snippet_adds_services_and_sets_keys(path: Path) -> None:
    """In the order of their names, after the file; what has another name is left alone."""
    directory = path.parent / "mailwatch.d"
    (directory / "20.toml").write_text('[[services]]\nname = "IMAPS"\nport = 993\n')
    (directory / "10.toml").write_text('[watch]\ninterval_s = 60\n[restart]\ncontainer = "m"\n')
    (directory / "30.toml~").write_text("no TOML")
    config = load(path, {}, {})
    assert [one.key for one in config.services] == ["SMTP:25", "IMAPS:993"]
    assert (config.policy.interval_s, config.policy.attempts.retries) == (60, 2)
    assert config.settings["watch.interval_s"].origin.name == str(directory / "10.toml")
    assert config.settings["services[2].port"].origin.name == str(directory / "20.toml")
    assert config.settings["watch.retries"].origin.name == str(path)


@pytest.mark.parametrize(
    ("snippets", "said"),
    [
        (
            {"a": "# no\n[watch]\nretries = 3\n"},
            "mailwatch.d/a.toml, line 3: watch.retries is set here and in mailwatch.toml, line 2; "
            "keep one of the two",
        ),
        (
            {"a": '[log]\nlevel = "info"\n', "b": '[log]\nlevel = "info"\n'},
            "mailwatch.d/b.toml, line 2: log.level is set here and in mailwatch.d/a.toml, line 2; "
            "keep one of the two",
        ),
        (
            {"a": '[[services]]\nname = "IMAPS"\n\nport = 0\n'},
            "mailwatch.d/a.toml, line 4: services[2].port is 0; write a whole number from 1 to "
            "65535",
        ),
        (
            {"a": "\n[[services]]\nport = 993\n"},
            'mailwatch.d/a.toml, line 2: services[2] has no name; add name = "IMAPS"',
        ),
        (
            {"a": "x = \u201cy\u201d\n"},
            'mailwatch.d/a.toml: the file has curly quotes in line 1; write straight ones: "',
        ),
        (
            {"a": '[gotify]\nurl = "https://g.example.org/message"\ntoken = "x"\n'},
            "mailwatch.d/a.toml, line 2: gotify.url is not right; write the address of the server "
            "without /message, which mailwatch adds",
        ),
    ],
    ids=["main", "both", "value", "missing", "curly", "message"],
)
def test_a_mistake_names_file_and_line(path: Path, snippets: dict[str, str], said: str) -> None:
    """That of the key, or of the table that lacks it; a key set twice names both files."""
    assert mistakes(path, **snippets) == [said]


@pytest.mark.parametrize(
    ("name", "port", "warned"),
    [("SMTPS", 25, True), ("IMAPS", 143, True), ("SMTP", 465, True), ("SMTP", 587, False),
     ("SMTPS", 2465, False), ("SMTPS", 465, False), ("SMTP", 25, False)],
)  # fmt: skip
def test_a_name_on_the_port_of_another_is_told(
    path: Path, name: str, port: int, warned: bool
) -> None:
    """SMTPS on port 25 waits for TLS that never begins; who says `tls` has thought of it."""
    path.write_text(f'[[services]]\nname = "{name}"\nport = {port}\n')
    assert any(f"on port {port}, where" in one for one in load(path, {}, {}).warnings) is warned
    with path.open("a") as file:
        file.write('tls = "implicit"\n')
    assert not any(f"on port {port}" in one for one in load(path, {}, {}).warnings)
