"""The scripted mail server: two services that answer, refuse or keep silent, one perhaps by TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from functools import cache

import trustme

from tests.campaign.doors import Door


@cache
def _expires_soon() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    until = datetime.now(UTC) + timedelta(days=5.5)
    trustme.CA().issue_cert("127.0.0.1", not_after=until).configure_cert(context)
    return context


class Mail:
    """One SMTP service and one plain TCP service, behind the container that runs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent = False
        self._smtp = Door(self._speak)
        self._plain = Door(self._listen)
        self.well = False
        self.tls = False
        """Whether the plain service is asked by TLS, with a certificate that expires soon."""

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the SMTP and of the TCP service."""
        return self._smtp.port, self._plain.port

    def comes_up(self) -> None:
        """Answer as a healthy server does."""
        with self._lock:
            self._silent = False
            self._smtp.open()
            self._plain.open()
            self.well = True

    def fails(self, silent: bool = False) -> None:
        """Refuse every connection, or accept them and keep `silent` on SMTP."""
        with self._lock:
            self.well = False
            self._smtp.close()
            self._plain.close()
            if silent:
                self._silent = True
                self._smtp.open()

    def give_up(self) -> None:
        """Let go of both ports."""
        self._smtp.give_up()
        self._plain.give_up()

    def _speak(self, guest: socket.socket) -> None:
        if self._silent:
            self._hear(guest)
            return
        guest.sendall(b"220 mail.example.org ESMTP\r\n")
        with guest.makefile("rb") as lines:
            for line in lines:
                if line[:4].upper() == b"QUIT":
                    guest.sendall(b"221 2.0.0 bye\r\n")
                    return
                guest.sendall(b"250 mail.example.org\r\n")

    def _listen(self, guest: socket.socket) -> None:
        if self.tls:
            with _expires_soon().wrap_socket(guest, server_side=True) as inside:
                self._hear(inside)
        else:
            self._hear(guest)

    @staticmethod
    def _hear(guest: socket.socket) -> None:
        while guest.recv(1024):
            pass
