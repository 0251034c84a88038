"""Whether the service, not whoever runs this, may open the files that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailwatch.config.model import Source
from mailwatch.core.text import printable
from mailwatch.doctor.account import READ, WRITE
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem, warning

_NAMED_BY = ("token_file", "password_file", "ca_file")
"""The keys that name a file to read."""

_SHOWQ = Path("/var/spool/postfix/public/showq")
"""Whom postqueue(1) asks; its set-group-ID is lost in the unit (NoNewPrivileges=)."""

_HIDDEN = {
    "ProtectHome": ("/home", "/root", "/run/user"),
    "PrivateTmp": ("/tmp", "/var/tmp"),  # noqa: S108  compared with, nothing is put there
}
"""Properties of a unit that hide trees from its service (systemd.exec(5))."""


def examine(case: Case) -> Iterator[Finding]:
    """Give a finding for each file that the service may not open, or one for all that it may."""
    if case.unit is None or not case.account.exists:
        return  # who asks is who would run it, or another check has told
    troubles = [one for path in _files(case) for one in _read(case, path)]
    yield from troubles
    if not troubles:
        yield ok(f"User {printable(case.account.name)} may read every file that is configured.")
    yield from _queue(case)


def _files(case: Case) -> list[Path]:
    settings = case.config.settings
    named = [
        setting.value
        for key, setting in settings.items()
        if key.rpartition(".")[2] in _NAMED_BY and isinstance(setting.value, Path)
    ]
    origins = (setting.origin for setting in settings.values())
    own = [Path(origin.name) for origin in origins if origin.source is Source.FILE]
    return list(dict.fromkeys([*own, *named]))


def _read(case: Case, path: Path) -> Iterator[Finding]:
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


def _queue(case: Case) -> Iterator[Finding]:
    """Look whether the service may ask Postfix for its queue, where it is to."""
    if not any(one.probe == "postqueue" and not one.command for one in case.config.services):
        return
    try:
        allowed = case.account.may(_SHOWQ, WRITE)
    except OSError:
        return  # no Postfix here, which the check of the services tells
    if allowed is False:
        yield problem(
            f"User {printable(case.account.name)} may not ask Postfix for its queue.",
            "Add the line SupplementaryGroups=postdrop below [Service] in "
            "`systemctl edit mailwatch`, then `systemctl restart mailwatch`.",
        )
