"""What the checks examine: the configuration, and what each of them may ask for once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Any

from mailwatch.config.model import Config
from mailwatch.core import known_good
from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Reading, TargetState
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.doctor.account import Account, service_account
from mailwatch.doctor.unit import Unit, read_unit
from mailwatch.probes.digest import digest
from mailwatch.probes.registry import build_harmless
from mailwatch.restarters import docker
from mailwatch.service.prober import RoundProber
from mailwatch.service.queue_events import EventQueue, RoundDone
from mailwatch.store.errors import StoreError
from mailwatch.store.views import Views

ENGINE_S = 10.0
"""How long the engine may take for one answer."""


class Case:
    """One examination; what several checks need is looked up once, when the first asks for it."""

    def __init__(self, config: Config, *, send: bool = False, unit: str = "mailwatch.service"):
        self.config = config
        self.send = send
        """Whether a test message may be sent."""
        self._unit = unit

    @cached_property
    def unit(self) -> Unit | None:
        """The installed service, None where systemd does not know it."""
        return read_unit(self._unit)

    @cached_property
    def account(self) -> Account:
        """Who the service runs as."""
        return service_account(self.unit)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """How every service answers now, without a message of a canary."""
        events = EventQueue()
        probes = [build_harmless(service) for service in self.config.services]
        RoundProber(probes, events, time.monotonic).begin(1, self.config.policy.attempts)
        while True:
            report = events.get()
            if isinstance(report, RoundDone):
                return report.readings

    @cached_property
    def unproven(self) -> frozenset[str]:
        """The services that the running service has never seen pass as they are configured."""
        settings = {service.key: digest(service) for service in self.config.services}
        try:
            known = Views(self.config.state_directory).status().proven
        except StoreError:
            return frozenset()
        return known_good.unproven(known, settings)

    @cached_property
    def target(self) -> TargetState:
        """What the container is doing."""
        settings, deadline = self.config.docker, Deadline.after(ENGINE_S, time.monotonic)
        with (
            closing(docker.DockerRestarter(settings)) as restarter,
            closing(docker.port_map(settings, self.config.asked)) as ports,
        ):
            return ports.complete(restarter.inspect(deadline), deadline)

    @cached_property
    def engine(self) -> Mapping[str, str] | EngineFault:
        """The versions of the engine (`engine`, `api`) and of the SDK (`sdk`)."""
        try:
            return self._ask_engine()[0]
        except EngineFault as fault:
            return fault

    @cached_property
    def container(self) -> Mapping[str, Any] | None:
        """The container's own record, None where there is none or the engine cannot be asked."""
        try:
            return self._ask_engine()[1]
        except EngineFault:
            return None

    def _ask_engine(self) -> tuple[Mapping[str, str], Mapping[str, Any] | None]:
        settings = self.config.docker
        deadline = Deadline.after(ENGINE_S, time.monotonic)
        link = Link(settings.socket)
        try:
            engine = link.engine(deadline)
            versions = {**engine.versions(deadline), "sdk": engine.sdk_version}
            found = engine.container(settings.container, deadline)
        finally:
            link.close()
        named = found is not None and found.get("Name") == f"/{settings.container}"
        return versions, found if named else None
