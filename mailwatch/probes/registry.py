"""The table of probes: a new protocol is one file and one line here."""

from __future__ import annotations

from mailwatch.probes.canary import CanaryProbe
from mailwatch.probes.canary_rehearsal import CanaryRehearsal
from mailwatch.probes.command import CommandProbe
from mailwatch.probes.dns import DnsProbe
from mailwatch.probes.http import HttpProbe
from mailwatch.probes.imap import ImapProbe
from mailwatch.probes.lmtp import LmtpProbe
from mailwatch.probes.pop3 import Pop3Probe
from mailwatch.probes.postqueue import PostqueueProbe
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings
from mailwatch.probes.sieve import SieveProbe
from mailwatch.probes.skipped import Skipped
from mailwatch.probes.smtp import SmtpProbe
from mailwatch.probes.tcp import TcpProbe

PROBES: dict[str, type[Check]] = {
    "canary": CanaryProbe,
    "command": CommandProbe,
    "dns": DnsProbe,
    "http": HttpProbe,
    "imap": ImapProbe,
    "lmtp": LmtpProbe,
    "pop3": Pop3Probe,
    "postqueue": PostqueueProbe,
    "sieve": SieveProbe,
    "smtp": SmtpProbe,
    "tcp": TcpProbe,
}


def build(settings: ServiceSettings) -> Check:
    """Return the probe that `settings.probe` names; raises KeyError where there is none.

    Where the login's password could not be read, it is one that says so.
    """
    if settings.login and settings.login.withheld:
        return Skipped(settings)
    return PROBES[settings.probe](settings)


def build_harmless(settings: ServiceSettings) -> Check:
    """Return a probe like that of `build`, but one that sends no mail and changes nothing."""
    return CanaryRehearsal(settings) if settings.probe == "canary" else build(settings)
