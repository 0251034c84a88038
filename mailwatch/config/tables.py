"""One table, a section or one of a list: which keys it has, and what is in force of each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from mailwatch.config import values
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import SERVICE, Form, Keys, section_keys
from mailwatch.core.keys import Key, Kind
from mailwatch.core.text import printable

DEFAULT = Origin(Source.DEFAULT)


@dataclass(slots=True)
class Table:
    """The keys of one table, each at its default until it is given.

    `at` is what sentences call the table: `watch`, `services[1]`. Where it has a `form`, `plugin`
    is the one that it names, None for one that nobody knows; then nothing is said of what depends
    on that. `origin` is where it was given, or the last of its keys.
    """

    at: str
    keys: Keys
    problems: Problems
    form: Form | None = None
    plugin: str | None = None
    origin: Origin = DEFAULT
    settings: dict[str, Setting] = field(default_factory=dict)
    _meant: set[str] = field(default_factory=set)
    """The keys that were probably meant by those that nobody knows."""

    def __post_init__(self) -> None:
        self.settings |= {name: Setting(key.default, DEFAULT) for name, key in self.keys.items()}

    def take(self, name: str, raw: object, origin: Origin, subject: str = "") -> None:
        """Put the key `name` into force as `raw`; `subject` is what a sentence calls it."""
        self.origin = origin
        dotted = f"{self.at}.{name}"
        key = self.keys.get(name)
        if key is None:
            self._refuse(name)
            return
        try:
            setting = Setting(values.read(key, raw), origin)
        except values.Wrong as wrong:
            self.problems.mistake(origin, dotted, f"{subject or dotted} {wrong}")
        else:
            self._put(key, setting)
        if key.kind is Kind.SECRET and origin in self.problems.exposed:
            self.problems.warn_exposed(origin.name, key.label)

    def _put(self, key: Key, setting: Setting) -> None:
        """Put `setting` into force; it comes from a source as strong as any before it, or more."""
        if self.given(key.rival):
            rival = self.settings[key.rival]
            self.settings[key.rival] = Setting(None, DEFAULT)
            if rival.origin.source is setting.origin.source:
                both = f"{self.at}.{key.rival} and {self.at}.{key.name}"
                self.mistake(key.name, f"{both} are both set; keep one of them")
                return
        self.settings[key.name] = setting

    def given(self, name: str) -> bool:
        """Whether somebody gave the key `name`, and it could be read."""
        return name in self.settings and self.settings[name].origin.source is not Source.DEFAULT

    def value(self, name: str) -> Any:
        """Return what is in force of the key `name`, None for nothing and for no such key."""
        return self.settings[name].value if name in self.settings else None

    @property
    def values(self) -> dict[str, Any]:
        """What is in force of each key."""
        return {name: setting.value for name, setting in self.settings.items()}

    @property
    def dotted(self) -> list[tuple[str, Setting]]:
        """The dotted name of each key, and its setting."""
        return [(f"{self.at}.{name}", setting) for name, setting in self.settings.items()]

    def mistake(self, name: str, sentence: str) -> None:
        """Note that `sentence` is wrong with the key `name`."""
        self.problems.mistake(self.origin, f"{self.at}.{name}", sentence)

    def once(self, shown: str, name: str, seen: dict[str, str]) -> None:
        """Note that an earlier table has that name, too; `seen` are those so far."""
        first = seen.setdefault(name, self.at)
        if first != self.at:
            why = f"is {shown} like {first}; remove one of them, or give it another name"
            self.problems.mistake(self.origin, self.at, f"{self.at} {why}")

    def require(self, cure: Callable[[Key], str], but: Collection[str] = ()) -> None:
        """Name each required key that is not there, `but` some; `cure` says what to add."""
        common = self.form.keys(None) if self.form else self.keys
        for name, key in self.keys.items():
            there = self.value(name) is not None or name in self._meant or name in but
            if there or not key.required or (key.needs and self.plugin is None):
                continue
            if self.problems.sound(f"{self.at}.{name}"):
                here = self.at if self.form else f"[{self.at}]"
                which = "" if name in common else f", which {self._choice(self.plugin)} needs"
                self.mistake(name, f"{here} has no {name}{which}; add {cure(key)}")

    def _choice(self, *plugins: str | None) -> str:
        return f"{self.form.chooser if self.form else ''} = {values.any_of(map(str, plugins))}"

    def _refuse(self, name: str) -> None:
        """Say why the key `name` does not belong here, and which one was probably meant."""
        dotted = printable(f"{self.at}.{name}".lstrip("."), 80)
        unknown = f"mailwatch has no key {dotted}; "
        if self.form and (owners := self.form.knowing(name)):
            if self.plugin is None:
                return
            why = f"{dotted} is set, but {self._choice(self.plugin)} does not know it; remove it"
            if 2 * len(owners) <= len(self.form.plugins.names()):
                only = f"only {self._choice(*owners)} knows it"
                why = f'{dotted} is set, but {only}, not "{self.plugin}"; remove it'
        elif near := values.nearest(name, list(self.keys)):
            self._meant.add(near)
            why = f"{unknown}did you mean {self.at}.{near}?"
        elif meant := [key for key in section_keys() if name in (key.name, key.environment)]:
            why = f"{unknown}did you mean {meant[0].dotted}?"
        elif self.form is not SERVICE and SERVICE.knowing(name):
            why = f"{dotted} is a key of one service; move it below a line [[services]]"
        else:
            why = f"{unknown}remove it (mailwatch.toml(5) lists them all)"
        self.problems.mistake(self.origin, dotted, why)


@dataclass(frozen=True, slots=True)
class GivenList:
    """A whole list of tables as it was given, or a text that stands for one.

    `subject` is what a sentence calls it.
    """

    raw: object
    origin: Origin
    subject: str


def listed(given: GivenList, form: Form, problems: Problems) -> list[Table]:
    """Return the tables of a list; what is wrong with it, or with them, goes to `problems`."""
    raw, what, origin = given.raw, form.section, given.origin
    one = what.removesuffix("s")
    if not isinstance(raw, list) or not raw:
        sentence = f"{what} is {values.show(raw)}; write a line [[{what}]] for each {one}"
        if isinstance(raw, dict):
            sentence = f"[{what}] is one table; write [[{what}]], double, above each {one}"
        elif isinstance(raw, list):
            sentence = f"{what} is an empty list; name at least one {one}, or remove the line"
        problems.mistake(origin, what, sentence)
        return []
    tables = []
    for index, row in enumerate(raw, start=1):
        at = f"{what}[{index}]"
        if not isinstance(row, dict):
            need = " and ".join(f"a {key.name}" for key in form.before if key.required)
            problems.mistake(origin, at, f"{at} is {values.show(row)}; write a table with {need}")
            continue
        plugin = form.plugin(row)
        own = problems.origin_of(at, origin) if origin.source is Source.FILE else origin
        table = Table(at, form.keys(plugin, at), problems, form, plugin, own)
        for name, value in row.items():
            table.take(name, value, own)
        tables.append(table)
    return tables
