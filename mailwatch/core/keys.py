"""What a key of the configuration is: its name, kind, default, range and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import Any, Protocol, TypeVar

from mailwatch.core.model import Fault
from mailwatch.core.secret import Secret


class FilePath(Protocol):
    """The path of a file, as pathlib has it; nothing here looks at the file."""

    def __fspath__(self) -> str:
        """Return it as text."""
        ...


Value = str | int | float | bool | FilePath | Secret | frozenset[Fault] | tuple[str, ...]
"""What a key may hold once it has been read."""

DAY_S = 86_400.0
MONTH_S = 30 * DAY_S
"""No pause or window is longer: a watcher that sleeps for a year is a mistake in the file."""

T = TypeVar("T")


class Kind(Enum):
    """How a value is read, and so which sentence tells that it cannot be."""

    TEXT = auto()
    SECRET = auto()
    """It may also be in a file of its own, or a credential of systemd's."""
    URL = auto()
    HOST = auto()
    PATH = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    SECONDS = auto()
    CHOICE = auto()
    FAULTS = auto()
    COMMAND = auto()
    TEXTS = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the file.

    `doc` says what it means: its first line, or sentence, stands in the sample, all of it in the
    manual, where words in backquotes are bold. `low` and `high` are inclusive. `default` is None
    where a key has none and may be left out. `choices` are the words that a CHOICE or FAULTS takes,
    and `enum` what a CHOICE turns them into. `pattern` is what a TEXT must match in full, `shape`
    what turns each text into what the settings hold, None for a wrong one, and `rule` says either
    in words. `field` is the field of the settings, where it has another name. `example` is TOML.
    """

    name: str
    kind: Kind
    default: Value | None
    doc: str
    environment: str = ""
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    enum: type[StrEnum] | None = None
    pattern: str = ""
    shape: Callable[[str], object] | None = None
    rule: str = ""
    required: bool = False
    field: str = ""
    example: str = ""
    flag: str = ""
    """A flag of the command line beside `--set`, of the original's."""
    sensitive: bool = False
    """Whether people put a secret here by mistake, so that no sentence may show the value."""
    source: str = ""
    """Where a secret is copied from, such as `the Gotify web page`."""
    needs: str = ""
    """The ability that the probe of a service must have for it."""
    rival: str = ""
    """The key that says the same in another form, so that only one of the two is in force."""
    section: str = ""
    label: str = ""
    """What a sentence calls a secret, such as `Gotify token`."""

    @property
    def dotted(self) -> str:
        """The key as `--set` and messages name it, such as `watch.retries`."""
        return f"{self.section}.{self.name}"

    @property
    def summary(self) -> str:
        """The first sentence on it, without its full stop."""
        return self.doc.partition(". ")[0].removesuffix(".")

    @property
    def opening(self) -> str:
        """What the sample says of it: its first line, or where it is all one line, its summary."""
        first, end, _ = self.doc.partition("\n")
        return first.removesuffix(".") if end else self.summary

    def made(self, value: Value) -> object:
        """Return `value` as the settings hold it."""
        if self.shape is None:
            return value
        if isinstance(value, tuple):
            return tuple(map(self.shape, value))
        return self.shape(str(value))


def placed(
    keys: Iterable[Key], section: str, title: str = "", channel: str = ""
) -> tuple[Key, ...]:
    """Return `keys` as those of `section`, each secret with the key for a file of its own.

    `title` is what a person calls whoever the secrets are for, `channel` what the configuration
    does, empty where it may have any name.
    """
    found = []
    for key in keys:
        if key.kind is not Kind.SECRET:
            found.append(replace(key, section=section))
            continue
        name, beside = key.name, f"{key.name}_file"
        doc = f"File that holds the {name} alone, in place of `{name}`"
        doc += f"; without both, the systemd credential `{channel or 'NAME'}-{name}` counts."
        found += (
            replace(key, section=section, label=f"{title} {name}", rival=beside),
            Key(beside, Kind.PATH, None, doc, sensitive=True, section=section, rival=name),
        )
    return tuple(found)


def settled(
    settings: Callable[..., T], keys: Iterable[Key], given: Mapping[str, Value | None]
) -> T:
    """Return the settings of a plug-in that has `keys`, with what was given of them, not None."""
    fields: dict[str, Any] = {}
    for key in keys:
        value = given.get(key.name)
        if value is not None or key.required:
            fields[key.field or key.name] = None if value is None else key.made(value)
    return settings(**fields)


def seconds(name: str, default: float, doc: str, environment: str = "", **more: Any) -> Key:
    """Return a key that holds seconds, up to a month; `more` is what else a Key takes."""
    bounds = {"low": 0, "high": MONTH_S}
    return Key(name, Kind.SECONDS, float(default), doc, environment, **{**bounds, **more})


def timeout(name: str, default: float, doc: str, environment: str = "") -> Key:
    """Return a key that holds the seconds that something may take."""
    return seconds(name, default, doc, environment, low=0.05, high=3600)


def pause(name: str, default: float, doc: str, environment: str = "") -> Key:
    """Return a key that holds the seconds between two doings of the same."""
    return seconds(name, default, doc, environment, low=0.1)


def whole(name: str, default: int, low: int, high: int, doc: str, environment: str = "") -> Key:
    """Return a key that holds a whole number."""
    return Key(name, Kind.INTEGER, default, doc, environment, low, high)


def boolean(name: str, default: bool, doc: str) -> Key:
    """Return a key that is true or false."""
    return Key(name, Kind.BOOLEAN, default, doc)


def choice(name: str, enum: type[StrEnum], doc: str, default: StrEnum | None = None) -> Key:
    """Return a key that holds one of the words of `enum`."""
    words = tuple(member.value for member in enum)
    return Key(name, Kind.CHOICE, default, doc, choices=words, enum=enum)
