"""Broken conversations, made from good ones by chance: what to ask, and what a peer does to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.settings import ServiceSettings

HELLO = b"250-mail.example.org\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 HELP\r\n"
SIEVE = b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK "hi"\r\n'
CAPABLE = b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nServer: x\r\n"

GOOD: dict[str, list[list[bytes]]] = {
    "smtp": [
        [b"220 hi\r\n", HELLO, b"221 bye\r\n"],
        [b"220 hi\r\n", HELLO, b"220 go\r\n"],
        [b"220 hi\r\n", HELLO, b"235 in\r\n", b"221 bye\r\n"],
    ],
    "imap": [
        [b"* OK hi\r\n", CAPABLE + b"a1 OK\r\n", b"* BYE\r\na9 OK\r\n"],
        [b"* OK hi\r\n", CAPABLE + b"a1 OK\r\n", b"a2 OK go\r\n"],
        [
            b"* OK hi\r\n",
            CAPABLE + b"a1 OK\r\n",
            b"+\r\n",
            b"a4 OK\r\n",
            b"a5 OK\r\n",
            b"* BYE\r\na9 OK\r\n",
        ],
    ],
    "pop3": [
        [b"+OK hi\r\n", b"+OK bye\r\n"],
        [b"+OK hi\r\n", b"+OK\r\nSTLS\r\nUSER\r\n.\r\n", b"+OK go\r\n"],
        [b"+OK hi\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK bye\r\n"],
    ],
    "sieve": [[SIEVE, b"OK\r\n"], [SIEVE, b"OK\r\n", b"OK\r\n"]],
    "http": [
        [PAGE + b"Content-Length: 4\r\n\r\nwell"],
        [PAGE + b"Transfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n"],
        [b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" + PAGE + b"\r\nwell"],
    ],
    "tcp": [[b"", b""], [b"hello\r\n"]],
}
GOOD["lmtp"] = GOOD["smtp"]

WORDS = [
    *[b"\x00", b"\r", b"\n", b"\r\n", b"\xff\xfe", b"\x1b[2J", b"\xe2\x80\xae", b" ", b"-", b":"],
    *[b"220 ", b"250-", b"250 ", b"221 ", b"421 ", b"535 ", b"* ", b"* BYE\r\n", b"a1 OK\r\n"],
    *[b"a9 OK\r\n", b"a1 NO\r\n", b"+OK\r\n", b"-ERR\r\n", b".\r\n", b"OK\r\n", b"NO\r\n"],
    *[b"{10}\r\n", b'"', b"HTTP/1.1 ", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n"],
    *[b"ffffffff\r\n", b"0\r\n\r\n", b"99999999999999999999", b"\x16\x03\x01", b"\x15\x03\x03\x00"],
    *[b"x" * 600, b"220-x\r\n" * 120, b"* x\r\n" * 120, b"A: b\r\n" * 120, b"y" * 9000],
    b"z" * 300_000,
]


WINDUP_S = 0.05
"""How much sooner than its check a canary is submitted."""

SERVERS = ["plain", "plain", "plain", "TLS 1.2", "long chain", "endless chain"]

MOST_OF_A_TURN = 600_000
"""Bytes; more than twice of what a probe hears of one conversation."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One conversation: `settings` less host and port, the peer's turns, and how it ends.

    `handshake` is how the peer begins TLS: "none", "good", "broken", or "retry", which asks for a
    key that takes 150 ms to make. `server` is a key of `peer.servers`. `end` is one of "close",
    "reset", "half" or "hold". `within_s` is the probe's whole time. `mailbox` is the other
    conversation of a canary.
    """

    settings: ServiceSettings
    turns: tuple[bytes, ...]
    handshake: str
    end: str
    drip: bool
    within_s: float
    server: str = "plain"
    mailbox: Stream | None = None


def make(chance: random.Random) -> Stream:
    """Return the next stream."""
    probe = chance.choice(sorted(GOOD))
    modes = [TlsMode.NONE] * 3 + [TlsMode.IMPLICIT]
    if probe not in ("http", "tcp"):
        modes.append(TlsMode.STARTTLS)
    settings = ServiceSettings("FUZZ", "127.0.0.1", 1, probe=probe, tls=chance.choice(modes))
    settings = replace(settings, login_timeout_s=0.0)
    if chance.random() < 0.1:
        settings = replace(settings, verify=True)
    if chance.random() < 0.3:
        settings = replace(settings, login=Login("user", Secret("s3cret")))
    if chance.random() < 0.5:
        rules = HttpRules(body="w*l", headers=(("Server", "x"),), statuses=((200, 299),))
        settings = replace(settings, options=rules)
    turns = list(chance.choice(GOOD[probe]))
    for _ in range(chance.choice([0, 1, 1, 2, 3, 6])):
        mutate(turns, chance)
    return bend(settings, turns, chance)


def make_costly(chance: random.Random) -> Stream:
    """Return the next stream of those whose TLS is not of the plain kind."""
    while True:
        stream = make(chance)
        if stream.handshake == "retry" or stream.server != "plain":
            return stream


def bend(
    settings: ServiceSettings, turns: Turns, chance: random.Random, mailbox: Stream | None = None
) -> Stream:
    """Return a stream of these turns, with manners by chance."""
    handshake = "none"
    if settings.tls is not TlsMode.NONE and chance.random() < 0.9:
        handshake = chance.choice(["good", "good", "good", "broken", "broken", "retry"])
    held = chance.random() < 0.02
    in_a_hurry = held or handshake == "retry"
    within_s = chance.choice([0.02, 0.05] if in_a_hurry else [0.05, 0.3, 1.0])
    return Stream(
        settings,
        tuple(turns),
        handshake,
        "hold" if held else chance.choice(["close", "close", "reset", "half"]),
        chance.random() < 0.02,
        within_s + WINDUP_S if mailbox else within_s,
        "plain" if handshake == "none" else chance.choice(SERVERS),
        mailbox,
    )


Turns = list[bytes]
Change = Callable[[Turns, random.Random], None]


def mutate(turns: Turns, chance: random.Random, words: Sequence[bytes] = ()) -> None:
    """Change `turns` in one way, perhaps by one of these `words`."""
    edit = partial(_edit, words=[*WORDS, *words])
    ways: list[Change] = [edit, edit, *MUTATIONS]
    chance.choice(ways)(turns, chance)


def _edit(turns: Turns, chance: random.Random, words: Sequence[bytes] = WORDS) -> None:
    at = chance.randrange(len(turns))
    turn = turns[at]
    start = chance.randint(0, len(turn))
    end = min(len(turn), start + chance.choice([0, 0, 1, 2, 10]))
    turns[at] = turn[:start] + chance.choice(words) + turn[end:]


def _flip(turns: Turns, chance: random.Random) -> None:
    at = chance.randrange(len(turns))
    turn = bytearray(turns[at])
    for _ in range(chance.randint(1, 4)):
        if turn:
            turn[chance.randrange(len(turn))] = chance.randrange(256)
    turns[at] = bytes(turn)


def _cut(turns: Turns, chance: random.Random) -> None:
    at = chance.randrange(len(turns))
    turns[at] = turns[at][: chance.randint(0, len(turns[at]))]
    if chance.random() < 0.5:
        del turns[at + 1 :]


def _repeat(turns: Turns, chance: random.Random) -> None:
    at = chance.randrange(len(turns))
    times = chance.choice([2, 3, 50, 200])
    if len(turns[at]) * times <= MOST_OF_A_TURN:
        turns[at] *= times


def _join(turns: Turns, chance: random.Random) -> None:
    turns[:] = [b"".join(turns)]


def _swap(turns: Turns, chance: random.Random) -> None:
    chance.shuffle(turns)


def _noise(turns: Turns, chance: random.Random) -> None:
    turns.insert(chance.randint(0, len(turns)), chance.randbytes(chance.choice([1, 5, 100, 3000])))


def _foreign(turns: Turns, chance: random.Random) -> None:
    turns[chance.randrange(len(turns))] = chance.choice(chance.choice(GOOD["smtp"] + GOOD["imap"]))


MUTATIONS: list[Change] = [*[_flip, _cut, _repeat, _join, _swap, _noise, _foreign]]


def broken(flight: bytes, chance: random.Random) -> bytes:
    """Return a server's TLS messages with something wrong in them."""
    turns = [flight]
    chance.choice([_flip, _cut, _edit, _repeat, _noise])(turns, chance)
    return b"".join(turns)


_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446 section 4.1.3)."""

_WIDTHS = {0x0100: 256, 0x0104: 1024, 0x001D: 32}
"""How many bytes a key of these groups has; the first two are finite fields (RFC 7919)."""


def retry(hello: bytes, chance: random.Random) -> tuple[bytes, bytes]:
    """Answer the ClientHello in `hello` as a server of TLS 1.3 that wants another group's key.

    The second flight has the server's own key, once the client has shown one.
    """
    group = chance.choice([0x0100, 0x0104, 0x0104, 0x0104, 0x001D])
    name = group.to_bytes(2, "big")
    padding = chance.choice([0, 0, 1, 200])
    cookie = _extension(b"\x00\x2c", padding.to_bytes(2, "big") + bytes(padding))
    more = [cookie] if padding else []
    first = _server_hello(hello, _RETRY, [_extension(b"\x00\x33", name), *more], chance)
    first += chance.choice([b"", b"\x14\x03\x03\x00\x01\x01"])
    if chance.random() < 0.6:
        first = broken(first, chance)
    key = b"\x01" * _WIDTHS[group]
    share = _extension(b"\x00\x33", name + len(key).to_bytes(2, "big") + key)
    return first, _server_hello(hello, bytes(32), [share], chance)


def _server_hello(
    hello: bytes, number: bytes, extensions: list[bytes], chance: random.Random
) -> bytes:
    """Return the records of a ServerHello, whose random is `number`, in pieces of any length."""
    extensions = [_extension(b"\x00\x2b", b"\x03\x04"), *extensions]
    chance.shuffle(extensions)
    joined = b"".join(extensions)
    session = hello[43 : 44 + hello[43]] if hello[43:] else b"\0"
    body = b"\x03\x03" + number + session + b"\x13\x01\0" + len(joined).to_bytes(2, "big") + joined
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    records = b""
    while message:
        piece = message[: chance.choice([1, 4, 60, 16384])]
        message = message[len(piece) :]
        records += b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece
    return records


def _extension(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(2, "big") + content
