"""The one kind of error a restarter raises."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from mailwatch.core.facts import Fact
from mailwatch.core.say import say
from mailwatch.core.state import Left


@dataclass(eq=False)
class RestartError(Exception):
    """A target was not restarted, or nobody can say that it was.

    `detail` says what happened and what to do. `permanent` is true where trying again cannot help
    and a person must act. `intervened` is true where somebody else stopped or replaced the target
    at the same moment, so that it was left to them. `left` is what the restart has stopped and
    not started again, None where that is not known.
    """

    detail: Fact
    _: KW_ONLY
    permanent: bool = False
    intervened: bool = False
    left: Left | None = None

    def __str__(self) -> str:
        return say(self.detail)
