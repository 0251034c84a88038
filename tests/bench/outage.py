"""Figures of an outage: from the hang to the first message, and from the cure to the last one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from tests.bench.bed import Bed
from tests.bench.meter import between_s, process_of
from tests.bench.report import Figure
from tests.bench.rivals import SERVICES
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import UNIT

RETRIES, TIMEOUT_S, DELAY_S = 3, 1, 1
VERIFY_EVERY_S = 0.5
_INTERVAL_S = 2
_BEATS = {
    "stop_timeout_s": 1, "settle_s": 0.5, "attempt_timeout_s": 2, "verify_for_s": 20,
    "verify_every_s": VERIFY_EVERY_S,
}  # fmt: skip


def floor_s(retries: int, timeout_s: float, delay_s: float) -> float:
    """Return the least time in which a hang can be told from a slow answer."""
    return retries * timeout_s + (retries - 1) * delay_s


@dataclass(frozen=True, slots=True)
class _Outage:
    """One hang and its end; seconds."""

    since_hang: float
    """From the hang to the first message."""
    since_round: float
    """From the moment at which the next round was due to the first message."""
    after_cure: float
    """From the moment at which all four answered again to the message that says so."""
    resident_mib: float = 0.0


def outages(bed: Bed, times: int, patient: bool) -> list[Figure]:
    """Measure `times` outages of ours and of monit's, and one with the default timings."""
    ours = [_ours(bed, RETRIES, TIMEOUT_S, DELAY_S) for _ in range(times)]
    monits = [_monits(bed) for _ in range(times)]
    floor = floor_s(RETRIES, TIMEOUT_S, DELAY_S)
    found = median(one.since_round for one in ours)
    found_by_monit = median(one.since_round for one in monits)
    timings = f"retries {RETRIES}, timeout {TIMEOUT_S} s, delay {DELAY_S} s: floor {floor:g} s"
    figures = [
        Figure(
            "hang of 4 to the first message", "s", found, 1.02 * floor,
            {"monit": found_by_monit}, {"blackbox": "no alert"},
            note=f"{timings}; median of {times}; counted from the moment at which the next round "
            "was due (the rest of the interval is left out). With it: "
            f"{median(one.since_hang for one in ours):.2f} and "
            f"{median(one.since_hang for one in monits):.2f} s. monit has {RETRIES} cycles of "
            f"{TIMEOUT_S} s timeout and {DELAY_S} s between them; it asks one service after the "
            "other, and tells the first of them.",
        ),
        Figure(
            "the same, as a multiple of the floor", "x", found / floor, 1.02,
            {"monit": found_by_monit / floor}, {"blackbox": "no alert"},
            note=f"each: {', '.join(f'{one.since_round / floor:.4f}' for one in ours)}.",
        ),
    ]  # fmt: skip
    if patient:
        default = _ours(bed, 3, 5, 5)
        figures.append(
            Figure(
                "hang to message, default timings",
                "x",
                default.since_round / floor_s(3, 5, 5),
                1.02,
                instead=dict.fromkeys(("monit", "blackbox"), "not run"),
                note=f"floor {floor_s(3, 5, 5):g} s, once: {default.since_round:.2f} s.",
            )
        )
    figures += [
        Figure(
            "answers again to 'recovered'", "s", median(one.after_cure for one in ours),
            1.2 * VERIFY_EVERY_S, {"monit": median(one.after_cure for one in monits)},
            {"blackbox": "no alert"},
            note=f"a look every {VERIFY_EVERY_S} s (monit: every {DELAY_S} s); the aim is one such "
            "pause and a round. From the moment at which we began to ask the four services that "
            "then all answered.",
        ),
        Figure(
            "resident memory after a restart by Docker", "MiB",
            max(one.resident_mib for one in ours), 36.0,
            instead=dict.fromkeys(("monit", "blackbox"), "no Docker"),
        ),
    ]  # fmt: skip
    return figures


def _ours(bed: Bed, retries: int, timeout_s: float, delay_s: float) -> _Outage:
    bed.watcher.put_right()
    bed.mail.restore()
    bed.inbox.clear()
    bed.watcher.configure(
        watch={"interval_s": _INTERVAL_S, "retries": retries, "attempt_timeout_s": timeout_s,
               "retry_delay_s": delay_s, "smtp_per_second": 0},
        restart=_BEATS,
    )  # fmt: skip
    mark = time.time()
    bed.watcher.start()
    wait_until(lambda: bed.conversations(mark) >= 2, 30, "two rounds")
    bed.mail.hang()
    hung = time.time()
    due = bed.last_round_began(mark) + _INTERVAL_S
    first = bed.inbox.wait_for(lambda message: "is down" in message.title, 120)
    cured = bed.wait_until_all_answer(60)
    last = bed.inbox.wait_for(lambda message: "flows again" in message.title, 60)
    memory = process_of(bed.host, UNIT).resident_mib()
    bed.watcher.stop()
    return _Outage(first.wall - hung, first.wall - due, last.wall - cured, memory)


def _monits(bed: Bed) -> _Outage:
    bed.mail.restore()
    bed.monit.configure(every_s=DELAY_S, timeout_s=TIMEOUT_S, failures=RETRIES)
    mark = time.time()
    bed.monit.start()
    wait_until(lambda: bed.conversations(mark) >= 2, 30, "two rounds")
    bed.mail.hang()
    hung = time.time()
    due = bed.last_round_began(mark) + DELAY_S
    first = wait_until(lambda: bed.monit.told("failed"), 120, "monit's first alert")[0]
    cured = bed.wait_until_all_answer(60)
    wait_until(
        lambda: len(bed.monit.told("passes")) == len(bed.monit.told("failed")), 60, "all to pass"
    )
    last = bed.monit.told("passes")[-1]
    bed.monit.stop()
    return _Outage(first - hung, first - due, last - cured)


def end_while_hung(bed: Bed, times: int) -> list[Figure]:
    """Measure the end after SIGTERM in the middle of an attempt, with every service hung."""
    ended = []
    bed.mail.restore()
    bed.mail.hang()
    for _ in range(times):
        bed.watcher.configure(watch={"attempt_timeout_s": 40, "retries": 100})
        bed.watcher.start()
        ours = process_of(bed.host, UNIT)
        wait_until(lambda: ours.connected_to() >= set(SERVICES.values()), 30, "a round")  # noqa: B023
        bed.watcher.stop()
        ended.append(between_s(bed.host, UNIT, "ActiveExit", "ExecMainExit"))
    bed.mail.resume()
    return [
        Figure(
            "SIGTERM to exit, 4 services hung", "s", max(ended), 1.0,
            instead=dict.fromkeys(("monit", "blackbox"), "not run"),
            note=f"the longest of {times}, in the middle of an attempt of 40 s.",
        )
    ]  # fmt: skip
