"""The login of one service: a user, and a password from a file or from systemd's credentials."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailwatch.config.credentials import Secrets
from mailwatch.config.files import UnreadableFile, read_file
from mailwatch.config.model import Origin
from mailwatch.config.problems import Problems, exposed
from mailwatch.core.facts import fact
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.net.endpoint import Login

LOGIN_KEYS = ("user", "password_file", "password_credential")
"""The last two say where the password is; one of them is enough."""

_LONGEST_PASSWORD_FILE = 4096


def read_login(
    at: str,
    row: Mapping[str, Any],
    origin: Origin,
    secrets: Secrets,
    problems: Problems,
) -> Login | None:
    """Return the login that the service `at` has, None where it has none or a wrong one."""
    given = [name for name in LOGIN_KEYS if name in row]
    if not given:
        return None
    places = [name for name in given if name != "user"]
    if len(places) > 1:
        sentence = f"{at}.password_file and {at}.password_credential are both set; keep one of them"
        problems.mistake(origin, f"{at}.password_file", sentence)
        return None
    if len(given) == 1:
        if problems.sound(f"{at}.user", f"{at}.password_"):
            missing = "user" if places else "password_file"
            wanted = "user" if places else "password_file or password_credential"
            sentence = f"{at}.{given[0]} is set, but {wanted} is not; add it, or remove {given[0]}"
            problems.mistake(origin, f"{at}.{missing}", sentence)
        return None
    user, place = str(row["user"]), places[0]
    if not secrets.passwords:
        return Login(user, Secret(""), withheld=fact("password-not-wanted"))
    path, dotted = row[place], f"{at}.{place}"
    if place == "password_credential":
        path = secrets.credentials.find(str(path))
    if path is not None:
        password = _read_password(path, dotted, origin, problems)
        return None if password is None else Login(user, password)
    name = str(row[place])
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
    problems.mistake(origin, dotted, sentence)
    return None


def _read_password(path: Path, dotted: str, origin: Origin, problems: Problems) -> Secret | None:
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST_PASSWORD_FILE)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        wrong = "" if text and text.isprintable() else "holds no password alone, on one line"
    except UnicodeDecodeError:
        wrong = "is not UTF-8; save it so"
    except UnreadableFile as reason:
        wrong = str(reason)
    if wrong:
        problems.mistake(origin, dotted, f"{dotted}: {shown} {wrong}")
        return None
    if mode & stat.S_IROTH:
        problems.warn(exposed(shown, "a password"))
    return Secret(text)
