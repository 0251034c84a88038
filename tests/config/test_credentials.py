"""A login whose password is a credential of systemd: read, checked, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.config.model import Config, ConfigError
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login

FILE = '[[services]]\nname = "IMAPS"\nport = 993\nuser = "anna"\npassword_credential = "imap.pw"\n'


def _load(tmp_path: Path, content: bytes) -> Config:
    path = tmp_path / "mailwatch.toml"
    path.write_text(FILE)
    (tmp_path / "given").mkdir()
    credential = tmp_path / "given/imap.pw"
    credential.write_bytes(content)
    credential.chmod(0o400)
    return load(path, {}, {"CREDENTIALS_DIRECTORY": str(tmp_path / "given")})


def test_the_password_is_read_from_the_directory_that_systemd_names(tmp_path: Path) -> None:
    """A last newline is the editor's; the secret is known, so that evidence is cleared of it."""
    config = _load(tmp_path, "pässword with blanks\n".encode())
    (service,) = config.services
    password = Secret("pässword with blanks")
    assert service.login == Login("anna", password)
    assert config.secrets == (password,)
    assert config.warnings == ()
    assert config.settings["services[1].password_credential"].value == "imap.pw"
    assert "blanks" not in repr(config)


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        (b"", "must hold the password alone, on one line"),
        (b"one\ntwo\n", "must hold the password alone, on one line"),
        (b"\xff\n", "is not UTF-8; save it so"),
    ],
)
def test_what_is_no_password_is_a_mistake(content: bytes, rest: str, tmp_path: Path) -> None:
    """As in a password file, with the key that named it."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, content)
    (mistake,) = caught.value.mistakes
    assert mistake.key == "services[1].password_credential"
    assert mistake.sentence == f"{mistake.key}: {tmp_path}/given/imap.pw {rest}"
