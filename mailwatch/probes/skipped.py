"""A service that is not asked, as whoever runs this cannot read the password that it wants."""

from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING
from mailwatch.net.errors import ConversationError
from mailwatch.probes.portless_check import PortlessCheck


class Skipped(PortlessCheck):
    """Answers for a service whose login is not known here: unmeasured, and why."""

    def inquire(self, deadline: Deadline) -> None:
        """Raise ConversationError, unmeasured; nobody is asked."""
        login = self.settings.login
        raise ConversationError(None, login.withheld if login else NOTHING)
