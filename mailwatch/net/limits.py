"""Whom a refusal blames: the server itself, the client that is at a limit, or the account."""

from __future__ import annotations

import re

from mailwatch.core.model import Fault

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


def fault_of_no(
    words: bytes, fault: Fault, *, trouble: tuple[bytes, ...], busy: tuple[bytes, ...] = ()
) -> Fault | None:
    """Return what a no with `words` is, where one that blames nobody is `fault`.

    One that begins with a code of `trouble` blames the server itself: PROTOCOL, but for DELIVERY,
    as who says so of one mailbox is well. None, unmeasured, is one that begins with a code of
    `busy`, or names a limit of the account; before any login (REJECTED) it is the client's.
    """
    code, at_limit = words.upper(), names_limit(words)
    if code.startswith(busy) or (at_limit and fault is not Fault.REJECTED):
        return None
    blames_itself = code.startswith(trouble) and not at_limit
    return Fault.PROTOCOL if blames_itself and fault is not Fault.DELIVERY else fault
