"""`mailwatch test-notification`: one message on each channel, to see that it arrives."""

from __future__ import annotations

import argparse

from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import CONFIG, CRITICAL, OK
from mailwatch.cli.options import load_by_hand
from mailwatch.cli.output import note
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, send_test
from mailwatch.notifiers.errors import DeliveryError

_BODY = "This is a test: nothing is wrong. A call for help will come with a higher priority."


@command()
def send(args: argparse.Namespace) -> int:
    """Send one message on each channel, to see that it arrives on your phone.

    Exit code: 0 sent, 2 not sent, 78 the configuration is bad or names no channel.
    """
    config = load_by_hand(args)
    channels = [one for one in config.channels if not NOTIFIERS.can(one.type, LOG)]
    troubles = [one.withheld for one in channels if one.withheld]
    if not channels:
        troubles = ["no channel is configured; add one (mailwatch.toml(5))"]
    for why in troubles:
        note(f"{why[:1].upper()}{why[1:]}, then try again.")
    code = CONFIG if troubles else OK
    for channel in channels:
        if channel.withheld:
            continue
        try:
            title = send_test(channel, _BODY)
        except DeliveryError as error:
            note(str(error))
            code = CRITICAL
        else:
            print(f"{channel.title} took the message '{title}': look at your phone.")
    return code
