"""Broken canaries: two conversations, by SMTP and IMAP, and what their mailbox may lose by them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mark import Mark
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.fuzz.fetched import fetched
    from tests.fuzz.streams import HELLO, Stream, Turns, bend, mutate
else:  # the directory of the script is where Python looks first
    from fetched import fetched
    from streams import HELLO, Stream, bend, mutate

MARK = Mark("watcher", "0123456789abcdef", "f" * 32)
"""Of every message; the probe would draw another token for each."""

_KIN = Mark("watcher", "0123456789abcdef", "0" * 32)
_OTHER = Mark("watcher0", "0123456789abcdef", "f" * 32)
_RECEIVED = "Received: from a; Fri, 02 Jan 2026 03:04:05 +0000\r\n"

_OURS = fetched(7, f"{_RECEIVED}{MARK.line}\r\n\r\n", 5)
_LEFT = fetched(3, f"{_RECEIVED}{_KIN.line}\r\n\r\n", 2)
_THEIRS = fetched(4, f"{_RECEIVED}{_OTHER.line}\r\n\r\n", 2)

_OK = b"250 ok\r\n"
_SUBMITTED = [b"235 in\r\n", _OK, _OK, b"354 go\r\n", _OK, b"221 bye\r\n"]
_CAPABLE = b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\n"
_SELECTED = b"* 3 EXISTS\r\n* OK [UIDNEXT 9]\r\nb2 OK\r\n"
_LARGE = b"* 200 EXISTS\r\n* OK [UIDNEXT 209]\r\nb2 OK\r\n"
_SEEN = [_OURS + b"b4 OK\r\n", _OURS + b"b5 OK\r\n", b"c1 OK\r\n"]
_SIMPLE = b"* CAPABILITY IMAP4rev1\r\nb1 OK\r\n"
_UIDPLUS = b"* CAPABILITY IMAP4rev1 UIDPLUS\r\nb1 OK\r\n"
_SPECIAL = b"* CAPABILITY IMAP4rev2 SPECIAL-USE LIST-EXTENDED\r\nb1 OK\r\n"


def _deleted(answer: bytes) -> bytes:
    return answer.replace(b"BODY", b"FLAGS (\\Deleted) BODY")


_VISITS: list[list[bytes]] = [
    [_UIDPLUS, _SELECTED, *_SEEN, b"c2 OK\r\n"],
    [
        *[_UIDPLUS, _LARGE, b"* 51 FETCH (UID 6)\r\nb3 OK\r\n", *_SEEN, b"c2 OK\r\n"],
        *[b"* 51 FETCH (UID 6)\r\nd1 OK\r\n", _LEFT + _THEIRS + b"d2 OK\r\n"],
        *[b"e1 OK\r\n", b"e2 OK\r\n"],
    ],
    [
        *[_UIDPLUS, _SELECTED, _THEIRS + b"b4 OK\r\n", b"b6 OK\r\n"],
        *[_LEFT + _SEEN[0], *_SEEN[1:], b"c2 OK\r\n", b"e1 OK\r\n", b"e2 OK\r\n"],
    ],
    [
        *[_SIMPLE, _SELECTED, _LEFT + _THEIRS + _SEEN[0], *_SEEN[1:]],
        *[_LEFT + _THEIRS + _deleted(_OURS) + b"c3 OK\r\n", b"c4 OK\r\n", b"e1 OK\r\n"],
        *[_deleted(_LEFT) + _THEIRS + b"e3 OK\r\n", b"e4 OK\r\n"],
    ],
    [
        *[_SIMPLE, _SELECTED, *_SEEN, _deleted(_THEIRS) + _LEFT + _deleted(_OURS) + b"c3 OK\r\n"],
    ],
    [
        *[_SPECIAL, _SELECTED, b"b4 OK\r\n", b'* LIST (\\Junk) "/" "Bulk mail"\r\nf1 OK\r\n'],
        *[b"* 1 EXISTS\r\n* OK [UIDNEXT 9]\r\nf2 OK\r\n", _OURS + b"f4 OK\r\n"],
        *[_OURS + b"f5 OK\r\n", b"g1 OK\r\n", b"g2 OK\r\n"],
    ],
]
"""What a mailbox says between the login and LOGOUT."""

_WORDS = [
    *[_OURS, _LEFT, _THEIRS, b"* 4 EXISTS\r\n", b"\\Deleted", b" UID 4 "],
    *[b"{3}\r\n", b"{99999}\r\n", b"(", b")", b"b4 NO\r\n", b"c3 OK\r\n", b"f1 BAD\r\n"],
    *[b"450 4.7.1 \r\n", b"550-", f"{MARK.line}\r\n".encode(), f"{_OTHER.line}\r\n".encode()],
    *[b'INTERNALDATE "99-Jan-2026 99:99:99 +9999"', b"; Fri, 99 Jan 9999999999 03:04:05 +9999\r\n"],
]


def make(chance: random.Random) -> Stream:
    """Return the next canary: the submission, with the mailbox as its other conversation."""
    modes = [TlsMode.NONE] * 3 + [TlsMode.STARTTLS, TlsMode.IMPLICIT]
    smtp, imap = chance.choice(modes), chance.choice(modes)
    login = Login("user", Secret("s3cret"))
    rules = CanaryRules(
        "a@example.org", "b@example.org", imap_port=1, imap_tls=imap,
        within_s=chance.choice([0.001, 0.1, 0.1]),
    )  # fmt: skip
    settings = ServiceSettings(
        "FUZZ", "127.0.0.1", 1, probe="canary", tls=smtp, login=login, options=rules,
        login_timeout_s=0.0,
    )  # fmt: skip
    submission: Turns = [b"220 hi\r\n", HELLO]
    if smtp is TlsMode.STARTTLS:
        submission += [b"220 go\r\n", HELLO]
    submission += _SUBMITTED
    mailbox: Turns = [b"* OK hi\r\n", _CAPABLE + b"a1 OK\r\n"]
    if imap is TlsMode.STARTTLS:
        mailbox += [b"a2 OK\r\n", _CAPABLE + b"a3 OK\r\n"]
    mailbox += [
        b"+\r\n",
        b"a4 OK\r\n",
        b"a5 OK\r\n",
        *chance.choice(_VISITS),
        b"* BYE\r\na9 OK\r\n",
    ]
    # A submission that fails leaves nothing to look for.
    for turns, most in ((submission, [0, 0, 0, 1, 2]), (mailbox, [0, 1, 1, 2, 3, 6])):
        for _ in range(chance.choice(most)):
            mutate(turns, chance, _WORDS)
    at_the_mailbox = ServiceSettings("FUZZ", "127.0.0.1", 1, probe="imap", tls=imap)
    other = bend(at_the_mailbox, mailbox, chance)
    return bend(settings, submission, chance, other)


def wrong_with(heard: bytes, turns: Sequence[bytes]) -> Iterator[str]:
    """Tell which messages that nobody called ours were to be removed.

    `heard` is what the mailbox heard, `turns` what it says of its messages; where it lies, and
    puts our mark to another's message, that is its own doing.
    """
    told = b"".join(turns)
    ours = set(_marked(told))
    for uids in re.findall(rb"UID (?:STORE|EXPUNGE) ([0-9,]+)", heard):
        if others := {int(uid) for uid in uids.split(b",")} - ours:
            yield f"removed {sorted(others)}"
    for tag in re.findall(rb"^([ce])4 EXPUNGE", heard, re.M):
        end = re.search(rb"^" + tag + rb"3 OK", told, re.M | re.I)
        answer = told[: end.start()].rpartition(tag + b"1 OK")[2] if end else b""
        deleted = [one for one in _messages(answer) if b"\\deleted" in one.lower()]
        if hidden := [one for one in deleted if not set(_marked(b"FETCH (" + one)) & ours]:
            yield f"expunged {hidden}"


def _marked(told: bytes) -> Iterator[int]:
    """Yield the UID of each message that was told with the mark of this host."""
    mark = re.compile(
        rb"host=watcher;\s*machine=0123456789abcdef;\s*token=[0-9a-f]{32}(?![0-9a-f])"
    )
    for fetched in _messages(told):
        if mark.search(fetched):
            yield from map(int, re.findall(rb"UID ([0-9]+)", fetched, re.I))


def _messages(told: bytes) -> list[bytes]:
    return re.split(rb"FETCH \(", told, flags=re.I)[1:]
