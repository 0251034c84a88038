"""A small mail server on loopback: SMTP, IMAP and HTTP by the book, and nothing else.

It is run as a program of its own, so that SIGSTOP hangs it as servers hang in the field: the
kernel goes on accepting connections, and nobody answers. It needs the standard library only and
imports nothing of mailwatch, so that it also starts under `python3 -I -S`.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress

NAME = "mail.example.org"

READY = b"ready\n"
"""What it prints, once, as soon as it answers."""

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


async def smtp(reader: asyncio.StreamReader, say: Callable[..., None]) -> None:
    """Speak RFC 5321 as far as a client without mail gets."""
    say(f"220 {NAME} ESMTP")
    while words := (await reader.readline()).split():
        match words[0].upper():
            case b"EHLO" | b"HELO":
                say(f"250-{NAME}", "250 8BITMIME")
            case b"QUIT":
                say(f"221 2.0.0 {NAME} closes the connection")
                return
            case _:
                say("502 5.5.1 not in this small server")


async def imap(reader: asyncio.StreamReader, say: Callable[..., None]) -> None:
    """Speak RFC 3501 as far as a client without a login gets."""
    say(f"* OK [CAPABILITY IMAP4rev1] {NAME}")
    while len(words := (await reader.readline()).decode("ascii", "replace").split()) > 1:
        match words[1].upper():
            case "CAPABILITY":
                say("* CAPABILITY IMAP4rev1", f"{words[0]} OK done")
            case "LOGOUT":
                say(f"* BYE {NAME} closes the connection", f"{words[0]} OK done")
                return
            case _:
                say(f"{words[0]} BAD not in this small server")


async def http(reader: asyncio.StreamReader, say: Callable[..., None]) -> None:
    """Answer one request (RFC 9112)."""
    while (await reader.readline()).strip():
        pass
    say("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close", "")


async def serve(services: list[tuple[str, int, bool]], certificate: int | None) -> None:
    """Answer at every listener of `services` (protocol, descriptor, with TLS) until killed."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"/proc/self/fd/{certificate}")
    os.write(1, READY)
    # Nobody reads what comes after this, and a full pipe would be a hang that nobody ordered.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for protocol, descriptor, with_tls in services:
        hold = _answering({"smtp": smtp, "imap": imap, "http": http}[protocol])
        listener = socket.socket(fileno=descriptor)
        await asyncio.start_server(hold, sock=listener, ssl=tls if with_tls else None)
    await asyncio.Event().wait()


def _answering(converse: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return what holds the conversation with a client, and then closes the connection."""

    async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(*lines: str) -> None:
            writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii", "replace"))

        with closing(writer), suppress(OSError, ValueError):
            await converse(reader, say)

    return held


if __name__ == "__main__":
    # [PID of the demo, [[PROTOCOL, DESCRIPTOR, with TLS], ...], DESCRIPTOR of the certificate]
    demo, services, certificate = json.loads(sys.argv[1])
    # The kernel kills this process, stopped or not, as soon as the demo is gone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != demo:
        raise SystemExit("the demo has ended already")
    asyncio.run(serve(services, certificate))
