"""Takes passwords, tokens and keys out of text that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from mailwatch.core.secret import Secret

MASK = "[redacted]"

# Every repetition is bounded, so that a hostile log costs no more time than any other.
_SECRET_NAME = (
    r"(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"client[_-]?key|credential|session[_-]?id|\bpwd|\bsid)[a-z0-9_.-]{0,40}"
)
_IS = r"[\"']?\s{0,4}[:=]\s{0,4}"

_RULES = (
    # A key or certificate in PEM, or what is left of it.
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK),
    # Headers of HTTP (RFC 9110 section 11, RFC 6265); everything to the end of the line.
    (
        r"\b((?:proxy-)?authorization|x-[a-z0-9-]{0,40}(?:key|token|auth)[a-z-]{0,40}|(?:set-)?cookie)"
        rf"({_IS}).*$",
        rf"\1\2{MASK}",
    ),
    # Schemes of HTTP authentication wherever they stand.
    (r"\b(bearer|basic|digest|negotiate)\s{1,4}[a-z0-9+/._~=-]{6,}", rf"\1 {MASK}"),
    # SMTP AUTH (RFC 4954), IMAP AUTHENTICATE and SASL-IR (RFC 9051), POP3 AUTH (RFC 5034).
    (
        r"\b(auth|authenticate)(\s{1,4}\"?(?:plain|login|xoauth2|oauthbearer|cram-md5|digest-md5|"
        r"ntlm|gssapi|external|scram-sha-[0-9]{1,3}(?:-plus)?)\"?)([ \t:,]{1,4}).*$",
        rf"\1\2\3{MASK}",
    ),
    # A challenge (RFC 4954 section 4), and the answer on the line after it.
    (r"^(.*\b334[ -]).*\n.*$", rf"\1{MASK}\n{MASK}"),
    # IMAP LOGIN (RFC 9051 section 6.2.3): a tag, the command, the user, then the password.
    (r"(^|[\s\"'])([a-z0-9]{1,32} login \"?[^\s\"]{1,256}\"?) .*$", rf"\1\2 {MASK}"),
    # POP3 PASS (RFC 1939 section 7) and APOP.
    (r"(^|[\s\"':>])(pass|apop \S{1,256}) \S.*$", rf"\1\2 {MASK}"),
    # The password in an address: scheme://user:password@host.
    (r"([a-z0-9+.-]://[^\s/:@]{0,256}):[^\s/@]{1,256}@", rf"\1:{MASK}@"),
    # name=value, "name": "value" and --name value, for names that speak of a secret.
    (rf"({_SECRET_NAME}{_IS})\"(?:[^\"\\\n]|\\.){{0,4096}}\"?", rf'\1"{MASK}"'),
    (rf"({_SECRET_NAME}{_IS})'[^'\n]{{0,4096}}'?", rf"\1'{MASK}'"),
    (rf"({_SECRET_NAME}{_IS})[^\s,;&\"'}})\]]+", rf"\1{MASK}"),
    (rf"(--[a-z0-9-]{{0,40}}{_SECRET_NAME}\s{{1,4}})\S+", rf"\1{MASK}"),
    # A JSON Web Token (RFC 7519).
    (r"\beyj[a-z0-9_-]{8,4096}\.[a-z0-9_-]{8,4096}\.[a-z0-9_-]*", MASK),
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compile the rules: 15 ms that the start of the service need not wait for."""
    flags = re.IGNORECASE | re.MULTILINE
    return tuple((re.compile(pattern, flags), replacement) for pattern, replacement in _RULES)


def redacted(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return `text` with every secret that can be told by its shape, or is known, masked."""
    for secret in secrets:
        if len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), MASK)
    for pattern, replacement in _compiled():
        text = pattern.sub(replacement, text)
    return text
