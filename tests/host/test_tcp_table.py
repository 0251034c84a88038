"""The kernel's table of sockets, as text and as this kernel writes it for real connections."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.host.tcp_table import address, lines, parse, tables

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:03E1 00000000:0000 0A 00000000:00000081 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 020011AC:03E1 CD7100CB:9C40 01 00000000:00000005 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   2: 020011AC:03E1 CD7100CB:9C41 03 00000000:00000000 01:00000010 00000000     0        0 0 1 0
"""  # noqa: E501


@pytest.mark.skipif(sys.byteorder == "big", reason="the table is in the order of the host")
def test_rows_are_read_as_the_kernel_means_them() -> None:
    """Ports, origins and states are told; a queue of LISTEN is the number that wait."""
    listener, waiting, half = map(parse, TABLE.encode().splitlines()[1:])
    assert (listener.port, listener.state, listener.queue) == (993, "LISTEN", 129)
    assert (waiting.remote, waiting.state, waiting.accepted) == (
        "203.0.113.205",
        "ESTABLISHED",
        False,
    )
    assert half.state == "SYN_RECV"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_line_is_a_socket_or_a_value_error(line: bytes) -> None:
    """A kernel that words a line in another way costs that line, and nothing else."""
    with suppress(ValueError):
        parse(line)


def test_the_header_is_no_socket() -> None:
    """It has as many columns."""
    with pytest.raises(ValueError, match="invalid"):
        parse(TABLE.encode().splitlines()[0])


def test_a_table_is_left_when_the_time_is_up(tmp_path: Path) -> None:
    """What was read until then is there, so that those who listen are: they come first."""
    (tmp_path / "tcp").write_text(TABLE * 5000)
    rows = lines(tmp_path / "tcp", Deadline(0, lambda: 1))
    assert len(list(islice(rows, 3072))) == 3072, "the headers are passed over"
    with pytest.raises(DeadlineExpired):
        next(rows)
    assert tables(tmp_path) == [tmp_path / "tcp"]


def test_addresses_of_all_kinds() -> None:
    """IPv4, IPv6, and IPv4 within IPv6, which is shown as what it is."""
    turned = "".join if sys.byteorder == "big" else None
    if turned is None:
        assert address(b"0100007F") == "127.0.0.1"
        assert address(b"0000000000000000FFFF0000CD7100CB") == "203.0.113.205"
        assert address(b"00000000000000000000000001000000") == "::1"
    with pytest.raises(ValueError, match="00"):
        address(b"00")


def test_a_real_connection_is_found_in_both_tables() -> None:
    """What this kernel writes of a connection over IPv4, and over IPv6 where there is any."""
    for family, host, name in (
        (socket.AF_INET, "127.0.0.1", "tcp"),
        (socket.AF_INET6, "::1", "tcp6"),
    ):
        try:
            listener = socket.create_server((host, 0), family=family)
        except OSError:
            continue
        with listener, socket.create_connection(listener.getsockname()[:2]) as client:
            port = listener.getsockname()[1]
            text = Path("/proc/self/net", name).read_bytes()
            rows = [one for one in map(parse, text.splitlines()[1:]) if one.port == port]
            assert {one.state for one in rows} == {"LISTEN", "ESTABLISHED"}
            waiting = next(one for one in rows if one.state == "ESTABLISHED")
            assert (waiting.remote, waiting.accepted) == (host, False)
            assert client.getpeername()[1] == port
