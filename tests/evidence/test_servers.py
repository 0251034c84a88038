"""What a mail server's own log says of its troubles, and when that is taken for the cause."""

from __future__ import annotations

import pytest

from mailwatch.core.causes import is_ban
from mailwatch.core.causes import line as worded
from mailwatch.core.evidence import Evidence, Finding, rows
from mailwatch.core.facts import fact
from mailwatch.evidence import causes
from mailwatch.evidence.servers.catalogue import SERVERS, heard

PLAIN = '2026-11-27T03:14:02Z INFO SMTP EHLO command (smtp.ehlo) listenerId = "smtp", domain = "mx"'
BANNED = (
    "2026-11-27T03:14:05Z INFO Blocked IP address (security.ip-blocked) "
    'listenerId = "smtp", localPort = 25, remoteIp = 172.17.0.1, remotePort = 4711'
)
FULL = (
    "2026-11-27T03:14:06Z WARN Concurrent connection limit exceeded "
    '(limit.concurrent-connection) listenerId = "imaptls", remoteIp = 172.17.0.1, limit = 8192'
)


def look(*lines: str, us: str = "172.17.0.1") -> Evidence:
    """Return a look at a container that runs, with these lines in its log."""
    found = {"status": "running", "engine": "answers", "seen_as": us}
    return {"container": Finding(found), "log": Finding({"server": heard(lines)})}


@pytest.mark.parametrize("name", SERVERS.names())
def test_every_server_of_the_catalogue_can_be_loaded(name: str) -> None:
    """It says how its log looks, and has a clause for the code of each signature."""
    server = SERVERS.load(name)
    assert server.LOOKS_LIKE
    assert {signature.code for signature in server.SIGNATURES} == set(server.SENTENCES)


def test_a_log_of_nobody_known_says_nothing() -> None:
    """Words that happen to be alike name no cause in another server's log."""
    assert heard(["Nov 27 03:14 mx postfix/smtpd[7]: connect from unknown[192.0.2.1]"]) == {}
    assert not causes.likely({"log": Finding({"server": heard([])})})


def test_a_ban_of_our_own_address_is_the_cause() -> None:
    """The server has said so itself: there is no doubt whether it was a limit."""
    (row,) = rows(look(PLAIN, BANNED), "log", "server", "said")
    assert row["arguments"] == {"address": "172.17.0.1"}
    cause = causes.likely(look(PLAIN, BANNED))
    assert cause == fact("ban-by-stalwart", address="172.17.0.1")
    assert worded(cause).startswith("ban: Stalwart has banned 172.17.0.1")
    assert is_ban(causes.likely(look(BANNED, us="172.17.0.1 or ::1")))


def test_a_ban_of_somebody_else_is_no_cause() -> None:
    """Servers ban all day long, and rightly so."""
    assert not causes.likely(look(PLAIN, BANNED, us="192.0.2.7"))
    assert not causes.likely(look(PLAIN))


@pytest.mark.parametrize(
    "said",
    [
        'domain = "x (security.ip-blocked) remoteIp = 172.17.0.1"',
        'domain = "x\\", remoteIp = 172.17.0.1 (security.ip-blocked) remoteIp = 172.17.0.1"',
    ],
)
def test_a_client_cannot_say_that_we_are_banned(said: str) -> None:
    """What it sends stands in the log, between quotes."""
    line = f"2026-11-27T03:14:02Z INFO SMTP EHLO command (smtp.ehlo) {said}"
    assert not causes.likely(look(PLAIN, line))


def test_the_times_of_the_engine_stand_before_those_of_the_server() -> None:
    """As `docker logs --timestamps` shows each line."""
    cause = causes.likely(look(f"2026-11-27T03:14:05.123456789Z {BANNED}"))
    assert cause == fact("ban-by-stalwart", address="172.17.0.1")


def test_the_newest_trouble_counts() -> None:
    """A listener that is full now tells more than what was before."""
    assert "imaptls" in str(causes.likely(look(PLAIN, BANNED, FULL)))
