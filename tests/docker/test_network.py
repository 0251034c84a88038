from __future__ import annotations

from typing import Any

import pytest

from mailwatch.docker.network import (
    Published,
    addresses,
    elsewhere,
    published,
    shares_host_network,
)


def _record(mode: str = "bridge", ports: object = None, **gateways: str) -> dict[str, Any]:
    networks = {name: {"Gateway": gateway} for name, gateway in gateways.items()}
    return {
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Ports": ports, "Networks": networks},
    }


def test_the_addresses_of_the_container_are_numeric() -> None:
    """One a network and family, where there is one; a name is none, for it would be looked up."""
    networks: dict[str, object] = {
        "a": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""},
        "b": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": "fd00::2"},
        "c": {"IPAddress": "mail.example.org", "GlobalIPv6Address": 7},
        "d": None,
    }
    found = addresses({"NetworkSettings": {"Networks": networks}})
    assert found == ("172.17.0.2", "172.18.0.2", "fd00::2")


def test_published_ports_are_those_of_tcp_with_a_port_on_the_host() -> None:
    """An exposed port is not published, UDP is not ours, and nonsense is passed over."""
    ports = {
        "25/tcp": [
            {"HostIp": "0.0.0.0", "HostPort": "25"},
            {"HostIp": "::", "HostPort": "25"},
        ],
        "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
        "8080/tcp": None,
        "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
        "1/tcp": [{"HostPort": "x"}, "y", {}, {"HostPort": "65536"}, {"HostPort": "9" * 5000}],
        "65536/tcp": [{"HostPort": "25"}],
    }
    found = published(_record(ports=ports))
    assert found == (
        Published("0.0.0.0", 25, 25),
        Published("::", 25, 25),
        Published("127.0.0.1", 8443, 443),
    )
    assert [port.on_loopback for port in found] == [True, True, True]


@pytest.mark.parametrize("ports", [None, [], {}, {"x": 1}])
def test_a_container_that_publishes_nothing(ports: object) -> None:
    """As one that is stopped: the engine then tells no ports."""
    assert published(_record(ports=ports)) == ()


def test_what_a_container_does_not_publish_on_loopback_is_anothers() -> None:
    """That holds while it has an address of its own; with the host's network, nobody knows."""
    ports = {
        "25/tcp": [{"HostIp": "0.0.0.0", "HostPort": "25"}],
        "443/tcp": [{"HostIp": "192.0.2.10", "HostPort": "443"}],
        "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}],
    }
    record = _record(ports=ports)
    assert elsewhere(record, {25, 80, 443, 8080}) == frozenset()
    record["NetworkSettings"]["Networks"] = {"bridge": {"IPAddress": "172.17.0.2"}}
    assert elsewhere(record, {25, 80, 443, 8080}) == {443, 8080}


def test_only_the_network_of_the_host_is_that() -> None:
    """A network of the admin's that is called otherwise is not."""
    assert shares_host_network(_record("host"))
    assert not shares_host_network(_record("hosting"))
    assert not shares_host_network({})
