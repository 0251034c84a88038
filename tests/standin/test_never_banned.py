"""Twenty rounds of each wrong setting, against a stand-in that bans as Stalwart does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, ProxyHeader, TlsMode
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
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


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
