"""What the Docker restarter says of an engine that is unwell, or cannot be reached."""

from __future__ import annotations

import grp
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Within

GENEROUS_S = 120
"""Far more than any of these takes, and far less than for ever."""


class TestBadEngines:
    """What is said of an engine that is not well."""

    @pytest.mark.parametrize(
        ("verb", "misbehave"),
        [
            ("json", "hang"),
            ("json", "drip"),
            ("version", "hang"),
            ("version", "drip"),
        ],
    )
    def test_no_answer_in_time(
        self,
        engine: Engine,
        restarter: DockerRestarter,
        within: Within,
        verb: str,
        misbehave: str,
    ) -> None:
        """An engine that is silent, or drips a byte at a time, ends with the deadline."""
        engine.script[verb] = lambda request: getattr(request, misbehave)()
        began = time.monotonic()
        found = restarter.inspect(within(0.7))
        assert time.monotonic() - began < GENEROUS_S
        assert found.condition is Condition.UNREACHABLE
        assert "does not answer in time" in say(found.detail)

    @pytest.mark.parametrize(
        ("body", "status", "word"),
        [
            (b"<html>", 200, "cannot be understood"),
            (b"[]", 200, "cannot be understood"),
            (b"null", 200, "cannot be understood"),
            (b'{"message": "boom\\n<0>x"}', 500, r"500: boom\n<0>x"),
            (b"<html>", 502, "502"),
        ],
    )
    @pytest.mark.parametrize("verb", ["json", "version"])
    def test_nonsense(
        self,
        engine: Engine,
        restarter: DockerRestarter,
        within: Within,
        body: bytes,
        status: int,
        word: str,
        verb: str,
    ) -> None:
        """Whatever answers, the state is not known, and one printable sentence says why."""
        engine.script[verb] = lambda request: request.reply_raw(status, body)
        found = restarter.inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert word in say(found.detail)
        assert say(found.detail).isprintable()

    def test_forbidden_by_a_proxy(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A socket proxy that allows less than we need is a denial, not an outage of Docker."""
        engine.script["json"] = lambda request: request.reply_raw(403, b"Forbidden by rule")
        found = restarter.inspect(within(30))
        assert found.condition is Condition.DENIED
        with pytest.raises(RestartError, match="authorisation") as caught:
            restarter.restart(within(30))
        assert caught.value.permanent

    def test_a_dropped_connection(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """An engine that hangs up is unreachable, and is asked anew on the next look."""
        engine.script["json"] = lambda request: request.drop()
        found = restarter.inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert "closed without an answer" in say(found.detail)
        del engine.script["json"]
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    def test_an_engine_that_is_restarted(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """While Docker is away that is said; when it is back, the next look finds it."""
        assert restarter.inspect(within(30)).condition is Condition.RUNNING
        engine.stop()
        found = restarter.inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        engine.over.clear()
        engine.start()
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    def test_time_is_up_before_it_begins(self, engine: Engine, restarter: DockerRestarter) -> None:
        """A deadline that is over sends nothing, and raises nothing from an inspection."""
        over = Deadline(0, lambda: 1)
        assert restarter.inspect(over).condition is Condition.UNREACHABLE
        with pytest.raises(RestartError):
            restarter.restart(over)
        assert engine.seen == []


class TestBadSockets:
    """What is said where there is no engine, or no way to it."""

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda path: None, "There is no Docker socket"),
            (lambda path: path.write_text("not a socket"), "is not a socket"),
            (lambda path: path.mkdir(), "is not a socket"),
            (lambda path: path.symlink_to(path.parent / "nowhere"), "There is no Docker socket"),
        ],
    )
    def test_no_socket(
        self, directory: Path, within: Within, make: Callable[[Path], object], words: str
    ) -> None:
        """An absent socket, and whatever else stands in its place, is named with its path."""
        path = directory / "docker.sock"
        make(path)
        restarter = DockerRestarter(Settings(socket=str(path)))
        found = restarter.inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert words in say(found.detail)
        assert str(path) in say(found.detail)
        with pytest.raises(RestartError, match=words) as caught:
            restarter.restart(within(30))
        assert not caught.value.permanent

    def test_nobody_listens(self, directory: Path, within: Within) -> None:
        """A socket that a killed engine left behind."""
        path = str(directory / "docker.sock")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        found = DockerRestarter(Settings(socket=path)).inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert "Nothing listens" in say(found.detail)

    def test_nobody_accepts(self, directory: Path, within: Within) -> None:
        """An engine that is stuck first leaves us without an answer, then without a place."""
        path = str(directory / "docker.sock")
        waiting: list[socket.socket] = []
        with socket.socket(socket.AF_UNIX) as stuck:
            stuck.bind(path)
            stuck.listen(1)
            restarter = DockerRestarter(Settings(socket=path))
            found = restarter.inspect(within(0.3))
            assert found.condition is Condition.UNREACHABLE
            assert "does not answer in time" in say(found.detail)
            try:
                while True:
                    waiting.append(socket.socket(socket.AF_UNIX))
                    waiting[-1].setblocking(False)
                    waiting[-1].connect(path)
            except BlockingIOError:
                pass
            found = restarter.inspect(within(0.3))
            assert found.condition is Condition.UNREACHABLE
            assert "takes no more connections" in say(found.detail)
            for one in waiting:
                one.close()

    @pytest.mark.parametrize(
        ("mode", "group", "fix"),
        [
            (0o000, 0, "SocketGroup="),
            (0o660, 0, "SocketGroup="),
            (0o660, 12345, "groupadd -g 12345 dockersocket"),
            (0o660, grp.getgrnam("daemon").gr_gid, "SupplementaryGroups=daemon"),
        ],
    )
    def test_denied(self, engine: Engine, mode: int, group: int, fix: str) -> None:
        """Without the right to the socket, its owner, group and mode are named, and the cure."""
        if os.geteuid() != 0 and (mode or group):
            pytest.skip("only root can give a socket to another group")
        if os.geteuid() == 0:
            os.chown(engine.path, 0, group)
        os.chmod(engine.path, mode)
        os.chmod(os.path.dirname(engine.path), 0o755)
        said = as_nobody(engine.path)
        assert said[0] == "denied"
        assert f"mode {mode:04o}" in said[1]
        assert ("owner root" if os.geteuid() == 0 else "owner ") in said[1]
        assert fix in said[1]
        assert "SupplementaryGroups=1" not in said[1]  # systemd would end with 216/GROUP
        assert said[2:] == ["True", said[1]]
        assert engine.seen == []

    def test_denied_by_its_directory(self, engine: Engine) -> None:
        """A directory that may not be searched is named instead of the socket in it."""
        if os.geteuid() != 0:
            pytest.skip("needs root: the owner of a directory cannot be kept out of it")
        said = as_nobody(engine.path)
        assert said[0] == "denied"
        assert f"may not look into {os.path.dirname(engine.path)}" in said[1]


def as_nobody(path: str) -> list[str]:
    """Inspect and restart in a process without rights; return what it found and what it said."""
    program = """
        import os, sys, time
        import mailwatch.docker.transport
        from mailwatch.core.deadline import Deadline
        from mailwatch.core.say import say
        from mailwatch.restarters import RestartError
        from mailwatch.restarters.docker import DockerRestarter, Settings
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        restarter = DockerRestarter(Settings(socket=sys.argv[1]))
        found = restarter.inspect(Deadline.after(60, time.monotonic))
        print(found.condition)
        print(say(found.detail))
        try:
            restarter.restart(Deadline.after(60, time.monotonic))
        except RestartError as error:
            print(error.permanent)
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout.splitlines()
