"""A restart by Docker, and what became of it when the answer was late, wrong or none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.facts import fact
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.core.state import Left, Reason
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Request, Watch, Within

GENEROUS_S = 120
"""Far more than any of these takes, and far less than for ever."""


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
        restarter = DockerRestarter(Settings(socket=engine.path))
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

    @pytest.mark.usefixtures("quick_start")
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
        restarter.restart(within(GENEROUS_S))
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

    def test_left_stopped_and_it_does_not_start(self, engine: Engine, watch: Watch) -> None:
        """It is started once; the engine's reason is told; nobody is blamed for stopping it."""

        def half(request: Request) -> None:
            engine.stopped_by_hand()  # what our own restart looks like in the engine's events
            request.drop()

        engine.script |= {
            "restart": half,
            "start": lambda request: request.reply(500, {"message": "port is taken\n"}),
        }
        error = watch.restarts()
        assert error is not None
        assert "500: port is taken)" in str(error)
        assert not error.permanent
        assert error.__cause__ is None
        assert len(engine.asked("start")) == 1
        found = watch.judges()
        assert isinstance(found, TargetState)
        assert found.condition is Condition.CRASHED
        assert "A restart by mailwatch" in say(found.detail)
        assert watch.judges() == found

    def test_nothing_happens(self, engine: Engine, watch: Watch) -> None:
        """No answer and no new start: an error that says it may still come."""
        engine.script["restart"] = lambda request: request.hang()
        began = time.monotonic()
        error = watch.restarts(within_s=3)
        assert time.monotonic() - began < GENEROUS_S
        assert error is not None
        assert error.detail == fact("restart-late", name="stalwart")
        assert not error.permanent
        # The engine goes on, and gets only as far as the stop.
        engine.stopped_by_hand()
        assert isinstance(watch.judges(), TargetState)
        # A later end, after a start that somebody else asked for, is judged for itself.
        engine.comes_up()
        watch.judges()
        engine.goes_down(FinishedAt="2026-03-01T12:00:00Z")
        assert watch.judges() is Reason.OPERATOR

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
            restarter.restart(within(3))
        assert time.monotonic() - began < GENEROUS_S

    @pytest.mark.usefixtures("quick_start")
    def test_a_dripping_answer(
        self, engine: Engine, restarter: DockerRestarter, within: Within
    ) -> None:
        """A byte now and then does not stretch the time for a restart."""
        engine.script["restart"] = lambda request: request.drip()
        began = time.monotonic()
        with pytest.raises(RestartError):
            restarter.restart(within(3))
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
        self, engine: Engine, restarter: DockerRestarter, watch: Watch, within: Within
    ) -> None:
        """A refusal half way (the port is taken) is told; its stop is no operator's."""

        def half(request: Request) -> None:
            engine.stopped_by_hand()
            request.reply(500, {"message": "port is already allocated"})

        engine.script["restart"] = half
        error = watch.restarts()
        assert error is not None
        assert "port is already allocated" in str(error)
        assert not error.permanent
        assert error.left == Left(engine.identity, 1772361000.5)
        assert engine.asked("start") == []
        assert isinstance(watch.judges(), TargetState)
        del engine.script["restart"]
        assert watch.restarts() is None
        engine.events = []  # they are asked for since its start alone
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

        restarter.restart(within(30))
        assert restarter.inspect(within(30)).condition is Condition.RUNNING

    @pytest.mark.parametrize("how", ["reply", "drop"])
    def test_refused_again_and_again(self, engine: Engine, watch: Watch, how: str) -> None:
        """What our restart left stopped stays ours, however often starting it again fails."""

        def half(request: Request) -> None:
            engine.stopped_by_hand()
            if how == "drop":
                request.drop()
            else:
                request.reply(500, {"message": "port is already allocated"})

        engine.script |= {
            "restart": half,
            "start": lambda request: request.reply(500, {"message": "port is already allocated"}),
        }
        for _ in range(3):
            assert "port is already allocated" in str(watch.restarts())
            assert isinstance(watch.judges(), TargetState)

    def test_refused_and_then_stopped_by_hand(self, engine: Engine, watch: Watch) -> None:
        """After a refusal that changed nothing, a stop by hand is a stop by hand."""
        engine.script["restart"] = lambda request: request.reply(500, {"message": "busy"})
        assert "busy" in str(watch.restarts())
        engine.stopped_by_hand()
        assert watch.judges() is Reason.OPERATOR

    @pytest.mark.usefixtures("quick_start")
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
        restarter.restart(within(GENEROUS_S))
        assert len(looks) == 3
        assert engine.asked("start") == []

    @pytest.mark.usefixtures("quick_start")
    def test_somebody_else_stops_it_meanwhile(self, engine: Engine, watch: Watch) -> None:
        """A stop by hand at the same moment is respected: nothing starts it, now or later."""

        def stopped(request: Request) -> None:
            engine.stopped_by_hand()
            crossed(request)

        engine.script["restart"] = stopped
        error = watch.restarts()
        assert error is not None
        assert "is not running" in str(error)
        assert error.intervened
        assert engine.asked("start") == []
        assert watch.judges() is Reason.OPERATOR

    @pytest.mark.parametrize("what", ["stopped", "being stopped", "paused", "created anew"])
    def test_somebody_was_quicker_to_stop_it(
        self, engine: Engine, restarter: DockerRestarter, within: Within, what: str
    ) -> None:
        """What was decided for a container that ran is not done to one that they stopped since."""
        seen = restarter.inspect(within(30))
        assert engine.container is not None
        match what:
            case "stopped":
                engine.stopped_by_hand()
            case "being stopped":
                engine.events = [{"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}}]
            case "paused":
                engine.container["State"]["Status"] = "paused"
            case _:
                engine.container["Id"] = "f" * 64
                engine.container["State"] |= {"Status": "created", "StartedAt": engine.never}
        with pytest.raises(RestartError, match=r"^It was left alone\. .*stalwart") as caught:
            restarter.restart(within(30), seen)
        assert caught.value.intervened
        assert engine.asked("restart") == engine.asked("start") == []

    @pytest.mark.parametrize("identity", [None, "f" * 64])
    def test_somebody_was_quicker_to_restart_it(
        self, engine: Engine, restarter: DockerRestarter, within: Within, identity: str | None
    ) -> None:
        """Docker itself came back, say, and started it: a second restart would only cost time."""
        seen = restarter.inspect(within(30))
        assert engine.container is not None
        engine.container["Id"] = identity or engine.identity
        engine.comes_up()
        restarter.restart(within(30), seen)
        assert engine.asked("restart") == []

    @pytest.mark.parametrize("what", ["runs", "crashed since", "was stopped when it was judged"])
    def test_nobody_was_quicker(
        self, engine: Engine, restarter: DockerRestarter, within: Within, what: str
    ) -> None:
        """What is as it was seen, or has ended by itself since, is restarted."""
        if what.startswith("was"):
            engine.stopped_by_hand()
        seen = restarter.inspect(within(30))
        if what.startswith("crashed"):
            engine.goes_down(ExitCode=139)
        restarter.restart(within(30), seen)
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
