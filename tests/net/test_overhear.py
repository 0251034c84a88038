"""What a port says unasked: heard whole, whatever pieces it comes in."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from select import select

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.engine import run
from mailwatch.net.spoken import mistake
from mailwatch.probes.settings import ServiceSettings

PATIENCE_S = 60.0
GREETING = b"220 mail.example.org ESMTP\r\n"


@pytest.mark.parametrize("pieces", [[GREETING], [b"2", b"20 mail.example.org ", b"ESMTP\r\n"]])
def test_a_greeting_in_pieces_is_one(pieces: list[bytes]) -> None:
    """The mistake shows in all of it, and it is still to be read; none of ours was sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = ServiceSettings("MAIL", "127.0.0.1", port, tls=TlsMode.IMPLICIT, probe="imap")
        with closing(Conversation(settings, Deadline.after(PATIENCE_S, time.monotonic))) as talk:
            run(talk.reach(), time.monotonic)
            link, _ = server.accept()
            with link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                steps = talk.overhear(PATIENCE_S)
                next(steps)
                for piece in pieces[:-1]:
                    link.sendall(piece)
                    assert select([talk.fd], [], [], PATIENCE_S)[0]
                    steps.send(True)  # it waits on
                link.sendall(pieces[-1])
                assert select([talk.fd], [], [], PATIENCE_S)[0]
                with pytest.raises(StopIteration) as heard:
                    steps.send(True)
            assert heard.value.value == talk.first == GREETING
            assert talk.within_line
            assert not talk.spoke
            wrong = mistake(settings, "imap", talk.first, in_tls=False)
    assert wrong is not None
    assert wrong.detail.code == "port-speaks-plainly"
