"""How servers word that a client, and not they themselves, is at a limit."""

from __future__ import annotations

import re

_LIMIT = re.compile(
    rb"too many (?:[a-z]{1,20} ){0,2}"
    rb"(?:connections|sessions|logins|requests|commands|attempts|failures)"
    rb"|maximum number of (?:concurrent )?connections|(?:connection|rate) limit",
    re.IGNORECASE,
)


def names_limit(words: bytes) -> bool:
    """Whether `words` name a limit of a client, whatever the code before them says.

    Some say so with one that blames the server: Sendmail with 4.3.2, Dovecot with [UNAVAILABLE],
    [SYS/TEMP] and (TRYLATER) where an account has mail_max_userip_connections open.
    """
    return _LIMIT.search(words) is not None
