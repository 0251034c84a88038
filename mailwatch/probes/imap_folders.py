"""Which folder of a mailbox is for spam (RFC 6154)."""

from __future__ import annotations

import re

from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.probes.imap import ask_raw

_JUNK = re.compile(
    rb'\* LIST \((?:[^()]* )?\\Junk(?: [^()]*)?\) (?:"[^"]"|"\\\\"|NIL) '
    rb'("[^"\\\x00-\x1f\x7f-\xff]{1,100}"|[A-Za-z0-9._/&+-]{1,100})',
    re.I,
)
"""With the folder's name as it came, which is how it is to be sent; odd ones are left out."""


def junk_folder(talk: Conversation, tag: str, offers: set[bytes]) -> str | None:
    """Return the name of the folder for spam as IMAP writes it, None where nobody tells.

    Raises ConversationError, as `imap.ask` does.
    """
    if not {b"SPECIAL-USE", b"LIST-EXTENDED"} <= offers:
        return None
    for line in ask_raw(talk, tag, 'LIST (SPECIAL-USE) "" "*"', Fault.DELIVERY):
        if found := _JUNK.fullmatch(line):
            return found[1].decode("ascii")
    return None


def shown(folder: str) -> str:
    """Return `folder` for a person."""
    return printable(folder.strip('"'), 80)
