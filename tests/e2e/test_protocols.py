"""Every protocol, asked of real Postfix, Dovecot and nginx by the installed mailwatch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Table, Watcher

pytestmark = pytest.mark.e2e

PASSWORD = "/etc/mailwatch.account"
WRONG = "/etc/mailwatch.account-wrong"
ACCOUNT: Table = {"user": "anna@example.test", "password_file": PASSWORD}

PORTS = {
    "SMTP": 25, "SUBMISSION": 587, "SMTPS": 465, "IMAP": 143, "IMAPS": 993, "POP3": 110,
    "POP3S": 995, "SIEVE": 4190, "LMTP": 24, "HTTP": 80, "HTTPS": 443,
}  # fmt: skip
"""Every name that mailwatch knows by itself."""
OFFER_STARTTLS = ("SMTP", "SUBMISSION", "IMAP", "POP3", "SIEVE", "LMTP")
LET_IN = ("SUBMISSION", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S", "SIEVE")
"""Those that let an account in, here over TLS alone."""


def _service(name: str, **more: object) -> Table:
    return {"name": name, "port": PORTS[name], **more}


def _private(name: str, **more: object) -> Table:
    """Return the service as one that speaks TLS, with a login, before it says goodbye."""
    starttls = {"tls": "starttls"} if name in OFFER_STARTTLS else {}
    return _service(name, **starttls, **ACCOUNT) | more


def _check(host: Host, timeout_s: float = 30) -> dict[str, dict[str, object]]:
    """Return the reading of each service by its name; each is asked once."""
    _, said = host.try_run(
        f"mailwatch check --json --once --set watch.attempt_timeout_s={timeout_s}"
    )
    return {str(one["service"]).partition(":")[0]: one for one in json.loads(said)["services"]}


@pytest.fixture
def accounts(host: Host, _installed: Path) -> None:
    """The password of the account, and one that is not it, in files of their own."""
    for path, word in ((PASSWORD, "secret"), (WRONG, "hunter2")):
        host.run(f"printf {word} >{path}; chgrp mailwatch {path}; chmod 640 {path}")


def test_every_known_name_is_asked_right(watcher: Watcher, host: Host) -> None:
    """Its name and port alone are enough for a whole conversation that the server takes."""
    watcher.configure(services=[_service(name) for name in PORTS])
    readings = _check(host)
    assert {name: one["detail"] for name, one in readings.items()} == dict.fromkeys(PORTS, "")
    assert {one["verdict"] for one in readings.values()} == {"pass"}


def test_starttls_is_spoken_wherever_it_is_offered(watcher: Watcher, host: Host) -> None:
    """The conversation goes on behind a real handshake, whose certificate is then known."""
    watcher.configure(services=[_service(name, tls="starttls") for name in OFFER_STARTTLS])
    readings = _check(host)
    assert {name: one["verdict"] for name, one in readings.items()} == dict.fromkeys(
        OFFER_STARTTLS, "pass"
    ), readings
    for one in readings.values():
        phases = one["phases"]
        assert isinstance(phases, dict)
        assert "tls" in phases
        assert one["certificate_expires"]


@pytest.mark.usefixtures("accounts")
def test_the_right_password_is_let_in(watcher: Watcher, host: Host) -> None:
    """Each protocol's own login works with the server that it is made for."""
    watcher.configure(services=[_private(name) for name in LET_IN])
    readings = _check(host)
    assert {name: one["verdict"] for name, one in readings.items()} == dict.fromkeys(
        LET_IN, "pass"
    ), readings


@pytest.mark.usefixtures("accounts")
def test_a_wrong_password_is_told_as_that(watcher: Watcher, host: Host) -> None:
    """It is never taken for an outage, and no sentence repeats the password."""
    watcher.configure(services=[_private(name, password_file=WRONG) for name in LET_IN])
    readings = _check(host)
    assert {name: one["fault"] for name, one in readings.items()} == dict.fromkeys(
        LET_IN, "authentication"
    ), readings
    assert "hunter2" not in str(readings)


def test_a_pinned_certificate_is_the_only_one(watcher: Watcher, host: Host, engine: Engine) -> None:
    """What openssl prints of it can be pasted; another one is a fault of the certificate."""
    show = "openssl x509 -in /etc/ssl/mail.crt -noout -fingerprint -sha256"
    right = engine.docker("exec", NAME, *show.split()).partition("=")[2].strip()
    wrong = ":".join(["AB"] * 32)
    asked: dict[str, Table] = {
        "SMTPS": {"fingerprint": right},
        "SUBMISSION": {"fingerprint": right, "tls": "starttls"},
        "IMAPS": {"fingerprint": wrong},
        "POP3": {"fingerprint": wrong, "tls": "starttls"},
    }
    watcher.configure(services=[_service(name, **more) for name, more in asked.items()])
    readings = _check(host)
    assert {name: one["fault"] for name, one in readings.items()} == {
        "SMTPS": None, "SUBMISSION": None, "IMAPS": "certificate", "POP3": "certificate",
    }, readings  # fmt: skip
    assert right.replace(":", "").lower() in str(readings["IMAPS"]["detail"])


def test_http_rules_are_held_against_nginx(watcher: Watcher, host: Host) -> None:
    """Method, path, codes, fields and page: each is asked for, and missed where it is not there."""
    web: Table = {"port": 443, "probe": "http", "tls": "implicit"}
    asked: dict[str, tuple[Table, str | None]] = {
        "Right": ({
            "http_statuses": "200", "http_headers": ["content-type: text/*", "Server: nginx"],
            "http_body": "mail.*.test", "http_host": "mail.example.test",
            "http_forwarded_for": "192.0.2.7",
        }, None),
        "Head": ({"http_method": "HEAD", "http_headers": ["Content-Length: 18"]}, None),
        "Moved": ({"http_path": "/account", "http_statuses": "302"}, None),
        "Code": ({"http_path": "/account", "http_statuses": "200-299,401"}, "rule"),
        "Field": ({"http_headers": ["Server: apache"]}, "rule"),
        "Page": ({"http_body": "Sign in"}, "rule"),
    }  # fmt: skip
    watcher.configure(services=[{"name": name, **web, **more} for name, (more, _) in asked.items()])
    readings = _check(host)
    assert {name: one["fault"] for name, one in readings.items()} == {
        name: fault for name, (_, fault) in asked.items()
    }, readings


@pytest.fixture
def postscreen(mail: Mail, engine: Engine) -> Iterator[None]:
    """Postfix's postscreen at 25, that makes a stranger wait 6 s for the end of its greeting."""
    engine.docker(
        "exec", NAME, "sh", "-ec",
        "postconf -M smtp/inet='smtp inet n - n - 1 postscreen' smtpd/pass='smtpd pass - - n - - "
        "smtpd'; postconf -e postscreen_greet_action=enforce postscreen_greet_wait=6s; "
        "postfix reload",
    )  # fmt: skip
    yield
    mail.remove()


@pytest.mark.usefixtures("postscreen")
def test_postscreen_needs_patience_once(watcher: Watcher, host: Host) -> None:
    """Half a greeting says nothing of the server; who hears it out is no stranger any more."""
    watcher.configure(services=[_service("SMTP")])
    hasty = _check(host, timeout_s=3)["SMTP"]
    assert (hasty["verdict"], hasty["fault"]) == ("unmeasured", None)
    assert "raise attempt_timeout_s above its postscreen_greet_wait" in str(hasty["detail"])
    assert _check(host)["SMTP"]["verdict"] == "pass"
    # Less than the wait for a stranger.
    assert _check(host, timeout_s=5)["SMTP"]["verdict"] == "pass"


@pytest.fixture
def behind_a_proxy(mail: Mail, engine: Engine) -> Iterator[None]:
    """Postfix at 25, Dovecot at 143 and nginx at 443 wait for the header of a proxy."""
    parameter = "smtp/inet/smtpd_upstream_proxy_protocol"
    listener = "service imap-login {\n inet_listener imap {\n haproxy = yes\n }\n}"
    file = "/etc/dovecot/dovecot.conf"
    web = "sed -i 's/listen 443 ssl{}/listen 443 ssl{}/' /etc/nginx/nginx.conf; nginx -s reload"

    def run(script: str) -> None:
        engine.docker("exec", NAME, "sh", "-ec", script)

    run(
        f"postconf -P {parameter}=haproxy; postfix reload; cp {file} {file}.before; "
        f"printf 'haproxy_trusted_networks = 0.0.0.0/0\n{listener}\n' >>{file}; doveadm reload; "
        + web.format(";", " proxy_protocol;")
    )
    # All three take it up in their own time.
    wait_until(lambda: not any(mail.greets(port, 1) for port in (25, 143, 443)), 20, "the proxies")
    yield
    run(
        f"postconf -PX {parameter}; postfix reload; mv {file}.before {file}; doveadm reload; "
        + web.format(" proxy_protocol;", ";")
    )
    mail.wait_until_up()


@pytest.mark.usefixtures("behind_a_proxy")
def test_the_proxy_protocol_opens_ports_that_expect_it(watcher: Watcher, host: Host) -> None:
    """Each takes either version, before TLS and STARTTLS too, and refuses to go without."""
    asked: dict[str, Table] = {
        "Postfix v1": {"port": 25, "probe": "smtp", "proxy": "v1"},
        "Postfix v2": {"port": 25, "probe": "smtp", "proxy": "v2"},
        "Postfix v2 TLS": {"port": 25, "probe": "smtp", "proxy": "v2", "tls": "starttls"},
        "Postfix": {"port": 25, "probe": "smtp"},
        "Dovecot v1": {"port": 143, "probe": "imap", "proxy": "v1"},
        "Dovecot v2 TLS": {"port": 143, "probe": "imap", "proxy": "v2", "tls": "starttls"},
        "Dovecot": {"port": 143, "probe": "imap"},
        "nginx v1": {"port": 443, "probe": "http", "proxy": "v1", "tls": "implicit"},
        "nginx v2": {"port": 443, "probe": "http", "proxy": "v2", "tls": "implicit"},
        "nginx": {"port": 443, "probe": "http", "tls": "implicit"},
    }
    watcher.configure(services=[{"name": name, **one} for name, one in asked.items()])
    readings = _check(host, timeout_s=8)
    assert {name: one["verdict"] for name, one in readings.items()} == {
        name: "pass" if "proxy" in one else "fail" for name, one in asked.items()
    }, readings


@pytest.fixture
def strict(mail: Mail, engine: Engine) -> Iterator[Mail]:
    """Postfix takes one login a minute of a client, Dovecot one connection of an account."""
    file = "/etc/dovecot/dovecot.conf"
    engine.docker(
        "exec", NAME, "sh", "-ec",
        "postconf -e smtpd_client_auth_rate_limit=1 smtpd_client_event_limit_exceptions=; "
        f"postfix reload; printf 'mail_max_userip_connections = 1\\n' >>{file}; doveadm reload",
    )  # fmt: skip
    yield mail
    mail.remove()


@pytest.mark.usefixtures("accounts")
def test_who_is_at_a_limit_finds_no_sick_server(watcher: Watcher, host: Host, strict: Mail) -> None:
    """Its words count, whatever the code: one of this host rejects, one of an account hides."""
    # Each protocol is counted by itself.
    logins = {
        "IMAPS": (b"a LOGIN anna@example.test secret\r\n", b"a OK"),
        "POP3S": (b"USER anna@example.test\r\nPASS secret\r\n", b"+OK Logged in"),
    }
    watcher.configure(services=[_private(name) for name in ("SUBMISSION", *logins)])

    def is_in_force() -> bool:
        return _check(host)["SUBMISSION"]["fault"] == "rejected"

    wait_until(is_in_force, 60, "Postfix to mind its limit")
    for name, (login, let_in) in logins.items():
        with strict.connected(PORTS[name], 30) as other:
            other.sendall(login)
            said = b""
            while let_in not in said:
                more = other.recv(4096)
                assert more, said
                said += more
            readings = _check(host)
        assert (readings[name]["verdict"], readings[name]["fault"]) == ("unmeasured", None), name
        assert "mail_max_userip_connections" in str(readings[name]["detail"])
    assert readings["SUBMISSION"]["fault"] == "rejected"
    assert "too many AUTH commands" in str(readings["SUBMISSION"]["detail"])
