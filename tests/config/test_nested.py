"""The keys of one service that make one value: what the probe is then told to ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.config.model import Config
from mailwatch.config.render import plain
from mailwatch.config.schema import SERVICE
from mailwatch.net.endpoint import ProxyHeader
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.settings import options

HTTPS = '[[services]]\nname = "HTTPS"\nport = 443\n'


def _load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "mailwatch.toml"
    path.write_text(text)
    return load(path, {}, {})


def test_http_keys_become_the_rules_of_the_probe(tmp_path: Path) -> None:
    """Every one reaches the probe, in the form that it compares with."""
    config = _load(
        tmp_path,
        HTTPS + 'http_method = "GET"\nhttp_path = "/healthz?full=1"\n'
        'http_statuses = "200-299, 401"\nhttp_headers = ["Server: nginx*", "X-A: b: c"]\n'
        'http_body = "<title>*Webmail"\nhttp_host = "mail.example.org:8443"\n'
        'http_forwarded_for = "2001:DB8::7"\n',
    )
    (service,) = config.services
    assert service.options == HttpRules(
        method="GET",
        path="/healthz?full=1",
        statuses=((200, 299), (401, 401)),
        headers=(("Server", "nginx*"), ("X-A", "b: c")),
        body="<title>*Webmail",
        host="mail.example.org:8443",
        forwarded_for="2001:db8::7",
    )


def test_without_http_keys_the_rules_are_the_defaults_that_are_shown(tmp_path: Path) -> None:
    """What `config show` prints as a default is what the probe goes by, key for key."""
    config = _load(tmp_path, HTTPS)
    shown = {
        name: config.settings[f"services[1].{name}"].value
        for name in SERVICE.keys("http")
        if name.startswith("http_")
    }
    assert config.services[0].options == HttpRules()
    given = "".join(
        f"{name} = {plain(value)!r}\n" for name, value in shown.items() if value is not None
    )
    assert "http_statuses = '200-499'" in given
    assert _load(tmp_path, HTTPS + given).services == config.services


def test_http_keys_are_shown_for_http_alone(tmp_path: Path) -> None:
    """`config show` does not tell of pages where mail is asked for."""
    config = _load(tmp_path, '[[services]]\nname = "SMTP"\nport = 25\n')
    assert not [key for key in config.settings if ".http_" in key]
    assert config.settings["services[1].proxy"].value == ProxyHeader.NONE


@pytest.mark.parametrize("colons", [True, False])
def test_a_fingerprint_may_be_pasted_from_openssl(tmp_path: Path, colons: bool) -> None:
    """The probe compares it in small entries without colons, with or without `verify`."""
    pasted = ":".join(["AB"] * 32) if colons else "AB" * 32
    config = _load(tmp_path, HTTPS + f'fingerprint = "{pasted}"\n')
    (service,) = config.services
    assert service.fingerprint == "ab" * 32
    assert not service.verify
    assert config.settings["services[1].fingerprint"].value == "ab" * 32


@pytest.mark.parametrize("version", list(ProxyHeader))
def test_proxy_is_a_version_of_the_protocol(tmp_path: Path, version: ProxyHeader) -> None:
    """Each word means the header of that version."""
    text = f'[[services]]\nname = "SMTP"\nport = 25\nproxy = "{version.value}"\n'
    config = _load(tmp_path, text)
    assert config.services[0].proxy is version
    by_header = version is ProxyHeader.V1
    host = frozenset({"127.0.0.1"})
    asked = (config.asked.hosts, config.asked.introduced)
    assert asked == ((set(), host) if by_header else (host, set()))


@pytest.mark.parametrize(
    "host", ["localhost", "mail.example.org", "192.0.2.1", "[2001:db8::1]:8443", "a_b.example:80"]
)
def test_http_host_is_whatever_a_host_field_may_be(tmp_path: Path, host: str) -> None:
    """Names, addresses and ports are taken as RFC 9110, 7.2 has them."""
    config = _load(tmp_path, HTTPS + f'http_host = "{host}"\n')
    assert options(config.services[0], HttpRules).host == host
