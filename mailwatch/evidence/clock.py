"""Whether the host's clock is synchronised: certificates and tokens fail where it is not."""

from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.facts import fact
from mailwatch.evidence.subject import Subject
from mailwatch.host.clocks import is_synchronised


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `synchronised` where the kernel or systemd-timesyncd tells it."""
    synchronised = is_synchronised()
    if synchronised is None:
        return Finding({}, {"synchronised": fact("clock-hidden")})
    return Finding({"synchronised": synchronised})
