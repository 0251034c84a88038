"""Whom a refusal blames, by one set of words and codes for all mail protocols and steps."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from mailwatch.core.model import Fault

_MOST = 2000
"""So many bytes of a refusal are read; the reason comes first."""


class Blamed(Enum):
    """Whose fault a refusal says it is."""

    SERVER = auto()
    """The server's own: it is sick, and a restart may cure it."""
    CLIENT = auto()
    """This host's: it is banned, listed, or asks too often."""
    SHARED = auto()
    """Nobody's: all who share the address or the account are at a limit, or one has it in use."""
    LOGIN = auto()
    """The credentials', or the account's."""


_OWN = (
    rb"(?<![\w.-])(?:files?|descriptors?|process(?:es)?|threads?|memory|resources?|load|disk"
    rb"|database|backends?|(?:my)?sql|ldap|pool|upstream|time limit|error [0-9]+)(?![\w-]|\.\w)"
)
"""What a sick server runs out of, or has trouble with; no part of a host's name."""

_TROUBLE = rb"(?:error|failure|fault|problem|trouble|exception|panic)"

_STORE = (
    rb"(?:directory|storage|mail ?store|database|userdb|passdb|db|sql|sqlite|mysql|mariadb"
    rb"|postgres(?:ql)?|rocksdb|foundationdb|redis|ldap|dict|s3|azure|file ?system|connection pool"
    rb"|queue file|config(?:uration)?|back-?end|daemon|saslauthd|authdaemond?|server|system"
    rb"|software|socket|i/o|input/output)"
)
_PART = (
    rb"(?:" + _STORE + rb"|(?:auth(?:entication)?|login|policy|sasl|imap|pop3|mail)"
    rb"[ -](?:process|service|server|daemon|worker|back-?end|system))"
)
"""What a server is made of; "authentication" alone is no part but a deed."""

_WORK = rb"(?:lookup|query|connection|access|read|write)"
_CANNOT = rb"(?:can(?:'|no)t|could not|unable to|failed to)"

_SICK = rb"|".join(
    (
        rb"\b(?:internal|fatal|generic|unexpected)(?: [a-z]{1,14})? " + _TROUBLE + rb"\b",
        rb"(?<![\w.-])" + _PART + rb"(?: " + _WORK + rb")? " + _TROUBLE + rb"(?![\w-]|\.\w)",
        rb"(?<![\w.-])" + _STORE + rb" " + _WORK + rb" failed\b",
        rb"(?<![\w.-])" + _PART + rb"(?: is| has| was)? (?:broken|died|dead|gone|lost|down|crashed"
        rb"|unavailable|unreachable|not (?:available|running|responding)|timed out"
        rb"|shutting down)\b",
        _CANNOT
        + rb" (?:connect|reach|contact|open|access)(?: a)?(?: connection)?(?: to)?(?: the)? "
        rb"" + _PART + rb"(?![\w-]|\.\w)",
        rb"connection (?:is )?lost to|lost (?:the )?connection (?:to|with)",
        rb"out of (?:memory|disk|space|resources|file)|no space left|disk (?:is )?full",
        rb"insufficient (?:system )?(?:memory|storage|resources)|cannot allocate",
        rb"read-only file ?system|\bcorrupt",
    )
)
"""Words of a server about its own parts, which weigh more than any code, and than the login's."""

_LIMIT = rb"too many|maximum number|limit"

_OWN_LIMIT = rb"\A(?=.*" + _OWN + rb").*(?:" + _LIMIT + rb")"

_SHARED_LIMIT = (
    rb"too many (?:[a-z]{1,20} ){0,2}(?:connections|sessions|logins|requests)"
    rb"|maximum number of (?:concurrent )?connections|connection limit"
)
"""Some say so with a code that blames the server: Sendmail with 4.3.2, Dovecot with [UNAVAILABLE],
[SYS/TEMP] and (TRYLATER) where an account has mail_max_userip_connections open."""

_CLIENT_LIMIT = rb"too many (?:[a-z]{1,20} ){0,2}(?:commands|attempts|failures|errors)|rate limit"

_CODE = rb"\A(?:[0-9]{3} (?:[245]\.[0-9]{1,3}\.[0-9]{1,3} )?)?\"?[\[(]"
"""Where a response code begins: some pass one on behind SMTP's, or within ManageSieve's quotes."""

_SHARED_CODE = _CODE + rb"(?:INUSE|IN-USE|LIMIT|LOGIN-DELAY)\b"
"""RFC 5530 for IMAP, RFC 2449 section 8 for POP3."""

_OWN_CODE = (
    _CODE + rb"(?:UNAVAILABLE|SERVERBUG|SYS/|TRYLATER)"
    rb"|\A[0-9]{3} (?:.* )?4\.3\.[0-9]|\A(?!521)[0-9]{3} (?:.* )?5\.3\.[0-9]"
)
"""RFC 5530, RFC 3206, RFC 5804 section 1.3, and RFC 3463 section 3.4 for SMTP.

With 521 5.3.2 Postfix's postscreen turns away a client that is on a list.
"""

_LISTED = rb"\bbanned|(?:block|black|deny|grey|gray)[ -]?list|\blisted|dnsbl|\brbl\b"

_POLICY = rb"\A[0-9]{3} (?:.* )?[45]\.7\.[0-9]|denied|blocked|rejected|throttl|list"
"""Before any login these show that it is the client who is not served (RFC 3463 section 3.8)."""

_FOR_NOW = (
    rb"temporar(?:y|ily) (?:[a-z]{1,20} ){0,2}(?:" + _TROUBLE + rb"|unavailable)"
    rb"|unable to authenticate at present"
)

_CREDENTIALS = (
    rb"credential|pass(?:word|wd|phrase)|\buser(?:name)?\b|\baccount|disabled|authori[sz]ed"
    rb"|permission|denied|\[(?:AUTH|EXPIRED|PRIVACY|NOPERM)|\A[0-9]{3} [45]\.7\.(?:8|9|1[0-4])\b"
)
"""RFC 5530, RFC 3206, and RFC 4954 section 6 with RFC 5248 for SMTP."""

_OWN_CODE_AT_LOGIN = rb"\A4(?:35|54)\b|\A(?:451|452|455)(?! 4\.7\.)|" + _CODE + rb"CONTACTADMIN"
"""What blames the server where no word speaks of the credentials (RFC 4954 section 6, RFC 5321
section 4.2.2): for some these codes are also how a password is refused."""


def _table(*rows: tuple[Blamed, bytes]) -> tuple[tuple[Blamed, re.Pattern[bytes]], ...]:
    return tuple((who, re.compile(words, re.IGNORECASE | re.DOTALL)) for who, words in rows)


_ALWAYS: Final = (
    (Blamed.SERVER, _SICK),
    (Blamed.SERVER, _OWN_LIMIT),
    (Blamed.SHARED, _SHARED_LIMIT),
    (Blamed.CLIENT, _CLIENT_LIMIT),
    (Blamed.SHARED, _SHARED_CODE),
)

_ELSEWHERE = _table(
    *_ALWAYS,
    (Blamed.CLIENT, _LISTED),
    (Blamed.SERVER, _OWN_CODE),
    (Blamed.CLIENT, _LIMIT),
    (Blamed.CLIENT, _POLICY),
    (Blamed.SERVER, _FOR_NOW),
)

_AT_LOGIN = _table(
    *_ALWAYS,
    (Blamed.SERVER, _OWN_CODE),
    (Blamed.SERVER, _FOR_NOW),
    (Blamed.LOGIN, _CREDENTIALS),
    (Blamed.CLIENT, _LIMIT),
    (Blamed.CLIENT, _LISTED),
    (Blamed.SERVER, _OWN_CODE_AT_LOGIN),
)


def blamed(words: bytes, *, at_login: bool = False) -> Blamed | None:
    """Return whom a no blames that says `words`, None where they blame nobody.

    `words` begin with SMTP's code, or with what follows NO, BAD, BYE or -ERR.
    """
    table, said = _AT_LOGIN if at_login else _ELSEWHERE, words[:_MOST]
    return next((who for who, pattern in table if pattern.search(said)), None)


_ANY_LIMIT = _table((Blamed.SERVER, _OWN_LIMIT), (Blamed.CLIENT, _LIMIT))


def names_limit(words: bytes) -> bool:
    """Whether `words` name a limit that is not the server's own."""
    return next((who for who, found in _ANY_LIMIT if found.search(words)), None) is Blamed.CLIENT


_FAULTS = {
    Blamed.SERVER: Fault.PROTOCOL,
    Blamed.CLIENT: Fault.REJECTED,
    Blamed.SHARED: Fault.REJECTED,
    Blamed.LOGIN: Fault.AUTHENTICATION,
}


def fault_of_no(words: bytes, step: Fault, nobody: Fault | None = None) -> Fault | None:
    """Return what a no with `words` is; `nobody` is for one that blames nobody, by default `step`.

    `step` is what is at stake: REJECTED for a greeting, AUTHENTICATION for a login, DELIVERY for a
    command about mail, PROTOCOL for any other. None, unmeasured, is a limit or a lock that is
    shared with others, but for a greeting. Who says no about one mail is well, whatever it blames.
    """
    who = blamed(words, at_login=step is Fault.AUTHENTICATION)
    if who is Blamed.SHARED and step is not Fault.REJECTED:
        return None
    if who is None or step is Fault.DELIVERY:
        return nobody or step
    return _FAULTS[who]
