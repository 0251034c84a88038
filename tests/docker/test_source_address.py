"""The address to allow-list, for every way in which a container can be asked."""

from __future__ import annotations

from typing import Any

import pytest

from mailwatch.docker import source_address
from mailwatch.docker.source_address import is_here, seen_as, source_towards

BRIDGE = {"Gateway": "172.17.0.1", "IPAddress": "172.17.0.2"}
OTHER = {"Gateway": "172.18.0.1", "IPAddress": "172.18.0.2"}
BOTH = {**BRIDGE, "IPv6Gateway": "fd00::1", "GlobalIPv6Address": "fd00::2"}
OURS = ("192.0.2.10", "2001:db8::10", "172.17.0.1")


def _record(mode: str = "bridge", **networks: object) -> dict[str, Any]:
    return {"HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": networks}}


def _source(host: str) -> str:
    """Answer as the kernel of a host with the addresses OURS and 198.51.100.1."""
    if host in (*OURS, "127.0.0.1", "::1"):
        return host
    if host.startswith("172.17."):
        return "172.17.0.1"
    return "" if ":" in host else "198.51.100.1"


@pytest.mark.parametrize(
    ("record", "hosts", "addresses"),
    [
        # Loopback: by docker-proxy, or masqueraded.
        (_record(a=BRIDGE), "127.0.0.1", "172.17.0.1"),
        (_record(a=BRIDGE), "localhost", "172.17.0.1"),
        (_record(a=BRIDGE), "::1", "172.17.0.1"),
        (_record(a=BOTH), "::1", "fd00::1"),
        (_record(a=BOTH), "localhost", "172.17.0.1 or fd00::1"),
        (_record(a=BRIDGE, b=OTHER), "127.0.0.1", "172.17.0.1 or 172.18.0.1"),
        (_record(a=BRIDGE, b=BRIDGE, c={"Gateway": ""}), "127.0.0.1", "172.17.0.1"),
        (_record(six={"IPv6Gateway": "fd00::1"}), "127.0.0.1", "fd00::1"),
        (_record(odd={"Gateway": "1\n2"}), "127.0.0.1", "1\\n2"),
        # An address of this host: itself, unless it is masqueraded.
        (_record(a=BRIDGE), "192.0.2.10", "192.0.2.10 or 172.17.0.1"),
        (_record(a=BRIDGE), "172.17.0.1", "172.17.0.1"),
        (_record(a=BRIDGE), "2001:db8::10", "172.17.0.1"),
        (_record(a=BOTH), "2001:db8:0::10", "2001:db8::10 or fd00::1"),
        (_record(a=BRIDGE), "127.0.0.1 192.0.2.10", "172.17.0.1 or 192.0.2.10"),
        # The container itself, and the network of the host.
        (_record(a=BRIDGE), "172.17.0.2", "172.17.0.1"),
        (_record("host", host={"Gateway": ""}), "127.0.0.1", "127.0.0.1"),
        (_record("host", host={"Gateway": ""}), "192.0.2.10", "192.0.2.10"),
        # Nobody knows.
        (_record(a=BRIDGE), "mail.example.org", ""),
        (_record(a=BRIDGE), "203.0.113.7", ""),
        (_record("none", none={"Gateway": ""}), "127.0.0.1", ""),
        (_record("container:abc"), "192.0.2.10", ""),
        (_record(a=None), "127.0.0.1", ""),
        ({}, "127.0.0.1", ""),
    ],
)
def test_the_address_that_the_container_sees(
    record: dict[str, Any], hosts: str, addresses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, or those of which it is one, or nothing: never one that it surely is not."""

    def source(host: str) -> str:
        return _source("2001:db8::10" if host == "2001:db8:0::10" else host)

    monkeypatch.setattr(source_address, "source_towards", source)
    monkeypatch.setattr(source_address, "is_here", lambda host: source(host) in OURS)
    assert seen_as(record, hosts.split()) == addresses


@pytest.mark.parametrize(
    ("hosts", "introduced", "addresses"),
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "172.17.0.1 or 127.0.0.1"),
        ("127.0.0.1", "172.17.0.2", "172.17.0.1"),
        ("", "localhost", "127.0.0.1 or ::1"),
        ("", "mail.example.org", ""),
    ],
)
def test_who_we_say_that_we_are(
    hosts: str, introduced: str, addresses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PROXY header of version 1 names our own end, which is then what a ban is about."""
    monkeypatch.setattr(source_address, "source_towards", _source)
    assert seen_as(_record(a=BRIDGE), hosts.split(), introduced.split()) == addresses


def test_the_kernel_tells_our_own_address() -> None:
    """From loopback to loopback; where no way leads there is none."""
    assert source_towards("127.0.0.1") == "127.0.0.1"
    assert source_towards("no-address") == ""
    assert is_here("127.0.0.1")
    assert not is_here("192.0.2.1")
    assert not is_here("no-address")
