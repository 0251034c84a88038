"""What the black box asks an engine, and the reasons where it does not answer."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import NotReadable
from mailwatch.docker.container import Container
from tests.restarters.conftest import Engine, Request

Within = Callable[[float], Deadline]


@pytest.fixture
def examiner(engine: Engine) -> Iterator[Container]:
    """Return an examiner of the scripted engine's container, which has no terminal."""
    engine.container = {**(engine.container or {}), "Config": {"Tty": False}}
    with closing(Container(engine.path, "stalwart")) as made:
        yield made


def frame(stream: int, text: bytes) -> bytes:
    """Return a piece of a log as the engine sends it: stdout is 1, stderr is 2."""
    return struct.pack(">BxxxL", stream, len(text)) + text


def test_the_log_comes_as_it_was_written(
    engine: Engine, examiner: Container, within: Within
) -> None:
    """Both streams in their order, with times, since a moment, and never the whole of it."""

    def logs(request: Request) -> None:
        query = {name: values[0] for name, values in request.query.items()}
        assert (query["since"], query["tail"], query["timestamps"]) == ("77", "400", "1")
        request.reply_raw(200, frame(1, b"t1 out\n") + frame(2, b"t2 err \xff\n"))

    engine.script["logs"] = logs
    assert examiner.log(77.9, within(30)) == b"t1 out\nt2 err \xff\n"


def test_processes_come_by_the_names_of_their_columns(
    engine: Engine, examiner: Container, within: Within
) -> None:
    """A name with blanks stays whole, and no arguments are asked for: passwords stand there."""

    def top(request: Request) -> None:
        (arguments,) = request.query["ps_args"]
        assert not {"cmd", "args", "command"} & set(arguments.replace(",", " ").split())
        row = ["7", "1", "Ds", "12", "4096", "io_schedule", "imap login"]
        request.reply(200, {"Titles": ["PID"], "Processes": [row]})

    engine.script["top"] = top
    (found,) = examiner.processes(within(30))
    assert found == {
        "pid": "7", "ppid": "1", "stat": "Ds", "etimes": "12", "rss": "4096",
        "wchan": "io_schedule", "comm": "imap login",
    }  # fmt: skip


def test_a_container_that_is_missing_has_a_reason(
    engine: Engine, examiner: Container, within: Within
) -> None:
    """The reason says what to look at, and the kind is that of an inspection."""
    engine.container = None
    with pytest.raises(NotReadable, match="There is no container named stalwart") as caught:
        examiner.container(within(30))
    assert caught.value.kind == "missing"


def test_an_engine_that_hangs_ends_with_the_deadline(
    engine: Engine, examiner: Container, within: Within
) -> None:
    """Each question, with the sentence that an inspection has for it."""
    for verb in ("json", "logs", "top"):
        engine.script[verb] = Request.hang
    for ask in (
        lambda: examiner.container(within(0.3)),
        lambda: examiner.log(0, within(0.3)),
        lambda: examiner.processes(within(0.3)),
    ):
        with pytest.raises(NotReadable, match="does not answer in time") as caught:
            ask()
        assert caught.value.kind == "unreachable"


def test_a_log_that_cannot_be_read_is_said_in_the_engines_words(
    engine: Engine, examiner: Container, within: Within
) -> None:
    """With the log driver `none` the engine refuses."""
    engine.script["logs"] = lambda request: request.reply(
        500, {"message": "configured logging driver does not support reading"}
    )
    with pytest.raises(NotReadable, match="logging driver does not support reading"):
        examiner.log(0, within(30))
