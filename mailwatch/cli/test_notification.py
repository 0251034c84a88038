"""`mailwatch test-notification`: one message, to see that it arrives."""

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
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "test-notification",
        help="send a message to see that it arrives",
        description="Send one message through Gotify, to see that it arrives on your phone.",
        epilog="Exit code: 0 sent, 2 not sent, 78 the configuration is bad or names no Gotify.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Send the message; say in one sentence how that went."""
    config = load_by_hand(args)
    if config.gotify is None:
        why = config.token_withheld or "no Gotify is configured; set [gotify] url and token"
        print(f"{why[:1].upper()}{why[1:]}, then try again.", file=sys.stderr)
        return CONFIG
    host = printable(socket.gethostname(), 64)
    message = Message(
        Topic.TEST,
        Severity.INFO,
        f"mailwatch on {host} can reach you",
        "This is a test: nothing is wrong. A call for help will come with a higher priority.",
        time.time(),
    )
    deadline = Deadline.after(config.gotify.timeout_s, time.monotonic)
    try:
        GotifyNotifier(config.gotify).send(message, deadline)
    except DeliveryError as error:
        print(error, file=sys.stderr)
        return CRITICAL
    print(f"Gotify took the message '{message.title}': look at your phone.")
    return OK
