"""The promises of the design, held against what the inbox, the container and the file saw.

It knows nothing of the product but its titles, its last line `Incident ID`, and the names of the
tables; what happened when is told by the peers, and by the trace of the calls that were made.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tests.campaign.inbox import Arrival

if TYPE_CHECKING:
    from tests.campaign.night import Night

OPENINGS = frozenset({"opened", "held", "escalated"})
SLACK_S = 0.05
"""How far apart the moments of two processes for one event may be."""

_SUSPICIOUS = (
    "Traceback",
    "Fatal Python error",
    "a fault of mailwatch itself",
    "fault of mailwatch",
    "set aside",
    "Cannot write the state file",
    "forgets what the state file",
    "could not be read",
)


def topic_of(title: str) -> str:
    """Return which turn of an incident a title tells of, empty for any other message."""
    if title.startswith("Mail flows again"):
        return "recovered"
    if title.endswith("needs you"):
        return "escalated"
    if title.endswith("left alone"):
        return "held"
    if title.startswith("Mail has been down"):
        return "reminder"
    if title.startswith("Mail is down"):
        return "opened"
    return ""


def incident_of(arrival: Arrival) -> str:
    """Return the id that a message ends with, empty where it has none."""
    found = re.search(r"^Incident (\S+)$", arrival.body, re.MULTILINE)
    return found[1] if found else ""


def judge(night: Night) -> list[str]:
    """Return a sentence for each promise that was broken."""
    return [
        *_messages(night),
        *_sends(night),
        *_nothing_lost(night),
        *_restarts(night),
        *_incidents(night),
        *_certificates(night),
        *_file(night),
        *_log(night),
    ]


def _messages(night: Night) -> Iterator[str]:
    of: dict[str, list[Arrival]] = {}
    for one in night.inbox.arrivals:
        if topic_of(one.title):
            of.setdefault(incident_of(one), []).append(one)
    if "" in of:
        yield f"a message names no incident: {of.pop('')[0].title!r}"
    for incident, arrivals in of.items():
        told: list[Arrival] = []
        for one in arrivals:
            if told and told[-1].title == one.title:
                continue  # _sends tells whether it might come again
            topic = topic_of(one.title)
            before = [topic_of(other.title) for other in told]
            if topic != "reminder" and topic in before:
                yield f"{incident}: {topic!r} came again, after {before}"
            if "recovered" in before:
                yield f"{incident}: {topic!r} came after the recovery"
            if topic == "recovered" and not OPENINGS & {*before, *_story(one)}:
                yield f"{incident}: recovered, but nothing was told of it before"
            if topic == "reminder" and "escalated" not in before:
                yield f"{incident}: a reminder of a call that never came"
            if topic == "escalated" and one.priority != 10:
                yield f"{incident}: the call for a person has priority {one.priority}"
            told.append(one)
        if topic_of(told[-1].title) != "recovered":
            yield f"{incident}: the end was never told, only {[topic_of(o.title) for o in told]}"


def _story(arrival: Arrival) -> set[str]:
    """Return the turns that a merged message tells of."""
    return {topic_of(line) for line in arrival.body.splitlines()}


def _sends(night: Night) -> Iterator[str]:
    """A message is sent twice, and may come twice, only where nobody knows that it came once.

    Told by the order of the calls alone: a busy inbox may keep a message long after its sender
    has given up on it or has died.
    """
    of: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in night.trace:
        if line["what"] in ("send", "delivered") and line["incident"]:
            of.setdefault((line["incident"], line["title"]), []).append(line)
    for (incident, title), lines in of.items():
        sends: list[dict[str, Any]] = []
        failed = noted = False
        for line in lines:
            if line["what"] == "delivered":
                noted = noted or line["edge"] == "after"
            elif line["edge"] == "failed":
                failed = True
            elif line["edge"] == "before":
                if noted:
                    yield f"{incident}: {title!r} was sent again after its delivery was committed"
                elif sends and sends[-1]["life"] == line["life"] and not failed:
                    yield f"{incident}: {title!r} was sent again without any reason"
                sends.append(line)
                failed = False
        came = sum((incident_of(o), o.title) == (incident, title) for o in night.inbox.arrivals)
        if came > len(sends):
            yield f"{incident}: {title!r} came {came} times and was sent {len(sends)} times"


def _nothing_lost(night: Night) -> Iterator[str]:
    """Every message whose commit returned has come, by itself or in the story of its incident."""
    texts = {(incident_of(one), one.title) for one in night.inbox.arrivals}
    stories = {
        incident_of(one): one.body
        for one in night.inbox.arrivals
        if topic_of(one.title) == "recovered"
    }
    for message in _committed(night):
        title, incident = message["title"], message["incident"]
        if (incident, title) in texts or not incident:
            continue
        story = stories.get(incident, "")
        if message["topic"] == "recovered" and (incident, title) in texts:
            continue
        if title in story or (message["topic"] == "reminder" and story):
            continue
        yield f"{incident}: the {message['topic']} message {title!r} was committed and never came"


def _committed(night: Night) -> Iterator[dict[str, Any]]:
    for line in _commits(night):
        yield from line["messages"]


def _commits(night: Night) -> Iterator[dict[str, Any]]:
    for line in night.trace:
        if line["what"] == "commit" and line["edge"] == "after":
            yield line


def _restarts(night: Night) -> Iterator[str]:
    orders = night.engine.orders
    policy = night.policy
    with closing(_file_of(night)) as connection:
        attempts = len(_attempts(connection))
    calls = sum(line["what"] == "restart" and line["edge"] == "before" for line in night.trace)
    if calls > attempts or len(orders) > attempts:
        yield f"{attempts} attempts were recorded, {calls} made, {len(orders)} asked of the engine"
    if len(orders) > policy["max_restarts"]:
        yield f"{len(orders)} restarts, and the policy allows {policy['max_restarts']}"
    for order in orders:
        if order.stopped_by_operator:
            yield "a container that an operator stopped was restarted"
        if order.at_once:
            yield "a restart was asked for while another was under way"
        away = [(outage.began, outage.ended) for outage in night.outages]
        # The container is down with its host, and a moment longer.
        away += [(at, at) for at in night.reboots]
        away += night.stalls
        if not any(at <= order.at and (end is None or order.at <= end + 2) for at, end in away):
            yield "a restart was asked for although the mail was well"
    yield from _backoff(night)
    yield from _cooldown(night)


def _backoff(night: Night) -> Iterator[str]:
    """The pauses between the restarts of one outage grow, each from the end of the one before.

    One that was cut short before the engine heard of it needs no pause, and where nobody heard
    the end of one, it has been begun at least.
    """
    policy = night.policy
    done_at = [order.at for order in night.engine.orders if order.done is not None]
    calls: list[dict[str, Any]] = []
    for line in night.trace:
        if line["what"] == "restart" and line["edge"] == "before":
            calls.append({"began": line["at"]})
        elif line["what"] == "restart" and line["edge"] == "after":
            calls[-1]["ended"] = line["at"]
    for outage in night.outages:
        ended: list[float] = []
        for call, following in zip_longest(calls, calls[1:], fillvalue={"began": float("inf")}):
            began = call["began"]
            if not outage.began <= began <= (outage.ended or began):
                continue
            if ended:
                pause_s = min(policy["backoff_s"] * 2 ** (len(ended) - 1), policy["backoff_max_s"])
                if began - ended[-1] < pause_s - SLACK_S:
                    after_s = began - ended[-1]
                    yield f"restart {len(ended) + 1} came {after_s:.2f} s after the one before it"
            if "ended" in call or any(began <= at < following["began"] for at in done_at):
                ended.append(call.get("ended", began))


def _cooldown(night: Night) -> Iterator[str]:
    """No restart comes soon after the recovery of an incident in which one was tried."""
    with closing(_file_of(night)) as connection:
        tried = set(_attempts(connection))
    for line in _commits(night):
        if not any(m["topic"] == "recovered" and m["incident"] in tried for m in line["messages"]):
            continue
        for order in night.engine.orders:
            after_s = order.at - line["decided"]
            if 0 < after_s < night.policy["cooldown_s"] - SLACK_S:
                yield f"a restart came {after_s:.2f} s after a recovery"


def _incidents(night: Night) -> Iterator[str]:
    """One outage is one incident, and one that a restart was made for was told."""
    for outage in night.outages:
        seen = {
            line["incident"]
            for line in _commits(night)
            if line["incident"] and outage.began <= line["at"] <= (outage.ended or float("inf"))
        }
        if len(seen) > 1:
            yield f"one outage became {len(seen)} incidents: {sorted(seen)}"
    told = {incident_of(one) for one in night.inbox.arrivals}
    with closing(_file_of(night)) as connection:
        rows = connection.execute("SELECT id, closed_wall FROM incidents").fetchall()
    for incident, closed in rows:
        if closed is None:
            yield f"{incident}: it is still open in the file"
        if incident not in told:
            yield f"{incident}: it is in the file, and nobody was told"
    for incident in told - {row[0] for row in rows} - {""}:
        yield f"{incident}: it was told, and the file does not know it"
    if night.engine.orders and not rows:
        yield "there was a restart without an incident"


def _certificates(night: Night) -> Iterator[str]:
    """One warning a day, and a night is never longer; an entry may come twice, another may not."""
    warnings = {
        line["entry"]
        for line in night.trace
        if line["what"] == "delivered" and line["title"].startswith("A certificate on")
    }
    if len(warnings) != night.mail.tls:
        yield f"{len(warnings)} warnings of {night.mail.tls:d} certificate that expires"


def _attempts(connection: sqlite3.Connection) -> list[str]:
    """Return the id of its incident for each attempt to restart."""
    rows = connection.execute(
        "SELECT incidents.id FROM incidents, json_each(incidents.value, '$.attempts')"
    )
    return [row[0] for row in rows]


def _file_of(night: Night) -> sqlite3.Connection:
    return sqlite3.connect(night.directory / "state" / "mailwatch.db")


def _file(night: Night) -> Iterator[str]:
    with closing(_file_of(night)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        waiting = connection.execute(
            "SELECT count(*) FROM outbox WHERE ended_wall IS NULL"
        ).fetchone()[0]
        stage = connection.execute(
            "SELECT json_extract(value, '$.state.stage') FROM documents WHERE name = 'machine'"
        ).fetchone()
    if sound != "ok":
        yield f"the file is damaged: {sound}"
    if waiting:
        yield f"{waiting} messages are left in the outbox"
    if stage is not None and stage[0] != "healthy":
        yield f"the file says that the stage is {stage[0]}"
    known = {"mailwatch.db", "mailwatch.db-wal", "mailwatch.db-shm", "mailwatch.lock", "evidence"}
    more = {entry.name for entry in (night.directory / "state").iterdir()} - known
    if more:
        yield f"the state directory has {sorted(more)}"


def _log(night: Night) -> Iterator[str]:
    log = (night.directory / "log").read_text(errors="replace")
    for line in log.splitlines():
        if any(words in line for words in _SUSPICIOUS):
            yield f"the log says: {line}"
    if night.statuses and night.statuses[-1] != 0:
        yield f"the last life ended with status {night.statuses[-1]}"
