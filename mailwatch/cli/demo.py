"""`mailwatch demo`: an outage of its own, from the hang to the recovery."""

from __future__ import annotations

import argparse
import sys

from mailwatch.cli.exit_codes import OK
from mailwatch.demo.moments import NoStory
from mailwatch.demo.story import show

_FAILED = 1
_INTERRUPTED = 130
"""As a shell reports a program that ended by SIGINT."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "Hang a small mail server on loopback, and watch mailwatch detect it, tell "
        "of it, restart it and prove that it answers again. It needs neither root nor Docker nor "
        "a network, reads no configuration and leaves nothing behind."
    )
    parser.epilog = "Exit code: 0 the server was recovered, 1 it was not, 130 the demo was stopped."


def run(_args: argparse.Namespace) -> int:
    """Show the demo; return its exit code."""
    try:
        show(sys.stdout)
    except NoStory as error:
        print(error, file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("Stopped: the demo's mail server is gone, and nothing is left.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"The demo cannot write to its output ({error.strerror}).", file=sys.stderr)
        return _FAILED
    return OK
