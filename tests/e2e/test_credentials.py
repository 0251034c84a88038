"""Secrets as credentials of real systemd: what the service reads, and what an admin's hand can."""

from __future__ import annotations

import json

import pytest

from tests.e2e.bed import inbox as bed_inbox
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.watcher import FILE, Watcher

pytestmark = pytest.mark.e2e

PASSWORD = "secret"
LOADED = (
    "[Service]\nLoadCredential=gotify-token:/root/gotify-token\nLoadCredential=imap:/root/imap\n"
)
SEALED = LOADED.replace("LoadCredential=imap:/root/imap", f"SetCredential=imap:{PASSWORD}")
AS_ANOTHER = "setpriv --reuid=nobody --regid=mailwatch --clear-groups"
"""One who may read the configuration and no secret."""


@pytest.fixture
def configured(watcher: Watcher, host: Host) -> Watcher:
    """A login and a Gotify whose secrets stand in no file of mailwatch's."""
    for name, text in (("gotify-token", bed_inbox.TOKEN), ("imap", PASSWORD)):
        host.run(f"printf '{text}\\n' >/root/{name}; chmod 600 /root/{name}")
    watcher.configure(
        services=[
            {
                "name": "IMAPS", "port": 993, "user": "anna@example.test",
                "password_credential": "imap",
            }
        ]
    )  # fmt: skip
    lines = [line for line in host.read(FILE).splitlines() if not line.startswith("token")]
    host.write(FILE, "\n".join(lines))
    watcher.drop_in(LOADED)
    return watcher


def _reading(host: Host, prefix: str = "") -> tuple[str, str]:
    """Return the verdict and the detail of the one service that `check` asks."""
    _, said = host.try_run(
        f"{prefix} mailwatch check --json --once --set watch.attempt_timeout_s=30"
    )
    (one,) = json.loads(said)["services"]
    return one["verdict"], one["detail"]


def test_the_service_logs_in_and_the_secret_shows_nowhere(configured: Watcher, host: Host) -> None:
    """The hardened unit reads both; the journal, the command line and the environment do not."""
    configured.start()
    configured.wait_for_status("1 of 1 services answer")
    for name in ("cmdline", "environ"):
        shown = host.read(f"/proc/{configured.pid}/{name}")
        assert shown
        assert PASSWORD not in shown
        assert bed_inbox.TOKEN not in shown
    journal = configured.journal()
    assert "all well at the first check: IMAPS:993" in journal
    assert PASSWORD not in journal
    assert bed_inbox.TOKEN not in journal
    shown = host.run("mailwatch config show")
    assert PASSWORD not in shown
    assert bed_inbox.TOKEN not in shown


def test_root_reads_them_before_the_first_start(
    configured: Watcher, host: Host, inbox: Inbox
) -> None:
    """The four steps of the README work in their order, with the service still stopped."""
    assert "good: mailwatch watches 1 service" in host.run("mailwatch config check")
    assert _reading(host) == ("pass", "")
    host.run("mailwatch test-notification")
    (message,) = inbox.messages
    assert "can reach you" in message.title
    _, said = host.try_run("mailwatch doctor --json")
    (finding,) = [one for one in json.loads(said)["findings"] if one["check"] == "gotify"]
    assert finding["level"] == "ok", finding


def test_who_may_not_read_them_is_told_to_be_root(configured: Watcher, host: Host) -> None:
    """The configuration is no mistake for that, and the service is not called down."""
    said = host.run(f"{AS_ANOTHER} mailwatch config check")
    assert "only the service can read credential imap; run it with sudo to check it" in said
    verdict, detail = _reading(host, AS_ANOTHER)
    assert verdict == "unmeasured"
    assert detail == "only the service can read credential imap, its password; run it with sudo"
    configured.start()
    configured.wait_for_status("1 of 1 services answer")
    code, said = host.try_run(f"{AS_ANOTHER} mailwatch status")
    assert code == 0, said
    host.run(f"{AS_ANOTHER} mailwatch incidents")


def test_what_only_systemd_can_open_is_read_while_the_service_runs(
    configured: Watcher, host: Host
) -> None:
    """As with an encrypted credential: before the start that is said, after it all works."""
    configured.drop_in(SEALED)
    assert _reading(host) == (
        "unmeasured",
        "only the service can read credential imap, its password; run it with sudo while the "
        "service runs",
    )
    assert "good: mailwatch watches 1 service" in host.run("mailwatch config check")
    configured.start()
    assert _reading(host) == ("pass", "")
