"""The Gotify token, from the file, a file of its own, the environment, or systemd's credentials."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from mailwatch.config import values
from mailwatch.config.credentials import Credentials, Secrets
from mailwatch.config.files import Missing, Unreadable, read_file
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable

CREDENTIAL = "gotify-token"
"""The name under which the unit may load the token: LoadCredential=gotify-token:PATH."""

_LONGEST_TOKEN_FILE = 4096
_UNWANTED = "the Gotify token was not wanted"
_STRENGTH = tuple(Source)


@dataclass(frozen=True, slots=True)
class Token:
    """The token, None where there is none; `withheld` says why it could not be read here."""

    secret: Secret | None
    withheld: str = ""


def find_token(chosen: dict[str, Setting], secrets: Secrets, problems: Problems) -> Token:
    """Return the token, from wherever it is, and enter it into `chosen` with its origin.

    `token` and `token_file` replace each other: the stronger source wins, and both in one source
    are a mistake. Where neither is given, a systemd credential counts (systemd.exec(5)).
    """
    token, file = chosen["gotify.token"], chosen["gotify.token_file"]
    if isinstance(token.value, Secret) and file.value is not None:
        if token.origin.source is file.origin.source:
            problems.mistake(
                token.origin,
                "gotify.token",
                "gotify.token and gotify.token_file are both set; keep one of them",
            )
            return Token(token.value)
        if _STRENGTH.index(token.origin.source) < _STRENGTH.index(file.origin.source):
            chosen["gotify.token_file"] = file = Setting(None, token.origin)
    if isinstance(file.value, Path):
        if not secrets.token:
            return Token(None, _UNWANTED)
        secret = _read_token(file.value, file.origin, "gotify.token_file", problems)
        if secret is not None:
            chosen["gotify.token"] = Setting(
                secret, Origin(Source.FILE, printable(str(file.value)))
            )
        return Token(secret)
    if isinstance(token.value, Secret):
        if token.origin.source is Source.FLAG:
            problems.warn(
                "the command line holds the Gotify token, which `ps` shows to everyone on this "
                "host; put it into gotify.token_file"
            )
        return Token(token.value)
    if not secrets.token:
        return Token(None, _UNWANTED)
    return _from_credential(chosen, secrets.credentials, problems)


def _from_credential(
    chosen: dict[str, Setting], credentials: Credentials, problems: Problems
) -> Token:
    if not problems.sound("gotify.token"):
        return Token(None)
    origin = Origin(Source.CREDENTIAL, CREDENTIAL)
    if path := credentials.find(CREDENTIAL):
        secret = _read_token(path, origin, "gotify.token", problems)
        if secret is not None:
            chosen["gotify.token"] = Setting(secret, origin)
        return Token(secret)
    if cure := credentials.elsewhere(CREDENTIAL):
        withheld = f"only the service can read the Gotify token, credential {CREDENTIAL}; {cure}"
        problems.warn(f"{withheld} to check it")
        return Token(None, withheld)
    return Token(None)


def _read_token(path: Path, origin: Origin, dotted: str, problems: Problems) -> Secret | None:
    """Return the token that the file `path` holds."""
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST_TOKEN_FILE)
        secret = values.secret(content.decode("ascii", "replace").strip())
    except Missing:
        problems.mistake(
            origin,
            dotted,
            f"{dotted}: {shown} does not exist; put the token there, and nothing else",
        )
        return None
    except (Unreadable, values.Wrong) as reason:
        problems.mistake(origin, dotted, f"{dotted}: {shown} {reason}")
        return None
    if mode & stat.S_IROTH:
        problems.warn(
            f"{shown} holds the Gotify token and everyone on this host may read it; "
            f"run: chmod o= {shown}"
        )
    return secret
