"""LMTP: greeting, LHLO, QUIT (RFC 2033)."""

from __future__ import annotations

from mailwatch.probes.smtp import SmtpProbe


class LmtpProbe(SmtpProbe):
    """SMTP with another word for hello, so that neither is taken for the other."""

    protocol = "lmtp"
    hello = "LHLO"


PROBE = LmtpProbe
