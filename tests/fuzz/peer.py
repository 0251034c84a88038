"""The peer of a fuzzed conversation: plays one stream to whoever connects."""

from __future__ import annotations

import os
import queue
import random
import select
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import trustme

from mailwatch.net.endpoint import TlsMode

if TYPE_CHECKING:
    from tests.fuzz.streams import Stream, broken, retry
else:  # the directory of the script is where Python looks first
    from streams import Stream, broken, retry

PATIENCE_S = 0.01
"""How long the peer waits for the probe's next words before it plays on: both may be waiting."""


def servers() -> Mapping[str, ssl.SSLContext]:
    """Return the TLS servers that a stream may name, whose chains are 0.5, 85 and 230 KB long."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    own = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    above = authority.cert_pem.bytes()
    lengths = {"plain": 0, "TLS 1.2": 0, "long chain": 150, "endless chain": 400}
    found = {name: _server(own, above * count) for name, count in lengths.items()}
    found["TLS 1.2"].maximum_version = ssl.TLSVersion.TLSv1_2
    return found


def _server(own: trustme.LeafCert, above: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:
        file = Path(directory, "server.pem")
        pems = [own.private_key_pem, *own.cert_chain_pems[:1]]
        file.write_bytes(b"".join(pem.bytes() for pem in pems) + above)
        context.load_cert_chain(file)
    return context


DRIPPED = 3000
"""So many bytes one by one, at most."""


class FuzzPeer:
    """One listener and one thread; `play` names what the next connection gets.

    One that `hears_out` waits for the answer to its last turn, and so `heard` is all.
    """

    def __init__(self, contexts: Mapping[str, ssl.SSLContext], *, hears_out: bool = False) -> None:
        self._contexts = contexts
        self._hears_out = hears_out
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        """What the connection said, in plain text."""
        self._last_call = os.eventfd(0, os.EFD_NONBLOCK)
        self._next: queue.Queue[tuple[Stream, random.Random] | None] = queue.Queue()
        self._played = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def play(self, stream: Stream, seed: int) -> None:
        """Play `stream` to the next connection."""
        self._played.clear()
        self.heard = b""
        with suppress(BlockingIOError):
            os.eventfd_read(self._last_call)
        self._next.put((stream, random.Random(seed)))

    def settle(self) -> None:
        """Wait until the stream is over; who wanted to connect has done so by now."""
        os.eventfd_write(self._last_call, 1)
        if not self._played.wait(30):
            raise TimeoutError("the peer of a stream does not end")

    def close(self) -> None:
        """End the thread."""
        self._next.put(None)
        self._thread.join(30)
        self._listener.close()
        os.close(self._last_call)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._last_call, select.POLLIN)
        while item := self._next.get():
            poll.poll()
            # Where the probe never came, or came again, nobody is left to meet the next stream.
            with suppress(BlockingIOError):
                sock, _ = self._listener.accept()
                with sock:
                    sock.settimeout(5)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with suppress(OSError, ValueError):
                        self._serve(sock, *item)
                while True:
                    self._listener.accept()[0].close()
            self._played.set()

    def _serve(self, sock: socket.socket, stream: Stream, chance: random.Random) -> None:
        line: socket.socket | _Inside = sock
        if stream.settings.tls is TlsMode.IMPLICIT:
            line = self._secure(sock, stream, chance)
        for number, turn in enumerate(stream.turns):
            if number or stream.settings.probe == "http":
                heard = self._hear(sock, line, stream.turns[number - 1])
                if not heard:
                    return
                if heard[-10:].upper().endswith((b"STARTTLS\r\n", b"STLS\r\n")):
                    line.sendall(turn)
                    line = self._secure(sock, stream, chance)
                    continue
            if stream.drip:
                _drip(line, turn[:DRIPPED])
            else:
                line.sendall(turn)
        if self._hears_out and stream.turns:
            self._hear(sock, line, stream.turns[-1])
        self._end(sock, stream.end)

    def _hear(self, sock: socket.socket, line: _Line, said: bytes) -> bytes:
        """Return what came, b"?" for nothing yet, b"" at the end; after 354 it is a message."""
        sock.settimeout(PATIENCE_S)
        heard, late = b"", False
        try:
            while not heard or (said.startswith(b"354") and not heard.endswith(b"\r\n.\r\n")):
                more = line.recv(65536)
                if not more:
                    break
                heard += more
        except TimeoutError:
            late = True
        sock.settimeout(5)
        self.heard += heard
        return heard or (b"?" if late else b"")

    def _secure(self, sock: socket.socket, stream: Stream, chance: random.Random) -> _Line:
        if stream.handshake == "none":
            return sock
        if stream.handshake == "retry":
            first, second = retry(sock.recv(65536), chance)
            sock.sendall(first)
            sock.recv(65536)
            sock.sendall(second)
            return sock
        inside = _Inside(sock, self._contexts[stream.server], stream.drip)
        if stream.handshake == "broken":
            sock.settimeout(2 * PATIENCE_S)  # a cut message leaves both sides waiting
            inside.handshake(chance)
            sock.settimeout(5)
        else:
            inside.handshake(None)
        return inside

    def _end(self, sock: socket.socket, how: str) -> None:
        if how == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half":
            sock.shutdown(socket.SHUT_WR)
        if how in ("half", "hold"):
            while sock.recv(65536):
                pass


class _Inside:
    """The server's side of TLS over a socket, whose messages can be broken on the way."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, drip: bool) -> None:
        self._sock = sock
        self._drip = drip
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    def handshake(self, chance: random.Random | None) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(chance)
                self._feed()
            else:
                self._flush(chance)
                return

    def sendall(self, data: bytes) -> None:
        if data:
            self._tls.write(data)
            self._flush(None)

    def recv(self, count: int) -> bytes:
        while True:
            try:
                return self._tls.read(count)
            except ssl.SSLWantReadError:
                self._feed()

    def _feed(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionError("the probe has left")
        self._in.write(data)

    def _flush(self, chance: random.Random | None) -> None:
        data = self._out.read()
        if data:
            data = broken(data, chance) if chance else data
            if self._drip and not self._tls.version():
                _drip(self._sock, data[:DRIPPED])
                data = data[DRIPPED:]
            self._sock.sendall(data)


_Line = socket.socket | _Inside


def _drip(line: _Line, data: bytes) -> None:
    for at in range(len(data)):
        line.sendall(data[at : at + 1])
