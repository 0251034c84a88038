"""The answer to UID FETCH, from servers that word it in their own way or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import run
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.probes.imap_mailbox import Fetched, fetch
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]

DATE = '"02-Jan-2026 03:04:05 +0100"'
CAME = 1767319445.0


@pytest.fixture
def fetched(peer: MakePeer, service: Settings) -> Callable[[bytes], list[Fetched]]:
    """Return a function that asks for two messages, and gets the answer that is passed."""

    def ask(answer: bytes) -> list[Fetched]:
        def script(link: Link) -> None:
            assert link.hear().startswith(b"t UID FETCH 3,7 (UID FLAGS INTERNALDATE BODY.PEEK[")
            link.send(answer)
            link.hear_end()

        there = peer(script)
        talk = Conversation(service("IMAP", there), Deadline.after(60, time.monotonic))
        try:
            run(talk.open())
            return run(fetch(talk, "t", "3,7", "X-A X-B"))
        finally:
            talk.close()

    return ask


@pytest.mark.parametrize(
    "answer",
    [
        f"* 1 FETCH (UID 3 INTERNALDATE {DATE} BODY[HEADER.FIELDS (X-A X-B)] {{6}}\r\nX-A: 1)",
        f"* 1 FETCH (BODY[HEADER.FIELDS (X-A X-B)] {{6}}\r\nX-A: 1 UID 3 INTERNALDATE {DATE})",
        f"* 9 EXISTS\r\n* 1 fetch (FLAGS () internaldate {DATE} uid 3 body[] {{6}}\r\nX-A: 1)",
        "* 1 FETCH (UID 3 FLAGS ())\r\n"
        f"* 1 FETCH (UID 3 INTERNALDATE {DATE} BODY[] {{6}}\r\nX-A: 1)",
    ],
)
def test_servers_order_their_answer_as_they_like(
    answer: str, fetched: Callable[[bytes], list[Fetched]]
) -> None:
    """What belongs to the message is found, before its header and after it."""
    assert fetched(answer.encode() + b"\r\nt OK done\r\n") == [
        Fetched(3, CAME, deleted=False, header=b"X-A: 1")
    ]


def test_a_header_cannot_pose_as_the_answer(
    fetched: Callable[[bytes], list[Fetched]],
) -> None:
    """A message says what it likes; its number and date are the server's alone."""
    header = f"X-A: ( UID 1 INTERNALDATE {DATE} )\r\n* 5 FETCH (UID 1 {{3}}\r\nt OK\r\n".encode()
    answer = b"* 1 FETCH (UID 7 BODY[] {%d}\r\n%b)\r\nt OK done\r\n" % (len(header), header)
    assert fetched(answer) == [Fetched(7, None, deleted=False, header=header)]


@pytest.mark.parametrize(
    "told",
    [
        (b"* 1 FETCH (UID 7 FLAGS (\\Deleted) BODY[] {0}\r\n)\r\n",),
        (b"* 1 FETCH (UID 7 BODY[] NIL FLAGS (\\Seen \\deleted $Forwarded))\r\n",),
        (b"* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n", b"* 1 FETCH (FLAGS (\\Deleted) UID 7)\r\n"),
        (b"* 1 FETCH (UID 7 FLAGS (\\Deleted))\r\n", b"* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n"),
    ],
)
def test_a_mark_of_deletion_is_seen_wherever_it_is_told(
    told: tuple[bytes, ...], fetched: Callable[[bytes], list[Fetched]]
) -> None:
    """EXPUNGE would take it along, whoever marked it, and whenever."""
    answer = b"".join(told) + b"t OK done\r\n"
    assert fetched(answer) == [Fetched(7, None, deleted=True, header=b"")]


def test_flags_without_a_uid_are_somebodys(
    fetched: Callable[[bytes], list[Fetched]],
) -> None:
    """They are told as those of no message that we know."""
    answer = b"* 1 FETCH (FLAGS (\\Deleted))\r\n* 2 FETCH (FLAGS ())\r\nt OK done\r\n"
    assert fetched(answer) == [Fetched(0, None, deleted=True, header=b"")]


@pytest.mark.parametrize("date", ["yesterday, around noon o'clock", "31-Feb-2026 00:00:00 +0000"])
def test_a_date_that_is_none_is_left_out(
    date: str, fetched: Callable[[bytes], list[Fetched]]
) -> None:
    """The message is there all the same."""
    answer = f'* 1 FETCH (UID 7 INTERNALDATE "{date}" BODY[] {{0}}\r\n)\r\nt OK done\r\n'
    assert fetched(answer.encode()) == [Fetched(7, None, deleted=False, header=b"")]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"t NO gone\r\n", Fault.DELIVERY),
        (b"t BAD what\r\n", Fault.PROTOCOL),
        (b"t NO [INUSE] busy\r\n", None),
    ],
)
def test_a_no_is_told(
    answer: bytes, fault: Fault | None, fetched: Callable[[bytes], list[Fetched]]
) -> None:
    """As after every other command."""
    with pytest.raises(SaidNo) as caught:
        fetched(answer)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 7 BODY[] {999999}\r\n" + b"x" * 9000,
        b"* 1 FETCH (UID 7 BODY[] " + b"{1}\r\nx " * 9 + b")\r\n",
        b"* 1 FETCH (UID 7)\r\n" * 2000,
        b"* 1 FETCH (" + b"x" * 9000,
        b"? what\r\n",
    ],
)
def test_hostile_answers_end_the_conversation(
    answer: bytes, fetched: Callable[[bytes], list[Fetched]]
) -> None:
    """Nothing is kept that is longer than was asked for."""
    with pytest.raises(ConversationError) as caught:
        fetched(answer)
    assert caught.value.fault is Fault.PROTOCOL


def test_an_answer_that_breaks_off_is_told(peer: MakePeer, service: Settings) -> None:
    """In the middle of a literal too."""

    def script(link: Link) -> None:
        link.hear()
        link.send(b"* 1 FETCH (UID 7 BODY[] {50}\r\nX-A")

    talk = Conversation(service("IMAP", peer(script)), Deadline.after(60, time.monotonic))
    run(talk.open())
    with pytest.raises(ConversationError) as caught:
        run(fetch(talk, "t", "7", "X-A"))
    talk.close()
    assert caught.value.fault is Fault.RESET
