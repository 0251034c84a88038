"""What is wrong so far: every mistake, every warning, and which keys no longer say anything."""

from __future__ import annotations

from mailwatch.config.model import Mistake, Origin, Source


class Problems:
    """Gathers mistakes while reading goes on, so that one run names them all."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.warnings: list[str] = []
        self.exposed: set[Origin] = set()
        """The files that everyone on this host may read."""
        self.places: dict[str, tuple[Origin, int]] = {}
        """In which file and line each table and key of the configuration stands."""

    def mistake(self, origin: Origin, key: str, sentence: str) -> None:
        """Note that `sentence` (which begins with what it is about) is wrong with `key`."""
        place, line = origin.name if origin.source is Source.FILE else origin.source.value, None
        if any(origin == one for one, _ in self.places.values()):
            found, line = self._place(key) or (origin, None)
            place = found.name
        self.mistakes.append(Mistake(place, key, sentence, line))

    def origin_of(self, key: str, usual: Origin) -> Origin:
        """Return the file in which `key` stands, `usual` where that is not known."""
        found = self._place(key)
        return found[0] if found else usual

    def _place(self, key: str) -> tuple[Origin, int] | None:
        """Return where `key` stands, or the table that it should be in."""
        while key not in self.places:
            if not key:
                return None
            key = key.rpartition(".")[0]
        return self.places[key]

    def warn(self, sentence: str) -> None:
        """Note what works but should not stay so."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def warn_exposed(self, shown: str, what: str) -> None:
        """Note that everyone may read `what`, a secret, in the file `shown`."""
        risk = f"{shown} holds the {what} and everyone on this host may read it"
        self.warn(f"{risk}; run: chmod o= {shown}")

    def sound(self, *prefixes: str) -> bool:
        """Whether nothing is wrong with any key that begins with one of `prefixes`.

        Where the file as a whole could not be read, what is missing is unknown.
        """
        keys = [mistake.key for mistake in self.mistakes]
        return not any(key == "" or key.startswith(prefixes) for key in keys)
