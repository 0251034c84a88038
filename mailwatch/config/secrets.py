"""The secrets of a channel: in the file, a file of its own, the environment, or a credential."""

from __future__ import annotations

import stat
from pathlib import Path

from mailwatch.config import values
from mailwatch.config.credentials import Secrets
from mailwatch.config.files import Missing, UnreadableFile, read_file
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.problems import Problems, exposed
from mailwatch.core.keys import Key
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable

_LONGEST = 4096
_STRENGTH = tuple(Source)


def find_secret(
    key: Key, credential: str, chosen: dict[str, Setting], secrets: Secrets, problems: Problems
) -> str:
    """Enter the secret `key` into `chosen` with its origin, from wherever it is.

    The key and that of its file replace each other: the stronger source wins, and both in one
    source are a mistake. Where neither is given, the credential of that name counts
    (systemd.exec(5)). Return why it could not be read here, empty where it could, or is nowhere.
    """
    here, in_file = key.dotted, f"{key.dotted}_file"
    given, file = chosen[here], chosen[in_file]
    if given.value is not None and file.value is not None:
        if given.origin.source is file.origin.source:
            sentence = f"{here} and {in_file} are both set; keep one of them"
            problems.mistake(given.origin, here, sentence)
            return ""
        if _STRENGTH.index(given.origin.source) < _STRENGTH.index(file.origin.source):
            chosen[in_file] = file = Setting(None, given.origin)
    if isinstance(file.value, Path):
        if secrets.token:
            origin = Origin(Source.FILE, printable(str(file.value)))
            _enter(key, in_file, file.value, (file.origin, origin), chosen, problems)
            return ""
    elif given.value is not None:
        if given.origin.source is Source.FLAG:
            risk = f"the command line holds the {key.label}, which `ps` shows to everyone"
            problems.warn(f"{risk} on this host; put it into {in_file}")
        return ""
    elif secrets.token and not problems.sound(here):
        return ""
    elif secrets.token:
        return _from_credential(key, credential, chosen, secrets, problems)
    chosen[here] = Setting(None, given.origin)
    return f"the {key.label} was not wanted"


def _from_credential(
    key: Key, name: str, chosen: dict[str, Setting], secrets: Secrets, problems: Problems
) -> str:
    origin = Origin(Source.CREDENTIAL, name)
    if path := secrets.credentials.find(name):
        _enter(key, key.dotted, path, (origin, origin), chosen, problems)
    elif cure := secrets.credentials.elsewhere(name):
        withheld = f"only the service can read the {key.label}, credential {name}; {cure}"
        problems.warn(f"{withheld} to check it")
        return withheld
    return ""


def _enter(
    key: Key,
    dotted: str,
    path: Path,
    origins: tuple[Origin, Origin],
    chosen: dict[str, Setting],
    problems: Problems,
) -> None:
    """Enter the secret that the file `path` holds; `origins` are its own and the secret's."""
    shown = printable(str(path))
    try:
        content, mode = read_file(path, _LONGEST)
        found: Secret = values.secret(key, content.decode("ascii", "replace").strip())
    except Missing:
        wrong = f"does not exist; put the {key.name} there, and nothing else"
    except (UnreadableFile, values.Wrong) as reason:
        wrong = str(reason)
    else:
        chosen[key.dotted] = Setting(found, origins[1])
        if mode & stat.S_IROTH:
            problems.warn(exposed(shown, f"the {key.label}"))
        return
    problems.mistake(origins[0], dotted, f"{dotted}: {shown} {wrong}")
