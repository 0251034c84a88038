"""Addresses that can be opened and closed at will, with a thread for every connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Answer = Callable[[socket.socket], None]
"""Holds one conversation, and may raise OSError when the other side has gone."""


class Door:
    """One TCP port of loopback, or one Unix socket; it starts out closed.

    While a port is closed, connections to it are refused, and nobody else can take it: a bound
    socket that never listens keeps it.
    """

    def __init__(self, answer: Answer, path: Path | None = None) -> None:
        self._answer = answer
        self._path = path
        self._turning = threading.Lock()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._guests: set[socket.socket] = set()
        self._keeper: socket.socket | None = None
        self._given_up = False
        self.port = 0
        if path is None:
            self._keeper = self._bound(0)
            self.port = int(self._keeper.getsockname()[1])

    def open(self) -> None:
        """Accept connections; nothing happens where it does already, or where it was given up."""
        with self._turning:
            if self._listener is None and not self._given_up:
                self._open()

    def _open(self) -> None:
        if self._path is None:
            listener = self._bound(self.port)
        else:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and break off those that there are."""
        with self._turning:
            self._close()

    def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        with self._lock:
            guests = list(self._guests)
        for guest in guests:
            with suppress(OSError):
                guest.shutdown(socket.SHUT_RDWR)

    def give_up(self) -> None:
        """Close for good, and let go of the port."""
        with self._turning:
            self._given_up = True
            self._close()
            if self._keeper is not None:
                self._keeper.close()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        return one

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                guest, _ = listener.accept()
                with self._lock:
                    self._guests.add(guest)
                threading.Thread(target=self._serve, args=(guest,), daemon=True).start()

    def _serve(self, guest: socket.socket) -> None:
        try:
            with suppress(OSError, ValueError):
                self._answer(guest)
        finally:
            with self._lock:
                self._guests.discard(guest)
            guest.close()
