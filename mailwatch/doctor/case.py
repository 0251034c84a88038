"""What the checks examine: the configuration, and what each of them may ask for once."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cached_property

from mailwatch.config.model import Config
from mailwatch.core import known_good
from mailwatch.core.codec import plain, value_of
from mailwatch.core.deadline import Deadline
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Asked, Reading, TargetState
from mailwatch.host.account import Account, service_account
from mailwatch.host.ground import AskedPort
from mailwatch.host.identity import answer_of, owner_of, user
from mailwatch.host.unit import Unit, read_unit
from mailwatch.probes.catalogue import build_harmless, well_known
from mailwatch.probes.settings import digest
from mailwatch.restarters import catalogue as restarters
from mailwatch.service.prober import one_round
from mailwatch.store.documents import dump, load
from mailwatch.store.views import StoreError, Views

TARGET_S = 10.0
"""How long a look at the target may take."""


class Case:
    """One examination; what several checks need is looked up once, when the first asks for it.

    It is the Ground of the checks that plug-ins bring.
    """

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
        probes = [build_harmless(service) for service in self.config.services]

        def heard() -> bytes:
            found = one_round(probes, self.config.policy.attempts, self.config.policy)
            return json.dumps([plain(reading) for reading in found]).encode("ascii")

        # What servers say is heard as the service hears it, and not as root.
        if (who := user(self.account.name, self.account.groups)) is None:
            return one_round(probes, self.config.policy.attempts, self.config.policy)
        return tuple(value_of(Reading, one) for one in json.loads(answer_of(who, heard)))

    @cached_property
    def unproven(self) -> frozenset[str]:
        """The services that the running service has never seen pass as they are configured."""
        settings = {service.key: digest(service) for service in self.config.services}
        directory = self.config.state_directory

        def known() -> bytes:
            return dump(Views(directory).proven()).encode("ascii")

        try:
            said = answer_of(owner_of(directory), known, (StoreError,))
            return known_good.unproven(load(KnownGood, said.decode("ascii")), settings)
        except (StoreError, ChildProcessError, ValueError):
            return frozenset()

    @cached_property
    def target(self) -> TargetState:
        """What the target of a restart is doing."""
        chosen, deadline = self.config.restart, Deadline.after(TARGET_S, time.monotonic)
        state = restarters.build(chosen).inspect(deadline)
        return restarters.add_ports(chosen, self.config.asked, state, deadline)

    @property
    def start_grace_s(self) -> float:
        """How long the admin lets the target be starting."""
        return self.config.policy.start_grace_s

    @property
    def asked_ports(self) -> tuple[AskedPort, ...]:
        """Every port that is asked, the mailbox of a canary's too."""
        return self.config.asked_ports

    @property
    def asked(self) -> Asked:
        """Where services are asked, as the service itself tells a map of ports."""
        return self.config.asked

    @cached_property
    def well_known(self) -> Mapping[int, str]:
        """The ports of mail, and the names of the services that are usually found there."""
        found = {known.port: name for name, known in well_known().items() if known.port}
        # Of HTTP without TLS there is seldom more than a redirection.
        return {port: name for port, name in found.items() if name != "HTTP"}
