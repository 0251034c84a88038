from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mailwatch.core.facts import fact
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, ProxyHeader, TlsMode, TlsVersion
from mailwatch.probes.digest import digest
from mailwatch.probes.settings import CanaryRules, HttpRules, ServiceSettings

PLAIN = ServiceSettings("MAIL", "127.0.0.1", 587)

CHANGES: dict[str, Any] = {
    "name": "POST",
    "host": "::1",
    "port": 143,
    "probe": "imap",
    "tls": TlsMode.STARTTLS,
    "verify": True,
    "ca_file": Path("/etc/ca.pem"),
    "server_name": "mx.example.org",
    "minimum_tls": TlsVersion.TLS_1_3,
    "fingerprint": "ab" * 32,
    "proxy": ProxyHeader.V2,
    "login": Login("anna", Secret("sesame")),
    "http": HttpRules(statuses=((200, 200), (204, 204))),
    "command": ("/bin/true", "-v"),
    "queue_limit": 7,
    "domain": "example.org",
    "implicit_mx": True,
    "canary": CanaryRules("a@example.org", "b@example.org"),
}


def test_every_setting_matters() -> None:
    """Each key of a service, a later one too, changes the digest, and no two do so alike."""
    assert set(CHANGES) == {field.name for field in fields(ServiceSettings)}
    digests = {digest(replace(PLAIN, **{name: value})) for name, value in CHANGES.items()}
    assert len(digests | {digest(PLAIN)}) == len(CHANGES) + 1


@pytest.mark.parametrize("change", [{}, *({name: value} for name, value in CHANGES.items())])
def test_no_secret_goes_into_it(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same whatever the password is, even one that cannot be read, and looks at none."""
    settings = replace(PLAIN, **{**change, "login": Login("anna", Secret("sesame"))})
    other = replace(settings, login=Login("anna", Secret("open")))
    monkeypatch.setattr(Secret, "reveal", lambda _self: pytest.fail("it was revealed"))
    unread = replace(
        settings, login=Login("anna", Secret(""), withheld=fact("password-not-wanted"))
    )
    assert digest(settings) == digest(other) == digest(unread)
    assert digest(settings) != digest(replace(settings, login=Login("bert", Secret("sesame"))))


def test_another_process_finds_the_same() -> None:
    """A restart, a reboot or an upgrade of Python makes nothing unproven."""
    code = (
        "from mailwatch.probes.digest import digest\n"
        "from mailwatch.probes.settings import ServiceSettings\n"
        "print(digest(ServiceSettings('MAIL', '127.0.0.1', 587)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(PLAIN)
    known = "361d6bc1a955fc9a68455a1ce0ac5170b7432e7feada46411981fd0fe4ed679b"
    assert digest(PLAIN) == known, "a released digest stays: else an upgrade forgets all"
