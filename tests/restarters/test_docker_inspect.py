"""What the Docker restarter finds out from an engine that is well."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from mailwatch.core.model import Asked, Condition
from mailwatch.core.say import say
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings, add_ports

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Request, Within

GENEROUS_S = 120
"""Far more than any of these takes, and far less than for ever."""


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
        settings = Settings(socket=engine.path)
        asking = DockerRestarter(settings)
        ports = Asked(ports=frozenset({25, 993}))
        with (
            closing(asking),
            socket.create_server(("127.0.0.1", 0)) as served,
            socket.socket() as bound,
        ):
            bound.bind(("127.0.0.1", 0))
            published = {25: served, 993: bound, 443: bound}
            engine.container |= {
                "Id": Path("/proc/self/cgroup").read_text(),
                "NetworkSettings": {
                    "Networks": {"bridge": {"IPAddress": "127.0.0.1"}},
                    "Ports": {
                        f"{inside.getsockname()[1]}/tcp": [
                            {"HostIp": "127.0.0.1", "HostPort": str(port)}
                            for port, one in published.items()
                            if one is inside
                        ]
                        for inside in (served, bound)
                    },
                },
            }
            engine.container["State"]["Pid"] = os.getpid()
            found = asking.inspect(within(GENEROUS_S))
            assert found.listens == {}
            assert add_ports(found, ports, within(GENEROUS_S)).listens == {25: True, 993: False}
            assert len(engine.asked("json")) == 1, "the record is at hand"
            engine.container["State"]["Status"] = "paused"
            found = asking.inspect(within(GENEROUS_S))
            assert add_ports(found, ports, within(GENEROUS_S)).listens == {}
            engine.stop()
            unseen = asking.inspect(within(GENEROUS_S))
            assert add_ports(unseen, ports, within(GENEROUS_S)) == unseen

    def test_stopped_by_hand(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A stop that needed SIGKILL looks like a crash, but the engine's events tell."""
        engine.stopped_by_hand()
        found = restarter.inspect(within(30))
        assert found.condition is Condition.STOPPED
        assert found.finished_at == 1772361000.5
        assert "docker start stalwart" in say(found.detail)

    def test_a_stop_under_way(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A server may take the minute that its admin gave it to end: until then, it is theirs."""
        engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}}]
        found = restarter.inspect(within(30))
        assert found.condition is Condition.STARTING
        assert "Docker was told to stop or restart stalwart" in say(found.detail)
        engine.events = []
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    def test_a_signal_that_ends_nothing(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """To have it read its files again is no stop, and an old order without effect is none."""
        engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "1"}}}]
        assert restarter.inspect(within(30)).condition is Condition.RUNNING
        asked = parse_qs(urlsplit(engine.asked("events")[-1]).query)
        since, until = float(asked["since"][0]), float(asked["until"][0])
        assert until - since == pytest.approx(120)
        assert abs(time.time() - until) < GENEROUS_S

    def test_started_again(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """What is known of its last end, whose time it keeps, says nothing about a new run."""
        engine.stopped_by_hand()
        assert restarter.inspect(within(30)).condition is Condition.STOPPED
        engine.comes_up()
        engine.events = []
        assert engine.container is not None
        engine.container["State"]["FinishedAt"] = engine.finished
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    def test_a_long_stop(self, engine: Engine, restarter: DockerRestarter, within: Within) -> None:
        """As long as the container's own StopTimeout gives it, its stop is looked for."""
        assert engine.container is not None
        engine.container["Config"] = {"StopTimeout": 600}
        restarter.inspect(within(30))
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
                engine.stopped_by_hand()
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
        engine.stopped_by_hand()
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
        assert restarter.inspect(within(30)).condition is Condition.ENDED
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
        assert say(found.detail) == (
            "There is no container named stalwart (did you mean stalwrat or mail-stalwart-1?):"
            " create it, or correct [restart] container (`docker ps -a` lists all)."
        )

    def test_missing_without_near_names(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """Where nothing is near, nothing is proposed; a hostile name stays one line."""
        engine.container = None
        engine.names = ["web", "cache"]
        assert "(Docker has 2 of other names)" in say(restarter.inspect(within(30)).detail)
        engine.names = ["stalwart\n<0>x"]
        assert say(restarter.inspect(within(30)).detail).isprintable()
        engine.script["json"] = lambda request: request.reply(404, {"message": "no"})
        assert restarter.inspect(within(30)).condition is Condition.MISSING

    def test_a_removal_that_somebody_ordered_is_remembered(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """The engine's events tell it once, and are soon forgotten."""
        engine.container = None
        about = {"Attributes": {"name": "stalwart"}}
        engine.events = [{"Action": "destroy", "Actor": about, "time": 1}]
        assert restarter.inspect(within(30)).condition is Condition.REMOVED
        engine.events = []
        assert restarter.inspect(within(30)).condition is Condition.REMOVED

    def test_another_container_with_that_id(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """The engine also finds ids by their beginning; a stranger is not touched."""
        assert engine.container is not None
        engine.container["Name"] = "/database"
        found = restarter.inspect(within(30))
        assert found.condition is Condition.MISSING
        assert "is named database" in say(found.detail)
        with pytest.raises(RestartError) as caught:
            restarter.restart(within(30))
        assert caught.value.permanent
        assert engine.asked("restart") == []
