"""One end to talk to over TCP, and how: TLS, the PROXY header, the account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.secret import Secret

LOGIN_S = 20.0
LONGEST_LOGIN_S = 60.0
"""The slowest servers take 16.5 s to answer a login."""


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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach one server.

    `name` is the admin's word for it. `host` is a name or a numeric address (IPv6 without
    brackets), `port` 1 to 65535. `verify` checks the certificate and its name, against `ca_file`
    (PEM) or, where that is None, against the system's own authorities. `server_name` is asked for
    in the handshake (SNI) and is the name to verify; where it is None it is `host`. `fingerprint`
    is the SHA-256 of the certificate (DER) in 64 lower-case hexadecimal digits, and is checked
    with or without `verify`. `login` is never sent without TLS, but to this host; the answers to it
    have `login_timeout_s` (up to LONGEST_LOGIN_S) beside the time of the conversation.
    """

    name: str
    host: str
    port: int = 0
    tls: TlsMode = TlsMode.NONE
    verify: bool = False
    ca_file: Path | None = None
    server_name: str | None = None
    minimum_tls: TlsVersion = TlsVersion.TLS_1_2
    fingerprint: str | None = None
    proxy: ProxyHeader = ProxyHeader.NONE
    login: Login | None = None
    login_timeout_s: float = LOGIN_S

    @property
    def asked_name(self) -> str:
        """The name that TLS and HTTP ask for.

        Without the dot of the root (RFC 6066 section 3) and an address's zone (RFC 4007 section
        11), which no server knows.
        """
        return (self.server_name or self.host).partition("%")[0].removesuffix(".")
