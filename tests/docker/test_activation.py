"""A Docker that somebody stopped behind systemd's socket: no look of ours starts it again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Within


class Systemd:
    """What systemd shows of docker.socket and docker.service, in a directory of the test's."""

    def __init__(self, directory: Path) -> None:
        self._socket, self._service = directory / "docker.socket", directory / "invocation"

    def shows(self, *, socket: bool, service: bool) -> None:
        """Show which of the two units are active."""
        if socket:
            self._socket.mkdir()
        if service:
            self._service.symlink_to("0123456789abcdef")


@pytest.fixture
def systemd(directory: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """Return a systemd that knows neither unit; the engine's socket is where docker.socket's is."""
    where = "mailwatch.docker.activation"
    monkeypatch.setattr(f"{where}._SOCKET", engine.path)
    monkeypatch.setattr(f"{where}._LISTENS", str(directory / "docker.socket"))
    monkeypatch.setattr(f"{where}._RUNS", str(directory / "invocation"))
    monkeypatch.setattr(f"{where}._LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(f"{where}._RESTARTS_S", 0.1)
    return Systemd(directory)


def test_a_stopped_docker_is_left_alone(
    engine: Engine, systemd: Systemd, restarter: DockerRestarter, within: Within
) -> None:
    """Neither a look, a glance nor a restart connects, and each says why."""
    systemd.shows(socket=True, service=False)
    for found in (restarter.inspect(within(30)), restarter.glance(within(30))):
        assert found.condition is Condition.STOPPED
        assert "Docker is stopped" in say(found.detail)
    with pytest.raises(RestartError, match="Docker is stopped") as refused:
        restarter.restart(within(30))
    assert refused.value.intervened
    assert engine.connections == []


@pytest.mark.parametrize(("socket", "service"), [(True, True), (False, False), (False, True)])
def test_any_other_docker_is_asked(
    systemd: Systemd, restarter: DockerRestarter, within: Within, socket: bool, service: bool
) -> None:
    """One that runs, and one that opens its socket without systemd."""
    systemd.shows(socket=socket, service=service)
    assert restarter.inspect(within(30)).condition is Condition.RUNNING


def test_another_engine_is_woken(
    systemd: Systemd,
    restarter: DockerRestarter,
    within: Within,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Podman's service that ends when idle is started by the look, as it is meant to be."""
    systemd.shows(socket=True, service=False)
    monkeypatch.setattr("mailwatch.docker.activation._SOCKET", "/run/docker.sock")
    assert restarter.inspect(within(30)).condition is Condition.RUNNING


def test_a_docker_that_crashed_is_waited_for(
    systemd: Systemd,
    restarter: DockerRestarter,
    within: Within,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between its crash and its restart by systemd it was stopped by nobody."""
    monkeypatch.setattr("mailwatch.docker.activation._RESTARTS_S", 60)
    systemd.shows(socket=True, service=False)
    back = threading.Timer(0.2, systemd.shows, (), {"socket": False, "service": True})
    back.start()
    assert restarter.glance(within(120)).condition is Condition.RUNNING
    back.join()
