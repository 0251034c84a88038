"""The keys of the configuration: those of mailwatch itself, and where plug-ins add theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailwatch.core import shapes
from mailwatch.core.catalogue import Catalogue
from mailwatch.core.keys import Key, Kind, boolean, choice, pause, placed, seconds, timeout, whole
from mailwatch.core.model import Fault
from mailwatch.core.policy import Policy
from mailwatch.evidence import catalogue as evidence
from mailwatch.evidence.servers.catalogue import SERVERS
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.net.endpoint import LOGIN_S, LONGEST_LOGIN_S, ProxyHeader, TlsMode, TlsVersion
from mailwatch.notifiers.catalogue import NOTIFIERS, SECTION
from mailwatch.probes.catalogue import LOGIN, PORT, PROBES, defaults_for
from mailwatch.restarters.catalogue import RESTARTERS, USUAL

DEFAULT_PATH = Path("/etc/mailwatch.toml")
LOG_LEVELS = ("debug", "info", "notice", "warning", "error")
SERVICES_ENVIRONMENT = "SERVICES"
DEFAULT_SERVICES = ("SMTP", "SMTPS", "IMAPS", "HTTPS")
"""Those that are watched where nobody names any, each at its usual port."""

_P = Policy()
_E = EvidenceSettings()
_FAULTS = tuple(fault.value for fault in Fault)

_WATCH = (
    Key("host", Kind.HOST, "127.0.0.1",
        "Host of every service that does not name its own.", "HOST"),
    pause("interval_s", _P.interval_s,
          "Pause between the beginnings of two rounds while all is well.",
          "CHECK_INTERVAL_SECONDS"),
    whole("retries", _P.attempts.retries, 1, 100,
          "Attempts in one round before a service counts as failed; the first one that succeeds "
          "ends them.", "RETRIES"),
    timeout("attempt_timeout_s", _P.attempts.timeout_s,
            "Time for one attempt: the whole conversation with a service, from the name lookup to "
            "its farewell.", "PER_ATTEMPT_TIMEOUT"),
    seconds("retry_delay_s", _P.attempts.delay_s,
            "Pause between two attempts. With the defaults, a server that hangs is found out after "
            "25 s.", "SLEEP_BETWEEN_ATTEMPTS", high=3600.0),
    whole("offences_per_day", _P.offences_per_day, 1, 1000,
          "What one server may hold against this host in a day before mailwatch only listens "
          "there, until the day is over, but for one try an hour and one after each restart: 29 in "
          "all at most, and no intrusion. Servers ban for more: Stalwart for 30 a day.\nA refused "
          "login counts one, and so does a command that is refused or words of the wrong "
          "protocol from a service that may be set wrongly. TLS or HTTP to a plain mail port "
          "counts five, and is an intrusion. What passes costs nothing and goes on."),
    whole("smtp_per_second", _P.smtp_per_second, 0, 1000,
          "Connections to SMTP that one server gets in a second, those of canaries included; 0 is "
          "for any number. Some servers turn away who opens more: Stalwart takes five."),
    seconds("unmeasured_after_s", _P.unmeasured_after_s,
            "How long mailwatch must have been unable to look before it says so. That it could not "
            "(no route, no free descriptor, a broken resolver) is never taken for an outage, and "
            "restarts nothing.\nWhat it cannot look at for the same reason is told along, even if "
            "that has lasted for less."),
    whole("certificate_days", _P.certificate_days, 0, 3650,
          "From so many days before a certificate expires that is told, once a day; 0 never tells. "
          "An expiring certificate never restarts anything.\nIt is told no more often, however "
          "often mailwatch itself is restarted, and once more when the service has a new one."),
)  # fmt: skip

_RESTART = (
    seconds("settle_s", _P.settle_s,
            "Wait between a restart and the first look after it.", "POST_RESTART_WAIT"),
    replace(timeout("attempt_timeout_s", _P.verify_timeout_s,
                    "Time for one attempt after a restart, when servers answer slowly.",
                    "POST_RESTART_PER_ATTEMPT_TIMEOUT"), field="verify_timeout_s"),
    seconds("verify_for_s", _P.verify_for_s,
            "How long after settling a service may still fail before a person is called.",
            "POST_RESTART_FINAL_TIMEOUT"),
    pause("verify_every_s", _P.verify_every_s,
          "Pause between two looks while an incident is open. It has no effect where it is longer "
          "than `interval_s`.", "POST_RESTART_POLL_INTERVAL"),
    Key("on", Kind.FAULTS, _P.restart_on,
        "Kinds of failure that a restart may cure; others only call a person. Of a service that "
        "has never passed as it is configured now, only the first five restart, and only while no "
        "port passes: all else may be a mistake in this file.\nA `certificate` only calls a person "
        "even if it is named here.", choices=_FAULTS, field="restart_on"),
    replace(boolean("when_all_dropped", _P.restart_when_all_dropped,
                    "Restart even when every service drops the connection, the sign of a ban. (One "
                    "that passes at a port of this host that leads elsewhere, a web proxy's "
                    "perhaps, is not counted.) It shows that the mail server has banned the "
                    "address that mailwatch comes from, or has reached its limit of connections; a "
                    "restart cures neither, and mailwatch calls a person at once instead."),
            field="restart_when_all_dropped"),
    seconds("min_failure_s", _P.min_failure_s,
            "How long a failure must last before an incident opens. With 0 one failed round is "
            "enough, as it has had all its attempts."),
    seconds("backoff_s", _P.backoff_s,
            "Wait before the second restart in a row; each further wait is twice as long."),
    seconds("backoff_max_s", _P.backoff_max_s, "Longest wait between two restarts in a row."),
    whole("max_restarts", _P.max_restarts, 0, 1000,
          "Most restarts in any window of `window_s`; 0 never restarts, and only tells."),
    seconds("window_s", _P.window_s,
            "Length of the window in which restarts are counted.", low=1),
    seconds("cooldown_s", _P.cooldown_s,
            "No restart sooner than this after a recovery that a restart brought about."),
    seconds("rearm_after_s", _P.rearm_after_s,
            "After all has been well this long, the next restart is a first one again."),
    seconds("boot_grace_s", _P.boot_grace_s,
            "How long after a boot of the host, and our start after it, the target may be down "
            "before that is an outage."),
    seconds("start_grace_s", _P.start_grace_s,
            "How long the target may be starting before its failures count.", low=1),
)  # fmt: skip

_NOTIFY = (
    seconds("remind_every_s", _P.remind_every_s,
            "Pause between reminders while a person is needed; 0 sends none."),
    whole("messages_per_hour", _P.messages_per_hour, 1, 1000,
          "Ordinary messages in an hour, of which an incident that heals makes two. Those beyond "
          "it are held back, and come together as one that names them all as soon as the hour "
          "allows one more. A call for a person never waits, nor does the news that its incident "
          "is over.\n"),
)  # fmt: skip

_EVIDENCE = (
    boolean("enabled", _E.enabled,
            "Whether to write down what is to be seen before a restart destroys it: the target's "
            "state, processes, connections and the end of its log, and the state of the host, "
            "with the secrets in it masked. `mailwatch incident show` shows it."),
    seconds("wait_s", _E.wait_s,
            "How long that may take, which is the most by which it delays a restart. It begins "
            "with the first attempt that fails, so that a round of several attempts is seldom "
            "delayed at all.", low=0.5, high=60),
    whole("max_mib", _E.max_mib, 1, 1024,
          "Most MiB on the disk for the evidence of all incidents; the oldest gives way. One "
          "incident has at most 256 KiB, and what is older than 400 days is removed."),
)  # fmt: skip

_STATE = (
    Key("directory", Kind.PATH, Path("/var/lib/mailwatch"),
        "Where mailwatch remembers incidents and unsent messages. The unit sets the variable, so "
        "that under systemd this key has no effect.", "STATE_DIRECTORY"),
)  # fmt: skip

_LOG = (
    Key("level", Kind.CHOICE, "info",
        "The least severe lines that reach the journal.", choices=LOG_LEVELS),
)  # fmt: skip

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9 _./+-]{0,62}[A-Za-z0-9_./+-])?"
_NAME_RULE = "up to 64 letters, digits, blanks and `_ . / + -`, beginning with a letter or digit"

_SERVICE = (
    Key("name", Kind.TEXT, None,
        "What messages call the service. It has up to 64 letters, digits, blanks and `_ . / + -`. "
        "A known name, in capital or small letters, also picks how the service is asked: SMTP, "
        "SUBMISSION, SMTPS, LMTP, IMAP, IMAPS, POP3, POP3S, SIEVE, HTTP and HTTPS get a complete "
        "conversation of their protocol, with TLS from the first byte on for those that end in S. "
        "Any other name is a TCP connection alone.",
        required=True, pattern=_NAME, rule=_NAME_RULE, example='"Webmail"'),
    Key("port", Kind.INTEGER, None, "TCP port of the service, where its probe asks one.",
        required=True, low=1, high=65535, needs=PORT, example="8443"),
    Key("host", Kind.HOST, None, "Host of this service, in place of `[watch] host`.",
        needs=PORT, example='"mail.example.org"'),
    Key("probe", Kind.CHOICE, None, "How the service is asked, where its name does not say.",
        example='"http"'),
    replace(choice("tls", TlsMode,
                   "When TLS begins, where the service's name does not say. That is never, from "
                   "the first byte on, or after the protocol's own command for it (every mail "
                   "protocol has one)."), needs=PORT, example='"implicit"'),
    replace(boolean("verify", False,
                    "Verify the certificate and its name. A certificate that is refused is a "
                    "failure that no restart cures. It is off by default because mail servers on "
                    "the same host are mostly asked by an address that their certificate does not "
                    "name."), needs=PORT, example="true"),
    Key("ca_file", Kind.PATH, None,
        "File of the authorities (PEM) that may have signed the certificate. They take the place "
        "of the system's, and turn `verify` on.", needs=PORT, example='"/etc/ssl/mail-ca.pem"'),
    Key("server_name", Kind.HOST, None,
        "Name that is asked for in the TLS handshake, and verified, in place of the host.",
        needs=PORT, example='"mail.example.org"'),
    replace(choice("minimum_tls", TlsVersion,
                   "Oldest version of TLS that the service may answer with.", TlsVersion.TLS_1_2),
            needs=PORT),
    Key("fingerprint", Kind.TEXT, None,
        "SHA-256 of the only certificate to accept. It has 64 hexadecimal digits, with or without "
        "colons, as `openssl x509 -noout -fingerprint -sha256` prints it after the equals sign. It "
        "is checked with and without `verify`, and has to be changed with every new certificate.",
        shape=shapes.fingerprint, rule=shapes.FINGERPRINT, needs=PORT,
        example=f'"{"0123456789abcdef" * 4}"'),
    replace(choice("proxy", ProxyHeader,
                   "Version of the PROXY protocol whose header opens the connection. Only for a "
                   "port that expects one: any other takes it for a client's mistake, and most "
                   "mail servers count those towards a ban.", ProxyHeader.NONE), needs=PORT),
    Key("user", Kind.TEXT, None,
        "User to log in as. A login that is refused counts towards the bans of most mail servers, "
        "so use an account of its own.\n", needs=LOGIN, example='"canary@example.org"',
        pattern=r"[^\x00-\x1f\x7f]{1,255}", rule="a user name on one line"),
    Key("password_file", Kind.PATH, None,
        "File that holds the user's password alone, readable by the group mailwatch.",
        sensitive=True, needs=LOGIN, example='"/etc/mailwatch.canary"',
        rival="password_credential"),
    Key("password_credential", Kind.TEXT, None,
        "Name of the systemd credential that holds the password, in place of `password_file`. Both "
        "in one place are a mistake.", needs=LOGIN, example='"canary"',
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", sensitive=True, rival="password_file",
        rule="the name of a credential, as LoadCredential= in the unit has it"),
    replace(seconds("login_timeout_s", LOGIN_S,
                    "Time for the answers to a login, beside that of the attempt. Servers delay "
                    "them on purpose, Dovecot by up to 16.5 s where somebody at the same address "
                    "guesses passwords. Where none comes, the service is asked once more without "
                    "the login, and one that answers then is not restarted. A login that stays "
                    "without an answer for three rounds is a failure: a `timeout`, which restarts, "
                    "where it has passed before, else of `authentication`, which does not.",
                    low=1, high=LONGEST_LOGIN_S), needs=LOGIN),
)  # fmt: skip
"""What can be said of any service; each is a field, or a part of one, of ServiceSettings."""

_CHANNEL = (
    Key("name", Kind.TEXT, None, "What messages and the log call the channel.",
        required=True, pattern=_NAME, rule=_NAME_RULE, example='"phone"'),
    Key("type", Kind.CHOICE, None, "What kind of channel it is.", required=True),
)  # fmt: skip
"""What must be said of any notifier."""


PLAIN_KEYS: dict[str, tuple[Key, ...]] = {
    "watch": _WATCH,
    "restart": _RESTART,
    "notify": _NOTIFY,
    "evidence": _EVIDENCE,
    "state": _STATE,
    "log": _LOG,
}
"""Section -> its keys, without those of plug-ins."""

Keys = Mapping[str, Key]
"""The keys of one table by their names."""


@dataclass(frozen=True, slots=True)
class Form:
    """A table in which the key `chooser` names a plug-in, whose own keys stand there too.

    They stand between those of `before` and `after`, which may need an ability of the plug-in.
    """

    section: str
    chooser: str
    plugins: Catalogue[Any]
    before: tuple[Key, ...]
    after: tuple[Key, ...] = ()
    usual: Callable[[Mapping[str, object]], str | None] = lambda _table: None
    """Which plug-in a table has that names none."""

    def plugin(self, table: Mapping[str, object]) -> str | None:
        """Return the plug-in of `table`, None for one that nobody knows, nor its keys."""
        said = table[self.chooser] if self.chooser in table else self.usual(table)
        return said if isinstance(said, str) and said in self.plugins.names() else None

    def own(self, plugin: str, at: str = "") -> tuple[Key, ...]:
        """Return the keys of `plugin` alone; `at` is the table, where it is one of a list."""
        title = getattr(self.plugins.load(plugin), "TITLE", "")
        channel = plugin if at == plugin else ""
        return placed(self.plugins.keys(plugin), at or self.section, title, channel)

    def keys(self, plugin: str | None, at: str = "") -> Keys:
        """Return the keys of a table with `plugin`, for None those that are not a plug-in's own."""
        before, after = (
            [
                replace(key, choices=self.plugins.names()) if key.name == self.chooser else key
                for key in placed(keys, at or self.section)
                if not (plugin and key.needs) or self.plugins.can(plugin, key.needs)
            ]
            for keys in (self.before, self.after)
        )
        own = self.own(plugin, at) if plugin else ()
        return {key.name: key for key in (*before, *own, *after)}

    def knowing(self, name: str) -> tuple[str, ...]:
        """Return the plug-ins beside which the key `name` may stand."""
        return tuple(plugin for plugin in self.plugins.names() if name in self.keys(plugin))


_KIND = Key("kind", Kind.CHOICE, USUAL, "What kind of thing is restarted.")

SERVICE = Form(
    "services", "probe", PROBES, _SERVICE,
    usual=lambda table: defaults_for(str(table.get("name"))).probe,
)  # fmt: skip
CHANNEL = Form("notifiers", "type", NOTIFIERS, _CHANNEL)
RESTART = Form("restart", "kind", RESTARTERS, (_KIND,), _RESTART, lambda _table: USUAL)


def sections(restarter: str | None = USUAL) -> dict[str, Keys]:
    """Return the keys of each section, in the order in which `config show` names them.

    Those of one kind of restarter are among them; None stands for one that nobody knows.
    """
    of_evidence = (
        key
        for plugins in (evidence.COLLECTORS, SERVERS)
        for name in plugins.having(evidence.KEYS)
        for key in plugins.keys(name)
    )
    plain = PLAIN_KEYS | {"evidence": (*PLAIN_KEYS["evidence"], *of_evidence)}
    found = {name: CHANNEL.own(name, name) for name in NOTIFIERS.having(SECTION)}
    found |= {section: placed(keys, section) for section, keys in plain.items()}
    named = {section: {key.name: key for key in keys} for section, keys in found.items()}
    return named | {"restart": RESTART.keys(restarter)}


def section_keys() -> tuple[Key, ...]:
    """Return the keys of all sections, with those of the usual restarter."""
    return tuple(key for keys in sections().values() for key in keys.values())
