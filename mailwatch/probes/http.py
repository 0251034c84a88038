"""HTTP and HTTPS: one GET, and a status that shows life (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re

from mailwatch import __version__
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import ConversationError, SaidNo
from mailwatch.probes.probe import Probe
from mailwatch.probes.settings import ServiceSettings, TlsMode

MAX_LINES = 100
"""Header lines of one response; servers send about ten."""

MAX_BODY = 64 * 1024
"""How much of a body is heard out of politeness."""

_MAX_INTERIM = 5
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_LENGTH = re.compile(rb"[0-9]{1,15}")


class HttpProbe(Probe):
    """Asks for / once; any status below 500 shows that somebody is at home."""

    def converse(self, talk: Conversation) -> None:
        """Say GET, hear the status and the header fields, and let the body pass."""
        request = (
            "GET / HTTP/1.1",
            f"Host: {host_field(self.settings)}",
            f"User-Agent: mailwatch/{__version__}",
            "Accept: */*",
            "Connection: close",
            "\r\n",
        )
        talk.send("\r\n".join(request).encode("ascii"))
        status, line = _final_status(talk)
        length = _read_header(talk)
        talk.skip(MAX_BODY if length is None else min(length, MAX_BODY))
        if status >= 500:
            raise SaidNo(
                Fault.STATUS, f"answered '{printable(line)}'; a status below 500 shows life"
            )

    def farewell(self, talk: Conversation) -> None:
        """Leave without a word: `Connection: close` has already said it."""


def host_field(settings: ServiceSettings) -> str:
    """Return the Host of `settings`, with the port where it is not the usual one."""
    name = settings.server_name or settings.host
    host = f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")
    usual = 443 if settings.tls is TlsMode.IMPLICIT else 80
    return host if settings.port == usual else f"{host}:{settings.port}"


def _final_status(talk: Conversation) -> tuple[int, bytes]:
    """Read up to the status line of the final response; return its status and the line."""
    for _ in range(_MAX_INTERIM):
        line = talk.read_line("the status line")
        parsed = _STATUS_LINE.fullmatch(line)
        if not parsed:
            raise ConversationError(
                Fault.PROTOCOL, f"answered '{printable(line)}' where HTTP was expected"
            )
        status = int(parsed[1])
        if status >= 200:
            return status, line
        _read_header(talk)  # of an interim response (RFC 9110 section 15.2)
    raise ConversationError(Fault.PROTOCOL, "sent interim responses (1xx) without end")


def _read_header(talk: Conversation) -> int | None:
    """Read the header fields and their empty line; return the body's length where it is plain.

    We close after this response, so a length that is missing, doubled or wrong can mislead
    nobody, and is no fault.
    """
    lengths: list[int | None] = []
    for _ in range(MAX_LINES):
        line = talk.read_line("the header of the response")
        if not line:
            return lengths[0] if len(lengths) == 1 else None
        field = _FIELD.fullmatch(line)
        if field is None:
            if line[:1] in b" \t":  # a folded line (RFC 9112 section 5.2)
                continue
            raise ConversationError(
                Fault.PROTOCOL, f"sent '{printable(line)}' where a header field was expected"
            )
        name = field[1].lower()
        if name == b"content-length":
            lengths.append(int(field[2]) if _LENGTH.fullmatch(field[2]) else None)
        elif name == b"transfer-encoding":
            lengths += [None, None]
    raise ConversationError(Fault.PROTOCOL, f"sent more than {MAX_LINES} header fields")
