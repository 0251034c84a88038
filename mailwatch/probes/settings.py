"""The settings of one service, and what its name alone says about how to ask it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from mailwatch.core.address import is_loopback
from mailwatch.net.endpoint import Login, ProxyHeader, TlsMode, TlsVersion


@dataclass(frozen=True, slots=True)
class HttpRules:
    """What an HTTP service is asked, and which answer shows life.

    `method` is GET or HEAD, `path` begins with a slash. `statuses` are the first and last of each
    range that is accepted, between 200 and 599. `headers` are pairs of a field's name and a
    pattern for its value, `body` is a pattern for the first `http.MAX_BODY` bytes; see
    `patterns.matches`. `host` is sent as Host, `forwarded_for` as X-Forwarded-For.
    """

    method: str = "GET"
    path: str = "/"
    statuses: tuple[tuple[int, int], ...] = ((200, 499),)
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    host: str | None = None
    forwarded_for: str | None = None


@dataclass(frozen=True, slots=True)
class CanaryRules:
    """A message of our own from `sender` to `recipient`, both addresses that need no quotes.

    It is submitted through the service's port, as the service's `login` where `submit_login` says
    so, and must be in the mailbox of that login, on `imap_host` at `imap_port`, within `within_s`;
    a new one leaves `every_s` after the last. An `imap_host`, `imap_server_name`,
    `imap_fingerprint` or `imap_proxy` of None is as in the service itself.
    """

    sender: str
    recipient: str
    submit_login: bool = True
    imap_host: str | None = None
    imap_port: int = 993
    imap_tls: TlsMode = TlsMode.IMPLICIT
    imap_server_name: str | None = None
    imap_fingerprint: str | None = None
    imap_proxy: ProxyHeader | None = None
    within_s: float = 60
    every_s: float = 900

    def of_imap(self, service: ServiceSettings) -> ServiceSettings:
        """Return how to ask for the mailbox of `service`, whose canary this is."""
        # The name of one host says nothing about another's.
        of_host = None if self.imap_host else service.server_name
        return replace(
            service,
            host=self.imap_host or service.host,
            port=self.imap_port,
            tls=self.imap_tls,
            server_name=self.imap_server_name or of_host,
            fingerprint=self.imap_fingerprint or service.fingerprint,
            proxy=service.proxy if self.imap_proxy is None else self.imap_proxy,
        )


PORTLESS = frozenset({"command", "dns", "postqueue"})
"""The probes that ask something else than a port."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How to ask one service whether it lives.

    `name` is the admin's word for it, and two services may share a name but not a name and a
    port. `host` is a name or a numeric address (IPv6 without brackets), `port` 1 to 65535.
    `probe` is a key of `registry.PROBES`.

    `verify` checks the certificate and its name, against `ca_file` (PEM) or, where that is None,
    against the system's own authorities. `server_name` is asked for in the handshake (SNI) and
    is the name to verify; where it is None it is `host`. `fingerprint` is the SHA-256 of the
    certificate (DER) in 64 lower-case hexadecimal digits, and is checked with or without `verify`.

    `login` is for smtp, imap, pop3 and sieve; it is never sent without TLS, but to this host.

    The PORTLESS probes have no port and no TLS. `command` is the program, with its arguments,
    that `command` runs, and that `postqueue` runs in place of its own; `queue_limit` (>= 0) is
    the length of a queue that is still well; `domain` is whose mail `dns` looks for,
    and `implicit_mx` says whether an address will do in place of an MX.
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
    http: HttpRules = HttpRules()
    command: tuple[str, ...] = ()
    queue_limit: int = 500
    domain: str | None = None
    implicit_mx: bool = False
    canary: CanaryRules | None = None

    @property
    def portless(self) -> bool:
        """Whether something else than a port is asked."""
        return self.probe in PORTLESS

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


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a service's name says when `probe` and `tls` are not given, and its usual port."""

    probe: str
    tls: TlsMode
    port: int | None = None


KNOWN = MappingProxyType(
    {
        "SMTP": Defaults("smtp", TlsMode.NONE, 25),
        "SUBMISSION": Defaults("smtp", TlsMode.NONE, 587),
        "SMTPS": Defaults("smtp", TlsMode.IMPLICIT, 465),
        "IMAP": Defaults("imap", TlsMode.NONE, 143),
        "IMAPS": Defaults("imap", TlsMode.IMPLICIT, 993),
        "POP3": Defaults("pop3", TlsMode.NONE, 110),
        "POP3S": Defaults("pop3", TlsMode.IMPLICIT, 995),
        "SIEVE": Defaults("sieve", TlsMode.NONE, 4190),
        "LMTP": Defaults("lmtp", TlsMode.NONE, 24),
        "HTTP": Defaults("http", TlsMode.NONE, 80),
        "HTTPS": Defaults("http", TlsMode.IMPLICIT, 443),
    }
)
"""The names that are well known; LMTP has no port of its own, and 24 is for private mail."""

_ANY_OTHER = Defaults("tcp", TlsMode.NONE)


def defaults_for(name: str) -> Defaults:
    """Return what `name`, in any case, says; a name that is not KNOWN is a TCP connect."""
    return KNOWN.get(name.upper(), _ANY_OTHER)


def usual_port(name: str, probe: str, tls: TlsMode) -> int | None:
    """Return the port on which a service of that name is asked so, None where there is none."""
    own = defaults_for(name)
    if probe == "canary":
        own, probe = KNOWN["SUBMISSION"], "smtp"
    at_first = TlsMode.IMPLICIT if tls is TlsMode.IMPLICIT else TlsMode.NONE
    speak_so = [known for known in (own, *KNOWN.values()) if known.probe == probe]
    begin_so = [known for known in speak_so if known.tls is at_first]
    return (begin_so or speak_so or [own])[0].port
