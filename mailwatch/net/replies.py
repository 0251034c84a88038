"""The three-digit replies that SMTP and LMTP answer every command with (RFC 5321 section 4.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.net.blame import fault_of_no
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import MAX_LINES, refused, too_many_lines
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo

_REPLY_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?", re.DOTALL)

_TURNED_AWAY = frozenset({521, 550, 554})
"""Codes with which a server greets whom it does not serve (RFC 5321 section 3.1, RFC 7504)."""

_NO = 400
"""From here on a code refuses."""

_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3} ")

_CLOSING = 421
"""The server has already decided to close the connection (RFC 5321 section 3.8)."""


class HalfReply(ConversationError):
    """The time was up between two lines of a reply, of which `lines` (>= 1) came with `code`."""

    def __init__(self, late: ConversationError, code: int, lines: int) -> None:
        super().__init__(late.fault, late.detail, code)
        self.lines = lines


def expect(
    talk: Conversation,
    wanted: int,
    awaited: Fact,
    step: Fault = Fault.PROTOCOL,
    also: int | None = None,
) -> Steps[tuple[int, list[bytes]]]:
    """Read one whole reply and return its code and the text of its lines.

    `step` says what is at stake (`blame.fault_of_no`), `also` names one more code that is fine.
    Raises SaidNo where the code is not the `wanted` one, HalfReply where the rest of it is late,
    else ConversationError, also where more has come.
    """
    texts: list[bytes] = []
    code = 0
    due, more = awaited, True
    while more:
        try:
            line = yield from talk.line(due)
        except ConversationError as error:
            if texts and error.fault is Fault.TIMEOUT and not talk.within_line:
                raise HalfReply(error, code, len(texts)) from None
            raise
        parsed = _REPLY_LINE.fullmatch(line)
        if not parsed:
            raise _wrong(awaited, line, wanted)
        more = parsed[2] == b"-"
        text = parsed[3] or b""
        if code and int(parsed[1]) != code:
            # postscreen(8) greets with 220-, and turns away whom a blocklist has with 521.
            fault = _fault_of(int(parsed[1]), [text], step)
            if more or not fault is step is Fault.REJECTED:
                raise _wrong(awaited, line, wanted)
            texts.clear()
        code = int(parsed[1])
        texts.append(text)
        if more and len(texts) == MAX_LINES:
            raise too_many_lines(awaited)
        if more and due is awaited:
            due = fact("rest-of", awaited=awaited)
    talk.require_quiet(awaited)
    if code not in (wanted, also):
        kind = ConversationError if code == _CLOSING else SaidNo
        told = refused(awaited, _whole(code, texts), wanted)
        raise kind(_fault_of(code, texts, step), told, code)
    return code, texts


def _wrong(awaited: Fact, line: bytes, wanted: int) -> ConversationError:
    return ConversationError(Fault.PROTOCOL, refused(awaited, line, wanted, "answer-wrong"))


def _whole(code: int, texts: Sequence[bytes]) -> bytes:
    """Return a reply in one line; an enhanced code (RFC 2034) is told once."""
    first, *others = texts
    enhanced = _ENHANCED.match(first)
    told = [text.removeprefix(enhanced[0]) if enhanced else text for text in others]
    return b" ".join([b"%d" % code, first, *told]).rstrip()


def _fault_of(code: int, texts: Sequence[bytes], step: Fault) -> Fault | None:
    """Return what a reply is that was not awaited; RESET for a bare 421 in place of a login."""
    if code < _NO:
        return Fault.PROTOCOL
    nobody = step
    if step is Fault.REJECTED and code not in _TURNED_AWAY:
        nobody = Fault.PROTOCOL
    if step is Fault.AUTHENTICATION and code == _CLOSING:
        nobody = Fault.RESET
    return fault_of_no(_whole(code, texts), step, nobody)
