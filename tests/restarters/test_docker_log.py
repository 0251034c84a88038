"""What the doctor says of the container's log, in which the server names its troubles."""

from __future__ import annotations

import pytest

from mailwatch.core.diagnosis import Grade
from mailwatch.restarters import docker_doctor
from tests.restarters.conftest import Engine


@pytest.mark.parametrize(
    ("status", "written", "begins"),
    [
        (200, b"", "`docker logs stalwart` is empty"),
        (200, b"\n", "`docker logs stalwart` is empty"),
        (501, b'{"message": "configured logging driver does not support reading"}', "`docker logs"),
    ],
    ids=["empty", "blank", "a driver that keeps nothing"],
)
def test_a_log_without_words_is_a_warning(
    engine: Engine, status: int, written: bytes, begins: str
) -> None:
    """With what to add: Stalwart as installed logs to a file inside."""
    _log(engine, status, written)
    (found,) = docker_doctor.log(engine.path, "stalwart")
    assert found.grade is Grade.WARNING
    assert found.sentence.startswith(begins)
    assert status != 200 or "Tracer of type Stdout" in found.cure


def test_a_log_with_words_is_no_news(engine: Engine) -> None:
    """Whatever they are."""
    _log(engine, 200, b"2026-03-01T10:00:00Z all is well\n")
    assert list(docker_doctor.log(engine.path, "stalwart")) == []


def _log(engine: Engine, status: int, written: bytes) -> None:
    assert engine.container is not None
    engine.container["Config"] = {"Tty": True}
    engine.script["logs"] = lambda request: request.reply_raw(status, written)
