"""The service's credentials, as a person's command finds them: where the unit has them from."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path

from mailwatch.config.secrets import OwnCredentials
from mailwatch.notifiers.catalogue import shipped_credentials

UNIT = "mailwatch.service"
GIVEN = Path("/run/credentials")
"""Where systemd keeps the credentials of the services that run."""

STORES = (Path("/etc/credstore"), Path("/run/credstore"), Path("/usr/lib/credstore"))
"""Where LoadCredential= without a path looks."""

_PATIENCE_S = 10
_PROPERTIES = (
    "LoadCredential", "LoadCredentialEncrypted", "SetCredential", "SetCredentialEncrypted",
)  # fmt: skip
"""The first lists what is loaded from a file, the others what only systemd can open."""


class UnitCredentials(OwnCredentials):
    """Those that this process was given, else those of the unit: systemd.exec(5), CREDENTIALS."""

    def find(self, name: str) -> Path | None:
        """Return a file that holds `name` and that the caller may read, None where there is none.

        That is the one which the running service has, or the one that it would be loaded from.
        """
        own = super().find(name)
        if own is not None:
            return own
        places = (GIVEN / UNIT / name, *self._sources(name))
        return next((path for path in places if _is_readable(path)), None)

    def elsewhere(self, name: str) -> str:
        """Return how to read what the unit gives to the service and the caller may not read."""
        is_root = os.geteuid() == 0
        if name in self._unit[1]:
            return "run it with sudo while the service runs"
        if not is_root and any(_may_be_there(path) for path in self._sources(name)):
            return "run it with sudo"
        return ""

    def _sources(self, name: str) -> tuple[Path, ...]:
        source = self._unit[0].get(name)
        if source is None:
            return ()
        return (Path(source),) if source.startswith("/") else tuple(one / source for one in STORES)

    @cached_property
    def _unit(self) -> tuple[dict[str, str], frozenset[str]]:
        """The credentials that are loaded from a file, with it or its name, and the sealed ones."""
        loaded, *sealed = _read_properties()
        return dict(loaded), frozenset(row[0] for rows in sealed for row in rows)


def _read_properties() -> list[list[list[str]]]:
    """Return what each of _PROPERTIES lists; without systemd, what the package's unit loads.

    systemctl(1) cannot print them before version 254, so busctl(1) does.
    """
    import subprocess  # the service itself has its credentials and does not ask

    unit = "/org/freedesktop/systemd1/unit/mailwatch_2eservice"
    bus = "org.freedesktop.systemd1"
    try:
        said = subprocess.run(  # noqa: S603  the words are our own
            ["busctl", "--json=short", "get-property", bus, unit, f"{bus}.Service", *_PROPERTIES],  # noqa: S607  wherever this system has it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=True,
        ).stdout
        lists = [json.loads(line)["data"] for line in said.splitlines()]
    except (OSError, subprocess.SubprocessError, ValueError):
        lists = []
    return lists or [[[name, name] for name in shipped_credentials()]]


def _is_readable(path: Path) -> bool:
    # Path.is_file() raises where we may not look.
    return os.path.isfile(path) and os.access(path, os.R_OK, effective_ids=True)


def _may_be_there(path: Path) -> bool:
    """Whether `path` exists, or is where we may not look."""
    try:
        path.lstat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True
