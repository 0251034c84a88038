"""What every protocol makes of the same words at the same step, asked over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Reading
from mailwatch.core.policy import CURABLE_BY_DEFAULT
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

LOGIN = Login("watch", Secret("s3cret"))
SICK, AWAY, REFUSED = Fault.PROTOCOL, Fault.REJECTED, Fault.AUTHENTICATION

BEFORE = {
    "SMTP": {
        "greeting": [],
        "hello": ["220 hi"],
        "login": ["220 hi", "250-hi\n250 AUTH PLAIN"],
        "password": ["220 hi", "250-hi\n250 AUTH LOGIN", "334 x", "334 x"],
    },
    "LMTP": {"greeting": [], "hello": ["220 hi"]},
    "IMAP": {
        "greeting": [],
        "hello": ["* OK hi"],
        "login": ["* OK hi", "* CAPABILITY IMAP4rev1\na1 OK"],
        "password": ["* OK hi", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\na1 OK", "+ "],
    },
    "POP3": {"greeting": [], "login": ["+OK hi"], "password": ["+OK hi", "+OK"]},
    "SIEVE": {"greeting": [], "login": ['"IMPLEMENTATION" "x"\n"SASL" "PLAIN"\nOK']},
}
"""What a healthy server of each protocol says before it says no, by the step of that."""

LEAVES = {
    "SMTP": "221 bye",
    "LMTP": "221 bye",
    "IMAP": "* BYE\na9 OK",
    "POP3": "+OK",
    "SIEVE": "OK",
}

STEPS = [(name, step) for name, steps in BEFORE.items() for step in steps]
LOGINS = [(name, step) for name, step in STEPS if step in ("login", "password")]


def _no(name: str, step: str, words: str, code: str) -> str:
    """Return `words` as the refusal of that protocol at that step."""
    opens = step == "greeting"
    return {
        "SMTP": f"{code} {words}",
        "LMTP": f"{code} {words}",
        "IMAP": f"* BYE {words}" if opens else f"{'a1' if step == 'hello' else 'a4'} NO {words}",
        "POP3": f"-ERR {words}",
        "SIEVE": f'{"BYE" if opens else "NO"} "{words}"',
    }[name]


def _ask(
    name: str, step: str, words: str, codes: tuple[str, ...], peer: MakePeer, ask: Ask, of: Settings
) -> set[Fault | None]:
    found = set()
    for code in codes if name in ("SMTP", "LMTP") else codes[:1]:
        there = peer(in_turn(*BEFORE[name][step], _no(name, step, words, code), LEAVES[name]))
        login = LOGIN if step in ("login", "password") else None
        reading = ask(of(name, there, login=login))
        assert words in say(reading.detail), reading
        found.add(reading.fault)
    return found


OF_THE_SERVER = [
    "Auth process broken",
    "Disconnected: Auth process broken",
    "Internal login failure. Refer to server log for more information.",
    "Internal error occurred. Refer to server log for more information.",
    "Internal authentication failure",
    "Internal server error",
    "authentication failed: generic failure",
    "authentication failed: Connection lost to authentication server",
    "Lost connection to authentication server",
    "Authentication service unavailable",
    "Fatal error: can't read mailboxes file",
    "Fatal error: Out of memory",
    "Temporary problem, please try again later",
    "Temporary authentication failure.",
    "Temporary local problem - please try later",
    "SQLite error",
    "PostgreSQL error",
    "MySQL error",
    "RocksDB error",
    "FoundationDB error",
    "Redis error",
    "LDAP error",
    "Filesystem error",
    "Connection pool error",
    "Cannot connect to the database",
    "Local configuration error",
    "Queue file write error",
    "Server shutting down.",
    "Auth process not responding, delayed sending initial response (greeting)",
    "authentication failed: cannot connect to saslauthd server",
    "Unable to open a connection to authdaemond",
    "LDAP lookup failed",
    "Authentication temporarily unavailable",
    "System I/O error",
    "Backend unavailable",
    "Unexpected error",
    "Insufficient system resources",
    "Database disk image is corrupted",
    "too many open files",
    "No space left on device",
]


@pytest.mark.parametrize(("name", "step"), STEPS)
@pytest.mark.parametrize("words", OF_THE_SERVER)
def test_a_server_that_blames_itself_is_sick(
    name: str, step: str, words: str, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """Whatever its code, and in the answer to a login too: a restart may cure it."""
    assert _ask(name, step, words, ("421", "454", "535", "554"), peer, ask, service) == {SICK}
    assert SICK in CURABLE_BY_DEFAULT


OF_THE_CLIENT = [
    "Too many authentication failures",
    "Too many failed attempts from 192.0.2.7",
    "connection rate limit exceeded",
    "192.0.2.7 is listed in a blocklist",
    "192.0.2.7 is banned",
    "greylisted by server.database.example, try again later",
]


@pytest.mark.parametrize(("name", "step"), STEPS)
@pytest.mark.parametrize("words", OF_THE_CLIENT)
def test_a_client_that_is_turned_away_restarts_nothing(
    name: str, step: str, words: str, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """A ban, a limit or a list of clients is not the server's sickness, whatever its code."""
    codes = ("421", "450", "451", "454", "550", "554")
    assert _ask(name, step, words, codes, peer, ask, service) == {AWAY}
    assert AWAY not in CURABLE_BY_DEFAULT


OF_THE_LOGIN = [
    "auth: invalid credentials",
    "Authentication credentials invalid",
    "Your account is not authorized to use this service.",
    "Unauthorized IP address",
    "This user is disabled",
    "Password has expired",
    "PLAIN authentication not available for this user",
    "Login unavailable to your account",
    "permission denied",
]


@pytest.mark.parametrize(("name", "step"), LOGINS)
@pytest.mark.parametrize("words", OF_THE_LOGIN)
def test_a_refused_login_is_told_and_not_cured(
    name: str, step: str, words: str, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """In any code: 432, 454 as of maddy, 504, 550 or 554, with an enhanced code or none."""
    codes = ("421", "432", "451", "454", "504", "535", "550", "554")
    assert _ask(name, step, words, codes, peer, ask, service) == {REFUSED}
    assert REFUSED not in CURABLE_BY_DEFAULT


@pytest.mark.parametrize(("name", "step"), LOGINS)
def test_a_no_to_a_login_that_blames_nobody_is_a_refused_login(
    name: str, step: str, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """The server is alive; what refuses is for a person to see."""
    codes = ("432", "500", "502", "504", "534", "535", "550", "554")
    assert _ask(name, step, "no", codes, peer, ask, service) == {REFUSED}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("454 4.7.0 auth: invalid credentials", REFUSED),
        ("454 4.7.0 Temporary authentication failure", SICK),
        ("454 4.7.0 Authentication server busy", SICK),
        ("454 later", SICK),
        ("435 Unable to authenticate at present", SICK),
        ("432 4.7.12 A password transition is needed", REFUSED),
        ("451 4.7.1 by policy", REFUSED),
        ("535 5.7.8 Error: authentication failed: generic failure", SICK),
        ("535 5.7.8 Error: authentication failed: authentication failure", REFUSED),
        ("550 5.7.1 Your account is not authorized to use this service.", REFUSED),
        ("554 5.7.8 no", REFUSED),
        ("535 5.3.0 oops", SICK),
        ("535-5.7.8 Error:\n535 5.7.8 generic failure", SICK),
    ],
)
def test_the_codes_of_smtp_at_a_login(
    answer: str, fault: Fault, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """Words weigh more than the code, and the code more than nothing (RFC 4954, RFC 3463)."""
    there = peer(in_turn("220 hi", "250-hi\n250 AUTH PLAIN", answer, "221 bye"))
    assert ask(service("SMTP", there, login=LOGIN)).fault is fault


@pytest.mark.parametrize(
    ("name", "step", "words", "fault"),
    [
        ("IMAP", "login", "[CONTACTADMIN] SQLite error", SICK),
        ("IMAP", "login", "[CONTACTADMIN] oops", SICK),
        ("IMAP", "login", "[CONTACTADMIN] This account is disabled", REFUSED),
        ("IMAP", "login", "[SERVERBUG] Internal login failure", SICK),
        ("IMAP", "greeting", "[SERVERBUG] oops", SICK),
        ("IMAP", "login", "[UNAVAILABLE] Temporary authentication failure. [mail:2026]", SICK),
        ("IMAP", "login", "[AUTHENTICATIONFAILED] Authentication failed.", REFUSED),
        ("IMAP", "login", "[LIMIT] Too many concurrent requests", None),
        ("POP3", "password", "[SYS/TEMP] Temporary authentication failure", SICK),
        ("POP3", "password", "[SYS/PERM] ask the admin", SICK),
        ("POP3", "password", "[AUTH] Authentication failed.", REFUSED),
        ("POP3", "password", "[LOGIN-DELAY] minimum time between mail checks violation", None),
        ("POP3", "password", "Too many concurrent requests", None),
    ],
)
def test_the_codes_of_responses(
    name: str,
    step: str,
    words: str,
    fault: Fault | None,
    peer: MakePeer,
    ask: Ask,
    service: Settings,
) -> None:
    """RFC 5530 and RFC 3206; what others do with the account is no fault at all."""
    assert _ask(name, step, words, ("",), peer, ask, service) == {fault}


@pytest.mark.parametrize(("name", "step"), LOGINS)
@pytest.mark.parametrize("code", ["[CONTACTADMIN]", "(CONTACTADMIN)", "(TRYLATER)", "[SYS/TEMP]"])
def test_a_code_blames_the_server_in_all_protocols_alike(
    name: str, step: str, code: str, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """Whoever made it up: one store behind several servers words their answers to a login."""
    codes = ("454", "454 4.7.0", "535")
    assert _ask(name, step, f"{code} oops", codes, peer, ask, service) == {SICK}


@pytest.mark.parametrize(
    ("answer", "fault"), [('NO (TRYLATER) "x"', SICK), ('NO "sieveAuthenticate"', REFUSED)]
)
def test_the_codes_of_managesieve(
    answer: str, fault: Fault, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """RFC 5804 section 1.3; Stalwart's word for a login without the permission names nobody."""
    there = peer(in_turn(*BEFORE["SIEVE"]["login"], answer, "OK"))
    assert ask(service("SIEVE", there, login=LOGIN)).fault is fault


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("IMAP", [*BEFORE["IMAP"]["password"], "+ T1RQ"]),
        ("SIEVE", [*BEFORE["SIEVE"]["login"], '"T1RQ"']),
    ],
)
def test_who_wants_more_than_a_password_refuses_it(
    name: str, answers: list[str], peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """A second factor is asked for as a further step of the login; SMTP's 334 is in test_logins."""
    assert ask(service(name, peer(in_turn(*answers)), login=LOGIN)).fault is REFUSED


@pytest.mark.parametrize("many", [3, 90])
def test_all_lines_of_a_refusal_are_told_within_bounds(
    many: int, peer: MakePeer, ask: Ask, service: Settings
) -> None:
    """The first line first, escaped, whatever a footer adds; a hostile length is cut."""
    lines = ["554-5.7.1 Access denied", *["554-5.7.1 a\x1bfooter"] * many, "554 5.7.1 call us"]
    told = say(ask(service("SMTP", peer(in_turn("\n".join(lines))))).detail)
    assert told.startswith(r"the greeting was '554 5.7.1 Access denied a\x1bfooter a\x1bfooter")
    assert ("call us'" in told) == (many == 3)
    assert len(told) < 400
