"""Which run of the kernel a steady clock belongs to, so that its moments can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.model import Now

VARIABLE = "MAILWATCH_BOOT_ID"
"""Set by the unit, whose ProcSubset=pid hides the file below."""

_FILE = Path("/proc/sys/kernel/random/boot_id")

_STEP_S = 5.0
"""Clocks that are set right while the host runs mostly move by less; no reboot is as quick."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One run of the kernel: its id, empty where it is not known, and a reading of both clocks."""

    id: str
    at: Now

    def is_same(self, later: Boot) -> bool:
        """Whether `later` was read in this run of the kernel.

        Without both ids the two are the same when the host seems to have started at the same
        moment.
        """
        if self.id and later.id:
            return self.id == later.id
        began, began_later = self.at.wall - self.at.steady, later.at.wall - later.at.steady
        return abs(began - began_later) < _STEP_S


def shift_s(written: Now, now: Now, same_boot: bool) -> float:
    """Return the seconds to add to a steady moment stored at `written`, to use it at `now`.

    Within one boot that is 0. After a reboot only the wall clock can tell how long mailwatch was
    away: it is believed when it went forward, and taken as no time at all when it went back. So
    no moment that lay in the past at `written` lies in the future at `now`, and every wait and
    budget stays at least as strict. A steady clock that is behind `written` proves another boot.
    """
    if same_boot and now.steady >= written.steady:
        return 0.0
    away_s = max(0.0, now.wall - written.wall)
    return now.steady - away_s - written.steady


def end_of(pause: Boot, boot: Boot) -> Now:
    """Return the end of `pause` on the steady clock of `boot`.

    A pause that was begun before a reboot ends by the wall clock.
    """
    if pause.is_same(boot):
        return pause.at
    return Now(boot.at.steady + pause.at.wall - boot.at.wall, pause.at.wall)


def boot_id(environ: Mapping[str, str]) -> str:
    """Return the id of this boot (random(4)) as 32 hex digits, empty where it cannot be learnt."""
    text = environ.get(VARIABLE, "")
    if not text:
        try:
            text = _FILE.read_text("ascii")
        except (OSError, ValueError):
            return ""
    return text.strip().replace("-", "").lower()
