"""`mailwatch status`: where things stand, as the running service says."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mailwatch.cli.ask import ask
from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN, WARNING, CommandError
from mailwatch.cli.output import aligned
from mailwatch.cli.times import stamp
from mailwatch.core.facts import fact
from mailwatch.core.say import say
from mailwatch.core.text import printable
from mailwatch.host.clocks import clock_text

_MOMENTS = ("since", "last_round", "next_round", "paused_until", "looked", "failed", "last_reached")
_WATCH_S = 1.0
_WIDEST = 1000
_CLEAR = "\x1b[H\x1b[2J"
"""Cursor home and erase in display (ECMA-48)."""

Standing = Mapping[str, Any]


@command(
    argument("--watch", action="store_true", help="show it anew every second"),
    configured=False,
    json=True,
)
def status(args: argparse.Namespace) -> int:
    """Show what the running service sees and does; nothing is asked anew.

    Exit code: 0 all well, 1 paused, or messages or looks that fail, 2 an incident is open or
    coming, 3 the service is not running.
    """
    while True:
        code, text = _once(args.json)
        sys.stdout.write(f"{_CLEAR if args.watch else ''}{text}\n")
        if not args.watch:
            return code
        sys.stdout.flush()
        time.sleep(_WATCH_S)


def _once(as_json: bool) -> tuple[int, str]:
    try:
        standing = ask("status")
    except CommandError as error:
        told = json.dumps({"stage": None, "error": str(error)}, indent=2) if as_json else str(error)
        return UNKNOWN, told
    try:
        if as_json:
            return _code(standing), json.dumps(_stamped(standing), indent=2)
        # It comes from another user than root, who may read it on a terminal.
        return _code(standing), "\n".join(printable(one, _WIDEST) for one in _lines(standing))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return UNKNOWN, say(fact("control-broke"))


def _code(standing: Standing) -> int:
    if standing["stage"] != "healthy" or standing["failing"]:
        return CRITICAL
    if not standing["services"]:
        return UNKNOWN
    mute = any(one["trouble"] for one in standing["channels"])
    unable = standing["target"]["can_restart"] is False
    return WARNING if _is_blind(standing) or mute or unable or standing["paused_until"] else OK


def _lines(standing: Standing) -> Iterator[str]:
    yield _headline(standing)
    if standing["cause"]:
        yield _say("likely-cause", cause=standing["cause"], seen=standing["cause_seen"])
    for one in standing["failing"]:
        about = {key: one[key] for key in ("service", "attempt", "retries", "detail")}
        yield _say("stands-fails-now", since_at=one["since"], **about)
    if standing["paused_until"]:
        yield _say("stands-paused", until_at=standing["paused_until"])
    if standing.get("listening"):
        yield _say("stands-listening", listening=standing["listening"])
    target = standing["target"]
    if target["can_restart"] is not None:
        code = "can-restart" if target["can_restart"] else "cannot-restart"
        code = "could-not-restart" if target["failed"] else code
        about = {"target": target["name"], "detail": target["detail"]}
        yield _say(code, **about, at=target["failed"])
    for one in standing["channels"]:
        if one["trouble"]:
            yield _say("channel-trouble", channel=one["name"], trouble=one["trouble"])
        elif one["last_reached"]:
            yield _say("channel-reached", channel=one["name"], at=one["last_reached"])
        else:
            yield _say("channel-unused", channel=one["name"])
    if standing["last_round"]:
        last, following = standing["last_round"], standing["next_round"]
        yield _say("stands-rounds", last_at=last, next_at=following)
    yield from _table(standing)
    yield from _outbox(standing)


def _headline(standing: Standing) -> str:
    if standing["incident"]:
        doing = fact(f"doing-{standing['stage']}", target=standing["target"]["name"])
        since = standing["since"]
        return _say("stands-incident", incident=standing["incident"], since_at=since, doing=doing)
    if standing["failing"]:
        return _say("stands-failing", services=tuple(o["service"] for o in standing["failing"]))
    if not standing["services"]:
        return _say("stands-first")
    return _say("stands-unknown" if _is_blind(standing) else "stands-well")


def _is_blind(standing: Standing) -> bool:
    return any(one["verdict"] == "unmeasured" for one in standing["services"])


def _table(standing: Standing) -> Iterator[str]:
    if not standing["services"]:
        return
    rows = [("SERVICE", "RESULT", "SECONDS", "DETAIL")]
    for one in standing["services"]:
        result = str(one["fault"] or one["verdict"])
        rows.append((one["service"], result, f"{one['seconds']:.3f}", one["detail"]))
    yield ""
    yield from aligned(rows)
    failing = [one for one in standing["services"] if one["fault"] and ":" in one["service"]]
    if never := tuple(one["service"] for one in failing if not one["proven"]):
        yield ""
        yield _say("never-answered", services=never)


def _outbox(standing: Standing) -> Iterator[str]:
    waiting = standing["undelivered_messages"]
    if waiting:
        yield ""
        yield _say("not-delivered", count=waiting)
        for one in standing["undelivered"][:5]:
            yield f"- {one['title']}"
            if one["trouble"]:
                yield f"  {one['trouble']}"
    if count := standing["held_back_messages"]:
        yield _say("held-back", count=count)


def _say(code: str, **args: Any) -> str:
    return say(fact(code, **args), clock_text)


def _stamped(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: stamp(one) if key in _MOMENTS and one is not None else _stamped(one)
            for key, one in value.items()
        }
    return [_stamped(one) for one in value] if isinstance(value, list) else value
