"""A message submitted over a conversation, as whoever sends mail does it (RFC 5321)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.secret import Secret
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.engine import run
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.smtp import SmtpSession, reply_code
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]

LOGIN = Login("watch", Secret("s3cret"))


@contextmanager
def _session(settings: ServiceSettings) -> Iterator[SmtpSession]:
    talk = Conversation(settings, Deadline.after(60, time.monotonic))
    try:
        run(talk.open())
        yield SmtpSession(talk)
    finally:
        talk.close()


def test_a_message_is_submitted_line_by_line(peer: MakePeer, service: Settings) -> None:
    """To every recipient, and a dot that begins a line is doubled (RFC 5321 section 4.5.2)."""
    heard: list[bytes] = []

    def take(link: Link) -> None:
        link.say("220 hi")
        answers = {b"EHLO": "250 hi", b"MAIL": "250 ok", b"RCPT": "251 forwarded"}
        while (line := link.hear()) != b"DATA":
            link.say(answers[line[:4]])
        link.say("354 go")
        while (line := link.hear()) != b".":
            heard.append(line)
        link.say("250 queued")

    server = peer(take)
    with _session(service("SMTP", server)) as session:
        run(session.begin(TlsMode.NONE, None))
        lines = ["Subject: hello", "", ".", "..two", "end."]
        run(session.submit("a@example.org", ["b@example.org", "c@example.org"], lines))
        assert session.sent
        assert session.accepted
    assert heard == [b"Subject: hello", b"", b"..", b"...two", b"end."]
    assert server.link.heard[1:4] == [
        b"MAIL FROM:<a@example.org>",
        b"RCPT TO:<b@example.org>",
        b"RCPT TO:<c@example.org>",
    ]


def test_tls_and_a_login_come_before_the_message(peer: MakePeer, service: Settings) -> None:
    """The extensions that count for the login are those that are offered inside TLS."""

    def script(link: Link) -> None:
        link.say("220 hi")
        link.hear()
        link.say("250-hi", "250 STARTTLS")
        link.hear()
        link.say("220 go")
        link.secure()
        link.hear()
        link.say("250-hi", "250 AUTH PLAIN")
        link.hear()
        link.say("235 in")

    server = peer(script)
    with _session(service("SMTP", server, tls=TlsMode.STARTTLS)) as session:
        run(session.begin(TlsMode.STARTTLS, LOGIN))
    verbs = [line.split()[0] for line in server.link.heard]
    assert verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH"]


@pytest.mark.parametrize(
    ("answers", "command", "said"),
    [
        (["550 5.7.1 no"], "MAIL", "550 5.7.1 no"),
        (["250 ok", "452 4.2.2 full"], "RCPT", "452 4.2.2 full"),
        (["250 ok", "250 ok", "451 later"], "DATA", "451 later"),
    ],
)
def test_a_refusal_tells_the_step_and_the_code(
    answers: list[str], command: str, said: str, peer: MakePeer, service: Settings
) -> None:
    """Who sends mail decides by the code whether to try again; the peer may still be left."""
    server = peer(in_turn("220 hi", "250 hi", *answers, "221 bye"))
    with _session(service("SMTP", server)) as session:
        run(session.begin(TlsMode.NONE, None))
        with pytest.raises(SaidNo) as caught:
            run(session.submit("a@example.org", ["b@example.org"], ["", "text"]))
        assert not session.sent
    wanted = 354 if command == "DATA" else 250
    awaited = fact("answer-to", command=command)
    assert caught.value.detail == fact("answer-refuses", awaited=awaited, wanted=wanted, said=said)
    assert reply_code(caught.value) == int(said[:3])
    turned_away = said.startswith("550 5.7.1")
    assert caught.value.fault is (Fault.REJECTED if turned_away else Fault.PROTOCOL)


@pytest.mark.parametrize(("answer", "sent"), [("554 no", False), (None, True)])
def test_a_message_that_was_said_may_arrive(
    answer: str | None, sent: bool, peer: MakePeer, service: Settings
) -> None:
    """With an answer the message stays with us (RFC 5321 section 6.1), without one who knows."""

    def script(link: Link) -> None:
        for said in ("220 hi", "250 hi", "250 ok", "250 ok", "354 go"):
            link.say(said)
            link.hear()
        while link.hear() != b".":
            pass
        if answer:
            link.say(answer)

    with _session(service("SMTP", peer(script))) as session:
        run(session.begin(TlsMode.NONE, None))
        with pytest.raises(ConversationError, match="the answer to the message"):
            run(session.submit("a@example.org", ["b@example.org"], ["", "text"]))
        assert session.sent is sent
        assert not session.accepted
