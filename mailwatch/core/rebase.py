"""Moments that outlive a process, moved from the steady clock they were read on to today's."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core.model import Now
from mailwatch.core.state import Attempt, Hold, Incident, State


def shift_s(written: Now, now: Now, same_boot: bool) -> float:
    """Return the seconds to add to a steady moment stored at `written`, to use it at `now`.

    Within one boot the steady clock is still the same one, so the answer is 0 and no step of the
    wall clock matters. After a reboot the steady clock began anew, and only the wall clock can
    tell how long mailwatch was away: it is believed when it went forward, and taken as no time at
    all when it went back, which keeps every wait and budget at least as strict as it was.

    A steady clock that is behind `written` proves another boot, whatever `same_boot` says.
    """
    if same_boot and now.steady >= written.steady:
        return 0.0
    away_s = max(0.0, now.wall - written.wall)
    return now.steady - away_s - written.steady


def rebase(state: State, written: Now, now: Now, same_boot: bool) -> State:
    """Return `state`, which was stored at `written`, for use at `now`.

    A store keeps every `Now` with both its numbers, `State.due` and `Hold.until` as the steady
    numbers they are, and beside the whole state one `Now` of the moment it was committed
    (`written`) and the boot it was committed in (Linux: /proc/sys/kernel/random/boot_id).
    Nothing else is needed: all steady numbers of one state move by the same `shift_s`, so what
    lay ten seconds ahead of `written` lies ten seconds less the time away ahead of `now`. Wall
    times stay as they were: they are only shown.

    No moment that lay in the past at `written` lies in the future at `now`. `due` and
    `Hold.until` may lie in the past; the machine takes that as "over".
    """
    by = shift_s(written, now, same_boot)
    if by == 0:
        return state
    return replace(
        state,
        incident=None if state.incident is None else _incident(state.incident, by),
        failing_since=_moved(state.failing_since, by),
        starting_since=_moved(state.starting_since, by),
        due=_later(state.due, by),
        restarts=tuple(_move(begun, by) for begun in state.restarts),
        last_attempt_ended=_moved(state.last_attempt_ended, by),
        last_cure=_moved(state.last_cure, by),
    )


def _incident(incident: Incident, by: float) -> Incident:
    return replace(
        incident,
        since=_move(incident.since, by),
        opened=_move(incident.opened, by),
        attempts=tuple(_attempt(attempt, by) for attempt in incident.attempts),
        hold=None if incident.hold is None else _hold(incident.hold, by),
        escalated=_moved(incident.escalated, by),
        reminded=_moved(incident.reminded, by),
        closed=_moved(incident.closed, by),
    )


def _attempt(attempt: Attempt, by: float) -> Attempt:
    return replace(attempt, begun=_move(attempt.begun, by), ended=_moved(attempt.ended, by))


def _hold(hold: Hold, by: float) -> Hold:
    return replace(hold, until=_later(hold.until, by))


def _move(moment: Now, by: float) -> Now:
    return Now(moment.steady + by, moment.wall)


def _moved(moment: Now | None, by: float) -> Now | None:
    return None if moment is None else _move(moment, by)


def _later(steady: float | None, by: float) -> float | None:
    return None if steady is None else steady + by
