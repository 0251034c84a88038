"""What a canary is told: from whom to whom, in how long, and where its mailbox is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailwatch.core import shapes
from mailwatch.core.keys import Key, Kind, boolean, choice, pause, seconds, whole
from mailwatch.net.endpoint import ProxyHeader, TlsMode
from mailwatch.probes.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """A message of our own from `sender` to `recipient`, both addresses that need no quotes.

    It is submitted through the service's port, as the service's `login` where `submit_login` says
    so, and must be in the mailbox of that login, on `imap_host` at `imap_port`, within `within_s`;
    a new one leaves `every_s` after the last. An `imap_host`, `imap_server_name`,
    `imap_fingerprint` or `imap_proxy` of None is as in the service itself.
    """

    sender: str = ""
    recipient: str = ""
    submit_login: bool = True
    imap_host: str | None = None
    imap_port: int = 993
    imap_tls: TlsMode = TlsMode.IMPLICIT
    imap_server_name: str | None = None
    imap_fingerprint: str | None = None
    imap_proxy: ProxyHeader | None = None
    within_s: float = 60
    every_s: float = 900

    def of_smtp(self, service: ServiceSettings) -> ServiceSettings:
        """Return how to submit a message of `service`, whose canary this is."""
        return replace(service, login=service.login if self.submit_login else None)

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


_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}"
_RULE = "an address such as canary@example.org"
_EXAMPLE = '"canary@example.org"'

KEYS = (
    Key("sender", Kind.TEXT, None,
        "Address that its message is from. The message is submitted at `port`, and looked for in "
        "the INBOX of `user` by IMAP; it is removed as soon as it is there. The section CANARIES "
        "below tells what that means in detail.",
        required=True, pattern=_ADDRESS, rule=_RULE, example=_EXAMPLE),
    Key("recipient", Kind.TEXT, None,
        "Address that its message goes to, whose mail `user` can read.",
        required=True, pattern=_ADDRESS, rule=_RULE, example=_EXAMPLE),
    boolean("submit_login", True,
            "Whether `user` also logs in to submit the message. Port 25, which takes mail from "
            "strangers, mostly offers no login: false there."),
    Key("imap_host", Kind.HOST, None, "Host of the mailbox, in place of `host`.",
        example='"imap.example.org"'),
    whole("imap_port", 993, 1, 65535, "Port of IMAP there."),
    choice("imap_tls", TlsMode,
           "When TLS begins at that port. The keys `verify`, `ca_file` and `minimum_tls` hold for "
           "both ports.", TlsMode.IMPLICIT),
    Key("imap_server_name", Kind.HOST, None,
        "Name to ask for and to verify there, in place of `server_name`, or of `imap_host` where "
        "that is set.", example='"imap.example.org"'),
    Key("imap_fingerprint", Kind.TEXT, None,
        "SHA-256 of the only certificate to accept there, in place of `fingerprint`, which "
        "otherwise holds for both ports.", shape=shapes.fingerprint, rule=shapes.FINGERPRINT,
        example=f'"{"0123456789abcdef" * 4}"'),
    choice("imap_proxy", ProxyHeader,
           "Header of the PROXY protocol there, in place of `proxy`, which otherwise holds for "
           "both ports."),
    seconds("within_s", 60,
            "How long the delivery may take, and how long the server may take to accept the "
            "message. A round does not wait for either: a later one looks again.",
            low=1, high=3600.0),
    pause("every_s", 900,
          "Pause between two messages; in between the last answer holds. The next one waits until "
          "the fate of the one before it is known. Below 144 s there is a warning: some servers "
          "take 25 messages an hour from one sender."),
)  # fmt: skip
