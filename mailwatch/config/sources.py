"""What file, flags and environment say, put into the tables: the stronger source comes later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailwatch.config import values
from mailwatch.config.model import Origin, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import RESTART, SERVICES_ENVIRONMENT, sections
from mailwatch.config.tables import GivenList, Table
from mailwatch.core.text import printable

FLAGS = Origin(Source.FLAG)


@dataclass(slots=True)
class Gathered:
    """The sections, and each list of tables that was given, the weakest first."""

    problems: Problems
    sections: dict[str, Table]
    lists: dict[str, list[GivenList]] = field(
        default_factory=lambda: {"services": [], "notifiers": []}
    )

    def document(self, document: Mapping[str, object], origin: Origin) -> None:
        """Take what the file's `document` says; unknown sections are mistakes."""
        for section, content in document.items():
            if section in self.lists:
                self.lists[section].append(GivenList(content, origin, section))
            elif section not in self.sections:
                self._refuse(section, content, origin)
            elif isinstance(content, list):
                sentence = f"[[{section}]] stands in double brackets; write [{section}], once"
                self.problems.mistake(origin, section, sentence)
            elif not isinstance(content, dict):
                shown = values.show(content)
                sentence = f"{section} is {shown}; write a line [{section}] and its keys below"
                self.problems.mistake(origin, section, sentence)
            else:
                for name, raw in content.items():
                    own = self.problems.origin_of(f"{section}.{name}", origin)
                    self.sections[section].take(name, raw, own)

    def _refuse(self, section: str, content: object, origin: Origin) -> None:
        """Say why there is no such `section`, and which was probably meant."""
        if not isinstance(content, dict | list):
            Table("", {}, self.problems).take(section, content, origin)
            return
        near = values.nearest(section, [*self.sections, *self.lists])
        form = f"[[{near}]]" if near in self.lists else f"[{near}]"
        cure = f"did you mean {form}?" if near else "remove it (mailwatch.toml(5) lists them all)"
        sentence = f"mailwatch has no section {printable(section, 80)}; {cure}"
        self.problems.mistake(origin, section, sentence)

    def flags(self, flags: Mapping[str, str]) -> None:
        """Take what the command line says: dotted key -> TOML value or bare text."""
        for dotted, text in flags.items():
            section, _, name = dotted.rpartition(".")
            if dotted in self.lists:
                listed = values.toml_value(text)
                raw = listed if isinstance(listed, str | list) else text
                self.lists[dotted].append(GivenList(raw, FLAGS, dotted))
                continue
            table = self.sections.get(section) or Table(section, {}, self.problems)
            key = table.keys.get(name)
            table.take(name, values.toml_or_plain(key, text) if key else text, FLAGS)

    def environment(self, environ: Mapping[str, str]) -> None:
        """Take what the environment says; an empty variable counts as not set."""
        for table in self.sections.values():
            for name, key in table.keys.items():
                text = environ.get(key.environment, "") if key.environment else ""
                if key.environment == "STATE_DIRECTORY":
                    text = text.partition(":")[0]  # systemd.exec(5): a list, perhaps
                if text:
                    origin = Origin(Source.ENVIRONMENT, key.environment)
                    table.take(name, values.plain(key, text), origin, key.environment)
        if text := environ.get(SERVICES_ENVIRONMENT, ""):
            origin = Origin(Source.ENVIRONMENT, SERVICES_ENVIRONMENT)
            self.lists["services"].append(GivenList(text, origin, SERVICES_ENVIRONMENT))


def gather(
    document: Mapping[str, object],
    origin: Origin,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    problems: Problems,
) -> Gathered:
    """Return what the file's `document`, the flags and the environment say."""
    restarter = _restarter(document, flags)
    gathered = Gathered(problems, {})
    for section, keys in sections(restarter).items():
        form = RESTART if section == RESTART.section else None
        gathered.sections[section] = Table(section, keys, problems, form, restarter)
    gathered.document(document, origin)
    gathered.flags(flags)
    gathered.environment(environ)
    return gathered


def _restarter(document: Mapping[str, object], flags: Mapping[str, str]) -> str | None:
    """Return the kind of restarter that is asked for, None for one that nobody knows."""
    key = RESTART.keys(None)[RESTART.chooser]
    section = document.get(RESTART.section)
    said = section if isinstance(section, dict) else {}
    if key.dotted in flags:
        said = {key.name: values.toml_or_plain(key, flags[key.dotted])}
    return RESTART.plugin(said)
