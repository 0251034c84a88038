from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.known_good import KnownGood, look, proven, unproven
from mailwatch.core.model import Fault, Reading, Verdict

SETTINGS = {"SMTP:25": "a", "IMAPS:993": "b"}


def _read(service: str, verdict: Verdict) -> Reading:
    return Reading(service, verdict, Fault.TLS if verdict is Verdict.FAIL else None)


def test_one_pass_proves_a_service_for_good() -> None:
    """What fails or is unmeasured later has passed all the same; what never passed has not."""
    known = look(KnownGood(), [_read("SMTP:25", Verdict.PASS)], SETTINGS)
    assert known == KnownGood({"SMTP:25": "a"})
    for verdict in (Verdict.FAIL, Verdict.UNMEASURED):
        again = look(known, [_read(service, verdict) for service in SETTINGS], SETTINGS)
        assert again == known
    assert unproven(known, SETTINGS) == {"IMAPS:993"}


def test_other_settings_have_to_be_proven_anew() -> None:
    """A service that is asked in another way, or was away for a round, is unproven again."""
    known = KnownGood({"SMTP:25": "a", "IMAPS:993": "b"})
    assert unproven(known, {"SMTP:25": "other", "IMAPS:993": "b"}) == {"SMTP:25"}
    after = look(known, [], {"SMTP:25": "other", "IMAPS:993": "b"})
    assert after == KnownGood({"IMAPS:993": "b"})
    assert look(known, [], {"SMTP:25": "a"}) == KnownGood({"SMTP:25": "a"})


def test_a_reading_of_what_is_not_watched_proves_nothing() -> None:
    """The last round before a reload may tell of a service that is gone."""
    assert look(KnownGood(), [_read("POP3:110", Verdict.PASS)], SETTINGS) == KnownGood()


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abc"), st.sampled_from("12")),
            st.dictionaries(st.sampled_from("abc"), st.sampled_from(list(Verdict))),
        )
    )
)
def test_proven_is_what_passed_since_its_settings_are_these(
    rounds: list[tuple[dict[str, str], dict[str, Verdict]]],
) -> None:
    """Whatever is reloaded and answers between two rounds, and only that."""
    known, expected = KnownGood(), dict[str, str]()
    for settings, verdicts in rounds:
        known = look(known, [_read(s, verdict) for s, verdict in verdicts.items()], settings)
        for service in "abc":
            if service in settings and verdicts.get(service) is Verdict.PASS:
                expected[service] = settings[service]
            elif service in expected and expected[service] != settings.get(service):
                del expected[service]
        assert known.passed == expected
        assert unproven(known, settings) == set(settings) - set(expected)
        assert proven(known, settings) == set(settings) & set(expected)
