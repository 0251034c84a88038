"""`mailwatch doctor` as the admin calls it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.cli import doctor
from mailwatch.cli.main import main
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import words
from mailwatch.doctor import checks

if TYPE_CHECKING:
    from tests.cli.conftest import Configure


@pytest.fixture
def config(configure: Configure, tmp_path: Path) -> Path:
    """A configuration whose Docker socket is not there."""
    return configure(f'[restart]\nsocket = "{tmp_path}/none.sock"\n')


def _only(monkeypatch: pytest.MonkeyPatch, *findings: Diagnosis) -> None:
    table = (("things", lambda _case: findings),)
    monkeypatch.setattr(checks, "CHECKS", table)


@pytest.mark.parametrize(
    ("findings", "code", "last"),
    [
        ([ok("Fine.")], 0, "All is well, and there is nothing to do."),
        ([ok("Fine."), warning("Hm.", words("Look."))], 1, "1 warning; the arrows say what to do."),
        (
            [
                warning("Hm.", words("Look.")),
                problem("Oh.", words("Mend.")),
                problem("Ah.", words("Mend.")),
            ],
            2,
            "2 problems and 1 warning; the arrows say what to do.",
        ),
    ],
)
def test_the_exit_code_is_that_of_the_worst(
    findings: list[Diagnosis],
    code: int,
    last: str,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0, 1 or 2, and each finding with its cure below it."""
    _only(monkeypatch, *findings)
    assert main(["doctor", "--config", str(config)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == last
    assert sum("-> " in line for line in lines) == sum(bool(f.cure) for f in findings)


def test_json_holds_the_same(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a program: the worst level, and every finding with its check."""
    _only(monkeypatch, ok("Fine."), problem("Oh\n.", words("Mend.")))
    assert main(["doctor", "--config", str(config), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "problem"
    assert told["findings"] == [
        {"check": "things", "level": "ok", "sentence": "Fine.", "cure": ""},
        {"check": "things", "level": "problem", "sentence": "Oh\\n.", "cure": "Mend."},
    ]


def test_a_real_host_without_a_mail_server(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check has its say on a host where hardly anything is there, and none falls over."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        services = f"services=SMTP:{nobody.getsockname()[1]}"
        assert main(["doctor", "--config", str(config), "--set", services]) == 2
    out = capsys.readouterr().out
    assert "A fault of mailwatch" not in out
    for check in ("configuration", "services", "socket", "engine", "channels", "state", "clock"):
        assert f"  {check} " in out


def test_mistakes_in_the_configuration_come_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a configuration there is nothing to examine: all mistakes, and exit 78."""
    path = tmp_path / "bad.toml"
    path.write_text("[watch]\nretries = 0\n")
    assert main(["doctor", "--config", str(path)]) == 78
    assert "watch.retries" in capsys.readouterr().err


def test_every_check_fits_the_columns() -> None:
    """The names are short enough for one line with a sentence."""
    assert doctor._NAME_WIDTH <= 13
