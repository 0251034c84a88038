"""The table of every configuration key: its name, type, default, environment name and meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from pathlib import Path
from types import MappingProxyType

from mailwatch.core.model import Fault
from mailwatch.core.policy import Policy
from mailwatch.core.secret import Secret
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.net.endpoint import ProxyHeader, TlsMode, TlsVersion

DEFAULT_PATH = Path("/etc/mailwatch.toml")
LOG_LEVELS = ("debug", "info", "notice", "warning", "error")
PROBE_NAMES = (
    "canary", "command", "dns", "http", "imap", "lmtp", "pop3", "postqueue", "sieve", "smtp", "tcp",
)  # fmt: skip
"""The keys of probes.registry.PROBES, which a test compares; that table imports every protocol."""

Value = str | int | float | bool | Path | Secret | frozenset[Fault] | tuple[str, ...]
"""What a key may hold once it has been read."""

DAY_S = 86_400.0
MONTH_S = 30 * DAY_S
"""No pause or window is longer: a watcher that sleeps for a year is a mistake in the file."""


class Kind(Enum):
    """How a value is read, and so which sentence tells that it cannot be."""

    TEXT = auto()
    SECRET = auto()
    URL = auto()
    HOST = auto()
    PATH = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    SECONDS = auto()
    CHOICE = auto()
    FAULTS = auto()
    COMMAND = auto()
    FINGERPRINT = auto()
    STATUSES = auto()
    FIELDS = auto()
    ADDRESS = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the file.

    `low` and `high` are inclusive. `default` is None where a key has none and may be left out.
    `choices` are the words that a CHOICE or FAULTS takes, and `enum` what a CHOICE turns them into;
    `pattern` is what a TEXT must match in full, and `rule` says that pattern in words.
    """

    section: str
    name: str
    kind: Kind
    default: Value | None
    doc: str
    environment: str = ""
    unit: str = ""
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    enum: type[StrEnum] | None = None
    pattern: str = ""
    rule: str = ""
    required: bool = False
    sensitive: bool = False
    """Whether people put a secret here by mistake, so that no sentence may show the value."""

    @property
    def dotted(self) -> str:
        """The key as `--set` and messages name it, such as `watch.retries`."""
        return f"{self.section}.{self.name}"


_P = Policy()
_E = EvidenceSettings()
_FAULTS = tuple(fault.value for fault in Fault)


def _seconds(
    section: str,
    name: str,
    default: float,
    doc: str,
    environment: str = "",
    low: float = 0,
    high: float = MONTH_S,
) -> Key:
    return Key(section, name, Kind.SECONDS, float(default), doc, environment, "s", low, high)


def _whole(
    section: str, name: str, default: int, low: int, high: int, doc: str, environment: str = ""
) -> Key:
    return Key(section, name, Kind.INTEGER, default, doc, environment, "", low, high)


def _flag(section: str, name: str, default: bool, doc: str) -> Key:
    return Key(section, name, Kind.BOOLEAN, default, doc)


def _choice(
    section: str, name: str, enum: type[StrEnum], doc: str, default: StrEnum | None = None
) -> Key:
    words = tuple(member.value for member in enum)
    return Key(section, name, Kind.CHOICE, default, doc, choices=words, enum=enum)


def _timeout(section: str, name: str, default: float, doc: str, environment: str = "") -> Key:
    return _seconds(section, name, default, doc, environment, low=0.05, high=3600)


def _pause(section: str, name: str, default: float, doc: str, environment: str = "") -> Key:
    return _seconds(section, name, default, doc, environment, low=0.1)


KEYS: tuple[Key, ...] = (
    Key("gotify", "url", Kind.URL, None,
        "Address of the Gotify server, with its sub-path if it has one.", "GOTIFY_URL"),
    Key("gotify", "token", Kind.SECRET, None,
        "Token of the Gotify application that mailwatch sends as.", "GOTIFY_TOKEN"),
    Key("gotify", "token_file", Kind.PATH, None,
        "File that holds the token alone, in place of `token`.", sensitive=True),
    _whole("gotify", "priority", 5, 0, 10,
           "Priority of ordinary messages; a call for a person always has 10.", "GOTIFY_PRIORITY"),
    _timeout("gotify", "timeout_s", 10, "Time for one whole delivery."),

    Key("watch", "host", Kind.HOST, "127.0.0.1",
        "Host of every service that does not name its own.", "HOST"),
    _pause("watch", "interval_s", _P.interval_s,
           "Pause between two rounds while all is well.", "CHECK_INTERVAL_SECONDS"),
    _whole("watch", "retries", _P.attempts.retries, 1, 100,
           "Attempts in one round before a service counts as failed.", "RETRIES"),
    _timeout("watch", "attempt_timeout_s", _P.attempts.timeout_s,
             "Time for one attempt: the whole conversation with a service.",
             "PER_ATTEMPT_TIMEOUT"),
    _seconds("watch", "retry_delay_s", _P.attempts.delay_s,
             "Pause between two attempts.", "SLEEP_BETWEEN_ATTEMPTS", high=3600.0),
    _seconds("watch", "unmeasured_after_s", _P.unmeasured_after_s,
             "How long mailwatch must have been unable to look before it says so."),
    _whole("watch", "certificate_days", _P.certificate_days, 0, 3650,
           "From so many days before a certificate expires that is told, once a day; 0 never."),

    Key("restart", "container", Kind.TEXT, "stalwart",
        "Name of the container to restart.", "CONTAINER_NAME",
        pattern=r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}",
        rule="a container's name of letters, digits, `_`, `.` and `-`, as `docker ps` shows it"),
    Key("restart", "socket", Kind.PATH, Path("/var/run/docker.sock"),
        "Socket of the Docker engine.", "DOCKER_SOCKET"),
    _whole("restart", "stop_timeout_s", 30, 1, 3600,
           "Seconds that the container gets to stop by itself before the engine kills it."),
    _seconds("restart", "settle_s", _P.settle_s,
             "Wait between a restart and the first look after it.", "POST_RESTART_WAIT"),
    _timeout("restart", "attempt_timeout_s", _P.verify_timeout_s,
             "Time for one attempt after a restart, when servers answer slowly.",
             "POST_RESTART_PER_ATTEMPT_TIMEOUT"),
    _seconds("restart", "verify_for_s", _P.verify_for_s,
             "How long after settling a service may still fail before a person is called.",
             "POST_RESTART_FINAL_TIMEOUT"),
    _pause("restart", "verify_every_s", _P.verify_every_s,
           "Pause between two looks while an incident is open.",
           "POST_RESTART_POLL_INTERVAL"),
    Key("restart", "on", Kind.FAULTS, _P.restart_on,
        "The kinds of failure that a restart may cure; others only call a person.",
        choices=_FAULTS),
    _flag("restart", "when_all_dropped", _P.restart_when_all_dropped,
          "Restart even when every service drops the connection, which is the sign of a ban."),
    _seconds("restart", "min_failure_s", _P.min_failure_s,
             "How long a failure must last before an incident opens."),
    _seconds("restart", "backoff_s", _P.backoff_s,
             "Wait before the second restart in a row; each further wait is twice as long."),
    _seconds("restart", "backoff_max_s", _P.backoff_max_s,
             "Longest wait between two restarts in a row."),
    _whole("restart", "max_restarts", _P.max_restarts, 0, 1000,
           "Most restarts in any window of `window_s`; 0 never restarts, and only tells."),
    _seconds("restart", "window_s", _P.window_s,
             "Length of the window in which restarts are counted.", low=1),
    _seconds("restart", "cooldown_s", _P.cooldown_s,
             "No restart sooner than this after a recovery that a restart brought about."),
    _seconds("restart", "rearm_after_s", _P.rearm_after_s,
             "After all has been well this long, the next restart is a first one again."),
    _seconds("restart", "start_grace_s", _P.start_grace_s,
             "How long the container may be starting before its failures count.", low=1),

    _seconds("notify", "remind_every_s", _P.remind_every_s,
             "Pause between reminders while a person is needed; 0 sends none."),
    _whole("notify", "messages_per_hour", _P.messages_per_hour, 1, 1000,
           "Ordinary messages in an hour; those beyond it come together as one."),

    _flag("evidence", "enabled", _E.enabled,
          "Whether to write down what is to be seen before a restart destroys it."),
    _seconds("evidence", "wait_s", _E.wait_s,
             "How long that may take, which is the most by which it delays a restart.",
             low=0.5, high=60),
    _whole("evidence", "max_mib", _E.max_mib, 1, 1024,
           "Most MiB on the disk for the evidence of all incidents; the oldest gives way."),

    Key("state", "directory", Kind.PATH, Path("/var/lib/mailwatch"),
        "Where mailwatch remembers incidents and unsent messages.", "STATE_DIRECTORY"),

    Key("log", "level", Kind.CHOICE, "info",
        "The least severe lines that reach the journal.", choices=LOG_LEVELS),
)  # fmt: skip
"""Every key outside [[services]], in the order in which the sample and `config show` name them."""

SERVICES_ENVIRONMENT = "SERVICES"
DEFAULT_SERVICES = ("SMTP", "SMTPS", "IMAPS", "HTTPS")
"""Those that are watched where nobody names any, each at its usual port."""

_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}"
_ADDRESS_RULE = "an address such as canary@example.org"
_NAME_OR_ADDRESS = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])"
_HOST_FIELD = _NAME_OR_ADDRESS + r"(?::[1-9][0-9]{0,4})?"
_ONE_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"

SERVICE_KEYS: tuple[Key, ...] = (
    Key("services", "name", Kind.TEXT, None,
        "What messages call the service; a known name also picks how it is asked.", required=True,
        pattern=r"[A-Za-z0-9](?:[A-Za-z0-9 _./+-]{0,62}[A-Za-z0-9_./+-])?",
        rule="up to 64 letters, digits, blanks and `_ . / + -`, beginning with a letter or digit"),
    Key("services", "port", Kind.INTEGER, None,
        "TCP port of the service; `command`, `dns` and `postqueue` have none.", required=True,
        low=1, high=65535),
    Key("services", "host", Kind.HOST, None, "Host of this service, in place of `[watch] host`."),
    Key("services", "probe", Kind.CHOICE, None,
        "How the service is asked, where its name does not say.", choices=PROBE_NAMES),
    _choice("services", "tls", TlsMode, "When TLS begins, where the service's name does not say."),
    _flag("services", "verify", False,
          "Whether the certificate and its name are checked; a `ca_file` says so too."),
    Key("services", "ca_file", Kind.PATH, None,
        "File of the authorities (PEM) that may have signed the certificate."),
    Key("services", "server_name", Kind.HOST, None,
        "Name to ask for in the TLS handshake and to verify, in place of the host."),
    _choice("services", "minimum_tls", TlsVersion, "Oldest version of TLS to accept.",
            TlsVersion.TLS_1_2),
    Key("services", "fingerprint", Kind.FINGERPRINT, None,
        "SHA-256 of the only certificate to accept, whether it is verified or not."),
    _choice("services", "proxy", ProxyHeader,
            "Version of the PROXY protocol, on a port that expects its header.",
            ProxyHeader.NONE),
    Key("services", "http_method", Kind.CHOICE, "GET",
        "With the probe `http`: the method of the request.", choices=("GET", "HEAD")),
    Key("services", "http_path", Kind.TEXT, "/", "With the probe `http`: what is asked for.",
        pattern=r"/[!-\"$-~]*",
        rule="a path that begins with / and has no blank and no #, such as /healthz"),
    Key("services", "http_statuses", Kind.STATUSES, "200-499",
        "With the probe `http`: the status codes that show life, from 200 to 599."),
    Key("services", "http_headers", Kind.FIELDS, None,
        "With the probe `http`: fields that the answer must have; `*` stands for anything."),
    Key("services", "http_body", Kind.TEXT, None,
        "With the probe `http`: text that the page must hold; `*` stands for anything.",
        pattern=_ONE_LINE, rule='text of one line that the page holds, such as "Sign in"'),
    Key("services", "http_host", Kind.TEXT, None,
        "With the probe `http`: the Host of the request, in place of `server_name` or `host`.",
        pattern=_HOST_FIELD,
        rule="a host name, with a port where it needs one, such as mail.example.org:8443"),
    Key("services", "http_forwarded_for", Kind.ADDRESS, None,
        "With the probe `http`: the address that X-Forwarded-For names as the client's."),
    Key("services", "command", Kind.COMMAND, None,
        "Program, with its arguments, that the probes `command` and `postqueue` run."),
    _whole("services", "queue_limit", 500, 0, 100_000,
           "With the probe `postqueue`: messages in a mail queue that is still well."),
    Key("services", "domain", Kind.HOST, None,
        "With the probe `dns`: the domain whose MX is looked for."),
    _flag("services", "implicit_mx", False,
          "With the probe `dns`: whether an address of the domain will do where it has no MX."),
    Key("services", "user", Kind.TEXT, None,
        "User to log in as; refused logins count towards the server's bans.",
        pattern=r"[^\x00-\x1f\x7f]{1,255}", rule="a user name on one line"),
    Key("services", "password_file", Kind.PATH, None,
        "File that holds the user's password alone.", sensitive=True),
    Key("services", "password_credential", Kind.TEXT, None,
        "Name of the systemd credential that holds the password, in place of `password_file`.",
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", sensitive=True,
        rule="the name of a credential, as LoadCredential= in the unit has it"),
    Key("services", "sender", Kind.TEXT, None,
        "With the probe `canary`: the address that its message is from.",
        pattern=_ADDRESS, rule=_ADDRESS_RULE),
    Key("services", "recipient", Kind.TEXT, None,
        "With the probe `canary`: the address that its message goes to.",
        pattern=_ADDRESS, rule=_ADDRESS_RULE),
    _flag("services", "submit_login", True,
          "With the probe `canary`: whether the user also logs in to submit."),
    Key("services", "imap_host", Kind.HOST, None,
        "With the probe `canary`: the host of the mailbox, in place of `host`."),
    _whole("services", "imap_port", 993, 1, 65535,
           "With the probe `canary`: the port of IMAP."),
    _choice("services", "imap_tls", TlsMode, "With the probe `canary`: when TLS begins there.",
            TlsMode.IMPLICIT),
    Key("services", "imap_server_name", Kind.HOST, None,
        "With the probe `canary`: the name to ask for in TLS there, in place of `server_name`."),
    Key("services", "imap_fingerprint", Kind.FINGERPRINT, None,
        "With the probe `canary`: the certificate to accept there, in place of `fingerprint`."),
    _choice("services", "imap_proxy", ProxyHeader,
            "With the probe `canary`: the PROXY protocol there, in place of `proxy`."),
    _seconds("services", "within_s", 60, "With the probe `canary`: how long a delivery may take.",
             low=1, high=3600.0),
    _pause("services", "every_s", 900, "With the probe `canary`: pause between two messages."),
)  # fmt: skip
"""The keys of one [[services]] table; each says a field, or a part of one, of ServiceSettings."""


def _sections() -> Iterator[tuple[str, Mapping[str, Key]]]:
    for section in dict.fromkeys(key.section for key in KEYS):
        yield section, MappingProxyType({k.name: k for k in KEYS if k.section == section})


SECTIONS: Mapping[str, Mapping[str, Key]] = MappingProxyType(dict(_sections()))
"""Section -> name -> Key, without [[services]]."""
SERVICE_SECTION: Mapping[str, Key] = MappingProxyType({key.name: key for key in SERVICE_KEYS})
BY_DOTTED: Mapping[str, Key] = MappingProxyType({key.dotted: key for key in KEYS})
