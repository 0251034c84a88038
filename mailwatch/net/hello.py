"""The server's first message in TLS, read before OpenSSL does, for what it would cost to obey it.

A server may ask a client of TLS 1.3 for a key in a finite field (RFC 7919). With one of 8192 bits
OpenSSL is busy for 150 ms in a single call, which no deadline can end, and Python cannot take
these groups out of what is offered before its version 3.15.
"""

from __future__ import annotations

_HEADER = 5
_HANDSHAKE = 22
_SERVER_HELLO = 2
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446 section 4.1.3)."""
_KEY_SHARE = b"\x00\x33"
_FINITE_FIELDS = range(0x0100, 0x0200)
"""RFC 8446 section 4.2.7."""
_LONGEST = 20_000
"""OpenSSL reads no ServerHello that is longer."""


class FirstMessage:
    """Takes what the server sends until its first message is whole, in however many records."""

    def __init__(self) -> None:
        self._rest = b""
        self._message = bytearray()
        self._done = False

    def wants_finite_field(self, data: bytes) -> bool:
        """Take the next `data`; whether they complete a request for a key in a finite field."""
        if self._done:
            return False
        data = self._rest + data
        at = 0
        while not self._done and len(data) - at >= _HEADER:
            end = at + _HEADER + int.from_bytes(data[at + 3 : at + _HEADER])
            if len(data) < end:
                break
            if data[at] == _HANDSHAKE:
                self._message += data[at + _HEADER : end]
            at = end
            self._done = len(self._message) >= self._length
        self._rest = data[at:]
        return self._done and _asks_for_finite_field(bytes(self._message[: self._length]))

    @property
    def _length(self) -> int:
        """How long the message is, with its header of four bytes."""
        if len(self._message) < 4:
            return 4
        if self._message[0] != _SERVER_HELLO:
            return 0
        return min(4 + int.from_bytes(self._message[1:4]), _LONGEST)


def _asks_for_finite_field(message: bytes) -> bool:
    """Whether a ServerHello is a retry for a group of a finite field (RFC 8446 section 4.1.4)."""
    if len(message) < 39 or message[6:38] != _RETRY:
        return False
    at = 39 + message[38] + 3  # the session's id, the cipher suite, the compression
    extensions = message[at + 2 :]
    while len(extensions) >= 4:
        end = 4 + int.from_bytes(extensions[2:4])
        if extensions[:2] == _KEY_SHARE:
            return int.from_bytes(extensions[4:6]) in _FINITE_FIELDS
        extensions = extensions[end:]
    return False
