"""A login that the configuration would send in plain text: warned of, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.config.load import load

LOGIN = 'user = "anna"\npassword_file = "{password}"\n'


def _warnings(tmp_path: Path, service: str) -> tuple[str, ...]:
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    path = tmp_path / "mailwatch.toml"
    path.write_text("[[services]]\n" + service + LOGIN.format(password=password))
    return load(path, {}, {}).warnings


def test_a_login_without_tls_to_another_host_is_warned_of(tmp_path: Path) -> None:
    """It is never sent; all other services are still watched, so it is no mistake."""
    (sentence,) = _warnings(tmp_path, 'name = "IMAP"\nport = 143\nhost = "192.0.2.1"\n')
    assert sentence == (
        "services[1] has a login, which is not sent to 192.0.2.1 without TLS, so it cannot be "
        'measured; add tls = "implicit" or "starttls", or remove user and password'
    )


def test_each_leg_of_a_canary_is_looked_at(tmp_path: Path) -> None:
    """The mailbox may be on another host than the submission, which may need no login."""
    canary = (
        'name = "Canary"\nport = 25\nhost = "192.0.2.1"\nprobe = "canary"\n'
        'sender = "a@example.org"\nrecipient = "a@example.org"\n'
        'imap_host = "2001:db8::1"\nimap_tls = "none"\n'
    )
    said = _warnings(tmp_path, canary)
    assert [sentence.split("sent to ")[1].split()[0] for sentence in said] == [
        "192.0.2.1",
        "2001:db8::1",
    ]
    (sentence,) = _warnings(tmp_path, canary + "submit_login = false\n")
    assert 'add imap_tls = "implicit"' in sentence


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "mail.example.org"])
def test_this_host_and_names_are_left_to_the_probe(tmp_path: Path, host: str) -> None:
    """Loopback is private, and where a name leads is known when it is looked up."""
    assert _warnings(tmp_path, f'name = "POP3"\nport = 110\nhost = "{host}"\n') == ()


def test_the_mailbox_of_a_canary_is_among_what_is_asked(tmp_path: Path) -> None:
    """The service's map of ports knows it, as the doctor does."""
    password = tmp_path / "password"
    password.write_text("secret\n")
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        '[[services]]\nname = "Canary"\nport = 587\nprobe = "canary"\ntls = "starttls"\n'
        'sender = "a@example.org"\nrecipient = "a@example.org"\nimap_host = "192.0.2.7"\n'
        + LOGIN.format(password=password)
    )
    config = load(path, {}, {})
    asked = config.asked_ports
    assert [(one.service, one.host, one.port) for one in asked] == [
        ("Canary:587", "127.0.0.1", 587),
        ("Canary:587", "192.0.2.7", 993),
    ]
    assert config.asked.hosts == {"127.0.0.1", "192.0.2.7"}
    assert config.asked.ports == {587}
