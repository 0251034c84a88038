"""How servers word that a client, and not they themselves, is at a limit."""

from __future__ import annotations

import re

_LIMIT = re.compile(
    rb"too many (?:[a-z]{1,20} ){0,2}"
    rb"(?:connections|sessions|logins|requests|commands|attempts|failures)"
    rb"|maximum number of (?:concurrent )?connections|(?:connection|rate) limit",
    re.IGNORECASE,
)

_HINT = re.compile(rb"too many|maximum number|\blimit", re.IGNORECASE)

_OWN = re.compile(
    rb"(?<![\w.-])(?:files?|descriptors?|process(?:es)?|threads?|memory|resources?|load|disk|database"
    rb"|backends?|(?:my)?sql|ldap|pool|upstream|time limit|error [0-9]+)(?![\w-]|\.\w)",
    re.IGNORECASE,
)
"""What a server that is sick runs out of itself, or has trouble with; no part of a host's name."""


def names_limit(words: bytes) -> bool:
    """Whether `words` name a limit of a client, whatever the code before them says.

    Some say so with one that blames the server: Sendmail with 4.3.2, Dovecot with [UNAVAILABLE],
    [SYS/TEMP] and (TRYLATER) where an account has mail_max_userip_connections open.
    """
    return _LIMIT.search(words) is not None and not _OWN.search(words)


def hints_at_limit(words: bytes) -> bool:
    """Whether `words` speak of any limit that is not the server's own, as Postfix's of logins."""
    return _HINT.search(words) is not None and not _OWN.search(words)
