"""Whether the end-to-end tests can run here, and the Debian packages that they need."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
SWITCH = "MAILWATCH_E2E"
REQUIRE, AUTO, OFF = "require", "auto", "off"

# The tool that shows that a package is there, and the package.
_TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "setpriv": "util-linux",
}


def switch() -> str:
    """Return what MAILWATCH_E2E says: require, auto or off."""
    said = os.environ.get(SWITCH, AUTO)
    if said not in (REQUIRE, AUTO, OFF):
        raise ValueError(f'{SWITCH} is "{said}": set it to {REQUIRE}, {AUTO} or {OFF}.')
    return said


def obstacle() -> str:
    """Return one sentence on why the end-to-end tests cannot run here, empty where they can."""
    if switch() == OFF:
        return f"The end-to-end tests are left out because {SWITCH}={OFF} asks for that."
    if os.geteuid() != 0:
        return "The end-to-end tests need root: run `sudo make test`."
    if shutil.which("apt-get") is None:
        return "The end-to-end tests need Debian's apt-get, which is not here."
    missing = _missing()
    if missing and SWITCH not in os.environ:
        return f"The end-to-end tests need {' and '.join(missing)}: `make test` installs that."
    return ""


def install() -> None:
    """Install the Debian packages that are missing; as root, and only where a run asks for it."""
    if missing := _missing():
        subprocess.run([TOP / ".ci" / "apt", *missing], check=True, stdin=subprocess.DEVNULL)


def _missing() -> list[str]:
    return sorted(package for tool, package in _TOOLS.items() if shutil.which(tool) is None)
