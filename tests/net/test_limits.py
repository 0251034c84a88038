"""By which words a client at a limit is told from a server that has run out of something."""

from __future__ import annotations

import pytest

from mailwatch.core.model import Fault
from mailwatch.net.limits import fault_of_no, hints_at_limit, names_limit

OF_THE_CLIENT = [
    "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
    "Maximum number of concurrent connections reached",
    "4.3.2 Connection rate limit exceeded.",
    "4.7.0 mail.example.org Error: too many connections from unknown[172.17.0.1]",
    "Error: too many AUTH commands from pool-7.database.example.net[192.0.2.7]",
    "Too many concurrent SMTP connections; please try again later.",
    "Too many authentication failures",
    "Too many requests",
    "Too many connections at this time",
]
OF_THE_SERVER = [
    "4.3.0 Temporary authentication failure: too many open files",
    "4.7.0 Internal error: too many processes",
    "too many threads",
    "4.3.1 memory limit exceeded",
    "4.7.0 time limit exceeded",
    "load limit reached",
    "[UNAVAILABLE] Error 1040: Too many connections",
    "Too many open connections to database",
    "Too many failures connecting to the auth backend",
    "4.3.2 Internal connection limit of LDAP pool reached",
    "All server ports are busy",
]


@pytest.mark.parametrize("words", OF_THE_CLIENT)
def test_a_limit_of_the_client(words: str) -> None:
    """No restart gives it more; a host whose name has such a word in it is still a client."""
    assert names_limit(words.encode())
    assert hints_at_limit(words.encode())


@pytest.mark.parametrize("words", OF_THE_SERVER)
def test_what_the_server_has_run_out_of(words: str) -> None:
    """It is sick, and a restart may well cure it."""
    assert not names_limit(words.encode())
    assert not hints_at_limit(words.encode())


@pytest.mark.parametrize(
    ("words", "fault", "found"),
    [
        (b"no", Fault.AUTHENTICATION, Fault.AUTHENTICATION),
        (b"[sys/temp] later", Fault.AUTHENTICATION, Fault.PROTOCOL),
        (b"[SYS/TEMP] too many open files", Fault.AUTHENTICATION, Fault.PROTOCOL),
        (b"[SYS/TEMP] of one mailbox", Fault.DELIVERY, Fault.DELIVERY),
        (b"[IN-USE] by another", Fault.AUTHENTICATION, None),
        (b"[SYS/TEMP] too many sessions", Fault.AUTHENTICATION, None),
        (b"too many connections", Fault.REJECTED, Fault.REJECTED),
        (b"[SYS/TEMP] too many connections", Fault.REJECTED, Fault.REJECTED),
    ],
)
def test_whom_a_no_blames(words: bytes, fault: Fault, found: Fault | None) -> None:
    """The server itself, the client before any login, or what others do with the account."""
    assert fault_of_no(words, fault, trouble=(b"[SYS/",), busy=(b"[IN-USE]",)) is found
