"""Which secrets a command wants of the configuration, and where systemd's credentials are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Credentials(Protocol):
    """The service's credentials (systemd.exec(5), CREDENTIALS), as far as they can be read here."""

    def find(self, name: str) -> Path | None:
        """Return the file that holds the credential `name`, None where it is not to be had here."""
        ...

    def elsewhere(self, name: str) -> str:
        """Return what to do to read `name` where the service alone has it, empty where it has not.

        The text goes on after a semicolon: `run this as root`.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnCredentials:
    """Those that systemd has given to this process."""

    environ: Mapping[str, str]

    def find(self, name: str) -> Path | None:
        """Return the file below $CREDENTIALS_DIRECTORY, None where there is none."""
        directory = self.environ.get("CREDENTIALS_DIRECTORY", "")
        if not directory:
            return None
        path = Path(directory, name)
        try:
            path.lstat()
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            pass  # whoever reads it says why that is not possible
        return path

    def elsewhere(self, name: str) -> str:
        """Return nothing: who runs as the service has all that there is."""
        return ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is to be read of the secrets that the configuration names.

    One that is not wanted is left closed, so that it may be missing, or somebody else's.
    """

    credentials: Credentials
    token: bool = True
    passwords: bool = True
