"""Broken conversations, made from good ones by chance: what to ask, and what a peer does to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from mailwatch.core.secret import Secret
from mailwatch.probes.settings import HttpRules, Login, ServiceSettings, TlsMode

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
        [b"* OK hi\r\n", CAPABLE + b"a1 OK\r\n", b"+\r\n", b"a4 OK\r\n", b"* BYE\r\na9 OK\r\n"],
    ],
    "pop3": [
        [b"+OK hi\r\n", b"+OK bye\r\n"],
        [b"+OK hi\r\n", b"+OK\r\nSTLS\r\nUSER\r\n.\r\n", b"+OK go\r\n"],
        [b"+OK hi\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK bye\r\n"],
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


MOST_OF_A_TURN = 600_000
"""Bytes; more than twice of what a probe hears of one conversation."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One conversation: `settings` less host and port, the peer's turns, and how it ends.

    `handshake` is how the peer begins TLS: "none", "good" or "broken". `end` is one of "close",
    "reset", "half" or "hold". `within_s` is the probe's whole time.
    """

    settings: ServiceSettings
    turns: tuple[bytes, ...]
    handshake: str
    end: str
    drip: bool
    within_s: float


def make(chance: random.Random) -> Stream:
    """Return the next stream."""
    probe = chance.choice(sorted(GOOD))
    modes = [TlsMode.NONE] * 3 + [TlsMode.IMPLICIT]
    if probe not in ("http", "tcp"):
        modes.append(TlsMode.STARTTLS)
    settings = ServiceSettings("FUZZ", "127.0.0.1", 1, probe, chance.choice(modes))
    if chance.random() < 0.3:
        settings = replace(settings, login=Login("user", Secret("s3cret")))
    if chance.random() < 0.5:
        rules = HttpRules(body="w*l", headers=(("Server", "x"),), statuses=((200, 299),))
        settings = replace(settings, http=rules)
    turns = list(chance.choice(GOOD[probe]))
    for _ in range(chance.choice([0, 1, 1, 2, 3, 6])):
        chance.choice(MUTATIONS)(turns, chance)
    handshake = "none"
    if settings.tls is not TlsMode.NONE and chance.random() < 0.9:
        handshake = chance.choice(["good", "good", "broken"])
    held = chance.random() < 0.02
    return Stream(
        settings,
        tuple(turns),
        handshake,
        "hold" if held else chance.choice(["close", "close", "reset", "half"]),
        chance.random() < 0.02,
        chance.choice([0.02, 0.05]) if held else chance.choice([0.05, 0.3, 1.0]),
    )


Turns = list[bytes]


def _edit(turns: Turns, chance: random.Random) -> None:
    at = chance.randrange(len(turns))
    turn = turns[at]
    start = chance.randint(0, len(turn))
    end = min(len(turn), start + chance.choice([0, 0, 1, 2, 10]))
    turns[at] = turn[:start] + chance.choice(WORDS) + turn[end:]


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


MUTATIONS: list[Callable[[Turns, random.Random], None]] = [
    *[_edit, _edit, _flip, _cut, _repeat, _join, _swap, _noise, _foreign]
]


def broken(flight: bytes, chance: random.Random) -> bytes:
    """Return a server's TLS messages with something wrong in them."""
    turns = [flight]
    chance.choice([_flip, _cut, _edit, _repeat, _noise])(turns, chance)
    return b"".join(turns)
