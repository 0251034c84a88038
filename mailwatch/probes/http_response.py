"""One HTTP/1.1 response, read within bounds (RFC 9112); what a browser forgives is forgiven."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError

MAX_BODY = 64 * 1024
"""How much of a body is heard, in bytes, and how much of what it unpacks to."""

MAX_FIELD = 64 * 1024
"""Bytes of one header field; a browser takes a policy or a cookie of many KiB."""

MAX_FIELDS = 1000
"""Lines of one header."""

_BODY = fact("http-body")
_MAX_INTERIM = 5
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_ZLIB = 32 + zlib.MAX_WBITS
"""Of what zlib.decompressobj takes: gzip or zlib, whichever it is."""
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
    for _ in range(MAX_FIELDS):
        line = yield from talk.line(awaited, MAX_FIELD)
        if not line:
            return tuple(fields)
        field = _FIELD.fullmatch(line)
        if field:
            fields.append((field[1].lower(), field[2].strip(b" \t")))
        elif fields and line[:1] in b" \t":  # a folded line (section 5.2)
            name, value = fields[-1]
            fields[-1] = name, value + b" " + line.strip(b" \t")
        else:
            said, missing = printable(line), fact("http-field")
            raise ConversationError.of(
                Fault.PROTOCOL, "sent-otherwise", said=said, expected=missing
            )
    raise ConversationError.of(Fault.PROTOCOL, "http-many-fields", limit=MAX_FIELDS)


def read_body(talk: Conversation, head: Head) -> Steps[bytes]:
    """Return at most MAX_BODY bytes of the page; raises ConversationError.

    One that cannot be read, as its length (section 6.3) or its coding is none that we know, is no
    sign of a hang, and breaks only the admin's rule for it.
    """
    if head.status in (204, 304):
        return b""
    return _unpacked(head, (yield from _read_framed(talk, head)))


def _unpacked(head: Head, body: bytes) -> bytes:
    """Return `body` without its content coding (RFC 9110 section 8.4.1)."""
    codings = b", ".join(head.values("content-encoding")).lower()
    if codings in (b"", b"identity"):
        return body
    if codings not in (b"gzip", b"x-gzip", b"deflate"):
        raise _unreadable("Content-Encoding", codings)
    try:
        return zlib.decompressobj(_ZLIB).decompress(body, MAX_BODY)
    except zlib.error:
        raise _unreadable("Content-Encoding", codings) from None


def _read_framed(talk: Conversation, head: Head) -> Steps[bytes]:
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
    return ConversationError.of(Fault.RULE, "http-unreadable", field=name, said=said)


def _misframed(line: bytes, expected: str) -> ConversationError:
    said, missing = printable(line), fact(expected)
    return ConversationError.of(Fault.RULE, "sent-otherwise", said=said, expected=missing)


def _read_chunks(talk: Conversation) -> Steps[bytes]:
    body = bytearray()
    while len(body) < MAX_BODY:
        line = yield from talk.line(fact("http-chunk"))
        size = _CHUNK_SIZE.fullmatch(line)
        if not size:
            raise _misframed(line, "http-chunk-size")
        left = int(size[1], 16)
        if not left:
            break
        body += yield from talk.exactly(min(left, MAX_BODY), _BODY)
        if len(body) < MAX_BODY and (line := (yield from talk.line(fact("http-chunk-end")))):
            raise _misframed(line, "http-chunk-end")
    return bytes(body[:MAX_BODY])


def _read_to_the_end(talk: Conversation) -> Steps[bytes]:
    body = bytearray()
    while len(body) < MAX_BODY and (data := (yield from talk.some(MAX_BODY - len(body), _BODY))):
        body += data
    return bytes(body)
