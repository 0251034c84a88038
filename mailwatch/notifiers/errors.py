"""The one kind of error a notifier raises."""

from __future__ import annotations

from mailwatch.core.facts import Fact
from mailwatch.core.say import say


class DeliveryError(Exception):
    """A message was not delivered, or nobody can say that it was.

    `detail` says what happened and what to do, and `str()` of the error is that as a sentence.
    `permanent` is true where the same message sent again soon would fail again: park it, tell the
    admin through the log, and try once an hour.
    """

    def __init__(self, detail: Fact, *, permanent: bool = False) -> None:
        super().__init__(say(detail))
        self.detail = detail
        self.permanent = permanent
