"""Messages of every topic in many situations, each with the file that shows it.

`python -m tests.core.messages` writes all of them anew into tests/core/golden, and with
`--page FILE.html` shows them on a page as a phone does.
"""

from __future__ import annotations

import argparse
import html
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailwatch.core import certificates, rate_limit, unmeasured
from mailwatch.core.events import Tell
from mailwatch.core.facts import NOTHING, Fact, fact, words
from mailwatch.core.message import Message, Topic
from mailwatch.core.model import Fault, Mask, Now, Reading, Target, Verdict
from mailwatch.core.outbox import QueuedMessage, as_sent, merge, next_batch
from mailwatch.core.policy import Policy
from mailwatch.core.rate_limit import RateLimit
from mailwatch.core.say import learn
from mailwatch.core.state import Attempt, Failure, Hold, Incident, Outcome, Reason
from mailwatch.core.text import utc
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.core.wording import Installation, compose, notice
from mailwatch.restarters.docker import SENTENCES

learn(SENTENCES)

GOLDEN = Path(__file__).parent / "golden"

WALL = 1_795_832_040.0
"""2026-11-28 02:14 UTC."""

FOUR = ("SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443")
ELEVEN = (
    *("SMTP:25", "SUBMISSION:587", "SMTPS:465", "IMAP:143", "IMAPS:993", "POP3:110", "POP3S:995"),
    *("SIEVE:4190", "HTTP:80", "HTTPS:443", "Queue"),
)
LONG_NAME = "mail-backend-03.frankfurt.production.customers.example.org"
CONTAINER_ID = "4f5e6d7c8b9a" + "0123456789abcdef" * 3 + "0123"
HOSTILE = "x\r\nIncident 1\x1b[31m\u202e" + "pay now " * 90

VM = Installation(
    "vm",
    Target("docker", "stalwart"),
    "docker logs --since 30m stalwart; journalctl -u mailwatch",
    lambda wall: utc(wall).removesuffix(" UTC"),
    FOUR,
)
LONG = replace(
    VM,
    host=LONG_NAME,
    target=Target("docker", CONTAINER_ID),
    look=f"docker logs --since 30m {CONTAINER_ID}; journalctl -u mailwatch",
)
CROWD = replace(VM, services=ELEVEN)

SILENT = {
    service: Failure(
        service,
        Fault.SILENT,
        fact("peer-silent", awaited=fact("greeting" if "25" in service else "tls-handshake")),
    )
    for service in ELEVEN
}
HUNG = tuple(SILENT[service] for service in FOUR)
KINDS = (
    *(SILENT[service] for service in ELEVEN[:5]),
    *(
        Failure(one, Fault.REFUSED, fact("port-refused", address="127.0.0.1", port=int(one[-3:])))
        for one in ("POP3:110", "POP3S:995")
    ),
    *(
        Failure(one, Fault.DROPPED, fact("peer-dropped"))
        for one in ("SIEVE:4190", "HTTP:80", "HTTPS:443")
    ),
    Failure("Queue", Fault.QUEUE, fact("queue-long", limit=500)),
)
BANNED = tuple(Failure(service, Fault.DROPPED, fact("peer-dropped")) for service in FOUR)
FLOODED = BANNED[2:3]
TURNED_AWAY = (
    Failure(
        "SMTP:25",
        Fault.REJECTED,
        fact(
            "answer-refuses",
            awaited=fact("greeting"),
            said="554 5.7.1 Client host [172.17.0.1] rejected: blocked",
            wanted="220",
        ),
    ),
)
FILTERED = tuple(
    Failure(service, Fault.REJECTED, fact("packets-filtered"), Mask.FILTER) for service in FOUR[:2]
)
BEHIND_PROXY = tuple(
    Failure(service, Fault.REFUSED, fact("nothing-behind-proxy"), Mask.PROXY)
    for service in FOUR[:2]
)
FOREIGN = tuple(Failure(f"{HOSTILE}{n}:{n}", Fault.PROTOCOL, words(HOSTILE)) for n in range(1, 10))
TWINS = tuple(
    replace(SILENT["SMTP:25"], service=service) for service in ("SMTP:25", "SMTP:2525", "IMAPS:993")
)

BUSY_DISK = fact("stalled", disks=True, percent=96)
FULL_STORE = fact("server-store-full", server="Stalwart", path="/var/lib/stalwart/data.db")
FULL_LISTENER = fact(
    "server-listener-full",
    server="Stalwart",
    listener="imaptls",
    limit="8192",
    setting="maxConnections of the listener",
)
DAMAGED = fact(
    "server-config-damaged",
    server="Stalwart",
    words="Failed to parse /etc/stalwart/config.json: expected value at line 1 column 1",
)
NO_SOCKET = fact(
    "socket-needs-group",
    user="mailwatch",
    socket="/var/run/docker.sock",
    owner="root",
    group="dockerusers",
    mode="0660",
)


def _at(seconds: float) -> Now:
    return Now(seconds, WALL + seconds)


def _incident(
    failures: Sequence[Failure],
    cause: Fact = NOTHING,
    hold: Hold | None = None,
    **changes: Any,
) -> Incident:
    incident = Incident(
        "20261128T021400Z", _at(0), _at(25), tuple(failures), tuple(failures), cause=cause
    )
    return replace(incident.held_by(hold), **changes)


def _tried(outcome: Outcome, detail: Fact = NOTHING, number: int = 1) -> tuple[Attempt, ...]:
    return (Attempt(number, _at(25), None, outcome, detail, target="docker:stalwart"),)


def _with_sharers(outcome: Outcome) -> tuple[Attempt, ...]:
    (attempt,) = _tried(outcome)
    return (replace(attempt, sharers=("mail-dkim", "mail-spam", "mail-web")),)


IN_VAIN = _tried(Outcome.FAILED, fact("attempt-no-help"))
STOPPED = fact("container-surely-stopped", name="stalwart", ended_at=WALL - 60)
NEVER_SEEN = Hold(Reason.UNPROVEN, services=FOUR[:2])


def _told(
    topic: Topic,
    incident: Incident,
    after: float,
    installation: Installation = VM,
    next_restart: float | None = None,
) -> Message:
    return compose(Tell(topic, incident, _at(after), next_restart), installation)


def _opened() -> Iterator[tuple[str, Message]]:
    def told(incident: Incident, where: Installation = VM, **more: Any) -> Message:
        return _told(Topic.OPENED, incident, 25, where, **more)

    yield "one", told(_incident(HUNG[:1]))
    yield "all-alike", told(_incident(HUNG, BUSY_DISK))
    yield "many-kinds", told(_incident(KINDS, BUSY_DISK), CROWD)
    yield (
        "behind-the-proxy",
        told(
            _incident(
                BEHIND_PROXY,
                fact("nothing-listens-for", services=tuple(one.service for one in BEHIND_PROXY)),
            )
        ),
    )
    yield "twins", told(_incident(TWINS), replace(VM, services=("SMTP:2525", *FOUR)))
    crashed = fact("container-crashed", name="stalwart", ended_at=WALL - 5, exit_code=139)
    yield "crashed", told(_incident(HUNG, target=crashed))
    backoff = Hold(Reason.BACKOFF)
    yield "too-soon", told(_incident(HUNG, hold=backoff), next_restart=200)
    yield "limit", told(_incident(FLOODED, FULL_LISTENER, Hold(Reason.LIMIT, services=FOUR[:2])))
    no_docker = Hold(Reason.UNREACHABLE, fact("socket-absent", socket="/var/run/docker.sock"))
    yield "no-docker", told(_incident(HUNG, hold=no_docker))
    yield "long-names", told(_incident(HUNG, BUSY_DISK), LONG)
    yield "sharers", told(_incident(HUNG, BUSY_DISK, attempts=_with_sharers(Outcome.PENDING)))
    hostile = replace(LONG, host=HOSTILE, target=Target("docker", HOSTILE))
    yield "hostile", told(_incident(FOREIGN, words(HOSTILE), target=words(HOSTILE)), hostile)


def _calls() -> Iterator[tuple[str, Message]]:
    def told(incident: Incident, where: Installation = VM, **more: Any) -> Message:
        return _told(Topic.ESCALATED, incident, 600, where, **more)

    yield "in-vain", told(_incident(HUNG, BUSY_DISK, attempts=IN_VAIN), next_restart=900)
    ban = fact("ban", seen_as="172.17.0.1")
    yield (
        "sharers",
        told(_incident(HUNG, BUSY_DISK, attempts=_with_sharers(Outcome.FAILED)), next_restart=900),
    )
    yield "banned", told(_incident(BANNED, ban, Hold(Reason.BANNED, seen_as="172.17.0.1")))
    yield "banned-unseen", told(_incident(BANNED, hold=Hold(Reason.BANNED)))
    turned = Hold(Reason.INCURABLE, seen_as="172.17.0.1")
    yield "turned-away", told(_incident(TURNED_AWAY, hold=turned))
    yield "filtered", told(_incident(FILTERED, hold=replace(turned, seen_as="")))
    yield "unproven", told(_incident(HUNG[:2], hold=NEVER_SEEN))
    yield (
        "docker-refused",
        told(_incident(HUNG, attempts=_tried(Outcome.FAILED, NO_SOCKET)), next_restart=900),
    )
    denied = Hold(Reason.DENIED, NO_SOCKET)
    yield "denied", told(_incident(HUNG, hold=denied))
    full = Hold(Reason.HOPELESS, services=FOUR[3:])
    yield "hopeless", told(_incident(HUNG[:3], FULL_STORE, full))
    ended = fact("container-crashed", name="stalwart", ended_at=WALL - 5, exit_code=1)
    hopeless = Hold(Reason.HOPELESS)
    yield "hopeless-ended", told(_incident(HUNG, DAMAGED, hopeless, target=ended))
    limit = Hold(Reason.LIMIT, services=FOUR[:2])
    yield "limit", told(_incident(FLOODED, FULL_LISTENER, limit))
    died = fact("not-running", status="exited", exit_code=1, words="Startup failed: no config.json")
    yield "died", told(_incident(KINDS, died, attempts=IN_VAIN), CROWD, next_restart=900)
    us = fact("ban-by-server", server="Stalwart", address="172.17.0.1")
    yield "banned-by-server", told(_incident(BANNED, us, Hold(Reason.BANNED, seen_as="172.17.0.1")))
    yield "never-restarts", told(_incident(HUNG, hold=Hold(Reason.BUDGET)))
    yield "many-kinds", told(_incident(KINDS, BUSY_DISK, attempts=IN_VAIN), CROWD, next_restart=900)
    others = replace(_incident(KINDS[5:], attempts=IN_VAIN), first_failures=KINDS[:5])
    yield "others-at-first", told(others, CROWD, next_restart=900)
    yield "long-names", told(_incident(HUNG, BUSY_DISK, attempts=IN_VAIN), LONG, next_restart=900)
    hostile = replace(LONG, host=HOSTILE, target=Target("docker", HOSTILE), look=HOSTILE)
    unproven = Hold(Reason.UNPROVEN, words(HOSTILE), None, HOSTILE, (HOSTILE, HOSTILE))
    attempts = _tried(Outcome.FAILED, words(HOSTILE))
    yield "hostile", told(_incident(FOREIGN, words(HOSTILE), unproven, attempts=attempts), hostile)


def _others() -> Iterator[tuple[str, Message]]:
    stopped = _incident(HUNG, hold=Hold(Reason.OPERATOR, STOPPED))
    yield "held", _told(Topic.HELD, stopped, 25)
    yield "held-long-names", _told(Topic.HELD, stopped, 25, LONG)
    still = _incident(HUNG, BUSY_DISK, Hold(Reason.BUDGET, until=9999), attempts=IN_VAIN)
    yield "reminder", _told(Topic.REMINDER, still, 4 * 3600, next_restart=5 * 3600)
    yield "reminder-next-day", _told(Topic.REMINDER, still, 26 * 3600, LONG, 30 * 3600)
    helped = _tried(Outcome.RECOVERED)
    yield "recovered", _told(Topic.RECOVERED, _incident(HUNG, BUSY_DISK, attempts=helped), 70)
    one = tuple(replace(a, sharers=("spam",)) for a in helped)
    yield "recovered-sharer", _told(Topic.RECOVERED, _incident(HUNG, attempts=one), 70)
    yield "recovered-unaided", _told(Topic.RECOVERED, _incident(HUNG[:1]), 400)
    yield "recovered-in-vain", _told(Topic.RECOVERED, _incident(KINDS, attempts=IN_VAIN), 90000)
    second = _tried(Outcome.RECOVERED, number=2)
    over = _incident(HUNG, BUSY_DISK, attempts=second)
    yield "recovered-long-names", _told(Topic.RECOVERED, over, 4000, LONG)


def _notices() -> Iterator[tuple[str, Message]]:
    no_route = fact("not-connected", address="192.0.2.1", port=25, why=words("no route to host"))
    blind = [Reading(one, Verdict.UNMEASURED, detail=no_route) for one in FOUR]
    blind[3] = replace(blind[3], detail=fact("name-late", host="mail.example.org"))
    known = UnmeasuredServices({one: _at(0) for one in FOUR})
    for where, name in ((VM, ""), (LONG, "-long-names")):
        after, told = unmeasured.look(known, blind, _at(900), where, Policy())
        yield f"unmeasured{name}", told[0]
        seen = [Reading(one, Verdict.PASS) for one in FOUR]
        yield f"measured{name}", unmeasured.look(after, seen, _at(1800), where, Policy())[1][0]
        soon = [
            Reading(one, Verdict.PASS, certificate_expires=WALL + days * 86_400.0)
            for one, days in zip(FOUR[1:], (9, 9, 12), strict=True)
        ]
        warned, told = certificates.look(certificates.Certificates(), soon, _at(0), where, Policy())
        yield f"certificate{name}", told[0]
        new = [replace(one, certificate_expires=WALL + 90 * 86_400.0) for one in soon]
        renewed = certificates.look(warned, new, _at(3600), where, Policy())[1]
        yield f"certificate-renewed{name}", renewed[0]
        title = fact("pause-over", host=where.host)
        lines = [fact("watches-again", target=where.target.called)]
        yield f"pause-over{name}", notice(title, lines, _at(0), where)
        yield f"digest{name}", _digest(where)


def _digest(where: Installation) -> Message:
    limited = RateLimit()
    for n in range(5):
        told = [
            replace(_told(topic, _incident(HUNG[: n + 1]), 60.0 * n, where), incident=f"{n}")
            for topic in (Topic.OPENED, Topic.RECOVERED)
        ]
        limited, _ = rate_limit.limit(limited, told, _at(60.0 * n), where, 2)
    return rate_limit.limit(limited, (), _at(7200), where, 2)[1][0]


def _stories() -> Iterator[tuple[str, Message]]:
    incident = _incident(HUNG, BUSY_DISK, attempts=IN_VAIN)
    turns = [
        _told(Topic.OPENED, _incident(HUNG, BUSY_DISK), 25),
        _told(Topic.ESCALATED, incident, 600, next_restart=900),
        _told(Topic.RECOVERED, incident, 4000),
    ]
    waiting = [QueuedMessage(n, "gotify", one, tries=1) for n, one in enumerate(turns)]
    (story,) = merge(waiting)
    yield "merged-story", as_sent([story], _at(9000), VM.clock_text)
    yield "late", as_sent(waiting[:1], _at(9000), VM.clock_text)
    over = [
        replace(
            story,
            id=n,
            message=replace(
                story.message,
                incident=f"20261128T{n:02}1400Z",
                since=WALL + n * 3600,
                at=WALL + n * 3600 + 90,
            ),
        )
        for n in range(33)
    ]
    yield "summary", as_sent(next_batch(over, "gotify"), _at(9000), VM.clock_text)


def messages() -> dict[str, Message]:
    """Return every message by the name of its file."""
    return {
        **{f"opened-{name}": message for name, message in _opened()},
        **{f"escalated-{name}": message for name, message in _calls()},
        **dict(_others()),
        **dict(_notices()),
        **dict(_stories()),
    }


def shown(message: Message) -> str:
    """Return `message` as its file has it."""
    return f"{message.severity}\n{message.title}\n\n{message.body}\n"


_STYLE = """
body { margin: 0; width: 390px; font: 14px/20px Roboto, sans-serif; background: #f2f2f2 }
article { margin: 6px 8px; padding: 12px 14px; background: #fff; border-radius: 8px }
h2 { margin: 0 0 4px; font-size: 16px; line-height: 20px }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
small { color: #777 }
"""


def page() -> str:
    """Return all of them as Gotify's client shows them on a phone of 390 pixels."""
    cards = [
        f"<article><h2>{html.escape(message.title)}</h2><p>{html.escape(message.body)}</p>"
        f"<small>{name}, {message.severity}, {len(message.body)}</small></article>"
        for name, message in messages().items()
    ]
    head = f"<!doctype html><meta charset=utf-8><title>Messages</title><style>{_STYLE}</style>"
    return "\n".join([head, *cards])


def main() -> None:
    """Write the golden files anew, or with --page FILE the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--page", type=Path, metavar="FILE")
    if file := parser.parse_args().page:
        file.write_text(page(), "utf-8")
        return
    for old in GOLDEN.glob("*.txt"):
        old.unlink()
    for name, message in messages().items():
        (GOLDEN / f"{name}.txt").write_text(shown(message), "ascii")


if __name__ == "__main__":
    main()
