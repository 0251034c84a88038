"""What stands below the timeline: what it took in figures, and what to do next."""

from __future__ import annotations

import textwrap

from mailwatch.demo import adapters
from mailwatch.demo.server_process import GRACE_S
from mailwatch.demo.story import Figures

_AFTERWARDS = """\
Installed, it does the same with your ports, your container and your phone, and is more patient: \
it looks every 2 minutes and asks three times before it believes in an outage."""

_NEXT = """\
To install it on Debian or Ubuntu:
  make deb && sudo apt install ./dist/mailwatch_*.deb
  sudoedit /etc/mailwatch.toml
  sudo mailwatch check
  sudo systemctl enable --now mailwatch"""


def summary(told: Figures, width: int) -> list[str]:
    """Return the lines that follow the timeline, for `width` columns."""
    rows = (
        (
            "hang to first message",
            told.until_told,
            f"{told.until_due:.2f} s until the next round, and {told.detection:.2f} s to be sure",
        ),
        (
            "of these, to be sure",
            told.detection,
            f"{told.ratio:.3f} x the least possible: {adapters.patience()} = {told.floor:g} s",
        ),
        ("restart", told.restart, f"{GRACE_S:g} s of grace, then force, then the start"),
        (
            "restart to mail flows",
            told.recovery,
            f"{adapters.POLICY.settle_s:g} s of it for the server to come up",
        ),
    )
    lines = ["", "What it took:"]
    for label, seconds, remark in rows:
        head = f"  {label:<23} {seconds:6.2f} s  "
        lines += textwrap.wrap(
            remark, width, initial_indent=head, subsequent_indent=" " * len(head)
        )
    return [*lines, "", *textwrap.wrap(_AFTERWARDS, width), "", *_NEXT.splitlines()]
