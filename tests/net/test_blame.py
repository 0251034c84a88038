"""By which words a sick server, a client that is turned away and a refused login are told apart."""

from __future__ import annotations

import pytest

from mailwatch.core.model import Fault
from mailwatch.net.blame import Blamed, blamed, fault_of_no

SHARED, CLIENT, SERVER = Blamed.SHARED, Blamed.CLIENT, Blamed.SERVER

LIMITS = [
    (SHARED, "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=1)"),
    (SHARED, "Maximum number of concurrent connections reached"),
    (CLIENT, "421 4.3.2 Connection rate limit exceeded."),
    (SHARED, "421 4.7.0 mail.example.org Error: too many connections from unknown[172.17.0.1]"),
    (CLIENT, "Error: too many AUTH commands from pool-7.database.example.net[192.0.2.7]"),
    (SHARED, "Too many concurrent SMTP connections; please try again later."),
    (CLIENT, "Too many authentication failures"),
    (CLIENT, "Too many authentication attempts"),
    (SHARED, "Too many requests"),
    (SHARED, "[LIMIT] Too many concurrent requests"),
    (SHARED, "[UNAVAILABLE] Too many connections at this time"),
    (CLIENT, "451 4.7.0 Limit reached"),
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
    "421 4.3.2 All server ports are busy",
    "421 mail.example.org 4.3.0 in trouble",
]


@pytest.mark.parametrize("at_login", [False, True])
@pytest.mark.parametrize(("who", "words"), LIMITS)
def test_a_limit_of_the_client(who: Blamed, words: str, at_login: bool) -> None:
    """No restart gives it more; a host whose name has such a word in it is still a client."""
    assert blamed(words.encode(), at_login=at_login) is who


@pytest.mark.parametrize("at_login", [False, True])
@pytest.mark.parametrize("words", OF_THE_SERVER)
def test_what_the_server_has_run_out_of(words: str, at_login: bool) -> None:
    """It is sick, and a restart may well cure it."""
    assert blamed(words.encode(), at_login=at_login) is SERVER


@pytest.mark.parametrize(
    ("words", "step", "found"),
    [
        (b"no", Fault.AUTHENTICATION, Fault.AUTHENTICATION),
        (b"[sys/temp] later", Fault.AUTHENTICATION, Fault.PROTOCOL),
        (b"[SYS/TEMP] too many open files", Fault.AUTHENTICATION, Fault.PROTOCOL),
        (b"[SYS/TEMP] of one mailbox", Fault.DELIVERY, Fault.DELIVERY),
        (b"no such message is listed", Fault.DELIVERY, Fault.DELIVERY),
        (b"[IN-USE] by another", Fault.AUTHENTICATION, None),
        (b"[SYS/TEMP] too many sessions", Fault.AUTHENTICATION, None),
        (b"too many sessions", Fault.DELIVERY, None),
        (b"too many connections", Fault.REJECTED, Fault.REJECTED),
        (b"[SYS/TEMP] too many connections", Fault.REJECTED, Fault.REJECTED),
    ],
)
def test_what_a_no_is_at_each_step(words: bytes, step: Fault, found: Fault | None) -> None:
    """A limit is the client's before a login, then one of the account; a no to mail is delivery."""
    assert fault_of_no(words, step) is found


def test_a_refusal_of_any_length_is_read_at_once() -> None:
    """Hostile words of a quarter of a megabyte cost no more than their beginning."""
    assert blamed(b"temporary connection " * 12_000 + b"too many connections") is None
