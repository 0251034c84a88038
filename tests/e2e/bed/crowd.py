"""Runs on the host, inside the crowd's network: idle clients of 203.0.113.0/24, always as many."""

from __future__ import annotations

import selectors
import socket
import sys
import time

LONGEST_S = 600.0


def main() -> None:
    """Keep COUNT connections to ADDRESS PORT open, for LONGEST_S at most."""
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    waiting = selectors.DefaultSelector()
    end = time.monotonic() + LONGEST_S

    def connect(number: int) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.bind((f"203.0.113.{1 + number % 250}", 0))
        client.connect_ex((address, port))
        waiting.register(client, selectors.EVENT_READ, number)

    for number in range(count):
        connect(number)
    while time.monotonic() < end:
        for key, _ in waiting.select(0.5):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            try:
                left = bool(client.recv(4096))
            except OSError:
                left = False
            if not left:
                waiting.unregister(client)
                client.close()
                connect(key.data)
        # However fast the server hangs up, at most 20 times COUNT connections a second.
        time.sleep(0.05)


main()
