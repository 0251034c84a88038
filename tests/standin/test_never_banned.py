"""Twenty rounds of each wrong setting, against a stand-in that bans as Stalwart does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest

from mailwatch.core.codec import plain, value_of
from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login, ProxyHeader, TlsMode
from mailwatch.net.engine import Steps, run
from mailwatch.probes import first_look
from mailwatch.probes.catalogue import build
from mailwatch.probes.guest import Guest
from mailwatch.probes.round import RollCall
from mailwatch.probes.settings import ServiceSettings
from tests.standin.stalwart import Standin, listen

PATIENCE_S = 60.0
HASTY = Policy(smtp_per_second=0)


@contextmanager
def serving(standin: Standin) -> Iterator[int]:
    """Run `standin` on a port of its own, and give that."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(listen(standin, 0, None))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Take no further connection, and see those that are open to their end."""
    server.close()
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def rounds(count: int, guest: Guest, *services: ServiceSettings) -> list[tuple[Reading, ...]]:
    """Hold `count` rounds, and return what each has read."""
    roll, told = RollCall([build(one) for one in services], time.monotonic, guest=guest), []
    for _ in range(count):
        over: Queue[tuple[Reading, ...]] = Queue()
        attempts = Attempts(retries=3, timeout_s=5.0, delay_s=0.0)
        roll.begin(attempts, lambda *_: None, lambda readings, _lost, over=over: over.put(readings))  # type: ignore[misc]
        told.append(over.get(timeout=PATIENCE_S))
    return told


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_look, "LISTEN_S", 3.0)


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(
    ("speaks", "probe", "tls", "proxy", "line"),
    [
        ("smtp", "smtp", TlsMode.IMPLICIT, ProxyHeader.NONE, 'tls = "none"'),
        ("imap", "imap", TlsMode.IMPLICIT, ProxyHeader.NONE, 'tls = "none"'),
        ("smtp", "http", TlsMode.NONE, ProxyHeader.NONE, 'probe = "smtp"'),
        ("smtp", "http", TlsMode.IMPLICIT, ProxyHeader.NONE, 'probe = "smtp" and tls = "none"'),
        ("smtp", "imap", TlsMode.NONE, ProxyHeader.NONE, 'probe = "smtp"'),
        ("pop3", "smtp", TlsMode.NONE, ProxyHeader.NONE, 'probe = "pop3"'),
        ("smtp", "smtp", TlsMode.NONE, ProxyHeader.V1, "remove proxy"),
    ],
)
def test_no_wrong_setting_brings_a_ban(
    speaks: str, probe: str, tls: TlsMode, proxy: ProxyHeader, line: str, proven: bool
) -> None:
    """The port is left in peace, and the line to write is told; also where it passed before."""
    standin, guest = Standin(speaks, per_second=1000), Guest(HASTY)
    with serving(standin) as port:
        wrong = ServiceSettings("MAIL", "127.0.0.1", port, tls=tls, proxy=proxy, probe=probe)
        if not proven:
            guest.reconfigure(guest.policy, [wrong.key])
        told = rounds(20, guest, wrong)
    assert not standin.banned
    assert guest.budget.spent("localhost", guest.now()) <= 10
    if not proven:
        assert not standin.offences
        assert {one.fault for (one,) in told} == {Fault.RULE}
        assert all(line in say(one.detail) for (one,) in told)


def test_refused_logins_bring_no_ban() -> None:
    """One refused login draws on the budget, and the service is asked without it from then on."""
    standin, guest = Standin("smtp", scale=0.0, per_second=1000), Guest(HASTY)
    with serving(standin) as port:
        login = Login("watch", Secret("wrong"))
        told = rounds(
            20, guest, ServiceSettings("SMTP", "127.0.0.1", port, login=login, probe="smtp")
        )
    assert {one.fault for (one,) in told} == {Fault.AUTHENTICATION}
    assert guest.budget.spent("localhost", guest.now()) == 1


def test_many_smtp_services_stay_below_the_throttle() -> None:
    """No second sees more connections than a server takes from one address."""
    standin = Standin("smtp")
    with serving(standin) as port:
        services = [ServiceSettings(f"S{n}", "127.0.0.1", port, probe="smtp") for n in range(7)]
        ((*readings,),) = rounds(1, Guest(), *services)
    assert {one.verdict for one in readings} == {Verdict.PASS}
    assert not standin.throttled


def test_a_restart_begins_no_new_day() -> None:
    """A process of its own for each round: the notes carry on what was spent, and it is enough."""
    standin, notes = Standin("smtp", per_second=1000, scan=10), Notes()
    with serving(standin) as port:
        wrong = ServiceSettings("MAIL", "127.0.0.1", port, probe="http")
        for _ in range(20):
            guest = Guest(HASTY)
            guest.begin(value_of(Notes, plain(notes)).offences)
            rounds(1, guest, wrong)
            notes = Notes(offences=guest.budget)
        now = guest.now()
    assert not standin.banned
    assert 0 < notes.offences.spent("localhost", now) <= 10


@pytest.mark.parametrize(
    ("tls", "proxy", "usual", "waits"),
    [
        (TlsMode.IMPLICIT, ProxyHeader.NONE, True, False),
        (TlsMode.IMPLICIT, ProxyHeader.NONE, False, True),
        (TlsMode.IMPLICIT, ProxyHeader.V1, True, True),
        (TlsMode.NONE, ProxyHeader.NONE, True, False),
        (TlsMode.NONE, ProxyHeader.NONE, False, False),
    ],
)
def test_who_speaks_first_listens_where_that_is_unusual(
    tls: TlsMode, proxy: ProxyHeader, usual: bool, waits: bool
) -> None:
    """A service at its usual port is asked at once, also one that has never passed."""
    port = {TlsMode.IMPLICIT: 465, TlsMode.NONE: 25}[tls] if usual else 2525
    settings = ServiceSettings("MAIL", "127.0.0.1", port, tls=tls, proxy=proxy, probe="smtp")
    look, heard = first_look.FirstLook(settings, "smtp"), []

    class Ear(Conversation):
        def overhear(self, within_s: float) -> Steps[bytes]:
            heard.append(within_s)
            yield from ()
            return b""

    for _ in range(2):  # and that once
        run(look.listen(Ear(settings, Deadline.after(60.0, time.monotonic))), time.monotonic)
    assert heard == [first_look.LISTEN_S] * waits
