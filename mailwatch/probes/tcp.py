"""Any other service: a TCP connect, and a TLS handshake where that is asked for."""

from __future__ import annotations

from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.probes.probe import Probe


class TcpProbe(Probe):
    """Says nothing: to an unknown protocol every word may be a wrong one."""

    def converse(self, talk: Conversation) -> Steps[None]:
        """Do nothing: that the conversation could be opened is all there is to see."""
        yield from ()


PROBE = TcpProbe
