"""Where values come from: precedence, spelling in each source, defaults, services, tokens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.config.load import load
from mailwatch.config.model import Config, ConfigError, Origin, Source
from mailwatch.config.schema import section_keys
from mailwatch.core.keys import Kind
from mailwatch.core.model import Fault
from mailwatch.core.policy import Policy
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import ProxyHeader, TlsMode
from mailwatch.notifiers.gotify import GotifySettings
from mailwatch.probes import canary, command
from mailwatch.probes.catalogue import PROBES
from mailwatch.restarters.catalogue import Chosen
from mailwatch.restarters.docker import Settings as DockerSettings

URL = "https://gotify.example.org"
KEYS = section_keys()
GOTIFY = {"GOTIFY_URL": URL, "GOTIFY_TOKEN": "hunter2"}


def written(directory: Path, text: str) -> Path:
    """Return a configuration file of mode 0640 with `text`."""
    path = directory / "mailwatch.toml"
    path.write_text(text)
    path.chmod(0o640)
    return path


def private(directory: Path, password: str) -> Path:
    """Return a file of mode 0600 with `password`."""
    path = directory / "password"
    path.write_text(password)
    path.chmod(0o600)
    return path


def sentences(
    path: Path | None = None,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the lines of the mistakes that loading names."""
    with pytest.raises(ConfigError) as caught:
        load(path, flags or {}, environ or {})
    return str(caught.value).splitlines()


def keys(config: Config) -> list[str]:
    """Return the services as NAME:PORT."""
    return [service.key for service in config.services]


def test_without_anything_the_defaults_are_the_originals() -> None:
    """No file, flag or variable: the four services of the original, and the policy's numbers."""
    config = load(None, {}, {})
    assert keys(config) == ["SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443"]
    assert {service.host for service in config.services} == {"127.0.0.1"}
    assert config.policy == Policy()
    assert config.restart == Chosen("docker", DockerSettings())
    assert [channel.name for channel in config.channels] == ["journal"]
    assert config.state_directory == Path("/var/lib/mailwatch")
    assert config.log_level == "info"
    assert config.warnings == ()
    assert {one.origin.source for one in config.settings.values()} == {Source.DEFAULT}


def test_default_file_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    """Without /etc/mailwatch.toml the defaults hold, and that is said."""
    path = tmp_path / "mailwatch.toml"
    config = load(path, {}, {}, required=False)
    assert config == load(None, {}, {})
    assert config.warnings == (f"{path} does not exist, so what it does not say is as by default",)


def test_every_variable_of_the_original_is_read() -> None:
    """The names of the original's environment mean what they meant."""
    config = load(
        None,
        {},
        GOTIFY
        | {
            "GOTIFY_PRIORITY": "7",
            "HOST": "::1",
            "SERVICES": "SMTP:25,SMTP:2525, Chat:5222",
            "RETRIES": "4",
            "PER_ATTEMPT_TIMEOUT": "2.5",
            "SLEEP_BETWEEN_ATTEMPTS": "0",
            "CHECK_INTERVAL_SECONDS": " 60 ",
            "CONTAINER_NAME": "mail",
            "DOCKER_SOCKET": "/run/docker.sock",
            "POST_RESTART_WAIT": "1",
            "POST_RESTART_PER_ATTEMPT_TIMEOUT": "12",
            "POST_RESTART_FINAL_TIMEOUT": "30",
            "POST_RESTART_POLL_INTERVAL": "3",
            "STATE_DIRECTORY": "/var/lib/one:/var/lib/two",
        },
    )
    (channel,) = config.channels
    assert (channel.name, channel.type) == ("gotify", "gotify")
    assert channel.settings == GotifySettings(URL, Secret("hunter2"), priority=7)
    assert keys(config) == ["SMTP:25", "SMTP:2525", "Chat:5222"]
    assert [service.probe for service in config.services] == ["smtp", "smtp", "tcp"]
    assert {service.host for service in config.services} == {"::1"}
    assert config.restart == Chosen("docker", DockerSettings("mail", "/run/docker.sock"))
    policy = config.policy
    assert policy.attempts.retries == 4
    assert (policy.attempts.timeout_s, policy.attempts.delay_s) == (2.5, 0)
    assert policy.interval_s == 60
    assert (policy.settle_s, policy.verify_timeout_s) == (1, 12)
    assert (policy.verify_for_s, policy.verify_every_s) == (30, 3)
    assert config.state_directory == Path("/var/lib/one")


def test_every_number_of_the_policy_can_be_configured(tmp_path: Path) -> None:
    """No key of the file is read and then forgotten: each changes the configuration."""
    plain = load(None, {}, {})
    for key in KEYS:
        if key.section == "gotify" or key.name == "kind":
            continue  # see the tests of channels, and of the restarters
        other = {
            Kind.TEXT: "other",
            Kind.HOST: "192.0.2.1",
            Kind.PATH: "/other",
            Kind.BOOLEAN: "false" if key.default else "true",
            Kind.INTEGER: "7",
            Kind.SECONDS: str(min(301.5, key.high)),
            Kind.CHOICE: key.choices[0] if key.choices else "",
            Kind.FAULTS: "reset,silent",
        }[key.kind]
        assert load(None, {key.dotted: other}, {}) != plain, key.dotted


@pytest.mark.parametrize("source", ["file", "flag", "environment"])
def test_precedence_of_a_service_list(source: str, tmp_path: Path) -> None:
    """A list of services replaces the weaker list as a whole."""
    path = written(tmp_path, '[[services]]\nname = "FILE"\nport = 1\nverify = false\n')
    flags = {"services": '[{name = "FLAG", port = 2}]'} if source != "file" else {}
    environ = {"SERVICES": "ENV:3"} if source == "environment" else {}
    winner = {"file": "FILE:1", "flag": "FLAG:2", "environment": "ENV:3"}[source]
    assert keys(load(path, flags, environ)) == [winner]


_RETRIES = st.none() | st.integers(1, 100)


@given(in_file=_RETRIES, in_flag=_RETRIES, in_environment=_RETRIES, blank=st.booleans())
def test_environment_wins_then_flag_then_file_then_default(
    tmp_path_factory: pytest.TempPathFactory,
    in_file: int | None,
    in_flag: int | None,
    in_environment: int | None,
    blank: bool,
) -> None:
    """For any mix of sources the strongest that is set wins and is named as the origin."""
    path = written(
        tmp_path_factory.getbasetemp(), f"[watch]\nretries = {in_file}\n" if in_file else ""
    )
    flags = {"watch.retries": str(in_flag)} if in_flag else {}
    environ = {"RETRIES": str(in_environment)} if in_environment else {}
    if blank and not in_environment:
        environ = {"RETRIES": ""}
    config = load(path, flags, environ)
    assert config.policy.attempts.retries == (in_environment or in_flag or in_file or 3)
    assert config.settings["watch.retries"].origin == (
        Origin(Source.ENVIRONMENT, "RETRIES")
        if in_environment
        else Origin(Source.FLAG)
        if in_flag
        else Origin(Source.FILE, str(path))
        if in_file
        else Origin(Source.DEFAULT)
    )


def test_mistakes_in_overridden_values_count_too(tmp_path: Path) -> None:
    """A wrong value in the file is named although the environment wins, and so are both others."""
    path = written(tmp_path, "[watch]\nretries = 0\n")
    assert sentences(path, {"watch.retries": "many"}, {"RETRIES": "-1"}) == [
        f"{path}, line 2: watch.retries is 0; write a whole number from 1 to 100",
        'command line: watch.retries is the text "many"; write a whole number from 1 to 100',
        "environment: RETRIES is -1; write a whole number from 1 to 100",
    ]


def test_flags_take_toml_or_bare_text() -> None:
    """`--set` needs no second quoting, and takes it where it is given."""
    config = load(
        None,
        {
            "restart.container": "007",
            "restart.socket": '"/run/a b.sock"',
            "restart.on": '["silent"]',
            "restart.when_all_dropped": "true",
            "watch.interval_s": "1_000 # TOML",
        },
        {},
    )
    assert config.restart == Chosen("docker", DockerSettings("007", "/run/a b.sock"))
    assert config.policy.restart_on == {Fault.SILENT}
    assert config.policy.restart_when_all_dropped
    assert config.policy.interval_s == 1000


@pytest.mark.parametrize(
    ("dotted", "text", "sentence"),
    [
        (
            "watch.retrys",
            "3",
            "mailwatch has no key watch.retrys; did you mean watch.retries?",
        ),
        (
            "watch",
            "3",
            "mailwatch has no key watch; remove it (mailwatch.toml(5) lists them all)",
        ),
        (
            "restart.on",
            "silent,tsl",
            'restart.on holds the text "tsl", which is no kind of failure; did you mean "tls"?',
        ),
        (
            "services",
            "SMTP",
            'services has "SMTP" where NAME:PORT belongs; '
            "write for example SMTP:25,IMAPS:993, ports from 1 to 65535",
        ),
        (
            "services",
            "[]",
            "services is an empty list; name at least one service, or remove the line",
        ),
    ],
)
def test_bad_flags(dotted: str, text: str, sentence: str) -> None:
    """A mistake on the command line is named as one."""
    assert sentences(None, {dotted: text}) == [f"command line: {sentence}"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SMTP", "SMTP"),
        ("SMTP:25,,IMAP:143", ""),
        (",", ""),
        ("SMTP:0", "SMTP:0"),
        ("SMTP:65536", "SMTP:65536"),
        ("SMTP:2_5", "SMTP:2_5"),
        (":25", ":25"),
        ("[::1]:25", "[::1]:25"),
        ("SMTP:25\x1b[2J", "SMTP:25\\x1b[2J"),
    ],
)
def test_bad_services_in_the_environment(text: str, shown: str) -> None:
    """What is not NAME:PORT is shown, made printable, with an example."""
    assert sentences(environ={"SERVICES": text}) == [
        f'environment: SERVICES has "{shown}" where NAME:PORT belongs; '
        f"write for example SMTP:25,IMAPS:993, ports from 1 to 65535"
    ]


def test_service_twice_in_the_environment() -> None:
    """The same name on several ports is fine; the same name and port is not."""
    assert keys(load(None, {}, {"SERVICES": "A:1,A:2,B:1,"})) == ["A:1", "A:2", "B:1"]
    assert sentences(environ={"SERVICES": "A:1,B:1,A:1"}) == [
        "environment: services[3] is A:1 like services[1]; "
        "remove one of them, or give it another name"
    ]


def test_service_keys_reach_the_probe(tmp_path: Path) -> None:
    """Host, probe, TLS mode and server name are those of the table; else the name decides."""
    path = written(
        tmp_path,
        """
        [watch]
        host = "192.0.2.1"
        [[services]]
        name = "submission"
        port = 587
        tls = "starttls"
        server_name = "mail.example.org"
        minimum_tls = "1.3"
        [[services]]
        name = "HTTPS"
        port = 443
        host = "2001:db8::1"
        verify = true
        [[services]]
        name = "IMAPS"
        port = 993
        probe = "tcp"
        """,
    )
    config = load(path, {}, {})
    first, second, third = config.services
    assert (first.host, first.probe, first.tls) == ("192.0.2.1", "smtp", TlsMode.STARTTLS)
    assert (first.server_name, first.minimum_tls.value) == ("mail.example.org", "1.3")
    assert (second.host, second.tls, second.verify) == ("2001:db8::1", TlsMode.IMPLICIT, True)
    assert (third.probe, third.tls) == ("tcp", TlsMode.NONE)
    assert config.settings["services[1].host"].origin == Origin(Source.FILE, str(path))
    assert config.settings["services[3].probe"].origin == Origin(Source.FILE, str(path))


@pytest.mark.parametrize("probe", PROBES.names())
def test_every_probe_of_the_catalogue_can_be_configured(probe: str, tmp_path: Path) -> None:
    """A protocol that is added to the probes is known to the configuration; another is not."""
    assert f'"{probe}"' in sentences(None, {"services": '[{name = "A", probe = "?"}]'})[0]
    path = written(tmp_path, f'[[services]]\nname = "A"\nprobe = "{probe}"\nport = 0\n')
    assert not any("no key" in one or ".probe" in one for one in sentences(path))


def test_a_certificate_as_a_reason_to_restart_is_warned_of() -> None:
    """Version 0.1.0 took it, so it is no mistake: the service starts, and the admin is told."""
    config = load(None, {"restart.on": "silent,certificate"}, {})
    assert config.warnings == (
        'restart.on has "certificate", which never leads to a restart; take it out',
    )
    assert load(None, {"restart.on": "silent"}, {}).warnings == ()


@pytest.mark.parametrize(("watchdog_s", "warned"), [("9.5", True), ("10", False), ("90", False)])
def test_a_watchdog_in_a_hurry_is_warned_of(watchdog_s: str, warned: bool) -> None:
    """What a busy disk may outlast is warned of; the timeouts of the checks do not matter."""
    environ = {"WATCHDOG_USEC": str(int(float(watchdog_s) * 1_000_000))}
    warnings = load(None, {"watch.attempt_timeout_s": "3600"}, environ).warnings
    sentence = (
        f"WatchdogSec is {watchdog_s} in the unit, and a busy disk may hold mailwatch up for "
        "longer; set WatchdogSec=10 or more"
    )
    assert (sentence in warnings) is warned
    assert not warned or len(warnings) == 1


@pytest.mark.parametrize(
    "environ",
    [
        *({"WATCHDOG_USEC": off} for off in ("", "0", "soon", "²", "9" * 400)),
        {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_ours_decides_nothing(environ: dict[str, str]) -> None:
    """One that is off, makes no sense or is meant for another process is passed over."""
    assert load(None, {}, environ).warnings == ()


def test_keys_of_the_table_are_unique() -> None:
    """No key and no variable stands in the table twice."""
    variables = [key.environment for key in KEYS if key.environment]
    assert len({key.dotted for key in KEYS}) == len(KEYS)
    assert len(set(variables)) == len(variables)


def test_loading_brings_in_no_heavy_module() -> None:
    """`config check` needs no Docker SDK, no requests, no database and no TOML writer."""
    code = (
        "import sys; from mailwatch.config.load import load; load(None, {}, {})\n"
        "print(sorted({'docker', 'requests', 'urllib3', 'sqlite3', 'tomli_w'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "[]\n", done.stderr


def test_services_that_are_no_port(tmp_path: Path) -> None:
    """A queue, a command and a domain need no port, have none in their name, and show their own."""
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        '[[services]]\nname = "Queue"\nprobe = "postqueue"\nqueue_limit = 20\n'
        '[[services]]\nname = "Spam"\nprobe = "command"\ncommand = ["/usr/bin/test", "-e", "/x"]\n'
        '[[services]]\nname = "Domain"\nprobe = "dns"\ndomain = "example.org"\n'
        '[[services]]\nname = "SMTP"\nport = 25\n'
    )
    config = load(path, {}, {})
    assert [service.key for service in config.services] == ["Queue", "Spam", "Domain", "SMTP:25"]
    assert config.services[1].options == command.Settings(("/usr/bin/test", "-e", "/x"))
    shown = {key: config.settings[key].value for key in config.settings}
    assert shown["services[1].queue_limit"] == 20
    assert shown["services[1].command"] is None
    assert "services[3].port" not in shown
    assert "services[4].domain" not in shown


def test_a_login_is_read_from_its_file_and_shown_nowhere(tmp_path: Path) -> None:
    """The password reaches the probe, is among the secrets to clear away, and in no repr."""
    password = private(tmp_path, "hunter2 and more\n")
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        '[[services]]\nname = "Canary"\nport = 465\nprobe = "canary"\ntls = "implicit"\n'
        f'user = "anna"\npassword_file = "{password}"\nsender = "a@example.org"\n'
        'recipient = "b@example.org"\nevery_s = 600\n'
    )
    config = load(path, {}, {})
    (service,) = config.services
    assert service.login is not None
    assert service.login.password.reveal() == "hunter2 and more"
    assert isinstance(service.options, canary.Settings)
    assert (service.options.sender, service.options.every_s) == ("a@example.org", 600)
    assert (service.options.imap_port, service.options.within_s) == (993, 60)
    assert config.secrets == (service.login.password,)
    assert "hunter2" not in repr(config)
    assert config.warnings == ()
    password.chmod(0o644)
    assert "everyone on this host may read it" in load(path, {}, {}).warnings[0]


@pytest.mark.parametrize(("every_s", "count"), [(60, 1), (143.9, 1), (144, 0), (900, 0)])
def test_canaries_that_a_server_may_refuse_for_their_number_are_warned_of(
    every_s: float, count: int, tmp_path: Path
) -> None:
    """Stalwart takes 25 an hour; others take more, so it is no mistake."""
    password, file = tmp_path / "password", tmp_path / "mailwatch.toml"
    password.write_text("secret\n")
    password.chmod(0o600)
    file.write_text(
        '[[services]]\nname = "Canary"\nport = 465\nprobe = "canary"\ntls = "implicit"\n'
        f'user = "a"\npassword_file = "{password}"\nevery_s = {every_s}\n'
        'sender = "a@example.org"\nrecipient = "a@example.org"\n'
    )
    warnings = [one for one in load(file, {}, {}).warnings if "set every_s to 144" in one]
    assert len(warnings) == count


def test_the_legs_of_a_canary_have_settings_of_their_own(tmp_path: Path) -> None:
    """Submitted on port 25 in plain text, found by TLS on another host, verified and pinned."""
    password = private(tmp_path, "hunter2")
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        '[[services]]\nname = "Canary"\nport = 25\nprobe = "canary"\nverify = true\n'
        f'user = "anna"\npassword_file = "{password}"\nsender = "a@example.org"\n'
        'recipient = "b@example.org"\nsubmit_login = false\nimap_host = "imap.example.org"\n'
        f'imap_fingerprint = "{"0f" * 32}"\nimap_proxy = "v2"\n'
    )
    (service,) = load(path, {}, {}).services
    assert (service.tls, service.proxy) == (TlsMode.NONE, ProxyHeader.NONE)
    assert isinstance(service.options, canary.Settings)
    assert not service.options.submit_login
    mailbox = service.options.of_imap(service)
    assert (mailbox.host, mailbox.port, mailbox.tls) == ("imap.example.org", 993, TlsMode.IMPLICIT)
    assert (mailbox.verify, mailbox.fingerprint) == (True, "0f" * 32)
    assert mailbox.proxy is ProxyHeader.V2
