"""What has run out is named as that, wherever it is met, and is no fault of mailwatch."""

from __future__ import annotations

import errno
import faulthandler
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mailwatch.cli.main import main
from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.say import say
from mailwatch.host.job import Job
from mailwatch.host.limits import limit_of
from mailwatch.net.errors import bug

LACKING = [
    (OSError(errno.EMFILE, "x"), "raise LimitNOFILE"),
    (OSError(errno.ENFILE, "x"), "raise fs.file-max"),
    (OSError(errno.ENOMEM, "x"), "raise MemoryMax"),
    (OSError(errno.ENOBUFS, "x"), "out of network buffers"),
    (MemoryError(), "raise MemoryMax"),
    (RuntimeError("can't start new thread"), "raise TasksMax"),
]


@pytest.mark.parametrize(("error", "cure"), LACKING)
def test_a_task_that_lacks_something_says_what_to_raise(error: Exception, cure: str) -> None:
    """The answer of a job, and the reading of a check, ask nobody to report a bug."""

    def lacks() -> Fact:
        raise error

    job: Job[Fact] = Job("lacks", Deadline(60, lambda: 0))
    job.start(lacks, lambda why: why)
    assert job.ends_within(60)
    for told in (job.answer, bug(error).detail):
        assert cure in say(told)
        assert "mailwatch itself" not in say(told)


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EIO, "x"), RuntimeError("other")])
def test_any_other_error_is_no_limit(error: Exception) -> None:
    """A bug of ours is still told as one."""
    assert limit_of(error) == NOTHING


def test_the_service_without_a_thread_ends_with_a_sentence(
    without_threads: Callable[[], AbstractContextManager[None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At the start, too, where a traceback would say nothing of what to do."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(sys, "setswitchinterval", lambda _seconds: None)
    monkeypatch.setattr(faulthandler, "enable", lambda: None)  # it wants a real stderr
    config = tmp_path / "c.toml"
    config.write_text('[[services]]\nname = "SMTP"\nport = 25\n[restart]\nmax_restarts = 0\n')
    with without_threads():
        assert main(["run", "--config", str(config)]) == 69
    assert capsys.readouterr().err == (
        "mailwatch cannot go on: no thread could be started: raise TasksMax of the mailwatch "
        "unit.\n"
    )
