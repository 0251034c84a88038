"""The one error of those who look into the state file from outside the service."""

from __future__ import annotations


class StoreError(Exception):
    """The state file cannot be used; `str()` is one sentence that says what to do."""
