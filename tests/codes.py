"""Every sentence of our own in place of which its code is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mailwatch.core import say
from mailwatch.core.facts import WORDS
from mailwatch.core.sentences import Template


class Codes(dict[str, Template]):
    """Templates of which each says its code, and nothing of what a fact's arguments are."""

    def get(self, code: str, default: Any = None) -> Any:
        return super().get(code, default) if code == WORDS else code


@contextmanager
def in_codes() -> Iterator[None]:
    """Let every sentence of our own be its code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(say, "TEMPLATES", Codes(say.TEMPLATES))
        yield
