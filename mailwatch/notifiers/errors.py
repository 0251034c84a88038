"""The one kind of error a notifier raises."""

from __future__ import annotations


class DeliveryError(Exception):
    """A message was not delivered, or nobody can say that it was.

    `str()` of it is one printable sentence that says what happened and what to do. `permanent`
    is true where the same message sent again soon would fail again: park it, tell the admin
    through the log, and try once an hour.
    """

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent
