"""What a mailbox tells: some of its messages (RFC 9051), and its folder for spam (RFC 6154)."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import answer_to
from mailwatch.net.engine import Steps
from mailwatch.probes.imap import hear

MAX_MESSAGES = 50
"""How many are asked for at once, at most."""

_FETCH = re.compile(rb"\* [0-9]+ FETCH \(", re.I)
_UID = re.compile(rb"[( ]UID ([1-9][0-9]{0,9})(?=[ )])", re.I)
_INTERNAL_DATE = re.compile(rb'[( ]INTERNALDATE "([^"]{20,40})"', re.I)
_JUNK = re.compile(
    rb'\* LIST \((?:[^()]* )?\\Junk(?: [^()]*)?\) (?:"[^"]"|"\\\\"|NIL) '
    rb'("[^"\\\x00-\x1f\x7f-\xff]{1,100}"|[A-Za-z0-9._/&+-]{1,100})',
    re.I,
)
"""With the folder's name as it came, which is how it is to be sent; odd ones are left out."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`came` is INTERNALDATE: when it came into the mailbox, in seconds since 1970.

    That is by the server's clock, to the second, and None where the server tells none.
    """

    uid: int
    came: float | None
    header: bytes


def fetch(talk: Conversation, tag: str, uids: Collection[int], fields: str) -> Steps[list[Fetched]]:
    """Return the header `fields` (names with blanks between them) of at most MAX_MESSAGES.

    Raises ConversationError, as `imap.ask` does; a message that went meanwhile is left out, and so
    is one that was not asked for, or has two UIDs.
    """
    wanted = sorted(uids)[:MAX_MESSAGES]
    items = f"UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({fields})]"
    talk.say(f"{tag} UID FETCH {numbers(wanted)} ({items})")
    found: list[Fetched] = []
    for line, literals in (
        yield from hear(talk, tag, answer_to("UID FETCH"), fault=Fault.DELIVERY)
    ):
        # What else is said of messages (RFC 9051 section 7.5.2) has no literal.
        told = [int(uid) for uid in _UID.findall(line)] if _FETCH.match(line) else []
        if literals and len(told) == 1 and told[0] in wanted:
            found.append(Fetched(told[0], _moment(line), literals[0]))
    return found


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


def _moment(line: bytes) -> float | None:
    if date := _INTERNAL_DATE.search(line):
        with suppress(ValueError, OverflowError):
            text = date[1].decode("ascii").strip()
            return datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z").timestamp()
    return None
