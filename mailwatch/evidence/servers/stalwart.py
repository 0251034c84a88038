"""Stalwart's log: `TIME LEVEL Text (event.name) key = value, ...`, measured with 0.16.19."""

from __future__ import annotations

from mailwatch.core.causes import INFERRED
from mailwatch.evidence.servers.catalogue import Signature
from mailwatch.evidence.servers.lines import ADDRESS, NO_FILES, NO_PROCESS, NO_SPACE, READ_ONLY

NAME = "Stalwart"

LOOKS_LIKE = (
    r"\b(?:ERROR|WARN|INFO|DEBUG|TRACE) [^()]{1,200} \([a-z0-9-]{1,40}\.[a-z0-9-]{1,60}\)"
    r"|^Startup failed: "
)


def _event(names: str, then: str = "") -> str:
    """Return what finds `then` after an event; what a client said is no name of one."""
    return rf'^[^()"]{{1,300}} \((?:{names})\){then}'


def _key(name: str, value: str) -> str:
    return rf" (?:.{{0,300}}?, )?{name} = {value}"


def _trouble(words: str) -> str:
    """Return what finds `words` in an error of the store or of the start."""
    return (
        r"^(?:Startup failed: "
        r'|[^()"]{1,300} \((?:store|server|registry|network)\.[a-z0-9-]{1,40}\) )'
        rf".{{0,400}}?(?:{words})"
    )


_US = _key("remoteIp", ADDRESS)

_NAMES_ITS_FILE = (
    r"^Startup failed: (?=.{0,200}?\bconfig(?:\.json|\.toml|uration file)\b)(?P<words>.{1,200})"
)
"""Other words of a start that failed may tell of a database that came up late."""

SIGNATURES = (
    # A banned address is accepted and closed at once, before TLS, on every port.
    Signature(
        "ban-by-server",
        _event(r"security\.(?:ip-blocked|authentication-ban|abuse-ban|scan-ban|loiter-ban)", _US),
        of_us=True,
    ),
    # A full listener accepts and closes; the others go on.
    Signature(
        "server-listener-full",
        _event(
            r"limit\.concurrent-connection",
            _key("listenerId", r'"?(?P<listener>[\w.-]{1,64})')
            + r"(?:.{0,200}?, limit = (?P<limit>\d{1,9}))?",
        ),
        known={"setting": "maxConnections of the listener"},
    ),
    # Five connections a second from an address, over 25 and 465 together.
    Signature(
        "server-limits-us",
        _event(r"smtp\.(?:rate|concurrency)-limit-exceeded", _US),
        of_us=True,
        known={"setting": "the inbound rate limit"},
    ),
    Signature("server-bootstrap", _event(r"server\.bootstrap-mode")),
    Signature("server-recovery-mode", _event(r"server\.recovery-mode")),
    Signature("server-store-full", _trouble(rf"database or disk is full|{NO_SPACE}")),
    Signature("server-store-read-only", _trouble(rf"readonly database|{READ_ONLY}")),
    # SQLite says so of a busy moment as well, RocksDB only of another process.
    Signature(
        "server-store-locked",
        _event(r"store\.[a-z0-9-]{1,40}", r" .{0,400}?database (?:table )?is locked"),
        known=INFERRED,
    ),
    Signature(
        "server-store-locked",
        _trouble(rf"database (?:table )?is locked|lock file.{{0,100}}?{NO_PROCESS}"),
    ),
    Signature(
        "server-store-corrupt",
        _trouble(r"disk image is malformed|file is not a database|Corruption: "),
    ),
    Signature("server-store-corrupt", _event(r"store\.data-corruption")),
    Signature("server-store-missing", _trouble(r"unable to open database file")),
    Signature("server-no-files", _trouble(NO_FILES)),
    Signature(
        "server-config-damaged",
        _event(r"registry\.local-(?:parse|read)-error", r" (?P<words>.{1,200})"),
    ),
    Signature("server-config-damaged", _NAMES_ITS_FILE),
    Signature(
        "server-port-taken",
        _event(r"network\.bind-error", _key("listenerId", r'"?(?P<listener>[\w.-]{1,64})')),
    ),
    Signature(
        "server-backend-fails",
        r'^[^()"]{1,300} \(store\.(?P<backend>postgresql|mysql|redis|foundationdb|ldap|s3|azure'
        r"|elasticsearch)-error\)",
    ),
    Signature("server-crashed", _event(r"server\.thread-error")),
)
