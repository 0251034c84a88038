"""Sets the demo up, runs the daemon in the main thread, and clears all away, whatever happens."""

from __future__ import annotations

import os
import signal
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO

from mailwatch.config.model import Config
from mailwatch.demo import adapters
from mailwatch.demo.certificate import NoCertificate, make_certificate
from mailwatch.demo.facts import Facts, NoStory, Over
from mailwatch.demo.inbox import Arrival, Inbox
from mailwatch.demo.layout import Card, Tone, Who
from mailwatch.demo.server_process import Offer, Ports, Server, ServerError
from mailwatch.demo.story import figures, tell
from mailwatch.demo.summary import summary
from mailwatch.demo.timeline import Timeline
from mailwatch.host import threads
from mailwatch.service.daemon import Daemon

PLAIN = (("SMTP", "smtp"), ("SUBMISSION", "smtp"), ("IMAP", "imap"), ("HTTP", "http"))
WITH_TLS = (("SMTPS", "smtp"), ("IMAPS", "imap"), ("HTTPS", "http"))

_ASK_AGAIN_S = 0.1

_INTRODUCTION = """\
A mail server hangs, and mailwatch brings it back. The watcher is the real one; the mail server \
is a small one on loopback, in a process that stands for its container, and the phone is an inbox \
that speaks Gotify's API. This takes about fifteen seconds; Ctrl-C ends it."""


def show(stream: TextIO) -> None:
    """Show the whole demo on `stream`; to be called in the main thread.

    Raises NoStory with a sentence where it does not come about, KeyboardInterrupt where a signal
    ends it, and OSError where `stream` takes no more.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals_end_it())
        stack.enter_context(_nobody_to_notify())
        _show(stream, stack)


def _show(stream: TextIO, stack: ExitStack) -> None:
    facts = Facts()
    timeline = Timeline(stream, broken=lambda: _end_daemon(facts))
    closing = stack.enter_context(ExitStack())
    closing.callback(timeline.close)
    try:
        _play(facts, timeline, stack)
        closing.close()
        timeline.write(summary(figures(facts, adapters.POLICY), timeline.width))
    finally:
        if timeline.error is not None:
            # Whatever else there is to say, nobody reads it.
            raise timeline.error


def _play(facts: Facts, timeline: Timeline, stack: ExitStack) -> None:
    """Run the daemon until the story is told; raises what `show` raises."""
    timeline.write([*textwrap.wrap(_INTRODUCTION, timeline.width), ""])
    server, offers = _open_server(stack, timeline)
    inbox = _open_inbox(stack, timeline)
    config = adapters.build_config(offers, inbox)
    keys = [service.key for service in config.services]
    journal = adapters.ToldJournal(timeline, keys)
    teller = _Teller(facts, server, timeline, journal)
    stack.callback(teller.join)
    daemon = Daemon(
        _loader(config), journal, adapters.build_adapters(server, inbox, facts, timeline)
    )
    # What asks the daemon to end may ask once too often.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        teller.start()
        daemon.run()
    finally:
        journal.silence()
        facts.end()
    if teller.failure:
        raise NoStory(teller.failure)
    if not teller.finished:
        raise KeyboardInterrupt


def _open_server(stack: ExitStack, timeline: Timeline) -> tuple[Server, list[Offer]]:
    """Start the mail server on ports of its own, with TLS where a certificate can be made."""
    services = [(name, protocol, False) for name, protocol in PLAIN]
    certificate = None
    try:
        certificate = make_certificate()
    except NoCertificate as reason:
        timeline.say(
            Who.DEMO,
            f"leaves SMTPS, IMAPS and HTTPS out, for want of a certificate: {reason}",
            Tone.QUIET,
        )
    else:
        stack.callback(os.close, certificate)
        services += [(name, protocol, True) for name, protocol in WITH_TLS]
    try:
        ports = Ports(len(services))
    except OSError as error:
        raise _no_port(error) from None
    stack.callback(ports.close)
    offers = [
        Offer(name, protocol, tls, port)
        for (name, protocol, tls), port in zip(services, ports.numbers, strict=True)
    ]
    server = Server(offers, certificate, lambda text: timeline.say(Who.SERVER, text))
    stack.callback(server.close)
    try:
        server.start()
    except ServerError as error:
        raise NoStory(str(error)) from None
    listed = ", ".join(f"{offer.name} {offer.port}" for offer in offers)
    timeline.say(Who.SERVER, f"process {server.pid} answers on 127.0.0.1: {listed}")
    return server, offers


def _open_inbox(stack: ExitStack, timeline: Timeline) -> Inbox:
    def on_arrival(message: Arrival) -> None:
        timeline.say(
            Who.PHONE,
            f"rings (priority {message.priority}):",
            Tone.NEWS,
            at=message.at,
            card=Card(message.title, message.body),
        )

    try:
        inbox = Inbox(on_arrival)
    except OSError as error:
        raise _no_port(error) from None
    stack.callback(inbox.close)
    return inbox


def _no_port(error: OSError) -> NoStory:
    return NoStory(
        f"The demo needs free ports on 127.0.0.1 and got none ({error.strerror}): check that the"
        " loopback interface is up (`ip address show lo`)."
    )


class _Teller:
    """The thread that tells the story, and ends the daemon when it is told."""

    def __init__(
        self, facts: Facts, server: Server, timeline: Timeline, journal: adapters.ToldJournal
    ) -> None:
        self.finished = False
        self.failure = ""
        self._facts = facts
        self._server = server
        self._timeline = timeline
        self._journal = journal
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin the story."""
        self._thread = threads.start(self._tell, "teller")

    def join(self) -> None:
        """Wait for the thread, which ends with the story or with Facts.end."""
        if self._thread is not None:
            self._thread.join()

    def _tell(self) -> None:
        try:
            tell(self._facts, self._server, self._timeline, adapters.POLICY)
        except Over:
            return
        except NoStory as error:
            self.failure = str(error)
        else:
            self.finished = True
        self._journal.silence()
        _end_daemon(self._facts)


def _loader(config: Config) -> Callable[[], Config]:
    """Return what gives the daemon its configuration.

    It asks a second time after SIGHUP: the terminal has gone, and with it whoever was watching.
    """
    loads = iter((False, True))

    def load() -> Config:
        if next(loads, True):
            signal.raise_signal(signal.SIGTERM)
        return config

    return load


def _end_daemon(facts: Facts) -> None:
    """Have the main thread end the daemon, as `systemctl stop` would.

    Asked again until it has: Python runs a signal's handler between two steps of the main thread,
    and one that comes just as that begins to wait is not heard before the wait is over.
    """
    main = threading.main_thread().ident
    assert main is not None
    with suppress(Over):
        while True:
            facts.unless_over(lambda: signal.pthread_kill(main, signal.SIGTERM))
            facts.pause(_ASK_AGAIN_S)


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Let the signals that end programs raise KeyboardInterrupt, before and after the daemon."""
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in ends}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _nobody_to_notify() -> Iterator[None]:
    """Hide a service manager whose variables have strayed here: this is no service of its."""
    names = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
