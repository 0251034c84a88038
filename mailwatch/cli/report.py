"""`mailwatch report`: availability, latency and incidents as one HTML file for a browser."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK, UNAVAILABLE, CommandError
from mailwatch.cli.options import load_without_secrets
from mailwatch.cli.output import note, write_file
from mailwatch.cli.times import parse_duration
from mailwatch.core.say import line
from mailwatch.core.text import printable
from mailwatch.host.clocks import clock_text
from mailwatch.host.identity import answer_of, owner_of
from mailwatch.report import material, page
from mailwatch.store.files import StoreError


def _since(text: str) -> float:
    return parse_duration(text, 60, 400 * 86_400, line("report-span"))


@command(
    argument(
        "--since", type=_since, default="30d", metavar="SPAN",
        help="how far back to look: 12h, 7d, 4w (%(default)s if left out)",
    ),
    argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE, not to the output"),
)  # fmt: skip
def report(args: argparse.Namespace) -> int:
    """Write availability, latency and incidents as one HTML file that needs no network to read."""
    now = time.time()
    directory = load_without_secrets(args).state_directory
    host = printable(socket.gethostname(), 64)

    def drawn() -> bytes:
        # matplotlib keeps what it learns of fonts: not in a home, which nobody may have.
        with TemporaryDirectory(prefix="mailwatch-report-") as cache:
            os.environ["MPLCONFIGDIR"] = cache
            found = material.collect(directory, host, now - args.since, now)
            return page.write(found, clock_text).encode("utf-8", "backslashreplace")

    try:
        text = answer_of(owner_of(directory), drawn, (StoreError, ImportError))
    except ImportError:
        raise CommandError(UNAVAILABLE, line("matplotlib-missing")) from None
    if args.output is None:
        sys.stdout.buffer.write(text)
        return OK
    write_file(args.output, text, replace=True)
    note(line("report-written", file=str(args.output)))
    return OK
