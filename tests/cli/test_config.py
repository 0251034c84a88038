"""`mailwatch config check` and `config show`, called as the admin calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mailwatch.cli.import_env import VARIABLES
from mailwatch.cli.main import main

GOOD = """
[gotify]
url = "https://gotify.example.org"
token = "hunter2"
[watch]
retries = 4
"""
BAD = """
[watch]
retries = 0
intervall_s = 5
"""


@pytest.fixture(autouse=True)
def _no_stray_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a good configuration file of mode 0640."""
    file = tmp_path / "mailwatch.toml"
    file.write_text(GOOD)
    file.chmod(0o640)
    return file


def test_check_says_what_is_watched(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good file gets one line that says what mailwatch would do, and exit code 0."""
    assert main(["config", "check", "--config", str(path)]) == 0
    assert capsys.readouterr() == (
        f"{path} is good: mailwatch watches 4 services every 2 min, restarts container stalwart "
        "and tells Gotify at https://gotify.example.org.\n",
        "",
    )


def test_check_prints_warnings_beside(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What should not stay so is said on standard error, and is no failure."""
    path.chmod(0o644)
    assert main(["config", "check", "--config", str(path), "--set", "restart.max_restarts=0"]) == 0
    out, err = capsys.readouterr()
    assert "restarts nothing" in out
    assert err == (
        f"warning: {path} holds the Gotify token and everyone on this host may read it; "
        f"run: chmod o= {path}\n"
    )


def test_check_names_every_mistake(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad file gets a line for each mistake, from every source, and exit code 78."""
    path.write_text(BAD)
    assert main(["config", "check", "--config", str(path), "--container", ""]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{path}, line 3: watch.retries is 0; write a whole number from 1 to 100",
        f"{path}, line 4: mailwatch has no key watch.intervall_s; did you mean watch.interval_s?",
        "command line: restart.container is empty; write a container's name of letters, digits, "
        "`_`, `.` and `-`, as `docker ps` shows it",
    ]


def test_check_as_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A script gets the same, as one object, with the same exit codes."""
    assert main(["config", "check", "--config", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(path), "good": True, "warnings": []}
    path.write_text(BAD)
    assert main(["config", "check", "--config", str(path), "--json"]) == 78
    report = json.loads(capsys.readouterr().out)
    assert report["good"] is False
    assert report["mistakes"][0] == {
        "source": str(path),
        "key": "watch.retries",
        "sentence": "watch.retries is 0; write a whole number from 1 to 100",
        "line": 3,
    }


def test_missing_file_is_a_mistake_when_it_was_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--config` with a typing error never runs on defaults."""
    assert main(["config", "check", "--config", str(tmp_path / "none.toml")]) == 78
    assert "does not exist" in capsys.readouterr().err


def test_show_names_each_origin(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value stands in a column with the place that it came from; the token does not."""
    monkeypatch.setenv("HOST", "::1")
    arguments = ["config", "show", "--config", str(path), "--docker-socket", "/run/docker.sock"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    rows = {row[0]: row[1:] for row in (line.split(maxsplit=2) for line in out.splitlines())}
    assert rows["gotify.token"] == ["***", str(path)]
    assert rows["watch.retries"] == ["4", str(path)]
    assert rows["watch.host"] == ["::1", "environment HOST"]
    assert rows["services[4].host"] == ["::1", "environment HOST"]
    assert rows["restart.socket"] == ["/run/docker.sock", "command line"]
    assert rows["restart.when_all_dropped"] == ["false", "default"]
    assert rows["gotify.token_file"] == ["-", "default"]
    assert "hunter2" not in out


def test_show_as_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A script gets numbers as numbers, lists as lists, and the token masked."""
    assert main(["config", "show", "--config", str(path), "--json", "--set", "restart.on=tls"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["gotify.token"]["value"] == "***"
    assert shown["watch.retries"] == {"value": 4, "origin": {"source": "file", "name": str(path)}}
    assert shown["restart.on"]["value"] == ["tls"]
    assert shown["gotify.token_file"]["value"] is None


def test_set_without_equals_does_not_repeat_what_was_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A token that lost its key on the command line is not printed again."""
    with pytest.raises(SystemExit):
        main(["config", "check", "--set", "hunter2"])
    err = capsys.readouterr().err
    assert "write KEY=VALUE" in err
    assert "hunter2" not in err


def test_a_full_disk_below_the_output_is_a_sentence(path: Path) -> None:
    """Not a traceback: what is wrong is said where it can be read, with 74 (EX_IOERR)."""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mailwatch", "config", "show", "--config", str(path)],
            cwd=Path(__file__).resolve().parents[2],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (ended.returncode, ended.stderr) == (
        74,
        "The output could not be written (No space left on device): write it elsewhere.\n",
    )
