"""The ports that the container publishes against those that are asked, and who it then sees."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.text import join_words, printable
from mailwatch.docker.network import (
    Published,
    published,
    shares_host_network,
)
from mailwatch.docker.source_address import seen_as
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, warning
from mailwatch.probes.settings import KNOWN, ServiceSettings

# Of HTTP without TLS there is seldom more than a redirection.
_MAIL_PORTS = {known.port: name for name, known in KNOWN.items() if name != "HTTP"}


def examine(case: Case) -> Iterator[Finding]:
    """Give what is asked and not published, published and not watched, and our address."""
    record = case.container
    if record is None or not case.target.started_at:
        return
    name = case.config.docker.container
    if not shares_host_network(record):
        open_ports = published(record)
        local = [service for service in _asked(case) if service.on_loopback]
        matched = True
        for service in local:
            finding = _reached(service, open_ports, name)
            matched = matched and finding is None
            if finding is not None:
                yield finding
        if local and matched:
            yield ok(f"Every port that is asked on this host is one that {name} publishes.")
        yield from _not_watched(case, open_ports, name)
    asked = case.config.asked
    if address := seen_as(record, asked.hosts, asked.introduced):
        yield ok(
            f"{name} sees mailwatch as {address}: allow-list that in the mail server, "
            "which may ban an address that connects so often."
        )


def _asked(case: Case) -> Iterator[ServiceSettings]:
    """Give whatever asks a port: each service that has one, and the mailbox of a canary."""
    for service in case.config.services:
        if not service.portless:
            yield service
        if service.canary:
            yield service.canary.of_imap(service)


def _reached(
    service: ServiceSettings, open_ports: tuple[Published, ...], name: str
) -> Finding | None:
    same = [port for port in open_ports if port.host_port == service.port]
    if any(port.on_loopback for port in same):
        return None
    if same:
        others = join_words([printable(port.host_address, 64) for port in same])
        return warning(
            f"{service.key} is asked at {service.host}, but {name} publishes that port at "
            f"{others} alone.",
            "Set host of this service to that address.",
        )
    return warning(
        f"{name} does not publish port {service.port}, so what {service.key} asks is something "
        "else, which a restart of the container does not mend.",
        "Publish the port, correct it in [[services]], or correct [restart] container.",
    )


def _not_watched(case: Case, open_ports: tuple[Published, ...], name: str) -> Iterator[Finding]:
    watched = {service.port for service in _asked(case)}
    told = set()
    for port in open_ports:
        known = _MAIL_PORTS.get(port.container_port)
        if known is None or port.host_port in watched or port.host_port in told:
            continue
        told.add(port.host_port)
        yield warning(
            f"{name} publishes port {port.host_port} ({known}), which nobody watches.",
            f'Add [[services]] with name = "{known}" and port = {port.host_port}, or ignore this.',
        )
