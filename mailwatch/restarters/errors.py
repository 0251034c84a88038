"""The one kind of error a restarter raises."""

from __future__ import annotations

from mailwatch.core.facts import Fact
from mailwatch.core.say import say
from mailwatch.core.state import Left


class RestartError(Exception):
    """A target was not restarted, or nobody can say that it was.

    `detail` says what happened and what to do. `permanent` is true where trying again cannot help
    and a person must act. `intervened` is true where somebody else stopped or replaced the target
    at the same moment, so that it was left to them. `left` is what the restart has stopped and
    not started again, None where that is not known.
    """

    def __init__(
        self,
        detail: Fact,
        *,
        permanent: bool = False,
        intervened: bool = False,
        left: Left | None = None,
    ) -> None:
        super().__init__(say(detail))
        self.detail = detail
        self.permanent = permanent
        self.intervened = intervened
        self.left = left
