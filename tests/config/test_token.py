"""The secret of a channel: its four places, their precedence, and that it is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.config.model import Config, ConfigError, Origin, Source

URL = "https://gotify.example.org"
TOKEN = "AhunterB2.c-_"


def file_with(path: Path, content: bytes, mode: int = 0o640) -> Path:
    """Return `path`, written with `content`."""
    path.write_bytes(content)
    path.chmod(mode)
    return path


def token_of(config: Config) -> str:
    """Return the token in clear."""
    (channel,) = config.channels
    return str(channel.settings.token.reveal())


def line(flags: dict[str, str], environ: dict[str, str]) -> str:
    """Return the one line that loading ends with."""
    with pytest.raises(ConfigError) as caught:
        load(None, flags, environ)
    assert len(caught.value.mistakes) == 1
    return str(caught.value)


def test_token_file_is_read_without_its_last_newline(tmp_path: Path) -> None:
    """A file made with an editor works, and is named as the origin."""
    path = file_with(tmp_path / "token", f"{TOKEN}\n".encode())
    config = load(None, {"gotify.url": URL, "gotify.token_file": str(path)}, {})
    assert token_of(config) == TOKEN
    assert config.settings["gotify.token"].origin == Origin(Source.FILE, str(path))
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        (b"", "is empty; copy the token from the Gotify web page"),
        (b" \n\n", "is empty; copy the token from the Gotify web page"),
        (
            b"one two",
            "holds blanks or other characters that no token has; "
            "copy the token anew from the Gotify web page",
        ),
        (
            b"\xff\xfe",
            "holds blanks or other characters that no token has; "
            "copy the token anew from the Gotify web page",
        ),
        (b"a" * 4097, "is longer than 4 KiB; is it the right file?"),
    ],
)
def test_bad_token_file(content: bytes, rest: str, tmp_path: Path) -> None:
    """A token file that cannot be a token says why, without its content."""
    path = file_with(tmp_path / "token", content)
    flags = {"gotify.url": URL, "gotify.token_file": str(path)}
    assert line(flags, {}) == f"command line: gotify.token_file: {path} {rest}"


def test_stronger_source_replaces_the_other_form(tmp_path: Path) -> None:
    """GOTIFY_TOKEN wins over a token_file, and a token_file on the command line over the file."""
    secret = file_with(tmp_path / "token", b"from-file")
    toml = file_with(
        tmp_path / "mailwatch.toml", f'[gotify]\nurl = "{URL}"\ntoken = "in-toml"\n'.encode()
    )
    flags = {"gotify.token_file": str(secret)}
    assert token_of(load(toml, {}, {})) == "in-toml"
    assert token_of(load(toml, flags, {})) == "from-file"
    config = load(toml, flags, {"GOTIFY_TOKEN": "in-environment"})
    assert token_of(config) == "in-environment"
    assert config.settings["gotify.token_file"].value is None


def test_credential_of_systemd_is_used_when_nothing_else_is_set(tmp_path: Path) -> None:
    """LoadCredential=gotify-token:... is enough, and loses to every token that is configured."""
    file_with(tmp_path / "gotify-token", TOKEN.encode(), 0o400)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "GOTIFY_URL": URL}
    config = load(None, {}, environ)
    assert token_of(config) == TOKEN
    assert config.settings["gotify.token"].origin == Origin(Source.CREDENTIAL, "gotify-token")
    assert token_of(load(None, {}, environ | {"GOTIFY_TOKEN": "other"})) == "other"


def test_directory_without_that_credential_says_nothing(tmp_path: Path) -> None:
    """Other credentials of the unit are none of our business."""
    (channel,) = load(None, {}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).channels
    assert channel.type == "journal"


def test_unreadable_credential_is_a_mistake(tmp_path: Path) -> None:
    """A credential that is there but is no token does not go unnoticed."""
    (tmp_path / "gotify-token").mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "GOTIFY_URL": URL}
    path = tmp_path / "gotify-token"
    assert line({}, environ) == (
        f"systemd credential: gotify.token: {path} is a directory; name a file"
    )


def test_world_readable_secrets_are_warned_of(tmp_path: Path) -> None:
    """A token that every user of the host may read works, but is spoken of."""
    secret = file_with(tmp_path / "token", TOKEN.encode(), 0o644)
    toml = file_with(
        tmp_path / "mailwatch.toml", f'[gotify]\nurl = "{URL}"\ntoken = "{TOKEN}"'.encode(), 0o644
    )
    warning = "holds the Gotify token and everyone on this host may read it; run: chmod o="
    flags = {"gotify.url": URL, "gotify.token_file": str(secret)}
    assert load(toml, {}, {}).warnings == (f"{toml} {warning} {toml}",)
    assert load(None, flags, {}).warnings == (f"{secret} {warning} {secret}",)


def test_token_on_the_command_line_is_warned_of() -> None:
    """`ps` shows it, so that is said."""
    (warning,) = load(None, {"gotify.url": URL, "gotify.token": TOKEN}, {}).warnings
    assert "ps" in warning
    assert TOKEN not in warning


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://gotify.example.org", True),
        ("http://8.8.8.8:8080/gotify/", True),
        ("https://gotify.example.org", False),
        ("http://127.0.0.1:8080", False),
        ("http://[fd00::1]", False),
        ("http://gotify", False),
        ("http://gotify.lan", False),
    ],
)
def test_token_in_clear_over_the_internet_is_warned_of(url: str, warned: bool) -> None:
    """Plain http to a host beyond this network is spoken of; at home it is not."""
    config = load(None, {}, {"GOTIFY_URL": url, "GOTIFY_TOKEN": TOKEN})
    assert bool(config.warnings) is warned


def test_secret_shows_itself_nowhere(tmp_path: Path) -> None:
    """Neither the configuration nor its settings, printed, hold the token."""
    config = load(None, {}, {"GOTIFY_URL": URL, "GOTIFY_TOKEN": TOKEN})
    assert TOKEN not in repr(config)
    assert TOKEN not in str(config.settings)


def test_half_of_gotify_is_a_mistake() -> None:
    """A URL without a token, or the reverse, is never a silent log-only mode."""
    assert line({}, {"GOTIFY_URL": URL}) == (
        "environment: [gotify] has no token; "
        "add token or token_file, or load the credential gotify-token"
    )
    assert line({}, {"GOTIFY_TOKEN": TOKEN}) == (
        'environment: [gotify] has no url; add url = "https://gotify.example.org"'
    )


def tables(path: Path, *tokens: str) -> Path:
    """Return a file with a Gotify `phone1`, `phone2`, ..., each with a line of its own."""
    told = (
        f'[[notifiers]]\nname = "phone{number}"\ntype = "gotify"\nurl = "{URL}/{number}"\n{line}\n'
        for number, line in enumerate(tokens, start=1)
    )
    return file_with(path / "mailwatch.toml", "".join(told).encode())


def test_a_further_channel_has_its_token_in_the_same_places(tmp_path: Path) -> None:
    """In its table, in a file, or in the credential that has the channel's name."""
    file_with(tmp_path / "secret", b"in-file\n", 0o600)
    file_with(tmp_path / "phone3-token", b"from-credential", 0o400)
    path = tables(
        tmp_path, 'token = "in-toml"', f'token_file = "{tmp_path}/secret"', "priority = 7"
    )
    config = load(path, {}, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert [channel.name for channel in config.channels] == ["phone1", "phone2", "phone3"]
    tokens = [channel.settings.token.reveal() for channel in config.channels]
    assert tokens == ["in-toml", "in-file", "from-credential"]
    assert config.channels[2].settings.priority == 7
    assert config.settings["notifiers[3].token"].origin == Origin(Source.CREDENTIAL, "phone3-token")
    assert len(config.secrets) == 3
    assert "in-toml" not in repr(config)


def test_a_further_channel_is_beside_the_inherited_one(tmp_path: Path) -> None:
    """[gotify] stays what it was, and is the first."""
    path = tables(tmp_path, 'token = "in-toml"')
    config = load(path, {}, {"GOTIFY_URL": URL, "GOTIFY_TOKEN": TOKEN})
    assert [channel.name for channel in config.channels] == ["gotify", "phone1"]


def test_a_token_in_a_table_that_everyone_may_read_is_warned_of(tmp_path: Path) -> None:
    """As one in [gotify] is."""
    path = tables(tmp_path, 'token = "in-toml"')
    path.chmod(0o644)
    warning = "holds the Gotify token and everyone on this host may read it; run: chmod o="
    assert load(path, {}, {}).warnings == (f"{path} {warning} {path}",)


def test_advice_names_the_table_that_a_channel_stands_in(tmp_path: Path) -> None:
    """[gotify] for the inherited channel, and the further one by its name."""
    path = tables(tmp_path, 'token = "in-toml"')
    config = load(path, {}, {"GOTIFY_URL": URL, "GOTIFY_TOKEN": TOKEN})
    assert [channel.settings.table for channel in config.channels] == [
        "[gotify]",
        '[[notifiers]] "phone1"',
    ]
