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
from contextlib import suppress

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

READY = "ready"
"""What it prints, once, as soon as every port answers."""

NAME = "mail.example.org"

_PATIENCE_S = 60
"""How long a client may stay."""

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak RFC 5321 as far as a client without mail gets."""
    say(writer, f"220 {NAME} ESMTP")
    while words := (await reader.readline()).split():
        verb = words[0].upper()
        if verb in (b"EHLO", b"HELO"):
            say(writer, f"250-{NAME}", "250 8BITMIME")
        elif verb == b"NOOP":
            say(writer, "250 2.0.0 OK")
        elif verb == b"QUIT":
            say(writer, f"221 2.0.0 {NAME} closes the connection")
            return
        else:
            say(writer, "502 5.5.1 not in this small server")


async def imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak RFC 3501 as far as a client without a login gets."""
    say(writer, f"* OK [CAPABILITY IMAP4rev1] {NAME}")
    while len(words := (await reader.readline()).split()) > 1:
        tag, verb = words[0].decode("ascii", "replace"), words[1].upper()
        if verb == b"CAPABILITY":
            say(writer, "* CAPABILITY IMAP4rev1", f"{tag} OK done")
        elif verb == b"NOOP":
            say(writer, f"{tag} OK done")
        elif verb == b"LOGOUT":
            say(writer, f"* BYE {NAME} closes the connection", f"{tag} OK done")
            return
        else:
            say(writer, f"{tag} BAD not in this small server")


async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request (RFC 9112) with one line of text."""
    while (await reader.readline()).strip():
        pass
    page = "This is where webmail would be."
    say(
        writer,
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain",
        f"Content-Length: {len(page) + 2}",
        "Connection: close",
        "",
        page,
    )


CONVERSATIONS: dict[str, Conversation] = {"smtp": smtp, "imap": imap, "http": http}


def say(writer: asyncio.StreamWriter, *lines: str) -> None:
    """Send `lines`, each with its CRLF."""
    writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii", "replace"))


def politely(hold: Conversation) -> Conversation:
    """Return `hold` with an end: the connection is closed, whatever the client did."""

    async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, TimeoutError):
            await asyncio.wait_for(hold(reader, writer), _PATIENCE_S)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    return held


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; raises OSError."""
    # Named in full, for only then asyncio sets TCP_NODELAY, without which TLS takes 45 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # The demo holds the port with a bound socket of its own, so that nobody takes it meanwhile.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def die_with(parent: int) -> None:
    """Have the kernel kill this process, stopped or not, as soon as `parent` is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the demo has ended already")


async def serve(services: list[tuple[str, int, bool]], certificate: int | None) -> None:
    """Answer on every port of `services` (protocol, port, with TLS) until killed."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"/proc/self/fd/{certificate}")
    for protocol, port, with_tls in services:
        hold = politely(CONVERSATIONS[protocol])
        await asyncio.start_server(hold, sock=listen(port), ssl=tls if with_tls else None)
    os.write(1, f"{READY}\n".encode())
    # Nobody reads what comes after this, and a full pipe would be a hang that nobody ordered.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    """Run as {"parent": PID, "services": [[PROTOCOL, PORT, TLS], ...], "certificate": FD}."""
    order = json.loads(arguments[0])
    die_with(order["parent"])
    asyncio.run(serve(order["services"], order["certificate"]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        raise SystemExit(f"the demo's mail server cannot run: {error.strerror or error}") from None
