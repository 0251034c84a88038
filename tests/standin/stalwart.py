"""A stand-in for one mail server that bans: it behaves as Stalwart was measured to.

    python3 tests/standin/stalwart.py --port 2525 [--implicit CERT] [--state FILE] [--scan 30]

One port of it speaks SMTP, or what `--protocol` says. What no client of that protocol says counts
as an offence of its address; beyond `--scan` of them the address is banned for good, across
restarts where `--state` keeps the bans, and what it opens is closed at once. More than five
connections to SMTP in a second are closed without a word. A refused login is answered 5 s late,
times `--scale`. It logs as the server does: `TIME LEVEL Text (event.name) key = value`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GREETINGS = {
    "smtp": b"220 mail.example.org Stalwart ESMTP at your service\r\n",
    "imap": b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Stalwart IMAP4rev2 at your service.\r\n",
    "pop3": b"+OK Stalwart POP3 at your service.\r\n",
    "http": b"",
}
LATE_S = 5.0


@dataclass
class Standin:
    """The server's memory, and one protocol."""

    protocol: str = "smtp"
    scan: int = 30
    scale: float = 1.0
    state: Path | None = None
    per_second: int = 5
    offences: Counter[str] = field(default_factory=Counter)
    banned: set[str] = field(default_factory=set)
    opened: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    throttled: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        if self.state and self.state.exists():
            kept = json.loads(self.state.read_text())
            self.offences, self.banned = Counter(kept["offences"]), set(kept["banned"])

    def log(self, level: str, text: str, event: str, **about: object) -> None:
        """Write one line as the server does."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = ", ".join(f"{key} = {value}" for key, value in about.items())
        sys.stdout.write(f"{moment} {level} {text} ({event}) {told}\n")
        sys.stdout.flush()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, ValueError):
            await self._serve(reader, writer)
        with suppress(ConnectionError, ssl.SSLError):
            writer.close()
            await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        address = writer.get_extra_info("peername")[0]
        if address in self.banned:
            self.log("INFO", "Blocked IP address", "security.ip-blocked", remoteIp=address)
            return
        now = time.monotonic()
        recent = self.opened[address] = [t for t in self.opened[address] if now - t < 1] + [now]
        if self.protocol == "smtp" and len(recent) > self.per_second:
            self.throttled += 1
            self.log("WARN", "Rate limit exceeded", "smtp.rate-limit-exceeded", remoteIp=address)
            return
        writer.write(GREETINGS[self.protocol])
        while line := await reader.readline():
            answer = await self._answer(line)
            if answer is None:
                self._offend(address)
                if address in self.banned:
                    return
                answer = b"500 5.5.1 Invalid command.\r\n"
            writer.write(answer)
            if line.upper().split()[-1:] in ([b"QUIT"], [b"LOGOUT"]):
                return

    async def _answer(self, line: bytes) -> bytes | None:
        """Return the answer to one command, None for what is none."""
        words = line.upper().split() or [b""]
        verb = words[0]
        if self.protocol == "smtp":
            if verb == b"AUTH":
                await asyncio.sleep(LATE_S * self.scale)
                return b"535 5.7.8 Authentication credentials invalid.\r\n"
            replies = {
                b"EHLO": b"250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n",
                b"QUIT": b"221 2.0.0 Bye.\r\n",
            }
            return replies.get(verb)
        if self.protocol == "pop3":
            return b"+OK Stalwart POP3 bids you farewell.\r\n" if verb == b"QUIT" else None
        if self.protocol == "http":
            if verb in (b"GET", b"HEAD"):
                return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /account\r\n\r\n"
            return b"" if b":" in line or line == b"\r\n" else None
        tag = verb
        if words[1:2] == [b"CAPABILITY"]:
            return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%b OK done\r\n" % tag
        if words[1:2] == [b"LOGOUT"]:
            return b"* BYE Stalwart IMAP4rev2 bids you farewell.\r\n%b OK done\r\n" % tag
        if words[1:2] == [b"SEARCH"]:
            return b"* SEARCH\r\n%b OK done\r\n" % tag
        return None

    def _offend(self, address: str) -> None:
        self.offences[address] += 1
        if self.offences[address] > self.scan:
            self.banned.add(address)
        if self.state:
            kept = {"offences": self.offences, "banned": sorted(self.banned)}
            self.state.write_text(json.dumps(kept))


async def listen(standin: Standin, port: int, certificate: Path | None) -> asyncio.Server:
    """Return a listener of `standin`, with TLS from the first byte where it has a certificate."""
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    return await asyncio.start_server(standin.serve, "127.0.0.1", port, ssl=tls)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", choices=GREETINGS, default="smtp")
    parser.add_argument("--implicit", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--scan", type=int, default=30)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    standin = Standin(given.protocol, given.scan, given.scale, given.state)
    await (await listen(standin, given.port, given.implicit)).serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
