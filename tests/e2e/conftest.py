"""The test bed as fixtures: one host, engine and inbox for all tests, put right after each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.bed import images, need
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import IMAGE, Mail


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A booted host under systemd, without a container yet."""
    if obstacle := need.obstacle():
        if need.switch() == need.REQUIRE:
            pytest.fail(f"{obstacle} {need.SWITCH}={need.REQUIRE} makes that a failure.")
        pytest.skip(obstacle)
    need.install()
    one = Host(images.built(images.HOST))
    one.boot()
    yield one
    one.end()


@pytest.fixture(scope="session")
def engine(host: Host) -> Engine:
    """The host's Docker, with the mail server's image."""
    one = Engine(host)
    one.load(images.built(images.MAIL), IMAGE)
    return one


@pytest.fixture(scope="session")
def _mail(host: Host, engine: Engine) -> Mail:
    one = Mail(host, engine)
    one.start()
    return one


@pytest.fixture(scope="session")
def _inbox(host: Host) -> Iterator[Inbox]:
    one = Inbox(host.network)
    one.come_back()
    yield one
    one.go_away()


@pytest.fixture
def mail(_mail: Mail, engine: Engine) -> Iterator[Mail]:
    """The running mail server, every port of which answers; made anew if a test broke it."""
    yield _mail
    if not engine.answers():
        engine.start()
    _mail.restore()


@pytest.fixture
def inbox(_inbox: Inbox) -> Iterator[Inbox]:
    """The inbox, empty and taking messages."""
    _inbox.clear()
    yield _inbox
    _inbox.clear()
