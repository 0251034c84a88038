"""`mailwatch report`: availability, latency and incidents as one HTML file for a browser."""

from __future__ import annotations

import argparse
import socket
import sys
import time
from pathlib import Path

from mailwatch.cli.exit_codes import CANNOT_CREATE, OK, UNAVAILABLE
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.cli.private_file import cannot_write, write_private
from mailwatch.cli.times import parse_duration
from mailwatch.core.text import printable
from mailwatch.host.clocks import clock_text


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "Write availability, latency and incidents as one HTML file that needs no "
        "network to be read."
    )
    add_options(parser)
    parser.add_argument(
        "--since", type=_since, default=30 * 86_400.0, metavar="SPAN",
        help="how far back to look: 12h, 7d, 4w (30d if left out)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to FILE in place of the output"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page; raises ConfigError and StoreError."""
    from mailwatch.report import figures, material, page

    now = time.time()
    directory = load_without_secrets(args).state_directory
    host = printable(socket.gethostname(), 64)
    try:
        text = page.write(material.collect(directory, host, now - args.since, now), clock_text)
    except figures.NoMatplotlib as missing:
        print(missing, file=sys.stderr)
        return UNAVAILABLE
    if args.output is None:
        sys.stdout.write(text)
        return OK
    try:
        write_private(args.output, text, replace=True)
    except OSError as error:
        print(cannot_write(args.output, error), file=sys.stderr)
        return CANNOT_CREATE
    print(
        f"{printable(str(args.output))} written: open it in a browser, here or on a phone",
        file=sys.stderr,
    )
    return OK


def _since(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 60 <= seconds <= 400 * 86_400:
        raise argparse.ArgumentTypeError("give a span from 1m to 400d, such as 30d")
    return seconds
