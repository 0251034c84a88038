"""Secrets, wherever they are: in the file, in one of their own, or in a credential of systemd's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_IROTH

from mailwatch.config import values
from mailwatch.config.files import Missing, UnreadableFile, read_file
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.config.tables import Table
from mailwatch.core.facts import fact
from mailwatch.core.keys import Key
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.net.endpoint import Login

_LONGEST = 4096


class OwnCredentials:
    """The service's credentials (systemd.exec(5), CREDENTIALS) that this process was given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._directory = environ.get("CREDENTIALS_DIRECTORY", "")

    def find(self, name: str) -> Path | None:
        """Return the file that holds the credential `name`, None where it is not to be had here."""
        path = Path(self._directory, name)
        return path if self._directory and os.path.lexists(path) else None

    def elsewhere(self, name: str) -> str:
        """Return what to do to read `name` where the service alone has it, empty where it has not.

        The text goes on after a semicolon: `run it with sudo`. Who runs as the service has all.
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


def find_secret(table: Table, key: Key, credential: str, secrets: Secrets) -> str:
    """Put the secret `key` of a channel into force, from wherever it is.

    Where neither it nor its file is given, the credential of that name counts. Return why it could
    not be read here, empty where it could, or is nowhere.
    """
    problems, beside, dotted = table.problems, f"{key.name}_file", key.dotted
    given, file = table.settings[key.name], table.settings[beside]
    if given.value is not None:
        if given.origin.source is Source.FLAG:
            risk = f"the command line holds the {key.label}, which `ps` shows to everyone"
            problems.warn(f"{risk} on this host; put it into {dotted}_file")
        return ""
    if not secrets.token:
        return f"the {key.label} was not wanted"
    if isinstance(file.value, Path):
        path, dotted, place = file.value, f"{dotted}_file", file.origin
        origin = Origin.of_file(path)
    elif not problems.sound(dotted):
        return ""
    elif found := secrets.credentials.find(credential):
        path, place = found, Origin(Source.CREDENTIAL, credential)
        origin = place
    elif cure := secrets.credentials.elsewhere(credential):
        why = f"only the service can read the {key.label}, credential {credential}; {cure}"
        problems.warn(f"{why} to check it")
        return why
    else:
        return ""

    def token(content: bytes) -> Secret:
        return values.secret(key, content.decode("ascii", "replace").strip())

    read = _read(path, token, dotted, place, key.label, problems)
    table.settings[key.name] = Setting(read, origin)
    return ""


def read_login(table: Table, secrets: Secrets) -> Login | None:
    """Return the login that a service has, None where it has none or a wrong one."""
    at, problems = table.at, table.problems
    user = table.value("user")
    places = [name for name in ("password_file", "password_credential") if table.given(name)]
    if not user or not places:
        told = places[0] if places else "user"
        missing = "user" if places else "password_file or password_credential"
        if (user or places) and problems.sound(f"{at}.user", f"{at}.password_"):
            sentence = f"{at}.{told} is set, but {missing} is not; add it, or remove {told}"
            table.mistake(missing.partition(" ")[0], sentence)
        return None
    if not secrets.passwords:
        return Login(user, Secret(""), withheld=fact("password-not-wanted"))
    name, dotted = table.value(places[0]), f"{at}.{places[0]}"
    path = name if places[0] == "password_file" else secrets.credentials.find(name)
    if path is not None:
        password = _read(path, _password, dotted, table.origin, "password", problems)
        return None if password is None else Login(user, password)
    if cure := secrets.credentials.elsewhere(name):
        problems.warn(f"{dotted}: only the service can read credential {name}; {cure} to check it")
        withheld = fact("password-out-of-reach", credential=name, cure=cure)
        return Login(user, Secret(""), withheld=withheld)
    # Its name is not shown, as it may be the password itself.
    sentence = (
        f"{dotted} names a credential that the service is not given; put the password into "
        "/etc/credstore/NAME, add LoadCredential=NAME below [Service] in `systemctl edit "
        "mailwatch`, and restart the service"
    )
    table.mistake(places[0], sentence)
    return None


def _read(
    path: Path,
    read: Callable[[bytes], Secret],
    dotted: str,
    origin: Origin,
    label: str,
    problems: Problems,
) -> Secret | None:
    """Return the secret that the file `path` holds, None where it holds none.

    `dotted` is the key that names the file, `origin` where that stands, `label` what it is for.
    """
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST)
        found = read(content)
    except Missing:
        wrong = f"does not exist; put the {label} there, and nothing else"
    except (UnreadableFile, values.Wrong) as reason:
        wrong = str(reason)
    else:
        if mode & S_IROTH:
            problems.warn_exposed(shown, label)
        return found
    problems.mistake(origin, dotted, f"{dotted}: {shown} {wrong}")
    return None


def _password(content: bytes) -> Secret:
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise values.Wrong("is not UTF-8; save it so") from None
    if not text or not text.isprintable():
        raise values.Wrong("must hold the password alone, on one line")
    return Secret(text)
