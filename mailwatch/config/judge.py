"""What single values cannot show: keys that contradict each other, a watchdog in a hurry."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.config.model import Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.config.values import number
from mailwatch.core.policy import NEVER_CURED
from mailwatch.host.systemd import SHORTEST_WATCHDOG_S, watchdog_s


def judge(chosen: Mapping[str, Setting], environ: Mapping[str, str], problems: Problems) -> None:
    """Add every contradiction to `problems`; what is already known to be wrong is left out."""
    if problems.sound("restart.backoff"):
        _backoff(chosen, problems)
    _never_cured(chosen["restart.on"], problems)
    _watchdog(environ, problems)


def _backoff(chosen: Mapping[str, Setting], problems: Problems) -> None:
    first, longest = chosen["restart.backoff_s"], chosen["restart.backoff_max_s"]
    assert isinstance(first.value, float)
    assert isinstance(longest.value, float)
    if first.value > longest.value:
        culprit = first if first.origin.source is not Source.DEFAULT else longest
        sentence = (
            f"restart.backoff_s is {number(first.value)}, more than restart.backoff_max_s, "
            f"{number(longest.value)}; raise restart.backoff_max_s, or lower restart.backoff_s"
        )
        problems.mistake(culprit.origin, "restart.backoff_max_s", sentence)


def _never_cured(kinds: Setting, problems: Problems) -> None:
    assert isinstance(kinds.value, frozenset)
    for fault in sorted(kinds.value & NEVER_CURED):
        sentence = f'restart.on has "{fault}", for which nothing is restarted all the same'
        problems.warn(f"{sentence}; take it out")


def _watchdog(environ: Mapping[str, str], problems: Problems) -> None:
    unit_s = watchdog_s(environ)
    if unit_s is not None and unit_s < SHORTEST_WATCHDOG_S:
        problems.warn(
            f"WatchdogSec is {number(unit_s)} in the unit, and a busy disk may hold mailwatch up "
            f"for longer; set WatchdogSec={SHORTEST_WATCHDOG_S:g} or more"
        )
