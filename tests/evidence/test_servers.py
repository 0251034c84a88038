"""What a mail server's own log says of its troubles, and when that is taken for the cause."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mailwatch.core.causes import KINDS, is_ban, is_incurable
from mailwatch.core.causes import line as worded
from mailwatch.core.evidence import Evidence, Finding, Json, rows
from mailwatch.core.facts import NOTHING, fact
from mailwatch.evidence import causes
from mailwatch.evidence.servers.catalogue import SERVERS, heard, last_words
from tests.evidence.server_lines import HEALTHY, TROUBLES, US

PLAIN = '2026-11-27T03:14:02Z INFO SMTP EHLO command (smtp.ehlo) listenerId = "smtp", domain = "mx"'
BANNED, FULL = TROUBLES[0][0], TROUBLES[2][0]
NO_SPACE, PART_ENDED = (
    TROUBLES[18][0],
    "2026-11-27 03:14:06,802 WARN exited: x (exit status 1; not expected)",
)
STAMP = "2026-11-27T03:14:05.123456789Z "


def look(*lines: str, us: str = US, **container: Json) -> Evidence:
    """Return a look at a container that runs, with these lines in its log."""
    found: dict[str, Json] = {"status": "running", "engine": "answers", "seen_as": us, **container}
    log: dict[str, Json] = {"server": heard(lines), "last_words": last_words(lines)}
    silent: Json = {"service": "SMTP:25", "verdict": "fail", "fault": "silent", "phases": {}}
    return {
        "readings": Finding({"now": [silent]}),
        "container": Finding(found),
        "log": Finding(log),
    }


@pytest.mark.parametrize("name", SERVERS.names())
def test_every_server_of_the_catalogue_can_be_loaded(name: str) -> None:
    """It says how its log looks, and something is known of the code of each signature."""
    server = SERVERS.load(name)
    assert server.NAME
    assert server.LOOKS_LIKE
    own = set(getattr(server, "SENTENCES", {}))
    assert {signature.code for signature in server.SIGNATURES} <= set(KINDS) | own


@pytest.mark.parametrize("stamp", ["", STAMP], ids=["bare", "stamped"])
@pytest.mark.parametrize(
    ("line", "code", "known"),
    TROUBLES,
    ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(TROUBLES)],
)
def test_a_line_names_its_cause_with_its_numbers(
    line: str, code: str, known: dict[str, str], stamp: str
) -> None:
    """Whoever wrote it, with the engine's time before it or not."""
    cause = causes.likely(look(f"{stamp}{line}"))
    assert cause.code == code
    assert known.items() <= dict(cause.args).items()
    assert 0 < len(worded(cause)) <= 160
    assert "{" not in worded(cause)
    assert "None" not in worded(cause)


@pytest.mark.parametrize("line", HEALTHY)
def test_a_line_of_a_healthy_server_names_nothing(line: str) -> None:
    """Servers log all day long what clients say, and whom they rightly turn away."""
    assert heard([line]).get("said", []) == [] or not _named(look(line))


def _named(evidence: Evidence) -> list[str]:
    return [one.fact.code for one in causes.find(evidence) if one.fact.code != "last-words"]


def test_every_signature_has_its_line() -> None:
    """A code that a server's file names and no line shows fails here by its name."""
    named = {
        (SERVERS.load(n).NAME, s.code) for n in SERVERS.names() for s in SERVERS.load(n).SIGNATURES
    }
    shown = set()
    for line, code, _ in TROUBLES:
        (row,) = rows({"log": Finding({"server": heard([line])})}, "log", "server", "said")
        arguments = row["arguments"]
        assert isinstance(arguments, dict)
        shown.add((arguments["server"], code))
    # errno's words are looked for alike in every server's own messages
    alike = {"server-store-full", "server-store-read-only", "server-no-files", "server-no-process",
             "server-no-memory", "server-port-taken"}  # fmt: skip
    assert {one for one in named - shown if one[1] not in alike} <= {
        ("Stalwart", "server-crashed"),
        ("Exim", "server-no-permission"),
        ("Courier", "server-certificate-unusable"),
        ("Rspamd", "server-backend-fails"),
    }


def test_a_log_of_nobody_known_says_nothing() -> None:
    """Words that happen to be alike name no cause in another server's log."""
    assert heard(["the database is locked", "No space left on device"]) == {}
    assert heard([]) == {}


def test_a_ban_of_our_own_address_is_the_cause() -> None:
    """The server has said so itself: there is no doubt whether it was a limit."""
    cause = causes.likely(look(PLAIN, BANNED))
    assert cause == fact("ban-by-server", address=US, server="Stalwart")
    assert worded(cause).startswith("ban: Stalwart has banned 172.17.0.1")
    assert is_ban(causes.likely(look(BANNED, us="172.17.0.1 or ::1")))


def test_a_ban_of_somebody_else_is_no_cause() -> None:
    """Servers ban all day long, and rightly so."""
    assert _named(look(PLAIN, BANNED, us="192.0.2.7")) == []
    assert _named(look(PLAIN)) == []


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
    assert _named(look(PLAIN, line)) == []


def test_the_newest_trouble_counts_among_alike() -> None:
    """A listener that is full now tells more than one that was before."""
    before = FULL.replace("imaptls", "smtp")
    assert causes.likely(look(before, FULL)).get("listener") == "imaptls"


def test_the_cause_comes_before_its_symptoms_and_the_second_is_kept() -> None:
    """The supervisor speaks last, of what the full disk has led to."""
    found = causes.find(look(NO_SPACE, FULL, PART_ENDED))
    assert [one.fact.code for one in found] == [
        "server-store-full", "server-listener-full", "server-part-ended",
    ]  # fmt: skip


def test_a_log_of_several_servers_is_read_as_such() -> None:
    """docker-mailserver's is of Postfix, Dovecot, Rspamd and the supervisor."""
    assert heard([NO_SPACE, PART_ENDED, "x"])["names"] == ["Postfix", "the supervisor"]


def test_lines_of_an_earlier_run_are_not_of_this_outage() -> None:
    """A container that was set up and started anew is not in bootstrap mode any more."""
    line = f"{STAMP}{TROUBLES[4][0]}"
    assert causes.likely(look(line, started="2026-11-27T03:14:05.3Z")).code == "server-bootstrap"
    later = look(line, started="2026-11-27T03:20:00Z")
    assert _named(later) == []


def test_what_ended_is_told_with_its_last_words() -> None:
    """Where no signature fits, the last line that tells of an error is quoted as such."""
    lines = (f"{STAMP}all is well", f"{STAMP}mailer: error: the moon is full", f"{STAMP}bye")
    cause = causes.likely(look(*lines, status="exited", exit_code=3))
    assert worded(cause) == (
        "the container does not run: it is exited with exit code 3; its last words: mailer: error: "
        "the moon is full"
    )
    running = causes.likely(look(*lines))
    assert worded(running) == (
        "not known; the last words in its log: mailer: error: the moon is full"
    )


def test_nobody_is_quoted_while_anything_answers() -> None:
    """A server that serves has errors in its log as well."""
    found = look("mailer: error: the moon is full")
    passing: Json = {"service": "HTTP:80", "verdict": "pass", "phases": {}}
    assert causes.likely({**found, "readings": Finding({"now": [passing]})}) == NOTHING


CONFIG = next(line for line, code, _ in TROUBLES if code == "server-config-damaged")
LOST = next(line for line, code, _ in TROUBLES if code == "server-store-missing")
DENIED, OF_A_JOB, OF_A_USER, OF_ALL = [
    line for line, code, _ in TROUBLES if code == "server-no-permission"
]
BUSY = [line for line, _, _ in TROUBLES if line.endswith(("database is locked", 'is locked"'))]
FULL_STORE = TROUBLES[6][0]


@pytest.mark.parametrize("status", ["exited", "restarting"])
@pytest.mark.parametrize("line", [CONFIG, LOST, DENIED, OF_ALL, FULL_STORE])
def test_the_words_of_a_server_that_ended_hold_a_restart(line: str, status: str) -> None:
    """It comes up no better when it is started once more."""
    assert is_incurable(causes.likely(look(line, status=status, exit_code=1)))


@pytest.mark.parametrize("line", [CONFIG, LOST, DENIED, OF_ALL])
def test_words_that_one_process_said_once_hold_no_restart(line: str) -> None:
    """They are told; said twice, or by a server that listens on nothing, they hold."""
    once = look(line)
    assert causes.likely(once) != NOTHING
    assert not is_incurable(causes.likely(once))
    assert is_incurable(causes.likely(look(line, line)))
    for listens, holds in (([False, False], True), ([False, True], False)):
        watched: list[Json] = [
            {"port": port, "published_as": port, "listens": one}
            for port, one in zip((25, 993), listens, strict=True)
        ]
        found = {**once, "connections": Finding({"watched": watched})}
        assert any(is_incurable(one.fact) for one in causes.find(found)) is holds


def test_the_words_of_each_run_since_our_order_count() -> None:
    """Docker's own restarts are none of ours: between two of them the server may look well."""
    lines = [f"{at} {CONFIG}" for at in ("2026-11-27T03:14:05.1Z", "2026-11-27T03:16:05.1Z")]
    for restarts, holds in ((3, True), (0, False)):
        found = look(*lines, restarts=restarts, started="2026-11-27T03:16:04Z")
        assert is_incurable(causes.likely(found)) is holds


@pytest.mark.parametrize("line", [*BUSY, OF_A_JOB, OF_A_USER])
def test_a_healthy_server_may_say_so_again_and_again(line: str) -> None:
    """A busy moment of SQLite, a job, the files of one user: no reason against a restart."""
    for status in ("running", "exited"):
        found = causes.find(look(*[line] * 3, status=status))
        assert found
        assert not any(is_incurable(one.fact) for one in found)


STOPPED: dict[str, Json] = {"pid": "1", "name": "x", "state": "T"}
QUEUE: Json = {"port": 993, "queue": 129, "connections": 129}
AILING = {
    "stopped-processes": ("processes", {"table": [STOPPED]}),
    "stuck-processes": ("processes", {"table": [{**STOPPED, "state": "D", "stuck": True}]}),
    "out-of-memory": ("cgroup", {"oom_kills": 1}),
    "accept-queue-full": (
        "connections", {"container": {"listeners": [QUEUE], "listen_overflows": 9}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", [CONFIG, FULL_STORE, OF_A_USER])
@pytest.mark.parametrize("code", AILING)
def test_what_ails_its_processes_comes_before_its_words(code: str, line: str) -> None:
    """That is now, the words are of any time since all was well; they are kept."""
    name, values = AILING[code]
    found = {**look(line, line), name: Finding.of_json(values)}
    first, *others = [one.fact.code for one in causes.find(found)]
    assert first == code
    assert others[0].startswith("server-")


WORST: dict[str, Callable[[int], list[str]]] = {
    "one line of words": lambda size: ["fatal: " * (size // 7)],
    "one line without a space": lambda size: ["a" * size],
    "the beginnings of events": lambda size: ["ERROR x (" * 50] * (size // 450),
    "the beginnings of programs": lambda size: ["a a a a a a postfix/" * 20] * (size // 400),
    "files that never end": lambda size: ["dovecot: imap: Error: " + "(/" * 230] * (size // 480),
    "redis and fork": lambda size: ["#1(main) <a>; b; c: " + "redis fork " * 40] * (size // 460),
    "errors of a store": lambda size: ["A (store.a-error) " + "lock file" * 50] * (size // 468),
    "an Exim that fails": lambda size: ["2026-11-27 03:14:05 " + "Failed " * 65] * (size // 475),
}


@pytest.mark.parametrize("name", WORST)
def test_a_hostile_log_takes_time_in_proportion_to_its_length(name: str) -> None:
    """1 MiB of the worst takes no more than a good twice as long as half of it."""

    def took(size: int) -> float:
        lines = WORST[name](size)
        best = float("inf")
        for _ in range(2):
            began = time.thread_time()
            heard(lines)
            last_words(lines)
            best = min(best, time.thread_time() - began)
        return best

    half = took(512 * 1024)
    assert took(1024 * 1024) < 3 * half + 0.05
