"""Takes passwords, tokens and keys out of text that others wrote; where in doubt, too much."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from mailwatch.core.secret import Secret

MASK = "[redacted]"

LEAST = 4
"""A known secret that is shorter is a part of too many words."""

# The time is linear in the text, whatever a hostile server writes: no pattern can begin in the
# middle of what another try has read (the lookbehinds), none gives back what it has read where
# that is long (the possessive ++), and every other repetition is bounded.

_IS = r"\\{0,4}[\"']?[ \t]{0,4}[:=][ \t]{0,4}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile on first use: 15 ms that the start of the service need not wait for."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


# --- what stands on one line --------------------------------------------------------------

_SECRET = (
    r"passw(?:or)?d|passphrase|secret|token|credential|(?:^|[_.-])(?:api|access|private|client|"
    r"encryption|signing|auth)[_-]?key|apikey|session[_-]?id|(?:^|[_.-])(?:pass|pwd|pw|sid)$|"
    r"(?:bind|root|db|user)pw"
)
_TO_THE_END = r"^(?:proxy-)?authorization$|^(?:set-)?cookie$|^x-.*(?:key|token|auth)"
_NAME = r"(?<![\w.-])([\w.-]++)"
_QUOTE = r"(\\{0,4})([\"'])"

_LINES = (
    # Schemes of HTTP authentication wherever they stand (RFC 9110 section 11).
    (r"\b(bearer|basic|digest|negotiate)[ \t]{1,4}[a-z0-9+/._~=-]{6,}", rf"\1 {MASK}"),
    # SMTP AUTH (RFC 4954), IMAP AUTHENTICATE and SASL-IR (RFC 9051), POP3 AUTH (RFC 5034).
    (
        r"\b(auth|authenticate)([ \t]{1,4}\"?(?:plain|login|xoauth2|oauthbearer|cram-md5|"
        r"digest-md5|ntlm|gssapi|external|scram-sha-[0-9]{1,3}(?:-plus)?)\"?)([ \t:,]{1,4}).*$",
        rf"\1\2\3{MASK}",
    ),
    # IMAP LOGIN (RFC 9051 section 6.2.3): a tag, the command, the user, then the password.
    (r"(^|[\s\"'])([a-z0-9]{1,32} login \"?[^\s\"]{1,256}\"?) .*$", rf"\1\2 {MASK}"),
    # POP3 PASS (RFC 1939 section 7) and APOP.
    (r"(^|[\s\"':>])(pass|apop \S{1,256}) \S.*$", rf"\1\2 {MASK}"),
    # The password in an address: scheme://user:password@host.
    (r"([a-z0-9+.-]://[^\s/:@]{0,256}):[^\s/@]{1,256}@", rf"\1:{MASK}@"),
    # The option of a program, and what the tools of LDAP take.
    (
        r"(?<![\w-])(--[a-z0-9-]{0,40}(?:passw(?:or)?d|pass|pwd|secret|token|key)[ \t]{1,4})\S++",
        rf"\1{MASK}",
    ),
    (r"(?<![\w.-])((?:bind|root|user)pw[ \t]{1,4})\S++", rf"\1{MASK}"),
    # A key in the query of an address.
    (r"([?&](?:key|sig|signature|code)=)[^\s&\"'#]++", rf"\1{MASK}"),
    # A JSON Web Token (RFC 7519).
    (r"(?<![\w-])eyj[\w-]{8,4096}+\.[\w-]{8,4096}+\.[\w-]*+", MASK),
)  # fmt: skip


def _named(text: str) -> str:
    """Mask the values of names that speak of a secret: name=value, "name": "value", name 'value'.

    Of the headers that authenticate (RFC 9110 section 11, RFC 6265) the whole line is one.
    """
    parts, at = [], 0
    for found in _compiled(rf"{_NAME}({_IS}|[ \t]{{1,4}}(?=\\{{0,4}}[\"']))").finditer(text):
        name, begin = found[1], found.end()
        if found.start() < at:
            continue
        if _compiled(_TO_THE_END).search(name) and not found[2].isspace():
            opening, end = "", _end_of_line(text, begin)
        elif _compiled(_SECRET).search(name):
            opening, end = _value(text, begin)
        else:
            continue
        parts += [text[at:begin], opening, MASK]
        at = end
    return "".join((*parts, text[at:]))


def _end_of_line(text: str, begin: int) -> int:
    end = text.find("\n", begin)
    return len(text) if end < 0 else end


def _value(text: str, begin: int) -> tuple[str, int]:
    """Return the quote that opens the value at `begin`, if any, and where the value ends."""
    quote = _compiled(_QUOTE).match(text, begin)
    if quote is None:
        bare = _compiled(r"[^\s,;&\"'}\)\]]*+").match(text, begin)
        return "", bare.end() if bare else begin
    last = _end_of_line(text, begin)
    if quote[1]:  # a quote in a text that is quoted itself
        end = text.find(quote[0], quote.end(), last)
    else:
        inside = _compiled(rf"(?:[^{quote[2]}\\\n]|\\.)*+").match(text, quote.end())
        end = inside.end() if inside and inside.end() < last else -1
    return quote[0], last if end < 0 else end


# --- what goes on over several lines ---------------------------------------------------------

_LITERAL = r"\blogin\b.{0,300}\{\d{1,9}\+?\}\s{0,4}$"
"""The user or the password of IMAP LOGIN is on the next line (RFC 9051 section 4.3)."""

_TIME = r"(?:\d{4}-\d\d-\d\d[T ][\d:.,]{8,20}(?:Z|[+-]\d\d:?\d\d)?|[a-z]{3} [ \d]\d [\d:]{8})"
_STAMP = rf"^(?:{_TIME} ){{0,2}}"
"""What an engine sets before each line, and the time of syslog after it; no answer is in it."""

_HEAD = rf"{_STAMP}(?:(?<= )(?:[\w.:-]{{1,64}} ){{0,2}}[\w./-]{{1,64}}(?:\[\d{{1,10}}\])?: )?"
"""The host and the program as well, where something comes after these."""

_ANSWER = r"^[^\w+/]*+(?:[cs]\s?[:>]\s?)?[a-z0-9+/]{4,}+={0,2}\s*$"

_LATER = 4
"""How many lines after an AUTH an answer is looked for: others may have written between them."""


def _masked_lines(lines: list[str]) -> Iterable[str]:
    answers = literals = 0
    for line in lines:
        if literals or answers == _LATER + 1:
            yield line[: _end(_STAMP, line)] + MASK
            literals = bool(_compiled(r"\{\d{1,9}\+?\}\s{0,4}$").search(line))
            answers = 0
            continue
        challenge = _compiled(r"(?<!\d)334[ -]").search(line) if "334" in line else None
        if challenge is not None:
            yield line[: challenge.end()] + MASK
            answers = _LATER + 1  # the next line, whatever it is, answers it (RFC 4954 section 4)
            continue
        begin = _end(_HEAD, line) if answers else 0
        if answers and _compiled(_ANSWER).search(line[begin:]):
            yield line[:begin] + MASK
            answers -= 1
            continue
        answers = max(0, answers - 1)
        if _compiled(r"\b(?:auth|authenticate)\s{1,4}\"?(?:login|plain)\"?\s*$").search(line):
            answers = _LATER
        literals = "{" in line and bool(_compiled(_LITERAL).search(line))
        yield line


def _end(head: str, line: str) -> int:
    """Return where the `head` of a line ends."""
    found = _compiled(head).match(line)
    return found.end() if found else 0


def _without_keys(text: str) -> str:
    """Mask private keys in PEM (RFC 7468), and what is left of one whose head was cut off."""
    begin, end = "-----BEGIN ", r"-----END [A-Z ]{0,40}PRIVATE KEY-----"
    parts, at = [], 0
    for found in _compiled(rf"{begin}[A-Z ]{{0,40}}PRIVATE KEY-----|{end}").finditer(text):
        if found.start() < at:
            continue
        if found[0].upper().startswith(begin):
            closing = _compiled(end).search(text, found.end())
            parts += [text[at : found.start()], MASK]
            at = len(text) if closing is None else closing.end()
        else:
            parts += [_without_tail(text[at : found.start()]), MASK]
            at = found.end()
    return "".join((*parts, text[at:]))


def _without_tail(text: str) -> str:
    """Return `text` without the lines of base64 that it ends with."""
    lines = text.removesuffix("\n").split("\n")
    if lines[-1] and _end(_HEAD, lines[-1]) == len(lines[-1]):
        lines.pop()  # it is the head of the line on which the key ends
    if lines and _compiled(r"^[a-z0-9+/=\s]*+$").search(lines[-1][_end(_HEAD, lines[-1]) :]):
        lines.pop()
    while lines and _compiled(r"(?<![a-z0-9+/=])[a-z0-9+/=]{16,}+\s*$").search(lines[-1]):
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def redacted(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return `text` with every secret that can be told by its shape, or is known, masked.

    A known one is masked in whatever case it stands, for some peers echo it in capitals.
    """
    for secret in secrets:
        if len(secret.reveal()) >= LEAST:
            text = re.sub(re.escape(secret.reveal()), MASK, text, flags=re.IGNORECASE)
    text = "\n".join(_masked_lines(_without_keys(text).split("\n")))
    for pattern, replacement in _LINES:
        text = _compiled(pattern).sub(replacement, text)
    return _named(text)
