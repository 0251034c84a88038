"""The Gotify token, from the file, a file of its own, the environment, or systemd's credentials."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from mailwatch.config import values
from mailwatch.config.files import Missing, Unreadable, read_file
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.report import Report
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable

CREDENTIAL = "gotify-token"
"""The name under which the unit may load the token: LoadCredential=gotify-token:PATH."""

_LONGEST_TOKEN_FILE = 4096
_STRENGTH = tuple(Source)


def find_token(
    chosen: dict[str, Setting], environ: Mapping[str, str], report: Report
) -> Secret | None:
    """Return the token, from wherever it is, and enter it into `chosen` with its origin.

    `token` and `token_file` replace each other: the stronger source wins, and both in one source
    are a mistake. Where neither is given, a systemd credential counts (systemd.exec(5)).
    """
    token, file = chosen["gotify.token"], chosen["gotify.token_file"]
    if isinstance(token.value, Secret) and file.value is not None:
        if token.origin.source is file.origin.source:
            report.mistake(
                token.origin,
                "gotify.token",
                "gotify.token and gotify.token_file are both set; keep one of them",
            )
            return token.value
        if _STRENGTH.index(token.origin.source) < _STRENGTH.index(file.origin.source):
            chosen["gotify.token_file"] = file = Setting(None, token.origin)
    if isinstance(file.value, Path):
        secret = _read_token(file.value, file.origin, "gotify.token_file", True, report)
        if secret is not None:
            chosen["gotify.token"] = Setting(
                secret, Origin(Source.FILE, printable(str(file.value)))
            )
        return secret
    if isinstance(token.value, Secret):
        if token.origin.source is Source.FLAG:
            report.warn(
                "the command line holds the Gotify token, which `ps` shows to everyone on this "
                "host; put it into gotify.token_file"
            )
        return token.value
    if (directory := environ.get("CREDENTIALS_DIRECTORY", "")) and report.sound("gotify.token"):
        origin = Origin(Source.CREDENTIAL, CREDENTIAL)
        secret = _read_token(Path(directory, CREDENTIAL), origin, "gotify.token", False, report)
        if secret is not None:
            chosen["gotify.token"] = Setting(secret, origin)
        return secret
    return None


def _read_token(
    path: Path, origin: Origin, dotted: str, named: bool, report: Report
) -> Secret | None:
    """Return the token that the file `path` holds; `named` when somebody asked for that file."""
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST_TOKEN_FILE)
        secret = values.secret(content.decode("ascii", "replace").strip())
    except Missing:
        if named:
            report.mistake(
                origin,
                dotted,
                f"{dotted}: {shown} does not exist; put the token there, and nothing else",
            )
        return None
    except (Unreadable, values.Wrong) as reason:
        report.mistake(origin, dotted, f"{dotted}: {shown} {reason}")
        return None
    if mode & stat.S_IROTH:
        report.warn(
            f"{shown} holds the Gotify token and everyone on this host may read it; "
            f"run: chmod o= {shown}"
        )
    return secret
