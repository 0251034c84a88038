"""What single values cannot show: keys that contradict each other, a watchdog in a hurry."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.config.problems import Problems
from mailwatch.config.tables import Table
from mailwatch.config.values import number
from mailwatch.core.policy import NEVER_CURED
from mailwatch.host.systemd import SHORTEST_WATCHDOG_S, watchdog_s


def judge(restart: Table, environ: Mapping[str, str], problems: Problems) -> None:
    """Add every contradiction to `problems`; what is already known to be wrong is left out."""
    first_s, longest_s = restart.value("backoff_s"), restart.value("backoff_max_s")
    if problems.sound("restart.backoff") and first_s > longest_s:
        name = "backoff_s" if restart.given("backoff_s") else "backoff_max_s"
        sentence = (
            f"restart.backoff_s is {number(first_s)}, more than restart.backoff_max_s, "
            f"{number(longest_s)}; raise restart.backoff_max_s, or lower restart.backoff_s"
        )
        problems.mistake(restart.settings[name].origin, "restart.backoff_max_s", sentence)
    for fault in sorted(restart.value("on") & NEVER_CURED):
        sentence = f'restart.on has "{fault}", which never leads to a restart'
        problems.warn(f"{sentence}; take it out")
    unit_s = watchdog_s(environ)
    if unit_s is not None and unit_s < SHORTEST_WATCHDOG_S:
        problems.warn(
            f"WatchdogSec is {number(unit_s)} in the unit, and a busy disk may hold mailwatch up "
            f"for longer; set WatchdogSec={SHORTEST_WATCHDOG_S:g} or more"
        )
