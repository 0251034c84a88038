"""The story: all is well, the server hangs, mailwatch cures it; and what that took."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from mailwatch.config.model import Config
from mailwatch.core.catalogue import Row
from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.text import duration
from mailwatch.demo import phone, server_process
from mailwatch.demo.moments import Moments, NoStory, Turn
from mailwatch.demo.screen import FAINT, GREEN, RED, LogStream, Screen
from mailwatch.demo.server_process import GRACE_S, Server, make_certificate
from mailwatch.host import threads
from mailwatch.host.job import Job
from mailwatch.host.journal import Journal
from mailwatch.notifiers.catalogue import NOTIFIERS, Channel
from mailwatch.probes.catalogue import defaults_for
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters.catalogue import RESTARTERS, Chosen
from mailwatch.service.adapters import Adapters, real_world
from mailwatch.service.daemon import Daemon
from mailwatch.store.base import Store

POLICY = Policy(
    interval_s=2,
    attempts=Attempts(retries=2, timeout_s=1, delay_s=0.5),
    settle_s=1,
    verify_for_s=15,
    verify_every_s=1,
    certificate_days=0,  # its certificate is made for one run
)
"""An installed mailwatch is the same with more patience."""

PATIENCE_S = 20.0
"""How much longer than it should a turn may take, on a machine that has other things to do."""

_LOOK_S = 0.05
"""How often the story sees whether it is being ended while it looks at the server's ports."""

_INTRODUCTION = """\
A mail server hangs, and mailwatch brings it back. The watcher is the real one; the mail server \
is a small one on loopback, and the phone is on this screen. This takes about ten seconds; Ctrl-C \
ends it.
"""

_AFTERWARDS = """
Installed, it does the same with your ports, your mail server and your phone, and is more \
patient: it looks every 2 minutes and asks three times before it believes in an outage.

To install it on Debian or Ubuntu:
  make deb && sudo apt install ./dist/mailwatch_*.deb
  sudoedit /etc/mailwatch.toml
  sudo mailwatch check
  sudo systemctl enable --now mailwatch"""


def show(stream: TextIO) -> None:
    """Show the whole demo on `stream`; to be called in the main thread.

    Raises NoStory with a sentence where it does not come about, KeyboardInterrupt where a signal
    ends it, and OSError where `stream` takes no more.
    """
    moments = Moments()
    screen = Screen(stream, broken=moments.end)
    try:
        with ExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                before = signal.signal(number, signal.default_int_handler)
                stack.callback(signal.signal, number, before)
            for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
                os.environ.pop(name, None)  # strayed here: this is no service of that manager
            _play(screen, moments, stack)
        sum_up(screen, moments)
    finally:
        if screen.error is not None:
            # Whatever else there is to say, nobody reads it.
            raise screen.error


def _play(screen: Screen, moments: Moments, stack: ExitStack) -> None:
    """Run the daemon until the story is told; raises what `show` raises."""
    screen.write(_INTRODUCTION)
    names = ("SMTP", "IMAPS", "HTTPS")
    deadline = Deadline.after(PATIENCE_S, time.monotonic)
    making: Job[int | None] = Job("certificate", deadline)
    making.start(make_certificate, lambda _why: None)  # Ctrl-C meets no process half begun there
    certificate = making.wait(deadline)
    if certificate is not None:
        stack.callback(os.close, certificate)
    else:
        names = ("SMTP", "IMAP", "HTTP")
        screen.say("demo", "leaves TLS out: no openssl command makes a certificate here", FAINT)
    try:
        offers = dict(offer(name, stack) for name in names)
    except OSError as error:
        raise NoStory(
            f"The demo needs free ports on 127.0.0.1 and got none ({error.strerror}): check that"
            " the loopback interface is up (`ip address show lo`)."
        ) from None
    server = Server(offers, certificate, screen, moments)
    stack.callback(server.close)
    server.start()
    listed = ", ".join(f"{service.name} {service.port}" for service in offers.values())
    screen.say("server", f"process {server.pid} answers on 127.0.0.1: {listed}", GREEN)
    # The server and the phone are plug-ins, as those of an installed mailwatch are.
    stack.enter_context(RESTARTERS.adding(Row("demo", server_process.__name__)))
    stack.enter_context(NOTIFIERS.adding(Row("phone", phone.__name__)))
    config = Config(
        channels=(Channel("phone", "phone", phone.Settings(screen, moments)),),
        services=tuple(offers.values()),
        restart=Chosen("demo", server_process.Settings(server)),
        policy=POLICY,
        state_directory=Path("/nonexistent"),  # the store is in memory
        log_level="info",
    )
    journal = Journal(LogStream(screen), journald=True)
    adapters = replace(real_world(journal), store=lambda _config: _Store(moments))
    _run(config, journal, adapters, moments, lambda: _tell(server, screen, moments))


def offer(name: str, stack: ExitStack) -> tuple[socket.socket, ServiceSettings]:
    """Return a port of ours, and how to ask the service `name` there; raises OSError."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    known = defaults_for(name)
    port = listener.getsockname()[1]
    return listener, ServiceSettings(name, "127.0.0.1", port, probe=known.probe, tls=known.tls)


class _Store(Store):
    """The one in memory, with a note of a round in which all was well."""

    def __init__(self, moments: Moments) -> None:
        super().__init__()
        self._moments = moments

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        if all(reading.verdict is Verdict.PASS for reading in readings):
            self._moments.note(Turn.WELL)


def _run(
    config: Config, journal: Journal, adapters: Adapters, moments: Moments, tell: Callable[[], None]
) -> None:
    """Run the daemon while a thread does `tell`, and end it then; raises what `tell` raises."""
    main = threading.get_ident()
    daemon_ended = threading.Event()
    failures: list[BaseException] = []
    loads: list[Config] = []

    def load() -> Config:
        if loads:  # again, after SIGHUP: whoever was watching has gone with the terminal
            moments.end()
        loads.append(config)
        return config

    def run() -> None:
        try:
            tell()
        except (NoStory, KeyboardInterrupt) as error:
            failures.append(error)
        # As `systemctl stop` would; and again, for at first it may not listen to signals yet.
        while not daemon_ended.wait(0.1):
            signal.pthread_kill(main, signal.SIGTERM)

    # What asks the daemon to end may ask once too often.
    signal.signal(signal.SIGTERM, lambda *_: None)
    thread = threads.start(run, "story")
    try:
        Daemon(load, journal, adapters).run()
    finally:
        daemon_ended.set()
        moments.end()
        thread.join()
    if failures:
        raise failures[0]


def _tell(server: Server, screen: Screen, moments: Moments) -> None:
    """Play the story to its end; raises NoStory, or KeyboardInterrupt as all ends."""
    moments.wait(Turn.WELL, POLICY.interval_s + PATIENCE_S)
    # A second round is well, and then half of the time to a third passes.
    if moments.came(Turn.OPENED, 1.5 * POLICY.interval_s):
        raise NoStory(
            "mailwatch saw an outage before there was to be one. This machine may be very busy:"
            " try again when it is not."
        )
    server.hang()
    moments.note(Turn.HUNG)
    screen.say("server", "HANGS (SIGSTOP): its ports still accept, but nothing answers", RED)
    for _ in range(int((POLICY.interval_s + PATIENCE_S) / _LOOK_S)):
        if moments.came(Turn.OPENED) or server.is_waited_for(_LOOK_S):
            break
    moments.note(Turn.ASKED)
    screen.say("server", "is asked by the next round, and says nothing")
    moments.wait(Turn.OPENED, POLICY.attempts.longest_s + PATIENCE_S)
    moments.wait(Turn.RECOVERED, POLICY.settle_s + POLICY.verify_for_s + PATIENCE_S)


def sum_up(screen: Screen, moments: Moments) -> None:
    """Show what it took, and what to do next."""
    due = moments.between(Turn.HUNG, Turn.ASKED)
    sure = moments.between(Turn.ASKED, Turn.OPENED)
    restart = moments.between(Turn.RESTARTING, Turn.RESTARTED)
    recovery = moments.between(Turn.RESTARTED, Turn.RECOVERED)
    tries = POLICY.attempts
    floor = (
        f"{tries.retries} x {duration(tries.timeout_s)} +"
        f" {tries.retries - 1} x {duration(tries.delay_s)} = {tries.longest_s:g} s"
    )
    ratio = sure / tries.longest_s
    parts = f"{due:.2f} s until the next round, and {sure:.2f} s to be sure"
    pause = f"{POLICY.settle_s:g} s of it for the server to come up"
    screen.write("\nWhat it took:")
    for label, seconds, remark in (
        ("hang to first message", due + sure, parts),
        ("of these, to be sure", sure, f"{ratio:.3f} x the least possible: {floor}"),
        ("restart", restart, f"{GRACE_S:g} s of grace, then force, then the start"),
        ("restart to mail flows", recovery, pause),
    ):
        screen.write(remark, f"  {label:<23} {seconds:6.2f} s  ")
    screen.write(_AFTERWARDS)
