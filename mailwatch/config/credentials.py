"""Which secrets a command wants of the configuration, and where systemd's credentials are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class OwnCredentials:
    """The service's credentials (systemd.exec(5), CREDENTIALS) that this process was given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._directory = environ.get("CREDENTIALS_DIRECTORY", "")

    def find(self, name: str) -> Path | None:
        """Return the file that holds the credential `name`, None where it is not to be had here."""
        if not self._directory:
            return None
        path = Path(self._directory, name)
        try:
            path.lstat()
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            pass  # whoever reads it says why that is not possible
        return path

    def elsewhere(self, name: str) -> str:
        """Return what to do to read `name` where the service alone has it, empty where it has not.

        The text goes on after a semicolon: `run this as root`. Who runs as the service has all.
        """
        return ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is to be read of the secrets that the configuration names.

    One that is not wanted is left closed, so that it may be missing, or somebody else's.
    """

    credentials: OwnCredentials
    token: bool = True
    passwords: bool = True
