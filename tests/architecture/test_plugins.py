"""A plug-in is one file and one row: five toys, which no other file knows, do all of their work."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from mailwatch.cli.main import main
from mailwatch.config.load import load
from mailwatch.config.model import ConfigError
from mailwatch.core.secret import Secret
from mailwatch.evidence import keeping
from mailwatch.notifiers.catalogue import Channel
from mailwatch.restarters.catalogue import Chosen
from mailwatch.store.views import LAST, Views
from tests.architecture import toy_collector, toy_notifier, toy_probe, toy_restarter, toy_server

PATIENCE_S = 120.0
TOP = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("toys")
def test_each_is_configured_by_keys_of_its_own(file: Path) -> None:
    """Their settings are made of the file; a secret of a file of its own is read like Gotify's."""
    config = load(file, {}, {})
    folder = file.parent
    (service,) = config.services
    assert (service.key, service.probe) == ("TOY:4242", "toy")
    assert service.options == toy_probe.Settings(f"{folder}/spring")
    board = toy_notifier.Settings(Secret("sesame"), f"{folder}/board")
    assert config.channels == (Channel("wall", "toy", board),)
    assert config.secrets == (Secret("sesame"),)
    assert config.restart == Chosen("toy", toy_restarter.Settings(f"{folder}/spring"))
    assert config.evidence.options == {
        "toy": toy_collector.Settings("rain"),
        "toyserver": toy_server.Settings(2),
    }
    assert config.warnings == ()
    environ = {"TOY_SPRING": "/elsewhere"}
    assert load(file, {}, environ).restart.settings.spring == "/elsewhere"


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("spring =", "sprung =", "mailwatch has no key restart.sprung; did you mean restart.spr"),
        (
            "toy_file =",
            "toy_fiel =",
            "mailwatch has no key services[1].toy_fiel; did you mean se",
        ),
        ("toy_file =", "domain =", 'services[1].domain is set, but only probe = "dns" knows it'),
        ("spring =", "container =", 'restart.container is set, but only kind = "docker" knows it'),
        ('kind = "toy"', 'kind = "toi"', 'restart.kind is the text "toi"; did you mean "toy"?'),
        (
            'type = "toy"',
            'type = "toi"',
            'notifiers[1].type is the text "toi"; did you mean "toy"?',
        ),
        ("toy_weather =", "toy_wether =", "mailwatch has no key evidence.toy_wether; did you"),
        ("toy_moons = 2", "toy_moons = 0", "evidence.toy_moons is 0; write a whole number from 1"),
    ],
)
def test_a_mistake_in_a_key_of_theirs_is_one(
    before: str, after: str, sentence: str, file: Path
) -> None:
    """With the sentences that the keys of mailwatch itself have."""
    file.write_text(file.read_text().replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        load(file, {}, {})
    assert caught.value.mistakes[0].sentence.startswith(sentence)
    assert len(caught.value.mistakes) == 1 or " has no " in caught.value.mistakes[1].sentence


@pytest.mark.usefixtures("toys")
def test_each_is_shown_with_its_origin(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`config show` has every key, the secret masked, and `config check` says what would be."""
    assert main(["config", "show", "--config", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    values = {key: one["value"] for key, one in shown.items()}
    folder = file.parent
    assert values["services[1].toy_file"] == f"{folder}/spring"
    assert values["notifiers[1].word"] == "***"
    assert values["notifiers[1].board"] == f"{folder}/board"
    assert values["restart.spring"] == f"{folder}/spring"
    assert (values["evidence.toy_weather"], values["evidence.toy_moons"]) == ("rain", 2)
    assert "restart.container" not in values
    assert main(["config", "check", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert f"restarts toy {folder}/spring and tells the toy board {folder}/board" in told


@pytest.mark.usefixtures("toys")
def test_each_is_in_the_manual_and_the_sample(reference: ModuleType) -> None:
    """Their keys stand there with kind, default and sentence, as soon as they are generated."""
    page = reference.renewed(reference.KEYS_PAGE.read_text(), reference.key_parts())
    for key, sentence in {
        "toy_file": "File that says \\fBup\\fR while all is well.",
        "word": "Word that opens the board.",
        "board": "File on which the toy writes.",
        "spring": "File that is wound up.",
        "toy_weather": "Weather that the toy collector sees.",
        "toy_moons": "Moons that the toy server knows.",
    }.items():
        entry = page.partition(f".B {key}\n")[2].partition("\n.TP\n")[0]
        assert f".br\n{sentence}" in entry, key
        assert f"{key} = " in reference.sample(), key
    services = page.partition(".SH SERVICES")[2].partition("\n.SH ")[0]
    assert ".B toy_file" in services
    assert "\\fBTOY_SPRING\\fR\t" not in page
    assert reference.renewed(page, reference.key_parts()) == page


@pytest.mark.usefixtures("toys")
def test_each_is_examined_by_the_doctor(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What its own check finds stands among the others, and a test message is sent by it."""
    main(["doctor", "--config", str(file), "--send"])
    out = capsys.readouterr().out
    assert f"The toy file of TOY:4242 is {file.parent}/spring." in out
    assert "The toy's spring is running." in out
    assert "wall took a test message" in out
    assert "can reach you" in (file.parent / "board").read_text()
    main(["doctor", "--config", str(file)])
    out = capsys.readouterr().out
    assert f"wall           The toy board {file.parent}/board is there." in out
    assert "A fault of mailwatch" not in out


def test_each_is_used_by_the_running_service(file: Path) -> None:
    """Asked, told, restarted, written down, and its words named as the likely cause."""
    folder = file.parent
    board = folder / "board"
    command = [sys.executable, "-m", "tests.architecture.toys", "run", "--config", str(file)]
    process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: _passed(folder))
        (folder / "spring").write_text("flat")
        wait_for(lambda: board.exists() and "recovered: " in board.read_text())
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert (folder / "spring").read_text() == "up"
    told = board.read_text()
    assert "opened: " in told
    assert "the file spring says that it is flat" in told
    assert "the moon is in aries" in told
    incident = Views(folder).incident(LAST)
    kept = keeping.load(folder, incident.id)["before"]
    assert kept is not None
    assert keeping.findings(kept)["toy"].values == {"weather": "rain"}


def _passed(folder: Path) -> bool:
    try:
        return "TOY:4242" in Views(folder).proven().passed
    except Exception:  # noqa: BLE001  there is no state yet
        return False


def wait_for(condition: object) -> None:
    """Return once `condition` holds; fails after a long while."""
    assert callable(condition)
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
