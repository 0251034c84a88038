"""Each check's findings, one condition at a time."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailwatch.config.load import load
from mailwatch.core.diagnosis import Diagnosis, Grade, ok
from mailwatch.core.facts import words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.state import State
from mailwatch.doctor import (
    channels,
    checks,
    clock,
    configuration,
    files,
    service,
    services,
)
from mailwatch.doctor.case import Case
from mailwatch.host.account import Account
from mailwatch.host.clocks import is_synchronised
from mailwatch.host.unit import Unit, _last_watchdog, seconds
from mailwatch.notifiers.catalogue import Channel
from mailwatch.probes.settings import digest
from mailwatch.restarters import docker_doctor
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore

MakeCase = Callable[..., Case]
HEALTHY = {
    "ActiveState": "active", "LoadState": "loaded", "NRestarts": "0", "ProtectHome": "yes",
    "UnitFileState": "enabled", "User": "mailwatch", "WatchdogUSec": "1min 30s",
}  # fmt: skip
RUNNING = TargetState(Condition.RUNNING, started_at=1000.0)
STRANGER = Account("mailwatch", 65533, frozenset({65533}))
ROOT = Account("root", 0, frozenset({0}))


def _levels(findings: Iterable[Diagnosis]) -> list[Grade]:
    """Return the levels; every sentence must be one, and whatever is wrong must have a cure."""
    told = list(findings)
    for finding in told:
        assert finding.sentence.isprintable()
        assert finding.sentence.endswith(".")
        if finding.grade is not Grade.OK:
            assert finding.cure.endswith(".") or ":" in finding.sentence or "`" in finding.sentence
    return [finding.grade for finding in told]


def _published(**ports: str) -> dict[str, Any]:
    bindings = {
        f"{number.removeprefix('p')}/tcp": [{"HostIp": address, "HostPort": number[1:]}]
        for number, address in ports.items()
    }
    networks = {"bridge": {"Gateway": "172.17.0.1"}}
    return {"NetworkSettings": {"Ports": bindings, "Networks": networks}}


# --- services and certificates ------------------------------------------------------------


def test_each_service_is_asked_for_real(case: MakeCase) -> None:
    """A port that nobody listens on is a problem, and one that accepts is fine."""
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        listed = f"Up:{there.getsockname()[1]},Down:{nobody.getsockname()[1]}"
        findings = list(services.examine(case({"services": listed})))
    assert _levels(findings) == [Grade.OK, Grade.PROBLEM]
    assert "nothing listens" in findings[1].sentence


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_a_cure(fault: Fault, case: MakeCase) -> None:
    """A new kind of failure gets a sentence of its own, or the general one."""
    reading = Reading("SMTP:25", Verdict.FAIL, fault, words("some words"))
    (finding,) = services.examine(case(readings=(reading,), target=RUNNING))
    assert finding.grade is Grade.PROBLEM
    assert finding.cure


def test_what_never_passed_as_configured_is_said_to_restart_nothing(
    case: MakeCase, tmp_path: Path
) -> None:
    """As the running service remembers it, for the way in which the file says to ask now."""
    reading = Reading("SMTP:25", Verdict.FAIL, Fault.TLS, words("some words"))
    well: list[Reading] = []

    def cure(**flags: str) -> str:
        readings = (reading, *well)
        made = case({"services": "SMTP:25", **flags}, readings=readings, target=RUNNING)
        return next(iter(services.examine(made))).cure

    assert "never" not in cure(), "nobody has watched yet"
    store = SqliteStore(tmp_path, pytest.fail, boot="one")
    now = Now(1.0, 1.0)
    store.restore(now)
    store.commit(Commit(State(), now))
    assert "It has never answered as configured now, so nothing is restarted" in cure()
    settings = case({"services": "SMTP:25"}).config.services[0]
    store.commit(Commit(State(), now, notes=Notes(proven=KnownGood({"SMTP:25": digest(settings)}))))
    assert "never" not in cure()
    assert "It has never answered" in cure(**{"watch.host": "::1"})
    reading = replace(reading, fault=Fault.SILENT)
    assert "never" not in cure(**{"watch.host": "::1"}), "a hang, for all that is known"
    well.append(Reading("IMAPS:993", Verdict.PASS))
    assert "It has never answered" in cure(**{"watch.host": "::1"})
    store.close()


def test_a_port_behind_which_nothing_listens_is_not_called_banned(case: MakeCase) -> None:
    """Docker's proxy drops in its place; where somebody listens there, the ban is named."""
    reading = Reading("SMTP:25", Verdict.FAIL, Fault.DROPPED, words("closed at once"))
    for listens, said, cure in (
        (False, "SMTP:25 fails (refused): nothing listens on it inside", "runs and listens there"),
        (True, "SMTP:25 fails (dropped): closed at once", "banned this host's address"),
    ):
        target = replace(RUNNING, listens={25: listens})
        (finding,) = services.examine(case(readings=(reading,), target=target))
        assert finding.sentence.startswith(said)
        assert cure in finding.cure


def test_what_could_not_be_looked_at_is_a_problem(case: MakeCase) -> None:
    """A watcher that cannot look is no watcher."""
    blind = Reading("SMTP:25", Verdict.UNMEASURED, detail=words("no route"))
    assert _levels(services.examine(case(readings=(blind,)))) == [Grade.PROBLEM]


@pytest.mark.parametrize(
    ("days", "level"), [(60, Grade.OK), (5, Grade.WARNING), (-1, Grade.PROBLEM)]
)
def test_certificates_by_what_is_left_of_them(days: int, level: Grade, case: MakeCase) -> None:
    """Soon is what the admin's days say, and services that share one share a finding."""
    until = time.time() + days * 86_400 + 3600
    readings = tuple(
        Reading(name, Verdict.PASS, certificate_expires=until) for name in ("A:1", "B:2")
    )
    findings = list(services.examine_certificates(case(readings=readings)))
    assert _levels(findings) == [level]
    assert "A:1 and B:2" in findings[0].sentence


def test_a_certificate_that_never_expires(case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the year 9999 (RFC 5280 section 4.1.2.5) is no local time east of Greenwich."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        seen = Reading("A:1", Verdict.PASS, certificate_expires=253_402_300_799.0)
        (finding,) = services.examine_certificates(case(readings=(seen,)))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "on 9999-12-31 23:59:59." in finding.sentence


# --- Docker -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "level"),
    [
        (RUNNING, Grade.OK),
        (TargetState(Condition.RUNNING, words("Docker calls it unhealthy.")), Grade.WARNING),
        (TargetState(Condition.STOPPED, words("Somebody stopped it: start it.")), Grade.WARNING),
        (TargetState(Condition.CRASHED, words("It ended: see why.")), Grade.WARNING),
        (TargetState(Condition.MISSING, words("There is none: correct the name.")), Grade.PROBLEM),
        (TargetState(Condition.DENIED, words("Not allowed: allow it.")), Grade.PROBLEM),
    ],
)
def test_the_container_by_its_condition(target: TargetState, level: Grade, case: MakeCase) -> None:
    """One that is missing cannot be restarted; one that is stopped will not be."""
    assert _levels([docker_doctor.container("stalwart", target)]) == [level]


def test_an_engine_that_cannot_be_asked_is_told_once(
    case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the container does not repeat what that of the engine has said."""
    path = str(tmp_path / "absent")
    access, engine = docker_doctor.examine(path, "stalwart", 30, case(unit=None, account=ROOT))
    assert (access.check, engine.check) == ("socket", "engine")
    assert _levels([engine]) == [Grade.PROBLEM]
    monkeypatch.delitem(sys.modules, "mailwatch.docker.transport", raising=False)
    monkeypatch.setitem(sys.modules, "docker", None)
    _, engine = docker_doctor.examine(path, "stalwart", 30, case(unit=None, account=ROOT))
    assert _levels([engine]) == [Grade.PROBLEM]
    assert "python3-docker" in engine.sentence


@pytest.mark.parametrize(
    ("record", "listed", "levels", "words"),
    [
        (_published(p25="0.0.0.0"), "SMTP:25", "ok ok", "allow-list"),
        (_published(p25="127.0.0.1"), "SMTP:25", "ok ok", "172.17.0.1"),
        (_published(p25="192.0.2.1"), "SMTP:25", "warning ok", "at 192.0.2.1 only"),
        (_published(p25=""), "SMTP:25,Web:8080", "warning ok", "does not publish port 8080"),
        (_published(p25="", p993="", p9=""), "SMTP:25", "ok warning ok", "port 993 (IMAPS)"),
        ({"HostConfig": {"NetworkMode": "host"}}, "SMTP:25", "ok", "as 127.0.0.1"),
    ],
)
def test_published_against_asked_ports(
    record: dict[str, Any], listed: str, levels: str, words: str, case: MakeCase
) -> None:
    """What is asked elsewhere, asked and not published, published and not watched."""
    findings = list(docker_doctor.ports("stalwart", record, case({"services": listed})))
    assert _levels(findings) == levels.split()
    assert any(words in finding.sentence for finding in findings)


CANARY = """
[[services]]
name = "Canary"
probe = "canary"
port = 25
user = "anna"
password_file = "{password}"
sender = "a@example.test"
recipient = "a@example.test"
"""


@pytest.mark.parametrize(
    ("record", "levels"),
    [
        (_published(p25="", p993=""), "ok ok"),
        (_published(p25=""), "warning ok"),
    ],
)
def test_a_canarys_mailbox_is_asked_too(
    record: dict[str, Any], levels: str, case: MakeCase, tmp_path: Path
) -> None:
    """It is watched by the canary alone, and must be published as the port of a service."""
    file = tmp_path / "mailwatch.toml"
    (tmp_path / "password").write_text("secret")
    file.write_text(CANARY.format(password=tmp_path / "password"))
    config = load(file, {"state.directory": str(tmp_path)}, {})
    found = docker_doctor.ports("stalwart", record, case(config=config))
    assert _levels(found) == levels.split()


@pytest.fixture
def engine_socket(tmp_path: Path) -> Iterable[Path]:
    """A socket of root's that others may not use."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        yield path


@pytest.mark.parametrize(
    ("account", "level"),
    [
        (ROOT, Grade.OK),
        (STRANGER, Grade.PROBLEM),
        (Account("gone", -1, frozenset(), exists=False), Grade.PROBLEM),
    ],
)
def test_the_socket_by_who_the_service_is(
    account: Account, level: Grade, case: MakeCase, engine_socket: Path
) -> None:
    """Not by who runs the doctor, which is root."""
    there = case(account=account, unit=None)
    assert _levels([docker_doctor.socket_access(str(engine_socket), there)]) == [level]


def test_a_socket_that_the_unit_hides(
    case: MakeCase, engine_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ProtectHome=yes hides what rootless Docker has below /run/user, whoever may use it."""
    monkeypatch.setattr(docker_doctor, "HIDDEN", (str(engine_socket.parent),))
    for protects, level in (("yes", Grade.PROBLEM), ("no", Grade.OK)):
        unit = Unit({**HEALTHY, "ProtectHome": protects})
        there = case(account=ROOT, unit=unit)
        assert _levels([docker_doctor.socket_access(str(engine_socket), there)]) == [level]


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_what_is_no_socket(kind: str, case: MakeCase, tmp_path: Path) -> None:
    """Nothing there, or something else, is told as that."""
    path = tmp_path / "docker.sock"
    if kind == "file":
        path.touch()
    there = case(account=ROOT, unit=None)
    assert _levels([docker_doctor.socket_access(str(path), there)]) == [Grade.PROBLEM]


# --- the service --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "levels"),
    [
        ({}, "ok ok"),
        ({"ActiveState": "inactive"}, "warning ok"),
        ({"ActiveState": "failed", "Result": "exit-code"}, "problem ok"),
        ({"UnitFileState": "disabled"}, "ok warning ok"),
        ({"NRestarts": "7"}, "ok warning ok"),
        ({"WatchdogUSec": "0"}, "ok warning"),
        ({"WatchdogUSec": "9s"}, "ok warning"),
        ({"WatchdogUSec": "infinity"}, "ok warning"),
    ],
)
def test_the_unit_by_its_properties(
    properties: dict[str, str], levels: str, case: MakeCase
) -> None:
    """What does not run, start with the host or stay up, and a watchdog in a hurry, are found."""
    unit = Unit({**HEALTHY, **properties})
    assert _levels(service.examine(case(unit=unit))) == levels.split()


def test_without_systemd_nobody_watches(case: MakeCase) -> None:
    """That is worth a warning, and no more."""
    assert _levels(service.examine(case(unit=None))) == [Grade.WARNING]


@pytest.mark.parametrize(
    ("span", "value"),
    [
        ("1min 30s", 90.0),
        ("0", 0.0),
        ("500ms", 0.5),
        ("1h 1us", 3600.000001),
        ("infinity", 0.0),
        ("", 0.0),
        ("2d 3h", 183_600.0),
        ("12.5s", 12.5),
    ],
)
def test_a_span_as_systemd_prints_it(span: str, value: float) -> None:
    """In seconds, and 0 for none."""
    assert seconds(span) == pytest.approx(value)


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ("[Service]\nWatchdogSec=90\n", 90.0),
        ("WatchdogSec=90\n# WatchdogSec=5\n[Service]\nWatchdogSec = 1min 30s\n", 90.0),
        ("WatchdogSec=90\nWatchdogSec=0\n", 0.0),
        ("WatchdogSec=90\nWatchdogSec=\n", 0.0),
        ("[Service]\nType=notify\n", 0.0),
    ],
)
def test_the_watchdog_of_a_unit_that_was_not_started(files: str, value: float) -> None:
    """systemd does not tell it then, but its files do: the last line counts."""
    assert seconds(_last_watchdog(files)) == value


# --- the rest -----------------------------------------------------------------------------


def test_a_warning_of_the_configuration_is_one_here(case: MakeCase) -> None:
    """What `config check` warns of stands among the findings."""
    flags = {"gotify.url": "http://gotify.example.com", "gotify.token": "AxToken"}
    findings = list(configuration.examine(case(flags)))
    assert [finding.grade for finding in findings] == [Grade.OK, Grade.WARNING, Grade.WARNING]
    assert "AxToken" not in str(findings)


def test_no_gotify_is_a_warning(case: MakeCase) -> None:
    """For then nobody's phone rings."""
    assert _levels(channels.examine(case())) == [Grade.WARNING]


def test_a_token_that_only_the_service_can_read_is_told_with_the_way_to_it(case: MakeCase) -> None:
    """Whoever lacks a right learns which."""
    there = case()
    why = "only the service can read the Gotify token, credential gotify-token; run it with sudo"
    there.config = replace(there.config, channels=(Channel("gotify", "gotify", None, why),))
    (finding,) = channels.examine(there)
    assert _levels([finding]) == [Grade.WARNING]
    assert finding.cure.endswith("; run it with sudo.")


def test_a_gotify_that_is_away_is_a_problem(case: MakeCase) -> None:
    """With the sentence that a delivery would have had."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        flags = {"gotify.url": url, "gotify.token": "AxToken"}
        findings = [*channels.examine(case(flags)), *channels.examine(case(flags, send=True))]
    assert _levels(findings) == [Grade.PROBLEM] * 2


@pytest.mark.parametrize(
    ("account", "levels"), [(ROOT, "ok ok"), (STRANGER, "problem ok")], ids=["may", "may not"]
)
def test_the_state_directory_by_who_the_service_is(
    account: Account, levels: str, case: MakeCase, tmp_path: Path
) -> None:
    """A directory that the service may not write to means that it forgets."""
    tmp_path.chmod(0o700)
    assert _levels(files.examine_state(case(account=account))) == levels.split()


def test_a_full_disk_is_a_warning(
    case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than the least is told with how much it is."""
    monkeypatch.setattr(files, "LEAST_FREE", os.statvfs(tmp_path).f_blocks * 2**20)
    assert _levels(files.examine_state(case(account=ROOT))) == [Grade.OK, Grade.WARNING]


def test_a_state_directory_that_is_not_there(case: MakeCase, tmp_path: Path) -> None:
    """systemd makes the usual one; another must be made by the admin."""
    flags = {"state.directory": str(tmp_path / "absent")}
    assert _levels(files.examine_state(case(flags, account=ROOT))) == [Grade.PROBLEM]


def test_the_clock_is_judged_by_the_kernel(case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Synchronised, not, or unknown; and a time before this program is wrong whatever it says."""
    for known, level in ((True, Grade.OK), (False, Grade.WARNING), (None, Grade.WARNING)):
        monkeypatch.setattr(clock, "is_synchronised", lambda known=known: known)
        assert _levels(clock.examine(case())) == [level]
    monkeypatch.setattr(clock, "WRITTEN", time.time() + 3600)
    assert _levels(clock.examine(case())) == [Grade.PROBLEM]


def test_the_kernel_answers_about_its_clock() -> None:
    """adjtimex(2) may be asked by anybody and changes nothing."""
    before = time.time()
    assert is_synchronised() in (True, False)
    assert abs(time.time() - before) < 60


def test_a_bug_in_one_check_hides_no_other(case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as what it is, without the text of the exception, and the rest goes on."""

    def broken(_case: Case) -> list[Diagnosis]:
        raise KeyError("secret")

    table = (("first", broken), ("second", lambda _case: [ok("Fine.")]))
    monkeypatch.setattr(checks, "CHECKS", table)
    (one, bug), (two, fine) = checks.examine(case())
    assert (one, bug.grade, two, fine.grade) == ("first", Grade.PROBLEM, "second", Grade.OK)
    assert "secret" not in bug.sentence
