"""The one kind of error a restarter raises."""

from __future__ import annotations


class RestartError(Exception):
    """A target was not restarted, or nobody can say that it was.

    `str()` of it is one printable sentence that says what happened and what to do. `permanent`
    is true where trying again cannot help and a person must act. `intervened` is true where
    somebody else stopped or replaced the target at the same moment, so that it was left to them.
    """

    def __init__(self, sentence: str, *, permanent: bool = False, intervened: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent
        self.intervened = intervened
