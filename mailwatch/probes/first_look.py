"""How one meets a port that may be another than the settings say: ears first.

A server may hold it against us, up to a ban for good, if we speak what it does not. What greets by
itself is heard without a byte of ours; what keeps silent is tried once with TLS, and inside it once
with HTTP, before it is blamed for its silence.
"""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Offence
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import GREETING
from mailwatch.net.endpoint import ProxyHeader, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError
from mailwatch.net.spoken import MAIL, MISTAKES, mistake, speaks_tls, spoken, unintroduced
from mailwatch.probes.catalogue import is_usual
from mailwatch.probes.settings import ServiceSettings

LISTEN_S = 7.0
"""How long a greeting is waited for at first: Postfix's postscreen lets a stranger wait for 6 s."""

_SHARE = 1.4
"""No longer than that many times an attempt; who gives servers less time wants to know sooner."""

AT_ONCE_S = 1.0
"""Who closes within that did so upon our connection, who closes later was tired of our silence."""

_PAGE = b"HEAD / HTTP/1.0\r\n\r\n"

_HTTP, _ENDS = b"HTTP/", frozenset({Fault.DROPPED, Fault.RESET})

_UNSENT = frozenset({"login-not-offered", "sieve-login-not-offered", "login-not-private"})
"""What failed of a login before anything of it was sent."""


class GaveUp(ConversationError):
    """The peer waited for us to speak, as it should, and ended the connection before we did."""


class FirstLook:
    """What is known of one port by listening; `asked` is the probe in use, "" where it is mute."""

    def __init__(self, settings: ServiceSettings, asked: str) -> None:
        self._settings = settings
        self._asked = asked
        self._listened = False
        """Whether the port was given time to greet, and kept silent where it must not."""
        self.in_doubt = False
        """Whether it is to be listened to although it has passed: it no longer fits a header."""
        self._tried = False
        self._mistake: ConversationError | None = None
        """What was found by trying."""

    def listen(self, talk: Conversation) -> Steps[None]:
        """Hear what greets before anything is sent.

        Raises ConversationError for a mistake, and GaveUp where one may speak now, but on another
        connection.
        """
        if self._listened:
            return
        if not self._speaks_first:
            if self._asked in MAIL:
                talk.allow(_patience_s(talk))
        elif self._is_doubtful:
            try:
                words = yield from talk.overhear(_patience_s(talk))
            except ConversationError as error:
                if error.fault not in _ENDS:
                    raise
                self._listened = True
                raise GaveUp(error.fault, error.detail) from None
            if words.startswith(_HTTP):  # such as 408 for the request that did not come
                self._listened = True
                raise GaveUp(None, fact("only-listened"))
            if words:
                raise self._misplaced(words)
        self._listened = True

    def only_listen(self, talk: Conversation, clock: Clock) -> Steps[None]:
        """Connect, hear what greets, and leave; raises ConversationError where that shows more."""
        yield from talk.reach()
        began = clock()
        try:
            words = yield from talk.overhear(min(LISTEN_S, talk.left_s))
        except ConversationError as end:
            # It waits for us, as it should; only at once is an end no lack of patience.
            if self._speaks_first and end.fault in _ENDS and clock() - began > AT_ONCE_S:
                return
            raise
        if words and self._speaks_first:
            if words.startswith(_HTTP):
                return
            raise self._misplaced(words)
        if words and (error := self.explain(None, talk)):
            raise error
        if not words and self._asked in MAIL and not self._speaks_first:
            raise ConversationError.of(Fault.SILENT, "peer-silent", awaited=GREETING)
        yield from talk.part()

    def explain(
        self, error: ConversationError | None, talk: Conversation
    ) -> ConversationError | None:
        """Return the mistake that the first words in `talk` show, else `error`."""
        in_tls = talk.first_in_tls
        return mistake(self._settings, self._asked, talk.first, in_tls=in_tls) or error

    def try_otherwise(
        self, error: ConversationError, deadline: Deadline
    ) -> Steps[tuple[ConversationError, Offence | None]]:
        """Return what the silence that `error` tells of is, and what the look for it has cost.

        The port is tried once; what that has found holds for as long as it keeps silent.
        """
        if self._asked not in MAIL or error.fault is not Fault.SILENT:
            return error, None
        cost = None
        if not self._tried:
            self._tried = True
            self._mistake, cost = yield from self._try(deadline)
        return self._mistake or error, cost

    def cost(
        self, error: ConversationError, talk: Conversation, *, careful: bool
    ) -> Offence | None:
        """Return what of a conversation that has ended in `error` may be held against us."""
        code, asked = error.detail.code, self._asked
        if not talk.spoke:
            return None
        if code in MISTAKES:
            if talk.first_in_tls and asked in MAIL:
                return None  # only TLS was spoken by then, which was right
            plain_mail = spoken(talk.first, asked) in MAIL and not talk.first_in_tls
            return Offence.INTRUSION if plain_mail else Offence.MISMATCH
        if error.fault is Fault.AUTHENTICATION:
            return None if code in _UNSENT else Offence.LOGIN
        if self._settings.proxy is not ProxyHeader.NONE and talk.first:
            # Where none is awaited it is garbage; but who has passed may be at a limit, or ill.
            if error.fault not in (Fault.TLS, Fault.PROTOCOL, Fault.REJECTED):
                return None
            if not (careful or self.in_doubt):
                self.in_doubt, self._listened = True, False
            return Offence.MISMATCH if careful else None
        return Offence.COMMAND if careful and error.fault is Fault.PROTOCOL else None

    def trust(self, error: ConversationError | None) -> None:
        """Doubt the header no more once the service has passed."""
        self.in_doubt = self.in_doubt and error is not None

    @property
    def _speaks_first(self) -> bool:
        settings = self._settings
        introduced = settings.proxy is not ProxyHeader.NONE
        return introduced or settings.tls is TlsMode.IMPLICIT or self._asked == "http"

    @property
    def _is_doubtful(self) -> bool:
        """Whether a greeting may come: who asks for TLS where TLS is usual need not wait for it."""
        return self._settings.proxy is not ProxyHeader.NONE or not is_usual(self._settings)

    def _misplaced(self, words: bytes) -> ConversationError:
        """Return what it means that a port greets where we were to speak first."""
        settings = self._settings
        found = unintroduced(settings, words)
        found = found or mistake(settings, self._asked, words, in_tls=False)
        said, expected = printable(words, 80), "TLS"
        if settings.tls is not TlsMode.IMPLICIT:
            expected = "a port that waits for its client"
        return found or ConversationError.of(
            Fault.TLS, "answered-otherwise", said=said, protocol=expected
        )

    def _try(self, deadline: Deadline) -> Steps[tuple[ConversationError | None, Offence | None]]:
        settings = replace(
            self._settings,
            tls=TlsMode.IMPLICIT, verify=False, ca_file=None, fingerprint=None, login=None,
        )  # fmt: skip
        talk, shook_hands = Conversation(settings, deadline), False
        try:
            yield from talk.open()
            shook_hands = True
            if not (yield from talk.overhear(talk.left_s / 2)):
                talk.send(_PAGE)
                yield from talk.overhear(talk.left_s)
                yield from talk.part()
        except ConversationError:
            pass
        finally:
            talk.close()
        found = self.explain(None, talk)
        if not found and shook_hands and self._settings.tls is not TlsMode.IMPLICIT:
            found = speaks_tls()
        return found, self.cost(found, talk, careful=True) if found else None


def _patience_s(talk: Conversation) -> float:
    return min(LISTEN_S, _SHARE * talk.left_s)
