"""What a server's log says of itself is worded in every process, also where no log was read."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from mailwatch.config.load import load
from mailwatch.core.facts import fact
from mailwatch.core.say import say

load(None, {}, {})
print(say(fact("server-listener-full", server="Stalwart", listener="imaps")))
"""


def test_the_words_of_servers_are_known_with_the_configuration() -> None:
    """A command shows what the service has found, and a service goes on after another."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=300
    )
    assert ran.stdout == "Stalwart has no connection left for imaps\n"
