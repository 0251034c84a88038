"""A well-formed answer with the wrong code, for every verb of every protocol.

Each conversation is a table of what the client says and what a healthy server answers. A test for
each line of each table plays the server up to there, and then every answer that the protocol
allows and that says something else than was hoped for.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes import canary, canary_mailbox
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mark import HEADER, Mark
from mailwatch.probes.catalogue import build
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.settings import ServiceSettings
from tests.probes.conftest import attempt

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

LOGIN = Login("watch", Secret("s3cret"))
PLAIN = b64encode(b"\0watch\0s3cret").decode()
USER, PASSWORD = (b64encode(word).decode() for word in (b"watch", b"s3cret"))

ENDS = "mailwatch sends this"
"""How the last line of a canary begins."""

CODES = (
    "211", "214", "220", "221", "235", "250", "251", "252", "334", "354", "421", "432", "450",
    "451", "452", "454", "455", "500", "501", "502", "503", "504", "521", "525", "530", "534",
    "535", "538", "550", "551", "552", "553", "554", "555",
)  # fmt: skip
"""Those of RFC 5321, 4954, 3207, 5248 and 7504, right somewhere and wrong elsewhere."""


@dataclass(frozen=True)
class Wrong:
    """An answer that is not hoped for, what it is taken for, and whether we still take leave."""

    answer: str
    fault: Fault | None = Fault.PROTOCOL
    """None for one that says nothing against the service."""
    leaves: bool = True


@dataclass(frozen=True)
class Line:
    """What the client says, empty where it only listens, and the healthy server's answer to it."""

    says: str
    right: str
    fault: Fault = Fault.PROTOCOL
    """What a no to this line is."""
    then_tls: bool = False

    @property
    def tag(self) -> str:
        """The tag of an IMAP command."""
        return self.says.split(" ")[0]


def smtp(line: Line) -> Iterator[Wrong]:
    """Every other code; after 421 the server hangs up by itself (RFC 5321 section 3.8)."""
    rights = {line.right[:3]} | ({"251"} if line.says.startswith("RCPT") else set())
    # The greeting and EHLO are where a server that is well may turn us away.
    opens = not line.says or line.says.startswith(("EHLO", "LHLO"))
    at_login = line.fault is REFUSED
    if line.right.startswith("235"):
        rights.add("334")  # it wants more of the login, see test_logins
    for code in CODES:
        fault = line.fault
        if opens and code in ("521", "550", "554"):
            fault = REJECTED
        if at_login and (code < "400" or code in ("451", "452", "454", "455")):
            fault = Fault.PROTOCOL  # no refusal, or one that RFC 5321 and 4954 lay on the server
        if code == "421":
            if not at_login:  # there it is a login that is refused, see test_logins
                yield Wrong("421 closing", leaves=False)
            yield Wrong("421 too many", REJECTED, leaves=False)
        elif code not in rights:
            yield Wrong(f"{code} other", fault)
            yield Wrong(f"{code}-other\n{code} lines", fault)
            if opens:
                # It blames itself, for now: what a restart may cure (RFC 3463 section 3.4).
                yield Wrong(f"{code} 4.3.2 later")
            elif code.startswith("4"):
                yield Wrong(f"{code} 4.7.1 Error: too many of these", REJECTED)


def submission(line: Line) -> Iterator[Wrong]:
    """The same, but what asks for another try of the message later is no fault yet."""
    for wrong in smtp(line):
        later = line.fault is Fault.DELIVERY and wrong.answer.startswith("4")
        yield replace(wrong, fault=None) if later else wrong


def imap(line: Line) -> Iterator[Wrong]:
    """A tagged NO or BAD, the word to go on or to stop where the other is wanted, and BYE."""
    if not line.says:
        yield from (Wrong(f"* {word} hi", leaves=False) for word in ("NO", "BAD"))
        yield Wrong("* BYE", REJECTED, leaves=False)
        yield Wrong("* bye [ALERT] too many connections", REJECTED, leaves=False)
        yield Wrong("* BYE [UNAVAILABLE] Too many connections", REJECTED, leaves=False)
        yield Wrong("* BYE [UNAVAILABLE] later", leaves=False)
        yield Wrong("* BYE [SERVERBUG] oops", leaves=False)
        return
    tag = {PLAIN: "a4", ENDS: "r1"}.get(line.says, line.tag)
    yield Wrong(f"{tag} NO other", line.fault)
    trouble = DELIVERY if line.fault is DELIVERY else Fault.PROTOCOL
    yield Wrong(f"{tag} NO [UNAVAILABLE] later", trouble)
    yield Wrong(f"{tag} NO [UNAVAILABLE] Maximum number of connections", None)
    # Once it has let us in and looks at the mailbox, what breaks is the mailbox.
    bye = Fault.PROTOCOL if tag.startswith("a") else DELIVERY
    refusal = REFUSED if line.fault is REFUSED else bye
    yield Wrong(f"{tag} BAD other", refusal)
    if line.right == "+":
        yield Wrong(f"{tag} OK so soon", bye, leaves=False)
    else:
        yield Wrong("+ go on", refusal, leaves=False)
    if line is not LOGOUT:
        yield Wrong("* BYE [UNAVAILABLE] oops", bye, leaves=False)
        away = REJECTED if bye is Fault.PROTOCOL else DELIVERY
        yield Wrong("* BYE Too many authentication requests", away, leaves=False)


def pop3(line: Line) -> Iterator[Wrong]:
    """The other of the two answers that there are."""
    yield Wrong("-ERR", line.fault)
    yield Wrong("-ERR other", line.fault)
    yield Wrong("-ERR [SYS/TEMP] later")
    yield Wrong("-ERR [SYS/TEMP] too many sessions", None if line.says else REJECTED)


def sieve(line: Line) -> Iterator[Wrong]:
    """The other two of the three answers; after BYE the server hangs up by itself."""
    yield Wrong("NO", line.fault)
    yield Wrong('NO "other"', line.fault)
    yield Wrong('NO (TRYLATER) "other"')
    yield Wrong('NO (TRYLATER) "too many logins"', REJECTED if line.fault is REJECTED else None)
    yield Wrong('BYE (TRYLATER) "closing"', leaves=False)
    bye = REJECTED if line.fault is REJECTED else Fault.PROTOCOL
    if line.fault is not REFUSED:
        yield Wrong('BYE "closing"', bye, leaves=False)
    yield Wrong('BYE (TRYLATER) "Too many failed attempts"', REJECTED, leaves=False)


HELLO = Line("EHLO [127.0.0.1]", "250-hi\n250-STARTTLS\n250 AUTH PLAIN")
QUIT = Line("QUIT", "221 bye")
ABLE = "* CAPABILITY IMAP4rev1 STARTTLS UIDPLUS AUTH=PLAIN"
CAPABLE = Line("a1 CAPABILITY", f"{ABLE}\na1 OK")
LOGOUT = Line("a9 LOGOUT", "* BYE bye\na9 OK")
REFUSED, REJECTED, DELIVERY = Fault.AUTHENTICATION, Fault.REJECTED, Fault.DELIVERY
OFFERS = '"IMPLEMENTATION" "x"\n"SASL" "PLAIN"\n"STARTTLS"\nOK'


@dataclass(frozen=True)
class Talk:
    """One conversation: the service's name and settings, and its lines, the last one its leave."""

    name: str
    wrongs: Callable[[Line], Iterator[Wrong]]
    lines: tuple[Line, ...]
    settings: dict[str, Any] = field(default_factory=dict)


TALKS = {
    "smtp": Talk(
        "SMTP",
        smtp,
        (
            Line("", "220 hi"),
            HELLO,
            Line("STARTTLS", "220 go", then_tls=True),
            HELLO,
            Line(f"AUTH PLAIN {PLAIN}", "235 welcome", REFUSED),
            QUIT,
        ),
        {"tls": TlsMode.STARTTLS, "login": LOGIN},
    ),
    "smtp with AUTH LOGIN": Talk(
        "SUBMISSION",
        smtp,
        (
            Line("", "220 hi"),
            Line("EHLO [127.0.0.1]", "250-hi\n250 AUTH LOGIN"),
            Line("AUTH LOGIN", "334 VXNlcm5hbWU6", REFUSED),
            Line(USER, "334 UGFzc3dvcmQ6", REFUSED),
            Line(PASSWORD, "235 welcome", REFUSED),
            QUIT,
        ),
        {"login": LOGIN},
    ),
    "lmtp": Talk(
        "LMTP",
        smtp,
        (
            Line("", "220 hi"),
            Line("LHLO [127.0.0.1]", "250-hi\n250 STARTTLS"),
            Line("STARTTLS", "220 go", then_tls=True),
            Line("LHLO [127.0.0.1]", "250 hi"),
            QUIT,
        ),
        {"tls": TlsMode.STARTTLS},
    ),
    "imap": Talk(
        "IMAP",
        imap,
        (
            Line("", "* OK hi"),
            CAPABLE,
            Line("a2 STARTTLS", "a2 OK", then_tls=True),
            Line("a3 CAPABILITY", f"{ABLE}\na3 OK"),
            Line("a4 AUTHENTICATE PLAIN", "+", REFUSED),
            Line(PLAIN, "a4 OK", REFUSED),
            Line("a5 NOOP", "a5 OK"),
            LOGOUT,
        ),
        {"tls": TlsMode.STARTTLS, "login": LOGIN},
    ),
    "imap with LOGIN": Talk(
        "IMAP",
        imap,
        (
            Line("", "* OK hi"),
            Line("a1 CAPABILITY", "* CAPABILITY IMAP4rev1\na1 OK"),
            Line('a4 LOGIN "watch" "s3cret"', "a4 OK", REFUSED),
            Line("a5 NOOP", "a5 OK"),
            LOGOUT,
        ),
        {"login": LOGIN},
    ),
    "pop3": Talk(
        "POP3",
        pop3,
        (
            Line("", "+OK hi", REJECTED),
            Line("CAPA", "+OK\nSTLS\n."),
            Line("STLS", "+OK", then_tls=True),
            Line("USER watch", "+OK", REFUSED),
            Line("PASS s3cret", "+OK", REFUSED),
            Line("NOOP", "+OK", REJECTED),
            Line("QUIT", "+OK"),
        ),
        {"tls": TlsMode.STARTTLS, "login": LOGIN},
    ),
    "sieve": Talk(
        "SIEVE",
        sieve,
        (
            Line("", OFFERS, REJECTED),
            Line("STARTTLS", "OK", then_tls=True),
            Line("", OFFERS),
            Line(f'AUTHENTICATE "PLAIN" "{PLAIN}"', "OK", REFUSED),
            Line("LOGOUT", "OK"),
        ),
        {"tls": TlsMode.STARTTLS, "login": LOGIN},
    ),
}

MARK = Mark("watcher", "0123456789abcdef", "f" * 32)
DATE = 'INTERNALDATE "{}-Jan-2026 03:04:05 +0000"'


def marked(tag: str, uid: int = 7, mark: str = MARK.line, day: str = "05", flags: str = "") -> str:
    """Return an answer to FETCH of one message that came on a day of January."""
    item = f"BODY[HEADER.FIELDS ({HEADER})] {{{len(mark) + 4}}}\n{mark}\n\n"
    return f"* 1 FETCH (UID {uid} FLAGS ({flags}) {DATE.format(day)} {item})\n{tag} OK"


FETCH = Line("b4 UID FETCH 1:*", marked("b4"), DELIVERY)
FETCH_IT = Line("b5 UID FETCH 7", marked("b5"), DELIVERY)
SUBMISSION = Talk(
    "Canary",
    submission,
    (
        Line("", "220 hi"),
        HELLO,
        Line(f"AUTH PLAIN {PLAIN}", "235 welcome", REFUSED),
        Line("MAIL FROM:<a@example.org>", "250 ok", DELIVERY),
        Line("RCPT TO:<b@example.org>", "250 ok", DELIVERY),
        Line("DATA", "354 go ahead", DELIVERY),
        Line(".", "250 queued", DELIVERY),
        QUIT,
    ),
)
MAILBOX = Talk(
    "Canary",
    imap,
    (
        Line("", "* OK hi"),
        CAPABLE,
        Line("a4 AUTHENTICATE PLAIN", "+", REFUSED),
        Line(PLAIN, "a4 OK", REFUSED),
        Line("a5 NOOP", "a5 OK"),
        Line("b1 CAPABILITY", f"{ABLE}\nb1 OK", DELIVERY),
        Line("b2 SELECT INBOX", "* 1 EXISTS\nb2 OK", DELIVERY),
        Line("b4 UID FETCH 1:*", "b4 OK", DELIVERY),
        Line("b6 NOOP", "b6 OK", DELIVERY),
        FETCH,
        FETCH_IT,
        Line("c1 UID STORE 7", "c1 OK", DELIVERY),
        Line("c2 UID EXPUNGE 7", "c2 OK", DELIVERY),
        LOGOUT,
    ),
)


def server(talk: Talk, at: int | None = None, answer: str = "") -> Script:
    """Return a server that is healthy, but for what it answers to line `at`."""

    def script(link: Link) -> None:
        for number, line in enumerate(talk.lines):
            if line.says and not _hear(link, line.says):
                return
            if number == at:
                link.say(*answer.split("\n"))
                if link.hear():
                    link.say(*talk.lines[-1].right.split("\n"))
                link.hear_end()
                return
            link.say(*line.right.split("\n"))
            if line.then_tls:
                link.secure()
        link.hear_end()

    return script


def _hear(link: Link, said: str) -> bool:
    """Hear a line, or all the lines of a message where what ends it is meant."""
    line = link.hear()
    while said in (".", ENDS) and not line.startswith(said.encode()) and not link.ended:
        link.pipelined = False
        line = link.hear()
    if said == ENDS:
        link.pipelined = False
        link.hear()  # the line that goes on after a literal
    return not link.ended


def check_heard(link: Link, talk: Talk, at: int, leaves: bool) -> None:
    """See that the client said what the table has, up to `at`, and then took leave or nothing."""
    expected = [line.says for line in talk.lines[: at + 1] if line.says]
    if leaves and at < len(talk.lines) - 1:
        expected.append(talk.lines[-1].says)
    heard = [line.decode() for line in link.heard]
    if "DATA" in expected and "." in heard:
        del heard[heard.index("DATA") + 1 : heard.index(".")]
    if ENDS in expected and "" in heard:
        first = next(number for number, line in enumerate(heard) if line.startswith("From:"))
        last = next(number for number, line in enumerate(heard) if line.startswith(ENDS))
        heard[first : last + 2] = [ENDS]
    assert len(heard) == len(expected), heard
    assert all(line.startswith(word) for line, word in zip(heard, expected, strict=True)), heard
    assert not link.pipelined


def every(talks: dict[str, Talk]) -> list[Any]:
    """Return each line of each conversation, under a name of its own."""
    found = []
    for name, talk in talks.items():
        for number, line in enumerate(talk.lines):
            verb = line.says.replace(PLAIN, "PLAIN").replace(USER, "USER").replace(PASSWORD, "WORD")
            found.append(pytest.param(talk, number, id=f"{name}-{number}-{verb or 'listens'}"))
    return found


def check_reading(reading: Reading, wrong: Wrong) -> None:
    """See that the reading is the fault that it should be, in the peer's own words."""
    assert reading.verdict is (Verdict.FAIL if wrong.fault else Verdict.UNMEASURED)
    assert reading.fault is wrong.fault, wrong
    assert say(reading.detail).startswith(("the greeting", "the answer to", "the capabilities"))
    first, *others = wrong.answer.split("\n")
    told = " ".join([first.replace("-", " ", 1) if others else first, *(o[4:] for o in others)])
    assert f"was '{told}'" in say(reading.detail), wrong
    assert "s3cret" not in say(reading.detail)
    assert PLAIN not in say(reading.detail)


@pytest.mark.parametrize("name", TALKS)
def test_each_table_is_a_whole_conversation(
    name: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """What the tables have is all that is said: with every answer right the service passes."""
    talk = TALKS[name]
    there = peer(server(talk))
    reading = ask(service(talk.name, there, **talk.settings))
    assert reading.verdict is Verdict.PASS, reading.detail
    check_heard(there.link, talk, len(talk.lines) - 1, leaves=True)


@pytest.mark.parametrize(("talk", "at"), every(TALKS))
def test_every_wrong_answer_to_every_verb(
    talk: Talk, at: int, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """It is a fault of its kind in the peer's own words, and the client still takes its leave.

    But for an answer after which the server closes, or that leaves it open whose turn it is. Any
    answer to the last word is a farewell, and one to POP3's NOOP is a session that works.
    """
    for wrong in talk.wrongs(talk.lines[at]):
        there = peer(server(talk, at, wrong.answer))
        reading = ask(service(talk.name, there, **talk.settings))
        works = talk.lines[at].says == "NOOP" and wrong.fault is not Fault.PROTOCOL
        if works or at == len(talk.lines) - 1:
            assert reading.verdict is Verdict.PASS, wrong
        else:
            check_reading(reading, wrong)
        check_heard(there.link, talk, at, wrong.leaves)


def _fly(smtp_peer: Peer, imap_peer: Peer) -> Reading:
    rules = CanaryRules(
        "a@example.org", "b@example.org", imap_port=imap_peer.port, imap_tls=TlsMode.NONE
    )
    settings = ServiceSettings(
        "Canary", "127.0.0.1", smtp_peer.port, probe="canary", login=LOGIN, options=rules
    )
    return attempt(build(settings), 60)


@pytest.fixture
def _known_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_mailbox, "_LOOK_AGAIN_S", 0.001)
    monkeypatch.setattr(canary, "new_mark", lambda: MARK)


@pytest.mark.usefixtures("_known_mark")
def test_the_canarys_tables_are_whole_conversations(peer: MakePeer) -> None:
    """With every answer right the canary is submitted, looked for twice, found and removed."""
    submission, mailbox = peer(server(SUBMISSION)), peer(server(MAILBOX))
    reading = _fly(submission, mailbox)
    assert reading.verdict is Verdict.PASS, reading.detail
    check_heard(submission.link, SUBMISSION, len(SUBMISSION.lines) - 1, leaves=True)
    check_heard(mailbox.link, MAILBOX, len(MAILBOX.lines) - 1, leaves=True)


@pytest.mark.usefixtures("_known_mark")
@pytest.mark.parametrize(("talk", "at"), every({"submission": SUBMISSION, "mailbox": MAILBOX}))
def test_every_wrong_answer_to_a_canary(talk: Talk, at: int, peer: MakePeer) -> None:
    """A no to the message, or to the mailbox, is one of delivery, which no restart cures.

    But for what is said once the message is accepted.
    """
    line = talk.lines[at]
    for wrong in talk.wrongs(line):
        legs = {id(one): peer(server(one)) for one in (SUBMISSION, MAILBOX) if one is not talk}
        legs[id(talk)] = peer(server(talk, at, wrong.answer))
        reading = _fly(legs[id(SUBMISSION)], legs[id(MAILBOX)])
        if line in (QUIT, LOGOUT):
            assert reading.verdict is Verdict.PASS, wrong
        else:
            check_reading(reading, wrong)
        check_heard(legs[id(talk)].link, talk, at, wrong.leaves)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("statuses", [((200, 499),), ((200, 200), (401, 403))])
def test_every_wrong_status_of_http(
    method: str, statuses: tuple[tuple[int, int], ...], peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Any status but those that show life is a fault of its own kind, with the status line.

    Where 403 and 429 show no life, they turn us away, and a restart would not change that.
    """
    rules = HttpRules(method=method, statuses=statuses)
    for status in (200, 204, 301, 304, 400, 401, 403, 404, 421, 429, 499, 500, 501, 503, 511, 599):

        def script(link: Link, status: int = status) -> None:
            link.hear_request()
            link.say(f"HTTP/1.1 {status} Other", "Content-Length: 0", "")

        reading = ask(service("HTTP", peer(script), options=rules))
        shows_life = any(first <= status <= last for first, last in statuses)
        fault = Fault.STATUS if status >= 500 else Fault.RULE
        if status in (403, 429):
            fault = REJECTED
        assert reading.fault is (None if shows_life else fault), status
        assert shows_life or f"'HTTP/1.1 {status} Other'" in say(reading.detail)
