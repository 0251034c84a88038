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
from mailwatch.probes import canary, command, dns, postqueue
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.settings import ServiceSettings, digest

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
    "login_timeout_s": 30.0,
    "options": HttpRules(statuses=((200, 200), (204, 204))),
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
        "from mailwatch.probes.settings import digest\n"
        "from mailwatch.probes.settings import ServiceSettings\n"
        "print(digest(ServiceSettings('MAIL', '127.0.0.1', 587)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(PLAIN)
    known = "361d6bc1a955fc9a68455a1ce0ac5170b7432e7feada46411981fd0fe4ed679b"
    assert digest(PLAIN) == known, "a released digest stays: else an upgrade forgets all"


LOGIN = Login("anna", Secret("x"))
STARTTLS = TlsMode.STARTTLS
RELEASED = {
    "078c2b5cd5e9f6db469f3d8c8456ddecffbe8ab2c7acacd5d5cf0907d9287cdc": ServiceSettings(
        "HTTPS", "127.0.0.1", 443, TlsMode.IMPLICIT, probe="http", options=HttpRules()
    ),
    "0df2d4c158815784c8d9b9620aff5c1a46a17a6c3508f172cb7c89fc7f6094d8": ServiceSettings(
        "HTTPS",
        "127.0.0.1",
        443,
        TlsMode.IMPLICIT,
        probe="http",
        options=HttpRules(
            statuses=((200, 200), (204, 204)),
            path="/healthz",
            headers=(("Server", "nginx"),),
            host="mail.example.org",
        ),
    ),
    "98b63b689e0334e82ae03109fa868a2fdd3775dc615c2d5cf59e43a23d5dda02": ServiceSettings(
        "Spam", "127.0.0.1", probe="command", options=command.Settings(("/bin/true", "-v"))
    ),
    "b682034277ba389ad1bd38f2d690c847d6d7b0fea6243c4fa35dceb56f15d93a": ServiceSettings(
        "Queue",
        "127.0.0.1",
        probe="postqueue",
        options=postqueue.Settings(("/usr/sbin/exim", "-bpc"), 7),
    ),
    "77e6dd932f934f89206cbbb9b57d2461cef9c21c73eda3ccca27aec877da7dc2": ServiceSettings(
        "Queue", "127.0.0.1", probe="postqueue", options=postqueue.Settings()
    ),
    "9bcb329121323129cd4ec685f871dbe6279550ce1fd72f4e379dc13728aa0e73": ServiceSettings(
        "Domain", "127.0.0.1", probe="dns", options=dns.Settings("example.org", True)
    ),
    "2bd5df3be1478422284ab98aee93539bb2c8a03ad41f2b2c3a1099978ca80fe8": ServiceSettings(
        "Canary",
        "::1",
        587,
        STARTTLS,
        probe="canary",
        login=LOGIN,
        options=canary.Settings("a@example.org", "b@example.org"),
    ),
    "242aeb9cc1a58acd8872e75daf32a29f33a2d54576d7ea8dc10c60b5c4abf560": ServiceSettings(
        "Canary",
        "::1",
        587,
        STARTTLS,
        probe="canary",
        login=LOGIN,
        options=canary.Settings(
            "a@example.org",
            "b@example.org",
            submit_login=False,
            imap_tls=TlsMode.NONE,
            imap_proxy=ProxyHeader.V2,
            every_s=60.0,
        ),
    ),
    "74f3c6544f9b4b8e31331083b7840fcb0ff70f68aee6dd6ca1b3704ea646967d": ServiceSettings(
        "IMAP",
        "localhost",
        143,
        STARTTLS,
        True,
        Path("/etc/ca.pem"),
        "mx.example.org",
        TlsVersion.TLS_1_3,
        "ab" * 32,
        ProxyHeader.V1,
        LOGIN,
        probe="imap",
    ),
}
"""What version 0.2.0 has written for services that are asked so."""


@pytest.mark.parametrize("known", RELEASED)
def test_a_digest_of_version_0_2_0_still_matches(known: str) -> None:
    """An upgrade makes no service one that has never passed, whatever probe asks it."""
    assert digest(RELEASED[known]) == known


@pytest.mark.parametrize(
    "options",
    [
        postqueue.Settings(queue_limit=7),
        postqueue.Settings(("/bin/true",)),
    ],
)
def test_an_option_of_a_probe_matters(options: postqueue.Settings) -> None:
    """What a probe is told of its own is a way to ask, too."""
    plain = ServiceSettings("Queue", "", probe="postqueue", options=postqueue.Settings())
    assert digest(replace(plain, options=options)) != digest(plain)
