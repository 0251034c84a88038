"""The test bed of the end-to-end tests, with the installed service and its rivals on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench.rivals import SERVICES, Blackbox, Floor, Monit, Unavailable, fetch
from tests.e2e.bed import images, need
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import IMAGE, NAME, Mail
from tests.e2e.bed.watcher import STATE, Watcher


@dataclass(frozen=True, slots=True)
class Bed:
    """All that takes part in a measurement."""

    host: Host
    engine: Engine
    mail: Mail
    inbox: Inbox
    watcher: Watcher
    monit: Monit
    blackbox: Blackbox
    floor: Floor | None
    """None where floor.c could not be built."""

    def install(self, package: Path) -> None:
        """Put `package` in the place of the version that is installed, without any state."""
        self.watcher.put_right()
        self.host.run(f"dpkg --purge mailwatch; rm -rf {STATE}")
        self.host.install(package)

    def calm(self) -> None:
        """Stop all watchers and mend the mail server, whatever a measurement has left."""
        self.watcher.put_right()
        for one in (self.monit, self.blackbox, self.floor):
            if one:
                one.stop()
        self.mail.restore()
        self.inbox.clear()

    def conversations(self, since: float) -> int:
        """Return how many conversations with the IMAP server have ended, by the server's log.

        Every watcher here holds one a round, so that is the number of rounds, counted by the
        peer and not by the one who is measured.
        """
        return sum(" imap-login: Info: " in line for line in self._log(since))

    def last_round_began(self, since: float) -> float:
        """Return when (since 1970) the last round reached the SMTP server, by the server's log."""
        moments = [
            datetime.fromisoformat(line.split(maxsplit=1)[0][:26] + "+00:00").timestamp()
            for line in self._log(since)
            if ": connect from " in line
        ]
        return min(moment for moment in moments if moment > moments[-1] - 0.3)

    def _log(self, since: float) -> list[str]:
        return self.engine.docker("logs", "--timestamps", f"--since={since:.6f}", NAME).splitlines()

    def wait_until_all_answer(self, timeout_s: float) -> float:
        """Return when (since 1970) we began to ask the four services that then all answered."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            began = time.time()
            if all(self.mail.greets(port, 0.2) for port in SERVICES.values()):
                return began
        raise TimeoutError(f"the mail server did not come up within {timeout_s:g} s")


@contextmanager
def made(package: Path) -> Iterator[Bed]:
    """Boot the host, start the mail server, install `package`; raises Unavailable."""
    os.environ.setdefault(need.SWITCH, need.REQUIRE)
    if obstacle := need.obstacle():
        raise Unavailable(obstacle.replace("end-to-end tests", "bench").replace("test`", "bench`"))
    need.install()
    programs = fetch()
    with ExitStack() as held:
        host = Host(images.built(images.HOST))
        host.boot()
        held.callback(host.end)
        engine = Engine(host)
        engine.load(images.built(images.MAIL), IMAGE)
        mail = Mail(host, engine)
        mail.start()
        inbox = Inbox(host.network)
        inbox.come_back()
        held.callback(inbox.go_away)
        host.install(package)
        blackbox = Blackbox(host, programs)
        held.callback(blackbox.end)
        monit = Monit(host, programs)
        yield Bed(host, engine, mail, inbox, Watcher(host), monit, blackbox, _floor(host, programs))


def _floor(host: Host, programs: Path) -> Floor | None:
    try:
        return Floor(host, programs)
    except Unavailable as why:
        sys.stderr.write(f"bench: the floor in C is left out: {why}\n")
        return None


def package_of(tree: Path) -> Path:
    """Return the .deb of `tree`, built now."""
    done = subprocess.run(
        [tree / "packaging" / "build-deb.sh"], check=True, stdout=subprocess.PIPE, text=True
    )
    return Path(done.stdout.strip())
