"""The peer of a fuzzed conversation: plays one stream to whoever connects."""

from __future__ import annotations

import queue
import random
import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from mailwatch.probes.settings import TlsMode

if TYPE_CHECKING:
    from tests.fuzz.streams import Stream, broken
else:  # the directory of the script is where Python looks first
    from streams import Stream, broken

PATIENCE_S = 0.01
"""How long the peer waits for the probe's next words before it plays on: both may be waiting."""


class FuzzPeer:
    """One listener and one thread; `play` names what the next connection gets."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.port: int = self._listener.getsockname()[1]
        self._next: queue.Queue[tuple[Stream, random.Random] | None] = queue.Queue()
        self._played = threading.Event()
        self._accepted = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def play(self, stream: Stream, seed: int) -> None:
        """Play `stream` to the next connection."""
        self._played.clear()
        self._accepted = False
        self._next.put((stream, random.Random(seed)))

    def settle(self) -> None:
        """Wait until the stream is over; the probe has ended by now."""
        if not self._accepted and not self._played.wait(0.05):
            # The probe may never have come; then this is the connection that is waited for.
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        if not self._played.wait(30):
            raise TimeoutError("the peer of a stream does not end")

    def close(self) -> None:
        """End the thread."""
        self._next.put(None)
        self._thread.join(30)
        self._listener.close()

    def _run(self) -> None:
        while item := self._next.get():
            sock, _ = self._listener.accept()
            self._accepted = True
            sock.settimeout(5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError, ValueError):
                self._serve(sock, *item)
            sock.close()
            # A left-over connection of settle() must not meet the next stream.
            self._listener.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    self._listener.accept()[0].close()
            self._listener.setblocking(True)
            self._played.set()

    def _serve(self, sock: socket.socket, stream: Stream, chance: random.Random) -> None:
        line: socket.socket | _Inside = sock
        if stream.settings.tls is TlsMode.IMPLICIT:
            line = self._secure(sock, stream, chance)
        for number, turn in enumerate(stream.turns):
            if number or stream.settings.probe == "http":
                sock.settimeout(PATIENCE_S)
                try:
                    heard = line.recv(65536)
                except TimeoutError:
                    heard = b"?"
                sock.settimeout(5)
                if not heard:
                    return
                if heard[-10:].upper().endswith((b"STARTTLS\r\n", b"STLS\r\n")):
                    line.sendall(turn)
                    line = self._secure(sock, stream, chance)
                    continue
            if stream.drip:
                for at in range(min(len(turn), 3000)):
                    line.sendall(turn[at : at + 1])
            else:
                line.sendall(turn)
        self._end(sock, stream.end)

    def _secure(self, sock: socket.socket, stream: Stream, chance: random.Random) -> _Line:
        if stream.handshake == "none":
            return sock
        inside = _Inside(sock, self._context)
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

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
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
            self._sock.sendall(broken(data, chance) if chance else data)


_Line = socket.socket | _Inside
