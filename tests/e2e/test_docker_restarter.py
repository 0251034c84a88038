"""The Docker restarter against a real engine, in each state that a container can be in."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from signal import SIGINT, SIGTERM, SIGUSR2, Signals

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings
from mailwatch.restarters.docker_doctor import neighbours
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.mail import IMAGE
from tests.e2e.bed.wait import wait_until

pytestmark = pytest.mark.e2e

NAME = "restarter-target"
LIVES = ("/bin/sleep", "3600")
"""As process 1 it ignores SIGTERM, as some mail servers do while they hang."""


class Target:
    """One small container of a test's own, and what we see of it through the real socket."""

    def __init__(self, host: Host, engine: Engine) -> None:
        self._host = host
        self.docker = engine.docker
        self._try_docker = engine.try_docker
        # Not /var/run: that link would be followed from our own root.
        self.socket = str(host.root / "run" / "docker.sock")
        self.restarter = self.another()

    def another(self) -> DockerRestarter:
        """Return one more restarter of the same container."""
        return DockerRestarter(Settings(NAME, self.socket, stop_timeout_s=1))

    def create(self, *options: str, command: tuple[str, ...] = LIVES) -> None:
        """Create the container without starting it."""
        self.docker("create", "--name", NAME, "--network=none", *options, IMAGE, *command)

    def run(self, *options: str, command: tuple[str, ...] = LIVES) -> None:
        """Create and start the container."""
        self.create(*options, command=command)
        self.docker("start", NAME)

    def signal(self, name: str) -> None:
        """Send a signal to its process 1 behind Docker's back."""
        self._host.run(f"kill -{name} {self.docker('inspect', '-f', '{{.State.Pid}}', NAME)}")

    def traps(self, number: Signals) -> None:
        """Wait until its process 1 catches `number`, which it would not hear of before."""
        pid = self.docker("inspect", "-f", "{{.State.Pid}}", NAME)

        def caught() -> bool:
            mask = self._host.run(f"sed -n 's/^SigCgt:\\s*//p' /proc/{pid}/status")
            return bool(int(mask, 16) >> (number - 1) & 1)

        wait_until(caught, 30, f"a trap for {number.name}")

    def seen(self) -> TargetState:
        """Return what an inspection says."""
        return self.restarter.inspect(soon())

    def becomes(self, condition: Condition) -> TargetState:
        """Wait until an inspection says `condition`."""
        found: list[TargetState] = []

        def arrived() -> bool:
            found.append(self.seen())
            return found[-1].condition is condition

        wait_until(arrived, 30, f"the container to be {condition}")
        return found[-1]

    def restarted(self) -> TargetState:
        """Restart it, and return what an inspection says then."""
        self.restarter.restart(Deadline.after(300, time.monotonic))
        return self.seen()

    def end(self) -> None:
        """Remove the container, whatever state it is in."""
        self.restarter.close()
        self._try_docker("rm", "--force", NAME)


def soon() -> Deadline:
    """Return a deadline that no inspection of a healthy engine reaches."""
    return Deadline.after(120, time.monotonic)


@pytest.fixture
def target(host: Host, engine: Engine) -> Iterator[Target]:
    """The container of this test, not created yet."""
    one = Target(host, engine)
    yield one
    one.end()


def test_running(target: Target) -> None:
    """A restart gives a running container a new start, and no new identity."""
    target.run()
    before = target.seen()
    assert before.condition is Condition.RUNNING
    after = target.restarted()
    assert after.condition is Condition.RUNNING
    assert before.started_at is not None
    assert after.started_at is not None
    assert after.started_at > before.started_at
    assert after.identity == before.identity


def test_hung(target: Target) -> None:
    """A container that SIGSTOP froze is killed after its time to stop, and starts."""
    target.run()
    target.signal("STOP")
    before = target.seen()
    after = target.restarted()
    assert after.condition is Condition.RUNNING
    assert after.started_at != before.started_at


def test_paused(target: Target) -> None:
    """Somebody's pause is seen as one; a restart ends it."""
    target.run()
    target.docker("pause", NAME)
    assert target.seen().condition is Condition.PAUSED
    assert target.restarted().condition is Condition.RUNNING


def test_created(target: Target) -> None:
    """A container that never ran was left so on purpose; a restart starts it."""
    target.create()
    found = target.seen()
    assert found.condition is Condition.STOPPED
    assert (found.started_at, found.finished_at) == (None, None)
    assert target.restarted().condition is Condition.RUNNING


@pytest.mark.parametrize("order", [("stop", "--time=1"), ("kill",), ("kill", "--signal=INT")])
@pytest.mark.parametrize("policy", ["no", "unless-stopped"])
def test_stopped_by_hand(target: Target, order: tuple[str, ...], policy: str) -> None:
    """A `docker stop` or `docker kill` is somebody's will, though it may end with code 137."""
    target.run(
        f"--restart={policy}", command=("/bin/sh", "-c", "trap 'exit 3' INT; sleep 60 & wait")
    )
    target.traps(SIGINT)
    target.docker(*order, NAME)
    found = target.becomes(Condition.STOPPED)
    assert "Somebody stopped" in say(found.detail)
    assert found.finished_at is not None
    assert target.restarted().condition is Condition.RUNNING


def test_crashed(target: Target) -> None:
    """What died without anybody's order crashed, with the exit code for the message."""
    target.run(command=("/bin/sh", "-c", "exit 7"))
    assert "exit code 7" in say(target.becomes(Condition.CRASHED).detail)


def test_killed_behind_dockers_back(target: Target) -> None:
    """SIGKILL from outside Docker looks like `docker kill` but for the engine's events."""
    target.run()
    target.signal("KILL")
    assert "exit code 137" in say(target.becomes(Condition.CRASHED).detail)
    assert target.restarted().condition is Condition.RUNNING


def test_a_reload_signal_is_no_stop(target: Target) -> None:
    """`docker kill -s HUP` before a crash does not make it a stop."""
    target.run(
        command=("/bin/sh", "-c", "trap : HUP; trap 'exit 9' USR2; while :; do sleep 1; done")
    )
    target.traps(SIGUSR2)
    target.docker("kill", "--signal=HUP", NAME)
    target.signal("USR2")
    assert "exit code 9" in say(target.becomes(Condition.CRASHED).detail)


def test_ended_by_itself_with_success(target: Target) -> None:
    """What ended with code 0 while the engine tells of no order was stopped by nobody."""
    target.run(command=("/bin/true",))
    found = target.becomes(Condition.CRASHED)
    assert "exit code 0" in say(found.detail)
    assert found.finished_at is not None


def test_docker_restarts_it_by_itself(target: Target) -> None:
    """In Docker's own restart loop a container is coming up, and is given its time."""
    target.run("--restart=always", command=("/bin/false",))
    assert "by itself" in say(target.becomes(Condition.STARTING).detail)


def test_health(target: Target) -> None:
    """Docker's health check that has not passed yet means coming up; afterwards it runs."""
    options = ("--health-interval=1s", "--health-cmd=test -e /ready", "--health-retries=99")
    target.run(*options)
    assert target.becomes(Condition.STARTING).started_at is not None
    target.docker("exec", NAME, "touch", "/ready")
    target.becomes(Condition.RUNNING)


def test_it_cannot_start(target: Target) -> None:
    """A container that cannot start is not called stopped by somebody; Docker's reason is told."""
    target.create(command=("/nonexistent",))
    with pytest.raises(RestartError, match="/nonexistent") as caught:
        target.restarted()
    assert not caught.value.permanent
    found = target.seen()
    assert found.condition is Condition.CRASHED
    assert "could not be started" in say(found.detail)


def test_missing(target: Target) -> None:
    """A missing container is told with the near names, also if an id begins like its name."""
    target.run()
    identity = target.seen().identity
    for name, words in (("restarter-tarqet", f"did you mean {NAME}"), (identity[:12], NAME)):
        other = DockerRestarter(Settings(name, target.socket))
        found = other.inspect(soon())
        assert found.condition is Condition.MISSING
        assert words in say(found.detail)
        with pytest.raises(RestartError) as caught:
            other.restart(soon())
        assert caught.value.permanent
        other.close()
    assert target.seen().identity == identity


def test_recreated(target: Target) -> None:
    """A container that compose made anew is found by its name, as another incarnation."""
    target.run()
    before = target.seen()
    target.docker("rm", "--force", NAME)
    assert target.seen().condition is Condition.REMOVED
    target.run()
    assert target.seen().identity != before.identity
    assert target.restarted().condition is Condition.RUNNING


def test_restarted_by_two_at_once(target: Target) -> None:
    """Somebody else restarts it at the same moment: both succeed, and it runs."""
    target.run()
    failures: list[Exception] = []

    def restart(one: DockerRestarter) -> None:
        try:
            one.restart(Deadline.after(300, time.monotonic))
        except RestartError as error:
            failures.append(error)

    pair = (target.another(), target.another())
    threads = [threading.Thread(target=restart, args=(one,)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in pair:
        one.close()
    assert failures == []
    assert target.becomes(Condition.RUNNING).started_at is not None


def test_a_hung_engine(
    target: Target, host: Host, undo: Callable[[Callable[[], object]], None]
) -> None:
    """An engine that SIGSTOP froze ends every call on time, and is used again when it goes on."""
    target.run()
    before = target.seen()
    dockerd = host.run("systemctl show -P MainPID docker.service")
    undo(lambda: host.run(f"kill -CONT {dockerd}"))
    host.run(f"kill -STOP {dockerd}")
    began = time.monotonic()
    found = target.restarter.inspect(Deadline.after(1, time.monotonic))
    assert found.condition is Condition.UNREACHABLE
    with pytest.raises(RestartError, match="does not answer in time"):
        target.restarter.restart(Deadline.after(1, time.monotonic))
    assert time.monotonic() - began < 120
    host.run(f"kill -CONT {dockerd}")
    assert target.becomes(Condition.RUNNING).started_at == before.started_at


def test_a_restart_that_takes_too_long(target: Target) -> None:
    """When our time is over before the container has stopped, the restart is not lost.

    Engines differ: one goes on, one stops when we hang up and leaves it stopped. Either way the
    container ends up running, and either the call says so or the next one makes it so.
    """
    target.run()
    before = target.seen()
    target.signal("STOP")
    try:
        target.restarter.restart(Deadline.after(1, time.monotonic))
    except RestartError:
        after = target.restarted()
    else:
        after = target.seen()
    assert after.condition is Condition.RUNNING
    assert after.started_at != before.started_at


def test_docker_is_stopped_and_started(
    target: Target, engine: Engine, undo: Callable[[Callable[[], object]], None]
) -> None:
    """Without Docker that is said, with the command that starts it; afterwards all is as before."""
    target.run("--restart=always")
    assert target.seen().condition is Condition.RUNNING
    undo(engine.start)
    engine.stop()
    found = target.seen()
    assert found.condition is Condition.UNREACHABLE
    assert "systemctl start docker" in say(found.detail)
    engine.start()
    target.becomes(Condition.RUNNING)


def test_no_descriptor_is_left(target: Target) -> None:
    """A hundred looks and a restart keep one connection."""
    target.run()
    target.seen()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        target.seen()
    target.restarted()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.fixture
def undo() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Return what takes a step to be done at the end of the test, whatever happens."""
    steps: list[Callable[[], object]] = []
    yield steps.append
    for step in reversed(steps):
        step()


def test_a_slow_stop(target: Target) -> None:
    """From its order to its end a `docker stop` is seen, and not undone by a restart of ours."""
    target.run(command=("/bin/sh", "-c", "trap : TERM; while :; do sleep 1; done"))
    seen = target.seen()
    assert seen.condition is Condition.RUNNING
    stop = threading.Thread(target=target.docker, args=("stop", "--time=100", NAME))
    stop.start()
    found = target.becomes(Condition.STARTING)
    assert "Docker was told to stop" in say(found.detail)
    with pytest.raises(RestartError, match="left alone") as caught:
        target.restarter.restart(soon(), seen)
    assert caught.value.intervened
    target.signal("KILL")
    stop.join()
    target.becomes(Condition.STOPPED)


def test_somebody_else_was_quicker(target: Target) -> None:
    """A container that was restarted since it was looked at is not restarted again."""
    target.run()
    seen = target.seen()
    target.docker("restart", "--time=1", NAME)
    theirs = target.seen()
    target.restarter.restart(soon(), seen)
    assert target.seen().started_at == theirs.started_at


def test_its_own_time_to_stop_is_not_cut(target: Target, host: Host) -> None:
    """A server that writes for longer than ours after SIGTERM ends by itself, and not with 137."""
    ends = "trap 'sleep 3; touch /tmp/written; exit 0' TERM; while :; do sleep 0.1; done"
    target.run("--stop-timeout=60", command=("/bin/sh", "-c", ends))
    target.traps(SIGTERM)
    seen = target.seen()
    assert seen.stops_later_s == 59
    target.restarter.restart(soon(), seen)
    target.docker("exec", NAME, "test", "-e", "/tmp/written")


def test_who_shares_its_network_is_named(target: Target, engine: Engine) -> None:
    """By the id that the engine makes of the name; one that is stranded is told as well."""
    guest = f"{NAME}-guest"
    target.run()
    try:
        target.docker("run", "-d", "--name", guest, f"--network=container:{NAME}", IMAGE, *LIVES)
        assert target.seen().sharers == (guest,)
        target.restarted()
        (found,) = neighbours(target.socket, NAME, target.seen().record)
        assert guest in found.cure
        target.docker("rm", "--force", NAME)
        target.run()
        assert target.seen().sharers == ()
        (found,) = neighbours(target.socket, NAME, target.seen().record)
        assert guest in found.sentence
        other = DockerRestarter(Settings(guest, target.socket, stop_timeout_s=1))
        with pytest.raises(RestartError, match="something that it needs is gone") as caught:
            other.restart(soon(), other.inspect(soon()))
        other.close()
        assert not caught.value.intervened
    finally:
        engine.try_docker("rm", "--force", guest)


def test_a_name_of_before_is_found_under_its_new_one(target: Target) -> None:
    """As compose 1 wrote it, and compose 2 does not."""
    target.run()
    other = DockerRestarter(Settings(NAME.replace("-", "_"), target.socket))
    for seen in (other.inspect(soon()), other.glance(soon())):
        assert f'set container = "{NAME}"' in say(seen.detail)
    other.close()
