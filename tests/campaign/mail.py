"""The scripted mail server: two services that answer, refuse or keep silent."""

from __future__ import annotations

import socket

from tests.campaign.doors import Door


class Mail:
    """One SMTP service and one plain TCP service, behind the container that runs them."""

    def __init__(self) -> None:
        self._silent = False
        self._smtp = Door(self._speak)
        self._plain = Door(self._listen)
        self.well = False

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the SMTP and of the TCP service."""
        return self._smtp.port, self._plain.port

    def comes_up(self) -> None:
        """Answer as a healthy server does."""
        self._silent = False
        self._smtp.open()
        self._plain.open()
        self.well = True

    def fails(self, silent: bool = False) -> None:
        """Refuse every connection, or accept them and keep `silent` on SMTP."""
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
            self._listen(guest)
            return
        guest.sendall(b"220 mail.example.org ESMTP\r\n")
        with guest.makefile("rb") as lines:
            for line in lines:
                if line[:4].upper() == b"QUIT":
                    guest.sendall(b"221 2.0.0 bye\r\n")
                    return
                guest.sendall(b"250 mail.example.org\r\n")

    def _listen(self, guest: socket.socket) -> None:
        while guest.recv(1024):
            pass
