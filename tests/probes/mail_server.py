"""A small mail server on loopback: SMTP in, IMAP out, and a delivery that the test decides."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.model import Reading
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes import canary_mailbox
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.catalogue import build
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]


@dataclass
class Stored:
    """A message in the mailbox; `came` is its INTERNALDATE."""

    text: str
    came: float
    deleted: bool = False


Folder = dict[int, Stored]


def glance(check: Callable[[], Reading]) -> Reading:
    """Return what `check` finds in one look into the mailbox, without the looks after that."""
    with pytest.MonkeyPatch.context() as patch:
        # What a look leaves of its time is more than any check has.
        patch.setattr(canary_mailbox, "_LEAVE_S", 3600.0)
        return check()


class MailServer:
    """Takes messages by SMTP and shows those that it delivers by IMAP."""

    def __init__(self, peer: MakePeer) -> None:
        self.queue: list[str] = []
        self.inbox: dict[int, Stored] = {1: Stored("Subject: somebody's own\n", time.time())}
        self.delivers = True
        self.answers: dict[str, str] = {}
        """What is answered in place of a yes, by the verb (`.` for a message) or the IMAP tag."""
        self.waits_for: dict[str, threading.Event] = {}
        """The verbs of SMTP that are answered only after somebody says so."""
        self.clock_is_off_s = 0.0
        self.delivery_takes_s = 0.0
        """What the server's own dates say."""
        self.spam: dict[int, Stored] = {}
        """What lies in the folder for spam, called `Bulk mail`."""
        self.shows_appended = True
        """Whether what IMAP puts into the inbox is there."""
        self.before_fetch: Callable[[], object] = lambda: None
        """What happens in the mailbox just before each answer to FETCH."""
        self.chatter: tuple[str, ...] = ()
        """What is said beside each answer to FETCH."""
        self.hangs_at = ""
        """The command of IMAP that gets no answer."""
        self.login_takes_s = 0.0
        """What the answer to a login takes, by IMAP."""
        self.offers = "IMAP4rev1 UIDPLUS AUTH=PLAIN"
        self.said: list[str] = []
        """The verbs that SMTP heard."""
        self.commands: list[str] = []
        """What IMAP heard."""
        self.next_uid = 100
        self.smtp = peer(self._smtp)
        self.imap = peer(self._imap)

    def settings(self, **rules: Any) -> ServiceSettings:
        """Return the settings of a canary for this server."""
        given = {"imap_port": self.imap.port, "imap_tls": TlsMode.NONE, **rules}
        return ServiceSettings(
            "Canary",
            "127.0.0.1",
            self.smtp.port,
            probe="canary",
            login=Login("box", Secret("hunter2")),
            options=CanaryRules("canary@example.org", "box@example.org", **given),
        )

    def probe(self, **rules: Any) -> Check:
        """Return a canary for this server."""
        return build(self.settings(**rules))

    def deliver(self) -> None:
        """Put what waits into the inbox."""
        while self.queue:
            self.store(self.queue.pop(0), self._now() + self.delivery_takes_s)

    def store(self, text: str, came: float) -> int:
        """Put `text` into the inbox, and return its UID."""
        self.next_uid += 1
        self.inbox[self.next_uid] = Stored(text, came)
        return self.next_uid

    def stored(self, text: str) -> Stored:
        """Return `text` as a message that comes now."""
        return Stored(text, self._now())

    def _now(self) -> float:
        return time.time() + self.clock_is_off_s

    def _smtp(self, link: Link) -> None:
        link.say("220 mail.example.org ESMTP")
        while line := link.hear().decode():
            verb = line.split(" ")[0].upper()
            self.said.append(verb)
            self._pause(verb)
            if verb in self.answers:
                link.say(self.answers[verb])
            elif verb == "EHLO":
                link.say("250-mail.example.org", "250 AUTH PLAIN")
            elif verb == "AUTH":
                link.say("235 welcome")
            elif verb == "DATA":
                link.say("354 go ahead")
                self._take(link)
            elif verb == "QUIT":
                link.say("221 bye")
                return
            else:
                link.say("250 fine")

    def _take(self, link: Link) -> None:
        lines = [f"Received: from watcher; {formatdate(self._now())}"]
        while (text := link.hear().decode()) != ".":
            lines.append(text)
        if "." in self.answers:
            link.say(self.answers["."])
            return
        self.queue.append("\n".join(lines))
        self._pause(".")
        if self.delivers:
            self.deliver()
        link.say("250 queued")

    def _pause(self, verb: str) -> None:
        if verb in self.waits_for:
            assert self.waits_for[verb].wait(300)

    def _imap(self, link: Link) -> None:
        link.say("* OK ready")
        folder = self.inbox
        while line := link.hear().decode():
            tag, verb, *rest = line.split(" ")
            self.commands.append(line)
            command = rest[0] if verb == "UID" else verb
            if verb == "AUTHENTICATE":
                link.say("+ ")
                link.hear()
                time.sleep(self.login_takes_s)
            if command == self.hangs_at:
                link.hear_end()
                return
            if answer := self.answers.get(tag) or self.answers.get(command):
                link.say(f"{tag} {answer}")
                continue
            if verb == "LOGOUT":
                link.say("* BYE", f"{tag} OK")
                return
            if command == "APPEND":
                self._append(link, rest[-1])
            if verb == "SELECT":
                folder = self.inbox if rest == ["INBOX"] else self.spam
            self._answer(link, line, command, rest, folder)
            link.say(f"{tag} OK done")

    def _answer(self, link: Link, line: str, command: str, rest: list[str], folder: Folder) -> None:
        if command == "CAPABILITY":
            link.say(f"* CAPABILITY {self.offers}")
        elif command == "LIST":
            link.say('* LIST (\\HasNoChildren \\Trash) "/" {9}', 'a "bin" 2')
            link.say('* LIST (\\Junk \\HasNoChildren) "/" "Bulk mail"')
        elif command == "SELECT":
            link.say(f"* {len(folder)} EXISTS", f"* OK [UIDNEXT {self.next_uid + 1}] next")
        elif command == "SEARCH":
            link.say("* SEARCH")
        elif command == "FETCH":
            self.before_fetch()
            if rest[0] == command:
                _fetch(link, rest[1], line, folder)
            else:
                _tell_uids(link, rest[0], folder)
            link.say(*self.chatter)
        elif command == "STORE":
            for uid in _members(rest[1], folder):
                folder[uid].deleted = True
        elif command == "EXPUNGE":
            for uid in _members(rest[1], folder) if rest else list(folder):
                if folder[uid].deleted:
                    link.say(f"* {sorted(folder).index(uid) + 1} EXPUNGE")
                    del folder[uid]

    def _append(self, link: Link, size: str) -> None:
        link.say("+ go on")
        text, wanted = "", int(size.strip("{}"))
        while len(text) < wanted:
            text += f"{link.hear().decode()}\r\n"
        assert len(text) == wanted
        assert link.hear() == b""
        if self.shows_appended:
            self.store(text.replace("\r\n", "\n"), self._now())


def _members(which: str, folder: Folder) -> list[int]:
    """Return those in `folder` of a set such as 3,7:9,12:* (RFC 9051 section 9)."""
    last = max(folder, default=0)
    found = set()
    for part in which.split(","):
        low, _, high = part.partition(":")
        edges = sorted(last if edge == "*" else int(edge) for edge in (low, high or low))
        found |= {uid for uid in folder if edges[0] <= uid <= edges[1]}
    return sorted(found)


def _tell_uids(link: Link, places: str, folder: Folder) -> None:
    uids = sorted(folder)
    for place in map(int, places.split(",")):
        link.say(f"* {place} FETCH (UID {uids[place - 1]})")


def _fetch(link: Link, which: str, line: str, folder: Folder) -> None:
    fields = re.search(r"FIELDS \((.*)\)\]<0\.([0-9]+)>", line)
    assert fields, line
    names = "|".join(fields[1].split(" "))
    said = []
    for uid in _members(which, folder):
        one = folder[uid]
        # Some servers write the names of fields in capitals.
        lines = re.findall(rf"^((?:{names}):) (.*)$", one.text, re.M | re.I)
        header = "".join(f"{name.upper()} {value}\r\n" for name, value in lines) + "\r\n"
        header = header[: int(fields[2])]
        date = datetime.fromtimestamp(one.came, UTC).strftime("%d-%b-%Y %H:%M:%S +0000")
        flags = "\\Seen \\Deleted" if one.deleted else "\\Seen"
        said.append(
            f'* 1 FETCH (UID {uid} FLAGS ({flags}) INTERNALDATE "{date}" '
            f"BODY[HEADER.FIELDS ({fields[1]})]<0> {{{len(header)}}}\r\n{header})\r\n"
        )
    link.send("".join(said).encode())
