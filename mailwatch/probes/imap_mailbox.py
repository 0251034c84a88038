"""What a mailbox tells of its newest messages (RFC 9051), and its folder for spam (RFC 6154).

Messages are fetched and never searched for: an index of headers may be missing, late or vague.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import answer_to
from mailwatch.net.engine import Steps
from mailwatch.net.errors import SaidNo
from mailwatch.probes.imap import ask, hear

PAGE = 150
"""How many messages are asked for at once: four such answers fit into one conversation."""

MOST_LINES = 1000
"""Of an answer about messages; servers tell of others meanwhile (RFC 9051 section 7)."""

_FETCH = re.compile(rb"\* ([0-9]{1,10}) FETCH \(", re.I)
_UID = re.compile(rb"[( ]UID ([1-9][0-9]{0,9})(?=[ )])", re.I)
_INTERNAL_DATE = re.compile(rb'[( ]INTERNALDATE "([^"]{20,40})"', re.I)
_DELETED = re.compile(rb"[( ]FLAGS \((?:[^()]* )?\\Deleted(?: [^()]*)?\)", re.I)
_JUNK = re.compile(
    rb'\* LIST \((?:[^()]* )?\\Junk(?: [^()]*)?\) (?:"[^"]"|"\\\\"|NIL) '
    rb'("[^"\\\x00-\x1f\x7f-\xff]{1,100}"|[A-Za-z0-9._/&+-]{1,100})',
    re.I,
)
"""With the folder's name as it came, which is how it is to be sent; odd ones are left out."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A mailbox as SELECT tells of it: how many messages it has, and the UID of the next one.

    What is not told is 0.
    """

    exists: int
    next_uid: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """`came` is INTERNALDATE: when it came into the mailbox, in seconds since 1970.

    That is by the server's clock, to the second, and None where the server tells none.
    """

    uid: int
    came: float | None
    deleted: bool
    header: bytes


def select(talk: Conversation, tag: str, folder: str) -> Steps[Selected]:
    """Select `folder`, a name as IMAP writes it; raises ConversationError, as `imap.ask` does."""
    exists = next_uid = 0
    for words in (yield from ask(talk, tag, f"SELECT {folder}", Fault.DELIVERY)):
        if words[2:] == [b"EXISTS"]:
            exists = _number(words[1])
        elif words[1:3] == [b"OK", b"[UIDNEXT"] and words[3:]:
            next_uid = _number(words[3].rstrip(b"]"))
    return Selected(exists, next_uid)


def pages(
    talk: Conversation, tag: str, box: Selected, count: int, skip: int = 0
) -> Steps[list[str]]:
    """Return `count` sets of UIDs, of at most PAGE messages each and those that come meanwhile.

    They hold the newest messages but for the first `skip`, the newest in the first set. UIDs may
    have gaps of any width, so the server is asked for those at the edges; where it does not tell,
    they are taken to have none. Raises ConversationError, as `imap.ask` does.
    """
    if box.exists <= max(PAGE, skip):
        return [] if skip else ["1:*"]
    edges = [box.exists + 1 - skip - PAGE * number for number in range(count + 1)]
    places = [place for place in edges if 1 < place <= box.exists]
    uids = yield from _uids_at(talk, tag, places)
    if len(uids) < len(places):
        uids = [max(1, box.next_uid - box.exists - 1 + place) for place in places]
    if edges[-1] <= 1:
        uids.append(1)
    first = [] if skip else [f"{uids[0]}:*"]
    return first + [f"{low}:{high - 1}" for high, low in pairwise(uids) if low < high]


def _uids_at(talk: Conversation, tag: str, places: Sequence[int]) -> Steps[list[int]]:
    """Return the UIDs of the messages with the sequence numbers `places`, as far as told."""
    talk.say(f"{tag} FETCH {numbers(places)} (UID)")
    told: dict[int, int] = {}
    with suppress(SaidNo):
        for line, _ in (yield from hear(talk, tag, answer_to("FETCH"), fault=Fault.DELIVERY)):
            if (fetched := _FETCH.match(line)) and (uid := _UID.search(line)):
                told[int(fetched[1])] = int(uid[1])
    return [told[place] for place in places if place in told]


def fetch(talk: Conversation, tag: str, uids: str, fields: str) -> Steps[list[Fetched]]:
    """Return the header `fields` (names with blanks between them) of the messages `uids`.

    Raises ConversationError, as `imap.ask` does; a message that went meanwhile is left out. One
    may be told of twice, as others change its flags. Where no UID is told, or two, it is 0, and
    the header is empty.
    """
    talk.say(f"{tag} UID FETCH {uids} (UID FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS ({fields})])")
    answer = answer_to("UID FETCH")
    found: dict[int, Fetched] = {}
    for line, literals in (
        yield from hear(talk, tag, answer, fault=Fault.DELIVERY, most=MOST_LINES)
    ):
        if _FETCH.match(line):
            told = [int(uid) for uid in _UID.findall(line)]
            uid = told[0] if len(told) == 1 else 0
            before = found.get(uid, Fetched(uid, None, deleted=False, header=b""))
            found[uid] = Fetched(
                uid,
                _moment(line) or before.came,
                before.deleted or _DELETED.search(line) is not None,
                literals[0] if literals and uid else before.header,
            )
    return list(found.values())


def append(talk: Conversation, tag: str, lines: Iterable[str]) -> Steps[None]:
    """Put the message of `lines` into the inbox; raises ConversationError, as `imap.ask` does."""
    message = "".join(f"{line}\r\n" for line in lines).encode()
    answer = answer_to("APPEND INBOX")
    talk.say(f"{tag} APPEND INBOX (\\Seen) {{{len(message)}}}")
    yield from hear(talk, tag, answer, "+", Fault.DELIVERY)
    talk.send(message + b"\r\n")
    yield from hear(talk, tag, answer, fault=Fault.DELIVERY)


def numbers(uids: Collection[int]) -> str:
    """Return `uids` as IMAP writes a set of them."""
    return ",".join(map(str, sorted(uids)))


def junk_folder(talk: Conversation, tag: str, offers: set[bytes]) -> Steps[str | None]:
    """Return the name of the folder for spam as IMAP writes it, None where nobody tells.

    Raises ConversationError, as `imap.ask` does.
    """
    if not {b"SPECIAL-USE", b"LIST-EXTENDED"} <= offers:
        return None
    command = 'LIST (SPECIAL-USE) "" "*"'
    talk.say(f"{tag} {command}")
    for line, _ in (yield from hear(talk, tag, answer_to(command), fault=Fault.DELIVERY)):
        if found := _JUNK.fullmatch(line):
            return found[1].decode("ascii")
    return None


def _number(word: bytes) -> int:
    return int(word) if re.fullmatch(rb"[0-9]{1,10}", word) else 0


def _moment(line: bytes) -> float | None:
    if date := _INTERNAL_DATE.search(line):
        with suppress(ValueError, OverflowError):
            text = date[1].decode("ascii").strip()
            return datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z").timestamp()
    return None
