"""The test bed as fixtures: one host, engine and inbox for all tests, put right after each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.bed import images, need
from tests.e2e.bed.canary import PASSWORD
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import IMAGE, Mail
from tests.e2e.bed.watcher import Watcher


@pytest.fixture(scope="session")
def _tree() -> Iterator[Path]:
    if obstacle := need.obstacle():
        if need.switch() == need.REQUIRE:
            pytest.fail(f"{obstacle} {need.SWITCH}={need.REQUIRE} makes that a failure.")
        pytest.skip(obstacle)
    need.install()
    # SIGTERM ends the run as Ctrl-C does: with everything put away.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield images.built(images.HOST)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def host(_tree: Path) -> Iterator[Host]:
    """A booted host under systemd, shared by all tests."""
    one = Host(_tree)
    one.boot()
    yield one
    one.end()


@pytest.fixture
def fresh_host(_tree: Path) -> Iterator[Host]:
    """A host that no other test has seen, without a mail server."""
    one = Host(_tree)
    one.boot()
    yield one
    one.end()


@pytest.fixture(scope="session")
def package(_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb: the one that `make test` has just built, or one built now."""
    if built := os.environ.get("MAILWATCH_DEB"):
        return Path(built)
    out = tmp_path_factory.mktemp("package")
    subprocess.run(
        [need.TOP / "packaging" / "build-deb.sh", out], check=True, stdout=subprocess.PIPE
    )
    (one,) = out.glob("*.deb")
    return one


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


@pytest.fixture(scope="session")
def _installed(host: Host, package: Path) -> Path:
    host.install(package)
    return package


@pytest.fixture
def watcher(host: Host, mail: Mail, inbox: Inbox, _installed: Path) -> Iterator[Watcher]:
    """mailwatch as installed, configured to be quick, not yet started."""
    one = Watcher(host)
    one.configure()
    yield one
    one.put_right()


@pytest.fixture
def canary_password(watcher: Watcher, host: Host) -> None:
    """The password of `bed.canary.CANARY`, in a file that the service may read."""
    assert watcher, "its package makes the group"
    host.run(f"printf secret >{PASSWORD}; chgrp mailwatch {PASSWORD}; chmod 640 {PASSWORD}")
