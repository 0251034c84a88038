"""What listens behind published ports, with real sockets: this process stands for a container."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.docker.listeners import Behind, behind
from mailwatch.docker.network import inside, published

LOOPBACK = "127.0.0.1"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and on which nobody listens."""
    with closing(socket.socket()) as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()[1]


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A /proc in which this process has no socket, as the host's kernel knows of gVisor's."""
    process = tmp_path / str(os.getpid())
    (process / "net").mkdir(parents=True)
    (process / "net/tcp").write_text(HEAD)
    (process / "cgroup").write_text(_groups())
    return tmp_path


def _groups() -> str:
    return Path("/proc/self/cgroup").read_text()


def container(
    *ports: tuple[int, int], host: str = LOOPBACK, addresses: tuple[str, ...] = (LOOPBACK,)
) -> dict[str, Any]:
    """Return the record of a container that publishes (port of the host, port of its own)."""
    published: dict[str, list[dict[str, str]]] = {}
    for outer, inner in ports:
        published.setdefault(f"{inner}/tcp", []).append({"HostIp": host, "HostPort": str(outer)})
    return {
        "Id": _groups(),
        "State": {"Status": "running", "Pid": os.getpid()},
        "NetworkSettings": {
            "Ports": published,
            "Networks": {f"n{n}": {"IPAddress": address} for n, address in enumerate(addresses)},
        },
    }


def seen(
    record: dict[str, Any], asked: Collection[int], within: Deadline, proc: Path = Path("/proc")
) -> Behind:
    """Look at the ports that are asked on this host's loopback."""
    return behind(record, inside(published(record), asked, loopback=True), within, proc)


def look(record: dict[str, Any], *asked: int, proc: Path = Path("/proc")) -> dict[int, bool]:
    """Look at the ports 25 and 993 of the host, or at those that are given."""
    within = Deadline.after(20, time.monotonic)
    return dict(seen(record, asked or (25, 993), within, proc).listens)


def test_a_port_that_is_served_and_one_that_is_not(open_port: int, closed_port: int) -> None:
    """Each by the port that it has on the host."""
    record = container((25, open_port), (993, closed_port))
    assert look(record) == {25: True, 993: False}


def test_a_port_that_leads_to_two_is_served_where_one_is(open_port: int, closed_port: int) -> None:
    """Nobody knows which address of the host the service is asked at."""
    assert look(container((25, closed_port), (25, open_port))) == {25: True}


def test_only_what_is_asked_on_loopback_is_looked_at(closed_port: int) -> None:
    """What the container does not publish, or elsewhere alone, is something else."""
    assert look(container((25, closed_port)), 993) == {}
    assert look(container((25, closed_port), host="192.0.2.7")) == {}
    for everywhere in ("0.0.0.0", "::", "", "127.0.0.9", "::1"):
        assert look(container((25, closed_port), host=everywhere)) == {25: False}


def test_a_network_that_the_kernel_does_not_show(
    hidden: Path, open_port: int, closed_port: int
) -> None:
    """A port that takes a connection is not called dead, and one that refuses it is."""
    record = container((25, open_port), (993, closed_port))
    assert look(record, proc=hidden) == {993: False}


def test_a_port_that_listens_and_refuses_us_is_served(open_port: int) -> None:
    """A firewall inside the container refuses whom it bans: here another address does."""
    record = container((25, open_port), addresses=("127.0.0.2",))
    assert look(record) == {25: True}


def test_a_container_without_an_address_of_its_own_is_not_known(closed_port: int) -> None:
    """Nothing can be asked of it, so that half of the proof is missing."""
    assert look(container((25, closed_port), addresses=())) == {}


def test_an_address_that_leads_nowhere_is_passed_over(closed_port: int) -> None:
    """The container may have a network that the host cannot reach; the other one tells."""
    record = container((25, closed_port), addresses=("255.255.255.255", LOOPBACK))
    assert look(record) == {25: False}
    assert look(container((25, closed_port), addresses=("255.255.255.255",))) == {}


def test_a_process_of_something_else_is_not_believed(closed_port: int) -> None:
    """The engine may be another host's, whose numbers of processes mean others here."""
    record = container((25, closed_port))
    for identity in ("f" * 64, "", None):
        assert look({**record, "Id": identity}) == {}


@pytest.mark.parametrize("pid", [0, -1, 2**30, None, "1"])
def test_a_process_that_is_not_there_says_nothing(pid: object, closed_port: int) -> None:
    """A container that ended, or an engine that lies."""
    record = container((25, closed_port))
    assert look({**record, "State": {"Pid": pid}}) == {}


@pytest.mark.parametrize(
    "table",
    [
        "garbage\n" * 9,
        " 0A \n",
        "x 0A 0A 0A \n",
        "0: 0A:0A:x 0 0A\n",
        "0: :0019 0 0A\n",
        "\0\xff" * 99,
    ],
)
def test_a_table_that_makes_no_sense(hidden: Path, table: str, closed_port: int) -> None:
    """Nothing is raised; what says of a listener, but not of which port, leaves all unknown."""
    (hidden / str(os.getpid()) / "net/tcp").write_text(HEAD + table)
    assert look(container((25, closed_port)), proc=hidden) in ({}, {25: False})


def test_a_listener_behind_a_crowd_is_found(hidden: Path) -> None:
    """However many connections stand before it in the table."""
    row = "   0: 0100007F:{:04X} 0100007F:0019 {} 0:0 0:0 0 0 0 1\n"
    crowd = row.format(9, "01") * 20_000
    table = hidden / str(os.getpid()) / "net/tcp"
    table.write_text(HEAD + crowd + row.format(25, "0A"))
    assert look(container((25, 25)), proc=hidden) == {25: True}


def test_it_ends_with_its_deadline(closed_port: int) -> None:
    """With no time left nothing is known."""
    record = container((25, closed_port))
    assert seen(record, (25,), Deadline.after(0, time.monotonic)) == Behind()


ROW = "   0: 0100007F:{:04X} {} {} 00000000:{:08X} 00:00000000 {:08X} 0 0 1 1\n"
NOBODY, SERVER = "00000000:0000", "020011AC:0019"


@pytest.mark.parametrize(
    ("waiting", "sent", "unheard"),
    [
        (0, [(SERVER, "02", 1)], {2525}),
        (0, [(SERVER, "02", 0)], set()),
        (0, [(SERVER, "01", 3)], set()),
        (0, [("030011AC:0019", "02", 3)], set()),
        (0, [("020011AC:001A", "02", 3)], set()),
        (1, [(SERVER, "02", 3)], set()),
        (0, [("nonsense", "02", 3)], set()),
    ],
    ids=["sent again", "just sent", "connected", "elsewhere", "other port", "hangs", "nonsense"],
)
def test_a_packet_filter_is_told_from_a_hang(
    hidden: Path, waiting: int, sent: list[tuple[str, str, int]], unheard: set[int]
) -> None:
    """What docker-proxy sends is sent again and again, while nobody inside waits for the server."""
    inside = hidden / str(os.getpid()) / "net/tcp"
    inside.write_text(HEAD + ROW.format(25, NOBODY, "0A", waiting, 0))
    ours = hidden / "self/net"
    ours.mkdir(parents=True)
    rows = [ROW.format(9, end, state, 0, again) for end, state, again in sent]
    (ours / "tcp").write_text(HEAD + "".join(rows))
    record = container((2525, 25), addresses=("172.17.0.2",))
    found = seen(record, (2525,), Deadline.after(20, time.monotonic), hidden)
    assert found == Behind({2525: True}, frozenset(unheard))
