"""`mailwatch demo`: an outage of its own, from the hang to the recovery."""

from __future__ import annotations

import argparse
import sys

from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import INTERRUPTED, OK, CommandError
from mailwatch.demo.moments import NoStory
from mailwatch.demo.story import show

_FAILED = 1


@command(configured=False)
def demo(_args: argparse.Namespace) -> int:
    """Hang a small mail server of its own, and watch mailwatch detect it and bring it back.

    The real mailwatch tells of it, restarts it and proves that it answers again. It needs neither
    root nor Docker nor a network, reads no configuration and leaves nothing behind.

    Exit code: 0 the server was recovered, 1 it was not, 130 the demo was stopped.
    """
    try:
        show(sys.stdout)
    except NoStory as error:
        raise CommandError(_FAILED, str(error)) from None
    except KeyboardInterrupt:
        sentence = "Stopped: the demo's mail server is gone, and nothing is left."
        raise CommandError(INTERRUPTED, sentence) from None
    return OK
