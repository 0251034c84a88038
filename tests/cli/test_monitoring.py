"""`check`, `status` and `doctor` as a monitoring system calls them: real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

_PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
_COMMAND = [sys.executable, "-m", "mailwatch"]
_BAD = "[watch]\nretries = 0\n"


@pytest.fixture
def refusing() -> Iterator[int]:
    """Give the port of a server that turns everybody away, in words with a dash and a bar."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as link:
                    link.sendall("554 gesperrt – bitte | melden\r\n".encode())

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield int(listener.getsockname()[1])
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    serving.join(20)


@pytest.fixture
def config(tmp_path: Path, refusing: int) -> Path:
    """Give a configuration of that server and of a port where nobody listens."""
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        unused = nobody.getsockname()[1]
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        f'[state]\ndirectory = "{tmp_path}"\n[restart]\nsocket = "{tmp_path}/none.sock"\n'
        f'[watch]\nretries = 1\n[[services]]\nname = "SMTP"\nport = {refusing}\n'
        f'[[services]]\nname = "IMAPS"\nport = {unused}\n'
    )
    return path


def ran(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run mailwatch with `words` to its end."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options}
    return subprocess.run([*_COMMAND, *words], text=True, check=False, env=_PLAIN, **given)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "--once"], 2, "MAILWATCH CRITICAL - 0 of 2 services answer"),
        (["check", "smtp"], 2, r"0 of 1 services answer[^\n]* \| 'SMTP:\d+'=[^\n]*\nSMTP:\d+: .*"
         r"gesperrt \\u2013 bitte / melden"),
        (["check", "smpt"], 3, r"MAILWATCH UNKNOWN - There is no service 'smpt': name any of "
         r"SMTP:\d+ and IMAPS:\d+, or none"),
        (["check", "--nonsense"], 3, "unrecognized arguments: --nonsense"),
        (["status", "--nonsense"], 3, "unrecognized arguments: --nonsense"),
        (["check", "--set", "watch.retries=0"], 3, "MAILWATCH UNKNOWN - command line: watch.ret"),
        (["doctor", "--set", "watch.retries=0"], 3, "command line: watch.retries is 0"),
        (["doctor"], 2, "problem"),
    ],
)  # fmt: skip
def test_the_output_says_it_and_the_code_is_by_the_book(
    words: list[str], code: int, said: str, config: Path
) -> None:
    """The sentence is on stdout, in a locale without the server's letters, too."""
    options = [] if words[0] == "status" else ["--config", str(config)]
    done = ran(*words, *options)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done
    assert re.search(said, done.stdout, re.DOTALL), done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (["check"], "critical"),
        (["check", "SMTP"], "critical"),
        (["check", "smpt"], "unknown"),
        (["check", "--nonsense"], "unknown"),
        (["check", "--set", "watch.retries=0"], "unknown"),
        (["doctor", "--set", "watch.retries=0"], "unknown"),
        (["doctor", "--nonsense"], "unknown"),
        (["doctor"], "problem"),
    ],
)
def test_json_is_json_in_every_outcome(words: list[str], result: str, config: Path) -> None:
    """A program reads one document, whatever went wrong."""
    done = ran(*words, "--json", "--config", str(config))
    told = json.loads(done.stdout)
    assert told["result"] == result
    if "watch.retries=0" in words:
        assert [one["key"] for one in told["mistakes"]] == ["watch.retries"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check"], 3), (["check", "smpt"], 3), (["doctor"], 3), (["check", "--help"], 3),
        (["config", "show"], 74), (["--help"], 74),
    ],
)  # fmt: skip
def test_a_full_disk_behind_the_output_is_a_sentence(
    words: list[str], code: int, config: Path
) -> None:
    """No traceback, and no code that says something of the mail server."""
    options = [] if "--help" in words else ["--config", str(config)]
    with open("/dev/full", "w") as full:
        done = ran(*words, *options, stdout=full)
    assert done.returncode == code
    assert done.stderr.startswith("The output could not be written (No space left on device)"), done


def on_terminal(words: list[str], **environ: str) -> str:
    """Return what mailwatch shows on a terminal of 60 columns."""
    ours, theirs = pty.openpty()
    env = {**_PLAIN, "PYTHONIOENCODING": "utf-8", "TERM": "xterm", "COLUMNS": "60", **environ}
    process = subprocess.Popen([*_COMMAND, *words], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    with suppress(OSError):
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    process.wait(60)
    return shown.decode()


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_a_terminal_shows_it_in_colour_and_within_its_width(command: str, config: Path) -> None:
    """Each line as it comes, wrapped; NO_COLOR, --no-color and a dumb terminal make it plain."""
    words = [command, "--config", str(config)]
    shown = on_terminal(words)
    assert "\x1b[31m" in shown
    bare = re.sub(r"\x1b\[[0-9;]*[mK]", "", shown)
    kept = [line.rpartition("\r")[2] for line in bare.replace("\r\n", "\n").split("\n")]
    assert max(map(len, kept)) <= 60, kept
    assert any(line.startswith(" " * 4) for line in kept)
    for plain in (
        on_terminal([*words, "--no-color"]),
        on_terminal(words, NO_COLOR="1"),
        on_terminal(words, TERM="dumb"),
    ):
        assert "\x1b[3" not in plain
