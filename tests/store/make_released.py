"""Makes the dumps in `released/`, by running the code of a release in each stage of an incident.

    git worktree add --detach /tmp/released fa3609f
    cd /tmp/released && PYTHONPATH=. python .../tests/store/make_released.py 0.1.0 .../tests/store/released

It drives the release's own engine with its own test double of everything around that (`House`),
on the release's own `SqliteStore`, and dumps the state file as a process leaves it that is killed.
0.1.0 is fa3609f, 0.2.0 is c45455e, 0.3.0 is 4ddbaec, and 0.4.0 is
8242f63. What was dumped once stays as it is for ever.
"""  # fmt: skip  # noqa: E501

from __future__ import annotations

import importlib
import importlib.util
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

IN_HOUSE = importlib.util.find_spec("tests.house") is not None
"""Whether the release keeps its test double in a file of its own."""

houses: Any = importlib.import_module("tests.house" if IN_HOUSE else "tests.test_tick")
model: Any = importlib.import_module("mailwatch.core.model")
policies: Any = importlib.import_module("mailwatch.core.policy")
errors: Any = importlib.import_module("mailwatch.notifiers.errors")
stores: Any = importlib.import_module("mailwatch.store.sqlite")

DAY_S = 86_400.0
SERVICES = {"SMTP:25": "one", "IMAPS:993": "two", "POP3S:995": "three"}


class Killed(BaseException):
    """Ends the process in the middle of what it does."""


class DeadlyContainer(houses.ScriptedContainer):  # type: ignore[misc]
    """A container in whose restart mailwatch is killed."""

    def restart(self, *_args: object) -> None:
        raise Killed


def speak() -> None:
    """Teach the release the words that its restarter brings."""
    if importlib.util.find_spec("mailwatch.core.catalogue") is not None:
        catalogue: Any = importlib.import_module("mailwatch.restarters.catalogue")
        catalogue.RESTARTERS.load(catalogue.USUAL)


def worded(text: str) -> Any:
    """Return `text` as what a release keeps of somebody's words."""
    if importlib.util.find_spec("mailwatch.core.facts") is None:
        return text
    return importlib.import_module("mailwatch.core.facts").words(text)


def built(directory: Path, policy: Any, deadly: bool = False) -> Any:
    """Return a house of the release on a state file in `directory`, with a phone that is dead."""
    name = "MemoryStore" if hasattr(houses, "MemoryStore") else "Store"
    setattr(houses, name, lambda: stores.SqliteStore(directory, print, boot="released"))
    house = houses.House(policy)
    if deadly:
        house.container.__class__ = DeadlyContainer  # the one that the target holds already
    why = "The server does not answer."
    try:
        house.phone.error = errors.DeliveryError(why)
    except AttributeError:  # since 0.4.0 it carries a fact
        house.phone.error = errors.DeliveryError(worded(why))
    if hasattr(house, "monitor"):
        house.parts = replace(house.parts, settings=SERVICES)
        house.monitor = houses.Monitor(house.parts)
    elif hasattr(house.parts, "settings"):
        house.parts = replace(house.parts, settings=SERVICES)
        house.engine = houses.Engine(house.parts)
    return house


def begun(house: Any) -> int:
    """Return how many rounds were begun."""
    return len((house.prober if hasattr(house, "prober") else house.asker).begun)


def stage_of(house: Any) -> str:
    """Return the stage in which its machine stands."""
    machine = house.monitor if hasattr(house, "monitor") else house.engine
    return str(machine.state.stage.value)


def readings(house: Any, *, well: bool) -> list[Any]:
    """Return a round: SMTP well or not, a certificate that soon expires, one not measured."""
    expires = house.now.wall + 5 * DAY_S
    smtp = houses.good() if well else houses.bad()
    imaps = replace(houses.good("IMAPS:993"), certificate_expires=expires)
    return [smtp, imaps, houses.blind("POP3S:995")]


def end_round(house: Any, *, well: bool) -> None:
    """Let time pass until a round begins, if none is under way, and end it."""
    if begun(house) == house.rounds:
        pass_until(house, lambda: begun(house) > house.rounds)
    house.rounds = begun(house)
    house.end_round(*readings(house, well=well))
    drain(house)


def pass_until(house: Any, condition: Callable[[], bool]) -> None:
    """Let time pass, a second at a time, until `condition` holds."""
    for _ in range(2000):
        if condition():
            return
        house.pass_time(1)
        drain(house)
    raise AssertionError("it never came")


def drain(house: Any) -> None:
    """Take what the threads have reported, each of which was done when it was started."""
    while True:
        try:
            queue = house.events if hasattr(house, "events") else house.mailbox
            report = queue.get(timeout=0.0)
        except Exception:  # noqa: BLE001  # the queue of each release has one of its own
            return
        house.take(report)


def is_in(house: Any, *stages: str) -> Callable[[], bool]:
    """Return whether the engine stands in one of `stages`."""
    return lambda: stage_of(house) in stages


def began(directory: Path, *, deadly: bool = False, **policy: Any) -> Any:
    """Return a house that has been well for half an hour."""
    house = built(directory, policies.Policy(**policy), deadly)
    house.rounds = 0
    house.start()
    for _ in range(10):
        end_round(house, well=True)
    return house


def pause(house: Any) -> None:
    """Pause for an hour, as the release does it: since 0.4.0 the loop is asked."""
    until = model.Now(house.seconds + 3600, house.now.wall + 3600)
    if hasattr(house.monitor, "pause"):
        house.monitor.pause(until, house.now)
    else:
        house.store.pause(until)


def healthy(directory: Path) -> Any:
    """All is well again after a restart, while nothing could be told and the admin pauses."""
    house = verifying(directory)
    end_round(house, well=True)
    assert is_in(house, "healthy")()
    end_round(house, well=True)
    pause(house)
    return house


def confirming(directory: Path) -> Any:
    """A service fails, and has to fail for ten minutes to be an incident."""
    house = began(directory, min_failure_s=600)
    end_round(house, well=False)
    return house


def down(directory: Path) -> Any:
    """It fails again soon after it was restarted: the next restart has to wait."""
    house = verifying(directory)
    end_round(house, well=True)
    end_round(house, well=False)
    pass_until(house, is_in(house, "down"))
    return house


def held(directory: Path) -> Any:
    """Somebody stopped the container."""
    house = began(directory)
    house.container.state = model.TargetState(
        model.Condition.STOPPED, worded("It was stopped."), started_at=1000.0, finished_at=2000.0
    )
    end_round(house, well=False)
    pass_until(house, is_in(house, "down"))
    return house


def paused(directory: Path) -> Any:
    """It fails while the admin has paused mailwatch."""
    house = began(directory)
    pause(house)
    end_round(house, well=False)
    return house


def restarting(directory: Path) -> Any:
    """The engine has been asked for a restart, and has not answered."""
    house = began(directory, deadly=True)
    with suppress(Killed):
        end_round(house, well=False)
    return house


def settling(directory: Path) -> Any:
    """The container was restarted, and the services get their time to come up."""
    house = began(directory)
    end_round(house, well=False)
    pass_until(house, is_in(house, "settling"))
    return house


def verifying(directory: Path) -> Any:
    """The container was restarted, and one look has found it down still."""
    house = settling(directory)
    pass_until(house, is_in(house, "verifying"))
    end_round(house, well=False)
    return house


def escalated(directory: Path) -> Any:
    """The restart did not help, and a person was called."""
    house = verifying(directory)
    while not is_in(house, "escalated")():
        end_round(house, well=False)
    return house


STAGES = {
    "healthy": healthy, "confirming": confirming, "down": down, "held": held, "paused": paused,
    "restarting": restarting, "settling": settling, "verifying": verifying, "escalated": escalated,
}  # fmt: skip


def dump(path: Path, title: str) -> str:
    """Return the state file at `path` as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        named = [
            f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        # What stands for infinity in a dump is no SQL.
        rows = (line.replace(",-Inf,", ",-9e999,") for line in connection.iterdump())
        return "\n".join([f"-- {title}", *named, *rows, ""])


def main(version: str, to: Path) -> None:
    """Write one dump a stage."""
    speak()
    for name, reach in STAGES.items():
        with tempfile.TemporaryDirectory() as place:
            house = reach(Path(place))
            stage = stage_of(house)
            assert stage == {"held": "down", "paused": "confirming"}.get(name, name), stage
            title = f"mailwatch {version}: {(reach.__doc__ or '').strip()}"
            text = dump(Path(place) / "mailwatch.db", title)
        (to / f"{version}-{name}.sql").write_text(text)


if __name__ == "__main__":
    threading.Thread.start = threading.Thread.run  # type: ignore[method-assign]
    threading.Thread.join = lambda *_: None  # type: ignore[method-assign]
    main(sys.argv[1], Path(sys.argv[2]))
