"""A canary's two conversations with peers that say anything at any point."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes import canary, canary_mailbox
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mark import Mark
from mailwatch.probes.catalogue import build
from mailwatch.probes.settings import ServiceSettings
from tests.fuzz.fetched import fetched

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]

MARK = Mark("watcher", "0123456789abcdef", "f" * 32)
OTHER = Mark("watcher", "0123456789abcdef", "0" * 32)
RECEIVED = "Received: from a; Fri, 02 Jan 2026 03:04:05 +0000\r\n"

OURS = fetched(7, f"{RECEIVED}{MARK.line}\r\n\r\n", 5)
LEFT = fetched(3, f"{OTHER.line}\r\n\r\n", 2)
THEIRS = fetched(4, f"{OTHER.line.replace('watcher', 'watcher0')}\r\n\r\n", 2)
SMTP = (
    b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN\r\n", b"235 in\r\n", b"250 ok\r\n", b"250 ok\r\n",
    b"354 go\r\n", b"250 queued\r\n", b"221 bye\r\n",
)  # fmt: skip
IMAP = (
    b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na1 OK\r\n", b"+\r\n", b"a4 OK\r\n",
    b"a5 OK\r\n",
    b"* CAPABILITY IMAP4rev1 UIDPLUS\r\nb1 OK\r\n",
    b"* 200 EXISTS\r\n* OK [UIDNEXT 209]\r\nb2 OK\r\n", b"* 51 FETCH (UID 6)\r\nb3 OK\r\n",
    OURS + b"b4 OK\r\n", OURS + b"b5 OK\r\n", b"c1 OK\r\n", b"c2 OK\r\n",
    b"* 51 FETCH (UID 6)\r\nd1 OK\r\n", LEFT + THEIRS + b"d2 OK\r\n", b"e1 OK\r\n", b"e2 OK\r\n",
    b"* BYE\r\na9 OK\r\n",
)  # fmt: skip
WORDS = (
    b"", b"\r\n", b"\0", b"\xff", b" ", b"(", b")", b'"', b"{3}\r\n", b"{0}\r\n", b"{99999}\r\n",
    b"* ", b"* 3 EXISTS\r\n", b"* 51 FETCH (UID 99999999999)\r\n", OURS, LEFT, b" UID 5 ",
    b"* OK [UIDNEXT",
    b"a1 NO\r\n", b"b4 NO\r\n", b"450 \r\n", b"550-", b"421 bye\r\n", b"y" * 9000, b"* x\r\n" * 120,
    b'INTERNALDATE "99-Jan-2026 99:99:99 +9999"', b"; Fri, 99 Jan 9999999999 03:04:05 +9999\r\n",
)  # fmt: skip


@pytest.fixture
def _known_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "new_mark", lambda: MARK)
    monkeypatch.setattr(canary_mailbox, "_LOOK_AGAIN_S", 0.001)


class Scripted:
    """A server that says its turns, one for each line that it hears, and then hangs up."""

    def __init__(self, peer: MakePeer) -> None:
        self.turns: tuple[bytes, ...] = ()
        self.heard: list[bytes] = []
        self.peer: Peer = peer(self._script)

    def _script(self, link: Link) -> None:
        self.heard = []
        for turn in self.turns:
            link.send(turn)
            line = link.hear()
            if not line:
                return
            self.heard.append(line)
            if turn.startswith(b"354"):
                while line != b"." and not link.ended:
                    line = link.hear()


def _fly(smtp: Scripted, imap: Scripted, within_s: float, arrives_within_s: float) -> Reading:
    rules = CanaryRules(
        "a@example.org", "b@example.org", imap_port=imap.peer.port, imap_tls=TlsMode.NONE,
        within_s=arrives_within_s,
    )  # fmt: skip
    login = Login("watch", Secret("s3cret"))
    where = ServiceSettings(
        "Canary", "127.0.0.1", smtp.peer.port, probe="canary", login=login, options=rules
    )
    return build(where).check(Deadline.after(within_s, time.monotonic))


@pytest.mark.usefixtures("_known_mark")
def test_the_turns_are_whole_conversations(peer: MakePeer) -> None:
    """Ours and the leftover are removed, and never what is another host's."""
    smtp, imap = Scripted(peer), Scripted(peer)
    smtp.turns, imap.turns = SMTP, IMAP
    assert _fly(smtp, imap, 60, 60).verdict is Verdict.PASS
    stored = [line.decode() for line in imap.heard if b" STORE " in line]
    assert [line.split(" ")[3] for line in stored] == ["7", "3"]


@pytest.mark.usefixtures("_known_mark")
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_that_a_peer_says_is_our_fault_or_costs_anybody_mail(
    data: st.DataObject, peer: MakePeer
) -> None:
    """Every broken conversation is a reading, and what is removed bears our mark."""
    smtp, imap = Scripted(peer), Scripted(peer)
    smtp.turns, imap.turns = SMTP, IMAP
    broken = data.draw(st.sampled_from([smtp, imap]))
    turns = list(broken.turns)
    at = data.draw(st.integers(0, len(turns) - 1))
    cut = data.draw(st.integers(0, len(turns[at])))
    until = data.draw(st.integers(cut, len(turns[at])))
    word = data.draw(st.sampled_from(WORDS))
    turns[at] = turns[at][:cut] + word + turns[at][until:]
    broken.turns = tuple(turns)
    # A peer that waits for a line that never comes hangs up first.
    broken.turns = broken.turns[: at + 1] if b"\n" not in turns[at] else broken.turns
    reading = _fly(smtp, imap, 0.8, 1)
    assert "a fault of mailwatch" not in say(reading.detail), say(reading.detail)
    assert say(reading.detail).isprintable()
    assert len(say(reading.detail)) <= 400
    assert "s3cret" not in repr(reading)
    for line in imap.heard:
        if b" STORE " in line:
            assert set(line.split(b" ")[3].split(b",")) <= {b"7", b"3"}, line
