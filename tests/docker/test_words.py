"""What the engine says, as a person may read it."""

from __future__ import annotations

import pytest

from mailwatch.core.say import say
from mailwatch.docker.faults import of_answer
from mailwatch.docker.words import said

ID = "4f1c" * 16

ANSWERS = {
    f"Cannot restart container stalwart: Cannot kill container: {ID}: PID 7 is zombie and can not "
    "be killed. Use the --init option when creating containers to run an init inside the container "
    "that forwards signals and reaps processes": "Cannot restart container stalwart: Cannot kill "
    "container: 4f1c4f1c4f1c: PID 7 is zombie and can not be killed",
    f"Container {ID} is not running": "Container 4f1c4f1c4f1c is not running",
    f"sha256:{ID}0 is no id, and ends here.": f"sha256:{ID}0 is no id, and ends here",
    "a line\nand a bell\x07": "a line\\nand a bell\\x07",
}


@pytest.mark.parametrize("words", ANSWERS)
def test_an_answer_has_neither_long_ids_nor_advice(words: str) -> None:
    """Nobody can read 64 digits on a phone, nor make a container anew at night."""
    assert said(words) == ANSWERS[words]


def test_a_container_that_is_not_running_is_known_by_its_answer() -> None:
    """Shortening the id hides nothing of what is decided on it."""
    fault = of_answer(409, f"Container {ID} is not running")
    assert fault.crossed
    assert ID not in say(fault.reason)
