from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailwatch.core.model import Reading
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

CONVERSATIONS = ("http", "imap", "lmtp", "pop3", "sieve", "smtp", "tcp")
"""The probes that speak with a peer over a connection of their own."""

WORDS = st.sampled_from(
    [
        b"220 hi\r\n",
        b"220-hi\r\n220 hi\r\n",
        b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
        b"235 in\r\n",
        b"334 \r\n",
        b"221 bye\r\n",
        b"421 off\r\n",
        b"* OK hi\r\n",
        b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\na1 OK\r\n",
        b"+ \r\n",
        b"* BYE\r\na9 OK\r\n",
        b"+OK\r\n",
        b"-ERR\r\n",
        b"STLS\r\n.\r\n",
        b'"IMPLEMENTATION" "x"\r\nOK\r\n',
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Length: 3\r\n\r\nwel",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nwel\r\n0\r\n\r\n",
        b"\r\n",
        b"\x00",
        b"\xff\xfe\r\n",
        b"\x16\x03\x03\x00\x10",
        b"x" * 9000,
        b"250-x\r\n" * 150,
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("say"), st.one_of(WORDS, st.binary(max_size=40))),
    st.tuples(st.just("hear"), st.just(b"")),
)
SCRIPTS = st.lists(STEPS, max_size=12)
ENDS = st.sampled_from(["close", "reset", "hold"])


@given(
    probe=st.sampled_from(CONVERSATIONS),
    tls=st.sampled_from(TlsMode),
    inside=st.booleans(),
    login=st.booleans(),
    steps=SCRIPTS,
    end=ENDS,
)
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_conversation_breaks_a_probe(
    probe: str,
    tls: TlsMode,
    inside: bool,
    login: bool,
    steps: list[tuple[str, bytes]],
    end: str,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """Whatever a peer says, a probe ends on time with a reading that does not blame mailwatch."""

    def script(link: Link) -> None:
        link.sock.settimeout(0.05)  # a probe that waits for us too must not hold the test up
        for verb, data in steps:
            if verb == "say":
                link.send(data)
            else:
                with suppress(TimeoutError):
                    link.hear()
        if end == "hold":
            with suppress(TimeoutError):
                link.hear_end()
        elif end == "reset":
            link.reset()

    server = peer(script, tls=inside and tls is TlsMode.IMPLICIT)
    began = time.monotonic()
    reading = ask(
        service(
            "FUZZ",
            server,
            probe=probe,
            tls=tls,
            login=Login("watch", Secret("s3cret")) if login else None,
            options=HttpRules(body="w*l", headers=(("X", ""),)),
        ),
        within_s=5,
    )
    assert time.monotonic() - began < 30
    server.close()
    assert "a fault of mailwatch" not in say(reading.detail)
    assert "s3cret" not in say(reading.detail)
    assert len(say(reading.detail)) <= 300
