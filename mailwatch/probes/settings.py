"""The settings of one service: what all probes are told, and the options of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mailwatch.core.address import is_loopback
from mailwatch.net.endpoint import Login, ProxyHeader, TlsMode, TlsVersion
from mailwatch.probes.catalogue import PORT, PROBES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How to ask one service whether it lives.

    `name` is the admin's word for it, and two services may share a name but not a name and a
    port. `host` is a name or a numeric address (IPv6 without brackets), `port` 1 to 65535.
    `probe` is a name in the catalogue of probes.

    `verify` checks the certificate and its name, against `ca_file` (PEM) or, where that is None,
    against the system's own authorities. `server_name` is asked for in the handshake (SNI) and
    is the name to verify; where it is None it is `host`. `fingerprint` is the SHA-256 of the
    certificate (DER) in 64 lower-case hexadecimal digits, and is checked with or without `verify`.

    `login` is never sent without TLS, but to this host. `options` are the `Settings` of the probe's
    own module, None for its defaults.
    """

    name: str
    host: str
    port: int = 0
    probe: str = "tcp"
    tls: TlsMode = TlsMode.NONE
    verify: bool = False
    ca_file: Path | None = None
    server_name: str | None = None
    minimum_tls: TlsVersion = TlsVersion.TLS_1_2
    fingerprint: str | None = None
    proxy: ProxyHeader = ProxyHeader.NONE
    login: Login | None = None
    options: object = None

    @property
    def portless(self) -> bool:
        """Whether something else than a port is asked."""
        return not PROBES.can(self.probe, PORT)

    @property
    def on_loopback(self) -> bool:
        """Whether it is asked at this host's loopback, by address or as `localhost`."""
        return is_loopback(self.host)

    @property
    def asked_name(self) -> str:
        """The name that TLS and HTTP ask for.

        It has neither the dot of a name's root (RFC 6066 section 3) nor an address's zone (RFC
        4007 section 11), which mean something to this host's resolver and to no server.
        """
        return (self.server_name or self.host).partition("%")[0].removesuffix(".")

    @property
    def key(self) -> str:
        """`NAME:PORT`, or `NAME` where it is portless; so readings and the journal call it."""
        return self.name if self.portless else f"{self.name}:{self.port}"


def options(settings: ServiceSettings, kind: type[T]) -> T:
    """Return the options of `settings`, which are of the probe's own `kind`, or its defaults."""
    return settings.options if isinstance(settings.options, kind) else kind()
