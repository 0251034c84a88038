"""`mailwatch test-notification`: one message on each channel, to see that it arrives."""

from __future__ import annotations

import argparse
import socket
import sys
import time

from mailwatch.cli.exit_codes import CONFIG, CRITICAL, OK
from mailwatch.cli.options import add_options, load_by_hand
from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.text import printable
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, build
from mailwatch.notifiers.errors import DeliveryError

_SEND_S = 30.0
"""How long one message may take; a notifier mostly has less."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "test-notification",
        help="send a message to see that it arrives",
        description="Send one message on each channel, to see that it arrives on your phone.",
        epilog="Exit code: 0 sent, 2 not sent, 78 the configuration is bad or names no channel.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Send the message; say in one sentence for each channel how that went."""
    config = load_by_hand(args)
    channels = [one for one in config.channels if not NOTIFIERS.can(one.type, LOG)]
    troubles = [one.withheld for one in channels if one.withheld]
    if not channels:
        troubles = ["no channel is configured; add one (mailwatch.toml(5))"]
    for why in troubles:
        print(f"{why[:1].upper()}{why[1:]}, then try again.", file=sys.stderr)
    code = CONFIG if troubles else OK
    host = printable(socket.gethostname(), 64)
    message = Message(
        Topic.TEST,
        Severity.INFO,
        f"mailwatch on {host} can reach you",
        "This is a test: nothing is wrong. A call for help will come with a higher priority.",
        time.time(),
    )
    for channel in channels:
        if channel.withheld:
            continue
        try:
            build(channel).send(message, Deadline.after(_SEND_S, time.monotonic))
        except DeliveryError as error:
            print(error, file=sys.stderr)
            code = CRITICAL
        else:
            print(f"{channel.title} took the message '{message.title}': look at your phone.")
    return code
