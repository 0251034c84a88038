"""The three-digit replies that SMTP and LMTP answer every command with (RFC 5321 section 4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import MAX_LINES, refused, too_many_lines
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.limits import hints_at_limit, names_limit

_REPLY_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?", re.DOTALL)

_TURNED_AWAY = frozenset({521, 550, 554})
"""Codes with which a server greets whom it does not serve (RFC 5321 section 3.1, RFC 7504)."""

_NOT_NOW = frozenset({421, 450})
"""Codes with which one greets whom it does not serve now, or anybody while it is sick."""

_TROUBLE = re.compile(rb"4\.3\.\d")
"""Enhanced status codes that blame the mail system itself, for now (RFC 3463 section 3.4)."""

_POLICY = re.compile(rb"4\.7\.\d|\bdenied|\bblocked|\bbanned|\brejected|list", re.IGNORECASE)
"""What shows that it is the client that is not served: RFC 3463 section 3.8, or such words."""

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
    faults: Mapping[int, Fault] | None = None,
    also: int | None = None,
    *,
    opens: bool = False,
) -> Steps[list[bytes]]:
    """Read one whole reply and return the text of its lines.

    `faults` says which codes are another fault than PROTOCOL, `also` names one more that is fine.
    A reply that `opens` the session is REJECTED where the server is well and turns us away, and
    any other where it names a limit. Raises SaidNo where its code is not the `wanted` one,
    HalfReply where the rest of it is late, else ConversationError, also where more has come.
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
            if more or not (opens and _turns_away(int(parsed[1]), [text])):
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
        fault = (faults or {}).get(code, Fault.PROTOCOL)
        if _turns_away(code, texts) if opens else _is_at_limit(code, texts):
            fault = Fault.REJECTED
        raise kind(fault, refused(awaited, line, wanted), code)
    return texts


def _wrong(awaited: Fact, line: bytes, wanted: int) -> ConversationError:
    return ConversationError(Fault.PROTOCOL, refused(awaited, line, wanted, "answer-wrong"))


def _is_at_limit(code: int, texts: Sequence[bytes]) -> bool:
    return 400 <= code < 500 and not _is_trouble(texts) and any(map(hints_at_limit, texts))


def _is_trouble(texts: Sequence[bytes]) -> bool:
    return any(_TROUBLE.match(text) and not names_limit(text) for text in texts)


def _turns_away(code: int, texts: Sequence[bytes]) -> bool:
    if _is_trouble(texts):
        return False
    return code in _TURNED_AWAY or (
        code in _NOT_NOW and any(_POLICY.search(text) or hints_at_limit(text) for text in texts)
    )
