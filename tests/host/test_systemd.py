"""What arrives at a real datagram socket, by path and abstract, and what happens without one."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwatch.host.systemd import LONGEST_STATUS, Systemd

GENEROUS_S = 120


class Manager:
    """PID 1's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = self._bound()

    def _bound(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.settimeout(GENEROUS_S)
        made.bind("\0" + self.address[1:] if self.address[0] == "@" else self.address)
        return made

    def heard(self) -> dict[str, str]:
        """Return the fields of the next datagram."""
        lines = self.socket.recv(4096).decode("ascii").split("\n")
        return dict(line.split("=", 1) for line in lines)

    def rebind(self) -> None:
        """Be gone, and come back as another socket of the same address."""
        self.socket.close()
        if self.address[0] != "@":
            os.unlink(self.address)
        self.socket = self._bound()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear what systemd sets."""
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directory() -> Iterator[Path]:
    """Return a directory whose name is short enough for a Unix socket."""
    made = tempfile.mkdtemp(prefix="mw-")
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    """Return a manager that listens at NOTIFY_SOCKET."""
    path = str(directory / "notify")
    made = Manager(path if request.param == "path" else f"@{path}")
    monkeypatch.setenv("NOTIFY_SOCKET", made.address)
    yield made
    made.socket.close()


@pytest.fixture
def complaints() -> list[str]:
    """Return where warnings go."""
    return []


@pytest.fixture
def systemd(complaints: list[str]) -> Iterator[Systemd]:
    """Return our end."""
    made = Systemd(complaints.append)
    yield made
    made.close()


def test_everything_arrives(manager: Manager, complaints: list[str]) -> None:
    """Each call is one datagram of the fields that sd_notify(3) names."""
    systemd = Systemd(complaints.append)
    assert systemd.present
    systemd.ready("4 of 4 services answer")
    assert manager.heard() == {"READY": "1", "STATUS": "4 of 4 services answer"}
    systemd.status("next check in 118 s")
    assert manager.heard() == {"STATUS": "next check in 118 s"}
    systemd.watchdog()
    assert manager.heard() == {"WATCHDOG": "1"}
    systemd.extend(61.5)
    assert manager.heard() == {"EXTEND_TIMEOUT_USEC": "61500000"}
    systemd.stopping()
    assert manager.heard() == {"STOPPING": "1", "STATUS": "stopping"}
    systemd.close()
    assert complaints == []


def test_a_reload(manager: Manager, systemd: Systemd) -> None:
    """A reload carries the moment on CLOCK_MONOTONIC in microseconds, as notify-reload asks."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    systemd.reloading()
    heard = manager.heard()
    assert heard["RELOADING"] == "1"
    assert before <= int(heard["MONOTONIC_USEC"])
    assert int(heard["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        ("one\nWATCHDOG=trigger", r"one\nWATCHDOG=trigger"),
        ("Zürich – ✓", r"Z\xfcrich \u2013 \u2713"),
        ("x\0y\x1b[2J", r"x\x00y\x1b[2J"),
        ("", ""),
    ],
)
def test_a_hostile_status(manager: Manager, systemd: Systemd, status: str, sent: str) -> None:
    """A status is one ASCII line: it injects no field, and no character of it is refused."""
    systemd.status(status)
    assert manager.heard() == {"STATUS": sent}


@pytest.mark.parametrize("character", ["x", "ü", "\n", "\U0001f4e7"])
def test_a_long_status(manager: Manager, systemd: Systemd, character: str) -> None:
    """A status of any length fits in a datagram."""
    systemd.status(character * 100_000)
    assert 0 < len(manager.heard()["STATUS"]) <= LONGEST_STATUS


def test_outside_of_systemd(systemd: Systemd, complaints: list[str]) -> None:
    """Without NOTIFY_SOCKET nothing is sent, and nobody complains."""
    assert not systemd.present
    systemd.ready("x")
    systemd.watchdog()
    assert systemd.watchdog_interval_s is None
    assert complaints == []


def test_a_manager_that_comes_back(
    manager: Manager, systemd: Systemd, complaints: list[str]
) -> None:
    """A manager that bound its socket anew is found again at once."""
    systemd.ready("x")
    manager.heard()
    manager.rebind()
    systemd.watchdog()
    assert manager.heard() == {"WATCHDOG": "1"}
    assert complaints == []


@pytest.mark.parametrize("address", ["/nonexistent/notify", "@mailwatch-nobody", "vsock:2:1", "x"])
def test_nobody_there(
    systemd: Systemd, complaints: list[str], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A socket that is not there is told once, and never raised; no descriptor is left."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd = Systemd(complaints.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            systemd.watchdog()
    assert len(complaints) == 1
    assert address in complaints[0]
    assert complaints[0].endswith(".")


def test_told_once_each_time(manager: Manager, systemd: Systemd, complaints: list[str]) -> None:
    """After a success, a later failure is worth telling again."""
    for _ in range(2):
        manager.socket.close()
        if manager.address[0] != "@":
            os.unlink(manager.address)
        systemd.watchdog()
        systemd.watchdog()
        manager.socket = manager._bound()
        systemd.watchdog()
        manager.heard()
    assert len(complaints) == 2


def _fill(systemd: Systemd) -> None:
    """Have systemd's queue full."""
    for number in range(100_000):
        systemd.status(str(number))
        if systemd.keeps_some:
            return
    pytest.fail("a queue without an end")


def _drain(manager: Manager) -> list[dict[str, str]]:
    manager.socket.setblocking(False)
    heard = []
    try:
        while True:
            heard.append(manager.heard())
    except BlockingIOError:
        manager.socket.settimeout(GENEROUS_S)
        return heard


def test_a_manager_that_hangs(manager: Manager, systemd: Systemd, complaints: list[str]) -> None:
    """A full queue, as of a PID 1 that hangs, costs no time; it is told once, as what it is."""
    _fill(systemd)
    began = time.monotonic()
    for _ in range(200):
        systemd.watchdog()
    assert time.monotonic() - began < GENEROUS_S  # each of them waited a second before
    while not complaints and time.monotonic() - began < GENEROUS_S:
        systemd.send_kept()
    systemd.stopping()
    assert len(complaints) == 1
    assert "its queue is full, so PID 1 hangs" in complaints[0]
    _drain(manager)
    systemd.watchdog()
    assert {"WATCHDOG": "1"} in _drain(manager)
    assert not systemd.keeps_some


def test_what_a_busy_manager_had_no_room_for_is_sent_when_it_has(
    manager: Manager, systemd: Systemd, complaints: list[str]
) -> None:
    """The last of each kind, in order: a READY=1 that is lost would fail the start."""
    _fill(systemd)
    systemd.watchdog()
    systemd.reloading()
    systemd.ready("well")
    systemd.watchdog()
    systemd.status("now")
    _drain(manager)
    systemd.send_kept()
    late = [next(iter(fields.items())) for fields in _drain(manager)]
    assert [kind for kind, _ in late] == ["RELOADING", "READY", "WATCHDOG", "STATUS"]
    assert late[-1] == ("STATUS", "now")
    assert complaints == []


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 30),
        ("30000000", "self", 30),
        ("1500000", "self", 1.5),
        ("30000000", "1", None),
        ("30000000", "", None),
        ("0", None, None),
        ("", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("\u0663", None, None),
        (None, "self", None),
    ],
)
def test_the_watchdog_interval(
    systemd: Systemd,
    monkeypatch: pytest.MonkeyPatch,
    usec: str | None,
    pid: str | None,
    seconds: float | None,
) -> None:
    """The interval counts if it is meant for this process, and nonsense is no interval."""
    if usec is not None:
        monkeypatch.setenv("WATCHDOG_USEC", usec)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "self" else pid)
    assert systemd.watchdog_interval_s == seconds
