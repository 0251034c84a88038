"""Dovecot's log (2.3, 2.4), by syslog or to a file: `PROCESS(user)<pid><session>: Level: text`."""

from __future__ import annotations

from mailwatch.core.causes import INFERRED
from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import (
    ADDRESS,
    IN_USE,
    NO_FILES,
    NO_MEMORY,
    NO_PROCESS,
    NO_SPACE,
    PLAIN,
    READ_ONLY,
    SYSLOG,
)

NAME = "Dovecot"

_PROCESS = (
    r"(?:master|log|config|doveconf|anvil|auth|auth-worker|stats|indexer|indexer-worker|lmtp|imap|pop3|"
    r"imap-login|pop3-login|submission|submission-login|managesieve|managesieve-login|ssl-params|"
    r"dict|director|old-stats|replicator|script)"
)
_OF = r"(?:\([^)]{0,100}\))?(?:<[^>]{0,60}>){0,3}: "
_HEAD = rf"{SYSLOG}(?:dovecot(?:\[\d{{1,10}}\])?: )?{_PROCESS}{_OF}"

LOOKS_LIKE = (
    rf"{SYSLOG}(?:dovecot(?:\[\d{{1,10}}\])?: "
    rf"|{_PROCESS}{_OF}(?:Debug|Info|Warning|Error|Fatal|Panic): )"
)


def _says(text: str, level: str = "(?:Warning|Error|Fatal|Panic): ") -> str:
    return _HEAD + level + text


_FATAL = "(?:Fatal|Panic): "
_ABOUT = r"service\((?P<listener>[\w-]{1,64})\): "
_REACHED = r"(?: \((?P<limit>\d{1,9})\))? reached"
_FILE = r"\((?P<path>/[^)]{1,200})\)"

SIGNATURES = (
    Signature(
        "server-process-limit",
        _says(rf"{_ABOUT}process_limit{_REACHED}"),
        known={"setting": "process_limit of the service"},
    ),
    Signature(
        "server-listener-full",
        _says(rf"{_ABOUT}client_limit(?:/service_count)?{_REACHED}"),
        known={"setting": "client_limit of the service"},
    ),
    Signature(
        "server-limits-us",
        _says(
            r"Maximum number of connections from user\+IP exceeded "
            rf"\(mail_max_userip_connections=(?P<limit>\d{{1,9}})\).{{0,200}}?, rip={ADDRESS}",
            r"(?:Info: )?(?:Disconnected: |Login aborted: )?",
        ),
        of_us=True,
        known={"setting": "mail_max_userip_connections"},
    ),
    # The kernel says so, too, of watches for changes (inotify(7)), which nobody misses.
    Signature(
        "server-store-full",
        _says(rf"(?!.{{0,100}}inotify){PLAIN}{_FILE}.{{0,40}}? failed: {NO_SPACE}"),
    ),
    Signature("server-store-full", _says(rf"(?!.{{0,100}}inotify){PLAIN}{NO_SPACE}")),
    Signature("server-store-read-only", _says(rf"{PLAIN}{READ_ONLY}")),
    Signature("server-no-files", _says(rf"{PLAIN}{NO_FILES}")),
    Signature("server-no-process", _says(rf"{PLAIN}fork\(\) failed: {NO_PROCESS}")),
    Signature("server-no-memory", _says(rf"{PLAIN}{NO_MEMORY}"), known={"setting": "vsz_limit"}),
    Signature(
        "server-port-taken",
        _says(rf"{PLAIN}bind\((?P<listener>[^)]{{1,60}})\) failed: {IN_USE}"),
    ),
    Signature(
        "server-certificate-unusable",
        _says(
            r"(?:Failed to initialize SSL server context: )?(?:Can't load (?:SSL|ssl_)|"
            r"Couldn't parse (?:DH|private) ?(?:ssl_key|parameters)?|There is no valid PEM)"
        ),
    ),
    Signature(
        "server-no-permission",
        rf"{SYSLOG}(?:dovecot(?:\[\d{{1,10}}\])?: )?"
        rf"(?:imap|pop3|lmtp|submission|managesieve|indexer-worker)\([^)]{{1,100}}\)"
        rf"(?:<[^>]{{0,60}}>){{0,3}}: {_FATAL}{PLAIN}{_FILE}.{{0,60}}? failed: Permission denied",
        known=INFERRED,  # the files of one user
    ),
    Signature(
        "server-no-permission",
        _says(rf"{PLAIN}{_FILE}.{{0,60}}? failed: Permission denied", _FATAL),
    ),
    # What its config process does not answer says nothing of the configuration.
    Signature(
        "server-part-silent",
        _says(
            r"Error reading configuration: (?:Timeout |(?:net_connect_unix|connect|read|write)\()",
            _FATAL,
        ),
        known={"part": "its config service"},
    ),
    Signature(
        "server-config-damaged",
        _says(
            r"(?P<words>(?:Error in configuration file|Invalid configuration|Error reading "
            r"configuration).{1,200})",
            _FATAL,
        ),
    ),
    Signature(
        "server-part-silent",
        _says(r"(?:net_connect_unix|connect)\((?P<part>[^)]{1,100})\).{0,60}? failed"),
    ),
    Signature(
        "server-part-silent",
        _says(r"(?:Auth server|Timeout waiting for handshake from auth server)"),
        known={"part": "its auth service"},
    ),
    Signature(
        "server-backend-fails",
        rf"{SYSLOG}(?:dovecot(?:\[\d{{1,10}}\])?: )?auth(?:-worker)?{_OF}Error: {PLAIN}"
        r"\b(?P<backend>mysql|pgsql|ldap|redis)\b",
    ),
    Signature(
        "server-mailbox-damaged",
        _says(
            r".{0,100}?[Cc]orrupted (?:dbox|mdbox|index|index cache|transaction log) file "
            r"(?P<path>/[^\s:]{1,200})"
        ),
    ),
    Signature(
        "server-crashed",
        _says(r"service\((?P<part>[\w-]{1,64})\): child \d{1,10} killed with signal \d{1,3}"),
    ),
    Signature("server-crashed", rf"{_HEAD}Panic: "),
    Signature("server-told-to-stop", _says(r"Killed with signal (?P<signal>\d{1,3}) \(by pid=")),
)
