"""The Docker restarter against an engine that answers, hangs, drips, lies and breaks off."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition
from mailwatch.restarters import DockerRestarter, DockerSettings, RestartError

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Request

    Within = Callable[[float], Deadline]

GENEROUS_S = 120
"""Far more than any of these takes, and far less than for ever."""


@pytest.fixture
def restarter(engine: Engine) -> Iterator[DockerRestarter]:
    """Return a restarter for the scripted engine's container."""
    made = DockerRestarter(DockerSettings(socket=engine.path, stop_timeout_s=1))
    yield made
    made.close()


@pytest.fixture
def ended_process() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine's answer to a restart be waited for 2 s, whatever the deadline is."""
    monkeypatch.setattr("mailwatch.restarters.docker.START_S", 1)


def stopped_by_hand(engine: Engine) -> None:
    """Let somebody have said `docker stop`, with the kill after its timeout."""
    engine.goes_down()
    engine.events = [
        {"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}},
        {"Action": "kill", "Actor": {"Attributes": {"signal": "9"}}},
        {"Action": "die", "Actor": {"Attributes": {"exitCode": "137"}}},
        {"Action": "stop"},
    ]


class TestInspect:
    """What an engine that is well tells."""

    def test_running(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """A running container has its start, no end, and the identity of this incarnation."""
        found = restarter.inspect(within(30))
        assert found.condition is Condition.RUNNING
        assert found.started_at == pytest.approx(1772359200.123456)
        assert found.finished_at is None
        assert found.identity == engine.identity

    def test_the_connection_is_kept(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Looking again costs one request: the version is not asked for anew."""
        for _ in range(3):
            restarter.inspect(within(30))
        assert len(engine.asked("json")) == 3
        assert len(engine.asked("version")) == 1

    def test_what_listens_behind_the_ports_that_are_asked(
        self, engine: Engine, within: Within
    ) -> None:
        """This process stands for the container; a port that nobody asks for is not looked at."""
        assert engine.container is not None
        asking = DockerRestarter(DockerSettings(socket=engine.path), frozenset({25, 993}))
        with (
            closing(asking),
            socket.create_server(("127.0.0.1", 0)) as served,
            socket.socket() as bound,
        ):
            bound.bind(("127.0.0.1", 0))
            ports = {25: served, 993: bound, 443: bound}
            engine.container |= {
                "Id": Path("/proc/self/cgroup").read_text(),
                "NetworkSettings": {
                    "Networks": {"bridge": {"IPAddress": "127.0.0.1"}},
                    "Ports": {
                        f"{inside.getsockname()[1]}/tcp": [
                            {"HostIp": "127.0.0.1", "HostPort": str(port)}
                            for port, one in ports.items()
                            if one is inside
                        ]
                        for inside in (served, bound)
                    },
                },
            }
            engine.container["State"]["Pid"] = os.getpid()
            assert asking.inspect(within(GENEROUS_S)).listens == {25: True, 993: False}
            engine.container["State"]["Status"] = "paused"
            assert asking.inspect(within(GENEROUS_S)).listens == {}

    def test_stopped_by_hand(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A stop that needed SIGKILL looks like a crash, but the engine's events tell."""
        stopped_by_hand(engine)
        found = restarter.inspect(within(30))
        assert found.condition is Condition.STOPPED
        assert found.finished_at == 1772361000.5
        assert "docker start stalwart" in found.detail

    def test_a_stop_under_way(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A server may take the minute that its admin gave it to end: until then, it is theirs."""
        engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}}]
        found = restarter.inspect(within(5))
        assert found.condition is Condition.STARTING
        assert "Somebody is stopping or restarting stalwart" in found.detail
        engine.events = []
        assert restarter.inspect(within(5)).condition is Condition.RUNNING

    def test_a_signal_that_ends_nothing(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """To have it read its files again is no stop, and an old order without effect is none."""
        engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "1"}}}]
        assert restarter.inspect(within(5)).condition is Condition.RUNNING
        asked = parse_qs(urlsplit(engine.asked("events")[-1]).query)
        since, until = float(asked["since"][0]), float(asked["until"][0])
        assert until - since == pytest.approx(120)
        assert abs(time.time() - until) < GENEROUS_S

    def test_started_again(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """What is known of its last end, whose time it keeps, says nothing about a new run."""
        stopped_by_hand(engine)
        assert restarter.inspect(within(5)).condition is Condition.STOPPED
        engine.comes_up()
        engine.events = []
        assert engine.container is not None
        engine.container["State"]["FinishedAt"] = engine.finished
        assert restarter.inspect(within(5)).condition is Condition.RUNNING

    def test_a_long_stop(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """As long as the container's own StopTimeout gives it, its stop is looked for."""
        assert engine.container is not None
        engine.container["Config"] = {"StopTimeout": 600}
        restarter.inspect(within(5))
        asked = parse_qs(urlsplit(engine.asked("events")[-1]).query)
        assert float(asked["until"][0]) - float(asked["since"][0]) == pytest.approx(630)

    def test_an_end_that_the_engine_has_not_heard_of_yet(
        self, engine: Engine, restarter: DockerRestarter, within: Within, ended_process: int
    ) -> None:
        """On a busy host it still says `running` of what was just stopped: it is asked again."""
        assert engine.container is not None
        engine.container["State"]["Pid"] = ended_process

        def look(request: Request) -> None:
            if len(engine.asked("json")) == 3:
                stopped_by_hand(engine)
            engine.plainly(request)

        engine.script["json"] = look
        assert restarter.inspect(within(GENEROUS_S)).condition is Condition.STOPPED

    def test_an_end_after_which_it_is_removed(
        self, engine: Engine, restarter: DockerRestarter, within: Within, ended_process: int
    ) -> None:
        """`docker rm --force` may be done with it between two looks."""
        assert engine.container is not None
        engine.container["State"]["Pid"] = ended_process

        def look(request: Request) -> None:
            engine.plainly(request)
            engine.container = None

        engine.script["json"] = look
        assert restarter.inspect(within(GENEROUS_S)).condition is Condition.MISSING

    def test_an_engine_of_another_host(
        self,
        engine: Engine,
        restarter: DockerRestarter,
        within: Within,
        ended_process: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Its processes are not ours: it is waited for once, and in each later run once."""
        monkeypatch.setattr("mailwatch.restarters.docker.CATCH_UP_S", 0.1)
        assert engine.container is not None
        engine.container["State"]["Pid"] = ended_process
        assert restarter.inspect(within(GENEROUS_S)).condition is Condition.RUNNING
        looks = len(engine.asked("json"))
        assert looks > 1
        restarter.inspect(within(GENEROUS_S))
        assert len(engine.asked("json")) == looks + 1
        engine.comes_up()
        engine.container["State"]["Pid"] = ended_process
        restarter.inspect(within(GENEROUS_S))
        assert len(engine.asked("json")) > looks + 2

    def test_the_will_is_remembered(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Other containers' events push the stop out of the engine's log; the stop still counts."""
        stopped_by_hand(engine)
        restarter.inspect(within(30))
        engine.events = []
        assert restarter.inspect(within(30)).condition is Condition.STOPPED
        engine.goes_down(FinishedAt="2026-03-01T10:45:00Z")
        assert restarter.inspect(within(30)).condition is Condition.CRASHED

    def test_events_that_cannot_be_had(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Without the events the exit code decides, and the inspection is still one."""
        engine.script["events"] = lambda request: request.reply(500, {"message": "no"})
        engine.goes_down(ExitCode=143)
        assert restarter.inspect(within(30)).condition is Condition.STOPPED
        engine.goes_down(ExitCode=139)
        assert restarter.inspect(within(30)).condition is Condition.CRASHED

    def test_an_event_stream_that_never_ends(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """The SDK reads events without a timeout; the inspection ends on time all the same."""
        engine.script["events"] = lambda request: request.drip()
        engine.goes_down(ExitCode=139)
        began = time.monotonic()
        assert restarter.inspect(within(3)).condition is Condition.CRASHED
        assert time.monotonic() - began < GENEROUS_S

    def test_missing_with_near_names(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A name with a slip of the pen, or one that compose made, is proposed."""
        engine.container = None
        engine.names = ["stalwrat", "mail-stalwart-1", "webmail", "a/link"]
        found = restarter.inspect(within(30))
        assert found.condition is Condition.MISSING
        assert found.detail == (
            "There is no container named stalwart (did you mean stalwrat or mail-stalwart-1?):"
            " create it, or correct [restart] container (`docker ps -a` lists all)."
        )

    def test_missing_without_near_names(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Where nothing is near, nothing is proposed; a hostile name stays one line."""
        engine.container = None
        engine.names = ["web", "cache"]
        assert "(Docker has 2 of other names)" in restarter.inspect(within(30)).detail
        engine.names = ["stalwart\n<0>x"]
        assert restarter.inspect(within(30)).detail.isprintable()
        engine.script["json"] = lambda request: request.reply(404, {"message": "no"})
        assert restarter.inspect(within(30)).condition is Condition.MISSING

    def test_another_container_with_that_id(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """The engine also finds ids by their beginning; a stranger is not touched."""
        assert engine.container is not None
        engine.container["Name"] = "/database"
        found = restarter.inspect(within(30))
        assert found.condition is Condition.MISSING
        assert "is named database" in found.detail
        with pytest.raises(RestartError) as caught:
            restarter.restart(within(30))
        assert caught.value.permanent
        assert engine.asked("restart") == []


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
        assert "does not answer in time" in found.detail

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
        assert word in found.detail
        assert found.detail.isprintable()

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
        assert "closed without an answer" in found.detail
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
        restarter = DockerRestarter(DockerSettings(socket=str(path)))
        found = restarter.inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert words in found.detail
        assert str(path) in found.detail
        with pytest.raises(RestartError, match=words) as caught:
            restarter.restart(within(30))
        assert not caught.value.permanent

    def test_nobody_listens(self, directory: Path, within: Within) -> None:
        """A socket that a killed engine left behind."""
        path = str(directory / "docker.sock")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        found = DockerRestarter(DockerSettings(socket=path)).inspect(within(30))
        assert found.condition is Condition.UNREACHABLE
        assert "Nothing listens" in found.detail

    def test_nobody_accepts(self, directory: Path, within: Within) -> None:
        """An engine that is stuck first leaves us without an answer, then without a place."""
        path = str(directory / "docker.sock")
        waiting: list[socket.socket] = []
        with socket.socket(socket.AF_UNIX) as stuck:
            stuck.bind(path)
            stuck.listen(1)
            restarter = DockerRestarter(DockerSettings(socket=path))
            found = restarter.inspect(within(0.3))
            assert found.condition is Condition.UNREACHABLE
            assert "does not answer in time" in found.detail
            try:
                while True:
                    waiting.append(socket.socket(socket.AF_UNIX))
                    waiting[-1].setblocking(False)
                    waiting[-1].connect(path)
            except BlockingIOError:
                pass
            found = restarter.inspect(within(0.3))
            assert found.condition is Condition.UNREACHABLE
            assert "takes no more connections" in found.detail
            for one in waiting:
                one.close()

    @pytest.mark.parametrize(
        ("mode", "group", "fix"),
        [
            (0o000, 0, "SocketGroup="),
            (0o660, 0, "SocketGroup="),
            (0o660, 12345, "SupplementaryGroups=12345"),
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
        assert said[2:] == ["True", said[1]]
        assert engine.seen == []

    def test_denied_by_its_directory(self, engine: Engine) -> None:
        """A directory that may not be searched is named instead of the socket in it."""
        if os.geteuid() != 0:
            pytest.skip("its owner cannot be kept out")
        said = as_nobody(engine.path)
        assert said[0] == "denied"
        assert f"may not look into {os.path.dirname(engine.path)}" in said[1]


def as_nobody(path: str) -> list[str]:
    """Inspect and restart in a process without rights; return what it found and what it said."""
    program = """
        import os, sys, time
        import mailwatch.restarters.docker_engine
        from mailwatch.core.deadline import Deadline
        from mailwatch.restarters import DockerRestarter, DockerSettings, RestartError
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        restarter = DockerRestarter(DockerSettings(socket=sys.argv[1]))
        found = restarter.inspect(Deadline.after(60, time.monotonic))
        print(found.condition)
        print(found.detail)
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


def crossed(request: Request) -> None:
    """Answer as an engine that wanted to end a container which somebody else had just ended."""
    sentence = "Cannot restart container stalwart: Container stalwart is not running"
    request.reply(500, {"message": sentence})


class TestRestart:
    """A restart, and what became of it when no answer came."""

    def test_plainly(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """One request, to the very container that was looked at, with the time to stop."""
        restarter.restart(within(60))
        assert engine.asked("restart") == [f"/v1.44/containers/{engine.identity}/restart?t=1"]
        assert restarter.inspect(within(30)).started_at == pytest.approx(1772362800.987654)

    @pytest.mark.parametrize(("seconds", "expected"), [(100, 30), (50, 19), (10, 1)])
    def test_a_short_deadline(
        self, engine: Engine, within: Within, seconds: float, expected: int
    ) -> None:
        """With less time than a restart may need, the container gets less time to end."""
        restarter = DockerRestarter(DockerSettings(socket=engine.path))
        restarter.restart(within(seconds))
        restarter.close()
        assert engine.asked("restart")[0].endswith(f"?t={expected}")

    @pytest.mark.usefixtures("quick_start")
    def test_the_answer_is_late(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A restart whose answer does not come, but which happened, is a success."""

        def late(request: Request) -> None:
            engine.comes_up()
            request.hang()

        engine.script["restart"] = late
        restarter.restart(within(GENEROUS_S))
        assert len(engine.asked("restart")) == 1
        assert engine.asked("start") == []

    def test_it_comes_up_while_we_look(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """After a late answer the container is looked at until the deadline, not once."""
        looks: list[float] = []

        def look(request: Request) -> None:
            looks.append(0)
            if len(looks) == 4:
                engine.comes_up()
            engine.plainly(request)

        engine.script |= {"restart": lambda request: request.hang(), "json": look}
        restarter.restart(within(8))
        assert len(looks) == 4

    @pytest.mark.usefixtures("quick_start")
    def test_left_stopped(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """Some engines stop the container and forget to start it when we stop waiting."""

        def half(request: Request) -> None:
            engine.goes_down()
            request.hang()

        engine.script["restart"] = half
        restarter.restart(within(GENEROUS_S))
        assert len(engine.asked("start")) == 1
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    def test_left_stopped_and_it_does_not_start(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """It is started once; the engine's reason is told; nobody is blamed for stopping it."""

        def half(request: Request) -> None:
            stopped_by_hand(engine)  # what our own restart looks like in the engine's events
            request.drop()

        engine.script |= {
            "restart": half,
            "start": lambda request: request.reply(500, {"message": "port is taken\n"}),
        }
        with pytest.raises(RestartError, match=r"500: port is taken\)") as caught:
            restarter.restart(within(3))
        assert not caught.value.permanent
        assert caught.value.__cause__ is None
        assert len(engine.asked("start")) == 1
        found = restarter.inspect(within(30))
        assert found.condition is Condition.CRASHED
        assert "A restart by mailwatch" in found.detail
        assert restarter.inspect(within(30)) == found

    def test_nothing_happens(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """No answer and no new start: an error that says it may still come."""
        engine.script["restart"] = lambda request: request.hang()
        began = time.monotonic()
        with pytest.raises(RestartError, match="may still do it") as caught:
            restarter.restart(within(6))
        assert time.monotonic() - began < GENEROUS_S
        assert not caught.value.permanent
        # The engine goes on, and gets only as far as the stop.
        stopped_by_hand(engine)
        assert restarter.inspect(within(30)).condition is Condition.CRASHED
        # A later end, after a start that somebody else asked for, is judged for itself.
        engine.comes_up()
        restarter.inspect(within(30))
        engine.goes_down(FinishedAt="2026-03-01T12:00:00Z")
        assert restarter.inspect(within(30)).condition is Condition.STOPPED

    @pytest.mark.usefixtures("quick_start")
    def test_the_engine_hangs_altogether(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """An engine that hangs after taking the request ends with the deadline too."""

        def freeze(request: Request) -> None:
            engine.script["version"] = engine.script["json"] = lambda late: late.hang()
            request.hang()

        engine.script["restart"] = freeze
        began = time.monotonic()
        with pytest.raises(RestartError, match="does not answer in time"):
            restarter.restart(within(4))
        assert time.monotonic() - began < GENEROUS_S

    @pytest.mark.usefixtures("quick_start")
    def test_a_dripping_answer(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A byte now and then does not stretch the time for a restart."""
        engine.script["restart"] = lambda request: request.drip()
        began = time.monotonic()
        with pytest.raises(RestartError):
            restarter.restart(within(4))
        assert time.monotonic() - began < GENEROUS_S

    def test_the_connection_breaks(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Broken off in the middle, what became of the container decides."""

        def breaks(request: Request) -> None:
            engine.comes_up()
            request.drop()

        engine.script["restart"] = breaks
        restarter.restart(within(30))
        assert len(engine.asked("restart")) == 1

    def test_refused_and_left_stopped(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A refusal half way (the port is taken) is told; its stop is no operator's."""

        def half(request: Request) -> None:
            stopped_by_hand(engine)
            request.reply(500, {"message": "port is already allocated"})

        engine.script["restart"] = half
        with pytest.raises(RestartError, match="port is already allocated") as caught:
            restarter.restart(within(30))
        assert not caught.value.permanent
        assert engine.asked("start") == []
        assert restarter.inspect(within(30)).condition is Condition.CRASHED
        del engine.script["restart"]
        restarter.restart(within(5))
        engine.events = []  # they are asked for since its start alone
        assert restarter.inspect(within(5)).condition is Condition.RUNNING

        restarter.restart(within(30))
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    @pytest.mark.parametrize("how", ["reply", "drop"])
    def test_refused_again_and_again(
        self, engine: Engine, restarter: DockerRestarter, within: Within, how: str
    ) -> None:
        """What our restart left stopped stays ours, however often starting it again fails."""

        def half(request: Request) -> None:
            stopped_by_hand(engine)
            if how == "drop":
                request.drop()
            else:
                request.reply(500, {"message": "port is already allocated"})

        engine.script |= {
            "restart": half,
            "start": lambda request: request.reply(500, {"message": "port is already allocated"}),
        }
        for _ in range(3):
            with pytest.raises(RestartError, match="port is already allocated"):
                restarter.restart(within(30))
            assert restarter.inspect(within(30)).condition is Condition.CRASHED

    def test_refused_and_then_stopped_by_hand(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """After a refusal that changed nothing, a stop by hand is a stop by hand."""
        engine.script["restart"] = lambda request: request.reply(500, {"message": "busy"})
        with pytest.raises(RestartError, match="busy"):
            restarter.restart(within(30))
        stopped_by_hand(engine)
        assert restarter.inspect(within(30)).condition is Condition.STOPPED

    def test_somebody_else_restarts_it_meanwhile(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Their restart ends it before ours does: the engine says no, and theirs is as good."""
        looks: list[float] = []

        def look(request: Request) -> None:
            looks.append(0)
            if len(looks) == 3:
                engine.comes_up()
            engine.plainly(request)

        engine.script |= {"restart": crossed, "json": look}
        restarter.restart(within(20))
        assert len(looks) == 3
        assert engine.asked("start") == []

    def test_somebody_else_stops_it_meanwhile(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A stop by hand at the same moment is respected: nothing starts it, now or later."""

        def stopped(request: Request) -> None:
            stopped_by_hand(engine)
            crossed(request)

        engine.script["restart"] = stopped
        with pytest.raises(RestartError, match="is not running") as caught:
            restarter.restart(within(3))
        assert caught.value.intervened
        assert engine.asked("start") == []
        assert restarter.inspect(within(30)).condition is Condition.STOPPED

    @pytest.mark.parametrize("what", ["stopped", "being stopped", "paused", "created anew"])
    def test_somebody_was_quicker_to_stop_it(
        self, engine: Engine, restarter: DockerRestarter, within: Within, what: str
    ) -> None:
        """What was decided for a container that ran is not done to one that they stopped since."""
        seen = restarter.inspect(within(5))
        assert engine.container is not None
        match what:
            case "stopped":
                stopped_by_hand(engine)
            case "being stopped":
                engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}}]
            case "paused":
                engine.container["State"]["Status"] = "paused"
            case _:
                engine.container["Id"] = "f" * 64
                engine.container["State"] |= {"Status": "created", "StartedAt": engine.never}
        with pytest.raises(RestartError, match=r"^It was left alone\. .*stalwart") as caught:
            restarter.restart(within(5), seen)
        assert caught.value.intervened
        assert engine.asked("restart") == engine.asked("start") == []

    @pytest.mark.parametrize("identity", [None, "f" * 64])
    def test_somebody_was_quicker_to_restart_it(
        self, engine: Engine, restarter: DockerRestarter, within: Within, identity: str | None
    ) -> None:
        """Docker itself came back, say, and started it: a second restart would only cost time."""
        seen = restarter.inspect(within(5))
        assert engine.container is not None
        engine.container["Id"] = identity or engine.identity
        engine.comes_up()
        restarter.restart(within(5), seen)
        assert engine.asked("restart") == []

    @pytest.mark.parametrize("what", ["runs", "crashed since", "was stopped when it was judged"])
    def test_nobody_was_quicker(
        self, engine: Engine, restarter: DockerRestarter, within: Within, what: str
    ) -> None:
        """What is as it was seen, or has ended by itself since, is restarted."""
        if what.startswith("was"):
            stopped_by_hand(engine)
        seen = restarter.inspect(within(5))
        if what.startswith("crashed"):
            engine.goes_down(ExitCode=139)
        restarter.restart(within(5), seen)
        assert len(engine.asked("restart")) == 1

    def test_missing(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """A missing container needs a person, who is told the near names."""
        engine.container = None
        engine.names = ["stalwart2"]
        with pytest.raises(RestartError, match="did you mean stalwart2") as caught:
            restarter.restart(within(30))
        assert caught.value.permanent

    @pytest.mark.parametrize("answer", ["gone", "late"])
    def test_replaced_meanwhile(
        self, engine: Engine, restarter: DockerRestarter, within: Within, answer: str
    ) -> None:
        """Compose recreates it while we restart it: said so, and worth another try."""

        def replaced(request: Request) -> None:
            assert engine.container is not None
            engine.container["Id"] = "f" * 64
            if answer == "late":
                request.drop()
            else:
                request.reply(404, {"message": "No such container"})

        engine.script["restart"] = replaced
        with pytest.raises(RestartError, match="removed or replaced") as caught:
            restarter.restart(within(30))
        assert not caught.value.permanent
        assert caught.value.intervened


def test_the_sdk_is_not_there(monkeypatch: pytest.MonkeyPatch, within: Within) -> None:
    """Without python3-docker the state is unknown and the package to install is named."""
    monkeypatch.delitem(sys.modules, "mailwatch.restarters.docker_engine", raising=False)
    monkeypatch.setitem(sys.modules, "docker", None)
    restarter = DockerRestarter(DockerSettings())
    found = restarter.inspect(within(30))
    assert found.condition is Condition.UNREACHABLE
    assert "install python3-docker" in found.detail
    with pytest.raises(RestartError, match="python3-docker"):
        restarter.restart(within(30))


def test_importing_is_lazy() -> None:
    """Reading the restarters does not import the SDK: 12 MiB for those who never restart."""
    program = (
        "import sys, mailwatch.restarters;"
        "sys.exit(any(name in sys.modules for name in ('docker', 'requests', 'urllib3')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_no_thread_and_no_descriptor_is_left(engine: Engine, within: Within) -> None:
    """After any outcome, closing gives everything back; faults cost no descriptor each."""

    def mine() -> int:
        return sum(
            1 for name in os.listdir("/proc/self/fd") if engine.path in (peer_of(int(name)) or "")
        )

    restarter = DockerRestarter(DockerSettings(socket=engine.path))
    engine.script["json"] = lambda request: request.drop()
    threads = threading.active_count()
    for _ in range(20):
        restarter.inspect(within(30))
    assert mine() == 0
    del engine.script["json"]
    restarter.inspect(within(30))
    assert mine() == 1
    restarter.close()
    assert mine() == 0
    assert threading.active_count() <= threads + 1


def peer_of(descriptor: int) -> str | None:
    """Return the path of the Unix socket at the other end of `descriptor`."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            name = copy.getpeername()
            return name if isinstance(name, str) else None
    except OSError:
        return None


def test_the_longest_restart() -> None:
    """What the caller must allow: stopping, starting, and finding out what became of it."""
    assert DockerSettings(stop_timeout_s=30).longest_restart_s == 60
