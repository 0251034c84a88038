"""A canary, and the mark in its header: whose message it is, and which (RFC 5322)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

HEADER = "X-Mailwatch-Canary"

_MARK = re.compile(rb"host=([A-Za-z0-9.-]{1,64}); machine=([0-9a-f]{16}); token=([0-9a-f]{32})")
_FIELD = re.compile(rb"^" + HEADER.encode("ascii") + rb":[ \t]*(.*?)[ \t]*$", re.I | re.M)

_MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Mark:
    """`host` and `machine` are the watcher's, which also tells cloned hosts and namesakes apart."""

    host: str
    machine: str
    token: str

    @property
    def line(self) -> str:
        """The whole line of the header, without its line break."""
        return f"{HEADER}: host={self.host}; machine={self.machine}; token={self.token}"

    def is_kin(self, other: Mark | None) -> bool:
        """Whether `other` is of the same host."""
        return other is not None and replace(other, token=self.token) == self


def new_mark() -> Mark:
    """Return the mark of a new message of this host."""
    name = socket.gethostname()[:64]
    host = "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "-" for one in name)
    return Mark(host or "-", _machine(), os.urandom(16).hex())


def read_mark(header: bytes) -> Mark | None:
    """Return the mark in the lines of `header`, None where there is none, or more than one."""
    fields = _FIELD.findall(re.sub(rb"\r?\n(?=[ \t])", b"", header).replace(b"\r\n", b"\n"))
    if len(fields) != 1 or not (mark := _MARK.fullmatch(re.sub(rb"[ \t]+", b" ", fields[0]))):
        return None
    host, machine, token = (part.decode("ascii") for part in mark.groups())
    return Mark(host, machine, token)


def message(sender: str, recipient: str, mark: Mark) -> Iterator[str]:
    """Give the lines of a canary, without their line breaks (RFC 5322, RFC 3834)."""
    from email.utils import formatdate

    yield f"From: <{sender}>"
    yield f"To: <{recipient}>"
    yield "Subject: mailwatch canary"
    yield f"Date: {formatdate()}"
    yield f"Message-ID: <{mark.token}@{mark.host}>"
    yield mark.line
    yield "Auto-Submitted: auto-generated"
    yield ""
    yield "mailwatch sends this to see that mail arrives, and removes it."


def _machine() -> str:
    """Return 16 digits that tell this machine from others, and its id to nobody (machine-id(5))."""
    try:
        known = _MACHINE_ID.read_bytes().strip()
    except OSError:
        known = b""
    return hmac.new(known, b"mailwatch canary", hashlib.sha256).hexdigest()[:16]
