"""Whether the service, not whoever runs this, may open the files that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailwatch.config.model import Source
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.host.account import READ

_NAMED_BY = "_file"
"""How the keys end that name a file to read."""

_HIDDEN = {
    "ProtectHome": ("/home", "/root", "/run/user"),
    "PrivateTmp": ("/tmp", "/var/tmp"),  # noqa: S108  compared with, nothing is put there
}
"""Properties of a unit that hide trees from its service (systemd.exec(5))."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each file that the service may not open, or one for all that it may."""
    if case.unit is None or not case.account.exists:
        return  # who asks is who would run it, or another check has told
    troubles = [one for path in _files(case) for one in _read(case, path)]
    yield from troubles
    if not troubles:
        yield ok(f"User {printable(case.account.name)} may read every file that is configured.")


def _files(case: Case) -> list[Path]:
    settings = case.config.settings
    named = [
        setting.value
        for key, setting in settings.items()
        if key.endswith(_NAMED_BY) and isinstance(setting.value, Path)
    ]
    origins = (setting.origin for setting in settings.values())
    own = [Path(origin.name) for origin in origins if origin.source is Source.FILE]
    return list(dict.fromkeys([*own, *named]))


def _read(case: Case, path: Path) -> Iterator[Diagnosis]:
    shown, name = printable(str(path)), printable(case.account.name)
    unit = case.unit
    for switch, trees in _HIDDEN.items():
        if unit and unit[switch] == "yes" and any(path.is_relative_to(tree) for tree in trees):
            yield problem(
                f"The unit hides {shown} from the service ({switch}=yes).",
                "Move it to /etc, and correct the configuration.",
            )
            return
    try:
        allowed = case.account.may(path, READ)
    except OSError:
        return  # gone since it was read
    if allowed is None:
        yield warning(f"Whether user {name} may read {shown} is hidden.", "Run this as root.")
    elif not allowed:
        yield problem(
            f"User {name} may not read {shown}, so the service does not start.",
            f"Run `chgrp {name} {shown}; chmod g+r {shown}`, and let it enter every directory "
            "above.",
        )
