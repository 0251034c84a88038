"""One end to talk to over TCP, and how: TLS, the PROXY header, the account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.secret import Secret


class TlsMode(StrEnum):
    """When the conversation becomes TLS."""

    NONE = "none"
    IMPLICIT = "implicit"
    """From the first byte on (RFC 8314 section 3)."""
    STARTTLS = "starttls"
    """After the protocol's own command for it."""


class TlsVersion(StrEnum):
    """The oldest version of TLS that a service may answer with."""

    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


class ProxyHeader(StrEnum):
    """Which header of the PROXY protocol opens the connection."""

    NONE = "none"
    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class Login:
    """An account to log in with; a refusal counts towards the server's bans.

    `withheld` says why its password could not be read here, and is NOTHING where it could.
    """

    user: str
    password: Secret
    withheld: Fact = NOTHING


class Endpoint(Protocol):
    """How to reach one server; `probes.settings.ServiceSettings` says what each of it means."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> TlsMode: ...
    @property
    def verify(self) -> bool: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def minimum_tls(self) -> TlsVersion: ...
    @property
    def fingerprint(self) -> str | None: ...
    @property
    def proxy(self) -> ProxyHeader: ...
    @property
    def login(self) -> Login | None: ...
    @property
    def asked_name(self) -> str: ...
