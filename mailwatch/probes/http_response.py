"""One HTTP/1.1 response, read strictly and within bounds (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import MAX_LINES
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError

MAX_BODY = 64 * 1024
"""How much of a body is heard, in bytes."""

_BODY = fact("http-body")
_MAX_INTERIM = 5
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """The status of the final response, its line, and its fields, their names in lower case."""

    status: int
    line: bytes
    fields: tuple[tuple[bytes, bytes], ...]

    def values(self, name: str) -> list[bytes]:
        """Return the values of every field called `name`, in any case."""
        wanted = name.lower().encode()
        return [value for found, value in self.fields if found == wanted]

    @property
    def length(self) -> int | None:
        """How long the body is, where that is said once and plainly."""
        lengths = self.values("content-length")
        if len(lengths) != 1 or self.values("transfer-encoding"):
            return None
        return int(lengths[0]) if _LENGTH.fullmatch(lengths[0]) else None


def read_head(talk: Conversation) -> Steps[Head]:
    """Read up to the end of the final response's header; raises ConversationError."""
    for _ in range(_MAX_INTERIM):
        line = yield from talk.line(fact("http-status-line"))
        parsed = _STATUS_LINE.fullmatch(line)
        if not parsed:
            said = printable(line)
            raise ConversationError.of(
                Fault.PROTOCOL, "answered-otherwise", said=said, protocol="HTTP"
            )
        fields = yield from _read_fields(talk)
        head = Head(int(parsed[1]), line, fields)
        if head.status >= 200:  # else it is an interim response (RFC 9110 section 15.2)
            return head
    raise ConversationError.of(Fault.PROTOCOL, "http-interim-endless")


def _read_fields(talk: Conversation) -> Steps[tuple[tuple[bytes, bytes], ...]]:
    fields: list[tuple[bytes, bytes]] = []
    awaited = fact("http-header")
    for _ in range(MAX_LINES):
        line = yield from talk.line(awaited)
        if not line:
            return tuple(fields)
        field = _FIELD.fullmatch(line)
        if field:
            fields.append((field[1].lower(), field[2].strip(b" \t")))
        elif fields and line[:1] in b" \t":  # a folded line (section 5.2)
            name, value = fields[-1]
            fields[-1] = name, value + b" " + line.strip(b" \t")
        else:
            raise _otherwise(line, "http-field")
    raise ConversationError.of(Fault.PROTOCOL, "http-many-fields", limit=MAX_LINES)


def read_body(talk: Conversation, head: Head) -> Steps[bytes]:
    """Return at most MAX_BODY bytes of the body (section 6.3); raises ConversationError."""
    if head.status in (204, 304):
        return b""
    codings = head.values("transfer-encoding")
    lengths = set(head.values("content-length"))
    if codings:
        if [coding.lower() for coding in codings] != [b"chunked"]:
            raise _unreadable("Transfer-Encoding", b", ".join(codings))
        return (yield from _read_chunks(talk))
    if not lengths:
        return (yield from _read_to_the_end(talk))
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise _unreadable("Content-Length", b", ".join(head.values("content-length")))
    return (yield from talk.exactly(min(int(length), MAX_BODY), _BODY))


def _unreadable(name: str, value: bytes) -> ConversationError:
    said = printable(value)
    return ConversationError.of(Fault.PROTOCOL, "http-unframed", field=name, said=said)


def _otherwise(line: bytes, expected: str) -> ConversationError:
    said, missing = printable(line), fact(expected)
    return ConversationError.of(Fault.PROTOCOL, "sent-otherwise", said=said, expected=missing)


def _read_chunks(talk: Conversation) -> Steps[bytes]:
    body = bytearray()
    while len(body) < MAX_BODY:
        line = yield from talk.line(fact("http-chunk"))
        size = _CHUNK_SIZE.fullmatch(line)
        if not size:
            raise _otherwise(line, "http-chunk-size")
        left = int(size[1], 16)
        if not left:
            break
        body += yield from talk.exactly(min(left, MAX_BODY), _BODY)
        if len(body) < MAX_BODY and (line := (yield from talk.line(fact("http-chunk-end")))):
            raise _otherwise(line, "http-chunk-end")
    return bytes(body[:MAX_BODY])


def _read_to_the_end(talk: Conversation) -> Steps[bytes]:
    body = bytearray()
    while len(body) < MAX_BODY and (data := (yield from talk.some(MAX_BODY - len(body), _BODY))):
        body += data
    return bytes(body)
