"""Secrets of the service in a person's hands: who needs them, and where they are."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.cli import credentials
from mailwatch.cli.main import main

if TYPE_CHECKING:
    from tests.cli.conftest import Configure

TOKEN = "AxSecret"
Unit = Callable[..., None]


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    """Lay out systemd's side: `unit(LoadCredential=[["name", "source"]])` is what busctl prints.

    The stores are below `tmp_path / "stores"`, what the running service has in `tmp_path / "run"`.
    """
    stores = (tmp_path / "none", tmp_path / "stores")
    stores[1].mkdir()
    monkeypatch.setattr(credentials, "STORES", stores)
    monkeypatch.setattr(credentials, "GIVEN", tmp_path / "run")
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def make(**properties: list[list[str]]) -> None:
        names = ("LoadCredential", "LoadCredentialEncrypted", "SetCredential")
        rows = [properties.get(name, []) for name in (*names, "SetCredentialEncrypted")]
        said = "\n".join(json.dumps({"type": "a(ss)", "data": row}) for row in rows)
        busctl = programs / "busctl"
        busctl.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
        busctl.chmod(0o755)

    return make


@pytest.fixture
def config(configure: Configure) -> Path:
    """A configuration with a Gotify whose token is nowhere in it."""
    return configure('[gotify]\nurl = "http://127.0.0.1:1"\n')


def _secret(path: Path, text: str = TOKEN, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
    path.chmod(mode)
    return path


def _origin(config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `config show` tells of the token, which must not be the token."""
    assert main(["config", "show", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert TOKEN not in out
    (line,) = (line for line in out.splitlines() if line.startswith("gotify.token "))
    return line


@pytest.mark.parametrize("place", ["store", "path", "run"])
def test_root_finds_the_token_where_the_unit_has_it_from(
    place: str, unit: Unit, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a store, from the path that LoadCredential= names, or from the running service."""
    places = {
        "store": ("gotify-token", tmp_path / "stores/gotify-token"),
        "path": (str(tmp_path / "tok"), tmp_path / "tok"),
        "run": ("gotify-token", tmp_path / "run/mailwatch.service/gotify-token"),
    }
    source, file = places[place]
    unit(LoadCredential=[["other", "/no/where"], ["gotify-token", source]])
    _secret(file)
    assert "systemd credential gotify-token" in _origin(config, capsys)


def test_what_the_process_was_given_comes_first(
    unit: Unit,
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command that systemd has started with a credential of its own uses that."""
    unit(LoadCredential=[["gotify-token", str(_secret(tmp_path / "tok", "two words"))]])
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(_secret(tmp_path / "own/gotify-token").parent))
    assert "systemd credential gotify-token" in _origin(config, capsys)


def test_a_sealed_credential_is_left_to_the_service(
    unit: Unit, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration is good, and what cannot be tried says what to do, in one sentence."""
    unit(LoadCredentialEncrypted=[["gotify-token", "/etc/sealed"]])
    sentence = (
        "nly the service can read the Gotify token, credential gotify-token; "
        "run it with sudo while the service runs"
    )
    assert main(["config", "check", "--config", str(config)]) == 0
    shown = capsys.readouterr()
    assert f"warning: o{sentence} to check it\n" in shown.err
    assert "tells Gotify at http://127.0.0.1:1" in shown.out
    assert main(["test-notification", "--config", str(config)]) == 78
    assert capsys.readouterr().err == f"Gotify was not asked. O{sentence}.\n"


@pytest.mark.parametrize("loaded", [[], [["gotify-token", "gotify-token"]]])
def test_a_token_that_the_unit_does_not_load_either_is_a_mistake(
    loaded: list[list[str]], unit: Unit, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package's unit names a credential that need not be there."""
    unit(LoadCredential=loaded)
    assert main(["config", "check", "--config", str(config)]) == 78
    assert "[gotify] has no token; add" in capsys.readouterr().err


WITHOUT = {
    "incidents": ["incidents"],
    "incident": ["incident", "show", "last"],
    "export": ["incident", "export", "last"],
    "report": ["report"],
}


@pytest.mark.parametrize("words", WITHOUT.values(), ids=list(WITHOUT))
def test_commands_that_need_no_secret_do_not_ask_for_one(
    words: list[str], unit: Unit, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither token nor password file nor credential keeps the state from being shown."""
    unit()
    with config.open("a") as file:
        file.write(
            '[[services]]\nname = "IMAPS"\nport = 993\nuser = "a"\npassword_file = "/no/where"\n'
            '[[services]]\nname = "POP3S"\nport = 995\nuser = "a"\npassword_credential = "no"\n'
        )
    main([*words, "--config", str(config)])
    err = capsys.readouterr().err
    assert "token" not in err
    assert "password" not in err
    text = config.read_text().replace("url", 'token_file = "/no/where"\nurl')
    config.write_text(text)
    main([*words, "--config", str(config)])
    assert "token" not in capsys.readouterr().err


def test_check_needs_no_token(unit: Unit, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It asks the services and sends nothing."""
    unit()
    assert main(["check", "--once", "--config", str(config)]) == 2
    assert "0 of 4 services answer" in capsys.readouterr().out


def test_a_service_whose_password_is_sealed_is_not_asked(
    unit: Unit, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` says that it could not look, which is not that mail is down."""
    unit(SetCredential=[["imap", "x"]])
    with config.open("a") as file:
        file.write(
            '[[services]]\nname = "IMAPS"\nport = 993\nuser = "a"\npassword_credential = "imap"\n'
        )
    assert main(["check", "--once", "--config", str(config)]) == 3
    assert (
        "IMAPS:993: only the service can read credential imap, its password; run it with sudo"
        in (capsys.readouterr().out)
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_another_user_is_sent_to_root(unit: Unit) -> None:
    """What only root may see may be there; what is surely not there is not."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        top = Path(name)
        sealed, shut = _secret(top / "sealed/hidden"), _secret(top / "open/shut")
        gone = top / "open/gone"
        paths = {"hidden": sealed, "shut": shut, "gone": gone}
        unit(LoadCredential=[[name, str(path)] for name, path in paths.items()])
        for directory in top, gone.parent:
            directory.chmod(0o755)
        sealed.parent.chmod(0o700)
        made = credentials.UnitCredentials({})
        assert made.find("hidden") == sealed
        os.seteuid(65534)
        try:
            names = (*paths, "other")
            assert [made.find(name) for name in names] == [None] * 4
            cures = [made.elsewhere(name) for name in names]
        finally:
            os.seteuid(0)
    assert cures == ["run it with sudo"] * 2 + [""] * 2
