"""Each message as a person reads it at three in the morning, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.causes import INFERRED
from mailwatch.core.events import Failed, Passed, RestartEnded, Restored
from mailwatch.core.facts import Fact, fact, words
from mailwatch.core.judgement import Situation
from mailwatch.core.message import Severity, Topic
from mailwatch.core.model import Condition, Fault, Mask, Now, TargetState
from mailwatch.core.state import Failure, Hold, Outcome, Reason
from mailwatch.core.wording import Installation, compose, notice, why
from tests.core.messages import messages

if TYPE_CHECKING:
    from tests.core.conftest import Watch, Watcher

WALL = 1_700_000_000.0

SMTP = Failure("SMTP:25", Fault.SILENT, words("no greeting within 5 s"))
IMAPS = Failure("IMAPS:993", Fault.TIMEOUT, words("TLS took longer than 5 s"))


def _round(*failures: Failure, cause: str = "", **target: Any) -> Failed:
    target.setdefault("condition", Condition.RUNNING)
    target.setdefault("started_at", WALL - 86_400)
    target["detail"] = words(target.get("detail", ""))
    return Failed(Situation(failures or (SMTP, IMAPS), 4, TargetState(**target)), words(cause))


def _last(watch: Watch, night: Installation) -> tuple[str, list[str], Severity]:
    message = compose(watch.told[-1], night)
    *lines, last = message.body.split("\n")
    assert last == "Incident 20231114T221320Z"
    assert message.incident == "20231114T221320Z"
    return message.title, lines, message.severity


FAILS = [
    "Since 03:00:",
    "- SMTP: no greeting within 5 s",
    "- IMAPS: TLS took longer than 5 s",
]
LOOK = "Look at: docker logs --since 30m stalwart"
CALLED = "Mail is down on mx1 and needs you"


def test_opened_and_restarted(watch: Watcher, night: Installation) -> None:
    """What fails, since when, why it may be, and that it is being restarted."""
    w = watch()
    w(_round(cause="the disk is full"))
    assert _last(w, night) == (
        "Mail is down on mx1: SMTP, IMAPS",
        [
            *FAILS,
            "Likely cause: the disk is full.",
            "mailwatch is restarting container stalwart now.",
        ],
        Severity.WARNING,
    )


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (fact("syn-flood"), "Likely cause: SYN flood"),
        (fact("nothing-listens", ports=("25",)), "Cause: nothing listens on 25"),
        (fact("nothing-listens", ports=("25",), **INFERRED), "Likely cause: nothing listens"),
    ],
)
def test_a_cause_that_was_seen_is_told_as_one(
    cause: Fact, told: str, watch: Watcher, night: Installation
) -> None:
    """Only what may have another reason is likely."""
    w = watch()
    w(replace(_round(), cause=cause))
    assert any(said.startswith(told) for said in _last(w, night)[1])


_GONE = {
    "all that failed": (
        frozenset({"SUBMISSION:587"}),
        "No watched service fails on mx1",
        "SMTP and IMAPS are no longer watched; it is not known whether they answer.",
        Outcome.RESTARTED,
    ),
    "one of two": (
        frozenset({"SMTP:25"}),
        "Mail flows again on mx1",
        "IMAPS is no longer watched; it is not known whether it answers.",
        Outcome.RECOVERED,
    ),
    "another one": (
        frozenset({"SMTP:25", "IMAPS:993"}),
        "Mail flows again on mx1",
        "SMTP and IMAPS were down from 03:00 to 03:01 (60 s); everything answers again.",
        Outcome.RECOVERED,
    ),
}


@pytest.mark.parametrize("removed", _GONE)
def test_what_is_no_longer_watched_is_not_said_to_answer(
    watch: Watcher, night: Installation, removed: str
) -> None:
    """Neither it nor the restart is said to be well, for no check has seen that."""
    watched, title, line, outcome = _GONE[removed]
    w = watch()
    w(_round())
    w.go_through_restart()
    w(Passed(watched), after=60 - w.now.steady)
    said, lines, _ = _last(w, night)
    assert said == title
    assert line in lines
    assert ("everything answers again" in lines[0]) is (removed == "another one")
    attempt = w.told[-1].incident.last_attempt
    assert attempt is not None
    assert attempt.outcome is outcome
    assert any("helped" in one for one in lines) is (outcome is Outcome.RECOVERED)


def test_what_was_taken_away_in_mid_incident_is_remembered(
    watch: Watcher, night: Installation
) -> None:
    """It failed first, was removed while another failed, and that one answers in the end."""
    w = watch()
    w(_round())
    w.go_through_restart()
    w(_round(SMTP))
    w(Passed(frozenset({"SMTP:25"})), after=1)
    assert w.told[-1].incident.unwatched == ("IMAPS:993",)
    title, lines, _ = _last(w, night)
    assert title == "Mail flows again on mx1"
    assert "IMAPS is no longer watched; it is not known whether it answers." in lines


def test_opened_for_a_target_that_crashed(watch: Watcher, night: Installation) -> None:
    """The target's own story is told."""
    w = watch()
    detail = "The kernel killed stalwart because it ran out of memory: give it more memory."
    w(_round(SMTP, condition=Condition.OOM_KILLED, detail=detail))
    assert _last(w, night) == (
        "Mail is down on mx1: SMTP",
        [
            "SMTP: no greeting within 5 s, since 03:00.",
            detail,
            "mailwatch is restarting container stalwart now.",
        ],
        Severity.WARNING,
    )


def test_opened_while_docker_does_not_answer(watch: Watcher, night: Installation) -> None:
    """No promise of a restart that can't be given."""
    w = watch()
    detail = "Nothing listens on the Docker socket: start Docker with `systemctl start docker`."
    w(_round(condition=Condition.UNREACHABLE, detail=detail))
    assert _last(w, night)[1] == [
        *FAILS,
        f"Not restarted. {detail}",
        "mailwatch keeps checking, and restarts it as soon as it can.",
    ]


def test_opened_within_the_cooldown(watch: Watcher, night: Installation) -> None:
    """The time from which the restart is allowed is named."""
    w = watch()
    w.state = w.state.with_target(last_cure=Now(-100, WALL - 100))
    w(_round())
    assert _last(w, night)[1] == [
        *FAILS,
        "Not restarted: the last restart, or the recovery after it, was too recent.",
        "mailwatch keeps checking, and may restart it at 03:03.",
    ]


def test_recovered_by_the_restart(watch: Watcher, night: Installation) -> None:
    """How long it lasted and what helped, first restart or a later one."""
    w = watch()
    w(_round(cause="the disk is full"))
    w.go_through_restart()
    w(Passed())
    assert _last(w, night) == (
        "Mail flows again on mx1",
        [
            "SMTP and IMAPS were down from 03:00 to 03:00 (20 s); everything answers again.",
            "Likely cause: the disk is full.",
            "The restart of container stalwart at 03:00 helped.",
        ],
        Severity.INFO,
    )
    w = watch()
    w.escalate()
    w.fail(after=300)
    w.go_through_restart()
    w(Passed())
    assert "Restart number 2 of container stalwart, at 03:06, helped." in _last(w, night)[1][-1]


def test_recovered_though_the_restart_did_not_help(watch: Watcher, night: Installation) -> None:
    """No claim is made for a restart that was given up, nor for one that was cut short."""
    w = watch()
    w.escalate()
    w(Passed(), after=3600)
    assert _last(w, night)[1] == [
        "S1 was down from 03:00 to 04:01 (1 h 1 min); everything answers again.",
        "mailwatch ordered a restart of container stalwart at 03:00. It did not help in time.",
    ]
    w = watch()
    w.fail()
    w(Restored(TargetState(Condition.UNREACHABLE)), after=1)
    w(Passed(), after=1)
    assert _last(w, night)[1][-1] == (
        "mailwatch ordered a restart of container stalwart at 03:00. "
        "mailwatch itself was stopped in the middle of it."
    )


def test_recovered_without_any_restart(watch: Watcher, night: Installation) -> None:
    """And says so."""
    w = watch()
    w.fail(condition=Condition.STOPPED)
    w(Passed(), after=60)
    assert _last(w, night)[1][-1] == "mailwatch did not restart container stalwart."


def test_escalated_after_a_restart_in_vain(watch: Watcher, night: Installation) -> None:
    """All of it in one message: what, since when, done, next, where to look."""
    w = watch()
    w(_round(cause="the disk is full"))
    w.go_through_restart()
    w(_round(), after=60)
    assert _last(w, night) == (
        CALLED,
        [
            *FAILS,
            "Likely cause before the restart: the disk is full.",
            "mailwatch ordered a restart of container stalwart at 03:00. It did not help in time.",
            "mailwatch keeps checking, and may restart it at 03:06.",
            LOOK,
        ],
        Severity.CRITICAL,
    )


def test_escalated_for_a_restart_that_was_refused(watch: Watcher, night: Installation) -> None:
    """The restarter's own sentence, with its remedy."""
    w = watch()
    w(_round())
    w(RestartEnded(words("User mailwatch may not use the Docker socket: add it to group docker.")))
    assert _last(w, night)[1][3:] == [
        "mailwatch ordered a restart of container stalwart at 03:00. "
        "User mailwatch may not use the Docker socket: add it to group docker.",
        "mailwatch keeps checking, and may restart it at 03:05.",
        LOOK,
    ]


@pytest.mark.parametrize("code", ["died", "hopeless-ended"])
def test_a_call_names_early_how_the_server_ended(code: str) -> None:
    """However many services fail, its exit code and last words are what is read first."""
    body = messages()[f"escalated-{code}"].body
    assert "exit code 1" in body[:350]
    assert "config.json" in body[:350]


def test_the_call_for_a_restart_that_failed_tells_the_older_cause_as_such(
    watch: Watcher, night: Installation
) -> None:
    """With no cure for it; what is seen later is what is told from then on."""
    stopped = fact("stopped-processes", marked=1, count=1, names=("stalwart",))
    w = watch(remind_every_s=60)
    w(replace(_round(), cause=stopped, looked=True))
    w(RestartEnded(words("The container did not start: no such file.")))
    lines = _last(w, night)[1]
    assert "Cause before the restart: stopped processes (SIGSTOP): 1 of 1 (stalwart)." in lines
    assert not any(said.startswith("What to do") for said in lines)
    later = fact("not-running", status="exited", exit_code=1, words="no configuration")
    w(replace(_round(), cause=later, looked=True), after=70)
    assert any(said.startswith("Cause: the container does not run") for said in _last(w, night)[1])
    assert w.told[-1].topic is Topic.REMINDER


def test_escalated_when_other_services_fail_than_at_first(
    watch: Watcher, night: Installation
) -> None:
    """Nobody is told that IMAP failed before it did."""
    w = watch()
    w(_round(SMTP))
    w.go_through_restart()
    w(_round(IMAPS), after=60)
    assert _last(w, night)[1][:2] == [
        "Down since 03:00. SMTP failed first; now:",
        "- IMAPS: TLS took longer than 5 s",
    ]


UP_TO_YOU = "mailwatch keeps checking and tells you when mail flows again; restarting is up to you."
WHEN_IT_CAN = "mailwatch keeps checking, and restarts it as soon as it can."


@pytest.mark.parametrize(
    ("failure", "target", "policy", "said"),
    [
        (
            Failure("SMTP:25", Fault.CERTIFICATE, words("the certificate has expired")),
            {},
            {},
            [
                "Not restarted: a restart does not cure this kind of failure.",
                UP_TO_YOU,
            ],
        ),
        (
            SMTP,
            {"condition": Condition.MISSING, "detail": "There is no container named stalwart."},
            {},
            [
                "Not restarted. There is no container named stalwart.",
                WHEN_IT_CAN,
            ],
        ),
        (
            SMTP,
            {"condition": Condition.DENIED},
            {},
            [
                "Not restarted: mailwatch may not talk to its engine.",
                WHEN_IT_CAN,
            ],
        ),
        (
            SMTP,
            {},
            {"max_restarts": 0},
            [
                "Not restarted: restarts are switched off (max_restarts = 0).",
                UP_TO_YOU,
            ],
        ),
    ],
)
def test_escalated_at_once(
    watch: Watcher,
    night: Installation,
    failure: Failure,
    target: dict[str, Any],
    policy: dict[str, Any],
    said: list[str],
) -> None:
    """Why it is not restarted, and whether that is the reader's to do."""
    w = watch(**policy)
    w.state = w.state.with_target(seen=True)
    w(_round(failure, **target))
    title, lines, severity = _last(w, night)
    assert (title, severity) == (CALLED, Severity.CRITICAL)
    assert lines[1:] == [*said, LOOK]


@pytest.mark.parametrize(
    ("seen_as", "named"),
    [
        ("172.17.0.1", "172.17.0.1 (this host, as it sees it)"),
        ("1\n2", "1\\n2 (this host, as it sees it)"),
        ("", "the address that it sees for this host (`mailwatch doctor` names it)"),
    ],
)
def test_escalated_for_a_ban_in_words(
    watch: Watcher, night: Installation, seen_as: str, named: str
) -> None:
    """The server's own words, and what to allow-list there."""
    w = watch()
    said = "the greeting was '554 5.7.1 Client host rejected', not 220"
    target = TargetState(Condition.RUNNING, started_at=WALL - 86_400, seen_as=seen_as)
    w(Failed(Situation((Failure("SMTP:25", Fault.REJECTED, words(said)),), 1, target)))
    title, lines, severity = _last(w, night)
    assert (title, severity) == (CALLED, Severity.CRITICAL)
    assert lines == [
        f"SMTP: {said}, since 03:00.",
        "Not restarted: a restart does not cure this kind of failure.",
        UP_TO_YOU,
        f"What to do: the mail server itself turns away {named}; unblock and allow-list that "
        "address there, or raise the limit that the reply names.",
        LOOK,
    ]


def test_a_packet_filter_is_told_with_whom_it_keeps_out(
    watch: Watcher, night: Installation
) -> None:
    """The mail server knows nothing of it, so its log is no place to look."""
    w = watch()
    target = TargetState(Condition.RUNNING, started_at=WALL - 86_400, seen_as="172.17.0.1")
    hidden = Failure("SMTP:25", Fault.REJECTED, words("swallowed"), Mask.FILTER)
    w(Failed(Situation((hidden,), 1, target)))
    _, lines, _ = _last(w, night)
    assert lines[-2] == (
        "What to do: find the packet filter (fail2ban's, say) in container stalwart or on this "
        "host that drops what comes from 172.17.0.1 (this host, as it sees it); unblock and "
        "allow-list that address."
    )


def test_escalated_for_what_never_passed_as_configured(watch: Watcher, night: Installation) -> None:
    """It is said that the mistake may be in the configuration, and which keys to look at."""
    w = watch()
    w.fail(Fault.TLS, Fault.STATUS, unproven=frozenset({"S1:1", "S2:2"}))
    title, lines, severity = _last(w, night)
    assert (title, severity) == (CALLED, Severity.CRITICAL)
    assert lines[3:] == [
        "Not restarted: mailwatch has never seen them answer as configured now, so its own "
        "settings may be wrong, which no restart cures.",
        UP_TO_YOU,
        "What to do: run `mailwatch check`, and compare port, probe, tls and the like in the "
        "configuration with what the server offers. If they are right, restart it yourself: once "
        "it has answered, mailwatch will.",
        LOOK,
    ]


def test_escalated_for_a_ban(watch: Watcher, night: Installation) -> None:
    """Ban, limit or nothing behind the port: what to look for, and what cures each."""
    w = watch()
    w.fail(*[Fault.DROPPED] * 4)
    assert _last(w, night)[1][5:] == [
        "Not restarted: every service closes the connection at once, the sign of a ban or of a "
        "connection limit, which no restart cures.",
        UP_TO_YOU,
        "What to do: see whether the mail server has banned the address that it sees for this "
        "host (`mailwatch doctor` names it); if so, unblock and allow-list it. If nothing listens "
        "behind the published ports, restart it.",
        LOOK,
    ]


def test_a_cause_that_is_no_ban_makes_none_certain(watch: Watcher, night: Installation) -> None:
    """Not that others are served, which only who names the ban can know."""
    w = watch()
    target = TargetState(Condition.RUNNING, started_at=WALL - 86_400)
    dropped = Failure("SMTP:25", Fault.DROPPED, words("closed at once"))
    cause = fact("server-part-silent", server="Dovecot", part="auth")
    w(Failed(Situation((dropped,), 1, target), cause))
    said = "\n".join(_last(w, night)[1])
    assert "the sign of a ban or of a connection limit" in said
    assert "others may well be served" not in said


def test_a_ban_names_the_address_that_the_container_sees(
    watch: Watcher, night: Installation
) -> None:
    """What to allow-list stands in the message, whatever the engine calls it."""
    dropped = Failure("SMTP:25", Fault.DROPPED, words("closed at once"))
    for seen_as, named in (("172.17.0.1", "172.17.0.1"), ("1\n2", "1\\n2")):
        w = watch()
        target = TargetState(Condition.RUNNING, started_at=WALL - 86_400, seen_as=seen_as)
        w(Failed(Situation((dropped,), 1, target)))
        assert _last(w, night)[1][3].startswith(
            f"What to do: see whether the mail server has banned {named} (this host, as it sees "
            "it); if so, unblock and allow-list it."
        )


def test_escalated_with_a_spent_budget(watch: Watcher, night: Installation) -> None:
    """The time at which it frees is named once."""
    w = watch(max_restarts=1, window_s=3600, cooldown_s=0, backoff_s=0)
    w.state = w.state.with_target(restarts=(Now(-600, WALL - 600),))
    w(_round())
    assert _last(w, night)[1][3:] == [
        "Not restarted: the restart budget is spent.",
        "mailwatch keeps checking, and may restart it at 03:50.",
        LOOK,
    ]


def test_reminded(watch: Watcher, night: Installation) -> None:
    """The same, with how long it lasts by now, and loud enough to wake."""
    w = watch(max_restarts=1)
    w(_round())
    w.go_through_restart()
    w(_round(), after=60)
    w(_round(), after=4 * 3600)
    assert _last(w, night) == (
        "Mail has been down on mx1 for 4 h 1 min",
        [
            *FAILS,
            "mailwatch ordered a restart of container stalwart at 03:00. It did not help in time.",
            "Not restarted: the restart budget is spent.",
            "mailwatch keeps checking, and may restart it at 09:00.",
            LOOK,
        ],
        Severity.URGENT,
    )


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (
            "Somebody stopped stalwart: `docker start stalwart` starts it.",
            "Not restarted. Somebody stopped stalwart: `docker start stalwart` starts it.",
        ),
        ("", "Not restarted: somebody stopped it on purpose."),
    ],
)
def test_held(watch: Watcher, night: Installation, detail: str, said: str) -> None:
    """What somebody did, how to undo it, and that nothing else is needed."""
    w = watch()
    w(_round(condition=Condition.STOPPED, detail=detail))
    assert _last(w, night) == (
        "Mail is down on mx1 and left alone",
        [*FAILS, said, "mailwatch leaves it alone until it runs again."],
        Severity.WARNING,
    )


def test_many_services_are_counted(watch: Watcher, night: Installation) -> None:
    """Five lines at most, and every service is in them or counted."""
    w = watch()
    w.fail(*[Fault.SILENT] * 5, watched=9)
    assert len([line for line in _last(w, night)[1] if line.startswith("- ")]) == 5
    w = watch()
    w.fail(*[Fault.SILENT] * 9, watched=9)
    title, lines, _ = _last(w, night)
    assert title == "Mail is down on mx1: 9 services"
    assert lines[1:6] == [
        *(f"- S{n}: detail {n}" for n in range(1, 5)),
        "- and 5 more services, in other ways",
    ]


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        (Hold(Reason.PAUSED, until=60), "mailwatch is paused until 03:01:00"),
        (
            Hold(Reason.STARTING, until=60),
            "it is still starting, and has until 03:01:00 at the latest",
        ),
        (
            Hold(Reason.TOO_EARLY, until=60),
            "the failure has not lasted long enough; it must last until 03:01:00",
        ),
        (
            Hold(Reason.BUDGET, until=60),
            "the restart budget is spent; the next one may come at 03:01:00",
        ),
        (Hold(Reason.BUDGET), "restarts are switched off (max_restarts = 0)"),
        (Hold(Reason.MISSING), "it does not exist"),
        (Hold(Reason.UNREACHABLE), "its engine does not answer"),
        (Hold(Reason.UNREACHABLE, words("Docker is stopped.")), "Docker is stopped"),
    ],
)
def test_the_log_names_the_end_of_a_reason(night: Installation, hold: Hold, said: str) -> None:
    """Where time ends it, the time is said."""
    assert night.say(why(hold, Now(0, WALL))) == said


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(night: Installation, reason: Reason) -> None:
    """In ASCII, without a full stop, for the middle of a sentence."""
    for until in (None, 60.0):
        said = night.say(why(Hold(reason, until=until), Now(0, WALL)))
        assert said.isascii()
        assert said
        assert said[-1] != "."


def test_a_notice_belongs_to_no_incident(night: Installation) -> None:
    """It's about mailwatch itself."""
    said = notice(words("title"), [words("body")], Now(1, 2), night, Severity.WARNING)
    assert (said.topic, said.severity) == (Topic.NOTICE, Severity.WARNING)
    assert (said.title, said.body, said.at, said.incident) == ("title", "body", 2.0, "")
