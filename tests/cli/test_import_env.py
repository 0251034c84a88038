"""`mailwatch import-env`: the TOML means what the .env meant, and a file of secrets stays one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.cli.import_env import VARIABLES, document
from mailwatch.cli.main import main
from mailwatch.config.dotenv import parse
from mailwatch.config.load import load

ENV = """\
# the original's settings
export GOTIFY_URL="https://gotify.example.org/"
GOTIFY_TOKEN='hunter2'
SERVICES=SMTP:25,SMTP:587,IMAPS:993   # three
RETRIES=4
TZ=Europe/Berlin
"""
TOKEN_NOTE = (
    "This holds the Gotify token: keep it where only root and the group mailwatch may read it "
    "(chmod 0640).\n"
)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Return a .env file."""
    path = tmp_path / ".env"
    path.write_text(ENV)
    return path


def mode_of(path: Path) -> int:
    """Return the permission bits of `path` itself."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_output_is_the_configuration(
    env_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed loads to what the .env said; unknown variables are named."""
    assert main(["import-env", str(env_file)]) == 0
    out, err = capsys.readouterr()
    assert err == f"{env_file}: mailwatch has no variable TZ; it was left out\n{TOKEN_NOTE}"
    assert out.count("[[services]]\nname = ") == 3
    path = tmp_path / "mailwatch.toml"
    path.write_text(out)
    assert load(path, {}, {}) == load(None, {}, parse(ENV)[0])


_SECONDS = st.decimals(1, 3600, places=2).map(str) | st.integers(1, 3600).map(str)
_WORD = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,12}", fullmatch=True)
_MEANINGS: dict[str, st.SearchStrategy[str]] = {
    "GOTIFY_PRIORITY": st.integers(0, 10).map(str),
    "HOST": st.ip_addresses().map(str) | st.just("mail.example.org"),
    "SERVICES": st.lists(
        st.tuples(_WORD, st.integers(1, 65535)), min_size=1, max_size=5, unique=True
    ).map(lambda pairs: ",".join(f"{name}:{port}" for name, port in pairs)),
    "RETRIES": st.integers(1, 100).map(str),
    "PER_ATTEMPT_TIMEOUT": _SECONDS,
    "SLEEP_BETWEEN_ATTEMPTS": _SECONDS | st.sampled_from(["0", "0.00000001", ".5", "5."]),
    "CHECK_INTERVAL_SECONDS": _SECONDS,
    "CONTAINER_NAME": _WORD,
    "DOCKER_SOCKET": st.just("/run/user/1000/podman/a b.sock"),
    "POST_RESTART_WAIT": _SECONDS,
    "POST_RESTART_PER_ATTEMPT_TIMEOUT": _SECONDS,
    "POST_RESTART_FINAL_TIMEOUT": _SECONDS,
    "POST_RESTART_POLL_INTERVAL": _SECONDS,
    "STATE_DIRECTORY": st.just("/srv/a:/srv/b"),
}
_GOTIFY = st.fixed_dictionaries(
    {
        "GOTIFY_URL": st.sampled_from(["http://[::1]:8080/", "https://a.example/sub/path"]),
        "GOTIFY_TOKEN": st.from_regex(r"[!-~]{1,20}", fullmatch=True),
    }
)


@given(environ=st.fixed_dictionaries({}, optional=_MEANINGS), gotify=_GOTIFY | st.just({}))
def test_toml_means_what_the_environment_means(
    environ: dict[str, str], gotify: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """For any variables, the imported file loads to the very same configuration."""
    given_environ = environ | gotify
    path = tmp_path_factory.getbasetemp() / "imported.toml"
    path.write_text(tomli_w.dumps(document(given_environ, ".env")))
    path.chmod(0o600)
    assert load(path, {}, {}) == load(None, {}, given_environ)


def test_property_covers_every_variable() -> None:
    """A variable that is added to the table is added to the property above."""
    assert {*_MEANINGS, "GOTIFY_URL", "GOTIFY_TOKEN"} == VARIABLES


def test_mistakes_are_those_of_the_file(env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every bad value is named under the .env's name, and nothing is printed."""
    env_file.write_text("RETRIES=0\nSERVICES=SMTP\n")
    assert main(["import-env", str(env_file)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{env_file}: RETRIES is 0; write a whole number from 1 to 100",
        f'{env_file}: SERVICES has "SMTP" where NAME:PORT belongs; '
        f"write for example SMTP:25,IMAPS:993, ports from 1 to 65535",
    ]
    env_file.write_bytes(b"A=1\nB=\xff\n")
    assert main(["import-env", str(env_file)]) == 78
    assert (
        capsys.readouterr().err
        == f"{env_file}: the file is not UTF-8 in line 2; save it as UTF-8\n"
    )
    env_file.write_text("RETRIES=$R\n")
    assert main(["import-env", str(env_file)]) == 78
    assert "line 1 has a $ or ` in RETRIES" in capsys.readouterr().err
    assert main(["import-env", str(env_file.parent)]) == 78
    assert "is a directory" in capsys.readouterr().err


def test_new_file_is_private(
    env_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the umask, the written file has mode 0600, and how to share it is said."""
    path = tmp_path / "out.toml"
    before = os.umask(0)
    try:
        assert main(["import-env", str(env_file), "-o", str(path)]) == 0
    finally:
        os.umask(before)
    assert mode_of(path) == 0o600
    assert load(path, {}, {}) == load(None, {}, parse(ENV)[0])
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"{path} was written with mode 0600.",
        f"The service reads it as group mailwatch: chgrp mailwatch {path} && chmod 0640 {path}",
    ]
    assert sorted(tmp_path.iterdir()) == [env_file, path]


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_is_there_is_left_alone(
    kind: str, env_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --force no file is overwritten, and no link is followed."""
    other, path = tmp_path / "other", tmp_path / "out.toml"
    if kind != "dangling":
        other.write_text("precious")
    if kind == "file":
        other.rename(path)
        other = path
    else:
        path.symlink_to(other)
    assert main(["import-env", str(env_file), "-o", str(path)]) == 73
    assert f"{path} exists already and was left as it is" in capsys.readouterr().err
    assert kind == "dangling" or other.read_text() == "precious"
    assert other.exists() is (kind != "dangling")
    assert len(list(tmp_path.iterdir())) == {"file": 2, "link": 3, "dangling": 2}[kind]


def test_force_replaces_a_link_and_not_its_target(env_file: Path, tmp_path: Path) -> None:
    """With --force the name is taken over; what a link pointed to is untouched."""
    target, path = tmp_path / "target", tmp_path / "out.toml"
    target.write_text("precious")
    path.symlink_to(target)
    assert main(["import-env", str(env_file), "-o", str(path), "--force"]) == 0
    assert target.read_text() == "precious"
    assert not path.is_symlink()
    assert mode_of(path) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file to a group")
@pytest.mark.parametrize(("old", "new"), [(0o640, 0o640), (0o666, 0o640), (0o400, 0o600)])
def test_force_keeps_group_and_narrows_the_mode(
    old: int, new: int, env_file: Path, tmp_path: Path
) -> None:
    """The installed 0640 root:mailwatch stays so; what was open to all no longer is."""
    path = tmp_path / "mailwatch.toml"
    path.write_text("")
    os.chown(path, 0, 12345)
    path.chmod(old)
    assert main(["import-env", str(env_file), "-o", str(path), "--force"]) == 0
    assert (mode_of(path), path.stat().st_gid) == (new, 12345)


def test_place_that_cannot_be_written(
    env_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing directory, or a directory in place of a file, is one sentence."""
    assert main(["import-env", str(env_file), "-o", str(tmp_path / "no/out.toml")]) == 73
    assert "cannot be written (no such file or directory)" in capsys.readouterr().err
    assert main(["import-env", str(env_file), "-o", str(tmp_path), "--force"]) == 73
    assert "cannot be written (is a directory)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [env_file]


def test_missing_package_is_named(
    env_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without tomli-w, the package to install is named, and no half of a file is printed."""
    monkeypatch.setitem(sys.modules, "tomli_w", None)
    assert main(["import-env", str(env_file)]) == 69
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(
        "Python's tomli-w is missing: run `apt install python3-tomli-w` and try again.\n"
    )
