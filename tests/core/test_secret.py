from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from mailwatch.core.secret import Secret

_TEXT = "AbCdEf-token"


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Neither print, repr, formatting, a container nor a percent sign gives it away."""
    secret = Secret(_TEXT)
    assert secret.reveal() == _TEXT
    shown = (
        f"{secret} {secret!r} {secret!s} {secret:>20} {[secret]} { ({'a': secret}) } %s" % secret
    )
    assert _TEXT not in shown
    assert "***" in shown


def test_a_traceback_does_not_show_it() -> None:
    """Not even one that prints the local variables."""

    def use(secret: Secret) -> None:
        raise ValueError(f"bad {secret}")

    with pytest.raises(ValueError, match="bad") as caught:
        use(Secret(_TEXT))
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    # The first frame is this test's own, whose source line names nothing but the constant.
    shown = "".join(list(report.format())[-2:])
    assert "***" in shown
    assert _TEXT not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_never_pickled(protocol: int) -> None:
    """It cannot leave the process by way of a queue or a file."""
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret(_TEXT), protocol)
    with pytest.raises(TypeError, match="never pickled"):
        copy.copy(Secret(_TEXT))


def test_secrets_compare_by_their_text() -> None:
    """A reload can tell whether the token has changed."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != "a"
    assert not Secret("")
    assert not hasattr(Secret("a"), "__dict__")
