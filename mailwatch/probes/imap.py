"""IMAP and IMAPS: greeting, CAPABILITY, LOGOUT (RFC 9051, RFC 3501)."""

from __future__ import annotations

from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import ConversationError, SaidNo
from mailwatch.probes.probe import Probe
from mailwatch.probes.settings import TlsMode

MAX_LINES = 100
"""Of one answer; servers send two or three."""


class ImapProbe(Probe):
    """Says CAPABILITY and LOGOUT, and STARTTLS between them where that is asked for."""

    def converse(self, talk: Conversation) -> None:
        """Hear `* OK` or `* PREAUTH`, ask for the capabilities and hear them."""
        greeting = talk.read_line("the greeting")
        if _words(greeting)[:2] not in ([b"*", b"OK"], [b"*", b"PREAUTH"]):
            raise ConversationError(
                Fault.PROTOCOL,
                f"the greeting should be '* OK' or '* PREAUTH', but was '{printable(greeting)}'",
            )
        offers = self._capabilities(talk, "a1")
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in offers:
                raise SaidNo(Fault.PROTOCOL, "the answer to CAPABILITY offers no STARTTLS")
            _ask(talk, "a2", "STARTTLS")
            talk.start_tls()
            self._capabilities(talk, "a3")

    def farewell(self, talk: Conversation) -> None:
        """Say LOGOUT, hear `* BYE` and the tagged OK."""
        untagged = _ask(talk, "a9", "LOGOUT")
        if not any(words[1:2] == [b"BYE"] for words in untagged):
            raise ConversationError(Fault.PROTOCOL, "the answer to LOGOUT holds no '* BYE'")

    def _capabilities(self, talk: Conversation, tag: str) -> set[bytes]:
        untagged = _ask(talk, tag, "CAPABILITY")
        offers = {word for words in untagged if words[1:2] == [b"CAPABILITY"] for word in words[2:]}
        if not offers & {b"IMAP4REV1", b"IMAP4REV2"}:
            raise SaidNo(
                Fault.PROTOCOL, "the answer to CAPABILITY names neither IMAP4rev1 nor IMAP4rev2"
            )
        return offers


def _ask(talk: Conversation, tag: str, command: str) -> list[list[bytes]]:
    """Say one command; return the words of the untagged lines that come before its tagged OK."""
    talk.say(f"{tag} {command}")
    awaiting = f"the answer to {command}"
    untagged: list[list[bytes]] = []
    while len(untagged) < MAX_LINES:
        line = talk.read_line(awaiting)
        words = _words(line)
        if words[:1] == [b"*"]:
            untagged.append(words)
        elif words[:2] == [_tag(tag), b"OK"]:
            return untagged
        elif words[:2] in ([_tag(tag), b"NO"], [_tag(tag), b"BAD"]):
            raise SaidNo(Fault.PROTOCOL, f"{awaiting} was '{printable(line)}', not OK")
        else:
            raise ConversationError(
                Fault.PROTOCOL, f"{awaiting} should be '{tag} OK', but was '{printable(line)}'"
            )
    raise ConversationError(Fault.PROTOCOL, f"{awaiting} has more than {MAX_LINES} lines")


def _tag(tag: str) -> bytes:
    return tag.upper().encode("ascii")


def _words(line: bytes) -> list[bytes]:
    return line.upper().split(b" ")
