"""mailwatch as it is installed on the host: its package, its file, its service."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from tests.e2e.bed import inbox
from tests.e2e.bed.host import CommandFailed, Host
from tests.e2e.bed.wait import wait_until

UNIT = "mailwatch.service"
FILE = "/etc/mailwatch.toml"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/bed.conf"
STATE = "/var/lib/mailwatch"

Table = dict[str, object]

QUICK: Mapping[str, Mapping[str, object]] = {
    "gotify": {"url": inbox.URL, "token": inbox.TOKEN, "timeout_s": 2},
    "watch": {"interval_s": 1, "retries": 2, "attempt_timeout_s": 2, "retry_delay_s": 0.2},
    "restart": {
        "stop_timeout_s": 1, "settle_s": 0.5, "attempt_timeout_s": 3, "verify_for_s": 30,
        "verify_every_s": 0.5,
    },
    "evidence": {"wait_s": 15},
}  # fmt: skip
"""The default four services, with a watcher so quick that a hang takes seconds from end to end."""


class Watcher:
    """The installed service, by what an admin does with it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._mark = host.cursor()
        self._shipped = host.read(FILE)

    def configure(self, **sections: Mapping[str, object] | list[Table]) -> None:
        """Write the file: QUICK, changed by `sections`; `services=[...]` replaces the services."""
        document: dict[str, object] = {}
        for name, table in QUICK.items():
            document[name] = copy.deepcopy(dict(table))
        for name, given in sections.items():
            section = document.get(name)
            if isinstance(given, Mapping) and isinstance(section, dict):
                section.update(given)
            else:
                document[name] = given
        self._host.write(FILE, tomli_w.dumps(document))

    def drop_in(self, text: str) -> None:
        """Change the unit as `systemctl edit` does."""
        self._host.run(f"mkdir -p {Path(DROP_IN).parent}")
        self._host.write(DROP_IN, text)
        self._host.run("systemctl daemon-reload")

    def start(self) -> None:
        """Do what the README says: `systemctl enable --now`, which returns when it is READY."""
        code, said = self._host.try_run(f"systemctl enable --now {UNIT}")
        if code != 0:
            raise CommandFailed(f"{said}\nThe journal has:\n{self.journal()}")

    def stop(self) -> None:
        """Stop the service; returns when it has ended."""
        self._host.run(f"systemctl stop {UNIT}")

    def reload(self) -> None:
        """Have the file read anew; returns when the signal is sent, as Type=notify does."""
        self._host.run(f"systemctl reload {UNIT}")

    def journal(self) -> str:
        """Return what the service, and systemd about it, wrote since this watcher was made."""
        return self._host.journal(UNIT, self._mark)

    def wait_for_line(self, text: str, timeout_s: float = 30) -> str:
        """Return the first line of the journal that has `text`, as soon as there is one."""

        def line() -> str:
            return next((one for one in self.journal().splitlines() if text in one), "")

        try:
            return wait_until(line, timeout_s, f"a line with `{text}`")
        except AssertionError as never:
            raise AssertionError(f"{never}; the journal has:\n{self.journal()}") from None

    def wait_for_status(self, text: str, timeout_s: float = 30) -> str:
        """Return the status line of `systemctl status`, as soon as it has `text`."""

        def status() -> str:
            said = self.show("StatusText")
            return said if text in said else ""

        return wait_until(status, timeout_s, f"a status with `{text}`")

    def wait_until_well(self, timeout_s: float = 30) -> None:
        """Wait until the status says that every service answers, and that no incident is open."""

        def is_well() -> bool:
            said = self.show("StatusText")
            found = re.match(r"(\d+) of (\d+) services answer", said)
            return found is not None and found[1] == found[2] and "incident" not in said

        wait_until(is_well, timeout_s, "all services to answer")

    def show(self, name: str) -> str:
        """Return one property of the unit as `systemctl show` gives it."""
        return self._host.show(UNIT, name)

    def failures(self) -> set[str]:
        """Return the services for which the first incident was opened, as the journal has them.

        One that was found well at the beginning of the round in which its server failed is not
        among them.
        """
        before, opens, _ = self.journal().partition(" opens\n")
        found = set(re.findall(r"^(\S+:\d+) fails: ", before, re.MULTILINE))
        assert opens, before
        assert found, before
        return found

    def undelivered(self) -> int:
        """Return how many messages wait to be delivered, or to be known as delivered."""
        found: int = json.loads(self._host.try_run("mailwatch status --json")[1])[
            "undelivered_messages"
        ]
        return found

    @property
    def pid(self) -> int:
        """The service's process on the host, 0 where it does not run."""
        return int(self.show("MainPID"))

    def put_right(self) -> None:
        """Leave the package as it is right after its installation, without any state."""
        self._host.try_run(f"systemctl disable --now {UNIT}")
        self._host.write(FILE, self._shipped)
        self._host.run(f"rm -rf {Path(DROP_IN).parent} {STATE}/*")
        self._host.run(f"systemctl daemon-reload; systemctl reset-failed {UNIT} || true")
